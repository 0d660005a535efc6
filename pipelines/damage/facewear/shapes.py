"""Shapes of face masks on a neutral head, in centimetres: a surface that lies in front of it, and where straps run.

A mask hangs from the nose and is held at the ears, so its shape follows from few things: a profile down the middle,
the two sides, and how the cloth runs from one to the other. How it is worn shifts these down the face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

Style = Literal["surgical", "kn95", "n95", "cloth", "patterned"]
STYLES: tuple[Style, ...] = ("surgical", "kn95", "n95", "cloth", "patterned")

Wearing = Literal["right", "nose", "mouth", "chin"]
WEARINGS: tuple[Wearing, ...] = ("right", "nose", "mouth", "chin")
"""Over nose and chin; below the nose; below the mouth; on the chin only."""

ROWS, COLUMNS = 9, 13
"""Of the surface: from the upper edge to the lower, from the picture's left to its right."""

Knots = Sequence[tuple[float, ...]]
"""Rows of numbers whose first is the place from the upper edge, 0, to the lower, 1."""


@dataclass(frozen=True)
class Shape:
    """Half a mask; the other half is its mirror image.

    Attributes:
        middle: place, y, z down the profile.
        side: place, x, y, z along the side edge.
        roundness: place, how much of the depth between side and middle is round, the rest being a ridge.
        ridge: place, half the width of that ridge.
        bump: how much higher the upper edge is at the nose than where the cloth lies on the cheek.
        sag: exponent of how the rows run down from the side to the middle: 1 straight, 2 round; above, below.
    """

    middle: Knots
    side: Knots
    roundness: Knots = ((0, 0.5), (0.3, 0.62), (0.6, 0.8), (1, 1.0))
    ridge: Knots = ((0, 1.3), (0.3, 1.8), (0.6, 2.6), (1, 3.0))
    bump: float = 1.1
    sag: tuple[float, float] = (1.4, 2.3)

    def surface(self, chin: float, drop: float, stand: float) -> Array:
        """Points (ROWS, COLUMNS, 3).

        Args:
            chin: by how much more the lower edge reaches below the chin, in cm.
            drop: by how much lower the mask hangs.
            stand: by how much further it stands off the face in its middle.
        """
        v = np.linspace(0, 1, ROWS)
        y_middle, z_middle = _between(self.middle, v)
        x_side, y_side, z_side = _between(self.side, v)
        (round_share,), (ridge,) = _between(self.roundness, v), _between(self.ridge, v)
        lower = np.clip((v - 0.5) * 2, 0, 1)
        y_middle = y_middle - chin * lower - drop
        z_middle = z_middle + stand * np.sin(np.pi * np.clip(v + 0.1, 0, 1))
        y_side = y_side - 0.7 * chin * lower - 0.6 * drop
        u = np.linspace(-1, 1, COLUMNS)[None, :]
        x = x_side[:, None] * u
        top, bottom = self.sag
        run = np.abs(u) ** (top + (bottom - top) * v[:, None])
        peak = np.exp(-((x / ridge[:, None]) ** 2))
        bump = self.bump * np.clip(1 - 2.5 * v, 0, 1)[:, None]
        y = y_middle[:, None] - bump + (y_side - y_middle + bump.ravel())[:, None] * run + bump * peak
        depth = (z_middle - z_side)[:, None]
        share = round_share[:, None]
        z = z_side[:, None] + depth * (share * (1 - np.abs(u) ** 2.2) + (1 - share) * peak)
        return np.stack([x, y, z], axis=2)


def _between(knots: Knots, places: Array) -> list[Array]:
    table = np.array(knots, np.float64)
    return [np.interp(places, table[:, 0], column) for column in table.T[1:]]


_SOFT: dict[Wearing, Shape] = {
    "right": Shape(
        ((0, 1.35, 6.9), (0.17, -0.5, 8.55), (0.5, -4.3, 7.6), (0.8, -8.0, 6.3), (0.92, -9.6, 5.2), (1, -10.3, 3.6)),
        ((0, 6.5, 0.7, 2.0), (0.5, 6.45, -2.6, 1.9), (1, 5.4, -6.5, 1.2)),
    ),
    "nose": Shape(
        ((0, -2.3, 6.5), (0.2, -3.6, 6.9), (0.5, -6.1, 6.7), (0.8, -9.0, 6.0), (0.92, -10.3, 4.9), (1, -11.0, 3.2)),
        ((0, 6.5, -0.7, 1.9), (0.5, 6.4, -3.9, 1.7), (1, 5.3, -7.2, 1.0)),
        roundness=((0, 0.85), (1, 1.0)),
        bump=0.15,
        sag=(1.8, 2.3),
    ),
    "mouth": Shape(
        ((0, -6.1, 5.7), (0.25, -7.5, 6.0), (0.5, -8.9, 5.8), (0.75, -10.3, 5.0), (0.9, -11.4, 3.7), (1, -12.0, 2.4)),
        ((0, 6.3, -3.6, 1.0), (0.5, 5.9, -5.8, 0.7), (1, 5.0, -8.2, 0.2)),
        roundness=((0, 0.9), (1, 1.0)),
        bump=0.0,
        sag=(1.9, 2.2),
    ),
    "chin": Shape(
        ((0, -7.9, 5.5), (0.3, -9.0, 5.5), (0.5, -10.0, 5.0), (0.75, -11.3, 4.0), (1, -12.8, 2.2)),
        ((0, 5.9, -5.4, 0.2), (0.5, 5.5, -7.2, -0.2), (1, 4.7, -9.3, -0.8)),
        roundness=((0, 1.0), (1, 1.0)),
        bump=0.0,
        sag=(2.0, 2.2),
    ),
}

_FOLDED: dict[Wearing, Shape] = {
    "right": Shape(
        ((0, 1.6, 6.7), (0.17, -0.5, 8.6), (0.45, -3.6, 9.0), (0.8, -8.0, 7.0), (0.92, -9.5, 5.7), (1, -10.4, 4.0)),
        ((0, 6.6, -0.3, 1.9), (0.5, 6.7, -2.7, 1.7), (1, 5.9, -5.5, 1.2)),
        roundness=((0, 0.35), (0.4, 0.5), (1, 0.75)),
        ridge=((0, 1.6), (0.4, 2.4), (1, 2.6)),
        bump=0.9,
        sag=(1.0, 1.7),
    ),
    "nose": Shape(
        ((0, -2.4, 6.8), (0.2, -3.8, 7.7), (0.5, -6.3, 7.9), (0.8, -9.2, 6.6), (0.92, -10.4, 5.4), (1, -11.2, 3.7)),
        ((0, 6.6, -1.3, 1.8), (0.5, 6.6, -3.6, 1.6), (1, 5.8, -6.3, 1.0)),
        roundness=((0, 0.55), (1, 0.75)),
        bump=0.3,
        sag=(1.2, 1.7),
    ),
    "mouth": Shape(
        ((0, -6.2, 6.0), (0.25, -7.6, 6.7), (0.5, -9.1, 6.5), (0.75, -10.6, 5.4), (0.9, -11.6, 4.0), (1, -12.2, 2.8)),
        ((0, 6.4, -3.9, 0.9), (0.5, 6.1, -5.6, 0.7), (1, 5.4, -7.8, 0.2)),
        roundness=((0, 0.7), (1, 0.85)),
        bump=0.1,
        sag=(1.4, 1.7),
    ),
    "chin": _SOFT["chin"],
}

_CUP: dict[Wearing, Shape] = {
    "right": Shape(
        ((0, 1.7, 6.7), (0.15, 0.0, 8.6), (0.45, -3.8, 9.2), (0.8, -8.0, 7.4), (0.93, -9.5, 6.0), (1, -10.2, 4.7)),
        ((0, 4.6, 0.0, 3.4), (0.3, 5.7, -1.8, 2.7), (0.6, 5.7, -4.4, 2.4), (1, 4.4, -7.5, 2.5)),
        roundness=((0, 0.55), (0.3, 0.9), (1, 1.0)),
        bump=0.9,
        sag=(1.5, 2.2),
    ),
    "nose": Shape(
        ((0, -2.3, 6.8), (0.2, -3.8, 8.3), (0.5, -6.2, 8.4), (0.8, -9.0, 7.0), (0.93, -10.1, 5.6), (1, -10.8, 4.2)),
        ((0, 4.8, -1.4, 3.2), (0.4, 5.7, -3.4, 2.5), (0.7, 5.6, -5.6, 2.2), (1, 4.4, -8.2, 2.0)),
        roundness=((0, 0.9), (1, 1.0)),
        bump=0.3,
        sag=(1.8, 2.2),
    ),
    "mouth": Shape(
        ((0, -6.2, 6.0), (0.25, -7.7, 7.2), (0.5, -9.2, 7.0), (0.75, -10.7, 5.8), (0.9, -11.7, 4.4), (1, -12.3, 3.0)),
        ((0, 5.0, -4.3, 2.2), (0.4, 5.5, -6.0, 1.6), (1, 4.2, -9.2, 1.0)),
        roundness=((0, 1.0), (1, 1.0)),
        bump=0.0,
        sag=(1.9, 2.2),
    ),
    "chin": _SOFT["chin"],
}

SHAPES: dict[Style, dict[Wearing, Shape]] = {
    "surgical": _SOFT,
    "kn95": _FOLDED,
    "n95": _CUP,
    "cloth": _SOFT,
    "patterned": _SOFT,
}

_EAR_TOP, _EAR_BOTTOM = (8.15, 2.9, -5.0), (7.9, -1.8, -5.0)

LOOPS: tuple[tuple[float, tuple[tuple[float, float, float], ...]], ...] = (
    (0.06, ((7.35, 1.6, -0.9), _EAR_TOP)),
    (0.93, ((7.35, -4.0, -1.6), _EAR_BOTTOM)),
)
"""Of a loop around an ear: place on the side edge where it is sewn on, and where it goes from there."""

BANDS: tuple[tuple[float, tuple[tuple[float, float, float], ...]], ...] = (
    (0.22, ((7.3, 1.0, -0.4), (8.0, 3.6, -3.5), (8.0, 5.6, -6.8))),
    (0.72, ((7.2, -4.7, -1.4), (7.2, -5.0, -4.2), (6.6, -5.1, -6.5))),
)
"""Likewise of the two bands around the head that an N95 has: one over the ear, one below it."""
