"""Masks from a pool: a user's copy of NVIDIA's irregular masks, of QD-IMD, or of any other, cut, turned and widened.

What is stored is how an item was transformed, and not the mask: as run lengths an irregular mask takes more than the
picture that it lies on. The price: `verify` draws these again only where the pool is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Annotated, ClassVar, Literal, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from pipelines.damage.base import DamageFailed, Mask, Parameters, mask_ratio
from pipelines.damage.holes import COLORS, Color, FractionRange, HoleDamage, filled, integer
from pipelines.damage.irregular import Irregular
from pipelines.damage.pools import Pool, PoolRef, item_of
from pipelines.damage.shapes import widen
from pipelines.errors import RecipeError
from pipelines.seeds import generator

ONE = 1 << 12
"""A pixel of an item in the units of `PooledMask.matrix`."""

TRIES, TRIES_NEAR = 300, 40
"""Masks that are tried for an asked ratio, and those among which one near its goal is looked for."""

NEAR = 1 / 8
"""Share of an asked range within which a mask is to come to its goal, as long as tries are left."""

SLACK = 0.01
"""By how much a glance may be wrong."""

CANDIDATES = 24
"""Items of the nearest shares among which one is drawn for a goal."""

ROWS_AT_A_TIME = 128

_NO_FRACTIONS = np.empty(0, np.uint16)
"""Second map of `cv2.remap`: places are whole pixels."""

BINS = ((0.01, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.5), (0.5, 0.6))


@dataclass(frozen=True)
class PooledMask(Parameters):
    """A mask of a pool, and how it lies over the picture.

    Attributes:
        pool, item, sha256: which mask.
        white_is_hole: how it is stored.
        matrix: a, b, c, d, e, f in 1/4096 of the item's pixels; the picture's pixel x, y shows what lies in the item at
            a x + b y + c, d x + e y + f. Beyond its edges it is mirrored.
        widened: pixels by which the hole is widened in every direction.
        fill: the colour of the hole.
    """

    pool: str
    item: str
    sha256: str
    white_is_hole: bool
    matrix: tuple[int, int, int, int, int, int]
    widened: int = 0
    fill: Color = COLORS["grey"]

    def rasterise(self, height: int, width: int) -> Mask:
        stored = item_of(self.pool, self.item, self.sha256).grey
        if _LAST and _LAST[0][0] == replace(self, fill=_LAST[0][0].fill) and _LAST[0][1].shape == (height, width):
            return _LAST[0][1].copy()
        return widen(self.cut(stored, height, width), self.widened)

    def known_as(self, mask: Mask) -> PooledMask:
        """Itself, whose mask, just drawn to meet a ratio, will be asked for at once."""
        _LAST[:] = [(self, mask)]
        return self

    def glance(self, stored: Mask, height: int, width: int) -> Mask:
        """The mask before it is widened, in rows and columns of which there are about 64."""
        step = max(1, min(height, width) // 64)
        a, b, c, d, e, f = self.matrix
        coarse = replace(self, matrix=(a * step, b * step, c, d * step, e * step, f))
        return coarse.cut(stored, -(-height // step), -(-width // step))

    def cut(self, stored: Mask, height: int, width: int) -> Mask:
        """The mask before it is widened."""
        a, b, c, d, e, f = self.matrix
        across = np.arange(width, dtype=np.int32)
        cut = np.empty((height, width), np.uint8)
        places = np.empty((min(height, ROWS_AT_A_TIME), width, 2), np.int16)
        for top in range(0, height, ROWS_AT_A_TIME):
            # Whole numbers, and no interpolation: the same pixels on every machine.
            down = np.arange(top, min(top + ROWS_AT_A_TIME, height), dtype=np.int32)[:, None]
            some = places[: len(down)]
            some[..., 0] = (a * across + (b * down + c)) >> 12
            some[..., 1] = (d * across + (e * down + f)) >> 12
            cut[top : top + len(down)] = cv2.remap(
                stored, some, _NO_FRACTIONS, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101
            )
        kind = cv2.THRESH_BINARY if self.white_is_hole else cv2.THRESH_BINARY_INV
        return cv2.threshold(cut, 127, 255, kind)[1]  # type: ignore[return-value]

    draw = filled


_LAST: list[tuple[PooledMask, Mask]] = []
"""What was drawn last while sampling."""


class MaskPool(HoleDamage):
    """Masks from a pool, each a part of one, turned, mirrored and widened.

    An asked ratio is met after all that: an item is drawn from those whose share is nearest to what is wanted, placed,
    and widened within `dilation_range` until it fits; otherwise the next one is tried. Without a ratio_range the ratios
    are as they come.

    Source: Liu et al., Image Inpainting for Irregular Holes Using Partial Convolutions (ECCV 2018), who dilate, rotate
    and crop their masks for training [unverified: by how much]. Their test masks are taken as they are with
    `crop_range: [1, 1]`, `rotation_range: [0, 0]`, `mirror: false`, `dilation_range: [0, 0]`.
    """

    parameters_type: ClassVar[type[Parameters]] = PooledMask

    kind: Literal["mask_pool"] = Field("mask_pool", description="Masks from a user's archive, cut, turned and widened.")
    pool: PoolRef = Field(
        default_factory=lambda: PoolRef(path="streaks"),
        description="Folder, zip or tar of masks; by default a few drawn ones that ship.",
    )
    holes: Literal["detect", "white", "black"] = Field(
        "detect", description="How the pool stores holes; archives differ, so it is found out unless said."
    )
    crop_range: FractionRange = Field(
        (0.5, 1.0), description="Side of the part that is taken, as a fraction of the largest that fits."
    )
    rotation_range: tuple[float, float] = Field((-180.0, 180.0), description="Degrees by which it is turned.")
    mirror: bool = Field(True, description="Whether half of them are mirrored.")
    dilation_range: tuple[Annotated[float, Field(ge=0, le=0.5)], Annotated[float, Field(ge=0, le=0.5)]] = Field(
        (0.0, 0.02), description="By how much holes are widened in every direction, in fractions of the shorter side."
    )

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        for name in ("rotation_range", "dilation_range"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name} must be two numbers, the smaller first, found [{low}, {high}]")
        return self

    def published(self, rng: np.random.Generator, height: int, width: int) -> PooledMask:
        pool = self.pool.open()
        for _ in range(TRIES):
            placed = self._placed(rng, pool, pool.items[integer(rng, 0, len(pool.items) - 1)], height, width)
            widest = self._widened(rng, height, width)
            mask = widen(placed.cut(pool.item(placed.item).grey, height, width), widest)
            if 0 < mask_ratio(mask) < 1:
                return replace(placed, widened=widest).known_as(mask)
        raise DamageFailed(f"no mask of pool {pool.name!r} left a hole and some picture in {TRIES} tries")

    def aimed(self, rng: np.random.Generator, height: int, width: int, ratio_range: tuple[float, float]) -> PooledMask:
        low, high = ratio_range
        pool = self.pool.open()
        shares, items = _by_share(pool, self._is_white(pool))
        goal, fitting = high - rng.random() * (high - low), None
        reach = NEAR * (high - low)
        for attempt in range(TRIES):
            if fitting is not None and attempt >= TRIES_NEAR:
                return fitting
            near = int(np.searchsorted(shares, goal * (0.6 + 0.5 * rng.random())))
            first = min(max(near - CANDIDATES // 2, 0), max(len(items) - CANDIDATES, 0))
            item = items[integer(rng, first, min(first + CANDIDATES, len(items)) - 1)]
            placed = self._placed(rng, pool, item, height, width)
            # A look at a few rows and columns spares most of those that would not do.
            about = placed.glance(pool.item(item).grey, height, width)
            wider = widen(about, math.ceil(self.dilation_range[1] * min(about.shape)))
            least, most = (goal - reach, goal + reach) if fitting is not None else (low, high)
            if mask_ratio(about) > most + SLACK or mask_ratio(wider) < least - SLACK:
                continue
            cut = placed.cut(pool.item(item).grey, height, width)
            for widened in self._towards(cut, goal):
                mask = widen(cut, widened)
                ratio = mask_ratio(mask)
                if low < ratio <= high:
                    fitting = replace(placed, widened=widened).known_as(mask)
                    if abs(ratio - goal) <= reach:
                        return fitting
        if fitting is not None:
            return fitting
        raise DamageFailed(
            f"expected a hole ratio in ({low}, {high}], met none with {TRIES} masks of pool {pool.name!r} on {width} x "
            f"{height} pixels: widen ratio_range or dilation_range"
        )

    def _towards(self, cut: Mask, goal: float) -> Sequence[int]:
        """By how much to widen a mask: the last that stays under the goal, and the first that passes it."""
        least, most = (round(share * min(cut.shape)) for share in self.dilation_range)
        if mask_ratio(widen(cut, least)) >= goal:
            return (least,)
        while least + 1 < most:
            middle = (least + most) // 2
            if mask_ratio(widen(cut, middle)) < goal:
                least = middle
            else:
                most = middle
        return (least, most)

    def _placed(self, rng: np.random.Generator, pool: Pool, item: str, height: int, width: int) -> PooledMask:
        rows, columns = pool.item(item).grey.shape
        low, high = self.crop_range
        share, turn = low + rng.random() * (high - low), rng.random()
        angle = math.radians(self.rotation_range[0] + turn * (self.rotation_range[1] - self.rotation_range[0]))
        sine, cosine = math.sin(angle), math.cos(angle)
        # The turned part lies within the item, so that next to nothing is mirrored into it.
        reach_x = abs(cosine) * width + abs(sine) * height
        reach_y = abs(sine) * width + abs(cosine) * height
        scale = share * min(columns / reach_x, rows / reach_y)
        x = scale * reach_x / 2 + rng.random() * (columns - scale * reach_x)
        y = scale * reach_y / 2 + rng.random() * (rows - scale * reach_y)
        flip = -1.0 if self.mirror and rng.random() < 0.5 else 1.0
        a, b, d, e = scale * cosine * flip, -scale * sine, scale * sine * flip, scale * cosine
        centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
        numbers = (a, b, x - a * centre_x - b * centre_y, d, e, y - d * centre_x - e * centre_y)
        matrix = tuple(round(number * ONE) for number in numbers)
        return PooledMask(pool.name, item, pool.sha256_of(item), self._is_white(pool), matrix)

    def _widened(self, rng: np.random.Generator, height: int, width: int) -> int:
        least, most = (round(share * min(height, width)) for share in self.dilation_range)
        return integer(rng, least, most)

    def _is_white(self, pool: Pool) -> bool:
        return white_is_hole(pool) if self.holes == "detect" else self.holes == "white"


@lru_cache(maxsize=16)
def _by_share(pool: Pool, white: bool) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Shares of the holes of all items, rising, and the items in this order."""
    shares = {item: pool.share_of(item) if white else 1 - pool.share_of(item) for item in pool.items}
    items = sorted(shares, key=lambda item: (shares[item], item))
    return np.array([shares[item] for item in items]), tuple(items)


_NAMED_BIN = re.compile(r"(\d*\.?\d+)\s*(%?)\s*(?:-|_|to|,)\s*(\d*\.?\d+)\s*(%?)")


@lru_cache(maxsize=16)
def white_is_hole(pool: Pool) -> bool:
    """Whether a pool of masks stores holes as white, found out from its pictures.

    Where folders are named by ratios (`0.1-0.2`, `10-20%`), or 12,000 numbered masks come in NVIDIA's six bins, the
    shares tell; otherwise holes are taken to be what there is less of.

    Raises:
        RecipeError: nothing tells.
    """
    shares = np.array([pool.share_of(item) for item in pool.items])
    expected = _expected(pool.items)
    if expected is not None:
        known = ~np.isnan(expected)
        white, black = (np.abs(found[known] - expected[known]).mean() for found in (shares, 1 - shares))
    else:
        white, black = shares.mean(), 1 - shares.mean()
    if abs(white - black) < 0.02:
        raise RecipeError(
            f"whether white or black is the hole cannot be told from the masks of pool {pool.name!r}, of which "
            f"{shares.mean():.0%} is white: say `holes: white` or `holes: black`"
        )
    return bool(white < black)


def _expected(items: Sequence[str]) -> NDArray[np.float64] | None:
    """Share of the hole that the names of items tell, NaN where they do not; None if none does."""
    told = np.array([_told_by(item) for item in items])
    if not np.isnan(told).all():
        return told
    stems = [item.rpartition("/")[2].partition(".")[0] for item in items]
    if len(items) == 12_000 and all(stem.isdigit() for stem in stems):
        middles = [sum(BINS[int(stem) % 12_000 // 2_000]) / 2 for stem in stems]
        return np.array(middles)
    return None


def _told_by(item: str) -> float:
    for folder in item.split("/")[:-1]:
        if found := _NAMED_BIN.search(folder):
            low, high = (float(found[group]) for group in (1, 3))
            scale = 100 if "%" in folder or high > 1 else 1
            if 0 <= low < high <= scale:
                return (low + high) / 2 / scale
    return math.nan


_EDGES = [*(0.01 + 0.025 * step for step in range(25)), 0.65, 0.7, 0.75, 0.8, 0.85, 0.9]
"""Shares of the shipped masks, from each of these to the next: NVIDIA's six bins, and a few beyond."""


def _streak(number: int) -> Mask:
    share = (_EDGES[number], _EDGES[number + 1])
    damage = Irregular(kind="irregular", border="touch")
    return damage.aimed(generator("shipped masks", number), 512, 512, share).rasterise(512, 512)


STREAKS: dict[str, Callable[[], Mask]] = {
    f"{number:02d}": partial(_streak, number) for number in range(len(_EDGES) - 1)
}
