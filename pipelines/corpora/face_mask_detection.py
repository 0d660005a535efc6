"""Face Mask Detection: the 853 pictures with 4,072 faces that Kaggle knows under this name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pipelines.corpora.base import Corpus, Found, join
from pipelines.corpora.readers.voc import mask_table
from pipelines.sources.base import Location
from pipelines.sources.tree import Tree

MASKS = {"with_mask": "correct", "without_mask": "none", "mask_weared_incorrect": "incorrect"}


class FaceMaskDetection(Corpus):
    """Face Mask Detection (Larxel, Kaggle 2020); an annotation in PASCAL VOC XML beside each picture."""

    corpus: Literal["face-mask-detection"]
    expects: ClassVar[str] = "images/maksssksksss0.png"
    picture: ClassVar[re.Pattern[str]] = re.compile(r"images/(maksssksksss\d+)\.png")
    files: ClassVar = {"annotations/maksssksksss0.xml": "no boxes, and who wears a mask is not known"}

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        table = mask_table(tree, r"annotations/(maksssksksss\d+)\.xml", MASKS, lambda found: found[1])
        if table is None:
            (lost,) = self.files.values()
            tree.listing.notes.append(f"no annotations/*.xml in {tree.root}: {lost}")
        yield from join(tree, self.picture, table)
