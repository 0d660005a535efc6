"""Inpainting pictures of any size: whole where they fit, in overlapping tiles where they do not.

Known pixels are those of the file: networks see what their loader would show them, but only missing pixels are taken
from what they make.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from pipelines.errors import BadPicture, MenderyError
from pipelines.imaging.decode import decode, inspect
from pipelines.sources.base import PICTURE_SUFFIXES
from pipelines.storage import put
from trainers.inpainters import Inpainter, Mask, Picture, open_inpainter
from trainers.methods.base import Batch

MAX_PIXELS = 400_000_000

LIMIT = 1024
"""Longer side, in pixels, up to which a picture is filled as a whole; memory grows with its area."""

OVERLAP = 64
"""Pixels over which neighbouring tiles are mixed."""

THRESHOLD = 127
"""Grey levels of a mask above this are missing."""

Say = Callable[[str], None]


def inpaint(
    what: str,
    image: str | Path,
    mask: str | Path,
    out: str | Path,
    *,
    device: str | None = None,
    step: int | None = None,
    limit: int = LIMIT,
    overlap: int = OVERLAP,
    say: Say = lambda _: None,
) -> list[Path]:
    """Fills the holes of one picture, or of all pictures of a folder.

    Args:
        what: folder of a run, or a baseline.
        image: a picture, or a folder of them.
        mask: where it is missing, brighter than mid-grey; for a folder of pictures a folder with a mask of the same
            name for each, whatever its suffix, or one mask for all.
        out: a file, for a folder a folder. PNG and lossless WebP keep known pixels exactly; JPEG changes them a little.
        limit: longer side up to which a picture is filled as a whole.
        overlap: pixels over which tiles are mixed.

    Returns:
        The files written.

    Raises:
        MenderyError: a file that cannot be used, or a mask of another size than its picture.
    """
    pairs = list(_pairs(Path(image), Path(mask), Path(out)))
    inpainter = open_inpainter(what, device, step)
    if inpainter.needs:
        raise MenderyError(
            f"{inpainter.name} needs {', '.join(sorted(inpainter.needs))}, which a picture's file does not hold: build "
            "a dataset with those guides and use `mendery evaluate`"
        )
    for note in inpainter.notes:
        say(f"{inpainter.name}: {note}")
    written = []
    for picture_file, mask_file, target in pairs:
        picture, hole = _read(picture_file), read_mask(mask_file)
        if hole.shape != picture.shape[:2]:
            raise MenderyError(
                f"{mask_file} is {hole.shape[1]} x {hole.shape[0]} pixels, and {picture_file} is {picture.shape[1]} x "
                f"{picture.shape[0]}: a mask is as large as its picture"
            )
        if not hole.any():
            say(f"{mask_file}: nothing is missing, so {target} is the picture itself")
        _save(target, fill(inpainter, picture, hole, limit, overlap))
        written.append(target)
    return written


def fill(inpainter: Inpainter, picture: Picture, mask: Mask, limit: int = LIMIT, overlap: int = OVERLAP) -> Picture:
    """One picture with its hole filled; outside the mask it is the picture itself.

    Args:
        picture: (H, W, 3) uint8 RGB of any size.
        mask: (H, W) uint8, 0 where known.
    """
    if not mask.any():
        return picture.copy()
    height, width = mask.shape
    if max(height, width) <= limit:
        return _filled(inpainter, picture, mask)
    return _tiled(inpainter, picture, mask, limit, min(overlap, limit // 4))


def _tiled(inpainter: Inpainter, picture: Picture, mask: Mask, side: int, overlap: int) -> Picture:
    """Tiles of a grid, each filled by itself; where they overlap, weights fall off to their rims."""
    height, width = mask.shape
    total, weights = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
    for top in _starts(height, side, overlap):
        for left in _starts(width, side, overlap):
            place = slice(top, min(top + side, height)), slice(left, min(left + side, width))
            if not mask[place].any():
                continue
            made = _filled(inpainter, picture[place], mask[place])
            weight = _ramp(made.shape[0], overlap)[:, None] * _ramp(made.shape[1], overlap)[None, :]
            total[place] += made * weight[..., None]
            weights[place] += weight
    inside = mask > 0
    found = picture.copy()
    found[inside] = np.rint(total[inside] / weights[inside, None]).astype(np.uint8)
    return found


def _starts(length: int, side: int, overlap: int) -> list[int]:
    """Where tiles begin: evenly, so that neighbours overlap by at least `overlap`."""
    if length <= side:
        return [0]
    number = -(-(length - overlap) // (side - overlap))
    return [round(start) for start in np.linspace(0, length - side, number).tolist()]


def _ramp(length: int, overlap: int) -> NDArray[np.float32]:
    """1 in the middle, falling to nearly 0 at both ends."""
    nearest = np.minimum(np.arange(length), np.arange(length)[::-1]) + 1
    return np.minimum(nearest / max(overlap, 1), 1).astype(np.float32)


def _filled(inpainter: Inpainter, picture: Picture, mask: Mask) -> Picture:
    image = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float() / 127.5 - 1
    hole = torch.from_numpy(np.ascontiguousarray(mask > 0))[None, None].float()
    return inpainter.fill(Batch(image, hole))[0]


def read_mask(path: Path) -> Mask:
    """(H, W) uint8, 255 where a mask file is brighter than mid-grey.

    Raises:
        MenderyError: it cannot be read.
    """
    grey = cv2.cvtColor(_read(path), cv2.COLOR_RGB2GRAY)
    return cast(Mask, cv2.threshold(grey, THRESHOLD, 255, cv2.THRESH_BINARY)[1])


def _read(path: Path) -> Picture:
    try:
        data = path.read_bytes()
        return decode(data, inspect(data, max_pixels=MAX_PIXELS))[0]
    except OSError as error:
        raise MenderyError(f"{path}: cannot be read: {error.strerror}") from None
    except BadPicture as bad:
        raise MenderyError(f"{path}: cannot be used: {bad}") from None


def _pairs(image: Path, mask: Path, out: Path) -> Iterator[tuple[Path, Path, Path]]:
    """Picture, mask and target of everything that is to be filled."""
    if not image.is_dir():
        if mask.is_dir():
            raise MenderyError(f"{mask} is a folder, and {image} one picture: give one mask")
        yield image, mask, out / f"{image.stem}.png" if out.is_dir() else out
        return
    if out.is_file():
        raise MenderyError(f"{out} is a file, and {image} a folder: give a folder")
    found = sorted(path for path in image.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)
    if not found:
        raise MenderyError(f"no picture in {image}")
    by_stem = {path.stem: path for path in sorted(mask.iterdir())} if mask.is_dir() else {}
    lacking = [path.name for path in found if mask.is_dir() and path.stem not in by_stem]
    if lacking:
        raise MenderyError(f"{mask} has no mask for {', '.join(lacking[:3])}: a mask is called like its picture")
    for path in found:
        yield path, by_stem.get(path.stem, mask), out / f"{path.stem}.png"


def _save(path: Path, picture: Picture) -> None:
    """Writes a picture in the format of its suffix, without loss where there is a choice."""
    suffix = path.suffix.lower()
    options: dict[str, Any] = {}
    if suffix in (".jpg", ".jpeg"):
        options = {"quality": 95, "subsampling": 0}
    elif suffix == ".webp":
        options = {"lossless": True}
    if suffix not in (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"):
        raise MenderyError(f"{path}: a picture is written as .png, .webp, .jpg, .tif or .bmp")
    with put(path) as file:
        Image.fromarray(picture).save(file, format=Image.registered_extensions()[suffix], **options)
