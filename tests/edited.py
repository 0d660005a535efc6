"""Real photographs, and what people and programs do to them."""

from __future__ import annotations

import io
from functools import cache

import cv2
import numpy as np
from photographs import FRIENDS, GROUP, HILL, PROFILE, SMILE, STUDIO, photograph
from PIL import Image

_SKIMAGE = (
    "astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "grass.png", "gravel.png",
    "hubble_deep_field.jpg", "ihc.png", "motorcycle_left.png", "motorcycle_right.png", "retina.jpg", "rocket.jpg",
)  # fmt: skip
PHOTOGRAPHS = (
    *(("scikit-image", f"skimage/data/{name}") for name in _SKIMAGE),
    *(("scikit-learn", f"sklearn/datasets/images/{name}.jpg") for name in ("china", "flower")),
    GROUP, *STUDIO.values(), SMILE, HILL, FRIENDS, PROFILE,
)  # fmt: skip
_CLEAN_SIDE = 700


@cache
def clean(where: tuple[str, str]) -> np.ndarray:
    """A photograph without what was done to it before: JPEGs and large ones are shrunk to a half."""
    picture = photograph(where)
    if where[1].endswith("png") and max(picture.shape) < _CLEAN_SIDE:
        return picture
    return cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def enlarged(picture: np.ndarray, factor: float, interpolation: int = cv2.INTER_CUBIC) -> np.ndarray:
    return cv2.resize(picture, None, fx=factor, fy=factor, interpolation=interpolation)


def blurred(picture: np.ndarray, share: float) -> np.ndarray:
    """By a Gaussian whose sigma is a share of the shorter side."""
    return cv2.GaussianBlur(picture, (0, 0), share * min(picture.shape[:2]))


def as_jpeg(picture: np.ndarray, quality: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return file.getvalue()


def recompressed(picture: np.ndarray, quality: int) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(as_jpeg(picture, quality))))


def letterboxed(picture: np.ndarray, share: float = 0.125, colour: tuple[int, int, int] = (0, 0, 0)) -> np.ndarray:
    """With bars above and below, each a share of its height."""
    depth = round(share * picture.shape[0])
    return cv2.copyMakeBorder(picture, depth, depth, 0, 0, cv2.BORDER_CONSTANT, value=colour)


def grey(picture: np.ndarray) -> np.ndarray:
    return np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
