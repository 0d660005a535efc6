"""FairFace: faces of seven groups, balanced, with age bins and sex; 224 pixels, padded by 0.25 or 1.25."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pipelines.corpora.base import Corpus, Found, Table, bad_line, bad_row, join, optional, text_of
from pipelines.labels import Annotation, labels
from pipelines.sources.base import Location
from pipelines.sources.tree import Entry, Tree

_AGE = re.compile(r"(\d+)-(\d+)|more than (\d+)")
_EXPECTED = "file, age, gender, race"
OLDEST = 120
"""Upper end of "more than 70"."""


class FairFace(Corpus):
    """FairFace (Karkkainen and Joo, WACV 2021); groups, ages and sexes are those its annotators agreed on."""

    corpus: Literal["fairface"]
    expects: ClassVar[str] = "train/1.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(r"((train|val)/\d+\.jpg)")
    files: ClassVar = {
        "fairface_label_train.csv": "training pictures have no labels",
        "fairface_label_val.csv": "validation pictures have no labels",
    }

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        table = Table()
        for name, without in self.files.items():
            if entry := optional(tree, name, without):
                _read(tree, entry, table)
        yield from join(tree, self.picture, table if table.rows else None)


def _read(tree: Tree, entry: Entry, table: Table) -> None:
    for number, row in enumerate(csv.DictReader(text_of(tree, entry).splitlines()), 2):
        text = ",".join(str(value) for value in row.values())
        if not row.get("file"):
            table.faults.append(bad_line(entry, number, _EXPECTED, text))
            continue
        try:
            table.rows[row["file"]] = _annotation(row)
        except (KeyError, ValueError, TypeError, AssertionError):
            table.rows[row["file"]] = bad_row(entry, number, _EXPECTED, text)


def _annotation(row: dict[str, str]) -> Annotation:
    found = _AGE.fullmatch(row["age"])
    if found is None or not row["race"]:
        raise ValueError(row["age"])
    low, high = (int(found[1]), int(found[2])) if found[1] else (int(found[3]), OLDEST)
    stated = labels(group=row["race"], group_by="annotators", age=low, age_to=high, sex=row["gender"].lower())
    return Annotation(split=row["file"].split("/")[0], labels=stated)
