"""MFR2: 269 pictures of 53 people, most of them with a mask whose kind is told, at 160 pixels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Literal

from pipelines.corpora.base import Corpus, Found, Table, bad_line, join, lines, optional
from pipelines.labels import Annotation, labels
from pipelines.sources.base import Location
from pipelines.sources.tree import Entry, Tree

_LINE = re.compile(r"\s*(\S+?)\s*,\s*(\d+)\s*,\s*(\S.*?)\s*")
_PERSON = re.compile(r"(.+)_\d{4}")


class Mfr2(Corpus):
    """Masked Faces in Real World for Face Recognition (Anwar and Raychowdhury, 2020)."""

    corpus: Literal["mfr2"]
    expects: ClassVar[str] = "mfr2/Person/Person_0001.png"
    picture: ClassVar[re.Pattern[str]] = re.compile(r"([^/]+)/(\1_\d{4})\.png")
    files: ClassVar = {"mfr2_labels.txt": "which kind of mask is worn is not known"}
    names: ClassVar[re.Pattern[str]] = re.compile(r"([^/]+)/(\1)_\d{4}\.png$")

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        name, without = next(iter(self.files.items()))
        entry = optional(tree, name, without)
        for found in join(tree, self.picture, _table(tree, entry) if entry else None, lambda match: match[2]):
            yield found if isinstance(found, Location) else _of_person(found)


def _of_person(found: Found) -> Found:
    """With the identity, which the file's name tells also where the label file is missing."""
    entry, annotation = found
    person = _PERSON.fullmatch(entry.stem)
    assert person is not None
    return entry, replace(annotation, identity=person[1])


def _table(tree: Tree, entry: Entry) -> Table:
    table = Table()
    for number, line in lines(tree, entry):
        if found := _LINE.fullmatch(line):
            person, picture, kind = found.groups()
            worn = labels(mask="none") if kind == "no-mask" else labels(mask="correct", mask_type=kind)
            table.rows[f"{person}_{int(picture):04d}"] = Annotation(labels=worn)
        else:
            table.faults.append(bad_line(entry, number, "person, number, kind of mask", line))
    return table
