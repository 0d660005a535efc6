"""Glasses and sunglasses: two lenses before the eyes, a bridge on the nose, temples to the ears."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipelines.damage.holes import Color
from pipelines.damage.occluders.head import Head, Outline
from pipelines.damage.occluders.parts import Paint, Part, Spot, Surface, along, grain, lit, puffed, smooth
from pipelines.damage.occluders.sort import Held, chosen, varied

LENSES: dict[str, tuple[float, float, float, float, float]] = {
    # Half the width and height, squareness, how far the outer upper corner is drawn up, how much narrower it is below.
    "round": (0.37, 0.36, 2.0, 0.0, 0.0),
    "oval": (0.41, 0.29, 2.2, 0.0, 0.05),
    "rectangle": (0.43, 0.26, 4.5, 0.02, 0.06),
    "square": (0.43, 0.34, 3.6, 0.04, 0.12),
    "aviator": (0.46, 0.39, 2.5, -0.06, 0.2),
    "cat-eye": (0.43, 0.30, 2.8, 0.13, 0.14),
}

METALS: tuple[Color, ...] = ((196, 168, 104), (178, 180, 184), (62, 60, 62), (188, 140, 122))
PLASTICS: tuple[Color, ...] = ((24, 23, 26), (30, 34, 52), (86, 50, 30), (112, 24, 34), (60, 62, 68), (178, 160, 140))
TINTS: tuple[tuple[Color, Color], ...] = (
    # Above and below.
    ((14, 15, 17), (44, 46, 52)),
    ((24, 17, 12), (96, 70, 48)),
    ((14, 22, 18), (58, 74, 62)),
    ((12, 16, 30), (70, 84, 116)),
    ((20, 14, 24), (110, 72, 96)),
)

CENTRE, HINGE, EAR = 0.54, 1.06, 1.14
STEPS = 40
FARTHEST = 58.0
"""Degrees to the side at which the far lens is no longer seen as one."""


def fits(head: Head) -> str:
    """Why glasses cannot be placed, "" if they can."""
    return f"the face is turned {abs(head.yaw):.0f} degrees, too far for glasses" if abs(head.yaw) > FARTHEST else ""


def glasses(held: Held) -> list[Part]:
    """Clear lenses in a thin or a thick frame."""
    rng, head = held.rng, held.head
    metal = rng.random() < 0.45
    parts = _frame(held, metal)
    glare = float(rng.uniform(0.05, 0.16))
    for side in (-1, 1):
        outline = _lens(held.item, side)
        lens = ((_on(head, *outline),),)
        parts = [Part(lens, _clear(head, side), opacity=glare), *parts]
        streak = _streak(side, float(rng.uniform(-0.2, 0.1)))
        shine = Part(
            ((_on(head, *streak),),),
            lambda _: np.array((236, 242, 250), np.float32),
            opacity=glare * 1.6,
            soft=head.unit * 0.03,
            within=lens[0][0],
        )
        parts = [parts[0], shine, *parts[1:]]
    return [*_temples(held, metal), *parts]


def sunglasses(held: Held) -> list[Part]:
    """Dark lenses, lighter below, in which the sky and a window are seen."""
    rng, head = held.rng, held.head
    metal = held.item == "aviator" or rng.random() < 0.25
    above, below = TINTS[int(rng.integers(len(TINTS)))]
    opacity, place = float(rng.uniform(0.9, 0.99)), float(rng.uniform(-0.5, 0.1))
    lenses = [
        Part(
            ((_on(head, *_lens(held.item, side, 1.1)),),),
            _dark(head, side, above, below, place),
            opacity=opacity,
            shadow=0.35,
            reach=head.unit * 0.07,
        )
        for side in (-1, 1)
    ]
    return [*_temples(held, metal), *lenses, *_frame(held, metal, 1.1)]


def _lens(
    item: str, side: int, scale: float = 1.0, rim: float = 0.0, brow: float = 0.0
) -> tuple[NDArray[np.float64], ...]:
    """X and y of a lens's outline, or of its frame's where it has a rim and perhaps a thicker brow."""
    half_width, half_height, square, lift, taper = LENSES[item]
    angle = np.arange(STEPS) * (2 * np.pi / STEPS)
    cos, sin = np.cos(angle), np.sin(angle)
    x = np.sign(cos) * np.abs(cos) ** (2 / square)
    y = np.sign(sin) * np.abs(sin) ** (2 / square)
    x = x * (1 - taper * (y + 1) / 2) + 0.1 * taper * y
    upper = np.where(y < 0, brow * -y, 0.0)
    outward = x * (half_width * scale + rim)
    down = y * (half_height * scale + rim + upper) - lift * np.clip(x, 0, 1) ** 2 * (1 - y) / 2
    centre = CENTRE + (scale - 1) * 0.3
    return side * (centre + outward), down + 0.07


def _on(head: Head, x: NDArray[np.float64], y: NDArray[np.float64]) -> Outline:
    """On the bent front of glasses, which lean towards the cheeks."""
    return head.at(x, y, 0.3 - 0.14 * x * x - 0.12 * y)


def _frame(held: Held, metal: bool, scale: float = 1.0) -> list[Part]:
    rng, head = held.rng, held.head
    rim = float(rng.uniform(0.022, 0.034) if metal else rng.uniform(0.05, 0.085))
    brow = 0.0 if metal else float(rng.uniform(0, 0.05))
    rings = tuple(
        (_on(head, *_lens(held.item, side, scale, rim, brow)), _on(head, *_lens(held.item, side, scale)))
        for side in (-1, 1)
    )
    inner = CENTRE + (scale - 1) * 0.3 - LENSES[held.item][0] * scale
    bars = [_bar(inner + 0.01, -0.02 - 0.1 * scale, 0.09 if metal else 0.05, max(rim, 0.03))]
    if held.item == "aviator":
        bars.append(_bar(inner + 0.1, -0.25 * scale, 0.02, max(rim, 0.03)))
    ends = [_end(side, held.item, scale, rim) for side in (-1, 1)]
    shapes = (*rings, *((_on(head, *bar),) for bar in bars), *((_on(head, *end),) for end in ends))
    surface = _material(held, metal, rim * head.unit)
    return [Part(shapes, surface, shadow=0.3 if metal else 0.4, reach=head.unit * 0.05)]


def _bar(half: float, y: float, bow: float, width: float) -> tuple[NDArray[np.float64], ...]:
    """A bridge: a bow from lens to lens."""
    x = np.linspace(-half, half, 13)
    arch = y + bow * (x / half) ** 2
    return np.concatenate([x, x[::-1]]), np.concatenate([arch - width, (arch + width * 0.4)[::-1]])


def _end(side: int, item: str, scale: float, rim: float) -> tuple[NDArray[np.float64], ...]:
    """Where the temple is hinged."""
    half_width, half_height, _, lift, _ = LENSES[item]
    start = CENTRE + (scale - 1) * 0.3 + half_width * scale - 0.02
    y = 0.07 - half_height * scale * 0.55 - lift * 0.6
    width = max(rim * 0.9, 0.035)
    x = side * np.array([start - 0.04, HINGE + 0.04, HINGE + 0.04, start - 0.04])
    return x, np.array([y - width, y - width, y + width, y + width])


def _temples(held: Held, metal: bool) -> list[Part]:
    """The arms; one that runs behind the face is not seen."""
    head, parts = held.head, []
    half_height, lift = LENSES[held.item][1], LENSES[held.item][3]
    start_y = 0.07 - half_height * 0.55 - lift * 0.6
    width = 0.03 if metal else 0.055
    for side, seen in zip((-1, 1), held.seen, strict=True):
        t = np.linspace(0, 1, 9) * seen
        x, z = side * (HINGE + 0.03 + (EAR - HINGE) * t), 0.14 - 1.4 * t
        y = start_y + (-0.02 - start_y) * t
        upper, lower = head.at(x, y - width, z), head.at(x, y + width * (1 - 0.3 * t), z)
        outward = (upper[-1] - upper[0]) @ np.array(head.right, np.float64) * side
        if outward > 0:
            shape = ((np.concatenate([upper, lower[::-1]]),),)
            surface = _material(held, metal, width * head.unit)
            parts.append(Part(shape, surface, shadow=0.3, reach=head.unit * 0.05))
    return parts


def _material(held: Held, metal: bool, width: float) -> Surface:
    """Polished metal, or plastic, which may be mottled like tortoiseshell."""
    rng = held.fresh("material")
    color = varied(rng, chosen(rng, METALS if metal else PLASTICS), 12)
    mottled, seed = not metal and rng.random() < 0.3, int(rng.integers(2**31))
    radius = max(1.0, width / 16)

    def surface(spot: Spot) -> Paint:
        heights = puffed(spot.mask, radius)
        colour: Paint = np.array(color, np.float32)
        if mottled:
            share = smooth(grain(seed, spot.mask, held.head.unit / 16 * 0.12), -0.2, 0.5)[..., None]
            colour = share * np.array((176, 112, 50), np.float32) + (1 - share) * np.array((44, 24, 14), np.float32)
        return lit(heights, colour, spot.light, dark=0.5, gloss=0.75 if metal else 0.4, sharp=14 if metal else 30)

    return surface


def _clear(head: Head, side: int) -> Surface:
    """A pale sky, fading downwards."""

    def surface(spot: Spot) -> Paint:
        _, v = _inside(spot, head, side)
        share = smooth(v, -0.35, 0.4)[..., None]
        return (1 - share) * np.array((214, 226, 240), np.float32) + share * np.array((150, 152, 156), np.float32)

    return surface


def _dark(head: Head, side: int, above: Color, below: Color, place: float) -> Surface:
    def surface(spot: Spot) -> Paint:
        u, v = _inside(spot, head, side)
        share = smooth(v, -0.4, 0.45)[..., None]
        colour = (1 - share) * np.array(above, np.float32) + share * np.array(below, np.float32)
        # The lens is a bulging mirror: the sky lies in its upper part, bent, and ends in a soft horizon.
        bend = v + 0.35 * u * u
        sky = smooth(bend, -0.02, -0.16) * smooth(bend, -0.5, -0.2)
        window = np.exp(-(((u - np.float32(place) * 0.6) / 0.13) ** 2) - ((v + 0.17) / 0.075) ** 2)
        light = 46 * sky + 105 * window
        painted: Paint = colour + light[..., None] * np.array((0.86, 0.94, 1.05), np.float32)
        return painted

    return surface


def _inside(spot: Spot, head: Head, side: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Places in a lens, in units from its middle."""
    x, y = np.array([side * CENTRE, side * CENTRE + 1, side * CENTRE]), np.array([0.07, 0.07, 1.07])
    origin, right, down = head.at(x, y, 0.25)
    return along(spot, origin, right, down)


def _streak(side: int, shift: float) -> tuple[NDArray[np.float64], ...]:
    """A slanting reflection across a lens."""
    x = np.array([-0.02, 0.12, -0.22, -0.36]) + shift + side * CENTRE
    return x, np.array([-0.4, -0.4, 0.55, 0.55])
