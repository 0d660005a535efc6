"""Miniatures: a handful of pictures in a corpus's exact official layout and file formats."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pipelines.corpora import CORPORA
from pipelines.sources.base import Listing, Location, decode_path
from pipelines.sources.reading import Reader


def picture(seed: int, width: int = 40, height: int = 48, suffix: str = ".jpg") -> bytes:
    """Bytes of a small picture that no other seed has."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return bytes(cv2.imencode(suffix, pixels)[1])


def label_map(values: list[int], width: int = 40, height: int = 48) -> bytes:
    """PNG of one channel whose columns hold these values in turn."""
    columns = np.array(values, np.uint8)[np.arange(width) * len(values) // width]
    return bytes(cv2.imencode(".png", np.repeat(columns[None], height, 0))[1])


@dataclass(frozen=True)
class Miniature:
    """A corpus in small, and what must be found in it.

    Attributes:
        files: path to bytes, as a complete unpacked download has them.
        splits: pictures by official split ("" for none).
        options: what the recipe says besides corpus and path.
        annotations: files that may be missing, cut or malformed without a traceback.
        labelled: whether a picture taken away leaves a `no_picture` fault, because a file lists all pictures.
        packs: official archive name to the folder or files that it holds, for the packed variant; by default every
            top-level folder becomes a zip.
    """

    corpus: str
    files: Mapping[str, bytes]
    splits: Mapping[str, int]
    options: Mapping[str, Any] = field(default_factory=dict)
    annotations: tuple[str, ...] = ()
    labelled: bool = False
    packs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def num_pictures(self) -> int:
        return sum(self.splits.values())


def lay(root: Path, files: Mapping[str, bytes]) -> Path:
    """Writes files below a folder."""
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def zip_of(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tar_of(files: Mapping[str, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def seven_zip_of(files: Mapping[str, bytes], *blocks: Mapping[str, bytes], **options: Any) -> bytes:
    """A 7z archive, packed with LZMA2; each further mapping becomes a solid block of its own.

    Args:
        options: those of py7zr.SevenZipFile, such as `filters` and `password`.
    """
    import py7zr

    options = {"filters": [{"id": py7zr.FILTER_LZMA2, "preset": 1}]} | options
    buffer = io.BytesIO()
    for members in (files, *blocks):
        buffer.seek(0)
        with py7zr.SevenZipFile(buffer, "a" if buffer.getvalue() else "w", **options) as archive:
            for name, data in members.items():
                archive.writestr(data, name)
    return buffer.getvalue()


def parts_of(name: str, data: bytes, count: int) -> dict[str, bytes]:
    """A file cut into so many parts as 7-Zip does: `x.7z.001`, `x.7z.002`."""
    size = -(-len(data) // count)
    return {f"{name}.{number + 1:03d}": data[number * size : (number + 1) * size] for number in range(count)}


def pack(files: Mapping[str, bytes], packs: Mapping[str, tuple[str, ...]]) -> dict[str, bytes]:
    """The same files with folders packed into archives; the archive's suffix says how."""
    left = dict(files)
    packs = packs or {
        f"{top}.zip": (f"{top}/",) for top in sorted({name.split("/")[0] for name in files if "/" in name})
    }
    made: dict[str, bytes] = {}
    for archive, prefixes in packs.items():
        inside = {name: left.pop(name) for name in sorted(left) if name.startswith(prefixes)}
        assert inside, f"{archive} would be empty"
        make: Callable[[Mapping[str, bytes]], bytes] = zip_of
        if archive.endswith((".tar.gz", ".tgz")):
            make = lambda members: tar_of(members, "w:gz")  # noqa: E731
        elif archive.endswith(".tar"):
            make = tar_of
        elif archive.endswith(".7z"):
            make = seven_zip_of
        made[archive] = make(inside)
    return left | made


@dataclass(frozen=True)
class Listed:
    """One listing of a corpus."""

    source: Any
    locations: list[Location]
    ignored: Counter[str]
    notes: list[str]
    index_dir: Path

    @property
    def good(self) -> list[Location]:
        return [location for location in self.locations if not location.reason]

    @property
    def reasons(self) -> dict[str, str]:
        return {decode_path(location.uri): location.reason for location in self.locations if location.reason}

    @property
    def splits(self) -> dict[str, int]:
        return dict(Counter(location.split for location in self.good))

    def named(self, ending: str) -> Location:
        """The one picture whose path ends so."""
        (found,) = [location for location in self.locations if decode_path(location.uri).endswith(ending)]
        return found

    def read(self, location: Location) -> bytes:
        with Reader(self.source.root(), self.index_dir, 1 << 24, self.source.extra_roots()) as reader:
            return reader.read(location)


def list_corpus(corpus: str, path: Path, indexes: Path, **options: Any) -> Listed:
    """Lists a corpus as a recipe would."""
    source = CORPORA[corpus].model_validate({"corpus": corpus, "path": str(path), **options})
    indexes.mkdir(parents=True, exist_ok=True)
    listing = Listing(indexes, b"salt")
    locations = list(source.locate(listing))
    return Listed(source, locations, listing.ignored, listing.notes, indexes)
