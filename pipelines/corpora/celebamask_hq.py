"""CelebAMask-HQ: CelebA-HQ with a mask of 512 x 512 for each of 18 parts, forty attributes and the head's pose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pipelines.classes import SCHEMES
from pipelines.corpora.base import Corpus, Found, Table, join, merged, optional
from pipelines.corpora.readers.beside import masks_beside
from pipelines.corpora.readers.celeba_numbers import WITHOUT, celeba_facts, celeba_numbers
from pipelines.corpora.readers.celeba_texts import CelebaTexts, Part
from pipelines.labels import Annotation, Guide
from pipelines.sources.base import Location
from pipelines.sources.tree import Tree

CLASSES = "celebamask-hq"
ATTRIBUTES = "CelebAMask-HQ-attribute-anno.txt"
POSES = "CelebAMask-HQ-pose-anno.txt"
_PARTS = "|".join(list(SCHEMES[CLASSES].names.values())[1:])
_MASK = rf"CelebAMask-?HQ-mask-anno/\d+/(\d{{5}})_({_PARTS})\.png"
_INDEX = re.compile(r"(\d{1,5})\.jpg")


class CelebAMaskHQ(Corpus):
    """CelebAMask-HQ (Lee et al., CVPR 2020)."""

    corpus: Literal["celebamask-hq"]
    expects: ClassVar[str] = "CelebA-HQ-img/0.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(rf"CelebA-HQ-img/{_INDEX.pattern}")
    files: ClassVar = {ATTRIBUTES: "no attributes", POSES: "no poses", **WITHOUT}

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        table = _table(tree)
        masks = _masks(tree)
        table.details = lambda name: Annotation(guides=_guides(masks.get(name, {})))
        yield from join(tree, self.picture, table)


def _table(tree: Tree) -> Table:
    texts = CelebaTexts(tree, name=_INDEX)
    parts: list[Part] = [_facts(tree, texts.faults)]
    if entry := optional(tree, ATTRIBUTES, CelebAMaskHQ.files[ATTRIBUTES]):
        parts.append(texts.attributes(entry))
    if entry := optional(tree, POSES, CelebAMaskHQ.files[POSES]):
        parts.append(texts.poses(entry))
    names = sorted(set().union(*parts))
    rows = {name: merged(part[name] for part in parts if name in part) for name in names}
    return Table(rows, texts.faults, complete=bool(rows))


def _facts(tree: Tree, faults: list[Location]) -> Part:
    """CelebA's split and identity of each picture, by its index here."""
    numbers = celeba_numbers(tree, faults)
    facts = celeba_facts(tree, set(numbers.values()), faults)
    return {str(index): facts[number] for index, number in numbers.items()}


def _masks(tree: Tree) -> dict[str, dict[str, Location]]:
    """Masks by picture and part; a picture has none of a part that it does not show."""
    found = masks_beside(tree, _MASK, lambda match: (str(int(match[1])), match[2]))
    if not found:
        tree.listing.notes.append(f"no CelebAMask-HQ-mask-anno in {tree.root}: no label maps")
    return found


def _guides(masks: dict[str, Location]) -> dict[str, Guide]:
    return {"parsing": Guide(CLASSES, masks)} if masks else {}
