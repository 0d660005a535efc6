"""Fingerprints: what stands for a picture when millions are compared, small and measured once.

Hashes find what may be a copy, a thumbnail confirms it. A hash says of the 63 lowest frequencies only whether each is
positive, so it does not change with size, encoding or brightness. It does change when a picture is cropped, so there is
one for each view that a crop of a twentieth would have left: whichever copy is cropped, its whole is a view of the
other. The price: stronger crops, rotations and large watermarks are missed.

Source: Zauner, Implementation and benchmarking of perceptual image hash functions (2010), for hashes of the cosine
transform. We depart from it: signs instead of a comparison with the median, so that the hash of the mirrored picture
follows from the hash; a window that lets borders weigh less; and the views.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any, cast

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.imaging.colour import Picture

VIEWS: dict[str, tuple[float, float, float, float]] = {
    "whole": (0.0, 0.0, 1.0, 1.0),
    "middle": (0.025, 0.025, 0.975, 0.975),
    "upper left": (0.0, 0.0, 0.95, 0.95),
    "upper right": (0.05, 0.0, 1.0, 0.95),
    "lower left": (0.0, 0.05, 0.95, 1.0),
    "lower right": (0.05, 0.05, 1.0, 1.0),
}
"""Left, top, right, bottom as shares of the picture; the first is all of it."""

SIDE = 32
"""Pixels of a thumbnail, along each side: whatever the picture's shape, so that a squeezed copy is found too."""

_LARGE = 64
"""Views are cut from so many pixels along each side."""

SCHEMA = pa.schema(
    [
        # Half a SHA-256 of the decoded pixels, with their height and width.
        ("pixels", pa.binary()),
        # A hash of each view, uint64, whose lowest bit is free for marks.
        ("hashes", pa.binary()),
        # Luma, row by row.
        ("thumbnail", pa.binary()),
    ]
)
NOTHING: dict[str, Any] = dict.fromkeys(SCHEMA.names, b"")

Hashes = NDArray[np.uint64]
Luma = NDArray[np.uint8]
Thumbnails = NDArray[np.uint8]
"""(N, SIDE, SIDE)."""


BITS = 63


def _lowest() -> list[tuple[int, int]]:
    """(vertical, horizontal) frequencies, the lowest first; not the mean, which says how bright a picture is."""
    all_of_them = [(down, across) for down in range(16) for across in range(16) if down + across]
    return sorted(all_of_them, key=lambda frequency: (sum(frequency), frequency[0]))[:BITS]


_FREQUENCIES = _lowest()
"""All but the lowest bit; that one is 0."""
_PLACES = np.array([down * SIDE + across for down, across in _FREQUENCIES])
_FLIPPED = np.uint64(sum(1 << place for place, (_, across) in enumerate(_FREQUENCIES, 1) if across % 2))
_WINDOW = np.sqrt(np.sin(np.pi * (np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE))
_WINDOWS = np.outer(_WINDOW, _WINDOW)


def fingerprint(picture: Picture) -> dict[str, bytes]:
    """The columns of `SCHEMA` of one picture, (H, W, 3) uint8."""
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    large = cast(Luma, cv2.resize(luma, (_LARGE, _LARGE), interpolation=cv2.INTER_AREA))
    hashes = np.array([_hash(view(large, name)) for name in VIEWS], "<u8")
    small = cv2.resize(large, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return {"pixels": _pixels(picture), "hashes": hashes.tobytes(), "thumbnail": small.tobytes()}


def mirrored(hashes: Hashes) -> Hashes:
    """Hashes of the pictures' mirror images: odd horizontal frequencies change their sign."""
    return hashes ^ _FLIPPED


def view(luma: Luma, name: str) -> Luma:
    """A view of a square picture, (SIDE, SIDE)."""
    left, top, right, bottom = VIEWS[name]
    if name == "whole" and len(luma) % SIDE == 0:
        return cast(Luma, cv2.resize(luma, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
    across, down = (right - left) * len(luma) / SIDE, (bottom - top) * len(luma) / SIDE
    # Pixels are areas: the middle of the first one lies half a pixel from the edge.
    matrix = np.array(
        [
            [across, 0, left * len(luma) + across / 2 - 0.5],
            [0, down, top * len(luma) + down / 2 - 0.5],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(luma, matrix, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def likeness(whole: Thumbnails, other: Thumbnails, seen: str, flipped: bool) -> NDArray[np.float32]:
    """Correlation of thumbnails, (N,): 1 for copies however bright, around 0 for different pictures.

    Args:
        whole: (N, SIDE, SIDE).
        other: (N, SIDE, SIDE), of which a view is taken, and turned left to right if `flipped`.
    """
    left, top, right, bottom = VIEWS[seen]
    blur = _resampling(0.0, 1.0)
    one = _standard(blur @ whole.astype(np.float32) @ blur.T)
    down, across = _resampling(top, bottom), _resampling(left, right)
    two = _standard((down @ other.astype(np.float32) @ across.T)[:, :, :: -1 if flipped else 1])
    return cast(NDArray[np.float32], np.einsum("nij,nij->n", one, two))


@cache
def _resampling(start: float, end: float) -> NDArray[np.float32]:
    """(SIDE, SIDE) matrix that takes a part of a row and blurs it: finer things differ between honest copies."""
    places = (start + (end - start) * (np.arange(SIDE) + 0.5) / SIDE) * SIDE - 0.5
    weights = np.exp(-((places[:, None] - np.arange(SIDE)) ** 2) / (2 * _BLUR**2))
    weights /= weights.sum(axis=1, keepdims=True)
    return cast(NDArray[np.float32], weights.astype(np.float32))


_BLUR = 0.8
"""Pixels of the thumbnail, standard deviation."""


def _standard(thumbnails: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of mean 0 and length 1; nearly constant ones stay short, and so like nothing."""
    centred = thumbnails - thumbnails.mean(axis=(1, 2), keepdims=True)
    length = np.sqrt(np.square(centred).sum(axis=(1, 2), keepdims=True))
    found: NDArray[np.float32] = centred / np.maximum(length, SIDE)
    return found


def _hash(luma: Luma) -> int:
    values = luma.astype(np.float32)
    spectrum = cv2.dct((values - values.mean()) * _WINDOWS)
    bits = np.concatenate([[False], spectrum.ravel()[_PLACES] > 0])
    return int(np.packbits(bits, bitorder="little").view("<u8")[0])


def _pixels(picture: Picture) -> bytes:
    digest = hashlib.sha256(np.array(picture.shape, "<u4").tobytes())
    digest.update(np.ascontiguousarray(picture).data)
    return digest.digest()[:16]
