"""The settings: the environment, read once into one frozen value.

Owns every setting's name, default, form and help, in one table (the fields of `Settings`), from
which the flags of `serve` and docs/settings.md are made. Leaves what a setting does to the parts
that are given its value. Imports nothing heavy, so that `pack` starts at once.

The law: docs/settings.md. A variable that begins with PACKMULE_ and is not in the table, or whose
value is not of its form, stops the program, with all faults named at once.
"""

# ruff: noqa: RUF009  # `_setting` is `field` by another name: it makes no default value

from __future__ import annotations

import difflib
import re
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

from packmule.errors import SettingInvalid
from packmule.outbound.addresses import Network, Ports, parse_networks, parse_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX = "PACKMULE_"
_LAST_PORT = 65535
T = TypeVar("T")

# Kubernetes sets these for a service that is called packmule; they are no settings of ours.
_SERVICE_LINK = re.compile(r"PACKMULE_(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP))")


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. `default` is text of the same form as the variable's value."""

    field: str
    default: str
    parse: Callable[[str], Any]
    help: str
    shown_default: str
    secret: bool

    @property
    def name(self) -> str:
        """The variable's name."""
        return f"{PREFIX}{self.field.upper()}"

    @property
    def flag(self) -> str | None:
        """The flag of `serve`; None for a secret, which other users of a machine could see."""
        return None if self.secret else f"--{self.field.replace('_', '-')}"


# --- the forms a value may have: each raises ValueError with a sentence for people --------------

_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*([kmgtp]i?b|b)?", re.IGNORECASE)
_DURATION = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*(s|min|m|h|d|w)?", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def size(text: str) -> int:
    """Read an amount of bytes: `1048576`, `50 GB` (powers of 1000) or `1 GiB` (of 1024)."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no size: write it like 500 MB, 1 GiB or 1048576")
    unit = (found[2] or "b").lower()
    step = 1024 if "i" in unit else 1000
    return int(float(found[1]) * step ** "bkmgtp".index(unit[0]))


def duration(text: str) -> float:
    """Read a time in seconds: `86400`, `30 s`, `5 min`, `2 h`, `7 d` or `1 w`."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no duration: write it like 30 s, 5 min, 2 h or 7 d")
    return float(found[1]) * _SECONDS[(found[2] or "s").lower()]


def _more_than_zero(parse: Callable[[str], T]) -> Callable[[str], T]:
    def read(text: str) -> T:
        value = parse(text)
        if not cast("float", value) > 0:
            raise ValueError(f"{text!r} must be more than 0")
        return value

    return read


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise ValueError(f"{text!r} is no whole number above 0")
    return int(text)


def _port(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text) or int(text) > _LAST_PORT:
        raise ValueError(f"{text!r} is no port: write a number from 1 to {_LAST_PORT}")
    return int(text)


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.:-]+", text):
        raise ValueError(f"{text!r} is no host: write an address of this machine, like 127.0.0.1")
    return text


def _public_url(text: str) -> str:
    try:
        url = urlsplit(text)
        good = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        good = False
    if not good or url.username or url.query or url.fragment or re.search(r"\s", text):
        raise ValueError(
            f"{text!r} is no address that links can begin with: write it like "
            "https://packmule.example.org, without ? and #"
        )
    return text.rstrip("/")


def _file(text: str) -> Path | None:
    if not text:
        return None
    path = Path(text).absolute()
    if not path.is_file():
        raise ValueError(f"there is no file {text!r}")
    return path


def _database_url(text: str) -> str:
    # Never repeat the value: it may hold a password.
    if text and not text.startswith("sqlite:///"):
        raise ValueError("only SQLite can be used: write sqlite:///path/to/packmule.db")
    return text


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"{text!r} is none of {', '.join(words)}")
        return text.lower()

    return read


# --- the table ---------------------------------------------------------------------------------


def _setting(
    default: str,
    parse: Callable[[str], T],
    help_: str,
    *,
    shown_default: str | None = None,
    secret: bool = False,
) -> T:
    """Declare a field of `Settings` together with its row."""
    shown = default if shown_default is None else shown_default
    row = (default, parse, help_, shown, secret)
    return cast("T", field(metadata={"row": row}, repr=not secret))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator decided. Sizes in bytes, times in seconds; secrets are never shown."""

    host: str = _setting("127.0.0.1", _host, "address the API listens on")
    port: int = _setting("8000", _port, "port the API listens on")
    public_url: str = _setting(
        "",
        lambda text: _public_url(text) if text else "",
        "what links to archives begin with",
        shown_default="http://localhost:PORT",
    )
    data_dir: Path = _setting(
        "packmule-data",
        lambda text: Path(text).absolute(),
        "folder of the database, the scratch and the archives",
        shown_default="./packmule-data",
    )
    database_url: str = _setting(
        "",
        _database_url,
        "database of the jobs",
        shown_default="a file in the data directory",
        secret=True,
    )
    allow_networks: tuple[Network, ...] = _setting(
        "",
        parse_networks,
        "networks that may be reached although they are not public, like 10.1.0.0/16",
        shown_default="none",
    )
    allow_ports: Ports = _setting(
        "80,443,1024-65535", parse_ports, "ports that links may name; one named alone is open"
    )
    ca_file: Path | None = _setting(
        "",
        _file,
        "certificate authorities (PEM) that https sources are checked against",
        shown_default="those of certifi",
    )
    max_urls: int = _setting("10000", _count, "links in a job")
    max_file_bytes: int = _setting("50 GB", _more_than_zero(size), "size of a file")
    max_archive_bytes: int = _setting("500 GB", _more_than_zero(size), "size of an archive")
    concurrent_jobs: int = _setting("8", _count, "jobs that a worker runs at once")
    transfers: int = _setting("32", _count, "transfers that a worker makes at once")
    transfers_per_host: int = _setting("8", _count, "of which to one host")
    connect_timeout: float = _setting(
        "10 s", _more_than_zero(duration), "time in which a connection must be made"
    )
    stall_timeout: float = _setting(
        "30 s", _more_than_zero(duration), "time without bytes after which a transfer is cut"
    )
    attempts: int = _setting("8", _count, "tries without progress before a file has failed")
    retention: float = _setting(
        "7 d", _more_than_zero(duration), "time after which archives are removed"
    )
    min_free_bytes: int = _setting("1 GB", size, "free space below which no job begins to write")
    drain_timeout: float = _setting(
        "30 s", duration, "time that downloads and jobs are given to come to an end at a stop"
    )
    log_format: str = _setting(
        "auto",
        _one_of("auto", "text", "json"),
        "text or json",
        shown_default="text on a terminal, else json",
    )
    log_level: str = _setting(
        "info", _one_of("debug", "info", "warning", "error"), "the least that is logged"
    )


def _row(of: Field[Any]) -> Setting:
    default, parse, help_, shown, secret = of.metadata["row"]
    return Setting(of.name, default, parse, help_, shown, secret)


TABLE: tuple[Setting, ...] = tuple(_row(each) for each in fields(Settings))


def read(environment: Mapping[str, str]) -> Settings:
    """Read the settings; a variable that is empty counts as not set.

    Raises SettingInvalid, whose text names every fault, a line each.
    """
    given = {
        name: value.strip()
        for name, value in environment.items()
        if name.startswith(PREFIX) and value.strip() and not _is_service_link(name, value)
    }
    names = [setting.name for setting in TABLE]
    faults = [_unknown(name, names) for name in sorted(set(given) - set(names))]
    values: dict[str, Any] = {}
    for setting in TABLE:
        try:
            values[setting.field] = setting.parse(given.get(setting.name, setting.default))
        except ValueError as error:
            faults.append(f"{setting.name}: {error}.")
    if faults:
        raise SettingInvalid("\n".join(faults))
    values["public_url"] = values["public_url"] or f"http://localhost:{values['port']}"
    values["database_url"] = (
        values["database_url"] or f"sqlite:///{values['data_dir'] / 'packmule.db'}"
    )
    return Settings(**values)


def _is_service_link(name: str, value: str) -> bool:
    return bool(_SERVICE_LINK.match(name)) or (
        name == f"{PREFIX}PORT" and value.startswith("tcp://")
    )


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "docs/settings.md lists those there are."
    return f"{name}: there is no such setting; {hint}"


def as_markdown() -> str:
    """Write the table as docs/settings.md shows it."""
    rows = [f"| `{s.name}` | {s.shown_default} | {s.help} |" for s in TABLE]
    return "\n".join(["| setting | default | |", "|---|---|---|", *rows])
