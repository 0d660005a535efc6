"""CelebA: 202,599 faces of celebrities, aligned at 178 x 218 or as found, with forty attributes and five points."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from pipelines.corpora.base import Corpus, Found, Table, join, merged, optional
from pipelines.corpora.readers.celeba_texts import NAME, CelebaTexts, Part
from pipelines.labels import Annotation
from pipelines.sources.base import Location
from pipelines.sources.tree import Tree

_PICTURE = NAME.pattern
_READERS = {
    "list_eval_partition.txt": CelebaTexts.partition,
    "list_attr_celeba.txt": CelebaTexts.attributes,
    "identity_CelebA.txt": CelebaTexts.identities,
    "list_landmarks_align_celeba.txt": CelebaTexts.landmarks,
    "list_landmarks_celeba.txt": CelebaTexts.landmarks,
    "list_bbox_celeba.txt": CelebaTexts.boxes,
}


class CelebA(Corpus):
    """CelebA (Liu et al., ICCV 2015), aligned or in the wild."""

    corpus: Literal["celeba"]
    aligned: bool = Field(True, description="Read the aligned pictures; false reads those in the wild.")

    expects: ClassVar[str] = "img_align_celeba/000001.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(rf"(?:img_align_celeba(?:_png)?|img_celeba)/{_PICTURE}")
    files: ClassVar = {
        "list_eval_partition.txt": "no official splits",
        "list_attr_celeba.txt": "no attributes",
        "identity_CelebA.txt": "no identities, so that one person may be in two splits",
        "list_landmarks_align_celeba.txt": "no landmarks of aligned pictures",
        "list_landmarks_celeba.txt": "no landmarks of pictures in the wild",
        "list_bbox_celeba.txt": "no boxes of pictures in the wild",
    }

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        folder = "img_align_celeba(?:_png)?" if self.aligned else "img_celeba"
        yield from join(tree, rf"{folder}/{_PICTURE}", self._table(tree))

    def _table(self, tree: Tree) -> Table | None:
        texts = CelebaTexts(tree)
        parts: list[Part] = []
        if self.aligned and tree.find("list_bbox_celeba.txt"):
            tree.listing.notes.append("celeba: list_bbox_celeba.txt is refused: its boxes are for pictures in the wild")
        last = ["list_landmarks_align_celeba.txt"] if self.aligned else list(self.files)[4:]
        for name in [*list(self.files)[:3], *last]:
            entry = optional(tree, name, self.files[name])
            parts += [_READERS[name](texts, entry)] if entry else []
        if not parts:
            return None
        return Table(
            rows=dict.fromkeys(sorted(set().union(*parts)), Annotation()),
            faults=texts.faults,
            details=lambda name: merged(part[name] for part in parts if name in part),
        )
