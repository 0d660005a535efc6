"""JAFFE: ten Japanese women, 213 pictures of seven posed expressions, 256 x 256, grey."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pipelines.corpora.base import Corpus, Found
from pipelines.corpora.readers.paths import told_by_path
from pipelines.labels import Annotation, labels
from pipelines.sources.tree import Tree

EXPRESSIONS = {
    "AN": "anger", "DI": "disgust", "FE": "fear", "HA": "happiness", "NE": "neutral", "SA": "sadness", "SU": "surprise",
}  # fmt: skip


class Jaffe(Corpus):
    """Japanese Female Facial Expression dataset (Lyons et al., 1998)."""

    corpus: Literal["jaffe"]
    expects: ClassVar[str] = "jaffe/KA.AN1.39.tiff"
    picture: ClassVar[re.Pattern[str]] = re.compile(r"([A-Z]{2})\.([A-Z]{2})(\d)\.(\d+)\.tiff?")

    def pictures(self, tree: Tree) -> Iterator[Found]:
        yield from told_by_path(tree, self.picture, _told_by)


def _told_by(found: re.Match[str]) -> Annotation:
    expression = EXPRESSIONS.get(found[2])
    if expression is None:
        return Annotation(reason="bad_label", detail=f"expected one of {', '.join(EXPRESSIONS)}, found {found[2]}")
    stated = labels(group="Japanese", group_by="owner", sex="female", expression=expression)
    return Annotation(identity=found[1], labels=stated)
