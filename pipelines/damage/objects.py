"""Holes in the shape of objects: over those of the picture itself, or of others, placed as in object removal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self

import cv2
import numpy as np
from pydantic import Field, model_validator

from pipelines.classes import SCHEMES
from pipelines.damage.base import Context, DamageFailed, Mask, Parameters, Picture, mask_ratio
from pipelines.damage.holes import COLORS, CountRange, FractionRange, HoleDamage, integer
from pipelines.damage.pools import Pool, PoolRef
from pipelines.damage.shapes import Shape, fitted, only, widen
from pipelines.errors import RecipeError

TRIES = 300

AREA_RANGE = (0.02, 0.3)
"""Share of the picture that one placed object covers, unless said otherwise."""

WINDOW = 1 / 8
"""Share of an asked range within which the union of shapes is to come to its goal."""

SALIENT_SIDE, SALIENT_SHARE = 64, 0.2
"""Of the spectral residual: the shorter side of the picture on which it is worked out, and how much of a picture at
most counts as salient."""

LEAST_PIXELS = 16
"""A part of the map smaller than this is no object."""

Zero = Annotated[float, Field(ge=0, le=1)]


class Objects(HoleDamage):
    """Holes in the shape of objects.

    `over: picture` takes out objects of the picture: connected parts of classes of its `segments`. They are as large as
    they are, and take no ratio_range.

    `over: anything` places shapes of a pool by the rules of object removal: scaled, mirrored, at most `max_outside` of
    each beyond the picture; not over an object of its own class, where `keep_off_same_class` is set and the picture has
    `segments` that know the class; and so that the share of each shape that lies over salient content is in
    `salient_range`. Salient is the fifth of the picture where the spectral residual is highest. Under a ratio_range,
    shapes are added until their union covers what is asked.

    Source: the rules are those by which LaMa's published code (Suvorov et al., WACV 2022) moves segments about, with
    its bounds on area (0.02 to 0.3) and on what is hidden (0.2) [unverified: read from its configuration by others];
    saliency is that of Hou and Zhang, Saliency Detection: A Spectral Residual Approach (CVPR 2007), on 64 pixels; they
    cut it at three times its mean, which leaves nothing of many photographs. We depart from LaMa in asking for saliency
    instead of a count of covered objects, since most pictures have no segments.
    """

    parameters_type: ClassVar[type[Parameters]] = Shape

    kind: Literal["objects"] = Field("objects", description="Shapes of objects, of the picture's own or of a pool.")
    over: Literal["anything", "picture"] = Field(
        "anything", description="anything: shapes of the pool at places by rules; picture: over the picture's objects."
    )
    pool: PoolRef = Field(
        default_factory=lambda: PoolRef(path="silhouettes"),
        description="Shapes to place: a folder, zip or tar of silhouettes or cut-outs, COCO's instances_*.json, or "
        "label maps (`{path: ..., maps: cityscapes-instances}`); by default drawn ones that ship.",
    )
    classes: tuple[str, ...] = Field(
        (), description="Classes that are taken, of the picture's or of the pool's first folders; all by default."
    )
    num_range: CountRange = Field((1, 1), description="Objects per picture. Without effect under a ratio_range.")
    area_range: FractionRange = Field(
        AREA_RANGE, description="Share of the picture that one shape covers. Smaller under a ratio_range, if need be."
    )
    max_outside: Zero = Field(0.2, description="Share of a placed shape that may lie beyond the picture.")
    mirror: bool = Field(True, description="Whether half of the placed shapes are mirrored.")
    keep_off_same_class: bool = Field(
        False, description="Whether a shape must not lie over an object of its own class in the picture's segments."
    )
    salient_range: tuple[Zero, Zero] = Field(
        (0.0, 0.5), description="Share of a placed shape that lies over salient content."
    )
    dilation: Annotated[float, Field(ge=0, le=0.2)] = Field(
        0.0, description="By how much the hole is wider than the object, as a fraction of the shorter side."
    )

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        if self.ratio_range is not None and self.over == "picture":
            raise ValueError(
                "objects of the picture are as large as they are: remove ratio_range, or say over: anything"
            )
        if self.salient_range[0] > self.salient_range[1]:
            raise ValueError(f"salient_range must be two numbers, the smaller first, found {list(self.salient_range)}")
        if self.over == "picture":
            known = {name for scheme in SCHEMES.values() for name in scheme.objects().values()}
            if unknown := [name for name in self.classes if name not in known]:
                raise ValueError(f"no label map has a class {unknown[0]!r}; known are {', '.join(sorted(known))}")
        return self

    def wants(self) -> frozenset[str]:
        return frozenset({"segments"}) if self.over == "picture" or self.keep_off_same_class else frozenset()

    def can_be_asked(self) -> bool:
        return self.over == "anything"

    def lacks(self, context: Context) -> str:
        if self.over == "anything":
            return ""
        if "segments" not in context.maps:
            return "segments"
        return "" if self._own(context) else "objects"

    def sample(self, rng: np.random.Generator, context: Context) -> Parameters:
        fill = COLORS[self.fill] if isinstance(self.fill, str) else self.fill
        asked = context.ratio_range or self.ratio_range
        if self.over == "picture":
            mask, names = self._taken(rng, context)
        elif asked is None:
            mask, names = self._placed(rng, context)
        else:
            mask, names = self._filling(rng, context, asked)
        return Shape.around(mask, names).filled_with(fill)

    def _taken(self, rng: np.random.Generator, context: Context) -> tuple[Mask, tuple[str, ...]]:
        """Some of the picture's objects."""
        found = self._own(context)
        count = min(integer(rng, *self.num_range), len(found))
        chosen = sorted(rng.permutation(len(found))[:count].tolist())
        mask = np.zeros((context.height, context.width), np.uint8)
        for number in chosen:
            mask |= found[number][1]
        return self._wider(mask), tuple(found[number][0] for number in chosen)

    def _own(self, context: Context) -> list[tuple[str, Mask]]:
        """Class and mask of each object that may be taken: those in `area_range`."""
        segments, found = fitted(context.maps["segments"], context.height, context.width), []
        size = segments.labels.size
        for number, name in SCHEMES[segments.scheme].objects().items():
            if self.classes and name not in self.classes:
                continue
            whole = only(segments.labels, number)
            count, parts, stats, _ = cv2.connectedComponentsWithStats(whole)
            low, high = self.area_range
            for part in range(1, count):
                pixels = int(stats[part, cv2.CC_STAT_AREA])
                if pixels >= LEAST_PIXELS and low <= pixels / size <= high:
                    found.append((name, only(np.asarray(parts, np.int32), part)))
        return found

    def _placed(self, rng: np.random.Generator, context: Context) -> tuple[Mask, tuple[str, ...]]:
        rules = _Rules(self, context)
        mask = np.zeros((context.height, context.width), np.uint8)
        names: list[str] = []
        count = integer(rng, *self.num_range)
        for _ in range(TRIES):
            area = self.area_range[0] + rng.random() * (self.area_range[1] - self.area_range[0])
            name, shape = rules.propose(rng, area)
            if rules.allow(name, shape):
                names.append(name)
                mask |= shape
            if len(names) == count:
                return self._wider(mask), tuple(names)
        raise DamageFailed(
            f"placed {len(names)} of {count} objects in {TRIES} tries on {context.width} x {context.height} pixels: "
            "widen salient_range or area_range"
        )

    def _filling(
        self, rng: np.random.Generator, context: Context, asked: tuple[float, float]
    ) -> tuple[Mask, tuple[str, ...]]:
        """Shapes whose union covers what is asked: a goal within it, or, should that stay out of reach, near it."""
        rules = _Rules(self, context)
        low, high = asked
        goal = high - rng.random() * (high - low)
        floor, ceiling = max(low, goal - WINDOW * (high - low)), min(high, goal + WINDOW * (high - low))
        mask, names, ratio = np.zeros((context.height, context.width), np.uint8), [], 0.0
        for attempt in range(TRIES):
            most = min(self.area_range[1], (goal - ratio) * (1.3 if attempt < TRIES // 2 else 2.5))
            least = min(self.area_range[0], most / 2)
            area = max(least, most * (0.4 + 0.6 * rng.random()))
            name, shape = rules.propose(rng, area)
            united = self._wider(shape) | mask
            reached = mask_ratio(united)
            if ratio < reached <= ceiling and rules.allow(name, shape):
                mask, ratio = united, reached
                names.append(name)
                if ratio > floor:
                    return mask, tuple(names)
        if low < ratio <= high:
            return mask, tuple(names)
        raise DamageFailed(
            f"expected a hole ratio in ({low}, {high}], reached {ratio:.4f} with {TRIES} objects on {context.width} x "
            f"{context.height} pixels: widen ratio_range, salient_range or area_range"
        )

    def _wider(self, mask: Mask) -> Mask:
        return widen(mask, round(self.dilation * min(mask.shape)))


class _Rules:
    """What decides where shapes may lie on one picture."""

    def __init__(self, asked: Objects, context: Context) -> None:
        self._asked, self._height, self._width = asked, context.height, context.width
        self._pool = asked.pool.open()
        self._items = _of_classes(self._pool, asked.classes)
        segments = context.maps.get("segments") if asked.keep_off_same_class else None
        self._segments = segments and fitted(segments, context.height, context.width)
        low, high = asked.salient_range
        self._salient = None if context.image is None or (low, high) == (0, 1) else salient(context.image)

    def propose(self, rng: np.random.Generator, area: float) -> tuple[str, Mask]:
        """A shape somewhere, which covers about so much of the picture; what lies outside is cut."""
        name = self._items[integer(rng, 0, len(self._items) - 1)]
        stored = self._pool.item(name).grey
        share = max(self._pool.share_of(name), 0.02)
        scale = math.sqrt(area * self._height * self._width / (share * stored.size))
        # A long shape would not fit; then it is smaller than was meant.
        scale = min(scale, self._height * 1.2 / stored.shape[0], self._width * 1.2 / stored.shape[1])
        width, height = (max(2, round(scale * side)) for side in (stored.shape[1], stored.shape[0]))
        if self._asked.mirror and rng.random() < 0.5:
            stored = stored[:, ::-1]
        # More than the bound may lie outside in each direction, since a rectangle is not full of its shape.
        beyond = min(1.0, 1.5 * self._asked.max_outside)
        x = integer(rng, *_reach(width, self._width, beyond))
        y = integer(rng, *_reach(height, self._height, beyond))
        shape = cv2.threshold(_resized(stored, width, height), 127, 255, cv2.THRESH_BINARY)[1]
        placed = np.zeros((self._height, self._width), np.uint8)
        left, top = max(0, -x), max(0, -y)
        part = shape[top : self._height - y, left : self._width - x]
        placed[y + top : y + top + part.shape[0], x + left : x + left + part.shape[1]] = part
        self._inside = cv2.countNonZero(part) / max(1, cv2.countNonZero(shape))
        return name, placed

    def allow(self, name: str, shape: Mask) -> bool:
        """Whether the shape that was proposed last keeps the rules."""
        pixels = cv2.countNonZero(shape)
        if not pixels or pixels == shape.size or self._inside < 1 - self._asked.max_outside:
            return False
        if self._segments is not None and self._same_class(name, shape):
            return False
        if self._salient is None:
            return True
        low, high = self._asked.salient_range
        return low <= cv2.countNonZero(cv2.bitwise_and(shape, self._salient)) / pixels <= high

    def _same_class(self, name: str, shape: Mask) -> bool:
        assert self._segments is not None
        own = class_of(name)
        numbers = [number for number, known in SCHEMES[self._segments.scheme].names.items() if known == own]
        return any((self._segments.labels[shape > 0] == number).any() for number in numbers)


def _reach(side: int, whole: int, beyond: float) -> tuple[int, int]:
    """First and last place of a side along the whole, with at most a share beyond either end."""
    outside = int(side * beyond)
    low, high = -outside, whole - side + outside
    return (low, high) if low <= high else ((low + high) // 2, (low + high) // 2)


def _resized(stored: Mask, width: int, height: int) -> Mask:
    shrinks = width * height < stored.size
    return cv2.resize(stored, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)  # type: ignore[return-value]


def _of_classes(pool: Pool, classes: Sequence[str]) -> tuple[str, ...]:
    items = tuple(item for item in pool.items if not classes or class_of(item) in classes)
    if not items:
        known = sorted({class_of(item) for item in pool.items} - {""})
        raise RecipeError(
            f"pool {pool.name!r} has nothing of {', '.join(classes)}; its classes are {', '.join(known) or 'not told'}"
        )
    return items


def class_of(item: str) -> str:
    """Class of a pool's item: the folder that it lies in; "" without one."""
    return item.partition("/")[0] if "/" in item else ""


_LAST: list[tuple[Picture, Mask]] = []
"""The picture that was looked at last, and where it is salient: variants of a picture are damaged one after another."""


def salient(image: Picture) -> Mask:
    """Where a picture draws the eye: (H, W), 255 where it does.

    Source: Hou and Zhang (CVPR 2007): the spectral residual on 64 pixels, a Gaussian of 2.5 pixels. Rounded to whole
    levels before it is cut, so that the last bits of a Fourier transform decide nothing.
    """
    if _LAST and _LAST[0][0] is image:
        return _LAST[0][1]
    _LAST[:] = [(image, _residual(image))]
    return _LAST[0][1]


def _residual(image: Picture) -> Mask:
    height, width = image.shape[:2]
    scale = SALIENT_SIDE / min(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    grey = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    spectrum = np.fft.fft2(grey.astype(np.float64))
    amplitude = np.log(np.abs(spectrum) + 1e-9)
    residual = amplitude - cv2.blur(amplitude, (3, 3))
    energy = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    smooth = cv2.GaussianBlur(energy, (0, 0), 2.5)
    levels = np.rint(smooth / max(float(smooth.max()), 1e-12) * 255).astype(np.uint8)
    place = round((1 - SALIENT_SHARE) * levels.size)
    limit = int(np.partition(levels.ravel(), place)[place])
    cut = cv2.threshold(levels, limit, 255, cv2.THRESH_BINARY)[1]
    return cv2.resize(cut, (width, height), interpolation=cv2.INTER_NEAREST)  # type: ignore[return-value]
