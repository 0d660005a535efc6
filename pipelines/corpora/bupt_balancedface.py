"""BUPT-Balancedface: 1.25 million faces of 28,000 celebrities, 7,000 in each of four groups."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pipelines.corpora.base import Corpus, Found
from pipelines.corpora.readers.paths import told_by_path
from pipelines.labels import Annotation, labels
from pipelines.sources.tree import Tree


class BuptBalancedface(Corpus):
    """BUPT-Balancedface (Wang and Deng, CVPR 2020), its pictures; the RecordIO beside them is the same set aligned."""

    corpus: Literal["bupt-balancedface"]
    expects: ClassVar[str] = "race_per_7000/African/m.01b5h9/000001_00@en.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(r"(African|Asian|Caucasian|Indian)/([^/]+)/[^/]+\.jpg")

    def pictures(self, tree: Tree) -> Iterator[Found]:
        yield from told_by_path(tree, self.picture, _told_by)


def _told_by(found: re.Match[str]) -> Annotation:
    return Annotation(identity=found[2], labels=labels(group=found[1], group_by="folder"))
