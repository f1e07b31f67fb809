"""Mutations of a module: small changes that a good test notices.

Owns which changes are tried, how one is named, and making it. Pure. Left alone: imports, type
annotations, decorators, docstrings, and the sentences of errors.

A mutation is named `function: statement: before -> after` by its code, not by a line number, so
that the list of equivalent ones outlives edits elsewhere in the file.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Step = tuple[str, int | None]
"""A field of a node, and the place in it where it is a list."""

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
_CALLS = {"all": "any", "any": "all", "max": "min", "min": "max"}
_SKIPPED_FIELDS = {"decorator_list", "annotation", "returns", "type_params", "type_comment", "exc"}
_WHOLE_STATEMENTS = (ast.Raise, ast.Continue, ast.Break, ast.AugAssign, ast.Delete)


@dataclass(frozen=True)
class Mutation:
    """One change: where it is, what stands there instead, and its name."""

    name: str
    line: int
    path: tuple[Step, ...]
    replacement: ast.AST

    def apply(self, module: ast.Module) -> ast.Module:
        """Return a copy of the module with this change in it."""
        changed = copy.deepcopy(module)
        *way, last = self.path
        node: ast.AST = changed
        for step in way:
            node = _follow(node, step)
        field, place = last
        if place is None:
            setattr(node, field, self.replacement)
        else:
            getattr(node, field)[place] = self.replacement
        return ast.fix_missing_locations(changed)


def _follow(node: ast.AST, step: Step) -> ast.AST:
    field, place = step
    value = getattr(node, field)
    followed: ast.AST = value if place is None else value[place]
    return followed


def mutations(module: ast.Module) -> list[Mutation]:
    """List every change that is tried on a module, each with a name of its own."""
    found: list[Mutation] = []
    names = Counter[str]()
    for path, node, where, statement in _walk(module, (), "", ""):
        for replacement in _replacements(node):
            name = f"{where}: {statement}: {_spelled(node)} -> {_spelled(replacement)}"
            names[name] += 1
            if names[name] > 1:
                name += f" (#{names[name]})"
            line = getattr(node, "lineno", 0)
            found.append(Mutation(name, line, path, ast.copy_location(replacement, node)))
    return found


def _spelled(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 100 else f"{text[:97]}..."


def _walk(
    node: ast.AST, path: tuple[Step, ...], where: str, statement: str
) -> Iterator[tuple[tuple[Step, ...], ast.AST, str, str]]:
    """Yield the nodes that may be changed, each with its function and its statement."""
    for step, child in _children(node):
        inside, said = where, statement
        if isinstance(child, ast.stmt):
            if _is_left_alone(child, node, step):
                continue
            said = _head(child)
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inside = f"{where}.{child.name}" if where else child.name
        here = (*path, step)
        yield here, child, inside or "module", said
        yield from _walk(child, here, inside, said)


def _children(node: ast.AST) -> Iterator[tuple[Step, ast.AST]]:
    for field, value in ast.iter_fields(node):
        if field in _SKIPPED_FIELDS:
            continue
        if isinstance(value, ast.AST):
            yield (field, None), value
        elif isinstance(value, list):
            for place, each in enumerate(value):
                if isinstance(each, ast.AST):
                    yield (field, place), each


def _is_left_alone(statement: ast.stmt, parent: ast.AST, step: Step) -> bool:
    """Return whether a statement is none that a test could judge."""
    if isinstance(statement, ast.Import | ast.ImportFrom | ast.Assert):
        return True
    if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
        return True
    is_text = (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
    return is_text and (step == ("body", 0) or isinstance(parent, ast.Module | ast.ClassDef))


def _head(statement: ast.stmt) -> str:
    """Spell a statement without what is indented below it."""
    line = ast.unparse(statement).splitlines()[0]
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return "signature"
    return line if len(line) <= 100 else f"{line[:97]}..."


def _replacements(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare():
            yield from _compared(node)
        case ast.BoolOp():
            other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield ast.BoolOp(other, node.values)
            yield from _without_one(node)
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield operand
        case ast.BinOp(left, operator, right) if type(operator) in _OPERATORS:
            yield ast.BinOp(left, _OPERATORS[type(operator)](), right)
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.Constant(value):
            yield from _constants(value)
        case ast.Call(ast.Name(name), arguments, keywords) if name in _CALLS:
            yield ast.Call(ast.Name(_CALLS[name], ast.Load()), arguments, keywords)
        case ast.Slice():
            yield from _opened(node)
        case ast.stmt():
            yield from _statements(node)


def _compared(node: ast.Compare) -> Iterator[ast.AST]:
    for place, operator in enumerate(node.ops):
        for other in _COMPARISONS[type(operator)]:
            ops = [*node.ops[:place], other(), *node.ops[place + 1 :]]
            yield ast.Compare(node.left, ops, node.comparators)


def _without_one(node: ast.BoolOp) -> Iterator[ast.AST]:
    for place in range(len(node.values)):
        rest = [*node.values[:place], *node.values[place + 1 :]]
        yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)


def _constants(value: object) -> Iterator[ast.AST]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1)
        yield ast.Constant(value - 1)


def _opened(node: ast.Slice) -> Iterator[ast.AST]:
    if node.lower is not None:
        yield ast.Slice(None, node.upper, node.step)
    if node.upper is not None:
        yield ast.Slice(node.lower, None, node.step)


def _statements(node: ast.stmt) -> Iterator[ast.AST]:
    """Drop a statement, or return None in place of a value."""
    match node:
        case ast.Return(value) if value is not None and not _is_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(value) if not isinstance(value, ast.Yield | ast.Constant):
            yield ast.Pass()
        case ast.Assign(targets) if any(
            isinstance(each, ast.Attribute | ast.Subscript) for each in targets
        ):
            yield ast.Pass()
        case _ if isinstance(node, _WHOLE_STATEMENTS):
            yield ast.Pass()


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def sampled(found: Iterable[Mutation], every: int) -> list[Mutation]:
    """Return one mutation of so many, spread over the module."""
    return list(found)[::every]
