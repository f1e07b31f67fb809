"""The storage as the settings want it: a folder of this machine, or a bucket.

Owns the choice, and what the address of a bucket means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packmule.storage.local import LocalStorage

if TYPE_CHECKING:
    from packmule.settings import Settings
    from packmule.storage.interface import Storage


def open_storage(settings: Settings) -> Storage:
    """Open the storage. Raises StorageFailed where the bucket cannot be used as it is set."""
    if not settings.storage_url:
        return LocalStorage(settings.data_dir, shared=settings.sendfile is not None)
    # Half a second and 30 MB, which only who has a bucket should pay.
    from packmule.storage.s3 import S3Storage  # noqa: PLC0415
    from packmule.storage.s3_bucket import Bucket, BucketAddress, Encryption  # noqa: PLC0415

    bucket, _, prefix = settings.storage_url.removeprefix("s3://").partition("/")
    words = settings.s3_encryption
    algorithm = "aws:kms" if words.startswith("aws:kms") else words
    encryption = Encryption(algorithm, words.removeprefix(algorithm).removeprefix(":"))
    return S3Storage(
        Bucket(BucketAddress(bucket, f"{prefix}/" if prefix else ""), encryption),
        settings.data_dir,
        most_bytes=settings.max_archive_bytes,
        redirect=settings.s3_downloads == "redirect",
    )
