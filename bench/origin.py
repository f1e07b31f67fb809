"""The benchmark's own origin: nginx on loopback, plain and over TLS 1.3, and a server with latency.

Owns starting and ending both; what they serve is `data.py`'s.
"""

import getpass
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from string import Template

from bench import certificate
from bench.data import DataSet
from bench.servers import server
from bench.works import Door

HOST = "127.0.0.1"
LATENCY_SECONDS = 0.05
CONFIG = Template("""\
daemon off;
$user
worker_processes $workers;
worker_rlimit_nofile 65536;
pid $folder/nginx.pid;
error_log $folder/nginx.log warn;
events { worker_connections 8192; }
http {
    types { image/jpeg jpg; video/mp4 mp4; }
    default_type application/octet-stream;
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    open_file_cache max=20000 inactive=1h;
    open_file_cache_valid 1h;
    client_body_temp_path $folder/temp;
    proxy_temp_path $folder/temp;
    fastcgi_temp_path $folder/temp;
    uwsgi_temp_path $folder/temp;
    scgi_temp_path $folder/temp;
    server {
        listen 127.0.0.1:$plain backlog=4096;
        listen 127.0.0.1:$tls ssl backlog=4096;
        listen 127.0.0.1:$h2 ssl http2 backlog=4096;
        ssl_protocols TLSv1.3;
        ssl_certificate $chain;
        ssl_certificate_key $key;
        root $root;
    }
}
""")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the doors are, and the authority to trust behind those with TLS."""

    bases: dict[Door, str]
    authority: Path

    def urls(self, door: Door, data: DataSet) -> list[str]:
        """List a data set's links through one door."""
        base = f"{self.bases[door]}/{data.files.folder}"
        return [f"{base}/{name}" for name in data.files.names()]

    def authority_for(self, door: Door) -> Path | None:
        """Return the certificate authority a client has to trust; None without TLS."""
        return self.authority if door in (Door.TLS, Door.TLS_H2) else None


@contextmanager
def running(root: Path, folder: Path, far: DataSet | None) -> Iterator[Origin]:
    """Serve `root` through nginx, and `far` with latency, until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    made = certificate.make(folder)
    ports = {door: free_port() for door in Door}
    config = folder / "nginx.conf"
    config.write_text(
        CONFIG.substitute(
            # The data may lie where only the user who made it may look.
            user="user root;" if getpass.getuser() == "root" else "",
            workers=os.cpu_count() or 2,
            folder=folder,
            plain=ports[Door.PLAIN],
            tls=ports[Door.TLS],
            h2=ports[Door.TLS_H2],
            chain=made.chain,
            key=made.key,
            root=root,
        )
    )
    schemes = {Door.TLS: "https", Door.TLS_H2: "https"}
    bases = {door: f"{schemes.get(door, 'http')}://{HOST}:{port}" for door, port in ports.items()}
    nginx = ["nginx", "-e", str(folder / "nginx.log"), "-p", str(folder), "-c", str(config)]
    with server(nginx, partial(_answers, ports[Door.PLAIN]), folder / "nginx.out"):
        if far is None:
            yield Origin(bases, made.authority)
            return
        program = [sys.executable, str(Path(__file__).parent / "latency.py")]
        port = ports[Door.LATENCY]
        command = [*program, str(port), str(far.folder), str(LATENCY_SECONDS)]
        with server(command, partial(_answers, port), folder / "latency.out"):
            yield Origin(bases, made.authority)


def free_port() -> int:
    """Find a loopback port that nobody listens on."""
    with closing(socket.create_server((HOST, 0))) as server:
        port: int = server.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    """Return whether a server is listening."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
