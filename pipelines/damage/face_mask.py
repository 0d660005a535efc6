"""Face masks, as worn in a pandemic: surgical, KN95, N95, cloth and printed cloth, worn well or badly.

A mask is a surface in front of a head that is fitted to the face's dense points (`facewear`). What decides its hole is
held in whole numbers, so that it is redrawn exactly; its light, colour, sharpness and grain are the face's. The price:
what it cannot do well (turned far, too small, landmarks that fit badly) it refuses with a reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Self, TypeVar

import cv2
import numpy as np
from pydantic import AfterValidator, Field

from pipelines.damage import noise
from pipelines.damage.base import Context, Damage, DamageFailed, Drawn, Face, Mask, Parameters, Picture, _tuples
from pipelines.damage.facewear import choosing, light, placing
from pipelines.damage.facewear.head import TALL, Head, fitted
from pipelines.damage.facewear.shapes import SHAPES, Style, Wearing
from pipelines.damage.facewear.surface import Grid, Place
from pipelines.damage.facewear.worn import Worn
from pipelines.damage.holes import Color, Level
from pipelines.damage.noise import PIXEL
from pipelines.damage.overlay import blend, widened
from pipelines.damage.pools import PoolRef
from pipelines.damage.prints import Probability

SCHEMES = ("mediapipe-468", "ibug-68")
"""Numberings of points that a head is fitted to."""

_INSIDE = 0.4
"""Share of a mask that must lie in the picture."""

_SQUEEZED = 0.6
"""Narrower or flatter heads there are none."""

_Key = TypeVar("_Key")


@dataclass(frozen=True)
class FaceMasks(Parameters):
    """Face masks, one a face.

    Attributes:
        worn: in the order in which they are drawn.
        margin: pixels by which the hole is wider than what they change.
    """

    worn: tuple[Worn, ...]
    margin: int

    def draw(self, image: Picture) -> Drawn:
        damaged = image.copy()
        reach, alpha = np.zeros((2, *image.shape[:2]), np.uint8)
        for worn in self.worn:
            painted = worn.paint(image)
            if painted is None:
                continue
            layer, own_reach = painted
            place = slice(layer.y, layer.y + layer.alpha.shape[0]), slice(layer.x, layer.x + layer.alpha.shape[1])
            damaged[place] = blend(damaged[place], layer.colour, layer.alpha)
            alpha[place] = noise.screened(alpha[place], layer.alpha)
            reach[place] |= own_reach
        return Drawn(damaged, _widened(reach, self.margin), alpha)

    @classmethod
    def from_json(cls, text: str) -> Self:
        told = json.loads(text)
        worn = [Worn(**{name: _tuples(value) for name, value in entry.items()}) for entry in told["worn"]]
        return cls(tuple(worn), told["margin"])


def _widened(reach: Mask, margin: int) -> Mask:
    """As `widened`, in the rectangle that is not empty."""
    x, y, width, height = cv2.boundingRect(reach)
    part = slice(max(0, y - margin), y + height + margin), slice(max(0, x - margin), x + width + margin)
    reach[part] = widened(reach[part], margin)
    return reach


def _some(weights: Mapping[_Key, float]) -> Mapping[_Key, float]:
    if not weights or min(weights.values()) < 0 or max(weights.values()) <= 0:
        raise ValueError("expected weights of 0 and more, at least one of them above 0")
    return weights


class FaceMask(Damage):
    """Face masks over dense landmarks.

    Source: none; what it guards against is what users of MaskTheFace, MaskedFace-Net and insightface's MaskRenderer
    report: masks of frontal shape on turned faces, edges beside the face, missing straps, cold colours in warm light.
    """

    parameters_type: ClassVar[type[Parameters]] = FaceMasks
    meets_ratios: ClassVar[bool] = False
    looks_at: ClassVar[frozenset[str]] = frozenset({"image", "faces", "parsing"})

    kind: Literal["face_mask"] = Field("face_mask", description="Face masks, over a face's 468 or 68 points.")
    styles: Annotated[Mapping[Style, float], AfterValidator(_some)] = Field(
        {"surgical": 5, "kn95": 2, "n95": 1, "cloth": 2, "patterned": 1},
        description="How often each kind of mask is worn: surgical, kn95, n95, cloth, patterned.",
    )
    wearing: Annotated[Mapping[Wearing, float], AfterValidator(_some)] = Field(
        {"right": 6, "nose": 1.5, "mouth": 0.8, "chin": 0.7},
        description="How often each way: right (over nose and chin), nose (below the nose), mouth (below the mouth), "
        "chin (on the chin only).",
    )
    colours: tuple[tuple[Level, Level, Level], ...] = Field(
        (), description="RGB colours of masks without a print. By default those usual for each kind."
    )
    templates: PoolRef | None = Field(
        None,
        description="Flat pictures of masks, from side to side and from the upper edge to the lower, alpha or not: a "
        "folder, an archive, or insightface for the four that ship in that package.",
    )
    template_probability: Probability = Field(0.5, description="How often a mask is one of the templates.")
    template_style: Style = Field("surgical", description="What kind of mask the templates are.")
    faces: Literal["nearest", "all"] = Field(
        "nearest", description="Whose mask: of the face nearest to the middle, or of all that can have one."
    )
    chin_range: tuple[float, float] = Field(
        (0.0, 0.06), description="By how much more the mask reaches below the chin, of the face's height."
    )
    margin: Annotated[float, Field(ge=0, le=0.1)] = Field(
        0.006, description="By how much the hole is wider than what is changed, as a fraction of the shorter side."
    )
    max_yaw: float = Field(65, gt=0, le=75, description="Degrees to a side beyond which a face gets no mask.")
    max_pitch: float = Field(40, gt=0, le=60, description="Degrees up or down, likewise.")
    min_size: float = Field(20, ge=8, description="Pixels from forehead to chin under which a face gets no mask.")
    min_score: Probability = Field(0.9, description="Score of the landmarks under which a face gets no mask.")
    max_misfit: float = Field(
        1.0, gt=0, description="How far the landmarks may lie from those of a head, in cm of that head."
    )

    def lacks(self, context: Context) -> str:
        known = [_is_dense(face) for face in context.faces]
        able = any(known) if self.faces == "all" else bool(known and known[0])
        return "" if able else "face with 468 or 68 points"

    def sample(self, rng: np.random.Generator, context: Context) -> FaceMasks:
        able = [face for face in context.faces if _is_dense(face)]
        if lacking := self.lacks(context):
            raise DamageFailed(f"the picture has no {lacking}")
        worn = self._all_worn(rng, context, able) if self.faces == "all" else [self._worn(rng, context, able[0])]
        return FaceMasks(tuple(worn), max(1, round(self.margin * min(context.height, context.width))))

    def _all_worn(self, rng: np.random.Generator, context: Context, faces: list[Face]) -> list[Worn]:
        """Masks of all faces that can have one, the smaller ones first: the larger ones are in front.

        Raises:
            DamageFailed: none can; with the reason of the one nearest to the middle.
        """
        worn, failures = [], []
        for face in faces:
            try:
                worn.append(self._worn(rng, context, face))
            except DamageFailed as failure:
                failures.append(failure)
        if not worn:
            raise failures[0]
        return sorted(worn, key=lambda one: one.unit)

    def _worn(self, rng: np.random.Generator, context: Context, face: Face) -> Worn:
        head = self._head(face)
        template = self._template(rng)
        style, wearing = (
            self.template_style if template else choosing.by_weight(rng, self.styles),
            choosing.by_weight(rng, self.wearing),
        )
        chin = rng.uniform(*self.chin_range) * TALL
        surface = SHAPES[style][wearing].surface(chin, rng.uniform(-0.25, 0.35), rng.uniform(-0.2, 0.5))
        lit = light.PLAIN if context.image is None else light.lighting(context.image, head)
        grid = placing.gridded(head, surface, lit)
        coverage, inside = placing.covered(grid, head.seen, context.width, context.height)
        if inside < _INSIDE:
            raise DamageFailed(f"mask_outside: {inside:.0%} of the mask would lie in the picture")
        colours, pattern = ((), "") if template else choosing.cloth(rng, style, self.colours)
        strap = light.in_light(choosing.strap(rng, style, colours or self._greys(template)), lit.white, lit.saturation)
        place = _around(grid, context)
        quality = light.quality(context.image, place)
        return Worn(
            style=style,
            wearing=wearing,
            colours=colours,
            pattern=pattern,
            template=template,
            white=lit.white,
            saturation=lit.saturation,
            seed=noise.seed_of(rng),
            yaw=round(head.yaw, 1),
            pitch=round(head.pitch, 1),
            score=None if face.score is None else round(face.score, 4),
            coverage=round(coverage, 3),
            unit=round(head.scale * PIXEL),
            grid=tuple(grid.ravel().tolist()),
            straps=placing.straps(head, surface, style, lit, strap, choosing.breadth(rng, style), context.image),
            above=placing.above(context.maps.get("parsing"), place),
            shadow=choosing.shadow(rng, head, lit),
            blur=round(quality.blur * PIXEL),
            grain=round(quality.grain * 16),
            jpeg=quality.jpeg,
        )

    def _head(self, face: Face) -> Head:
        """The head of a face that can have a mask.

        Raises:
            DamageFailed: it cannot.
        """
        if face.score is not None and not face.score >= self.min_score:
            raise DamageFailed(f"landmarks_unsure: score {face.score:.2f} is under min_score {self.min_score}")
        head = fitted(face)
        if head.squeezed < _SQUEEZED:
            raise DamageFailed(f"landmarks_misfit: as of a head squeezed to {head.squeezed:.0%} of its height or width")
        if head.misfit > self.max_misfit:
            raise DamageFailed(
                f"landmarks_misfit: {head.misfit:.1f} cm from those of a head, over max_misfit {self.max_misfit:g}"
            )
        if head.scale * TALL < self.min_size:
            raise DamageFailed(f"face_small: {head.scale * TALL:.0f} pixels high, under min_size {self.min_size:g}")
        if abs(head.yaw) > self.max_yaw:
            raise DamageFailed(f"face_turned: yaw {head.yaw:.0f} is over max_yaw {self.max_yaw:g}")
        if abs(head.pitch) > self.max_pitch:
            raise DamageFailed(f"face_tilted: pitch {head.pitch:.0f} is over max_pitch {self.max_pitch:g}")
        return head

    def _greys(self, template: tuple[str, ...]) -> tuple[Color, ...]:
        """A grey as bright as a template."""
        assert self.templates is not None
        grey = round(255 * self.templates.open().share_of(template[1]))
        return ((grey, grey, grey),)

    def _template(self, rng: np.random.Generator) -> tuple[str, ...]:
        """Pool, item and digest of a template, or nothing."""
        if self.templates is None or rng.random() >= self.template_probability:
            return ()
        pool = self.templates.open()
        item = pool.items[int(rng.integers(len(pool.items)))]
        return pool.name, item, pool.sha256_of(item)


def _is_dense(face: Face) -> bool:
    return face.points is not None and face.scheme in SCHEMES


def _around(grid: Grid, context: Context) -> Place:
    """The rectangle of the picture that a surface fills, a fifth wider: face and hair beside it."""
    low, high = grid[..., :2].min((0, 1)) / PIXEL, grid[..., :2].max((0, 1)) / PIXEL
    reach = 0.2 * (high - low)
    low, high = (np.clip(edge, 0, (context.width, context.height)) for edge in (low - reach, high + reach))
    return Place(int(low[0]), int(low[1]), max(1, int(high[0] - low[0])), max(1, int(high[1] - low[1])))
