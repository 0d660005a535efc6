"""DTD: 5,640 textures in 47 classes, with ten ways to split them in three."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from pipelines.corpora.base import Corpus, Found, Table, bad_line, join, lines
from pipelines.labels import Annotation, labels
from pipelines.sources.base import Location
from pipelines.sources.tree import Tree

SPLITS = ("train", "val", "test")
_NAME = re.compile(r"([a-z-]+)/[^/]+\.jpg")


class Dtd(Corpus):
    """DTD (Cimpoi et al., CVPR 2014)."""

    corpus: Literal["dtd"]
    partition: int = Field(1, ge=1, le=10, description="Which of the ten official partitions gives the splits.")

    expects: ClassVar[str] = "images/banded/banded_0002.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(r"images/([a-z-]+/[^/]+\.jpg)")
    files: ClassVar = {f"labels/{split}1.txt": f"no official split {split}" for split in SPLITS}

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        table = Table()
        for split in SPLITS:
            self._read(tree, split, table)
        # Without all three lists, a picture that none names is not at fault.
        table.complete = all(tree.find(f"labels/{split}{self.partition}.txt") for split in SPLITS)
        for found in join(tree, self.picture, table):
            yield _with_class(found) if isinstance(found, tuple) else found

    def _read(self, tree: Tree, split: str, table: Table) -> None:
        name = f"labels/{split}{self.partition}.txt"
        entry = tree.find(name)
        if entry is None:
            tree.listing.notes.append(f"no {name} in {tree.root}: no official split {split}")
            return
        for number, line in lines(tree, entry):
            if _NAME.fullmatch(line.strip()):
                table.rows[line.strip()] = Annotation(split)
            else:
                table.faults.append(bad_line(entry, number, "a picture such as banded/banded_0002.jpg", line))


def _with_class(found: Found) -> Found:
    entry, annotation = found
    return entry, replace(annotation, labels=labels(scene=entry.path.split("/")[-2]))
