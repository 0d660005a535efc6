"""Scarves over chin and mouth, wound around the neck."""

from __future__ import annotations

import numpy as np

from pipelines.damage import noise
from pipelines.damage.holes import Color
from pipelines.damage.occluders.head import Head, Outline
from pipelines.damage.occluders.parts import Heights, Paint, Part, Spot, Surface, along, grain, lit, smooth
from pipelines.damage.occluders.sort import Held, chosen, varied

WEAVES = ("knit", "plaid", "stripes", "plain", "bandana")
WOOLS: tuple[Color, ...] = (
    (166, 36, 44),
    (38, 52, 88),
    (112, 116, 122),
    (206, 190, 160),
    (44, 84, 70),
    (150, 96, 56),
    (96, 60, 110),
    (226, 222, 214),
    (40, 40, 44),
    (196, 150, 60),
)
STEPS = 61


def scarf(held: Held) -> list[Part]:
    """Two or three turns, the upper ones over the lower; a bandana is one piece that ends in a tip."""
    rng, head = held.rng, held.head
    chin = head.y_of(head.chin)
    top = float(rng.uniform(0.62, 0.86))
    colors = varied(rng, chosen(rng, WOOLS), 12), varied(rng, chosen(rng, WOOLS), 12)
    if held.item == "bandana":
        return [_bandana(held, top, chin, colors)]
    turns = int(rng.integers(2, 4))
    bottom = chin + float(rng.uniform(0.5, 0.75))
    edges = np.linspace(top, bottom, turns + 1)
    parts = [_tail(held, colors, bottom)]
    for number in range(turns - 1, -1, -1):
        lean, sag = float(rng.normal(0, 0.07)), float(rng.uniform(0.04, 0.16))
        wide = 1.1 + (0.12, 0.16, 0.04)[number] + float(rng.uniform(0, 0.05))
        overlap = 0.16
        upper = _edge(held, head, edges[number], wide, lean, sag, number * 2)
        lower = _edge(held, head, edges[number + 1] + overlap, wide, lean * 0.6, sag + 0.04, number * 2 + 1)
        frame = _frame(head, upper, lower)
        surface = _woven(held, colors, frame, edges[number], edges[number + 1] + overlap, sag, number)
        thick = head.unit * (edges[1] - edges[0] + overlap) * 0.42
        outline = np.concatenate([_drawn_in(upper, head, thick), _drawn_in(lower, head, -thick)[::-1]])
        parts.append(Part(((outline,),), surface, shadow=0.55, reach=head.unit * 0.09, soft=head.unit * 0.01))
    return parts


def _drawn_in(edge: Outline, head: Head, by: float) -> Outline:
    """An edge that bends towards the other one at its ends: a turn of a scarf is a roll."""
    down = np.array(head.down, np.float64) / np.hypot(*head.down)
    along_right = edge @ np.array(head.right, np.float64)
    low, high = along_right.min(), along_right.max()
    place = (2 * along_right - low - high) / max(high - low, 1.0)
    moved: Outline = edge + (by * (1 - np.sqrt(np.maximum(1 - np.abs(place) ** 3.5, 0))))[:, None] * down
    return moved


def _frame(head: Head, upper: Outline, lower: Outline) -> Outline:
    """Three points of a frame: the middle of the silhouette at the height of the eyes, its right end, one unit down."""
    right, down = np.array(head.right, np.float64), np.array(head.down, np.float64)
    middle = np.array(head.middle, np.float64)
    both = (np.concatenate([upper, lower]) - middle) @ np.linalg.inv(np.array([right, down]))
    low, high = float(both[:, 0].min()), float(both[:, 0].max())
    origin = middle + right * (low + high) / 2
    return np.array([origin, origin + right * (high - low) / 2, origin + down])


def _tail(held: Held, colors: tuple[Color, Color], start: float) -> Part:
    """The end that hangs down, with its fringe."""
    rng, head, side = held.fresh("tail"), held.head, held.side
    x, lean = side * float(rng.uniform(0.25, 0.6)), side * float(rng.uniform(-0.1, 0.25))
    top, bottom = start - 0.25, start + float(rng.uniform(0.9, 1.5))
    half = float(rng.uniform(0.28, 0.36))
    t = np.linspace(0, 1, 9)
    ragged = rng.normal(0, 0.012, (2, 9))
    left = head.at(x + lean * t - half * (0.85 + 0.2 * t) + ragged[0], top + (bottom - top) * t, 0.2)
    right = head.at(x + lean * t + half * (0.85 + 0.2 * t) + ragged[1], top + (bottom - top) * t, 0.2)
    strings = []
    for place in np.linspace(-1, 1, 13):
        begin = x + lean + half * 1.03 * place
        sway = rng.normal(0, 0.035, 2)
        points = head.at(
            np.array([begin, begin + sway[0], begin + sway[0] + sway[1]]),
            np.array([bottom - 0.03, bottom + 0.12, bottom + 0.27]),
            0.2,
        )
        strings.append((points, head.unit * 0.035, 255))
    frame = head.at(np.array([x, x + 0.9, x]), np.array([0.0, 0.0, 1.0]), 0.2)
    surface = _woven(held, colors, frame, top, bottom, 0.0, 3)
    return Part(
        ((np.concatenate([left, right[::-1]]),),), surface, shadow=0.5, reach=head.unit * 0.1, lines=tuple(strings)
    )


def _edge(held: Held, head: Head, y: float, wide: float, lean: float, sag: float, number: int) -> Outline:
    """Around the front of the head, as far as it is seen."""
    turn = np.linspace(-1.9, 1.9, STEPS)
    waves = held.fresh(f"edge {number}").uniform(-1, 1, 6)
    wave = sum(0.014 * waves[n] * np.sin((n + 2) * turn + 3 * waves[5 - n]) for n in range(6))
    x = wide * np.sin(turn)
    z = -0.66 + (wide * 0.86) * np.cos(turn)
    down = y + sag * np.cos(turn) - 0.2 * (1 - np.cos(turn)) * (1 if number < 1 else 0.15) + lean * np.sin(turn) + wave
    points = head.at(x, down, z)
    return points[_seen(head, points)]


def _seen(head: Head, points: Outline) -> slice:
    """From the left of the silhouette to its right: where a band turns back it is behind."""
    along_right = points @ np.array(head.right, np.float64)
    return slice(int(np.argmin(along_right)), int(np.argmax(along_right)) + 1)


def _woven(
    held: Held, colors: tuple[Color, Color], frame: Outline, top: float, bottom: float, sag: float, number: int
) -> Surface:
    """Cloth around something round, in folds along it.

    Args:
        frame: 1 to the right is the silhouette.
        top, bottom: of the turn, in units.
    """
    pixel = held.head.unit / noise.PIXEL
    folds = held.fresh(f"folds {number}").uniform(-1, 1, 8)
    scale = float(held.fresh("weave").uniform(0.8, 1.3))

    def surface(spot: Spot) -> Paint:
        u, v = along(spot, frame[0], frame[1], frame[2])
        depth = np.sqrt(np.maximum(1.04 - u * u, 0.02))
        across = v - np.float32(sag) * depth - np.float32(top)
        share = across * np.float32(1 / (bottom - top))
        drift = grain(held.seed + number, spot.mask, pixel * 0.5, max(1.0, pixel * 0.1), 0.5)
        waves = np.zeros_like(v)
        for n in range(3):
            phase = share * np.float32(4.5 + 3.4 * n) + np.float32(5 * folds[n]) + np.float32(1.8 * folds[n + 4]) * u
            waves += np.float32(0.055 / (1 + 0.7 * n)) * np.sin(phase + drift * np.float32(1.6))
        roll = np.sqrt(np.maximum(1 - (2 * np.clip(share, 0, 1) - 1) ** 2, 0.0)) * np.float32(0.17)
        # Threads run around: towards the silhouette they are seen closer together.
        colour, stitches = _threads(held.item, np.arcsin(np.clip(u, -0.98, 0.98)), across, colors, scale, pixel)
        heights = (waves + roll + np.float32(0.75) * depth + stitches + np.float32(0.015) * drift) * np.float32(pixel)
        fuzz = grain(held.seed + 40, spot.mask, 3, 1, 0.8)
        return lit(heights, colour * (1 + 0.07 * fuzz[..., None]), spot.light, dark=0.4)

    return surface


def _threads(
    item: str, u: Heights, v: Heights, colors: tuple[Color, Color], scale: float, pixel: float
) -> tuple[Paint, Heights]:
    """Colours of a weave, and how its threads stand out, in units."""
    one, two = (np.array(color, np.float32) for color in colors)
    flat = np.zeros_like(u)
    if item == "knit":
        # Columns of V-shaped stitches; where they are too fine to be seen they are not drawn.
        width = 0.085 * scale
        seen = np.float32(min(1.0, max(0.0, (width * pixel - 1.6) / 2.4)))
        column = u * np.float32(1 / width)
        slant = np.abs(column - np.rint(column))
        stitch = np.cos((v * np.float32(1 / (width * 0.8)) - slant * np.float32(1.3)) * np.float32(2 * np.pi))
        rib = np.cos(column * np.float32(2 * np.pi))
        relief = seen * (np.float32(0.012) * stitch - np.float32(0.014) * rib)
        return one * (1 + 0.12 * seen * (stitch - rib * 0.7)[..., None]), relief
    if item == "plaid":
        one_way, other = _bands(u * np.float32(2.2 * scale)), _bands(v * np.float32(2.2 * scale) + 0.3)
        share = ((one_way + other) / 2)[..., None]
        thin = np.maximum(_line(u * np.float32(2.2 * scale) + 0.5), _line(v * np.float32(2.2 * scale) + 0.8))[..., None]
        colour: Paint = one * (1 - share) + two * share
        return colour * (1 - 0.55 * thin) + 0.55 * thin * np.array((232, 226, 210), np.float32), flat
    if item == "stripes":
        striped = smooth(np.abs(np.remainder(v * np.float32(3.4 * scale), 1) - 0.5), 0.22, 0.27)[..., None]
        return one * (1 - striped) + two * striped, flat
    return np.broadcast_to(one, (*u.shape, 3)).copy(), flat


def _bands(place: Heights) -> Heights:
    return smooth(np.abs(np.remainder(place, 1) - 0.5), 0.27, 0.23)


def _line(place: Heights) -> Heights:
    return smooth(np.abs(np.remainder(place, 1) - 0.5), 0.035, 0.02)


def _bandana(held: Held, top: float, chin: float, colors: tuple[Color, Color]) -> Part:
    """A folded cloth over nose and mouth, hanging to a tip on the breast."""
    head = held.head
    rng = held.fresh("bandana")
    lean = float(rng.normal(0, 0.04))
    upper = _edge(held, head, top - 0.06, 1.12, lean, -0.04, 0)
    tip = head.at(float(rng.normal(0, 0.08)), chin + float(rng.uniform(0.5, 0.8)), 0.2)
    sides = np.linspace(0, 1, 9)[1:-1, None]
    bow_left, bow_right = head.at(-0.62, chin - 0.05, 0.1), head.at(0.62, chin - 0.05, 0.1)
    left, right = upper[:1], upper[-1:]
    down = (1 - sides) ** 2 * right + 2 * sides * (1 - sides) * bow_right + sides**2 * tip
    back = (1 - sides) ** 2 * tip + 2 * sides * (1 - sides) * bow_left + sides**2 * left
    outline = np.concatenate([upper, down, tip, back])
    return Part(
        ((outline,),), _printed(held, colors[0], _frame(head, upper, upper), top), shadow=0.5, reach=head.unit * 0.08
    )


def _printed(held: Held, color: Color, frame: Outline, top: float) -> Surface:
    """Paisley-like dots on one colour, over nose and chin, in folds that run to the tip."""
    head, pixel = held.head, held.head.unit / noise.PIXEL
    folds = held.fresh("folds").uniform(-1, 1, 4)
    # The nose stands out of the middle of the face, which is not that of the silhouette.
    nose_x, _ = _places(frame, head.at(0, 0.7, 0.45))
    chin_x, _ = _places(frame, head.at(0, 1.7, 0.1))

    def surface(spot: Spot) -> Paint:
        u, v = along(spot, frame[0], frame[1], frame[2])
        drift = grain(held.seed, spot.mask, pixel * 0.6, max(1.0, pixel * 0.15), 0.5)
        a, b = (u + v) * 3.4, (u - v) * 3.4
        near_a, near_b = a - np.rint(a), b - np.rint(b)
        distance = near_a * near_a + near_b * near_b
        ring = smooth(np.abs(distance - np.float32(0.075)), 0.035, 0.02)
        dot = smooth(distance, 0.014, 0.008)
        far = np.abs(np.abs(near_a) - 0.5) + np.abs(np.abs(near_b) - 0.5)
        share = np.maximum(np.maximum(ring, dot), smooth(far, 0.14, 0.1))[..., None] * np.float32(0.85)
        colour = np.array(color, np.float32) * (1 - share) + share * np.array((234, 230, 222), np.float32)
        nose = np.float32(0.16) * np.exp(-(((u - np.float32(nose_x)) / 0.24) ** 2) - ((v - np.float32(top)) / 0.3) ** 2)
        chin = np.float32(0.1) * np.exp(-(((u - np.float32(chin_x)) / 0.42) ** 2) - ((v - 1.6) / 0.35) ** 2)
        turn = u / np.maximum(np.float32(2.5) - v * np.float32(0.75), np.float32(0.4))
        waves = np.zeros_like(u)
        for n in range(3):
            waves += (
                np.float32(0.045)
                * smooth(v, 0.9, 2.0)
                * np.sin(turn * np.float32(9 + 5 * n) + np.float32(6 * folds[n]) + drift)
            )
        body = np.sqrt(np.maximum(1.1 - u * u, 0.03)) * np.float32(0.7)
        heights = (nose + chin + waves + body + np.float32(0.03) * drift) * np.float32(pixel)
        weave = grain(held.seed + 2, spot.mask, 2, 1, 0.8)
        return lit(heights, colour * (1 + 0.05 * weave[..., None]), spot.light, dark=0.42)

    return surface


def _places(frame: Outline, point: Outline) -> tuple[float, float]:
    """A point's place in a frame of three points."""
    axes = np.array([frame[1] - frame[0], frame[2] - frame[0]])
    u, v = (point[0] - frame[0]) @ np.linalg.inv(axes)
    return float(u), float(v)
