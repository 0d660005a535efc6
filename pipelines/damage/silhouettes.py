"""Silhouettes that ship, so that object shapes work without a user's pool: drawn by code from limbs and outlines.

They are simple on purpose: what a hole in a street or a room should look like from afar. Whoever needs real shapes
names a pool of his own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Shape = NDArray[np.uint8]
Place = tuple[float, float]

SIDE = 320

_LARGER = 2
"""Drawn so many times larger and shrunk, so that outlines are smooth."""


class _Sheet:
    """What a silhouette is drawn on; places are in per cent of the side, from the upper left."""

    def __init__(self) -> None:
        self._side = SIDE * _LARGER
        self._mask = np.zeros((self._side, self._side), np.uint8)

    def _pixels(self, *numbers: float) -> tuple[int, ...]:
        return tuple(round(number * self._side / 100) for number in numbers)

    def disc(self, x: float, y: float, across: float, down: float, turn: float = 0, level: int = 255) -> None:
        axes = self._pixels(across, down)
        cv2.ellipse(self._mask, self._pixels(x, y), axes, turn, 0, 360, level, cv2.FILLED)

    def limb(self, points: Sequence[Place], widths: Sequence[float]) -> None:
        """A chain of discs and what lies between them, each as wide as its point says."""
        links = zip(pairwise(points), pairwise(widths), strict=True)
        for (start, end), (first, last) in links:
            for share in np.linspace(0, 1, 120):
                x, y = (one + share * (other - one) for one, other in zip(start, end, strict=True))
                radius = (first + share * (last - first)) / 2
                self.disc(x, y, radius, radius)

    def outline(self, points: Sequence[Place], level: int = 255) -> None:
        """What a smooth curve through the points encloses (Chaikin's corner cutting)."""
        curve = np.array(points, np.float64)
        for _ in range(4):
            following = np.roll(curve, -1, axis=0)
            curve = np.stack([0.75 * curve + 0.25 * following, 0.25 * curve + 0.75 * following], 1).reshape(-1, 2)
        cv2.fillPoly(self._mask, [np.rint(curve * self._side / 100).astype(np.int32)], level)

    def polygon(self, points: Sequence[Place], level: int = 255) -> None:
        cv2.fillPoly(self._mask, [np.array([self._pixels(*point) for point in points])], level)

    def shape(self) -> Shape:
        """The silhouette, cut out."""
        small = cv2.resize(self._mask, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        hard = cv2.threshold(small, 127, 255, cv2.THRESH_BINARY)[1]
        x, y, width, height = cv2.boundingRect(hard)
        return np.ascontiguousarray(hard[y : y + height, x : x + width]).astype(np.uint8)


def _standing(sheet: _Sheet) -> None:
    sheet.disc(50, 11, 6, 7.5)
    sheet.limb([(50, 17), (50, 22)], [5, 6])
    sheet.outline([(38, 21), (62, 21), (64, 30), (59, 50), (60, 57), (40, 57), (41, 50), (36, 30)])
    sheet.limb([(39, 25), (34, 40), (35, 54)], [7, 5.5, 4.5])
    sheet.limb([(61, 25), (66, 40), (65, 54)], [7, 5.5, 4.5])
    sheet.limb([(45, 55), (44, 75), (43, 94)], [11, 8, 5])
    sheet.limb([(55, 55), (56, 75), (57, 94)], [11, 8, 5])
    sheet.limb([(43, 95), (39, 96)], [4, 3])
    sheet.limb([(57, 95), (61, 96)], [4, 3])


def _walking(sheet: _Sheet) -> None:
    sheet.disc(52, 11, 6, 7.5)
    sheet.limb([(51, 17), (50, 22)], [5, 6])
    sheet.limb([(50, 25), (49, 38), (49, 52)], [17, 15, 14])
    sheet.limb([(49, 25), (41, 40), (37, 50)], [7, 5.5, 4])
    sheet.limb([(51, 25), (60, 38), (67, 46)], [7, 5.5, 4])
    sheet.limb([(49, 53), (58, 72), (63, 92)], [12, 8, 5])
    sheet.limb([(48, 53), (42, 73), (31, 88)], [12, 8, 5])
    sheet.limb([(63, 93), (69, 94)], [4, 3])
    sheet.limb([(31, 89), (33, 94)], [4, 3])


def _child(sheet: _Sheet) -> None:
    sheet.disc(50, 18, 10, 11)
    sheet.outline([(37, 30), (63, 30), (70, 62), (30, 62)])
    sheet.limb([(40, 34), (28, 48)], [8, 6])
    sheet.limb([(60, 34), (74, 44)], [8, 6])
    sheet.limb([(44, 60), (43, 90)], [10, 7])
    sheet.limb([(56, 60), (57, 90)], [10, 7])


def _dog(sheet: _Sheet) -> None:
    sheet.limb([(26, 46), (48, 47), (70, 45)], [22, 21, 24])
    sheet.limb([(70, 42), (79, 29)], [16, 13])
    sheet.limb([(80, 27), (93, 31)], [15, 7])
    sheet.outline([(76, 24), (72, 12), (83, 19)])
    sheet.limb([(24, 50), (21, 66), (23, 84)], [13, 7, 5])
    sheet.limb([(32, 52), (33, 68), (32, 84)], [10, 6, 5])
    sheet.limb([(68, 52), (67, 68), (68, 84)], [11, 6, 5])
    sheet.limb([(75, 50), (77, 68), (76, 84)], [10, 6, 5])
    sheet.limb([(17, 42), (9, 32), (8, 20)], [6, 4.5, 3])


def _cat(sheet: _Sheet) -> None:
    sheet.outline([(36, 94), (30, 70), (40, 46), (58, 42), (68, 62), (70, 94)])
    sheet.disc(50, 32, 15, 13)
    sheet.outline([(36, 28), (34, 8), (50, 22)])
    sheet.outline([(50, 22), (66, 8), (64, 28)])
    sheet.limb([(66, 88), (84, 88), (88, 70), (82, 60)], [8, 7, 6, 4])


def _bird(sheet: _Sheet) -> None:
    sheet.disc(50, 48, 24, 14, 18)
    sheet.disc(70, 32, 10, 9)
    sheet.polygon([(77, 28), (90, 33), (77, 36)])
    sheet.outline([(36, 42), (6, 50), (4, 62), (34, 58)])
    sheet.limb([(50, 58), (49, 78), (56, 79)], [3, 2, 2])
    sheet.limb([(58, 58), (58, 78), (65, 79)], [3, 2, 2])


def _car(sheet: _Sheet) -> None:
    sheet.outline([(3, 66), (4, 50), (20, 46), (32, 31), (66, 31), (80, 47), (96, 51), (97, 66)])
    sheet.polygon([(4, 52), (96, 54), (96, 67), (4, 67)])
    sheet.disc(23, 67, 9, 9)
    sheet.disc(76, 67, 9, 9)


def _van(sheet: _Sheet) -> None:
    sheet.outline([(2, 24), (70, 22), (86, 30), (97, 50), (98, 72), (2, 72)])
    sheet.polygon([(2, 28), (60, 24), (60, 72), (2, 72)])
    sheet.disc(22, 73, 9, 9)
    sheet.disc(78, 73, 9, 9)


def _bicycle(sheet: _Sheet) -> None:
    for x in (23, 77):
        sheet.disc(x, 64, 21, 21)
        sheet.disc(x, 64, 17, 17, level=0)
        sheet.disc(x, 64, 3, 3)
    for start, end in (((23, 64), (40, 36)), ((40, 36), (69, 36)), ((69, 36), (48, 64)), ((48, 64), (23, 64))):
        sheet.limb([start, end], [3, 3])
    sheet.limb([(48, 64), (37, 29)], [3, 3])
    sheet.limb([(77, 64), (67, 26), (75, 24)], [3, 3, 3])
    sheet.limb([(32, 28), (43, 28)], [4, 3])


def _tree(sheet: _Sheet) -> None:
    sheet.limb([(50, 60), (49, 96)], [7, 11])
    crown = [(50, 24, 20), (33, 34, 17), (67, 33, 18), (42, 48, 17), (60, 48, 16), (24, 46, 10), (77, 46, 10)]
    for x, y, radius in crown:
        sheet.disc(x, y, radius, radius * 0.9)


def _bottle(sheet: _Sheet) -> None:
    sheet.outline([(38, 96), (36, 94), (36, 46), (44, 34), (44, 8), (56, 8), (56, 34), (64, 46), (64, 94), (62, 96)])
    sheet.polygon([(43, 5), (57, 5), (57, 12), (43, 12)])


def _cup(sheet: _Sheet) -> None:
    sheet.disc(72, 50, 18, 18)
    sheet.disc(72, 50, 11, 11, level=0)
    sheet.outline([(22, 26), (70, 26), (68, 78), (62, 84), (30, 84), (24, 78)])
    sheet.polygon([(21, 24), (71, 24), (70, 34), (22, 34)])


def _umbrella(sheet: _Sheet) -> None:
    sheet.disc(50, 48, 46, 38)
    sheet.polygon([(0, 48), (100, 48), (100, 100), (0, 100)], 0)
    for x in (12, 31, 50, 69, 88):
        sheet.disc(x, 49, 9.5, 5, level=0)
    sheet.limb([(50, 8), (50, 86), (46, 92), (40, 90)], [3, 3, 3, 3])


def _chair(sheet: _Sheet) -> None:
    sheet.polygon([(26, 8), (34, 8), (36, 54), (28, 54)])
    sheet.polygon([(27, 10), (60, 12), (60, 34), (28, 34)])
    sheet.polygon([(54, 12), (61, 12), (63, 54), (56, 54)])
    sheet.polygon([(27, 50), (63, 50), (78, 60), (28, 62)])
    for top, foot in (((29, 60), (26, 95)), ((75, 60), (79, 95)), ((60, 56), (62, 86))):
        sheet.limb([top, foot], [4, 3])


def _suitcase(sheet: _Sheet) -> None:
    sheet.outline([(24, 36), (26, 32), (74, 32), (76, 36), (76, 88), (74, 91), (26, 91), (24, 88)])
    sheet.polygon([(25, 40), (75, 40), (75, 84), (25, 84)])
    for x in (40, 60):
        sheet.limb([(x, 8), (x, 36)], [3, 3])
    sheet.limb([(40, 8), (60, 8)], [4, 4])
    sheet.disc(32, 93, 4, 4)
    sheet.disc(68, 93, 4, 4)


def _sign(sheet: _Sheet) -> None:
    sheet.disc(50, 20, 18, 18)
    sheet.polygon([(48, 30), (52, 30), (52, 98), (48, 98)])


_DRAWN: dict[str, Callable[[_Sheet], None]] = {
    "bicycle/side": _bicycle,
    "bird/perched": _bird,
    "bottle/upright": _bottle,
    "car/saloon": _car,
    "car/van": _van,
    "cat/sitting": _cat,
    "chair/plain": _chair,
    "cup/mug": _cup,
    "dog/standing": _dog,
    "person/child": _child,
    "person/standing": _standing,
    "person/walking": _walking,
    "suitcase/upright": _suitcase,
    "traffic sign/round": _sign,
    "tree/broad": _tree,
    "umbrella/open": _umbrella,
}


def _drawn(draw: Callable[[_Sheet], None]) -> Callable[[], Shape]:
    def shape() -> Shape:
        sheet = _Sheet()
        draw(sheet)
        return sheet.shape()

    return shape


SILHOUETTES: dict[str, Callable[[], Shape]] = {name: _drawn(draw) for name, draw in _DRAWN.items()}
"""Shapes by class and name: white on black, each as large as the thing."""
