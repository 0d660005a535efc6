"""Patches: random shapes with random textures over a picture, in its light.

No one mistakes them for a thing, but a network that has seen them knows that anything may lie before a face. All shapes
of a draw are scaled together until they cover the asked share, so any ratio is met; the price is that shapes have no
size of their own under a ratio_range.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal, NamedTuple, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipelines.damage import noise
from pipelines.damage.base import Context, Damage, DamageFailed, Mask, Parameters, Picture, mask_ratio
from pipelines.damage.holes import Color, CountRange, FractionRange, integer
from pipelines.damage.noise import PIXEL, Point
from pipelines.damage.occluders.matched import Matched, faded, toning
from pipelines.damage.occluders.measure import stats_of
from pipelines.damage.occluders.parts import lit, puffed, smoothed
from pipelines.damage.overlay import Layer, Overlay, widened
from pipelines.damage.pools import PoolRef, item_of
from pipelines.damage.prints import Probability
from pipelines.damage.textures import Texture, textured

CORNERS = 40
TRIES, STEPS = 20, 18

TextureName = Literal["noise", "marble", "stripes", "checks", "gingham", "weave", "dots", "gradient", "plain"]
ShapeName = Literal["ellipse", "polygon", "blob"]


class Patch(NamedTuple):
    """One shape and what it is filled with.

    Attributes:
        outline: x, y in sixteenths of a pixel, from the picture's corner.
        texture: kind, seed, cell in sixteenths of a pixel, angle in thousandths of a radian, two colours; see
            `textures.Texture`.
        raised: thousandths of the shorter side by which its rim is rounded, 0 for a flat one.
        item, sha256, crop: of a pool's picture, and x, y, width, height of the part that is seen; "" and zeros for a
            texture.
    """

    outline: tuple[Point, ...]
    texture: Texture
    raised: int
    item: str = ""
    sha256: str = ""
    crop: tuple[int, int, int, int] = (0, 0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Patchwork(Overlay):
    """Patches, each over the ones before it.

    Attributes:
        patches: as `Patch`.
        pool: of their pictures.
        mean, spread, strength, light: of the picture, and how far colours follow them; see `Matched`.
    """

    patches: tuple[Patch, ...]
    pool: str = ""
    mean: tuple[float, float, float]
    spread: tuple[float, float, float]
    strength: float
    light: float = 0.0

    def rasterise(self, height: int, width: int) -> Mask:
        """Alpha over the whole picture."""
        mask = np.zeros((height, width), np.uint8)
        for patch in self.patches:
            _fill(mask, Patch(*patch).outline)
        return mask

    def layer(self, image: Picture) -> Layer:
        height, width = image.shape[:2]
        alpha = self.rasterise(height, width)
        x, y, across, down = cv2.boundingRect(alpha)
        colour = np.zeros((down, across, 3), np.uint8)
        matched = Matched(self.mean, self.spread, self.strength, light=self.light)
        tone = toning(matched)
        for patch in self.patches:
            self._lay(colour, Patch(*patch), (x, y), min(height, width), matched)
        colour = faded(tone(colour) if tone else colour, matched)
        return Layer(x, y, colour, alpha[y : y + down, x : x + across])

    def _lay(self, colour: Picture, patch: Patch, corner: tuple[int, int], shorter: int, matched: Matched) -> None:
        """Paints one patch into the rectangle that begins at a corner."""
        mask: Mask = np.zeros(colour.shape[:2], np.uint8)
        _fill(mask, patch.outline, *corner)
        x, y, width, height = cv2.boundingRect(mask)
        if not width:
            return
        place = slice(y, y + height), slice(x, x + width)
        painted = self._filled(patch, height, width)
        radius = patch.raised * shorter / 1000
        if radius >= 1:
            heights = smoothed(puffed(mask[place], radius), radius / 6)
            shaded = lit(heights, painted.astype(np.float32), matched.direction, dark=0.5)
            painted = np.clip(shaded, 0, 255).astype(np.uint8)
        cv2.copyTo(painted, mask[place], colour[place])

    def _filled(self, patch: Patch, height: int, width: int) -> Picture:
        if patch.item:
            x, y, across, down = patch.crop
            rgba = item_of(self.pool, patch.item, patch.sha256).rgba
            part = np.ascontiguousarray(rgba[y : y + down, x : x + across, :3])
            return cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]
        texture = Texture(*patch.texture)
        return textured(texture._replace(cell=texture.cell / PIXEL), height, width)


def _fill(mask: Mask, outline: Sequence[Point], x: int = 0, y: int = 0) -> None:
    # OpenCV counts from the middle of the first pixel, we from its corner.
    points = np.array(outline, np.int32) - (np.array([x, y], np.int32) * PIXEL + PIXEL // 2)
    cv2.fillPoly(mask, [points], 255, cv2.LINE_AA, noise.SHIFT)


class Patches(Damage):
    """Ellipses, polygons and blobs with random textures, or with parts of a pool's pictures.

    Source: Voo, Jiang and Loy, Delving into high-quality synthetic face occlusion segmentation datasets (RandOcc, CVPR
    workshops 2022): random shapes with random textures. We depart from it in drawing the textures, in matching their
    light, and in meeting ratios.
    """

    parameters_type: ClassVar[type[Parameters]] = Patchwork
    looks_at: ClassVar[frozenset[str]] = frozenset({"image"})

    kind: Literal["patches"] = Field("patches", description="Random shapes with random textures.")
    area_range: FractionRange = Field(
        (0.03, 0.3), description="Share of the picture that is covered. Without effect under a ratio_range."
    )
    num_range: CountRange = Field((1, 4), description="Patches.")
    shapes: Annotated[tuple[ShapeName, ...], Field(min_length=1)] = Field(
        get_args(ShapeName), description="What they are like."
    )
    textures: Annotated[tuple[TextureName, ...], Field(min_length=1)] = Field(
        get_args(TextureName), description="What they are filled with."
    )
    pool: PoolRef | None = Field(None, description="Pictures of which parts are taken for textures.")
    pool_probability: Probability = Field(
        0.7, description="How often a patch shows a picture of the pool, if there is one."
    )
    raised_probability: Probability = Field(0.5, description="How often a patch is rounded and lit at its rim.")
    harmonise: Annotated[float, Field(ge=0, le=1)] = Field(
        0.6, description="How far colours are drawn towards those of the picture, 0 to 1."
    )
    margin: Annotated[float, Field(ge=0, le=0.1)] = Field(
        0.0, description="By how much the hole is wider than what is covered, as a fraction of the shorter side."
    )

    def sample(self, rng: np.random.Generator, context: Context) -> Patchwork:
        low, high = context.ratio_range or self.ratio_range or self.area_range
        for _ in range(TRIES):
            work = self._scaled(rng, context, high - rng.random() * (high - low))
            if low < _ratio(work, context) <= high:
                return work
        raise DamageFailed(
            f"expected a ratio in ({low}, {high}] of patches, met none in {TRIES} tries on {context.width} x "
            f"{context.height} pixels: widen ratio_range"
        )

    def _scaled(self, rng: np.random.Generator, context: Context, goal: float) -> Patchwork:
        """Patches of the size at which they cover nearest to a share."""
        size = context.width, context.height
        count = integer(rng, *self.num_range)
        middles = rng.uniform(0.05, 0.95, (count, 2)) * size
        outlines = [self._outline(rng) * rng.uniform(0.5, 1.0) for _ in range(count)]
        work = self._filled(rng, context, count)
        least, most = 0.5, 4.0 * max(size)
        for _ in range(STEPS):
            scale = (least * most) ** 0.5
            work = _sized(work, middles, outlines, scale)
            if _ratio(work, context) > goal:
                most = scale
            else:
                least = scale
        near = _sized(work, middles, outlines, least), _sized(work, middles, outlines, most)
        chosen = min(near, key=lambda one: abs(_ratio(one, context) - goal))
        return self._fitted(chosen, least, context)

    def _fitted(self, work: Patchwork, scale: float, context: Context) -> Patchwork:
        """Cells of a size that goes with the patches'."""
        shorter = min(context.height, context.width)
        size = min(max(scale, 0.05 * shorter), 0.5 * shorter) * PIXEL
        patches = []
        for patch in work.patches:
            texture = patch.texture._replace(cell=max(PIXEL * 3, round(patch.texture.cell * size / 1000)))
            patches.append(patch._replace(texture=texture))
        return replace(work, patches=tuple(patches))

    def _filled(self, rng: np.random.Generator, context: Context, count: int) -> Patchwork:
        matched: dict[str, object] = {"mean": Matched().mean, "spread": Matched().spread, "strength": 0.0}
        if context.image is not None:
            mean, spread = stats_of(context.image)
            matched = {"mean": mean, "spread": spread, "strength": self.harmonise}
        return Patchwork(
            margin=round(self.margin * min(context.height, context.width)),
            patches=tuple(self._patch(rng) for _ in range(count)),
            pool=self.pool.name if self.pool else "",
            light=round(rng.uniform(-0.8, 0.8), 2),
            **matched,  # type: ignore[arg-type]
        )

    def _patch(self, rng: np.random.Generator) -> Patch:
        kind = self.textures[integer(rng, 0, len(self.textures) - 1)]
        # Cells in thousandths of the patches' size, until that is known.
        cell = int(1000 * 0.12 * 6 ** rng.random())
        texture = Texture(kind, noise.seed_of(rng), cell, integer(rng, 0, 3141), (_color(rng), _color(rng)))
        raised = integer(rng, 8, 40) if rng.random() < self.raised_probability else 0
        patch = Patch((), texture, raised)
        if self.pool is None or rng.random() >= self.pool_probability:
            return patch
        pool = self.pool.open()
        item = pool.items[integer(rng, 0, len(pool.items) - 1)]
        height, width = pool.item(item).rgba.shape[:2]
        side = max(1, int(min(height, width) * rng.uniform(0.3, 1.0)))
        crop = integer(rng, 0, width - side), integer(rng, 0, height - side), side, side
        return patch._replace(item=item, sha256=pool.sha256_of(item), crop=crop)

    def _outline(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """A shape around nothing, (N, 2), about one in radius."""
        shape = self.shapes[integer(rng, 0, len(self.shapes) - 1)]
        angles = np.linspace(0, 2 * math.pi, CORNERS, endpoint=False)
        radius: NDArray[np.float64] = np.ones(CORNERS)
        if shape == "polygon":
            corners = integer(rng, 3, 8)
            corner = np.arange(corners, dtype=np.float64) + rng.uniform(-0.35, 0.35, corners)
            angles = np.array(sorted((corner * (2 * math.pi / corners)).tolist()))
            radius = rng.uniform(0.55, 1.25, corners)
        elif shape == "blob":
            radius = _wobble(rng, angles)
        points: NDArray[np.float64] = np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius[:, None]
        points[:, 1] *= rng.uniform(0.4, 1.0)
        turn = rng.uniform(0, math.pi)
        cos, sin = math.cos(turn), math.sin(turn)
        turned: NDArray[np.float64] = points @ np.array([[cos, sin], [-sin, cos]])
        return turned


def _wobble(rng: np.random.Generator, angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Radius of a blob: a circle with ever finer and flatter waves."""
    radius = np.ones(len(angles))
    for number in range(2, 8):
        radius += rng.normal(0, 0.42 / number) * np.cos(number * angles + rng.uniform(0, 2 * math.pi))
    return np.maximum(radius, 0.25)


def _color(rng: np.random.Generator) -> Color:
    """Few colours of things are vivid."""
    light, vivid = rng.uniform(25, 230), rng.random() ** 1.5
    red, green, blue = (
        round(min(max(light + vivid * move, 5.0), 250.0)) for move in rng.uniform(-130, 130, 3).tolist()
    )
    return red, green, blue


def _sized(
    work: Patchwork, middles: NDArray[np.float64], outlines: Sequence[NDArray[np.float64]], scale: float
) -> Patchwork:
    placed = (middle + outline * scale for middle, outline in zip(middles, outlines, strict=True))
    patches = (patch._replace(outline=noise.fixed(line)) for patch, line in zip(work.patches, placed, strict=True))
    return replace(work, patches=tuple(patches))


def _ratio(work: Patchwork, context: Context) -> float:
    return mask_ratio(widened(work.rasterise(context.height, context.width), work.margin))
