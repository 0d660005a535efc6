"""Files that are there wholly or not at all.

Everything a build leaves behind is written under a temporary name, synced and renamed, so that a
reader, a second worker or a restart after a power cut never meets half a file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from pipelines.errors import MenderyError
from pipelines.hub import HubPath
from pipelines.s3 import S3Path, client, patiently

if TYPE_CHECKING:
    import pyarrow as pa

TEMPORARY = ".tmp-"


@contextlib.contextmanager
def put(path: Path) -> Iterator[IO[bytes]]:
    """Opens a file for writing that appears at `path` when the block ends well, and never otherwise."""
    if isinstance(path, HubPath):
        raise MenderyError(f"{path}: nothing is written to the Hub but by `mendery publish`")
    if isinstance(path, S3Path):
        with tempfile.TemporaryFile() as local:
            yield local
            _upload(local, path)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f"{TEMPORARY}{path.name}-{uuid.uuid4().hex[:8]}"
    try:
        with temporary.open("xb+") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _upload(file: IO[bytes], path: S3Path) -> None:
    """Large files go in parts; S3 shows an object only when all of it is there."""

    def request() -> None:
        file.seek(0)
        # The transfer closes what it is given.
        client(path.options).upload_fileobj(_Unclosed(file), path.bucket, path.key)

    patiently(path, request)


class _Unclosed:
    """A file that outlives its reader."""

    def __init__(self, file: IO[bytes]) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell

    def close(self) -> None:
        """Leaves the file open."""


@contextlib.contextmanager
def local_copy(path: Path) -> Iterator[str]:
    """A path on this machine under which the file can be read for the length of the block."""
    if not isinstance(path, S3Path | HubPath):
        yield os.fspath(path)
        return
    with tempfile.NamedTemporaryFile() as copy:
        copy.write(path.read_bytes())
        copy.flush()
        yield copy.name


def opened(path: Path) -> Any:
    """What pyarrow reads a file from: the path itself here, a stream of ranged reads anywhere else."""
    return path.open("rb") if isinstance(path, S3Path | HubPath) else path


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """A Parquet file, or columns of it: of a small one thrice as fast as by pyarrow's function of that name."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(opened(path)) as file:
        return file.read(columns=columns, use_threads=False)


def put_bytes(path: Path, data: bytes) -> None:
    with put(path) as file:
        file.write(data)


def put_json(path: Path, value: Any) -> None:
    """Writes JSON that is byte-identical for equal values."""
    put_bytes(path, (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode())


def read_json(path: Path) -> Any:
    return json.loads(path.read_bytes())


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return digest_of(file)


def digest_of(file: Any) -> str:
    """SHA-256 of what follows in an open file."""
    return hashlib.file_digest(file, "sha256").hexdigest()


def sweep(folder: Path) -> None:
    """Removes what killed writers left under temporary names."""
    if isinstance(folder, S3Path):  # there nothing half is ever seen
        return
    for leftover in folder.rglob(f"{TEMPORARY}*"):
        leftover.unlink(missing_ok=True)
