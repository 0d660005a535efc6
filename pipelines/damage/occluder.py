"""Things before a face: glasses, sunglasses, a hand, strands of hair, a microphone, a cup, a scarf, a hat.

They are drawn by code, with shading, texture and a shadow where they touch, or come from a pool of cut-outs, and are
placed by five points: a face's own, which every corpus with landmarks has. What is measured in the picture (skin, hair,
light, blur, noise) is kept in the parameters, so that drawing again needs no picture. The price: they are drawn, not
photographed; who needs more gives a pool.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from pipelines.damage import noise
from pipelines.damage.base import Context, Damage, DamageFailed, Mask, Parameters, Picture, mask_ratio
from pipelines.damage.holes import Color, integer
from pipelines.damage.noise import PIXEL, Point
from pipelines.damage.occluders import ANY, ANYTHING, SORTS, cutouts, measure, sort_of
from pipelines.damage.occluders.head import Head, head_of
from pipelines.damage.occluders.matched import Matched, faded, grained, softened, toning
from pipelines.damage.occluders.parts import Canvas, bounds
from pipelines.damage.occluders.sort import Held
from pipelines.damage.overlay import Layer, Overlay
from pipelines.damage.pools import Pool, PoolRef, item_of

COARSE = 64
"""Pixels of a unit from which on surfaces are painted at half the size, and a quarter of it at twice that."""

TRIES, STEPS = 30, 8

NEAR = 1 / 10
"""Share of an asked range within which a ratio is near enough to its goal."""

Pair = NDArray[np.float64]
"""x, y."""

SortName = Literal["any", "cup", "glasses", "hair", "hand", "hat", "microphone", "scarf", "sunglasses"]


@dataclass(frozen=True, kw_only=True)
class Occluding(Overlay):
    """One occluder.

    Attributes:
        sort, item: what it is: of a sort a shape, or a cut-out's name.
        pool, sha256: of a cut-out, "" for what is drawn by code.
        place: what of the face it is before.
        side: from which side of the picture it comes, -1 left, 1 right; cut-outs are mirrored for the left.
        spot: thousandths of a unit to the right of and below the middle of the eyes, where a cut-out is placed.
        turn: degrees by which a cut-out is turned.
        head: middle between the eyes; a unit to the right, down and out of the face; chin and brow; in sixteenths of a
            pixel. A unit is the distance of the eyes, and so the scale of whatever is placed.
        seed: of all that varies.
        skin, hair, cloth: of the person and what it wears.
        seen: how much of the way to either ear is bare.
        mean, spread, strength, blur, noise, light: see `Matched`.
    """

    sort: str
    item: str
    pool: str = ""
    sha256: str = ""
    place: str = ""
    side: int = 1
    spot: tuple[int, int] = (0, 0)
    turn: int = 0
    head: tuple[Point, ...]
    seed: int
    skin: Color
    hair: Color
    cloth: Color
    seen: tuple[float, float] = (1.0, 1.0)
    mean: tuple[float, float, float]
    spread: tuple[float, float, float]
    strength: float
    blur: float = 0.0
    noise: float = 0.0
    light: float = 0.0

    @property
    def matched(self) -> Matched:
        return Matched(self.mean, self.spread, self.strength, self.blur, self.noise, self.light)

    def layer(self, image: Picture) -> Layer:
        height, width = image.shape[:2]
        layer = self._cutout(height, width) if self.pool else self._drawn(height, width)
        if layer is None:
            return Layer(0, 0, image[:1, :1].copy(), np.zeros((1, 1), np.uint8))
        alpha = noise.faint_removed(layer.alpha)
        colour = grained(faded(layer.colour, self.matched), self.noise, self.seed)
        return layer._replace(colour=colour, alpha=alpha)

    def _cutout(self, height: int, width: int) -> Layer | None:
        item = item_of(self.pool, self.item, self.sha256)
        head, (x, y) = Head(*self.head), self.spot
        cut = SORTS[self.sort].cut if self.sort in SORTS else ANYTHING
        matrix = cutouts.placed(item, head, (x / 1000, y / 1000), cut, self.turn, mirrored=self.side < 0)
        return cutouts.layer(item, matrix, head, self.matched, (height, width))

    def _drawn(self, height: int, width: int) -> Layer | None:
        """What code draws; of a very large picture smaller, and enlarged."""
        times = 0
        while Head(*self.head).unit / PIXEL > 4 * COARSE << times:
            times += 1
        held = self._held(times)
        size = tuple(-(-side >> times) for side in (height, width))
        parts = SORTS[self.sort].parts(held)
        place = bounds(parts, *size)
        if place is None:
            return None
        coarse = (
            SORTS[self.sort].parts(self._held(times + 1)) if held.head.unit / PIXEL >= COARSE else [None] * len(parts)
        )
        canvas = Canvas(place, self.matched.direction, toning(self.matched))
        for part, other in zip(parts, coarse, strict=True):
            canvas.paint(part, other)
        colour, alpha = softened(canvas.colour, canvas.alpha, self.blur / (1 << times))
        x, y = place[0] << times, place[1] << times
        for _ in range(times):
            colour, alpha = cv2.pyrUp(colour), cv2.pyrUp(alpha)  # type: ignore[assignment]
        return Layer(x, y, colour[: height - y, : width - x], alpha[: height - y, : width - x])

    def _held(self, times: int) -> Held:
        head = Head(*self.head).halved(times)
        return Held(head, self.item, self.seed, self.place, self.side, self.skin, self.hair, self.cloth, self.seen)


def _weights(sorts: Mapping[SortName, float]) -> Mapping[SortName, float]:
    if not sorts or min(sorts.values()) < 0 or max(sorts.values()) <= 0:
        raise ValueError("expected weights of 0 and more, at least one of them above 0")
    return sorts


class Occluder(Damage):
    """Glasses, sunglasses, a hand, hair, a microphone, a cup, a scarf or a hat before a face.

    An occluder is as large as its face makes it. With `place: anywhere` none is needed: it may lie anywhere in the
    picture, and then its size meets an asked ratio.

    Source: the scenarios are those of Voo, Jiang and Loy, Delving into high-quality synthetic face occlusion
    segmentation datasets (NatOcc, CVPR workshops 2022), who place cut-outs with matched colours; placement by an
    average head and the drawn occluders are ours.
    """

    parameters_type: ClassVar[type[Parameters]] = Occluding
    meets_ratios: ClassVar[bool] = False
    looks_at: ClassVar[frozenset[str]] = frozenset({"image", "faces"})

    kind: Literal["occluder"] = Field(
        "occluder", description="Glasses, sunglasses, hands, hair, microphones, cups, scarves, hats before a face."
    )
    sorts: Annotated[dict[SortName, Annotated[float, Field(ge=0)]], AfterValidator(_weights)] = Field(
        dict.fromkeys(get_args(SortName), 1.0),
        description="How often each sort is drawn; `any` are cut-outs of a pool that are called like none of them.",
    )
    pool: PoolRef | None = Field(
        None,
        description="Cut-outs with transparency; folders or the beginnings of files' names say the sort: glasses/, "
        "hand_01.png. By default occluders are drawn by code.",
    )
    place: Literal["face", "anywhere"] = Field(
        "face",
        description="Where: before a face, or anywhere in the picture, which needs no face and can meet a ratio.",
    )
    harmonise: Annotated[float, Field(ge=0, le=1)] = Field(
        0.6, description="How far colours are drawn towards those of the picture, 0 to 1."
    )
    match_detail: bool = Field(True, description="Whether sharpness and noise are those of the picture.")
    margin: Annotated[float, Field(ge=0, le=0.1)] = Field(
        0.004, description="By how much the hole is wider than what is covered, as a fraction of the shorter side."
    )

    def wants(self) -> frozenset[str]:
        return self.looks_at if self.place == "face" else frozenset({"image"})

    def can_be_asked(self) -> bool:
        return self.place == "anywhere"

    def lacks(self, context: Context) -> str:
        free = self.place == "anywhere" or any(sort == ANY for sort in self._weighted)
        return "" if context.faces or free else "face"

    @cached_property
    def _weighted(self) -> dict[str, float]:
        """Weights of the sorts that can be drawn: of those in the pool, or of those that code knows."""
        here = {sort for sort, _ in self._cutouts} if self.pool else set(SORTS)
        return {sort: weight for sort, weight in self.sorts.items() if weight and sort in here}

    @cached_property
    def _cutouts(self) -> tuple[tuple[str, str], ...]:
        """Sort and name of every cut-out of the pool."""
        return tuple((sort_of(name), name) for name in self._pool.items)

    @property
    def _pool(self) -> Pool:
        assert self.pool is not None
        return self.pool.open()

    def sample(self, rng: np.random.Generator, context: Context) -> Occluding:
        if not self._weighted:
            wanted = ", ".join(sort for sort, weight in self.sorts.items() if weight)
            raise DamageFailed(f"no cut-out of the pool is of the asked sorts: {wanted}")
        asked = context.ratio_range or self.ratio_range
        if self.place == "anywhere" or not context.faces:
            return self._anywhere(rng, context, asked)
        return self._before(rng, context)

    # --- before a face ------------------------------------------------------------------------------------------

    def _before(self, rng: np.random.Generator, context: Context) -> Occluding:
        """Before the nearest face that something can be placed on.

        Raises:
            DamageFailed: there is none; the reasons are told.
        """
        reasons = []
        for face in context.faces:
            try:
                return self._before_one(rng, context, head_of(face))
            except DamageFailed as failure:
                reasons.append(str(failure))
        raise DamageFailed("; ".join(dict.fromkeys(reasons)))

    def _before_one(self, rng: np.random.Generator, context: Context, head: Head) -> Occluding:
        unfit = {sort: _unfit(sort, head, context) for sort in self._weighted}
        fitting = {sort: weight for sort, weight in self._weighted.items() if not unfit[sort]}
        reasons = [reason for reason in unfit.values() if reason]
        while fitting:
            sort = _drawn(rng, fitting)
            del fitting[sort]
            try:
                return self._seen(rng, context, head, sort)
            except DamageFailed as failure:
                reasons.append(str(failure))
        raise DamageFailed("; ".join(dict.fromkeys(reasons)))

    def _seen(self, rng: np.random.Generator, context: Context, head: Head, sort: str) -> Occluding:
        """An occluder of which something lies in the picture."""
        occluding = self._on(rng, context, head, sort)
        if not _is_central(head, occluding.spot, context) and not _mask(occluding, context).any():
            raise DamageFailed(f"what {sort} would cover lies beyond the picture")
        return occluding

    def _on(
        self, rng: np.random.Generator, context: Context, head: Head, sort: str, *, imagined: bool = False
    ) -> Occluding:
        places = SORTS[sort].places if sort in SORTS else {"": (rng.uniform(-0.8, 0.8), rng.uniform(-0.6, 1.6))}
        both = [(place, side) for place in places for side in (-1, 1)]
        seen = [(place, side) for place, side in both if _inside(head, places[place], side, context)] or both
        place, side = seen[integer(rng, 0, len(seen) - 1)]
        x, y = places[place]
        item, sha256, turn = self._chosen(rng, sort)
        seed = noise.seed_of(rng)
        skin = measure.SKINS[integer(rng, 0, len(measure.SKINS) - 1)]
        hair = measure.HAIRS[integer(rng, 0, len(measure.HAIRS) - 1)]
        cloth = measure.CLOTHS[integer(rng, 0, len(measure.CLOTHS) - 1)]
        if context.image is not None and not imagined:
            skin = measure.skin_of(context.image, head)
            hair = measure.hair_of(context.image, head, skin, hair)
            cloth = measure.cloth_of(context.image, head, side, cloth)
        return Occluding(
            margin=self._margin(context),
            sort=sort,
            item=item,
            pool=self.pool.name if self.pool else "",
            sha256=sha256,
            place=place,
            side=side,
            spot=(round(1000 * side * x), round(1000 * y)),
            turn=turn,
            head=tuple(head),
            seed=seed,
            skin=skin,
            hair=hair,
            cloth=cloth,
            seen=(1.0, 1.0) if imagined else self._bare(context, head, skin, sort),
            **self._surroundings(context, head),
        )

    def _chosen(self, rng: np.random.Generator, sort: str) -> tuple[str, str, int]:
        """Item, digest and turn.

        Raises:
            DamageFailed: no cut-out that was tried can be used.
        """
        if not self.pool:
            items = SORTS[sort].items
            return items[integer(rng, 0, len(items) - 1)], "", 0
        names = [name for found, name in self._cutouts if found == sort]
        reach = (SORTS[sort].cut if sort in SORTS else ANYTHING).turn
        for place in rng.permutation(len(names)).tolist()[:TRIES]:
            name = names[place]
            try:
                cutouts.extent(self._pool.item(name))
            except DamageFailed as failure:
                reason = str(failure)
                continue
            return name, self._pool.sha256_of(name), round(rng.uniform(-reach, reach))
        raise DamageFailed(reason)

    def _bare(self, context: Context, head: Head, skin: Color, sort: str) -> tuple[float, float]:
        """How much of the way to the ears is not under hair; told of glasses only."""
        if context.image is None or sort not in ("glasses", "sunglasses"):
            return 1.0, 1.0
        t = np.linspace(0, 1, 11)
        left, right = (
            measure.bare(
                context.image, head.at(side * (1.09 + 0.08 * t), -0.08 - 0.02 * (1 - t), 0.1 - 1.35 * t), skin, head
            )
            for side in (-1, 1)
        )
        return round(max(left, 0.12), 3), round(max(right, 0.12), 3)

    def _surroundings(self, context: Context, head: Head) -> dict[str, Any]:
        if context.image is None:
            return {"mean": Matched().mean, "spread": Matched().spread, "strength": 0.0}
        found = measure.surroundings(context.image, head)
        detail = {"blur": found.blur, "noise": found.noise} if self.match_detail else {}
        return {"mean": found.mean, "spread": found.spread, "strength": self.harmonise, "light": found.light, **detail}

    def _margin(self, context: Context) -> int:
        return round(self.margin * min(context.height, context.width))

    # --- anywhere -----------------------------------------------------------------------------------------------

    def _anywhere(self, rng: np.random.Generator, context: Context, asked: tuple[float, float] | None) -> Occluding:
        """Upright on an imagined head, whose size meets the ratio.

        Raises:
            DamageFailed: no ratio within the range was met in `TRIES` tries.
        """
        weights = self._weighted if self.place == "anywhere" else {ANY: self._weighted[ANY]}
        shorter = min(context.height, context.width)
        low, high = asked or (0.02, 0.3)
        for _ in range(TRIES):
            goal = high - rng.random() * (high - low)
            sort = _drawn(rng, weights)
            middle = rng.uniform(0.15, 0.85, 2) * (context.width, context.height) * PIXEL
            first = self._on(rng, context, _upright(middle, 0.2 * shorter, (0.0, 0.0)), sort, imagined=True)
            spot = (first.spot[0] / 1000, first.spot[1] / 1000)
            found = self._sized(first, middle, spot, context, (low, high), goal)
            if low < mask_ratio(_mask(found, context)) <= high:
                return found
        raise DamageFailed(
            f"expected a ratio in ({low}, {high}] of occluders anywhere, met none in {TRIES} tries on "
            f"{context.width} x {context.height} pixels: widen ratio_range"
        )

    def _sized(
        self,
        occluding: Occluding,
        middle: Pair,
        spot: tuple[float, float],
        context: Context,
        asked: tuple[float, float],
        goal: float,
    ) -> Occluding:
        """The same with a head of the size at which the goal is near: what is covered grows as its square."""
        shorter = min(context.height, context.width)
        unit, near = 0.2 * shorter, NEAR * (asked[1] - asked[0])
        for _ in range(STEPS):
            occluding = replace(occluding, head=tuple(_upright(middle, unit, spot)))
            ratio = mask_ratio(_mask(occluding, context))
            if abs(ratio - goal) <= near and asked[0] < ratio <= asked[1]:
                break
            unit *= min(max((goal / max(ratio, 1e-6)) ** 0.5, 0.4), 2.5)
            unit = min(unit, 4.0 * shorter)
        return occluding


def _drawn(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    place = rng.random() * sum(weights.values())
    for name, weight in weights.items():
        place -= weight
        if place < 0:
            return name
    return list(weights)[-1]


def _unfit(sort: str, head: Head, context: Context) -> str:
    """Why a sort cannot be placed before a face, "" if it can."""
    if sort not in SORTS:
        return ""
    if abs(head.yaw) > SORTS[sort].farthest:
        return f"the face is turned {abs(head.yaw):.0f} degrees to the side, too far for {sort}"
    spots = SORTS[sort].places.values()
    if not any(_inside(head, spot, side, context) for spot in spots for side in (-1, 1)):
        return f"what {sort} would cover lies beyond the picture"
    return ""


def _inside(head: Head, spot: tuple[float, float], side: int, context: Context) -> bool:
    ((x, y),) = head.at(side * spot[0], spot[1], 0.1) / PIXEL
    return bool(0 <= x < context.width and 0 <= y < context.height)


def _is_central(head: Head, spot: tuple[int, int], context: Context) -> bool:
    """Whether a point is so far inside the picture that whatever is placed there is seen."""
    x, y = spot[0] / 1000, spot[1] / 1000
    return all(_inside(head, (x + dx, y + dy), 1, context) for dx, dy in ((0, 0.5), (0, -0.5), (0.5, 0), (-0.5, 0)))


def _upright(middle: Pair, unit: float, spot: tuple[float, float]) -> Head:
    """A head seen from the front, a point of whose face is in the middle."""
    one = round(unit * PIXEL)
    x, y = (round(float(value) - one * shift) for value, shift in zip(middle, spot, strict=True))
    return Head((x, y), (one, 0), (0, one), (0, 0), chin=(x, y + round(1.82 * one)), brow=(x, y - round(0.36 * one)))


def _mask(occluding: Occluding, context: Context) -> Mask:
    """The hole; it depends on the picture's size only."""
    return occluding.draw(np.zeros((context.height, context.width, 3), np.uint8)).mask
