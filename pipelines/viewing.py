"""Looking at pictures: one finished sample, or what a recipe would do to one file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pipelines.damage.base import Mask, Picture
from pipelines.errors import BadPicture, MenderyError, RecipeError
from pipelines.guides import Guides
from pipelines.imaging.decode import Header, decode, inspect
from pipelines.imaging.encode import decode_image, decode_png
from pipelines.imaging.render import render
from pipelines.recipe import Recipe, load_anywhere
from pipelines.sample import MASK_MEMBER
from pipelines.shards.compose import Failed, Sample, compose
from pipelines.shards.read import find_sample, metadata_of
from pipelines.storage import put_bytes

TINT = (255, 0, 90)
"""Colour that marks the hole in overlays: rare in photographs."""


def show(out: str | Path, key: str, folder: str | Path | None = None) -> dict[str, Any]:
    """Takes one sample out of its shard.

    Args:
        out: a finished dataset.
        key: the sample's key.
        folder: where its members are written as files, besides an overlay of the mask; None writes nothing.

    Returns:
        Its metadata.

    Raises:
        MenderyError: no shard holds the key.
    """
    _, members = find_sample(out, key)
    if folder is not None:
        for name, data in members.items():
            put_bytes(Path(folder) / f"{key}.{name}", data)
        if MASK_MEMBER in members:
            image = decode_image(next(data for name, data in members.items() if name.startswith("image.")))
            _save(Path(folder) / f"{key}.overlay.png", overlay(image, decode_png(members[MASK_MEMBER])))
    return metadata_of(members)


def preview(
    recipe: str | Path | Recipe,
    image: str | Path,
    folder: str | Path,
    num_seeds: int = 4,
    say: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Does to one picture what a recipe would, with several seeds side by side.

    Writes one sheet per damage of the recipe, a row per seed: image, damaged picture, overlay of the mask,
    and before them the original where the recipe ages pictures. Faces are found where a damage looks at them. A damage
    that cannot be drawn on this picture, such as a face mask without a face, has no sheet.

    Args:
        say: takes a sentence about each damage without a sheet.

    Returns:
        The files written.

    Raises:
        MenderyError: the picture cannot be used, or no damage can be drawn on it.
    """
    # A single file has no annotations that guides could be made from.
    recipe, path = load_anywhere(recipe).model_copy(update={"guides": Guides()}), Path(image)
    try:
        data = path.read_bytes()
        header = inspect(data, max_pixels=recipe.curate.max_pixels)
        row = _row(data, header, path) | {"found": _faces(recipe, data, header)}
    except OSError as error:
        raise MenderyError(f"{path}: cannot be read: {error.strerror}") from None
    except BadPicture as bad:
        raise MenderyError(f"{path}: cannot be used: {bad}") from None
    sheets, aside = [], []
    for number, damage in enumerate(recipe.damage or [None]):
        only = recipe.model_copy(update={"damage": [damage] if damage else []})
        tried = [_strip(only.model_copy(update={"seed": recipe.seed + step}), row, data) for step in range(num_seeds)]
        strips = [strip for strip in tried if not isinstance(strip, Failed)]
        if not strips:
            assert damage is not None
            assert isinstance(tried[0], Failed)
            aside.append(f"{damage.kind}: {tried[0].detail}")
            continue
        sheet = Path(folder) / f"{path.stem}-{number:02d}-{damage.kind if damage else 'clean'}.png"
        _save(sheet, np.concatenate(strips))
        sheets.append(sheet)
    if not sheets:
        raise MenderyError(f"this recipe makes no sample of the picture: {'; '.join(aside)}")
    for sentence in aside:
        say(f"no sheet of {sentence}")
    return sheets


def overlay(image: Picture, mask: Mask) -> Picture:
    """The image with its hole tinted, (H, W, 3)."""
    tinted = cv2.addWeighted(image, 0.35, np.full_like(image, TINT), 0.65, 0)
    return np.where(mask[..., None] > 0, tinted, image).astype(np.uint8)


def _strip(recipe: Recipe, row: dict[str, Any], data: bytes) -> Picture | Failed:
    """Original, image, damaged picture and overlay beside each other, for the first sample that can be made."""
    header = inspect(data, max_pixels=recipe.curate.max_pixels)
    crops = render(data, header, recipe.image, recipe.seed, row["sha256"], row["found"])
    made = [sample for crop, rendition in enumerate(crops) for sample in compose(recipe, row, crop, rendition)]
    samples = [sample for sample in made if isinstance(sample, Sample)]
    if not samples:
        return next((one for one in made if isinstance(one, Failed)), Failed("", "no_face", "the picture has no face"))
    members = samples[0].members
    image = decode_image(members[f"image.{recipe.image.format}"])
    strip = [decode_image(members[f"original.{recipe.image.format}"])] if recipe.ageing else []
    strip.append(image)
    if recipe.damage:
        strip.append(decode_image(members[f"damaged.{recipe.image.damaged_format}"]))
        strip.append(overlay(image, decode_png(members[MASK_MEMBER])))
    return np.concatenate(strip, axis=1)


def _faces(recipe: Recipe, data: bytes, header: Header) -> str:
    """JSON of the picture's faces, where the recipe looks at faces; none where no engine is installed."""
    from pipelines.engines import Faces, open_engine
    from pipelines.engines.stored import to_json

    looks = any("faces" in damage.wants() for damage in recipe.damage) or recipe.image.fit == "face"
    if not looks:
        return "[]"
    try:
        with open_engine(recipe.curate.faces or Faces()) as engine:
            (found,) = engine.find([decode(data, header)[0]])
            return to_json(found, engine.version)
    except RecipeError:
        return "[]"


def _row(data: bytes, header: Header, path: Path) -> dict[str, Any]:
    """A plan row for a picture that is in no plan."""
    texts = dict.fromkeys(("split", "licence", "licence_url", "attribution", "corpus", "labels_by"), "")
    annotations = {"labels": "{}", "faces": "[]", "found": "[]", "guides": "{}"}
    place = {"source": 0, "uri": path.name, "sha256": hashlib.sha256(data).hexdigest()}
    return {**texts, **annotations, **place, "width": header.width, "height": header.height}


def _save(path: Path, picture: Picture) -> None:
    put_bytes(path, cv2.imencode(".png", picture[..., ::-1])[1].tobytes())
