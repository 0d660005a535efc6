"""Files that are there wholly or not at all.

Everything a build leaves behind is written under a temporary name, synced and renamed, so that a
reader, a second worker or a restart after a power cut never meets half a file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

TEMPORARY = ".tmp-"


@contextlib.contextmanager
def put(path: Path) -> Iterator[IO[bytes]]:
    """Opens a file for writing that appears at `path` when the block ends well, and never otherwise."""
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
        return hashlib.file_digest(file, "sha256").hexdigest()


def sweep(folder: Path) -> None:
    """Removes what killed writers left under temporary names."""
    for leftover in folder.rglob(f"{TEMPORARY}*"):
        leftover.unlink(missing_ok=True)
