"""One crop in, its samples out: age, damage, encode, describe.

The clean picture arrives encoded and is decoded again, and the damage is laid over what a reader will
really see; that is why `damaged` equals `image` outside the mask to the bit, also for JPEG. An aged picture takes the
clean one's place before that, encoded and decoded likewise.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines import seeds
from pipelines.damage.ageing import Aged
from pipelines.damage.base import (
    ClassMap,
    Context,
    Damage,
    DamageFailed,
    Mask,
    Parameters,
    Picture,
    difficulty,
    mask_ratio,
)
from pipelines.faces import all_faces, faces_in_crop, seen_faces, with_five
from pipelines.guides import edges_member, landmarks_member, told
from pipelines.imaging.encode import decode_image, decode_png, encode_damaged, encode_image, encode_mask, png
from pipelines.imaging.render import COVERED, Rendition
from pipelines.licences import terms
from pipelines.ratios import asked_ranges, bin_of
from pipelines.recipe import Recipe
from pipelines.sample import CONTRACT_VERSION, MASK_MEMBER, METADATA_MEMBER, make_key

HEAT_SIDE = 32


@dataclass(frozen=True)
class Sample:
    """One sample, encoded.

    Attributes:
        members: name after the key's dot to bytes, sorted by name.
        metadata: what the `json` member holds.
        heat: (32, 32) how much of each cell is missing, 0 to 255; None without damage.
    """

    key: str
    members: dict[str, bytes]
    metadata: dict[str, Any]
    heat: NDArray[np.uint8] | None


@dataclass(frozen=True)
class Failed:
    """A planned sample that could not be made."""

    key: str
    reason: str
    detail: str


def compose(recipe: Recipe, row: Mapping[str, Any], crop: int, rendition: Rendition) -> Iterator[Sample | Failed]:
    """Makes all samples of one crop, in the order of their keys.

    Args:
        row: the picture's row in the plan.
        crop: number of the crop.
        rendition: the crop, encoded.
    """
    wanted = recipe.damage or recipe.ageing or recipe.guides.edges
    clean = decode_image(rendition.data) if wanted else None
    guides = _guides(recipe, row, rendition, clean)
    seen = None if clean is None else context_of(recipe, row, rendition, clean)
    fixed = recipe.splits.ranges(row["split"])
    for variant in range(recipe.num_variants(row["split"])):
        key = make_key(row["sha256"], crop, variant)
        metadata = _describe(recipe, row, key, crop, variant, rendition.matrix)
        members = {f"image.{recipe.image.format}": rendition.data, **guides}
        context = seen
        if recipe.ageing and seen is not None:
            members, context = _aged(recipe, key, members, metadata, seen)
        if not recipe.damage or context is None:
            yield _finish(key, members, metadata, None)
            continue
        try:
            yield _damaged(recipe, key, members, metadata, context, _slot(fixed, variant))
        except DamageFailed as failure:
            yield Failed(key, "damage_failed", str(failure))


def _guides(recipe: Recipe, row: Mapping[str, Any], rendition: Rendition, clean: Picture | None) -> dict[str, bytes]:
    """Members that all variants of a crop share."""
    asked = recipe.guides.members()
    made = {name: data for name, data in rendition.guides.items() if name in asked}
    if recipe.guides.landmarks:
        made["landmarks.npy"] = landmarks_member(
            all_faces(row["faces"], row["found"]), rendition.matrix, recipe.image.size
        )
    if recipe.guides.edges and clean is not None:
        made["edges.png"] = edges_member(clean, recipe.guides.edges)
    return made


def context_of(recipe: Recipe, row: Mapping[str, Any], rendition: Rendition, clean: Picture) -> Context:
    """What the damages of a crop may look at; only what one of them does is worked out."""
    looks_at = frozenset[str]().union(*(damage.wants() for damage in recipe.damage))
    told = all_faces(row["faces"], row["found"]) if "faces" in looks_at else "[]"
    maps = {
        name: ClassMap(decode_png(rendition.guides[f"{name}.png"]), _scheme(recipe, row, name))
        for name in recipe.maps()
        if name in looks_at and f"{name}.png" in rendition.guides
    }
    height, width = clean.shape[:2]
    faces = seen_faces(told, rendition.matrix, recipe.image.size)
    covered = decode_image(rendition.guides[COVERED]) if COVERED in rendition.guides else None
    return Context(height, width, None, clean, faces, maps, covered)


def _aged(
    recipe: Recipe, key: str, members: dict[str, bytes], metadata: dict[str, Any], seen: Context
) -> tuple[dict[str, bytes], Context]:
    """Members and context with the aged picture for the image; the picture before is the original.

    Args:
        metadata: gets to know how it was aged.
    """
    assert recipe.ageing is not None
    assert seen.image is not None
    image, original = f"image.{recipe.image.format}", f"original.{recipe.image.format}"
    aged = recipe.ageing.sample(seeds.generator(recipe.seed, key, "ageing"), seen.height, seen.width)
    members = members | {original: members[image]}
    if aged == Aged():
        return members, seen
    metadata["ageing"] = aged.to_json()
    members[image] = encode_image(aged.age(seen.image), recipe.image)
    return members, replace(seen, image=decode_image(members[image]))


def _slot(fixed: Sequence[tuple[float, float]], variant: int) -> Slot:
    """What a variant is for; where the bins of its split are fixed one for each bin, then those without a ratio."""
    if not fixed:
        return "any"
    return fixed[variant] if variant < len(fixed) else "unasked"


def _scheme(recipe: Recipe, row: Mapping[str, Any], name: str) -> str:
    return recipe.guides.scheme_of(name, row["guides"], all_faces(row["faces"], row["found"]))


Slot = tuple[float, float] | Literal["any", "unasked"]
"""What one sample is for: a fixed bin, a damage that cannot be asked for a ratio, or whatever is drawn."""


def choose(recipe: Recipe, key: str, context: Context, slot: Slot = "any") -> tuple[Damage, tuple[float, float] | None]:
    """The damage of one sample and the ratio range asked of it: by weight, then any of its bins alike.

    For a fixed bin only damages that can be asked for one are drawn from; for "unasked" only the others.

    Damages that find nothing to damage on this picture, such as a face mask without a face, stand aside.

    Raises:
        DamageFailed: all of them do.
    """
    lacking = [damage.lacks(context) for damage in recipe.damage]
    able = [
        damage
        for damage, lacks in zip(recipe.damage, lacking, strict=True)
        if not lacks and (slot == "any" or damage.can_be_asked() == (slot != "unasked"))
    ]
    if not able:
        missing = " or ".join(sorted({lacks for lacks in lacking if lacks}))
        raise DamageFailed(f"the picture has no {missing}, and every damage needs one")
    weights = np.cumsum([damage.weight for damage in able])
    drawn = seeds.uniform(recipe.seed, key, "damage") * weights[-1]
    damage = able[int(np.searchsorted(weights, drawn, side="right"))]
    if not isinstance(slot, str):
        return damage, slot
    ranges = asked_ranges(damage, recipe.ratio_bins)
    asked = ranges[int(seeds.uniform(recipe.seed, key, "bin") * len(ranges))] if ranges else None
    return damage, asked


def draw(
    recipe: Recipe, key: str, context: Context, slot: Slot = "any"
) -> tuple[Damage, Parameters, tuple[float, float] | None]:
    """Damage parameters of one sample."""
    damage, asked = choose(recipe, key, context, slot)
    rng = seeds.generator(recipe.seed, key, damage.kind)
    return damage, damage.sample(rng, replace(context, ratio_range=asked)), asked


def _damaged(
    recipe: Recipe,
    key: str,
    members: dict[str, bytes],
    metadata: dict[str, Any],
    seen: Context,
    slot: Slot,
) -> Sample:
    assert seen.image is not None
    damage, parameters, asked = draw(recipe, key, seen, slot)
    damaged, mask, alpha = parameters.draw(seen.image)
    ratio = mask_ratio(mask)
    metadata |= {
        "damage": damage.kind,
        "damage_parameters": parameters.to_json(),
        "damage_seed": f"{seeds.digest(recipe.seed, key, damage.kind):032x}",
        "mask_ratio": ratio,
        "mask_ratio_bin": bin_of(ratio, recipe.ratio_bins),
        "mask_ratio_asked": [float(edge) for edge in asked or (0.0, 1.0)],
        "difficulty": difficulty(mask),
    }
    members = members | {
        f"damaged.{recipe.image.damaged_format}": encode_damaged(damaged, recipe.image.damaged_format),
        MASK_MEMBER: encode_mask(mask),
    }
    if recipe.guides.alpha:
        members["alpha.png"] = png(alpha)
    return _finish(key, members, metadata, mask)


def _finish(key: str, members: dict[str, bytes], metadata: dict[str, Any], mask: Mask | None) -> Sample:
    members = members | {METADATA_MEMBER: json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode()}
    heat = None if mask is None else cv2.resize(mask, (HEAT_SIDE, HEAT_SIDE), interpolation=cv2.INTER_AREA)
    return Sample(key, dict(sorted(members.items())), metadata, heat)  # type: ignore[arg-type]


def _describe(
    recipe: Recipe, row: Mapping[str, Any], key: str, crop: int, variant: int, matrix: tuple[float, ...]
) -> dict[str, Any]:
    """Metadata of a sample, in the contract's order, before any damage."""
    source = recipe.sources[row["source"]]
    licence = row["licence"] or source.licence
    return {
        "contract_version": CONTRACT_VERSION,
        "key": key,
        "split": row["split"],
        "corpus": row["corpus"] or source.corpus_name(),
        "source": source.name,
        "source_uri": source.public_uri(row["uri"]),
        "source_sha256": row["sha256"],
        "original_width": row["width"],
        "original_height": row["height"],
        "licence": licence,
        "licence_url": row["licence_url"] or source.licence_url,
        "redistribute": terms(licence).redistribute,
        "attribution": row["attribution"] or source.attribution,
        "crop": crop,
        "crop_matrix": [float(number) for number in matrix],
        "size": recipe.image.size,
        "variant": variant,
        "ageing": "{}",
        "damage": "none",
        "damage_parameters": "{}",
        "damage_seed": "",
        "mask_ratio": 0.0,
        "mask_ratio_bin": bin_of(0.0, recipe.ratio_bins),
        "mask_ratio_asked": [0.0, 1.0],
        "difficulty": 0.0,
        "labels": row["labels"],
        "labels_by": (row["labels_by"] or source.labels_by()) if row["labels"] != "{}" else "",
        "faces": faces_in_crop(with_five(row["faces"], row["found"]), matrix, recipe.image.size),
        "guides": told(recipe.guides, row["guides"], all_faces(row["faces"], row["found"])),
    }
