"""LaPa: 22,000 faces with 106 landmarks and label maps of eleven parts; its official splits are folders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pipelines.corpora.base import Corpus, Found, Table, join, merged
from pipelines.corpora.readers.beside import landmarks_beside, maps_beside, note_missing, texts_beside
from pipelines.corpora.readers.points import points_of_counted
from pipelines.labels import Annotation, Guide
from pipelines.sources.base import Location
from pipelines.sources.tree import Entry, Tree

LANDMARKS = "lapa-106"
CLASSES = "lapa-11"


class LaPa(Corpus):
    """LaPa (Liu et al., AAAI 2020)."""

    corpus: Literal["lapa"]
    expects: ClassVar[str] = "train/images/10009865324_0.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(r"(train|val|test)/images/([^/]+)\.jpg")

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        landmarks = texts_beside(tree, r"(train|val|test)/landmarks/([^/]+)\.txt", _name)
        maps = maps_beside(tree, r"(train|val|test)/labels/([^/]+)\.png", _name)
        names = {_name(found) for _, found in tree.matching(self.picture)}
        note_missing(tree, names, landmarks, "landmarks")
        note_missing(tree, names, maps, "label map")
        table = Table({name: Annotation() for name in sorted({*landmarks, *maps})}, complete=False)
        table.details = lambda name: _annotation(tree, name, landmarks.get(name), maps.get(name))
        yield from join(tree, self.picture, table, _name)


def _name(found: re.Match[str]) -> str:
    return f"{found[1]}/{found[2]}"


def _annotation(tree: Tree, name: str, points: Entry | None, label_map: Location | None) -> Annotation:
    parts = [Annotation(split=name.partition("/")[0])]
    if points:
        parts.append(landmarks_beside(tree, points, LANDMARKS, points_of_counted))
    if label_map:
        parts.append(Annotation(guides={"parsing": Guide(CLASSES, {"": label_map})}))
    return merged(parts)
