"""FFHQ: 70,000 faces from Flickr, aligned at 1024 x 1024, as thumbnails of 128 x 128, or in the pictures they are from.

Each picture has its own licence and author. Landmarks are told twice, in the pixels of the aligned picture and in
those of the picture in the wild, and are never carried from one to the other.
"""

from __future__ import annotations

import math
import re
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field

from pipelines.corpora.base import Corpus, Found, Table, join, optional
from pipelines.corpora.readers.json_object import json_members
from pipelines.errors import BadPicture, RecipeError
from pipelines.labels import Annotation, Face, labels
from pipelines.landmarks import SCHEMES
from pipelines.sources.base import OFFICIAL_SPLITS, Location
from pipelines.sources.tree import Entry, Tree

METADATA = "ffhq-dataset-v2.json"
NUM_TRAIN = 60000
"""Pictures 0 to 59,999 are for training, the rest for validation."""
LANDMARKS = "ibug-68"

Variant = Literal["aligned", "thumbnails", "wild"]
FOLDERS: dict[str, str] = {
    "aligned": "images1024x1024",
    "thumbnails": "thumbnails128x128",
    "wild": "in-the-wild-images",
}
LICENCES = {
    "creativecommons.org/licenses/by/2.0": "CC-BY-2.0",
    "creativecommons.org/licenses/by-nc/2.0": "CC-BY-NC-2.0",
    "creativecommons.org/publicdomain/mark/1.0": "public domain",
    "creativecommons.org/publicdomain/zero/1.0": "CC0-1.0",
    "usa.gov/copyright.shtml": "US government work",
}
"""Our name of each licence by its address, without what may differ: scheme, www and a slash at the end."""


class Ffhq(Corpus):
    """Flickr-Faces-HQ (Karras et al., CVPR 2019)."""

    corpus: Literal["ffhq"]
    variant: Variant = Field(
        "aligned", description="aligned (1024 x 1024), thumbnails (128 x 128), or wild (the whole pictures)."
    )

    expects: ClassVar[str] = "images1024x1024/00000/00000.png"
    picture: ClassVar[re.Pattern[str]] = re.compile(rf"(?:{'|'.join(FOLDERS.values())})/(?:\d{{5}}/)?(\d{{5}})\.png")
    files: ClassVar = {METADATA: "no licences, authors and landmarks; the dataset's own terms stand for every picture"}

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        picture = rf"{FOLDERS[self.variant]}/(?:\d{{5}}/)?(\d{{5}})\.png"
        entry = optional(tree, METADATA, self.files[METADATA])
        table = _read(tree, entry, self.variant) if entry else Table(complete=False, details=_by_number)
        yield from join(tree, picture, table)


def _by_number(name: str) -> Annotation:
    return Annotation(split="train" if int(name) < NUM_TRAIN else "val")


@dataclass(frozen=True, slots=True)
class _Shape:
    """Landmarks and box of one picture, kept flat: as Python's pairs those of 70,000 faces would fill 600 MB."""

    numbers: array[float]
    box: tuple[float, float, float, float] | None

    def face(self) -> Face:
        points = list(zip(self.numbers[::2], self.numbers[1::2], strict=True))
        return Face(box=self.box, scheme=LANDMARKS, points=points)


def _read(tree: Tree, entry: Entry, variant: Variant) -> Table:
    table = Table()
    shapes: dict[str, _Shape] = {}
    try:
        with tree.open(entry) as stream:
            for key, record in json_members(stream):
                name = key.zfill(5)
                try:
                    table.rows[name] = _terms(record)
                    shapes[name] = _shape(record, variant)
                except (KeyError, TypeError, ValueError, AttributeError) as error:
                    table.rows[name] = Annotation(reason="bad_label", detail=f"{entry.path}, {key!r}: {error!r:.80}")
    except (ValueError, BadPicture) as error:
        raise RecipeError(f"{entry.path} in {tree.root} is not the JSON it should be: {error}; get it again") from None
    table.details = lambda name: Annotation(faces=[shapes[name].face()])
    return table


def _terms(record: dict[str, Any]) -> Annotation:
    """Split, licence and author of one picture."""
    metadata = record["metadata"]
    address = str(metadata["license_url"])
    credit = f"{metadata['photo_title']} by {metadata['author']}, {metadata['photo_url']}"
    return Annotation(
        split=OFFICIAL_SPLITS[record["category"]],
        labels=labels(country=metadata.get("country")),
        licence=LICENCES.get(re.sub(r"^https?://(www\.)?", "", address).rstrip("/"), "unknown"),
        licence_url=sys.intern(address),
        attribution=credit,
    )


def _shape(record: dict[str, Any], variant: str) -> _Shape:
    """Landmarks in pixels of the picture that is read; thumbnails are the aligned pictures made smaller."""
    if variant == "wild":
        wild = record["in_the_wild"]
        left, top, right, bottom = (float(number) for number in wild["face_rect"])
        return _Shape(_numbers(wild["face_landmarks"], 1.0), (left, top, right - left, bottom - top))
    image = record["image"]
    scale = record["thumbnail"]["pixel_size"][0] / image["pixel_size"][0] if variant == "thumbnails" else 1.0
    return _Shape(_numbers(image["face_landmarks"], scale), None)


def _numbers(points: list[tuple[float, float]], scale: float) -> array[float]:
    flat = array("d", (number * scale for x, y in points for number in (x, y)))
    if len(flat) != 2 * SCHEMES[LANDMARKS].size or not all(map(math.isfinite, flat)):
        raise ValueError(f"expected {SCHEMES[LANDMARKS].size} points, found {len(points)}")
    return flat
