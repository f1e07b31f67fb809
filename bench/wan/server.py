"""The hosts: one nginx with TLS in the servers' namespace, with a case's limits.

Owns its configuration, starting and ending it, and what its log says of a run.
"""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template

from bench.certificate import Certificate
from bench.servers import server
from bench.wan.cases import Case
from bench.wan.files import Served
from bench.wan.network import Network, host_address

TOO_BUSY = frozenset({429, 503})
CONFIG = Template("""\
daemon off;
$user
worker_processes 1;
worker_rlimit_nofile 65536;
pid $folder/nginx.pid;
error_log $folder/nginx.log crit;
events { worker_connections 8192; }
http {
    types { image/jpeg jpg; video/mp4 mp4; }
    default_type application/octet-stream;
    log_format wan '$$status $$connection';
    access_log $folder/access.log wan;
    keepalive_requests 1000000;
    open_file_cache max=20000 inactive=1h;
    open_file_cache_valid 1h;
    client_body_temp_path $folder/temp;
    proxy_temp_path $folder/temp;
    fastcgi_temp_path $folder/temp;
    uwsgi_temp_path $folder/temp;
    scgi_temp_path $folder/temp;
    limit_conn_zone $$binary_remote_addr zone=clients:1m;
    server {
        listen 443 ssl$h2 backlog=4096;
        ssl_protocols TLSv1.3;
        ssl_certificate $chain;
        ssl_certificate_key $key;
        root $root;
        $limits
    }
}
""")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the server saw: connections that carried a request, and requests that it refused."""

    connections: int
    refused: int


class Log:
    """The server's access log, read run by run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def read(self) -> Seen:
        """Return what was seen since the last call."""
        with self._path.open() as file:
            file.seek(self._at)
            lines = [line.split() for line in file]
            self._at = file.tell()
        return Seen(
            len({connection for _, connection in lines}),
            sum(int(status) in TOO_BUSY for status, _ in lines),
        )


def urls(served: Served) -> dict[str, str]:
    """Return each file's link by its name, in the list's order."""
    return {
        name: f"https://{host_address(host)}/{name}" for name, (host, _, _) in served.files.items()
    }


@contextmanager
def serving(
    case: Case, served: Served, network: Network, certificate: Certificate, folder: Path
) -> Iterator[Log]:
    """Serve a case's files until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in ("nginx.pid", "access.log"):
        (folder / old).unlink(missing_ok=True)
    config = folder / "nginx.conf"
    user = getpass.getuser()
    config.write_text(
        CONFIG.substitute(
            folder=folder,
            user=f"user {user};",
            h2=" http2" if case.h2 else "",
            chain=certificate.chain,
            key=certificate.key,
            root=served.folder,
            limits=limits(case),
        )
    )
    nginx = ["nginx", "-e", str(folder / "nginx.log"), "-p", str(folder), "-c", str(config)]
    # nginx writes its PID when it listens.
    is_ready = (folder / "nginx.pid").exists
    with server(network.server.command(*nginx), is_ready, folder / "nginx.out"):
        yield Log(folder / "access.log")


def limits(case: Case) -> str:
    """Return nginx's words for a case's limit, which counts the requests that are under way."""
    if case.limit is None:
        return ""
    rate = f" limit_rate {case.limit.rate};" if case.limit.rate else ""
    count, status = case.limit.connections, case.limit.status
    return f"limit_conn clients {count}; limit_conn_status {status};{rate}"
