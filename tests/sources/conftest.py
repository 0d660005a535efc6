"""Small archives with every trap, made where a test needs them."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.sources import SOURCES, Location, Reader, base

TRICKY = [
    "plain.jpg",
    "two words.JPG",
    "line\nbreak.png",
    "顔/写真.webp",
    "a#b!c%20.jpeg",
    "deep/er/x.tiff",
    "\udcff\udcfe.jpg",
]
"""Names that break careless code; the last one is not UTF-8."""


def content(name: str, size: int = 3000) -> bytes:
    """Bytes that only this name has, and that do not compress."""
    return hashlib.shake_128(name.encode("utf-8", "surrogateescape")).digest(size)


def tar_bytes(*members: str | tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A tar of members, each a name (with `content`) or a header with its bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member in members:
            header, data = (tarfile.TarInfo(member), content(member)) if isinstance(member, str) else member
            header.size = len(data) if header.isreg() else 0
            tar.addfile(header, io.BytesIO(data))
    return buffer.getvalue()


def packed(name: str, tar: bytes) -> bytes:
    """The tar as the archive's name asks for it."""
    return gzip.compress(tar, 1) if name.endswith("gz") else tar


class Listing:
    """One listing of a source, and the reader that goes with it."""

    def __init__(self, source: dict[str, Any], index_dir: Path, max_bytes: int) -> None:
        self.source = SOURCES[source["type"]].model_validate(source)
        listing = base.Listing(index_dir)
        self.locations = list(self.source.locate(listing))
        self.ignored, self.notes = listing.ignored, listing.notes
        self.reader = Reader(self.source.root(), index_dir, max_bytes)

    @property
    def good(self) -> list[Location]:
        return [location for location in self.locations if not location.reason]

    @property
    def reasons(self) -> dict[str, str]:
        return {location.uri: location.reason for location in self.locations if location.reason}

    def read_all(self) -> list[bytes]:
        return [self.reader.read(location) for location in self.good]


@pytest.fixture
def listed(tmp_path: Path) -> Iterator[Callable[..., Listing]]:
    """Lists a source: `listed("tar", path, image="jpg")`; its reader is closed after the test."""
    made: list[Listing] = []

    def make(kind: str, path: Path | str, max_bytes: int = 1 << 20, **options: Any) -> Listing:
        made.append(Listing({"type": kind, "path": str(path), **options}, tmp_path / "indexes", max_bytes))
        return made[-1]

    yield make
    for listing in made:
        listing.reader.__exit__(None, None, None)
