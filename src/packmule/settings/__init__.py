"""The settings: environment variables, read once into one frozen value.

Owns every setting's name, default and help, in one table (the fields of `Settings`), from which
the flags of `serve` and docs/settings.md are generated. `forms.py` parses the values; what a
setting does is up to the code that gets its value. Imports nothing slow, so that `pack` starts at
once.

The contract is docs/settings.md. A variable that starts with PACKMULE_ and is not in the table, or
whose value is invalid, stops the program, and all such errors are reported at once.
"""

# ruff: noqa: RUF009  # `_setting` is `field` by another name: it makes no default value

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from packmule.errors import SettingInvalid
from packmule.outbound.addresses import Network, Ports, parse_networks, parse_ports
from packmule.outbound.egress_proxy import EgressProxy, parse_proxy
from packmule.outbound.host_limits import HostLimit, parse_host_limits
from packmule.outbound.share_links import parse_rules
from packmule.outbound.user_agent import DEFAULT as DEFAULT_USER_AGENT
from packmule.outbound.user_agent import parse_contact, parse_user_agent
from packmule.settings import forms
from packmule.settings.forms import duration, size
from packmule.settings.names import PREFIX, is_of_others, unknown
from packmule.web.allowed_hosts import parse_hosts, parse_origins
from packmule.web.api_keys import ApiKey, distinct, parse_keys, read_keys
from packmule.web.rate_limit import Rate, parse_rate
from packmule.web.sendfile import Sendfile, parse_sendfile
from packmule.webhook.signing import Secrets, parse_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. `default` is text in the same form as the variable's value."""

    field: str
    default: str
    parse: Callable[[str], Any]
    help: str
    shown_default: str
    secret: bool

    @property
    def name(self) -> str:
        """The name of the environment variable."""
        return f"{PREFIX}{self.field.upper()}"

    @property
    def flag(self) -> str | None:
        """The flag of `serve`; None for a secret, which other users of the machine could see."""
        return None if self.secret else f"--{self.field.replace('_', '-')}"


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
    """The operator's settings. Sizes are in bytes, times in seconds; secrets are never shown."""

    host: str = _setting("127.0.0.1", forms.host, "address to listen on")
    port: int = _setting("8000", forms.port, "port to listen on")
    public_url: str = _setting(
        "",
        lambda text: forms.public_url(text) if text else "",
        "URL at which clients reach the service, with its path if a proxy publishes it under one; "
        "links to archives begin with it",
        shown_default="http://localhost:PORT",
    )
    allow_hosts: tuple[str, ...] = _setting(
        "",
        parse_hosts,
        "host names to answer to, like packmule,*.example.org, besides IP addresses, localhost and "
        "the host of PACKMULE_PUBLIC_URL",
        shown_default="none",
    )
    allow_origins: tuple[str, ...] = _setting(
        "",
        parse_origins,
        "web origins whose pages may use the API from a browser (CORS), like "
        "https://app.example.org",
        shown_default="none",
    )
    data_dir: Path = _setting(
        "packmule-data",
        lambda text: Path(text).absolute(),
        "folder for the database, temporary files and archives",
        shown_default="./packmule-data",
    )
    database_url: str = _setting(
        "",
        forms.database_url,
        "job database; postgresql://… to run workers on several machines",
        shown_default="a file in the data directory",
        secret=True,
    )
    storage_url: str = _setting(
        "",
        forms.storage_url,
        "bucket for the archives, like s3://bucket/prefix; configure access with AWS_* variables",
        shown_default="a folder in the data directory",
    )
    s3_downloads: str = _setting(
        "proxy",
        forms.one_of("proxy", "redirect"),
        "downloads from a bucket: send them through the API, or redirect clients to the bucket",
    )
    s3_encryption: str = _setting(
        "",
        forms.encryption,
        "encryption of archives in the bucket: AES256, aws:kms, or aws:kms:KEY",
        shown_default="the bucket's default",
    )
    allow_networks: tuple[Network, ...] = _setting(
        "",
        parse_networks,
        "networks to fetch from although they are not public, like 10.1.0.0/16",
        shown_default="none",
    )
    allow_ports: Ports = _setting("80,443,1024-65535", parse_ports, "ports that URLs may use")
    ca_file: Path | None = _setting(
        "",
        forms.file,
        "certificate authorities (PEM) for HTTPS sources",
        shown_default="those of certifi",
    )
    egress_proxy: EgressProxy | None = _setting(
        "",
        parse_proxy,
        "HTTP(S) or SOCKS5 proxy to fetch sources through, like http://proxy.example.org:3128; the "
        "variables of other programs (http_proxy) have no effect",
        shown_default="none",
        secret=True,
    )
    user_agent: str = _setting(
        DEFAULT_USER_AGENT,
        parse_user_agent,
        "User-Agent of requests to origins and webhook receivers",
        shown_default="Packmule/VERSION",
    )
    contact: str = _setting(
        "",
        parse_contact,
        "email address or URL to add to the User-Agent: some hosts refuse or slow down clients "
        "that name no contact",
        shown_default="none",
    )
    max_urls: int = _setting("10000", forms.count, "maximum number of links in a job")
    rewrite_links: frozenset[str] = _setting(
        "all",
        parse_rules,
        "share links to rewrite to the links that send the file: all, off, or names of rules with "
        "commas, like dropbox,github",
    )
    max_url_length: int = _setting(
        "8192", forms.count, "maximum length of a URL, also of a redirect, in characters"
    )
    max_body_bytes: int = _setting(
        "",
        lambda text: forms.more_than_zero(size)(text) if text else 0,
        "maximum size of a request body",
        shown_default="1 MiB plus 1 KiB for each of PACKMULE_MAX_URLS",
    )
    body_timeout: float = _setting(
        "60 s", forms.more_than_zero(duration), "time limit for receiving a request body"
    )
    send_timeout: float = _setting(
        "60 s",
        forms.more_than_zero(duration),
        "time in which a client must take 1 kB per second of a response, or be disconnected",
    )
    max_head_bytes: int = _setting(
        "64 KiB",
        forms.between(8192, 300 * 1024, size),  # the least that hyper, the most that libcurl takes
        "maximum size of the headers of a request, or of an origin's response",
    )
    connections: int = _setting(
        "1024", forms.count, "maximum number of open connections to the API"
    )
    long_polls: int = _setting(
        "256", forms.count, "maximum number of status requests waiting (`wait`) at once"
    )
    event_streams: int = _setting("512", forms.count, "maximum number of open event streams")
    max_file_bytes: int = _setting("50 GB", forms.more_than_zero(size), "maximum size of a file")
    max_archive_bytes: int = _setting(
        "500 GB", forms.more_than_zero(size), "maximum size of an archive"
    )
    max_unpack_ratio: int = _setting(
        "200", forms.count, "maximum ratio of a file's decoded size to its compressed transfer size"
    )
    max_redirects: int = _setting("20", forms.count, "maximum number of redirects in a row")
    concurrent_jobs: int = _setting(
        "8", forms.count, "jobs a worker runs at once; more while some of them take long"
    )
    transfers: int = _setting(
        "256", forms.count, "transfers a worker makes at once, as long as more of them bring more"
    )
    transfers_per_host: int = _setting(
        "128",
        forms.count,
        "transfers to one host at once; it begins with 8 and gets more while that brings more",
    )
    host_limits: Mapping[str, HostLimit] = _setting(
        "",
        parse_host_limits,
        "transfers to a host at once, and bytes per second over all of them, like "
        "example.org=2,cdn.example.net=16@5MB; a name includes its subdomains",
        shown_default="what known hosts document",
    )
    max_rate: int = _setting(
        "off",
        lambda text: forms.or_off(forms.more_than_zero(size))(text) or 0,
        "bytes per second that a worker fetches, over all transfers, like 5 MB, or off",
    )
    connect_timeout: float = _setting(
        "10 s", forms.more_than_zero(duration), "time limit for connecting"
    )
    first_byte_timeout: float = _setting(
        "180 s",
        forms.more_than_zero(duration),
        "time limit for a response to begin; an interim response (1xx) restarts it",
    )
    stall_timeout: float = _setting(
        "30 s", forms.more_than_zero(duration), "time without data after which a transfer is cut"
    )
    file_timeout: float = _setting(
        "24 h",
        forms.more_than_zero(duration),
        "time limit for a file with all its tries, and again for each 50 GB that have come",
    )
    attempts: int = _setting("8", forms.count, "tries without progress before a file fails")
    max_retry_after: float = _setting(
        "1 h",
        forms.more_than_zero(duration),
        "longest wait for a host that is busy: in one go, or without a file in between",
    )
    retention: float = _setting(
        "7 d", forms.more_than_zero(duration), "time until archives are removed"
    )
    keep_records: float = _setting(
        "90 d", forms.more_than_zero(duration), "time until records of ended jobs are deleted"
    )
    keep_links: int = _setting(
        "200000",
        forms.count,
        "links of ended jobs kept for each client; the oldest jobs' go first",
    )
    storage_wait: float = _setting(
        "6 h",
        forms.more_than_zero(duration),
        "how long a job waits for an object store that is away or refuses access",
    )
    min_free_bytes: int = _setting(
        "1 GB", size, "free disk space below which no job starts writing"
    )
    max_scratch_bytes: int = _setting(
        "2 GB",
        forms.more_than_zero(size),
        "disk space a worker uses for archives on their way to a bucket before transfers pause",
    )
    expire_when_full: str = _setting(
        "on",
        forms.one_of("on", "off"),
        "remove the oldest archives early if the disk is nearly full",
    )
    verify: str = _setting(
        "directory",
        forms.one_of("directory", "full"),
        "what to read back before an archive is completed: its directory, or every file as well",
    )
    drain_delay: float = _setting(
        "0 s",
        duration,
        "how long the API keeps answering after SIGTERM, not being ready, before it drains",
    )
    drain_timeout: float = _setting(
        "30 s", duration, "time for downloads and jobs to finish at shutdown"
    )
    api_keys: tuple[ApiKey, ...] = _setting(
        "",
        parse_keys,
        "API keys of the clients, like ann:KEY; `packmule keys new` makes one",
        shown_default="none: no key required",
        secret=True,
    )
    api_keys_file: tuple[ApiKey, ...] = _setting(
        "", read_keys, "file with more API keys, one per line", shown_default="none"
    )
    trusted_proxies: tuple[Network, ...] = _setting(
        "",
        parse_networks,
        "networks of your proxies, whose X-Forwarded-For is trusted",
        shown_default="none",
    )
    rate_limit: Rate | None = _setting(
        "60/min", parse_rate, "limit for creates and retries per client, like 5/s or 1000/h, or off"
    )
    quota_jobs: int | None = _setting(
        "100", forms.or_off(forms.count), "maximum number of open jobs per client, or off"
    )
    quota_bytes: int | None = _setting(
        "off",
        forms.or_off(forms.more_than_zero(size)),
        "maximum total size of a client's archives and open jobs, or off",
    )
    webhook_url: str | None = _setting(
        "",
        forms.webhook_url,
        "webhook to call when a job has ended",
        shown_default="none",
        secret=True,
    )
    webhook_secret: Secrets = _setting(
        "",
        parse_secrets,
        "secrets to sign webhooks with; `packmule webhooks secret` makes one",
        shown_default="none: not signed",
        secret=True,
    )
    refresh_url: str | None = _setting(
        "",
        forms.webhook_url,
        "service to ask for new links in place of expired ones; needs PACKMULE_WEBHOOK_SECRET",
        shown_default="none",
        secret=True,
    )
    webhook_retry_first: float = _setting(
        "5 s",
        forms.more_than_zero(duration),
        "delay before a webhook's first retry; later ones grow in proportion",
    )
    job_webhooks: str = _setting(
        "off", forms.one_of("on", "off"), "whether a job may have its own webhook"
    )
    sendfile: Sendfile | None = _setting(
        "none",
        parse_sendfile,
        "let a proxy send archives itself: x-accel-redirect:/place/ (nginx) or x-sendfile",
    )
    metrics: str = _setting(
        "private",
        forms.one_of("private", "all", "none"),
        "who may read /metrics: private networks and this machine, everybody, or nobody",
    )
    metrics_token: str = _setting(
        "",
        forms.token,
        "bearer token required to read /metrics, from anywhere",
        shown_default="none",
        secret=True,
    )
    worker_metrics_port: int = _setting(
        "",
        lambda text: forms.port(text) if text else 0,
        "port for the metrics of a worker that runs apart from its API",
        shown_default="none",
    )
    access_log: str = _setting(
        "off",
        forms.one_of("on", "off"),
        "log each request at level info; at level debug it always is",
    )
    log_format: str = _setting(
        "auto",
        forms.one_of("auto", "text", "json"),
        "format of the log",
        shown_default="text on a terminal, else json",
    )
    log_level: str = _setting(
        "info",
        forms.one_of("debug", "info", "warning", "error"),
        "lowest level to log: debug, info, warning or error",
    )


def _row(of: Field[Any]) -> Setting:
    default, parse, help_, shown, secret = of.metadata["row"]
    return Setting(of.name, default, parse, help_, shown, secret)


TABLE: tuple[Setting, ...] = tuple(_row(each) for each in fields(Settings))


def read(environment: Mapping[str, str]) -> Settings:
    """Read the settings. An empty variable counts as not set.

    Raises SettingInvalid, whose text has one line for each error.
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
        faults = _shared_keys(values) + _unsigned(values)
    if faults:
        raise SettingInvalid("\n".join(faults))
    values["public_url"] = values["public_url"] or usual_url(values["port"])
    values["database_url"] = (
        values["database_url"] or f"sqlite:///{_in_url(values['data_dir'] / 'packmule.db')}"
    )
    values["max_body_bytes"] = values["max_body_bytes"] or _usual_body(values["max_urls"])
    return Settings(**values)


def _shared_keys(values: dict[str, Any]) -> list[str]:
    """Return an error if the list and the file give one key to different clients."""
    try:
        distinct([*values["api_keys"], *values["api_keys_file"]])
    except ValueError as error:
        return [f"{PREFIX}API_KEYS_FILE: beside {PREFIX}API_KEYS, {error}."]
    return []


def _unsigned(values: dict[str, Any]) -> list[str]:
    """Return an error if new links would be asked for without a signature."""
    if not values["refresh_url"] or values["webhook_secret"]:
        return []
    how = "`packmule webhooks secret` makes one"
    return [f"{PREFIX}REFRESH_URL: set {PREFIX}WEBHOOK_SECRET as well, to sign requests; {how}."]


def _in_url(path: Path) -> str:
    """Write a path so that it is read from a database URL as it is."""
    return str(path).replace("%", "%25").replace("?", "%3F")


def usual_url(port: int) -> str:
    """Return the public URL of a service that has not been told its own."""
    return f"http://localhost:{port}"


def _usual_body(max_urls: int) -> int:
    """Return a body size for so many links: 1 KiB each, ten times the usual."""
    return 1024 * 1024 + max_urls * 1024


def as_markdown() -> str:
    """Return the table as Markdown, for docs/settings.md."""
    rows = [f"| `{s.name}` | {s.shown_default} | {s.help} |" for s in TABLE]
    return "\n".join(["| setting | default | |", "|---|---|---|", *rows])
