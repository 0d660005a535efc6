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
from pipelines.damage.border import Half, Outpaint
from pipelines.damage.box import Box
from pipelines.damage.brush import Brush
from pipelines.damage.caption import Caption
from pipelines.damage.center import Center
from pipelines.damage.comod import CoModGan, MatLarge, MatSmall
from pipelines.damage.cracks import Cracks
from pipelines.damage.dust import Dust
from pipelines.damage.face_mask import FaceMask
from pipelines.damage.face_parts import FaceParts
from pipelines.damage.folds import Folds
from pipelines.damage.grid import AlternatingLines, Grid
from pipelines.damage.halftone import Halftone
from pipelines.damage.holes import HoleDamage, Holes
from pipelines.damage.irregular import Irregular
from pipelines.damage.lama import LamaMedium, LamaSmall, LamaThick, LamaThin, LamaTrain
from pipelines.damage.mask_pool import MaskPool
from pipelines.damage.mould import Mould
from pipelines.damage.objects import Objects
from pipelines.damage.occluder import Occluder
from pipelines.damage.paired import Paired
from pipelines.damage.patches import Patches
from pipelines.damage.pixels import Pixels
from pipelines.damage.scratches import Scratches
from pipelines.damage.several import Several
from pipelines.damage.skin_marks import SkinMarks
from pipelines.damage.stains import Stains
from pipelines.damage.text import Text
from pipelines.damage.torn import Torn
from pipelines.damage.watermark import Watermark
from pipelines.errors import MenderyError

__all__ = [
    "DAMAGES",
    "Box",
    "Brush",
    "Caption",
    "ClassMap",
    "Context",
    "Cracks",
    "Damage",
    "DamageFailed",
    "Drawn",
    "Dust",
    "Face",
    "FaceMask",
    "FaceParts",
    "Folds",
    "Halftone",
    "HoleDamage",
    "Holes",
    "LamaMedium",
    "LamaThick",
    "LamaThin",
    "Mask",
    "MaskPool",
    "Mould",
    "Objects",
    "Occluder",
    "Paired",
    "Parameters",
    "Patches",
    "Picture",
    "Scratches",
    "Several",
    "SkinMarks",
    "Stains",
    "Text",
    "Torn",
    "Watermark",
    "mask_ratio",
    "redraw",
]

DAMAGES: dict[str, type[Damage]] = {
    "box": Box,
    "brush": Brush,
    "caption": Caption,
    "center": Center,
    "comodgan": CoModGan,
    "cracks": Cracks,
    "dust": Dust,
    "face_mask": FaceMask,
    "face_parts": FaceParts,
    "folds": Folds,
    "grid": Grid,
    "half": Half,
    "halftone": Halftone,
    "irregular": Irregular,
    "lama_medium": LamaMedium,
    "lama_small": LamaSmall,
    "lama_thick": LamaThick,
    "lama_thin": LamaThin,
    "lama_train": LamaTrain,
    "lines": AlternatingLines,
    "mask_pool": MaskPool,
    "mat_large": MatLarge,
    "mat_small": MatSmall,
    "mould": Mould,
    "objects": Objects,
    "occluder": Occluder,
    "outpaint": Outpaint,
    "paired": Paired,
    "patches": Patches,
    "pixels": Pixels,
    "scratches": Scratches,
    "several": Several,
    "skin_marks": SkinMarks,
    "stains": Stains,
    "text": Text,
    "torn": Torn,
    "watermark": Watermark,
}
"""Every damage by the `kind` that a recipe asks for."""

Several.learn({kind: damage for kind, damage in DAMAGES.items() if damage is not Several})


def redraw(kind: str, parameters_json: str, image: Picture) -> Drawn:
    """Draws a damage again from what a sample's `json` holds.

    Raises:
        MenderyError: a kind that this version does not know.
    """
    if kind not in DAMAGES:
        known = difflib.get_close_matches(kind, DAMAGES, n=len(DAMAGES), cutoff=0)
        raise MenderyError(f"unknown damage {kind!r}: known are {', '.join(known)}")
    return DAMAGES[kind].parameters_type.from_json(parameters_json).draw(image)
