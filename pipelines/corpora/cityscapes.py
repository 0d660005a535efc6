"""Cityscapes: street scenes of 2048 x 1024, with label maps and maps of instances, fine or coarse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from pipelines.corpora.base import Corpus, Found, once
from pipelines.corpora.readers.beside import maps_beside, note_missing
from pipelines.labels import Annotation, Guide, labels
from pipelines.sources.base import Location
from pipelines.sources.tree import Tree

SPLITS = {"train": "train", "train_extra": "train", "val": "val", "test": "test"}
FOLDERS = {"fine": "train|val|test", "coarse": "train|train_extra|val"}
_FRAME = r"[a-z-]+_\d{6}_\d{6}"


class Cityscapes(Corpus):
    """Cityscapes (Cordts et al., CVPR 2016)."""

    corpus: Literal["cityscapes"]
    annotations: Literal["fine", "coarse"] = Field(
        "fine", description="fine: 5,000 pictures; coarse: the same and 20,000 more, with coarse label maps, no test."
    )

    expects: ClassVar[str] = "leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png"
    picture: ClassVar[re.Pattern[str]] = re.compile(
        rf"leftImg8bit/(train|train_extra|val|test)/([a-z-]+)/({_FRAME})_leftImg8bit\.png"
    )

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        segments, instances = self._maps(tree, "labelIds"), self._maps(tree, "instanceIds")
        pattern = self.picture.pattern.replace("train|train_extra|val|test", FOLDERS[self.annotations])
        without = {found[3] for _, found in tree.matching(pattern) if found[1] != "test"}
        note_missing(tree, without, segments, "label map")
        for entry, found in once(tree, pattern, lambda found: found[3]):
            guides = {
                name: Guide(scheme, {"": maps[found[3]]})
                for name, scheme, maps in (
                    ("segments", "cityscapes", segments),
                    ("instances", "cityscapes-instances", instances),
                )
                if found[3] in maps
            }
            yield entry, Annotation(SPLITS[found[1]], labels(city=found[2]), guides=guides)

    def _maps(self, tree: Tree, kind: str) -> dict[str, Location]:
        ground_truth = f"gt{self.annotations.capitalize()}"
        # The test split's maps tell the camera's own car and nothing else.
        folders = FOLDERS[self.annotations].removesuffix("|test")
        return maps_beside(tree, rf"{ground_truth}/(?:{folders})/[a-z-]+/({_FRAME})_{ground_truth}_{kind}\.png")
