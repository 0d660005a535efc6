"""MeGlass: 47,917 faces of 1,710 persons, each with and without glasses; cropped to 120 x 120, or as found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from pipelines.corpora.base import Corpus, Found, Table, bad_line, join, lines, optional
from pipelines.labels import Annotation, labels
from pipelines.sources.base import Location
from pipelines.sources.tree import Entry, Tree

META = "meta.txt"
GLASSES = {"0": "none", "1": "eyeglasses"}
_NAME = r"([^/@]+@[^/@]+@[^/@]+\.jpg)"
_FOLDERS = {False: "MeGlass_120x120", True: "MeGlass_ori"}


class MeGlass(Corpus):
    """MeGlass (Guo et al., arXiv:1806.01196, 2018), chosen from MegaFace."""

    corpus: Literal["meglass"]
    original: bool = Field(False, description="Read MeGlass_ori, the pictures as found, instead of MeGlass_120x120.")

    expects: ClassVar[str] = "MeGlass_120x120/10032527@N08_identity_4@2582182573_0.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(rf"MeGlass_(?:120x120|ori)(?:\.zip!)?/{_NAME}")
    files: ClassVar = {META: "whether glasses are worn is not told"}

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        entry = optional(tree, META, self.files[META])
        table = _read(tree, entry) if entry else Table(complete=False)
        table.details = lambda name: Annotation(identity=person(name))
        yield from join(tree, rf"{_FOLDERS[self.original]}(?:\.zip!)?/{_NAME}", table)


def _read(tree: Tree, entry: Entry) -> Table:
    table = Table()
    for number, line in lines(tree, entry):
        name, _, code = line.strip().rpartition(" ")
        if re.fullmatch(_NAME, name) and code in GLASSES:
            table.rows[name] = Annotation(labels=labels(glasses=GLASSES[code]))
        else:
            table.faults.append(bad_line(entry, number, "the name of a picture and 0 or 1", line))
    return table


def person(name: str) -> str:
    """Whom a picture shows: what comes before the second @ of its name."""
    return "@".join(name.split("@")[:2])
