"""RFW: 40,607 faces of 11,429 people in four groups, for testing face recognition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pipelines.corpora.base import Corpus, Found, Table, bad_line, bad_row, join, lines, numbers, optional
from pipelines.corpora.readers.paths import also_told
from pipelines.labels import Annotation, Face, labels
from pipelines.sources.base import Location
from pipelines.sources.tree import Entry, Tree

GROUPS = ("African", "Asian", "Caucasian", "Indian")
_EXPECTED = "path, number and ten coordinates"


class Rfw(Corpus):
    """Racial Faces in the Wild (Wang et al., ICCV 2019), the loose crops of 400 x 400."""

    corpus: Literal["rfw"]
    expects: ClassVar[str] = "test/data/African/m.01d2w1/m.01d2w1_0001.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(rf"(?:{'|'.join(GROUPS)})/[^/]+/[^/]+\.jpg")
    files: ClassVar = {f"{group}_lmk.txt": f"no landmarks of the group {group}" for group in GROUPS}

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        for group in GROUPS:
            joined = join(tree, rf"({group}/[^/]+/[^/]+\.jpg)", self._landmarks(tree, group))
            yield from also_told(joined, _told_by)

    def _landmarks(self, tree: Tree, group: str) -> Table | None:
        name = f"{group}_lmk.txt"
        entry = optional(tree, name, self.files[name])
        return _read(tree, entry, group) if entry else None


def _told_by(entry: Entry) -> Annotation:
    group, person = entry.path.split("/")[-3:-1]
    return Annotation(split="test", identity=person, labels=labels(group=group, group_by="folder"))


def _read(tree: Tree, entry: Entry, group: str) -> Table:
    table = Table()
    for number, line in lines(tree, entry):
        path, *fields = line.split()
        name = "/".join(path.split("/")[-3:])
        if not re.fullmatch(rf"{group}/[^/]+/[^/]+\.jpg", name):
            table.faults.append(bad_line(entry, number, _EXPECTED, line))
            continue
        try:
            values = numbers(fields[1:])
            points = list(zip(values[::2], values[1::2], strict=True))
            assert len(points) == 5
        except (ValueError, AssertionError):
            table.rows[name] = bad_row(entry, number, _EXPECTED, line)
        else:
            table.rows[name] = Annotation(faces=[Face(scheme="five", points=points)])
    return table
