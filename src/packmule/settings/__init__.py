"""The settings: the environment, read once into one frozen value.

Owns every setting's name, default and help, in one table (the fields of `Settings`), from which
the flags of `serve` and docs/settings.md are made. Leaves reading the values to `forms.py`, and
what a setting does to the parts that are given its value. Imports nothing heavy, so that `pack`
starts at once.

The law: docs/settings.md. A variable that begins with PACKMULE_ and is not in the table, or whose
value is not of its form, stops the program, with all faults named at once.
"""

# ruff: noqa: RUF009  # `_setting` is `field` by another name: it makes no default value

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from packmule.errors import SettingInvalid
from packmule.outbound.addresses import Network, Ports, parse_networks, parse_ports
from packmule.settings import forms
from packmule.settings.forms import duration, size
from packmule.settings.names import PREFIX, is_of_others, unknown
from packmule.settings.setting import Setting
from packmule.web.api_keys import ApiKey, distinct, parse_keys, read_keys
from packmule.web.rate_limit import Rate, parse_rate
from packmule.web.sendfile import Sendfile, parse_sendfile
from packmule.webhook.signing import Secrets, parse_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")


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

    host: str = _setting("127.0.0.1", forms.host, "address the API listens on")
    port: int = _setting("8000", forms.port, "port the API listens on")
    public_url: str = _setting(
        "",
        lambda text: forms.public_url(text) if text else "",
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
        forms.database_url,
        "database of the jobs; postgresql://… lets many machines work on them",
        shown_default="a file in the data directory",
        secret=True,
    )
    storage_url: str = _setting(
        "",
        forms.storage_url,
        "bucket of the archives, like s3://bucket/prefix; AWS_* variables say how it is reached",
        shown_default="a folder of the data directory",
    )
    s3_downloads: str = _setting(
        "proxy",
        forms.one_of("proxy", "redirect"),
        "archives in a bucket are sent through the API, or clients are redirected to the bucket",
    )
    s3_encryption: str = _setting(
        "",
        forms.encryption,
        "how the bucket encrypts archives: AES256, aws:kms, or aws:kms:KEY",
        shown_default="as the bucket is set",
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
        forms.file,
        "certificate authorities (PEM) that https sources are checked against",
        shown_default="those of certifi",
    )
    max_urls: int = _setting("10000", forms.count, "links in a job")
    max_url_length: int = _setting("8192", forms.count, "characters of a link, or of a redirect's")
    max_body_bytes: int = _setting(
        "",
        lambda text: forms.more_than_zero(size)(text) if text else 0,
        "size of a request's body",
        shown_default="1 MiB, and 1 KiB for each of PACKMULE_MAX_URLS",
    )
    body_timeout: float = _setting(
        "60 s", forms.more_than_zero(duration), "time in which a request's body must be there"
    )
    max_head_bytes: int = _setting(
        "64 KiB",
        forms.between(8192, 300 * 1024, size),  # the least that hyper, the most that libcurl takes
        "size of a head: a request's, or an origin's answer's with its interim ones",
    )
    connections: int = _setting("1024", forms.count, "connections that the API holds open at once")
    long_polls: int = _setting("256", forms.count, "answers that may wait (`wait`) at once")
    event_streams: int = _setting("512", forms.count, "streams of events that may be open at once")
    max_file_bytes: int = _setting("50 GB", forms.more_than_zero(size), "size of a file")
    max_archive_bytes: int = _setting("500 GB", forms.more_than_zero(size), "size of an archive")
    max_unpack_ratio: int = _setting(
        "200", forms.count, "times its size on the wire that a wrapped file may become"
    )
    max_redirects: int = _setting("10", forms.count, "redirects in a row")
    concurrent_jobs: int = _setting(
        "8", forms.count, "jobs that a worker runs at once; more beside those that last"
    )
    transfers: int = _setting("32", forms.count, "transfers that a worker makes at once")
    transfers_per_host: int = _setting(
        "32", forms.count, "of which to one host; more than 8 only where its files are small"
    )
    connect_timeout: float = _setting(
        "10 s", forms.more_than_zero(duration), "time in which a connection must be made"
    )
    stall_timeout: float = _setting(
        "30 s", forms.more_than_zero(duration), "time without bytes after which a transfer is cut"
    )
    file_timeout: float = _setting(
        "24 h", forms.more_than_zero(duration), "time from a file's first try to its end"
    )
    attempts: int = _setting("8", forms.count, "tries without progress before a file has failed")
    retention: float = _setting(
        "7 d", forms.more_than_zero(duration), "time after which archives are removed"
    )
    min_free_bytes: int = _setting("1 GB", size, "free space below which no job begins to write")
    max_scratch_bytes: int = _setting(
        "2 GB",
        forms.more_than_zero(size),
        "what archives on their way to a bucket take of a worker's disk before transfers wait",
    )
    expire_when_full: str = _setting(
        "on",
        forms.one_of("on", "off"),
        "let the oldest archives expire before their time where the disk runs short",
    )
    verify: str = _setting(
        "directory",
        forms.one_of("directory", "full"),
        "what is read back before an archive is completed: its directory, or every file as well",
    )
    drain_timeout: float = _setting(
        "30 s", duration, "time that downloads and jobs are given to come to an end at a stop"
    )
    api_keys: tuple[ApiKey, ...] = _setting(
        "",
        parse_keys,
        "keys of the clients that may create archives, like ann:KEY; `packmule keys new` makes one",
        shown_default="none: everybody may",
        secret=True,
    )
    api_keys_file: tuple[ApiKey, ...] = _setting(
        "", read_keys, "file with more of them, an entry a line", shown_default="none"
    )
    trusted_proxies: tuple[Network, ...] = _setting(
        "",
        parse_networks,
        "networks of your own proxies, whose X-Forwarded-For is believed",
        shown_default="none",
    )
    rate_limit: Rate | None = _setting(
        "60/min", parse_rate, "creates and retries of a client, like 5/s or 1000/h, or off"
    )
    quota_jobs: int | None = _setting(
        "100", forms.or_off(forms.count), "jobs that a client may have open at once, or off"
    )
    quota_bytes: int | None = _setting(
        "off",
        forms.or_off(forms.more_than_zero(size)),
        "size of the archives and open jobs that a client may have at once, or off",
    )
    webhook_url: str | None = _setting(
        "",
        forms.webhook_url,
        "webhook that is told of every job that has ended",
        shown_default="none",
        secret=True,
    )
    webhook_secret: Secrets = _setting(
        "",
        parse_secrets,
        "secret that webhooks are signed with, or several; `packmule webhooks secret` makes one",
        shown_default="none: not signed",
        secret=True,
    )
    webhook_retry_first: float = _setting(
        "5 s",
        forms.more_than_zero(duration),
        "time from a webhook's first try to the second; the later ones in proportion",
    )
    job_webhooks: str = _setting(
        "off", forms.one_of("on", "off"), "whether a job may name a webhook of its own"
    )
    sendfile: Sendfile | None = _setting(
        "none",
        parse_sendfile,
        "how a proxy is told to send archives itself: x-accel-redirect:/place/ (nginx), x-sendfile",
    )
    metrics: str = _setting(
        "private",
        forms.one_of("private", "all", "none"),
        "who may read /metrics: this machine and private networks, everybody, or nobody",
    )
    metrics_token: str = _setting(
        "",
        forms.token,
        "bearer token that reading /metrics takes, from wherever",
        shown_default="none",
        secret=True,
    )
    worker_metrics_port: int = _setting(
        "",
        lambda text: forms.port(text) if text else 0,
        "port on which a worker tells its own metrics, for workers apart from their API",
        shown_default="none",
    )
    access_log: str = _setting(
        "off",
        forms.one_of("on", "off"),
        "tell each request at the level info; it is told at debug anyhow",
    )
    log_format: str = _setting(
        "auto",
        forms.one_of("auto", "text", "json"),
        "text or json",
        shown_default="text on a terminal, else json",
    )
    log_level: str = _setting(
        "info", forms.one_of("debug", "info", "warning", "error"), "the least that is logged"
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
        if name.startswith(PREFIX) and value.strip() and not is_of_others(name, value)
    }
    names = [setting.name for setting in TABLE]
    faults = [unknown(name, names) for name in sorted(set(given) - set(names))]
    values: dict[str, Any] = {}
    for setting in TABLE:
        try:
            values[setting.field] = setting.parse(given.get(setting.name, setting.default))
        except ValueError as error:
            faults.append(f"{setting.name}: {error}.")
    if not faults:
        faults = _shared_keys(values)
    if faults:
        raise SettingInvalid("\n".join(faults))
    values["public_url"] = values["public_url"] or f"http://localhost:{values['port']}"
    values["database_url"] = (
        values["database_url"] or f"sqlite:///{_in_url(values['data_dir'] / 'packmule.db')}"
    )
    values["max_body_bytes"] = values["max_body_bytes"] or _usual_body(values["max_urls"])
    return Settings(**values)


def _shared_keys(values: dict[str, Any]) -> list[str]:
    """Find fault with keys that list and file give to different clients."""
    try:
        distinct([*values["api_keys"], *values["api_keys_file"]])
    except ValueError as error:
        return [f"{PREFIX}API_KEYS_FILE: beside {PREFIX}API_KEYS, {error}."]
    return []


def _in_url(path: Path) -> str:
    """Write a path so that it is read from a database URL as it is."""
    return str(path).replace("%", "%25").replace("?", "%3F")


def _usual_body(max_urls: int) -> int:
    """Give the size of a body for so many links: a kibibyte each, ten times the usual."""
    return 1024 * 1024 + max_urls * 1024


def as_markdown() -> str:
    """Write the table as docs/settings.md shows it."""
    rows = [f"| `{s.name}` | {s.shown_default} | {s.help} |" for s in TABLE]
    return "\n".join(["| setting | default | |", "|---|---|---|", *rows])
