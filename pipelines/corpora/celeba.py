"""CelebA: 202,599 faces of celebrities, aligned at 178 x 218 or as found, with forty attributes and five points."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from pipelines.corpora.base import (
    Corpus,
    Found,
    Table,
    bad_line,
    bad_row,
    join,
    lines,
    merged,
    optional,
)
from pipelines.labels import Annotation, Face, labels
from pipelines.sources.base import Location
from pipelines.sources.tree import Entry, Tree

SPLITS = ("train", "val", "test")
_PICTURE = r"(\d{6})\.(?:jpg|png)"
_NAME = re.compile(_PICTURE)


class CelebA(Corpus):
    """CelebA (Liu et al., ICCV 2015), aligned or in the wild."""

    corpus: Literal["celeba"]
    aligned: bool = Field(True, description="Read the aligned pictures; false reads those in the wild.")

    expects: ClassVar[str] = "img_align_celeba/000001.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(rf"(?:img_align_celeba(?:_png)?|img_celeba)/{_PICTURE}")
    files: ClassVar = {
        "list_eval_partition.txt": "no official splits",
        "list_attr_celeba.txt": "no attributes",
        "identity_CelebA.txt": "no identities, so that one person may be in two splits",
        "list_landmarks_align_celeba.txt": "no landmarks of aligned pictures",
        "list_landmarks_celeba.txt": "no landmarks of pictures in the wild",
        "list_bbox_celeba.txt": "no boxes of pictures in the wild",
    }

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        folder = "img_align_celeba(?:_png)?" if self.aligned else "img_celeba"
        yield from join(tree, rf"{folder}/{_PICTURE}", self._table(tree))

    def _table(self, tree: Tree) -> Table | None:
        parts: list[dict[str, Annotation]] = []
        faults: list[Location] = []
        if self.aligned and tree.find("list_bbox_celeba.txt"):
            tree.listing.notes.append("celeba: list_bbox_celeba.txt is refused: its boxes are for pictures in the wild")
        last = ["list_landmarks_align_celeba.txt"] if self.aligned else list(self.files)[4:]
        for name in [*list(self.files)[:3], *last]:
            entry = optional(tree, name, self.files[name])
            parts += [_READERS[name](tree, entry, faults)] if entry else []
        if not parts:
            return None
        names = sorted(set().union(*parts))
        return Table({name: merged(part[name] for part in parts if name in part) for name in names}, faults)


def _rows(tree: Tree, entry: Entry, faults: list[Location], header: int) -> Iterator[tuple[int, str, list[str]]]:
    """Number, picture and fields of every line below the header; runs of spaces part the fields."""
    for number, line in lines(tree, entry):
        if number <= header:
            continue
        name, *fields = line.split()
        if found := _NAME.fullmatch(name):
            yield number, found[1], fields
        else:
            faults.append(bad_line(entry, number, "a picture such as 000001.jpg", line))


def _partition(tree: Tree, entry: Entry, faults: list[Location]) -> dict[str, Annotation]:
    found = {}
    for number, name, fields in _rows(tree, entry, faults, header=0):
        good = len(fields) == 1 and fields[0] in ("0", "1", "2")
        found[name] = (
            Annotation(split=SPLITS[int(fields[0])]) if good else bad_row(entry, number, "0, 1 or 2", " ".join(fields))
        )
    return found


def _attributes(tree: Tree, entry: Entry, faults: list[Location]) -> dict[str, Annotation]:
    head = [line for number, line in lines(tree, entry) if number <= 2]
    names = [name.lower() for name in head[1].split()] if len(head) == 2 else []
    found = {}
    for number, name, fields in _rows(tree, entry, faults, header=2):
        if len(fields) != len(names) or not set(fields) <= {"1", "-1"}:
            found[name] = bad_row(entry, number, f"{len(names)} values of 1 or -1", " ".join(fields))
            continue
        attributes = {attribute: value == "1" for attribute, value in zip(names, fields, strict=True)}
        sex = ("male" if attributes.pop("male") else "female") if "male" in attributes else ""
        glasses = "eyeglasses" if attributes.pop("eyeglasses", False) else ""
        found[name] = Annotation(labels=labels(sex=sex, glasses=glasses, **attributes))
    return found


def _identities(tree: Tree, entry: Entry, faults: list[Location]) -> dict[str, Annotation]:
    return {
        name: Annotation(identity=fields[0]) if fields else bad_row(entry, number, "an identity", "")
        for number, name, fields in _rows(tree, entry, faults, header=0)
    }


def _landmarks(tree: Tree, entry: Entry, faults: list[Location]) -> dict[str, Annotation]:
    found = {}
    for number, name, fields in _rows(tree, entry, faults, header=2):
        try:
            values = [float(field) for field in fields]
            points = list(zip(values[::2], values[1::2], strict=True))
            assert len(points) == 5
        except (ValueError, AssertionError):
            found[name] = bad_row(entry, number, "ten numbers", " ".join(fields))
        else:
            found[name] = Annotation(faces=[Face(scheme="five", points=points)])
    return found


def _boxes(tree: Tree, entry: Entry, faults: list[Location]) -> dict[str, Annotation]:
    found = {}
    for number, name, fields in _rows(tree, entry, faults, header=2):
        try:
            x, y, width, height = (float(field) for field in fields)
        except ValueError:
            found[name] = bad_row(entry, number, "x, y, width, height", " ".join(fields))
        else:
            found[name] = Annotation(faces=[Face(box=(x, y, width, height))])
    return found


_READERS = {
    "list_eval_partition.txt": _partition,
    "list_attr_celeba.txt": _attributes,
    "identity_CelebA.txt": _identities,
    "list_landmarks_align_celeba.txt": _landmarks,
    "list_landmarks_celeba.txt": _landmarks,
    "list_bbox_celeba.txt": _boxes,
}
