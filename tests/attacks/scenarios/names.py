"""Names that no name server answers for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.attacks.stage import attack

if TYPE_CHECKING:
    from tests.attacks.stage import Stage

ATTACKER = "0123456789abcdef0123456789abcdef"
VICTIM = "fedcba9876543210fedcba9876543210"

# Python runs this first in each process. The system's resolver is all that is replaced: it does
# not come back for names under `hangs.test`, and finds the others on this machine.
RESOLVER = """
import socket, threading
system = socket.getaddrinfo
def getaddrinfo(host, port, *rest, **more):
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name.endswith(".hangs.test"):
        threading.Event().wait()
    if name.endswith(".test"):
        host = "127.0.0.1"
    return system(host, port, *rest, **more)
socket.getaddrinfo = getaddrinfo
"""


@attack("names of one client that nobody answers for, while another asks", full=1000, small=100)
def unanswered_names(stage: Stage, size: int) -> None:
    hook = stage.folder / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(RESOLVER)
    keys = f"attacker:{ATTACKER},victim:{VICTIM}"
    paths = {"PYTHONPATH": str(hook)}
    with (
        stage.origin() as origin,
        stage.service(environment=paths, API_KEYS=keys) as service,
    ):
        service.client.headers["Authorization"] = f"Bearer {ATTACKER}"
        for job in range(4):
            service.create(*(f"http://{n}.{job}.hangs.test/" for n in range(size // 4)))
        service.client.headers["Authorization"] = f"Bearer {VICTIM}"
        origin.put("/a", b"a file")
        urls = [f"http://{n}.test:{origin.port}/a" for n in range(8)]
        assert service.outcome(service.create(*urls))["status"] == "completed"
