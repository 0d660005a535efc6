"""AFD: 360,000 faces of 2,019 Asian people, one folder a person."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pipelines.corpora.base import Corpus, Found
from pipelines.corpora.readers.paths import told_by_path
from pipelines.labels import Annotation, labels
from pipelines.sources.tree import Tree


class Afd(Corpus):
    """Asian Face Dataset (Xiong et al., 2018), in two parts that may lie side by side."""

    corpus: Literal["afd"]
    expects: ClassVar[str] = "part1/1/1.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(r"(?:[^/]+/)?([^/]+)/[^/]+\.(?:jpe?g|png|bmp)", re.IGNORECASE)

    def pictures(self, tree: Tree) -> Iterator[Found]:
        yield from told_by_path(tree, self.picture, _told_by)


def _told_by(found: re.Match[str]) -> Annotation:
    # Should both parts use one folder's name, two people are kept in one split: that does no harm.
    return Annotation(identity=found[1], labels=labels(group="Asian", group_by="owner"))
