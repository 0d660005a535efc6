"""MDMFR: 6,006 faces with and without masks, and 2,896 masked faces of 226 people, at 256 pixels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pipelines.corpora.base import Corpus, Found, once
from pipelines.errors import RecipeError
from pipelines.labels import Annotation, labels
from pipelines.sources.base import Location
from pipelines.sources.tree import Tree

_UNMASKED = re.compile(r"without|no[ _-]?mask|un-?mask", re.IGNORECASE)
_MASKED = re.compile(r"mask", re.IGNORECASE)
_RECOGNITION = re.compile(r"recogni", re.IGNORECASE)
_ITSELF = re.compile(r"mdmfr", re.IGNORECASE)


class Mdmfr(Corpus):
    """Face mask detection and masked facial recognition dataset (Ullah et al., Zenodo 6408603).

    Of its layout only the name `final with mask 1.zip` is published. So the nearest folder or archive that speaks of
    masks decides, and below one that speaks of recognition each folder is a person.
    """

    corpus: Literal["mdmfr"]
    expects: ClassVar[str] = "final with mask 1.zip!/1.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(r"(.*?[^/]+\.(?i:jpg|jpeg|png|bmp))")

    names: ClassVar[re.Pattern[str]] = re.compile(r"(?i:recogni)[^/]*/(?:.*/)?([^/]+)/[^/]+$")

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        told = False
        for entry, _ in once(tree, self.picture, lambda found: _name(found[1])):
            annotation = _annotation(entry.path)
            told |= not annotation.reason
            yield entry, annotation
        if not told:
            raise RecipeError(f"{self.nothing(tree, self.expects)}; no folder says whether a mask is worn")


def _name(path: str) -> str:
    """Path from the folder that decides, which is the same for an archive and for what was unpacked from it."""
    parts = path.replace(".zip!/", "/").split("/")
    return "/".join(parts[_decides(parts) :])


def _decides(parts: list[str]) -> int:
    """Position of the nearest folder that speaks of masks, or 0."""
    return max((place for place, folder in enumerate(parts[:-1]) if _worn(folder)), default=0)


def _annotation(path: str) -> Annotation:
    parts = path.split("/")
    worn = _worn(parts[_decides(parts)]) if len(parts) > 1 else ""
    if not worn:
        return Annotation(reason="no_label", detail="no folder above it says whether a mask is worn")
    recognition = any(_RECOGNITION.search(folder) for folder in parts[:-1])
    person = parts[-2] if recognition and not _RECOGNITION.search(parts[-2]) else ""
    collection = "recognition" if recognition else "detection"
    return Annotation(labels=labels(mask=worn, collection=collection), identity=person)


def _worn(folder: str) -> str:
    if _ITSELF.search(folder) or not _MASKED.search(folder):
        return ""
    return "none" if _UNMASKED.search(folder) else "correct"
