"""AFAD: 164,432 Asian faces with age and sex, which the folders state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pipelines.corpora.base import Corpus, Found
from pipelines.corpora.readers.paths import told_by_path
from pipelines.errors import RecipeError
from pipelines.labels import Annotation, labels
from pipelines.sources.tree import Tree

SEXES = {"111": "male", "112": "female"}


class Afad(Corpus):
    """Asian Face Age Dataset (Niu et al., CVPR 2016), the full set or the lite one."""

    corpus: Literal["afad"]
    expects: ClassVar[str] = "AFAD-Full/15/111/638660-1.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(r"(\d{1,3})/(\d{3})/[^/]+\.jpg")

    def pictures(self, tree: Tree) -> Iterator[Found]:
        found = False
        for item in told_by_path(tree, self.picture, _told_by):
            found = True
            yield item
        parts = tree.find_all(r"AFAD-(?:Full|Lite)\.tar\.xz[a-z]{0,2}")
        if parts and not found:
            raise RecipeError(
                f"{parts[0][0].path} in {self.path} is xz, which cannot be entered in its middle: "
                "join and unpack the parts once, with cat AFAD-Full.tar.xz* | tar xJ"
            )


def _told_by(found: re.Match[str]) -> Annotation:
    age, sex = int(found[1]), SEXES.get(found[2])
    if sex is None:
        return Annotation(reason="bad_label", detail=f"expected a folder 111 or 112, found {found[2]}")
    return Annotation(labels=labels(age=age, age_to=age, sex=sex, group="Asian", group_by="owner"))
