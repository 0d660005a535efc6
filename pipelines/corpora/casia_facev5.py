"""CASIA-FaceV5: 500 people, five pictures each, 640 x 480, taken with one USB camera in one session."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pipelines.corpora.base import Corpus, Found
from pipelines.corpora.readers.paths import told_by_path
from pipelines.labels import Annotation
from pipelines.sources.tree import Tree


class CasiaFaceV5(Corpus):
    """CASIA Face Image Database, version 5.0; five zips of a hundred people each."""

    corpus: Literal["casia-facev5"]
    expects: ClassVar[str] = "CASIA-FaceV5 (000-099)/000/000_0.bmp"
    picture: ClassVar[re.Pattern[str]] = re.compile(r"(\d{3})/(\d{3})_\d\.bmp")

    def pictures(self, tree: Tree) -> Iterator[Found]:
        yield from told_by_path(tree, self.picture, _told_by)


def _told_by(found: re.Match[str]) -> Annotation:
    if found[1] != found[2]:
        return Annotation(reason="bad_label", detail=f"folder {found[1]} holds a picture of person {found[2]}")
    return Annotation(identity=found[1])
