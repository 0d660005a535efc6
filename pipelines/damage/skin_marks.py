"""Skin marks: moles, blemishes, freckles, age spots, scars, wrinkles and stubble, as retouching removes them.

A mark multiplies the colour of the skin it lies on, so it suits every skin; how much of it, its alpha, follows from the
parameters alone. The hole is what alpha covers, and a margin that is stated: it is tiny, and outside of it nothing
changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal, NamedTuple, Self, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from pipelines.damage import noise, wrinkles
from pipelines.damage.base import Context, DamageFailed, Face, Mask, Parameters, Picture, _tuples
from pipelines.damage.holes import CountRange, integer
from pipelines.damage.lettering import over
from pipelines.damage.noise import PIXEL, SHIFT, Stroke
from pipelines.damage.overlay import Layer, Overlay
from pipelines.damage.prints import LineDamage
from pipelines.damage.relief import embossed
from pipelines.damage.skin import Points, Skin, skin_of, usable

Mark = Literal["mole", "blemish", "freckles", "age_spot", "scar", "wrinkles", "stubble"]
MARKS: tuple[Mark, ...] = get_args(Mark)

Tint = tuple[int, int, int]
"""What red, green and blue are multiplied by, in 256ths."""

Spot = tuple[int, int, int, int]
"""x, y and radius in sixteenths of a pixel, and level (0 to 255)."""

Hairs = tuple[int, int, int, int, int, int]
"""x, y and radius of a round patch of stubble, number of its hairs, the length of each in sixteenths, and a seed."""

LIGHT, DARK = 1.45, 0.55
"""By which the lit and the shaded side of a mark are brighter and darker than the skin."""

TRIES = 20


class Patch(NamedTuple):
    """One mark.

    Attributes:
        mark: what it is.
        tint: of the skin below it.
        spots, lines, hairs: its shape.
        soft: sixteenths of a pixel by which its rim is blurred (sigma).
        opacity: 0 to 255, of the whole.
        relief: x, y in pixels to the shaded side of what stands out (of what is sunk: to the lit one), and strength in
            256ths; or nothing.
    """

    mark: Mark
    tint: Tint
    spots: tuple[Spot, ...] = ()
    lines: tuple[Stroke, ...] = ()
    hairs: tuple[Hairs, ...] = ()
    soft: int = 0
    opacity: int = 255
    relief: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MarkedSkin(Overlay):
    """Marks, the lowest first."""

    patches: tuple[Patch, ...]

    def layer(self, image: Picture) -> Layer:
        height, width = image.shape[:2]
        drawn = [
            (place, *_drawn(patch, image, place))
            for patch in self.patches
            if (place := _rectangle(patch, height, width))
        ]
        left, top = (min(place[axis] for place, _, _ in drawn) for axis in (0, 1))
        right, bottom = (max(place[axis] + place[axis + 2] for place, _, _ in drawn) for axis in (0, 1))
        colour, alpha = (
            np.zeros((bottom - top, right - left, 3), np.uint8),
            np.zeros((bottom - top, right - left), np.uint8),
        )
        for (x, y, across, down), own_colour, own_alpha in drawn:
            part = slice(y - top, y - top + down), slice(x - left, x - left + across)
            colour[part], alpha[part] = over(colour[part], alpha[part], own_colour, own_alpha)
        return Layer(left, top, colour, noise.faint_removed(alpha))

    @classmethod
    def from_json(cls, text: str) -> Self:
        fields = {name: _tuples(value) for name, value in json.loads(text).items()}
        return cls(**{**fields, "patches": tuple(Patch(*patch) for patch in fields["patches"])})


Place = tuple[int, int, int, int]
"""x, y, width and height in pixels."""


def _rectangle(patch: Patch, height: int, width: int) -> Place | None:
    """What a mark may touch, cut to the picture; None if it lies beyond."""
    reach = (
        3 * patch.soft // PIXEL
        + 3
        + max((max(abs(patch.relief[0]), abs(patch.relief[1])) for _ in patch.relief[:1]), default=0)
    )
    boxes = [(x - r, y - r, x + r, y + r) for x, y, r, _ in patch.spots]
    boxes += [(x - r - l, y - r - l, x + r + l, y + r + l) for x, y, r, _, l, _ in patch.hairs]  # noqa: E741
    for points, widths, _ in patch.lines:
        xs, ys, thick = [x for x, _ in points], [y for _, y in points], max(widths)
        boxes.append((min(xs) - thick, min(ys) - thick, max(xs) + thick, max(ys) + thick))
    low = [max(0, (min(box[axis] for box in boxes) >> SHIFT) - reach) for axis in (0, 1)]
    high = [
        min(side, (max(box[axis] for box in boxes) >> SHIFT) + 1 + reach) for axis, side in ((2, width), (3, height))
    ]
    return (low[0], low[1], high[0] - low[0], high[1] - low[1]) if low[0] < high[0] and low[1] < high[1] else None


def _drawn(patch: Patch, image: Picture, place: Place) -> tuple[Picture, Mask]:
    """Colour and alpha of a mark in its rectangle."""
    x, y, width, height = place
    core = np.zeros((height, width), np.uint8)
    for spot_x, spot_y, radius, level in patch.spots:
        centre = spot_x - x * PIXEL - PIXEL // 2, spot_y - y * PIXEL - PIXEL // 2
        # What is smaller than a pixel is drawn fainter.
        shown = level if radius >= PIXEL // 2 else level * radius * radius * 4 // (PIXEL * PIXEL)
        cv2.circle(core, centre, max(radius, PIXEL // 2), shown, cv2.FILLED, cv2.LINE_AA, SHIFT)
    for line in patch.lines:
        noise.stroke(core, line, x, y)
    for hairs in patch.hairs:
        for line in _grown(hairs):
            noise.stroke(core, line, x, y)
    sigma = patch.soft / PIXEL
    if sigma > 0.3:
        core = cv2.GaussianBlur(core, (0, 0), sigma)  # type: ignore[assignment]
    skin = image[y : y + height, x : x + width]
    colour, alpha = _tinted(skin, patch.tint), noise.scaled(core, patch.opacity / 255)
    if not patch.relief:
        return colour, alpha
    move_x, move_y, strength = patch.relief
    relief = embossed(core, move_x, move_y, max(sigma, 0.5), strength / 256)
    lit = np.where((relief > 0)[..., None], _tinted(skin, _grey(LIGHT)), _tinted(skin, _grey(DARK)))
    return over(lit, cv2.convertScaleAbs(relief), colour, alpha)  # type: ignore[arg-type]


def _grey(factor: float) -> Tint:
    level = round(256 * factor)
    return level, level, level


def _tinted(skin: Picture, tint: Tint) -> Picture:
    return cv2.LUT(skin, _table(tint))  # type: ignore[return-value]


@lru_cache(256)
def _table(tint: Tint) -> Picture:
    levels = np.arange(256)[:, None] * np.array(tint) // 256
    table: Picture = np.minimum(levels, 255).astype(np.uint8)[None]
    return table


def _grown(hairs: Hairs) -> Iterable[Stroke]:
    """Short hairs in a round patch, all growing about the same way."""
    x, y, radius, count, length, seed = hairs
    rng = noise.from_seed(seed)
    places = rng.integers(-radius, radius + 1, (2 * count, 2))
    inside = places[(places**2).sum(axis=1) <= radius * radius][:count]
    ways = rng.integers(-length // 2, length // 2 + 1, len(inside))
    for (px, py), way in zip(inside.tolist(), ways.tolist(), strict=True):
        yield ((x + px, y + py), (x + px + way, y + py + length)), (PIXEL // 2,), 200


class SkinMarks(LineDamage):
    """Marks that lie on the skin of one face, sized by it.

    The face nearest to the middle of those that have a mesh, or 68 points and a parsing map. On others, and where
    landmarks are mirrored, no numbers or beyond the picture, it stands aside.

    Source: what is retouched, after FFHQR (Shafaei et al., AutoRetouch, 2021); none for the drawing.
    """

    parameters_type: ClassVar[type[Parameters]] = MarkedSkin
    looks_at: ClassVar[frozenset[str]] = frozenset({"faces", "parsing"})

    kind: Literal["skin_marks"] = Field(
        "skin_marks", description="Moles, blemishes, freckles, age spots, scars, wrinkles and stubble on a face."
    )
    marks: dict[Mark, float] = Field(
        {"mole": 3, "blemish": 4, "freckles": 1, "age_spot": 1, "scar": 1, "wrinkles": 4, "stubble": 1},
        min_length=1,
        description="How often each mark is drawn, relative to the others.",
    )
    num_range: CountRange = Field((3, 9), description="Marks on a face; wrinkles of one kind count as one.")

    @field_validator("marks")
    @classmethod
    def _check_marks(cls, marks: dict[Mark, float]) -> dict[Mark, float]:
        if min(marks.values()) < 0 or max(marks.values()) <= 0:
            raise ValueError(f"weights must be 0 or more, and one of them above 0, found {marks}")
        return marks

    def lacks(self, context: Context) -> str:
        return "" if _face(context) else "face mesh"

    def sample(self, rng: np.random.Generator, context: Context) -> MarkedSkin:
        face = _face(context)
        if face is None:
            raise DamageFailed("no face whose skin is known")
        skin, names = skin_of(face, context), sorted(self.marks)
        edges = np.cumsum([self.marks[name] for name in names])
        patches: list[Patch] = []
        wanted = integer(rng, *self.num_range)
        for _ in range(TRIES * wanted):
            name = names[int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))]
            patch = DRAWERS[name](rng, skin)
            if patch is not None:
                patches.append(patch)
            if len(patches) == wanted:
                break
        if not patches:
            raise DamageFailed(
                f"no skin for {' or '.join(names)} in {TRIES * wanted} tries: the face is small, or hidden"
            )
        return MarkedSkin(margin=self.margin_in(context), patches=tuple(patches))


def _face(context: Context) -> Face | None:
    """The face nearest to the middle on which marks can be placed."""
    return next((face for face in context.faces if usable(face, context)), None)


def _somewhere(
    rng: np.random.Generator, skin: Skin, reach: float, heights: tuple[float, float] | None = None
) -> Points | None:
    """A place (2,) so many units inside the skin; None if there is none."""
    places = skin.places(reach, heights)
    return _some(rng, skin, places, 1)[0] + (rng.random(2) - 0.5) / skin.scale if len(places) else None


def _some(rng: np.random.Generator, skin: Skin, places: NDArray[np.int64], count: int) -> Points:
    """So many of the places (at least one), in pixels of the picture."""
    return skin.points(places[(rng.random(count) * len(places)).astype(int)])


def _mole(rng: np.random.Generator, skin: Skin) -> Patch | None:
    """Round and brown, now and then raised."""
    radius = 0.014 * (0.045 / 0.014) ** rng.random()
    middle = _somewhere(rng, skin, 1.8 * radius)
    if middle is None:
        return None
    unit = skin.frame.unit
    spots = [_spot(middle, radius * unit, 255)]
    spots += [_spot(middle + rng.normal(0, 0.25 * radius * unit, 2), 0.75 * radius * unit, 255) for _ in range(2)]
    depth = rng.uniform(0.4, 0.8)
    tint = (round(256 * depth), round(256 * depth * 0.8), round(256 * depth * 0.7))
    relief = (0, 1, 90) if radius > 0.03 and unit > 60 and rng.random() < 0.5 else ()
    return Patch(
        "mole",
        tint,
        tuple(spots),
        soft=_sixteenths(0.22 * radius * unit),
        opacity=integer(rng, 200, 245),
        relief=relief,
    )


def _blemish(rng: np.random.Generator, skin: Skin) -> Patch | None:
    """A red swelling; some with a lighter or a darker head."""
    radius = rng.uniform(0.025, 0.06)
    middle = _somewhere(rng, skin, 2.0 * radius, (-0.9, 1.6))
    if middle is None:
        return None
    unit = skin.frame.unit
    spots = [_spot(middle, 0.8 * radius * unit, 210)]
    if rng.random() < 0.6:
        spots.append(_spot(middle + rng.normal(0, 0.1 * radius * unit, 2), 0.35 * radius * unit, 255))
    red = rng.uniform(0.62, 0.8)
    tint = (round(256 * rng.uniform(0.88, 1.0)), round(256 * red), round(256 * red * 1.02))
    relief = (0, max(1, round(0.2 * radius * unit)), 40) if unit > 40 else ()
    return Patch(
        "blemish",
        tint,
        tuple(spots),
        soft=_sixteenths(0.42 * radius * unit),
        opacity=integer(rng, 170, 245),
        relief=relief,
    )


def _freckles(rng: np.random.Generator, skin: Skin) -> Patch | None:
    """A scatter over nose and cheeks."""
    places, unit = skin.places(0.02, (0.1, 0.85)), skin.frame.unit
    if len(places) < 50:
        return None
    taken = _some(rng, skin, places, integer(rng, 14, 60))
    spots = [_spot(place, rng.uniform(0.005, 0.016) * unit, integer(rng, 110, 255)) for place in taken]
    return Patch(
        "freckles", (178, 146, 122), tuple(spots), soft=_sixteenths(0.006 * unit), opacity=integer(rng, 110, 200)
    )


def _age_spot(rng: np.random.Generator, skin: Skin) -> Patch | None:
    """Flat, pale brown and uneven."""
    radius = rng.uniform(0.05, 0.11)
    middle = _somewhere(rng, skin, 1.7 * radius)
    if middle is None:
        return None
    unit = skin.frame.unit
    spots = [
        _spot(
            middle + rng.normal(0, 0.28 * radius * unit, 2).clip(-0.6 * radius * unit, 0.6 * radius * unit),
            rng.uniform(0.4, 0.7) * radius * unit,
            255,
        )
        for _ in range(5)
    ]
    return Patch(
        "age_spot", (205, 176, 148), tuple(spots), soft=_sixteenths(0.2 * radius * unit), opacity=integer(rng, 80, 160)
    )


def _scar(rng: np.random.Generator, skin: Skin) -> Patch | None:
    """A paler, pinker line, raised or sunk; some with stitches' traces."""
    length, unit = rng.uniform(0.15, 0.45), skin.frame.unit
    middle = _somewhere(rng, skin, 0.06)
    if middle is None:
        return None
    angle = rng.uniform(0, np.pi)
    reach = np.array([np.cos(angle), np.sin(angle)]) * length * unit / 2
    path = noise.jagged(rng, middle - reach, middle + reach, 3, rng.uniform(0.02, 0.07))
    if (skin.depths(path) <= 0.04).any():
        return None
    lines = [_tapered(path, rng.uniform(0.012, 0.024) * unit, 235)]
    is_pale = rng.random() < 0.6
    tint = (292, 272, 270) if is_pale else (236, 190, 186)
    relief = (0, 1 if rng.random() < 0.5 else -1, integer(rng, 60, 120))
    return Patch(
        "scar", tint, lines=tuple(lines), soft=_sixteenths(0.006 * unit), opacity=integer(rng, 150, 225), relief=relief
    )


def _wrinkles(rng: np.random.Generator, skin: Skin) -> Patch | None:
    """Grooves, dark inside, lit on their lower side."""
    unit = skin.frame.unit
    width = rng.uniform(0.008, 0.017)
    paths = wrinkles.lines(rng, skin, 0.5 * width + 0.015)
    if not paths:
        return None
    lines = tuple(_tapered(path, width * unit * rng.uniform(0.7, 1.1), integer(rng, 150, 255)) for path in paths)
    depth = rng.uniform(0.55, 0.75)
    tint = (round(256 * depth), round(256 * depth * 0.88), round(256 * depth * 0.84))
    move = -max(1, round(0.012 * unit))
    return Patch(
        "wrinkles",
        tint,
        lines=lines,
        soft=_sixteenths(0.011 * unit),
        opacity=integer(rng, 110, 200),
        relief=(0, move, integer(rng, 50, 110)),
    )


def _stubble(rng: np.random.Generator, skin: Skin) -> Patch | None:
    """Short hairs over lip, chin and jaw: round patches on a grid, which run into each other."""
    radius, step, unit = 0.09, 0.12, skin.frame.unit
    places = skin.points(skin.places(radius + 0.01, (0.72, 2.2)))
    aside = np.abs(((places - skin.frame.middle) * skin.frame.across).sum(axis=1)) / unit
    # Beside the mouth a beard begins below it.
    places = places[(aside < 0.45) | (skin.frame.height_of(places) > 1.0 + 0.4 * rng.random())]
    if len(places) < 20:
        return None
    cells = np.floor(places / (step * unit)).astype(int)
    taken = np.unique(cells, axis=0, return_index=True)[1]
    count, length = integer(rng, 8, 20), max(4, round(rng.uniform(0.01, 0.02) * unit * PIXEL))
    hairs = tuple(
        (*_fixed(place), round(radius * unit * PIXEL), count, length, noise.seed_of(rng))
        for place in places[np.sort(taken)]
    )
    return Patch("stubble", (86, 80, 82), hairs=hairs, soft=_sixteenths(0.004 * unit), opacity=integer(rng, 90, 190))


DRAWERS: dict[Mark, Callable[[np.random.Generator, Skin], Patch | None]] = {
    "mole": _mole,
    "blemish": _blemish,
    "freckles": _freckles,
    "age_spot": _age_spot,
    "scar": _scar,
    "wrinkles": _wrinkles,
    "stubble": _stubble,
}


def _tapered(path: Points, width: float, level: int) -> Stroke:
    """A line that is thin at both ends."""
    along = (np.arange(len(path) - 1) + 0.5) / (len(path) - 1)
    widths = np.maximum(np.rint(width * PIXEL * np.sqrt(np.sin(np.pi * along))), 1)
    return noise.fixed(path), tuple(widths.astype(int).tolist()), level


def _spot(middle: Points, radius: float, level: int) -> Spot:
    return (*_fixed(middle), max(1, round(radius * PIXEL)), level)


def _fixed(place: Points) -> tuple[int, int]:
    return round(float(place[0]) * PIXEL), round(float(place[1]) * PIXEL)


def _sixteenths(pixels: float) -> int:
    return round(pixels * PIXEL)
