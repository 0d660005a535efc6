"""Damages: what is laid over a clean picture on purpose, one family a file."""

from __future__ import annotations

import difflib

from pipelines.damage.base import (
    ClassMap,
    Context,
    Damage,
    DamageFailed,
    Drawn,
    Face,
    Mask,
    Parameters,
    Picture,
    mask_ratio,
)
from pipelines.damage.box import Box
from pipelines.damage.brush import Brush
from pipelines.damage.holes import HoleDamage, Holes
from pipelines.damage.lama import LamaMedium, LamaThick, LamaThin
from pipelines.errors import MenderyError

__all__ = [
    "DAMAGES",
    "Box",
    "Brush",
    "ClassMap",
    "Context",
    "Damage",
    "DamageFailed",
    "Drawn",
    "Face",
    "HoleDamage",
    "Holes",
    "LamaMedium",
    "LamaThick",
    "LamaThin",
    "Mask",
    "Parameters",
    "Picture",
    "mask_ratio",
    "redraw",
]

DAMAGES: dict[str, type[Damage]] = {
    "box": Box,
    "brush": Brush,
    "lama_medium": LamaMedium,
    "lama_thick": LamaThick,
    "lama_thin": LamaThin,
}
"""Every damage by the `kind` that a recipe asks for."""


def redraw(kind: str, parameters_json: str, image: Picture) -> Drawn:
    """Draws a damage again from what a sample's `json` holds.

    Raises:
        MenderyError: a kind that this version does not know.
    """
    if kind not in DAMAGES:
        known = difflib.get_close_matches(kind, DAMAGES, n=len(DAMAGES), cutoff=0)
        raise MenderyError(f"unknown damage {kind!r}: known are {', '.join(known)}")
    return DAMAGES[kind].parameters_type.from_json(parameters_json).draw(image)
