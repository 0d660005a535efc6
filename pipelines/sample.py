"""The sample contract: what one sample of a Mendery dataset holds.

Everything that writes or reads shards takes names, order, polarity and types from here, so that
they cannot drift apart. The contract is a table, not a class hierarchy: `README.md` beside this
file shows it to people.
"""

from __future__ import annotations

import re
from typing import Any

CONTRACT_VERSION = 1

MISSING = 255
"""Value of a mask pixel that is to be repaired; known pixels are 0."""

KEY_PATTERN = re.compile(r"[a-z0-9_-]+")
"""Keys hold no dot: WebDataset readers split a member's name at its first dot."""

IMAGE_MEMBERS = ("image.jpg", "image.png", "image.webp")
DAMAGED_MEMBERS = ("damaged.png", "damaged.webp")
ORIGINAL_MEMBERS = ("original.jpg", "original.png", "original.webp")
MASK_MEMBER = "mask.png"
METADATA_MEMBER = "json"

SPLITS = ("train", "val", "test")

METADATA_FIELDS: dict[str, type | tuple[type, ...]] = {
    "contract_version": int,
    "key": str,
    "split": str,
    # Where the picture comes from.
    "corpus": str,
    "source": str,
    "source_uri": str,  # relative to the source, percent-encoded; never a local path
    "source_sha256": str,
    "original_width": int,  # after EXIF orientation
    "original_height": int,
    "licence": str,
    "licence_url": str,
    "redistribute": str,  # yes | noncommercial | no | unknown
    "attribution": str,
    # How it was fitted: x' = a x + b y + c, y' = d x + e y + f, from the oriented original.
    "crop": int,
    "crop_matrix": list,
    "size": int,
    "variant": int,
    # What time did to the whole picture; JSON text, `{}` for nothing, enough to age `original` again.
    "ageing": str,
    # How it was damaged; `damage_parameters` (JSON text) is enough to redraw it.
    "damage": str,
    "damage_parameters": str,
    "damage_seed": str,
    "mask_ratio": float,
    "mask_ratio_bin": str,
    "mask_ratio_asked": list,
    "difficulty": float,  # 0 easy to 1 hard: how far the middle of the hole is from anything known
    # What the corpus declares. JSON text, because the keys differ between corpora and the Hub's
    # loader wants every sample to have the same fields.
    "labels": str,
    "labels_by": str,
    "faces": str,
    "guides": str,  # JSON text: by member the scheme of its classes or points, or how it was made
}
"""Fields of the `json` member: every sample has all of them, none is ever null."""


def make_key(sha256: str, crop: int, variant: int) -> str:
    """Name of a sample: unique, because the bytes of two kept pictures always differ."""
    return f"{sha256[:20]}-{crop:02d}-{variant:02d}"


def is_key(text: str) -> bool:
    return KEY_PATTERN.fullmatch(text) is not None


def metadata_faults(metadata: dict[str, Any]) -> list[str]:
    """What is wrong with a sample's `json`: missing, extra, null or mistyped fields.

    An int where a float is declared is a fault: the Hub's loader infers one type per field.
    """
    faults = [f"field {name!r} is missing" for name in METADATA_FIELDS.keys() - metadata.keys()]
    faults += [f"field {name!r} is not in the contract" for name in metadata.keys() - METADATA_FIELDS.keys()]
    for name in METADATA_FIELDS.keys() & metadata.keys():
        value = metadata[name]
        if type(value) is not METADATA_FIELDS[name]:
            faults.append(f"field {name!r} is {type(value).__name__}, expected {METADATA_FIELDS[name].__name__}")  # type: ignore[union-attr]
    return sorted(faults)
