"""What chance does to a sample while training: a crop, a turn, a mirror image, other colours.

Drawn once per sample as one affine matrix, by which picture, mask, label maps and landmarks all move. Mirrored faces
get their left and right landmarks and parts swapped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.classes import SCHEMES

Pixels = NDArray[np.uint8]
"""(H, W) or (H, W, 3)."""


@dataclass(frozen=True)
class Move:
    """From the stored picture to what a network sees.

    Attributes:
        box: x, y, width, height of the part that is taken, in pixels.
        angle: degrees by which the part is turned around its centre.
        mirrored: left and right are swapped, last of all.
        size: side of the outcome in pixels.
    """

    box: tuple[int, int, int, int]
    size: int
    angle: float = 0.0
    mirrored: bool = False

    def matrix(self) -> NDArray[np.float64]:
        """(2, 3), over coordinates in which a picture begins at 0."""
        x, y, width, height = self.box
        cosine, sine = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        turn = np.array([(cosine, -sine), (sine, cosine)])
        scale = np.diag([self.size / width, self.size / height])
        linear = scale @ turn
        shift = self.size / 2 - linear @ np.array([x + width / 2, y + height / 2])
        if self.mirrored:
            linear[0], shift[0] = -linear[0], self.size - shift[0]
        return np.column_stack([linear, shift])


def whole(height: int, width: int, size: int) -> Move:
    """Nothing but another size: the largest square in the middle."""
    side = min(height, width)
    return Move(((width - side) // 2, (height - side) // 2, side, side), size)


def draw(
    rng: np.random.Generator,
    height: int,
    width: int,
    size: int,
    *,
    mirror: bool,
    area_range: tuple[float, float],
    aspect_range: tuple[float, float],
    rotate: float,
) -> Move:
    """Draws a move; the same numbers are drawn from `rng` whatever is switched on.

    Args:
        height, width: pixels of the stored picture.
        size: side of the outcome.
        area_range: share of the picture's area that is taken.
        aspect_range: width by height of the part, uniform in its logarithm.
        rotate: degrees to either side.
    """
    chance = rng.random(6)
    area = (area_range[0] + chance[0] * (area_range[1] - area_range[0])) * height * width
    low, high = (math.log(ratio) for ratio in aspect_range)
    aspect = math.exp(low + chance[1] * (high - low))
    across = max(1, min(width, round(math.sqrt(area * aspect))))
    down = max(1, min(height, round(math.sqrt(area / aspect))))
    x, y = int(chance[2] * (width - across + 1)), int(chance[3] * (height - down + 1))
    return Move((x, y, across, down), size, (2 * chance[4] - 1) * rotate, mirror and bool(chance[5] < 0.5))


def move_picture(pixels: Pixels, move: Move, scale: tuple[float, float] = (1.0, 1.0)) -> Pixels:
    """A picture (H, W, 3) moved; what lies beyond it is its mirror image.

    Args:
        scale: decoded pixels for one stored pixel, across and down.
    """
    return _moved(pixels, move, scale, cv2.INTER_LINEAR)


def move_labels(labels: Pixels, move: Move) -> Pixels:
    """Classes or a mask (H, W) moved: nearest, because there is nothing between two classes."""
    return _moved(labels, move, (1.0, 1.0), cv2.INTER_NEAREST)


def move_points(points: NDArray[np.float32], move: Move) -> NDArray[np.float32]:
    """Landmarks (68, 2) moved, in the order of a face as it then looks."""
    matrix = move.matrix()
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(moved[MIRRORED_68] if move.mirrored else moved, np.float32)


def swapped(labels: Pixels, scheme: str) -> Pixels:
    """A mirrored label map whose left and right parts have their names again."""
    return _sides(scheme)[labels]


@cache
def _sides(scheme: str) -> Pixels:
    """Table from a class to its mirror image."""
    table = np.arange(256, dtype=np.uint8)
    names = SCHEMES[scheme].names if scheme in SCHEMES else {}
    numbers = {name: number for number, name in names.items()}
    for left, right in (("l_", "r_"), ("left ", "right ")):
        for name, number in numbers.items():
            # celebamask-hq's `l_lip` is the lower one: it has no counterpart.
            if name.startswith(left) and (other := numbers.get(right + name.removeprefix(left))) is not None:
                table[number], table[other] = other, number
    return table


def _mirrored_68() -> list[int]:
    runs = [
        (range(17), range(16, -1, -1)),  # jaw
        (range(17, 27), range(26, 16, -1)),  # brows
        (range(27, 31), range(27, 31)),  # bridge of the nose
        (range(31, 36), range(35, 30, -1)),  # nostrils
        (range(36, 42), (45, 44, 43, 42, 47, 46)),
        (range(42, 48), (39, 38, 37, 36, 41, 40)),
        (range(48, 55), range(54, 47, -1)),  # upper lip
        (range(55, 60), range(59, 54, -1)),
        (range(60, 65), range(64, 59, -1)),  # inside of the lips
        (range(65, 68), range(67, 64, -1)),
    ]
    found = list(range(68))
    for here, there in runs:
        for number, other in zip(here, there, strict=True):
            found[number] = other
    return found


MIRRORED_68 = _mirrored_68()
"""Which of iBUG's 68 points takes the place of each in a mirrored face."""


def _moved(pixels: Pixels, move: Move, scale: tuple[float, float], how: int) -> Pixels:
    if move.angle:
        return _turned(pixels, move, scale, how)
    x, y, width, height = move.box
    left, right = round(x * scale[0]), round((x + width) * scale[0])
    top, bottom = round(y * scale[1]), round((y + height) * scale[1])
    part = pixels[top : max(bottom, top + 1), left : max(right, left + 1)]
    if part.shape[:2] != (move.size, move.size):
        shrinks = min(part.shape[:2]) > move.size
        smooth = cv2.INTER_AREA if shrinks and how != cv2.INTER_NEAREST else how
        part = np.asarray(cv2.resize(part, (move.size, move.size), interpolation=smooth), np.uint8)
    # A view is enough: whoever makes a batch copies.
    return part[:, ::-1] if move.mirrored else part


def _turned(pixels: Pixels, move: Move, scale: tuple[float, float], how: int) -> Pixels:
    matrix = move.matrix()
    factor = move.size / min(move.box[2] * scale[0], move.box[3] * scale[1])
    if how != cv2.INTER_NEAREST and factor < 0.75:
        # Warping reads a few pixels around each target, and would alias.
        height, width = (max(1, math.ceil(side * factor)) for side in pixels.shape[:2])
        scale = (scale[0] * width / pixels.shape[1], scale[1] * height / pixels.shape[0])
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    linear = matrix[:, :2] / np.array(scale)
    # OpenCV's pixels have their centres at whole numbers.
    shift = matrix[:, 2] + 0.5 * linear.sum(1) - 0.5
    turned = cv2.warpAffine(
        pixels, np.column_stack([linear, shift]), (move.size, move.size), flags=how, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(turned, np.uint8)


def recolour(picture: Pixels, rng: np.random.Generator, strength: float) -> Pixels:
    """Brightness, contrast, saturation and hue of a picture (H, W, 3), each changed by up to `strength`.

    All four are one linear map of colours, so the picture is touched once. Hue turns around the grey axis of YIQ.
    """
    brightness, contrast, saturation, hue = 1 + strength * (2 * rng.random(4) - 1)
    grey = np.array([0.299, 0.587, 0.114])
    to_yiq = np.array([grey, (0.596, -0.274, -0.322), (0.211, -0.523, 0.312)])
    turn = math.pi * (hue - 1)
    spin = np.array([
        (1, 0, 0), (0, saturation * math.cos(turn), -saturation * math.sin(turn)),
        (0, saturation * math.sin(turn), saturation * math.cos(turn)),
    ])  # fmt: skip
    linear = brightness * contrast * (np.linalg.inv(to_yiq) @ spin @ to_yiq)
    mean = brightness * (1 - contrast) * float(grey @ np.array(cv2.mean(picture)[:3]))
    changed = cv2.transform(picture, np.column_stack([linear, np.full(3, mean)]))
    return np.asarray(changed, np.uint8)
