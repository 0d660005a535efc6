"""Any of Pillow's pixels to opaque 8-bit sRGB.

An ICC profile is followed, since half of today's phones write Display P3, whose numbers read as sRGB are visibly pale.
"""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

Picture = NDArray[np.uint8]
"""(H, W, 3) RGB."""

_COLOUR_MODES = dict.fromkeys(("1", "L", "LA", "I", "I;16", "I;16B", "I;16L"), "L") | {"CMYK": "CMYK", "LAB": "LAB"}
"""Mode in which a picture's colours are converted; RGB for those not named."""


def flatten(image: Image.Image, profile: bytes | None) -> Picture:
    """Composites alpha over white, as a page would show it, and converts to sRGB.

    Args:
        image: of any mode but F; mode I must hold 0 to 65535.
        profile: ICC profile of its colours; None for sRGB, and for CMYK without one.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    if image.mode.startswith("I"):
        image = _eight_bits(image)
    if not image.has_transparency_data:
        return np.array(to_srgb(image, profile))
    mode = _COLOUR_MODES.get(image.mode, "RGB")
    image = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(to_srgb(image.convert(mode), profile), mask=image.getchannel("A"))
    return np.array(white)


def unflattened(image: Image.Image, profile: bytes | None) -> NDArray[np.uint8]:
    """Converts to sRGB and keeps transparency.

    Args:
        image, profile: as `flatten` takes them.

    Returns:
        (H, W) uint8 of a grey picture without transparency, else (H, W, 4) RGBA.
    """
    if image.mode.startswith("I"):
        image = _eight_bits(image)
    if image.mode in ("1", "L") and not image.has_transparency_data and not profile:
        return np.array(image.convert("L"))
    whole = image.convert("RGBA")
    whole.paste(to_srgb(image.convert(_COLOUR_MODES.get(image.mode, "RGB")), profile))
    if image.has_transparency_data:
        whole.putalpha(image.convert("RGBA").getchannel("A"))
    return np.array(whole)


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Mode RGB, colours converted; alpha is ignored."""
    mode = _COLOUR_MODES.get(image.mode, "RGB")
    transform = _transform(profile, mode) if profile or mode == "LAB" else None
    if transform is None:
        return image.convert("RGB")
    converted = ImageCms.applyTransform(image.convert(mode), transform)
    assert converted is not None  # it is only with inPlace
    return converted


def needed_profile(image: Image.Image) -> bytes | None:
    """A picture's ICC profile, or None where it has none, a broken one, or one that changes nothing."""
    profile = image.info.get("icc_profile")
    if not profile or _transform(profile, _COLOUR_MODES.get(image.mode, "RGB")) is None:
        return None
    return bytes(profile)


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit grey to 8 bit, rounded; 16-bit RGB was cut to its high bytes by Pillow while reading."""
    return Image.fromarray(((np.asarray(image).astype(np.uint32) + 128) // 257).astype(np.uint8))


@lru_cache(maxsize=32)
def _transform(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The conversion to sRGB (perceptual), or None where it would change nothing or the profile is broken."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile)) if profile else ImageCms.createProfile("LAB")
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError):
        return None
    return None if mode in ("L", "RGB") and _changes_nothing(transform, mode) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Judges a profile by what it does to a grid of colours.

    Its name proves nothing: sRGB has dozens of spellings, and there is a linear "sRGB" too.
    """
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    grid = steps[:, None] if mode == "L" else np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
    colours = Image.fromarray(grid)
    converted = ImageCms.applyTransform(colours, transform)
    change = np.asarray(converted, np.int16) - np.asarray(colours.convert("RGB"), np.int16)
    return bool(np.abs(change).max() <= 2)
