"""SCUT-FBP5500: 5,500 frontal faces of 350 x 350 with 86 landmarks; group and sex are in the names of the files.

The corpus was made to learn how beautiful people are thought. Those scores are not read, on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field

from pipelines.corpora.base import Corpus, Found, Table, bad_line, join, lines, merged, optional
from pipelines.corpora.readers.beside import landmarks_beside, note_missing, texts_beside
from pipelines.corpora.readers.points import points_of_pts
from pipelines.labels import Annotation, labels
from pipelines.sources.base import Location
from pipelines.sources.tree import Entry, Tree

LANDMARKS = "scut-86"
GROUPS = {"A": "Asian", "C": "Caucasian"}
SEXES = {"F": "female", "M": "male"}
_NAME = r"([AC][FM]\d+)"
_HALVES = "train_test_files/split_of_60%training and 40%testing/{split}.txt"
_FOLDS = "train_test_files/5_folders_cross_validations_files/cross_validation_{fold}/{split}_{fold}.txt"


class ScutFbp5500(Corpus):
    """SCUT-FBP5500 (Liang et al., ICPR 2018), the release whose pictures are named AF1.jpg and so on."""

    corpus: Literal["scut-fbp5500"]
    fold: int | None = Field(
        None,
        ge=1,
        le=5,
        description="Fold of the cross validation whose splits are taken; without, 60 % train, 40 % test.",
    )

    expects: ClassVar[str] = "Images/AF1.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(rf"Images/{_NAME}\.jpg")
    files: ClassVar = {
        **{_HALVES.format(split=split): "no splits" for split in ("train", "test")},
        **{_FOLDS.format(fold=fold, split=split): "no splits" for fold in range(1, 6) for split in ("train", "test")},
    }

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        landmarks = texts_beside(tree, rf"facial landmark/{_NAME}\.pts")
        note_missing(tree, {found[1] for _, found in tree.matching(self.picture)}, landmarks, "landmarks")
        table = _splits(tree, _FOLDS if self.fold else _HALVES, self.fold)
        for name in landmarks:
            table.rows.setdefault(name, Annotation())
        table.details = lambda name: _annotation(tree, name, landmarks)
        yield from join(tree, self.picture, table)


def _splits(tree: Tree, path: str, fold: int | None) -> Table:
    """Lines of a name and a score, of which the name is taken."""
    table = Table(complete=False)
    for split in ("train", "test"):
        if entry := optional(tree, path.format(split=split, fold=fold), "no splits"):
            _read(tree, entry, split, table)
    return table


def _read(tree: Tree, entry: Entry, split: str, table: Table) -> None:
    for number, line in lines(tree, entry):
        if found := re.match(rf"\s*{_NAME}\.jpg\s", line):
            table.rows[found[1]] = Annotation(split=split)
        else:
            table.faults.append(bad_line(entry, number, "the name of a picture", line))


def _annotation(tree: Tree, name: str, landmarks: Mapping[str, Entry]) -> Annotation:
    stated = labels(group=GROUPS[name[0]], group_by="filename", sex=SEXES[name[1]])
    parts = [Annotation(labels=stated)]
    if name in landmarks:
        parts.append(landmarks_beside(tree, landmarks[name], LANDMARKS, points_of_pts))
    return merged(parts)
