"""PWMFD: 9,205 pictures in which masks are worn properly, improperly or not at all, with PASCAL VOC XML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Literal

from pipelines.corpora.base import Corpus, Found, join
from pipelines.corpora.readers.voc import mask_table
from pipelines.errors import RecipeError
from pipelines.sources.base import OFFICIAL_SPLITS, Location
from pipelines.sources.tree import Tree

MASKS = {"with_mask": "correct", "withmask": "correct", "without_mask": "none", "incorrect_mask": "incorrect"}
"""Its annotations say `with_mask`, the table of its page `withmask`."""

_WORDS = re.compile(r"[^a-z]+")


class Pwmfd(Corpus):
    """Properly Wearing Masked Face Detection (Jiang et al., Electronics 2021).

    Its folders are not documented, so pictures and annotations are joined by the file's name inside the split, and
    the split is the first word of the path, archives included, that spells one.
    """

    corpus: Literal["pwmfd"]
    expects: ClassVar[str] = "train/images/000001.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(r".*?([^/]+)\.(?i:jpg|jpeg|png|bmp)")

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        table = mask_table(tree, r".*?([^/]+)\.xml", MASKS, _key)
        if table is None:
            raise RecipeError(f"{self.nothing(tree, self.expects)}; no annotation such as 000001.xml is there")
        table.rows = {name: replace(row, split=split_of(name)) for name, row in table.rows.items()}
        yield from join(tree, self.picture, table, _key)


def _key(found: re.Match[str]) -> str:
    """Name of a picture or annotation, by which the two find each other."""
    split = split_of(found[0])
    return f"{split}/{found[1]}" if split else found[1]


def split_of(path: str) -> str:
    """Official split that a folder or archive above a file spells, or ""."""
    words = _WORDS.split(path.rpartition("/")[0].lower())
    return next((OFFICIAL_SPLITS[word] for word in words if word in OFFICIAL_SPLITS), "")
