"""The languages of the page: each has every string, and no string is written anywhere else."""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from tests.house.tree import files_under, read

from packmule.web.language import DEFAULT, LANGUAGES
from packmule.web.views import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPTS = [
    each for each in files_under("src", suffixes=frozenset({".js"})) if "static" in each.parts
]
MODULES = [each for each in files_under("src", suffixes=frozenset({".py"})) if "web" in each.parts]
TEMPLATES = [
    each
    for each in files_under("src", suffixes=frozenset({".html"}))
    if each.name != "api_reference.html"  # the reference is in English, as the API is
]
OTHERS = tuple(sorted(set(LANGUAGES) - {DEFAULT}))

# Keys that are made of a prefix and a name of the program: of a code, a state, an action.
MADE_OF = (
    *("failure.", "status.", "warning.", "view.", "state.", "action.", "count.", "files.state."),
    *("recipient.", "options."),
)

NOT_VALUE = re.compile(r"{\w+}")

# Words on the page that are the same in all languages.
NAMES = {"Packmule"}
VISIBLE_ATTRIBUTE = re.compile(
    r'\b(?:aria-label|title|alt|content|value)="([^"{]*[A-Za-z]{2}[^"{]*)"'
)
NOT_SHOWN = re.compile(
    r"{[{%#].*?[}%#]}|<!--.*?-->|<(?:style|script)[^>]*>.*?</(?:style|script)>|<[^>]*>", re.DOTALL
)

STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`')
COMMENT = re.compile(r"(?:^|\s)//.*$", re.MULTILINE)
# A sentence has two words with a space between them, or is one word with a capital letter.
SENTENCE = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}|^[A-Z][a-z]+$")
NOT_SAID = re.compile(
    # Headers, keys, tags, selectors, and what only a developer sees.
    r"^(?:Retry-After|Authorization|Bearer .*|Idempotency-Key|Content-Type|Enter|INPUT|TEXTAREA|"
    r"SELECT|BUTTON|Storage|noopener noreferrer|.* bytes are too many)$|[\[\]#]"
)
EXTENSIONS = "kinds.js"  # lists of them, separated by spaces
CLASSES = {
    name
    for path in files_under("src", suffixes=frozenset({".css"}))
    for name in re.findall(r"\.([a-z-]+)", read(path))
}


def forms(language: str, key: str) -> dict[str, str]:
    """Give the forms of a string, by their names."""
    found = LANGUAGES[language].strings[key]
    return {"": found} if isinstance(found, str) else dict(found)


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_every_string_and_no_other(language: str) -> None:
    assert set(LANGUAGES[language].strings) == set(LANGUAGES[DEFAULT].strings)


@pytest.mark.parametrize("language", OTHERS)
def test_a_string_has_the_same_values_and_forms_in_each_language(language: str) -> None:
    differing = {}
    for key in LANGUAGES[DEFAULT].strings:
        mine, theirs = forms(DEFAULT, key), forms(language, key)
        values = [set(re.findall(r"{(\w+)}", " ".join(each.values()))) for each in (mine, theirs)]
        if set(mine) != set(theirs) or values[0] != values[1]:
            differing[key] = (mine, theirs)
    assert differing == {}


@pytest.mark.parametrize("language", OTHERS)
def test_a_string_is_translated(language: str) -> None:
    """Those that are the same in both are names, signs or words that both have."""
    same = [
        key
        for key in LANGUAGES[DEFAULT].strings
        if forms(DEFAULT, key) == forms(language, key)
        and any(
            re.search(r"[a-z]{2,} [a-z]{2,}", NOT_VALUE.sub("", each))
            for each in forms(DEFAULT, key).values()
        )
    ]
    assert same == []


def used() -> set[str]:
    """List the keys that scripts, templates and modules name."""
    sources = [*SCRIPTS, *TEMPLATES, *MODULES]
    text = "\n".join(map(read, sources))
    return set(re.findall(r"[\"'`]([a-z0-9]+(?:[.-][a-z0-9]+)+)[\"'`]", text))


def test_every_string_is_used() -> None:
    idle = {
        key
        for key in LANGUAGES[DEFAULT].strings
        if key not in used() and not key.startswith(MADE_OF) and key != "language"
    }
    assert idle == set()


def test_every_string_that_is_asked_for_is_there() -> None:
    asked = set(
        chain.from_iterable(
            re.findall(r"(?:\bt|language)\(\s*[\"']([a-z0-9.-]+[a-z0-9])[\"']", read(each))
            for each in [
                *SCRIPTS,
                *TEMPLATES,
                *MODULES,
            ]
        )
    )
    assert asked
    assert asked - set(LANGUAGES[DEFAULT].strings) == set()


def test_every_view_has_its_title_and_every_action_its_label() -> None:
    actions = set(chain.from_iterable(row["actions"] for row in TABLE.values()))
    keys = {f"view.{name}" for name in TABLE} | {f"action.{each}" for each in actions}
    assert keys - set(LANGUAGES[DEFAULT].strings) == set()


def test_no_template_has_words_of_its_own() -> None:
    found = {}
    for path in TEMPLATES:
        text = read(path)
        words = NOT_SHOWN.sub(" ", text)
        shown = [each.strip() for each in words.split("\n") if re.search(r"[A-Za-z]{2}", each)]
        shown += [
            each
            for each in VISIBLE_ATTRIBUTE.findall(text)
            if not re.search(
                r'name="(?:viewport|color-scheme|robots)"', text.partition(each)[0][-60:]
            )
            and each != "true"
        ]
        left = Counter(each for each in shown if each.strip(" :") not in NAMES)
        if left:
            found[path.name] = left
    assert found == {}


def sentences(text: str) -> Iterator[str]:
    for double, template in STRING.findall(COMMENT.sub("", text)):
        said = re.sub(r"\$\{[^}]*\}", "", double or template)
        if SENTENCE.search(said) and not NOT_SAID.search(said) and not {*said.split()} <= CLASSES:
            yield said


def test_no_script_has_words_of_its_own() -> None:
    found = {each.name: [*sentences(read(each))] for each in SCRIPTS if each.name != EXTENSIONS}
    assert {name: said for name, said in found.items() if said} == {}


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ('say("The list is empty")', True),
        ('make("p", {}, "Retry")', True),
        ("write(`${count} files left`)", True),
        ('make("a", { class: "button second" })', False),
        ('// says "The list is empty"', False),
    ],
)
def test_words_in_a_script_are_found(script: str, *, found: bool) -> None:
    assert bool([*sentences(script)]) is found
