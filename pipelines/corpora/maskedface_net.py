"""MaskedFace-Net: FFHQ with masks drawn over the faces, worn correctly (67,193) or not (69,823).

A picture's number is that of the FFHQ picture below the mask, so with FFHQ at hand every picture has its ground truth.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from pipelines.corpora.base import Corpus, Found, once, optional
from pipelines.corpora.readers.json_object import json_members
from pipelines.errors import BadPicture, RecipeError
from pipelines.labels import Annotation, Guide, labels
from pipelines.sources.base import Location
from pipelines.sources.tree import Entry, Tree

TRAIN_PICTURES = 60_000
"""FFHQ's own split: the first 60,000 are for training, the other 10,000 for validation."""

_ORIGINAL = r"images1024x1024/(?:\d{5}/)?(\d{5})\.png"
_ORIGINAL_EXPECTED = "images1024x1024/00000/00000.png"
_METADATA = "ffhq-dataset-v2.json"
CREDIT = "MaskedFace-Net, Cabani et al. 2020,"


class MaskedFaceNet(Corpus):
    """MaskedFace-Net (Cabani et al., Smart Health 2021); the two parts CMFD and IMFD, or one of them."""

    corpus: Literal["maskedface-net"]
    ffhq: str = Field("", description="Folder of FFHQ at 1024: then each picture has its original as a guide.")

    extra_paths: ClassVar[tuple[str, ...]] = ("ffhq",)
    expects: ClassVar[str] = "CMFD/00000/00000_Mask.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(r"((\d{5})_Mask(?:_(Chin|Mouth_Chin|Nose_Mouth))?\.jpg)")

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        originals, authors = self._originals(tree) if self.ffhq else ({}, {})
        for entry, found in once(tree, self.picture):
            annotation = _annotation(found[2], found[3] or "")
            if self.ffhq:
                annotation = _paired(annotation, originals.get(found[2]), authors.get(found[2], ""))
            yield entry, annotation

    def _originals(self, tree: Tree) -> tuple[dict[str, Location], dict[str, str]]:
        """Pictures of FFHQ and whom to credit, both by the picture's number.

        Raises:
            RecipeError: no picture is there, or the metadata cannot be read.
        """
        with self.other_tree("ffhq", tree) as ffhq:
            found = {match[1]: entry.location for entry, match in once(ffhq, _ORIGINAL)}
            if not found:
                raise RecipeError(f"option ffhq: {self.nothing(ffhq, _ORIGINAL_EXPECTED)}")
            entry = optional(ffhq, _METADATA, "authors and licences of the originals are not told")
            return found, dict(_credits(ffhq, entry)) if entry else {}


def _credits(ffhq: Tree, entry: Entry) -> Iterator[tuple[str, str]]:
    """Author, address and licence of each photograph, which FFHQ asks to name."""
    try:
        for number, record in json_members(io.BytesIO(ffhq.read(entry))):
            said = record["metadata"]
            credit = f"{said['photo_title']} by {said['author']}, {said['photo_url']}, {said['license_url']}"
            yield number.zfill(5), f"{CREDIT} over {credit}"
    except (BadPicture, ValueError, LookupError, TypeError) as error:
        raise RecipeError(f"{entry.path} in {ffhq.root} is not FFHQ's metadata: {error!r:.120}; get it again") from None


def _annotation(number: str, covered: str) -> Annotation:
    """What the file's name says: which part of the face the mask covers; nothing when all that it should."""
    worn = labels(mask="incorrect" if covered else "correct", mask_covers=covered.lower())
    # Both versions of a face, with the mask worn well and badly, belong into one split.
    split = "train" if int(number) < TRAIN_PICTURES else "val"
    return Annotation(split=split, labels=worn, identity=f"ffhq {number}")


def _paired(annotation: Annotation, original: Location | None, credit: str) -> Annotation:
    if original is None:
        return replace(annotation, reason="no_picture", detail="its original is not below the option ffhq")
    if original.reason:
        return replace(annotation, reason=original.reason, detail=f"its original: {original.detail}")
    return replace(annotation, guides={"original": Guide("pair", {"": original})}, attribution=credit)
