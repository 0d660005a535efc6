"""Where a head is and how it is turned: the frame that everything worn or held before a face is placed in.

Five points are enough. They fix an affine camera over an average head, so that what stands out of the face, such as the
temples of glasses or the brim of a hat, turns with it. The price: the depth of every head is that of the average one.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from pipelines.damage.base import DamageFailed, Face
from pipelines.damage.noise import PIXEL, Point

Outline = NDArray[np.float64]
"""(N, 2) points x, y in sixteenths of a pixel, from the picture's corner."""

NOSE = 0.68, 0.66
MOUTH = 1.12, 0.14
"""How far below the eyes and how far before them, the distance of the eyes being 1.

With this nose heads on our test photographs are turned as far as the mesh of the offline engine says, to 5 degrees.
"""

CHIN = 1.82, 0.05
BROW = -0.36, 0.18

NODS = 0.6
"""How much of a nod is believed: a long nose looks like a lowered head."""

LEAST_EYES = 5.0
"""Pixels between the eyes of the smallest face that anything is placed on."""

CHINS: dict[str, tuple[int, ...]] = {"mediapipe-468": (152,), "ibug-68": (8,)}
BROWS: dict[str, tuple[int, ...]] = {"mediapipe-468": (105, 334), "ibug-68": (19, 24)}
"""Points of the chin and of the tops of both brows, by scheme."""


class Head(NamedTuple):
    """A head's axes in the picture, in sixteenths of a pixel; one unit is the distance of the eyes seen from the front.

    Attributes:
        middle: between the eyes.
        right, down, out: one unit to the picture's right, towards the chin, and out of the face, as the picture
            shows it.
        chin, brow: points on the middle line of the face.
    """

    middle: Point
    right: Point
    down: Point
    out: Point
    chin: Point
    brow: Point

    @property
    def unit(self) -> float:
        """Sixteenths of a pixel in one unit, were the head not turned."""
        # Rows of a rotation have length one, so the squares of all six numbers are twice the scale's.
        return math.sqrt(sum(x * x + y * y for x, y in (self.right, self.down, self.out)) / 2)

    @property
    def yaw(self) -> float:
        """Degrees, above 0 with the nose to the picture's right."""
        along = self.out[0] * self.right[0] + self.out[1] * self.right[1]
        return math.degrees(math.asin(max(-1.0, min(1.0, along / (math.hypot(*self.right) * self.unit)))))

    def at(self, x: object, y: object, z: object = 0.0) -> Outline:
        """Points of the head, (N, 2): x to the right, y down, z out of the face, each a number or (N,), in units."""
        places = np.broadcast_arrays(*(np.asarray(value, np.float64) for value in (x, y, z)))
        right, down, out = (place.ravel() for place in places)
        points = np.empty((len(right), 2))
        for axis in (0, 1):
            # One after the other: a sum of products in one step may be rounded otherwise on another machine.
            points[:, axis] = (
                self.middle[axis] + right * self.right[axis] + down * self.down[axis] + out * self.out[axis]
            )
        return points

    def halved(self, times: int) -> Self:
        """The same head in a picture of half the size, so many times."""
        return type(self)(*((x >> times, y >> times) for x, y in self))

    def y_of(self, point: Point) -> float:
        """How far down a point of the middle line lies, in units."""
        x, y = point[0] - self.middle[0], point[1] - self.middle[1]
        return (x * self.down[0] + y * self.down[1]) / (self.down[0] ** 2 + self.down[1] ** 2)


def head_of(face: Face) -> Head:
    """The head that a face belongs to.

    Raises:
        DamageFailed: points that are not numbers, are mirrored, or do not look like a face; a face that is too small.
    """
    five = np.asarray(face.five, np.float64)
    if five.shape != (5, 2) or not np.isfinite(five).all():
        raise DamageFailed("the five points of the face are not all known")
    left, right, nose, *mouth = five * PIXEL
    middle, lips = (left + right) / 2, (mouth[0] + mouth[1]) / 2
    across = right - left
    out = _out(nose - middle, lips - middle)
    down = (lips - middle - MOUTH[1] * out) / MOUTH[0]
    head = Head(_fixed(middle), _fixed(across), _fixed(down), _fixed(out), chin=(0, 0), brow=(0, 0))
    _check(head)
    chin = _mean(face, CHINS)
    brow = _mean(face, BROWS)
    return head._replace(
        chin=_fixed(head.at(0, *CHIN)[0] if chin is None else chin),
        brow=_fixed(head.at(0, *BROW)[0] if brow is None else brow),
    )


def _out(nose: NDArray[np.float64], lips: NDArray[np.float64]) -> NDArray[np.float64]:
    """The axis out of the face, from the tip of the nose and the mouth, both from between the eyes."""
    out = (MOUTH[0] * nose - NOSE[0] * lips) / (MOUTH[0] * NOSE[1] - NOSE[0] * MOUTH[1])
    length = float(lips @ lips)
    if length == 0:
        return out * 0
    nod = (out @ lips) / length * lips
    found: NDArray[np.float64] = out - (1 - NODS) * nod
    return found


def _check(head: Head) -> None:
    (rx, ry), (dx, dy) = head.right, head.down
    unit = head.unit / PIXEL
    area = rx * dy - ry * dx
    if area < -0.1 * head.unit**2:
        raise DamageFailed("the points of the face are mirrored: the first eye must be the one on the picture's left")
    if unit < LEAST_EYES:
        raise DamageFailed(
            f"the face is too small: {unit:.1f} pixels between the eyes, at least {LEAST_EYES:.0f} needed"
        )
    lengths = math.hypot(rx, ry), math.hypot(dx, dy)
    if area <= 0 or min(lengths) < 0.3 * head.unit or math.hypot(*head.out) > 1.1 * head.unit:
        raise DamageFailed("the face is turned too far, or its points are not those of a face")


def _mean(face: Face, numbers: dict[str, tuple[int, ...]]) -> NDArray[np.float64] | None:
    if face.points is None or face.scheme not in numbers:
        return None
    found: NDArray[np.float64] = np.asarray(face.points, np.float64)[list(numbers[face.scheme])].mean(axis=0) * PIXEL
    return found if np.isfinite(found).all() else None


def _fixed(point: NDArray[np.float64]) -> Point:
    return round(float(point[0])), round(float(point[1]))
