"""Whatever the documents tell to type, or to put into a file, some test types or puts there.

Owns which test does it: a new block without a test fails here, and so does a test that is gone. A
block that no test can type stands in `NOT_TYPED` with its reason.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
from tests.fakes.documents import Block, every_block
from tests.house.tree import ROOT, parse, project_files, read

NOTHING_TO_TYPE = {"text", "mermaid"}
README = "tests/spec/test_readme.py::test_a_newcomer_who_types_the_readme_gets_the_archives"
DOCKER = "tests/docker/promises.py::what_the_documents_tell_to_type_serves"
DOCKER_PACK = "tests/docker/promises.py::the_recipe_for_pack_makes_an_archive_that_is_the_users"
CURL = "tests/spec/test_curl_examples.py::test_every_command_is_answered"
TUTORIAL = "tests/spec/test_tutorial.py::test_whoever_types_the_tutorial_gets_its_archives"
PYTHON = "tests/spec/test_python_guide.py::test_every_program_of_the_guide_runs"
PROXIES = "test_proxies.py::test_an_archive_is_asked_for_awaited_and_downloaded_in_ranges"
RECEIVERS = (
    "test_webhook_receivers.py::"
    "test_a_receiver_takes_the_programs_message_once_and_nothing_that_is_not_signed"
)
PUBLIC_BUCKETS = "test_public_buckets.py::test_what_the_guide_types_packs_the_bucket"
CHECKSUMS = "test_checksums.py::test_files_are_verified_and_archives_hold_what_their_manifests_say"
S3 = "test_s3.py::test_all_below_a_prefix_is_packed_under_its_keys"
NEW_LINKS = "test_incomplete_archives.py::test_an_archive_gets_a_new_link_for_what_failed"
INCOMPLETE = "test_incomplete_archives.py::test_an_archive_is_finished_without_the_rest"
ONE_FILE = "test_one_file.py::test_the_files_that_the_guide_takes_are_those_of_the_archive"
SPLIT = "test_split_archives.py::test_the_parts_that_the_guide_fetches_hold_every_file"
REFRESHED = (
    "test_incomplete_archives.py"
    "::test_expired_links_are_replaced_by_the_service_that_the_settings_name"
)
SYSTEMD = (
    "test_systemd.py::test_what_the_guide_installs_is_what_the_unit_starts_and_it_stops_in_order"
)
PUBLIC = "test_public_instance.py::test_the_settings_of_the_guide_hold"
SCALING = "test_scaling.py::test_a_machines_jobs_go_on_in_a_fleet"
CHART = (
    "tests/house/test_chart.py::test_what_the_document_tells_to_type_installs_what_the_chart_makes"
)
POOLER = "tests/conformance/test_pooler.py::test_jobs_are_created_run_and_completed"
TOOLS = (
    "tests/unit/engine/test_procrastinate_tools.py"
    "::test_the_health_checks_and_the_shell_work_as_the_documents_say"
)

# document: what a block begins with: the test that types it; "" is every other block of the
# document, for a test that takes them all. A test without a folder is one of tests/guides.
TYPED: dict[str, dict[str, str]] = {
    "README.md": {"docker ": DOCKER, "": README},
    "docs/api.md": {"": CURL},
    "docs/docker.md": {"": DOCKER, "docker run --rm --user": DOCKER_PACK},
    "docs/tutorial.md": {"": TUTORIAL},
    "docs/python.md": {"": PYTHON},
    "docs/guides/caddy.md": {"": PROXIES},
    "docs/guides/nginx.md": {"": PROXIES},
    "docs/guides/webhook-receivers.md": {"": RECEIVERS},
    "docs/guides/checksums.md": {"": CHECKSUMS},
    "docs/guides/incomplete-archives.md": {
        "packmule finish": INCOMPLETE,
        "packmule retry": NEW_LINKS,
        "PACKMULE_REFRESH_URL": REFRESHED,
        '{"type": "links.expired"': REFRESHED,
        '{"urls"': REFRESHED,
    },
    "docs/guides/one-file.md": {"": ONE_FILE},
    "docs/guides/split-archives.md": {"": SPLIT},
    "docs/guides/s3.md": {"": S3},
    "docs/guides/public-buckets.md": {"": PUBLIC_BUCKETS},
    "docs/guides/systemd.md": {"": SYSTEMD},
    "docs/guides/public-instance.md": {"": PUBLIC},
    "docs/operations.md": {
        "scrape_configs:": ("test_operations.py::test_prometheus_is_told_where_the_metrics_are"),
        "journalctl ": "test_operations.py::test_a_jobs_life_is_read_from_the_log",
        "packmule jobs ": (
            "test_operations.py::test_jobs_are_listed_shown_tried_again_and_cancelled"
        ),
        "packmule webhooks ": "test_operations.py::test_messages_are_listed_and_told_anew",
        "export PACKMULE_STORAGE_URL": (
            "test_operations.py::test_archives_are_kept_in_the_bucket_that_the_variables_name"
        ),
        "sqlite3 ": "test_operations.py::test_a_backup_of_a_running_service_is_restored",
    },
    "docs/kubernetes.md": {"": CHART},
    "docs/scaling.md": {
        "export PACKMULE_DATABASE_URL": SCALING,
        "packmule migrate-store": SCALING,
        "[pgbouncer]": POOLER,
        "import os": TOOLS,
        "procrastinate --app": TOOLS,
    },
}

# What takes minutes, hours, or a machine that is root's. The tests of its folder, which `make test`
# runs, play a part of it by the same code.
NOT_TYPED: dict[str, dict[str, str]] = {
    "docs/reliability/faults.md": {"make faults": "tests/faults"},
    "docs/reliability/webhooks.md": {"make webhooks-kill": "tests/kills"},
    "docs/reliability/kills.md": {"make kills ": "tests/kills"},
    "docs/reliability/addresses.md": {"make addresses": "tests/addresses"},
    "docs/reliability/downloads.md": {"make downloads": "tests/downloads"},
    "docs/reliability/power.md": {"make power": "tests/power"},
    "docs/reliability/load.md": {"make load": "tests/load", "make soak ": "tests/soak"},
    "docs/scaling.md": {"$ make failover ": "tests/failover", "$ make fleet ": "tests/fleet"},
}

DOCUMENTS = [
    str(path)
    for path in project_files()
    if path.suffix == ".md" and (path.parts[0] == "docs" or str(path) == "README.md")
]
BLOCKS = [block for document in DOCUMENTS for block in every_block(document)]


def entry(block: Block, table: dict[str, dict[str, str]]) -> str | None:
    """Find the entry of a table that speaks of a block: that of its longest beginning."""
    entries = table.get(block.document, {})
    fitting = [begin for begin in entries if block.text.startswith(begin)]
    return max(fitting, key=len) if fitting else None


def test_every_block_is_typed_by_a_test_or_has_its_reason() -> None:
    speaking = [block for block in BLOCKS if block.language not in NOTHING_TO_TYPE]
    assert len(speaking) > 40
    found = {
        f"{block.document}: {block.text.splitlines()[0]}": [
            table is not None for table in (entry(block, TYPED), entry(block, NOT_TYPED))
        ]
        for block in speaking
    }
    assert [each for each, entries in found.items() if entries.count(True) != 1] == []


def test_no_entry_is_left_over() -> None:
    for table in (TYPED, NOT_TYPED):
        used = Counter((block.document, entry(block, table)) for block in BLOCKS)
        wanted = {(document, begin) for document, entries in table.items() for begin in entries}
        assert wanted - set(used) == set()


@pytest.mark.parametrize(
    ("document", "test"),
    sorted({(document, test) for document, each in TYPED.items() for test in each.values()}),
)
def test_every_test_that_is_named_exists_and_reads_the_document(document: str, test: str) -> None:
    file, _, name = test.partition("::")
    path = Path(file if "/" in file else f"tests/guides/{file}")
    functions = [node.name for node in parse(path).body if isinstance(node, ast.FunctionDef)]
    assert name in functions
    # By its name, itself or by what it imports of ours.
    imported = re.findall(r"^from (tests\.[a-z_.]+) import", read(path), re.MULTILINE)
    sources = [path, *(Path(*module.split(".")).with_suffix(".py") for module in imported)]
    stem = Path(document).stem
    assert any(re.search(rf"\b{stem}\b", read(source)) for source in sources if source.suffix)


def test_what_is_not_typed_is_one_target_of_make_whose_parts_are_tested() -> None:
    makefile = read("Makefile")
    for document, entries in NOT_TYPED.items():
        for begin, folder in entries.items():
            [block] = [each for each in BLOCKS if entry(each, {document: {begin: folder}})]
            command = block.text.splitlines()[0].removeprefix("$ ")
            form = re.fullmatch(r"make ([a-z-]+)((?: [A-Z]+=[0-9]+)*)", command)
            assert form, command
            recipe = re.search(rf"^{form[1]}:.*\n\t(.*)", makefile, re.MULTILINE)
            assert recipe, command
            assert f"-m {folder.replace('/', '.')}." in recipe[1]
            assert list((ROOT / folder).glob("test_*.py"))


def test_a_block_of_text_hides_no_command() -> None:
    speaking = {"sh", "console"}
    words = {
        line.removeprefix("$ ").split()[0]
        for block in BLOCKS
        if block.language in speaking
        for line in block.text.splitlines()
        if re.match(r"(\$ )?[a-z][a-z0-9-]+ ", line)
    }
    assert {"curl", "make", "packmule", "docker"} <= words
    hidden = [
        f"{block.document}: {line}"
        for block in BLOCKS
        if block.language not in speaking
        for line in block.text.splitlines()
        if line.startswith("$ ") or line.split(" ")[0] in words - {"export"}
    ]
    assert hidden == []


def test_every_block_names_its_language() -> None:
    assert [f"{each.document}: {each.text}" for each in BLOCKS if not each.language] == []
