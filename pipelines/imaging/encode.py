"""Pixels to the bytes that a shard holds, and back.

A damaged picture must be stored without loss, and an ordinary PNG encoder would then take more time than everything
else together. So PNG is written here: one filter for all rows and Intel's deflate, a seventh of the time of OpenCV's
encoder for as many bytes (`benchmarks/codecs.py`). What comes out is a plain PNG that every reader knows.
"""

from __future__ import annotations

import io
import struct
from typing import Literal

import numpy as np
import simplejpeg
from isal import isal_zlib
from numpy.typing import NDArray
from PIL import Image

from pipelines.imaging.colour import Picture
from pipelines.imaging.fit import Fit

Mask = NDArray[np.uint8]
"""(H, W), 0 or 255."""

_LEVEL = 1
"""Of isal: 0 is as slow and a quarter larger, 2 and 3 are slower and no smaller."""

_NO_FILTER, _UP = 0, 2
_GREY, _RGB = 0, 2


def encode_image(picture: Picture, options: Fit) -> bytes:
    """The clean picture as the recipe's `image` block asks for it; equal pixels give equal bytes.

    Args:
        picture: (H, W, 3) uint8 RGB, C-contiguous.
        options: whose format, quality and subsampling count here.
    """
    if options.format == "jpg":
        data: bytes = simplejpeg.encode_jpeg(picture, options.quality, colorsubsampling=options.subsampling)
        return data
    # Method 2 takes half the time of Pillow's default, 4, for the same number of bytes.
    return png(picture) if options.format == "png" else _webp(picture, quality=options.quality, method=2)


def decode_image(data: bytes) -> Picture:
    """What any reader sees of `encode_image`'s bytes: (H, W, 3) uint8 RGB.

    Lossy formats change pixels, so a picture is damaged as it is after this, not before.
    """
    if data.startswith(b"\xff\xd8"):
        pixels: Picture = simplejpeg.decode_jpeg(data)
        return pixels
    return np.array(Image.open(io.BytesIO(data)))


def encode_damaged(picture: Picture, file_format: Literal["png", "webp"]) -> bytes:
    """A damaged picture, (H, W, 3) uint8 RGB, without loss."""
    if file_format == "png":
        return png(picture)
    return _webp(picture, lossless=True, quality=0, method=0)


def encode_mask(mask: Mask) -> bytes:
    """A mask, (H, W) uint8 of 0 and 255, as an 8-bit PNG of one channel."""
    return png(mask)


def decode_png(data: bytes) -> Picture | Mask:
    """(H, W, 3) or (H, W) uint8, whichever the PNG holds."""
    # Pillow, because OpenCV writes to stderr and then returns part of a picture where the file ends early.
    return np.array(Image.open(io.BytesIO(data), formats=("PNG",)))


def png(pixels: NDArray[np.uint8]) -> bytes:
    """An 8-bit PNG, quickly.

    RGB rows are stored as differences to the row above. That compresses within 3 % of Paeth's filter, which costs
    twenty times as much; a mask's long runs compress best unfiltered.

    Args:
        pixels: (H, W, 3) RGB or (H, W) grey, uint8.
    """
    assert pixels.dtype == np.uint8, pixels.dtype
    assert pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3), pixels.shape
    height, width = pixels.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 8, _RGB if pixels.ndim == 3 else _GREY, 0, 0, 0)
    body = isal_zlib.compress(_filtered(pixels), _LEVEL)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _filtered(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, 1 + bytes of a row): each row behind the number of its filter."""
    rows = pixels.reshape(len(pixels), -1)
    filtered = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = _UP if pixels.ndim == 3 else _NO_FILTER
    if pixels.ndim == 2:
        filtered[:, 1:] = rows
        return filtered
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])  # modulo 256, as PNG wants it
    return filtered


def _chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", isal_zlib.crc32(body))


def _webp(picture: Picture, **options: bool | int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "WEBP", **options)
    return file.getvalue()
