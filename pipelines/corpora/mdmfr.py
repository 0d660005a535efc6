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

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        told = False
        for entry, _ in once(tree, self.picture, lambda found: found[1].replace(".zip!", "")):
            annotation = _annotation(entry.path)
            told |= not annotation.reason
            yield entry, annotation
        if not told:
            raise RecipeError(f"{self.nothing(tree, self.expects)}; no folder says whether a mask is worn")


def _annotation(path: str) -> Annotation:
    folders = [part.removesuffix("!") for part in path.split("/")[:-1]]
    worn = next((_worn(folder) for folder in reversed(folders) if _worn(folder)), "")
    if not worn:
        return Annotation(reason="no_label", detail="no folder above it says whether a mask is worn")
    person = next((folders[place + 1 :] for place, folder in enumerate(folders) if _RECOGNITION.search(folder)), [])
    identity = "/".join(person)
    return Annotation(
        labels=labels(mask=worn, collection="recognition" if identity else "detection"), identity=identity
    )


def _worn(folder: str) -> str:
    if _ITSELF.search(folder) or not _MASKED.search(folder):
        return ""
    return "none" if _UNMASKED.search(folder) else "correct"
