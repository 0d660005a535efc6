"""BFW: 20,000 faces of 800 people in eight subgroups of group and sex, chosen from VGGFace2."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pipelines.corpora.base import Corpus, Found
from pipelines.corpora.readers.paths import told_by_path
from pipelines.labels import Annotation, labels
from pipelines.sources.tree import Tree


class Bfw(Corpus):
    """Balanced Faces in the Wild (Robinson et al., CVPRW 2020)."""

    corpus: Literal["bfw"]
    expects: ClassVar[str] = "asian_females/n000009/0010_01.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(r"(asian|black|indian|white)_(female|male)s/(n\d+)/[^/]+\.jpg")

    def pictures(self, tree: Tree) -> Iterator[Found]:
        for entry, _ in tree.find_all(r"[^/]+\.(?:pkl|pickle)"):
            tree.listing.notes.append(f"bfw: {entry.path} is a pickle, which runs code when it is loaded: not opened")
        yield from told_by_path(tree, self.picture, _told_by)


def _told_by(found: re.Match[str]) -> Annotation:
    stated = labels(group=found[1].capitalize(), group_by="folder", sex=found[2])
    return Annotation(identity=found[3], labels=stated)
