"""What chance decides of a face mask: colours, prints, straps, its shadow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from pipelines.damage.facewear.head import Head
from pipelines.damage.facewear.light import Lighting
from pipelines.damage.facewear.patterns import PALETTES, PRINTS, WOODLAND
from pipelines.damage.facewear.shapes import Style
from pipelines.damage.holes import Color
from pipelines.damage.noise import PIXEL

COLOURS: dict[Style, tuple[tuple[float, Color], ...]] = {
    "surgical": (
        *((5, (148, 194, 222)), (4, (238, 240, 240)), (2, (38, 38, 42)), (1.5, (142, 198, 180))),
        *((0.7, (236, 190, 202)), (0.4, (196, 182, 220)), (0.4, (150, 154, 158)), (0.7, (96, 156, 206))),
    ),
    "kn95": ((6, (240, 240, 236)), (2, (42, 42, 46)), (1, (148, 152, 158)), (1, (214, 200, 180)), (1, (150, 178, 204))),
    "n95": ((6, (236, 235, 228)), (1, (190, 208, 214)), (1, (120, 190, 190)), (1, (48, 50, 54))),
    "cloth": (
        *((4, (36, 36, 40)), (2, (44, 56, 92)), (2, (120, 122, 126)), (1, (108, 34, 44)), (1, (86, 92, 66))),
        *((1, (232, 230, 224)), (1, (206, 184, 156)), (1, (84, 112, 150)), (1, (178, 44, 46)), (1, (226, 160, 170))),
    ),
}
"""How often, and which colour. Source: none; what photographs of crowds from 2020 to 2022 show."""

_BANDS: tuple[Color, ...] = ((232, 206, 96), (236, 236, 232), (40, 40, 44))
_WHITE_LOOPS, _BLACK_LOOPS = (240, 240, 240), (34, 34, 38)
_DARK = 240
"""Sum of the three levels of a colour under which a mask comes with black loops."""

_Key = TypeVar("_Key")


def place(rng: np.random.Generator, weights: Sequence[float]) -> int:
    """A number from 0, as often as its weight says."""
    edges = np.cumsum(weights)
    return int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))


def by_weight(rng: np.random.Generator, weights: Mapping[_Key, float]) -> _Key:
    return list(weights)[place(rng, list(weights.values()))]


def cloth(rng: np.random.Generator, style: Style, asked: Sequence[Color]) -> tuple[tuple[Color, ...], str]:
    """Colours, and the name of a print or "".

    Args:
        asked: colours to take instead of the usual ones.
    """
    if style == "patterned":
        palette, pattern = PALETTES[int(rng.integers(len(PALETTES)))], sorted(PRINTS)[int(rng.integers(len(PRINTS)))]
        return WOODLAND if pattern == "camouflage" else palette, pattern
    if asked:
        return (asked[int(rng.integers(len(asked)))],), ""
    weights, colours = zip(*COLOURS[style], strict=True)
    red, green, blue = np.clip(np.array(colours[place(rng, weights)]) + rng.integers(-8, 9, 3), 0, 255).tolist()
    return ((red, green, blue),), ""


def strap(rng: np.random.Generator, style: Style, colours: tuple[Color, ...]) -> Color:
    """Colour of the straps of a mask in some colours."""
    if style == "n95":
        return _BANDS[int(rng.integers(len(_BANDS)))]
    if style in ("cloth", "patterned"):
        return colours[0]
    return _BLACK_LOOPS if sum(colours[0]) < _DARK else _WHITE_LOOPS


def breadth(rng: np.random.Generator, style: Style) -> float:
    """Of a strap, in cm."""
    return float(rng.uniform(*((0.4, 0.6) if style == "n95" else (0.2, 0.36))))


def shadow(rng: np.random.Generator, head: Head, lit: Lighting) -> tuple[int, int, int, int]:
    """As `Worn.shadow`: away from the light, and downwards as the head sees it."""
    away = head.rotation[:2] @ np.array((-0.5 * lit.slope[0], -0.2, 0.0))
    x, y = away * (1, -1) * head.scale * PIXEL
    soft = rng.uniform(0.22, 0.4) * head.scale * PIXEL
    return round(x), round(y), max(8, round(soft)), round(rng.uniform(90, 150))
