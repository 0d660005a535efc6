"""The text files of CelebA, and those of CelebA-HQ and CelebAMask-HQ that are written like them.

Fields are parted by runs of spaces; two lines may come first, a count and the names of the columns.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field

from pipelines.corpora.base import bad_line, bad_row, lines
from pipelines.labels import Annotation, Face, labels
from pipelines.sources.base import Location
from pipelines.sources.tree import Entry, Tree

SPLITS = ("train", "val", "test")
LAST_NUMBER = {"train": 162770, "val": 182637, "test": 202599}
"""Last picture of each official split, by the number in its name."""
NAME = re.compile(r"(\d{6})\.(?:jpg|png)")
Part = Mapping[str, Annotation]
_Line = tuple[int, str]
"""Number of a line, and what stands behind the picture's name."""


@dataclass(frozen=True)
class Lines(Part):
    """Annotations by picture, made from its line when asked for: made at once, those of CelebA would take 700 MB."""

    found: dict[str, _Line]
    read: Callable[[_Line], Annotation]

    def __getitem__(self, name: str) -> Annotation:
        return self.read(self.found[name])

    def __contains__(self, name: object) -> bool:
        return name in self.found

    def __iter__(self) -> Iterator[str]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)


@dataclass
class CelebaTexts:
    """Reads these files; each method gives annotations by the picture's number as its name spells it.

    Attributes:
        name: how a picture's name looks, whose first group is its number.
        wanted: numbers to keep, so that 30,000 pictures do not hold the labels of 202,599; None keeps all.
        faults: lines that name no picture.
    """

    tree: Tree
    name: re.Pattern[str] = NAME
    wanted: Container[str] | None = None
    faults: list[Location] = field(default_factory=list)

    def partition(self, entry: Entry) -> Part:
        """0, 1 or 2 behind each name."""
        return self._annotations(entry, "0, 1 or 2", _split, header=0)

    def identities(self, entry: Entry) -> Part:
        """A person's number behind each name."""
        return self._annotations(entry, "an identity", _identity, header=0)

    def attributes(self, entry: Entry) -> Part:
        """1 or -1 behind each name, for the attributes that the second line names."""
        head = [line for number, line in lines(self.tree, entry) if number <= 2]
        names = [name.lower() for name in head[1].split()] if len(head) == 2 else []
        expected = f"{len(names)} values of 1 or -1"
        return self._annotations(entry, expected, lambda fields: _attributes(names, fields))

    def poses(self, entry: Entry) -> Part:
        """Yaw, pitch and roll behind each name, in degrees."""
        return self._annotations(entry, "yaw, pitch, roll", _pose)

    def landmarks(self, entry: Entry) -> Part:
        """Five points behind each name."""
        return self._annotations(entry, "ten numbers", _landmarks)

    def boxes(self, entry: Entry) -> Part:
        """x, y, width and height behind each name."""
        return self._annotations(entry, "x, y, width, height", _box)

    def rows(self, entry: Entry, header: int) -> Iterator[tuple[str, _Line]]:
        """Picture and the rest of every line below the header."""
        for number, line in lines(self.tree, entry):
            if number <= header:
                continue
            name, *rest = line.split(maxsplit=1)
            found = self.name.fullmatch(name)
            if found is None:
                self.faults.append(bad_line(entry, number, "the name of a picture", line))
            elif self.wanted is None or found[1] in self.wanted:
                yield sys.intern(found[1]), (number, "".join(rest))

    def _annotations(
        self, entry: Entry, expected: str, read: Callable[[list[str]], Annotation], header: int = 2
    ) -> Part:
        def annotation(line: _Line) -> Annotation:
            number, text = line
            try:
                return read(text.split())
            except ValueError:
                return bad_row(entry, number, expected, text)

        return Lines(dict(self.rows(entry, header)), annotation)


def split_of(number: int) -> str:
    """Official split of a picture of CelebA, by its number; the three are ranges."""
    return next((split for split, last in LAST_NUMBER.items() if number <= last), "")


def _split(fields: list[str]) -> Annotation:
    (code,) = fields
    return Annotation(split=SPLITS[("0", "1", "2").index(code)])


def _identity(fields: list[str]) -> Annotation:
    if not fields:
        raise ValueError
    return Annotation(identity=fields[0])


def _attributes(names: list[str], fields: list[str]) -> Annotation:
    if not set(fields) <= {"1", "-1"}:
        raise ValueError(fields)
    stated = {name: value == "1" for name, value in zip(names, fields, strict=True)}
    sex = ("male" if stated.pop("male") else "female") if "male" in stated else ""
    glasses = "eyeglasses" if stated.pop("eyeglasses", False) else ""
    return Annotation(labels=labels(sex=sex, glasses=glasses, **stated))


def _pose(fields: list[str]) -> Annotation:
    yaw, pitch, roll = (float(field) for field in fields)
    return Annotation(labels=labels(yaw=yaw, pitch=pitch, roll=roll))


def _landmarks(fields: list[str]) -> Annotation:
    values = [float(field) for field in fields]
    if len(values) != 10:
        raise ValueError(fields)
    return Annotation(faces=[Face(scheme="five", points=list(zip(values[::2], values[1::2], strict=True)))])


def _box(fields: list[str]) -> Annotation:
    x, y, width, height = (float(field) for field in fields)
    return Annotation(faces=[Face(box=(x, y, width, height))])
