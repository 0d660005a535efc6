"""Helen: 2,330 portraits from Flickr with 194 landmarks, and with probability maps of eleven parts by Smith et al.

The maps come in two sizes. Those of the original size belong to Helen's own pictures; the resized ones have pictures
of their own, for which Helen's landmarks are wrong, so that these are not given there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from pipelines.classes import SCHEMES as CLASSES
from pipelines.corpora.base import Corpus, Found, Table, bad_file, bad_line, fault, join, lines, merged, optional
from pipelines.corpora.readers.beside import masks_beside, note_missing
from pipelines.corpora.readers.points import points_of_lines
from pipelines.errors import BadPicture
from pipelines.labels import Annotation, Face, Guide
from pipelines.landmarks import SCHEMES
from pipelines.sources.base import Location
from pipelines.sources.tree import Entry, Tree

LANDMARKS = "helen-194"
PARTS = "helen-11"
_NAME = r"(\d+_\d+)"
_SUPPLEMENT = r"SmithCVPR2013_dataset_{size}(?:\.zip!)?"
_OWN = {"trainnames.txt": "train", "testnames.txt": "test"}
_SMITH = {"exemplars.txt": "train", "tuning.txt": "val", "testing.txt": "test"}


class Helen(Corpus):
    """Helen (Le et al., ECCV 2012) with the supplement of Smith et al. (CVPR 2013)."""

    corpus: Literal["helen"]
    resized: bool = Field(
        False, description="Read the smaller pictures of SmithCVPR2013_dataset_resized, with its maps and its splits."
    )

    expects: ClassVar[str] = "helen_1/100032540_1.jpg"
    # The supplement's pictures lie in a folder `images`, Helen's own do not.
    picture: ClassVar[re.Pattern[str]] = re.compile(rf"(?:^|(?!images/)[^/]+/){_NAME}\.jpg")
    files: ClassVar = {name: f"pictures of the split {split!r} are not told" for name, split in (_OWN | _SMITH).items()}

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        size = "resized" if self.resized else "original"
        table = _splits(tree, _SMITH if self.resized else _OWN)
        landmarks = {} if self.resized else self._landmarks(tree, table.faults)
        maps = _maps(tree, size)
        table.details = lambda name: merged([landmarks.get(name, Annotation()), Annotation(guides=maps.get(name, {}))])
        picture = rf"{_SUPPLEMENT.format(size=size)}/images/{_NAME}\.jpg" if self.resized else self.picture
        yield from join(tree, picture, table)

    def _landmarks(self, tree: Tree, faults: list[Location]) -> dict[str, Annotation]:
        found = _landmarks(tree, faults)
        note_missing(tree, {match[1] for _, match in tree.matching(self.picture)}, found, "landmarks")
        return found


def _splits(tree: Tree, lists: dict[str, str]) -> Table:
    """Pictures by split; lines are a name, or in the supplement a number, a comma and a name."""
    table = Table()
    for file, split in lists.items():
        if entry := optional(tree, file, Helen.files[file]):
            _read_list(tree, entry, split, table)
        else:
            table.complete = False
    return table


def _read_list(tree: Tree, entry: Entry, split: str, table: Table) -> None:
    for number, line in lines(tree, entry):
        if found := re.fullmatch(rf"\s*(?:\d+\s*,\s*)?{_NAME}\s*", line):
            table.rows[found[1]] = Annotation(split=split)
        else:
            table.faults.append(bad_line(entry, number, "the name of a picture", line))


def _landmarks(tree: Tree, faults: list[Location]) -> dict[str, Annotation]:
    """Landmarks by picture: the first line of a file is the picture's name, the file's own name is a mere number."""
    found: dict[str, Annotation] = {}
    for entry, _ in tree.find_all(r"annotation(?:\.zip!)?/\d+\.txt"):
        try:
            name, *rows = tree.read(entry).decode("utf-8-sig").splitlines() or [""]
            if not re.fullmatch(_NAME, name.strip()):
                raise ValueError(f"expected the name of a picture in the first line, found {name!r:.80}")
        except (BadPicture, ValueError) as error:
            faults.append(fault(entry.location.uri, "bad_label", str(error)))
        else:
            found.setdefault(name.strip(), _face(entry, rows))
    return found


def _face(entry: Entry, rows: list[str]) -> Annotation:
    try:
        return Annotation(faces=[Face(scheme=LANDMARKS, points=points_of_lines(rows, SCHEMES[LANDMARKS].size))])
    except ValueError as error:
        return bad_file(entry, error)


def _maps(tree: Tree, size: str) -> dict[str, dict[str, Guide]]:
    pattern = rf"{_SUPPLEMENT.format(size=size)}/labels/{_NAME}/\1_lbl(0\d|10)\.png"
    names = CLASSES[PARTS].names
    masks = masks_beside(tree, pattern, lambda found: (found[1], names[int(found[2])]))
    if not masks:
        tree.listing.notes.append(f"no SmithCVPR2013_dataset_{size}/labels in {tree.root}: no label maps")
    return {name: {"parsing": Guide(PARTS, files)} for name, files in masks.items()}
