"""What a measuring task reads: rows of the catalog, their pictures, and the files that belong to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from pipelines import catalog
from pipelines.errors import BadPicture
from pipelines.guides import LabelMap, label_map
from pipelines.labels import Guide, guide_of
from pipelines.layout import Layout
from pipelines.recipe import Recipe
from pipelines.sources.base import Location, OpenSource, Source


def wanted(rows: Iterable[dict[str, Any]]) -> list[tuple[int, Location]]:
    """Source and location of rows of the catalog, as `Readers` takes them."""
    return [(row["source"], catalog.location_of(row)) for row in rows]


@dataclass(frozen=True)
class Listed:
    """What the catalog says of a picture besides its place.

    Attributes:
        faces, guides: JSON of the catalog.
        read: gives the bytes of a file of the same source.
        as_stored: the picture is the clean one of a dataset, see `render`.
    """

    faces: str
    guides: str
    read: Callable[[Location], bytes]
    as_stored: bool = False

    def label_map(self, name: str) -> tuple[LabelMap, str]:
        """One of its guides, and the scheme of its classes.

        Raises:
            BadPicture: it cannot be read.
        """
        guide = guide_of(json.loads(self.guides)[name])
        return label_map(self._files(name, guide), guide.scheme), guide.scheme

    def original(self) -> bytes | None:
        """The picture that its corpus pairs with this one, or None.

        Raises:
            BadPicture: it cannot be read.
        """
        guides = json.loads(self.guides)
        return self._files("original", guide_of(guides["original"]))[""] if "original" in guides else None

    def _files(self, name: str, guide: Guide) -> dict[str, bytes]:
        try:
            return {part: self.read(location) for part, location in guide.files.items()}
        except BadPicture as bad:
            raise BadPicture("bad_guide", f"{name}: {bad}", bad.transient) from None


def listed(row: dict[str, Any], readers: Readers | None = None) -> Listed:
    """What a row of the catalog says; without readers its guides cannot be read."""

    def read(location: Location) -> bytes:
        assert readers is not None
        (outcome,) = readers.read_all([(row["source"], location)])
        return bytes_of(outcome)

    as_stored = readers is not None and readers.source(row["source"]).as_stored
    return Listed(row["faces"], row["guides"], read, as_stored)


class Readers:
    """One open reader per source, for the length of a task."""

    def __init__(self, recipe: Recipe, layout: Layout) -> None:
        self._recipe, self._layout = recipe, layout
        self._open: dict[int, OpenSource] = {}

    def __enter__(self) -> Readers:
        return self

    def __exit__(self, *error: object) -> None:
        for reader in self._open.values():
            reader.__exit__(*error)

    def read_all(self, wanted: Iterable[tuple[int, Location]]) -> Iterator[bytes | BadPicture]:
        """Bytes or fault of each picture, in order; those that listing refused are not read.

        Raises:
            SourceVanished: a whole source is gone.
        """
        for source, group in groupby(wanted, key=itemgetter(0)):
            locations = [location for _, location in group]
            read = self._reader(source).read_all([location for location in locations if not location.reason])
            for location in locations:
                yield BadPicture(location.reason, location.detail) if location.reason else next(read)

    def source(self, number: int) -> Source:
        """The source of that number in the recipe."""
        found: Source = self._recipe.sources[number]
        return found

    def _reader(self, source: int) -> OpenSource:
        if source not in self._open:
            reader = self.source(source).reader(self._layout.gzip_indexes, self._recipe.curate.max_bytes)
            self._open[source] = reader.__enter__()
        return self._open[source]


def bytes_of(outcome: bytes | BadPicture) -> bytes:
    """The bytes of an outcome; raises the fault if it is one."""
    if isinstance(outcome, BadPicture):
        raise outcome
    return outcome
