"""The roster: every contestant there is, in the order of the first round."""

from collections.abc import Mapping, Sequence

from bench.contestants.contract import Contestant
from bench.contestants.downloaders import Aria2ThenZip, CurlThenZip
from bench.contestants.limits import CurlToNull, DiskAlone
from bench.contestants.ours import Pack, Service
from bench.contestants.scripts import node_scripts, python_scripts
from bench.equipment import Equipment

NAMES = (
    "curl-null",
    "dd",
    "pack",
    "service",
    "zipstream-ng",
    "stream-zip",
    "archiver",
    "yazl",
    "aiohttp",
    "curl-zip",
    "aria2-zip",
    "serial",
)


def contestants(
    equipment: Equipment, extra: Mapping[str, str], only: Sequence[str] | None
) -> list[Contestant]:
    """Build the contestants, all or some; `extra` are settings of ours to try."""
    found: list[Contestant] = [
        CurlToNull(),
        DiskAlone(),
        Pack(equipment.program, extra),
        Service(equipment.program, extra),
        CurlThenZip(),
        Aria2ThenZip(),
        *python_scripts(equipment.python),
        *node_scripts(equipment.node),
    ]
    by_name = {contestant.name: contestant for contestant in found}
    return [by_name[name] for name in NAMES if not only or name in only]
