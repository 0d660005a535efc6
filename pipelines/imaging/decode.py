"""Bytes of a picture to pixels: sRGB, 8 bit, upright, opaque.

Two ways lead there. libjpeg-turbo takes JPEG: it can decode straight to an eighth of the size, and it reports
every doubt about the data. Pillow takes everything else, never scaled. The trade-off: Pillow is slower and its
plugins raise whatever happens to go wrong on rubbish, which is why all of it is read behind one guard.

Metadata cannot survive, since nothing but pixels leaves.
"""

from __future__ import annotations

import io
import re
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import cv2
import numpy as np
import simplejpeg
from cv2.typing import MatLike

# Importing a plugin registers it in Image.OPEN.
from PIL import (
    AvifImagePlugin,  # noqa: F401
    BmpImagePlugin,  # noqa: F401
    ExifTags,
    GifImagePlugin,  # noqa: F401
    Image,
    ImageFile,
    Jpeg2KImagePlugin,  # noqa: F401
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,  # noqa: F401
    TiffImagePlugin,
    WebPImagePlugin,  # noqa: F401
)

from pipelines.errors import BadPicture
from pipelines.imaging.colour import Picture, flatten, needed_profile, to_srgb, unflattened

FORMATS = ("PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")
"""What is read besides JPEG: Pillow's other forty formats are attack surface without pictures."""

HARMLESS_PADDING = 16
"""Bytes of padding before a JPEG's end that some cameras write; more of them is damage."""

_FLIPS = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}
"""EXIF orientation to OpenCV's flip code; 5 to 8 are transposed first."""

_PADDING = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
_TRUNCATED = ("truncated", "premature end of jpeg file", "reached eof", "incomplete checksum")
_UNSUPPORTED = ("cannot handle", "unknown pixel mode")


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture says of itself before any pixel is decoded.

    Attributes:
        format: lower case, such as "jpeg".
        width, height: pixels, of the upright picture.
        mode: Pillow's name for the pixels as stored.
        frames: of a GIF, WebP or the like; a phone's multi-picture JPEG counts as its first picture.
        orientation: EXIF's 1 to 8, still to be applied.
        plain: a JPEG that libjpeg-turbo takes here: grey or three components, usual chroma subsampling.
        table_sum: of a JPEG, sum of its quantization table for luma, which tells its quality; else 0.
        profile: the ICC profile to convert from; None where the pixels are, or must be taken to be, sRGB.
    """

    format: str
    width: int
    height: int
    mode: str
    frames: int
    orientation: int
    plain: bool
    table_sum: int = 0
    profile: bytes | None = field(default=None, repr=False)


def inspect(data: bytes, *, max_pixels: int) -> Header:
    """Reads a picture's header; no pixel is decoded, except of a PNG whose EXIF follows its pixels.

    Args:
        data: the whole file.
        max_pixels: width x height that may be decoded at most. Pillow's own limit, 179 million pixels, stays in
            force for WebP, GIF and TIFF.

    Raises:
        BadPicture: empty, not_a_picture, too_many_pixels, animated, truncated, corrupt or unsupported_mode.
    """
    if not data:
        raise BadPicture("empty")
    with _reading():
        image = _open(data)
        width, height = image.size
        if width * height > max_pixels:
            raise BadPicture("too_many_pixels", f"{width} x {height}, at most {max_pixels} pixels are allowed")
        frames = getattr(image, "n_frames", 1)
        if frames > 1:
            raise BadPicture("animated", f"{frames} frames")
        orientation = _orientation(image, data)
        if orientation >= 5:
            width, height = height, width
        name = (image.format or "").lower()
        plain = name == "jpeg" and image.mode in ("L", "RGB") and _usual_subsampling(data)
        profile = needed_profile(image)
        return Header(name, width, height, image.mode, frames, orientation, plain, _table_sum(image), profile)


def check(data: bytes, header: Header) -> None:
    """Decodes a picture completely and as cheaply as possible.

    A plain JPEG is decoded at an eighth of its size and in grey, for which libjpeg-turbo still reads every coded bit.
    It is more strict than Pillow, which shows damaged JPEG without a word. JPEG has no checksum: four of five
    single flipped bits decode to a slightly different picture that no decoder can doubt.

    Raises:
        BadPicture: truncated, corrupt or unsupported_mode. Where it is silent, `decode` succeeds.
    """
    if header.plain:
        _decode_jpeg(data, "GRAY", 1)
        return
    with _reading():
        _load(data)


def decode(data: bytes, header: Header, *, min_side: int = 0) -> tuple[Picture, float]:
    """Decodes a picture: upright, sRGB, 8 bit, alpha composited over white.

    Args:
        data: the whole file.
        header: what `inspect` said of it.
        min_side: a plain JPEG is decoded at the smallest n/8 of its size whose shorter side still has so many
            pixels; 0 asks for the full size. Other formats are never scaled.

    Returns:
        (H, W, 3) uint8 RGB, C-contiguous, and the scale n/8: each side is ceil(original * scale).

    Raises:
        BadPicture: as `check`.
    """
    if not header.plain:
        with _reading():
            return _turn(flatten(_load(data), header.profile), header.orientation), 1.0
    pixels = _decode_plain(data, header, min_side)
    return _turn(pixels, header.orientation), _dct_scale(min(header.width, header.height), min_side)


def decode_cutout(data: bytes, header: Header) -> Picture:
    """Decodes a picture without flattening it: upright, sRGB, 8 bit.

    Returns:
        (H, W) uint8 of a grey picture without transparency, else (H, W, 4) RGBA, not premultiplied.

    Raises:
        BadPicture: as `check`.
    """
    if header.plain and not header.profile and header.mode == "L":
        return _turn(_decode_jpeg(data, "GRAY", 0)[..., 0], header.orientation)
    if header.plain:
        pixels = _decode_plain(data, header, 0)
        return _turn(cast(Picture, cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA)), header.orientation)
    with _reading():
        return _turn(unflattened(_load(data), header.profile), header.orientation)


def _decode_plain(data: bytes, header: Header, min_side: int) -> Picture:
    if not header.profile:
        return _decode_jpeg(data, "RGB", min_side)
    # Colours are converted after scaling, or a phone's Display P3 would cost ten times a plain picture. A grey
    # profile needs the one channel.
    pixels = _decode_jpeg(data, "GRAY" if header.mode == "L" else "RGB", min_side)
    with _reading():
        return np.array(to_srgb(Image.fromarray(pixels[..., 0] if header.mode == "L" else pixels), header.profile))


def _decode_jpeg(data: bytes, space: str, min_side: int) -> Picture:
    try:
        pixels: Picture = simplejpeg.decode_jpeg(data, space, min_height=min_side, min_width=min_side)
    except ValueError as error:
        padding = _PADDING.search(str(error))
        if not padding or int(padding[1]) > HARMLESS_PADDING:
            raise BadPicture(_reason(error), str(error)) from error
        pixels = simplejpeg.decode_jpeg(data, space, min_height=min_side, min_width=min_side, strict=False)
    return pixels


def _table_sum(image: ImageFile.ImageFile) -> int:
    tables = image.quantization if isinstance(image, JpegImagePlugin.JpegImageFile) else {}
    return sum(tables[min(tables)]) if tables else 0


def _usual_subsampling(data: bytes) -> bool:
    try:
        simplejpeg.decode_jpeg_header(data)
    except ValueError as error:
        return "subsampling" not in str(error)  # other faults are for `check` to name
    return True


def _dct_scale(shorter: int, min_side: int) -> float:
    """The scale that libjpeg-turbo chooses, as it does not tell."""
    if min_side <= 0:
        return 1.0
    return next((n / 8 for n in range(1, 8) if -(-shorter * n // 8) >= min_side), 1.0)


@contextmanager
def _reading() -> Iterator[None]:
    """Turns whatever Pillow raises or warns about its input into BadPicture."""
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except (BadPicture, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise BadPicture("too_many_pixels", str(error)) from error
    except Exception as error:  # by fuzzing: OSError, SyntaxError, ValueError, EOFError, struct.error and many more
        raise BadPicture(_reason(error), f"{type(error).__name__}: {error}") from error


def _reason(error: Exception) -> str:
    text = str(error).lower()
    if isinstance(error, EOFError | struct.error) or any(phrase in text for phrase in _TRUNCATED):
        return "truncated"
    return "unsupported_mode" if any(phrase in text for phrase in _UNSUPPORTED) else "corrupt"


def _open(data: bytes) -> ImageFile.ImageFile:
    """Calls Pillow's plugins directly: Image.open would judge the size by a limit that is global state."""
    if data.startswith(b"\xff\xd8\xff"):
        # Not the plugin's factory, which makes a multi-frame picture of a phone's JPEG with a depth map.
        return JpegImagePlugin.JpegImageFile(io.BytesIO(data))
    for name in FORMATS:
        factory, accept = Image.OPEN[name]
        if accept is None or accept(data[:16]) is True:
            return factory(io.BytesIO(data), "")
    raise BadPicture("not_a_picture", f"starts with {data[:8]!r}")


def _load(data: bytes) -> ImageFile.ImageFile:
    image = _open(data)
    image.load()
    if image.mode == "F":
        raise BadPicture("unsupported_mode", "floating-point pixels")
    if image.mode == "I":
        low, high = cast(tuple[int, int], image.getextrema())
        if low < 0 or high > 65535:
            raise BadPicture("unsupported_mode", f"integers from {low} to {high}, expected 16 bits without sign")
    return image


def _orientation(image: ImageFile.ImageFile, data: bytes) -> int:
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return 1  # Pillow turns TIFF, and only TIFF, while loading
    if isinstance(image, PngImagePlugin.PngImageFile) and "exif" not in image.info and b"eXIf" in data:
        image.load()  # the chunk may follow the pixels
    try:
        orientation = Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1)
    except (SyntaxError, KeyError, TypeError, ValueError, ZeroDivisionError, struct.error):
        return 1  # broken EXIF does not spoil the pixels
    return int(orientation) if orientation in range(1, 9) else 1


def _turn(pixels: Picture, orientation: int) -> Picture:
    """Stored pixels to upright ones."""
    turned: MatLike = cv2.transpose(pixels) if orientation >= 5 else pixels
    if orientation in _FLIPS:
        turned = cv2.flip(turned, _FLIPS[orientation])
    return cast(Picture, turned)
