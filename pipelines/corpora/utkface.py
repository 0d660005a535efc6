"""UTKFace: 23,708 faces from 0 to 116 years of age, labelled by nothing but their names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from pipelines.corpora.base import Corpus, Found, Table, bad_line, bad_row, join, lines, optional
from pipelines.corpora.readers.paths import also_told
from pipelines.labels import Annotation, Face, labels
from pipelines.sources.base import Location
from pipelines.sources.tree import Entry, Tree

SEXES = ("male", "female")
GROUPS = ("White", "Black", "Asian", "Indian", "Others")
OLDEST = 116
NUM_POINTS = 68

_LISTS = tuple(f"landmark_list_part{part}.txt" for part in (1, 2, 3))
# The dot before "jpg" is missing once, and before another is a space.
_NAME = re.compile(r"(\d{1,3})_([01])_([0-4])_(\d{17})\s?\.?jpg(?:\.chip\.jpg)?")
_EXPECTED = "age_gender_race_datetime.jpg"


class UTKFace(Corpus):
    """UTKFace (Zhang, Song and Qi, CVPR 2017), aligned and cropped or in the wild."""

    corpus: Literal["utkface"]
    aligned: bool = Field(True, description="Read the aligned pictures of 200 x 200; false reads those in the wild.")

    expects: ClassVar[str] = "UTKFace/26_1_2_20170116184751512.jpg.chip.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(r"([^/]*jpg)(?:\.chip\.jpg)?")
    files: ClassVar = dict.fromkeys(_LISTS, "aligned pictures of this part have no landmarks")

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        if self.aligned:
            found = join(tree, r"([^/]*jpg)\.chip\.jpg", self._landmarks(tree))
        else:
            if any(tree.find(name) for name in _LISTS):
                tree.listing.notes.append("utkface: landmark lists are refused: their points are of aligned pictures")
            found = join(tree, r"part[123]/([^/]*jpg)(?<!\.chip\.jpg)", None)
        yield from also_told(found, _told_by)

    def _landmarks(self, tree: Tree) -> Table | None:
        table = Table(complete=False)
        for name, without in self.files.items():
            if entry := optional(tree, name, without):
                _read(tree, entry, table)
        return table


def _told_by(entry: Entry) -> Annotation:
    """Age, sex and group, which a picture's name begins with; some names lack one of them."""
    found = _NAME.fullmatch(entry.name)
    if found is None or int(found[1]) > OLDEST:
        return Annotation(reason="bad_label", detail=f"expected {_EXPECTED}, found {entry.name!r}")
    age, sex, group = (int(number) for number in found.groups()[:3])
    stated = labels(age=age, age_to=age, sex=SEXES[sex], group=GROUPS[group], group_by="filename")
    return Annotation(labels=stated)


def _read(tree: Tree, entry: Entry, table: Table) -> None:
    for number, line in lines(tree, entry):
        name, found, rest = line.partition("jpg")
        fields = rest.split()
        if not found or "/" in name:
            table.faults.append(bad_line(entry, number, f"{_EXPECTED} and {NUM_POINTS} points", line))
        elif len(fields) != 2 * NUM_POINTS or not all(re.fullmatch(r"-?\d{1,6}", field) for field in fields):
            table.rows[name + found] = bad_row(entry, number, f"{NUM_POINTS} points", rest)
        else:
            points = [(float(x), float(y)) for x, y in zip(fields[::2], fields[1::2], strict=True)]
            table.rows[name + found] = Annotation(faces=[Face(scheme="ibug-68", points=points)])
