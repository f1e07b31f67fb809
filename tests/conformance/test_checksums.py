"""What is known of a job's files, and what its manifest will tell, in every job database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.jobs import begun, checkpoint, done, no_defer

from packmule.jobs.expected import Expected
from packmule.jobs.model import JobRequest, Manifest, Source
from packmule.jobs.receipts import Receipt

if TYPE_CHECKING:
    from packmule.jobs.store import JobStore

SOURCES = (
    Source(0, "https://a.example/1", "n", Expected("a" * 64, "b" * 32, 2**40)),
    Source(1, "https://a.example/2", None, Expected(size=0)),
    Source(2, "https://a.example/3"),
)


def test_what_is_known_of_the_files_and_the_manifest_come_with_the_run(store: JobStore) -> None:
    asked = JobRequest(SOURCES, manifest=Manifest.BAGIT)
    run = store.begin(store.create(asked, defer=no_defer))
    assert run is not None
    assert tuple(run.sources) == SOURCES
    assert run.job.manifest is Manifest.BAGIT


def test_a_receipt_is_remembered(store: JobStore) -> None:
    run = begun(store)
    receipt = Receipt("a" * 64, 'W/"\x00\xff"', None, 1_800_000_000)
    entry = done()._replace(receipt=receipt.text())
    store.checkpoint(run.fence, checkpoint(entry))
    again = store.begin(run.job.hash)
    assert again is not None
    assert again.remembered.done == (entry,)
