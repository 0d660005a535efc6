"""Holes over parts of a face: eyes, brows, nose, mouth, skin, hair, half of it, or the whole head.

Where parts are, a parsing map tells, or the points of a face: a dense mesh, or 68 of them. Both become a label map of
`mesh-parts` or of the corpus's own scheme, so that a part is cut out the same way whoever tells of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Annotated, ClassVar, Literal, Self, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from pipelines import mesh_parts
from pipelines.classes import SCHEMES
from pipelines.damage.base import ClassMap, Context, DamageFailed, Face, Mask, Parameters, mask_ratio
from pipelines.damage.holes import COLORS, CountRange, HoleDamage, integer
from pipelines.damage.shapes import Shape, fitted, only, widen
from pipelines.landmarks import ibug_68

Part = Literal["eyes", "brows", "nose", "mouth", "skin", "hair", "half_face", "head"]
PARTS: tuple[Part, ...] = get_args(Part)

FaceSide = Literal["left", "right", "upper", "lower"]
SIDES: tuple[FaceSide, ...] = get_args(FaceSide)

CLASSES: dict[str, frozenset[str]] = {
    "eyes": frozenset({"left eye", "right eye", "l_eye", "r_eye"}),
    "brows": frozenset({"left eyebrow", "right eyebrow", "l_brow", "r_brow"}),
    "nose": frozenset({"nose"}),
    "mouth": frozenset({"upper lip", "inner mouth", "lower lip", "mouth", "u_lip", "l_lip"}),
    "skin": frozenset({"skin", "face skin"}),
    "hair": frozenset({"hair"}),
    "ears": frozenset({"l_ear", "r_ear"}),
}
"""Classes of all face parsings by the part that they belong to."""

FACE = ("eyes", "brows", "nose", "mouth", "skin")

LEAST_PIXELS = 4
"""A part of fewer pixels is not there."""

MOST = 0.98
"""Share of the picture that a part may cover: a face that fills all of it leaves nothing to paint from."""

HEAD_ABOVE, HEAD_BESIDE, HEAD_BELOW = 0.35, 0.12, 0.05
"""How far a head reaches beyond the outline of its face, in fractions of the face's height and width: a mesh ends at
the forehead, and knows no hair."""


class FaceParts(HoleDamage):
    """One or several parts of the face nearest to the middle, widened.

    A part is taken from the picture's `parsing` where its scheme has it, else from the mesh or the 68 points of the
    face. Parts that neither knows are never drawn: points know no hair. The head is a box or an ellipse about the face,
    its hair and its ears; where only points are known, a third of the face's height is added for hair.

    Source: head boxes as in Sun et al., Natural and Effective Obfuscation by Head Inpainting (CVPR 2018) [unverified:
    by how much they are enlarged]; the rest is ours.
    """

    parameters_type: ClassVar[type[Parameters]] = Shape
    meets_ratios: ClassVar[bool] = False
    looks_at: ClassVar[frozenset[str]] = frozenset({"faces", "parsing"})

    kind: Literal["face_parts"] = Field(
        "face_parts", description="Eyes, brows, nose, mouth, skin, hair, half a face, head."
    )
    parts: tuple[Part, ...] = Field(PARTS, min_length=1, description="Parts to draw from.")
    num_range: CountRange = Field((1, 1), description="How many of them are taken from a face.")
    dilation_range: tuple[Annotated[float, Field(ge=0, le=0.5)], Annotated[float, Field(ge=0, le=0.5)]] = Field(
        (0.01, 0.05),
        description="By how much a part is widened in every direction, as a fraction of the face's height.",
    )
    sides: tuple[FaceSide, ...] = Field(
        SIDES, min_length=1, description="Halves of a face, as seen in the picture, where half_face is drawn."
    )
    head: Literal["box", "ellipse", "either"] = Field("either", description="What a head is covered with.")

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        if self.dilation_range[0] > self.dilation_range[1]:
            raise ValueError(f"dilation_range is two numbers, the smaller first, found {list(self.dilation_range)}")
        if self.num_range[1] > len(self.parts):
            raise ValueError(f"num_range asks for up to {self.num_range[1]} parts, but `parts` lists {len(self.parts)}")
        return self

    def lacks(self, context: Context) -> str:
        """`face` without a face, else the parts that it does not have."""
        seen = _Seen.on(context)
        if not seen.maps:
            return "face"
        return "" if len(self._there(seen)) >= self.num_range[0] else " or ".join(self.parts)

    def sample(self, rng: np.random.Generator, context: Context) -> Parameters:
        seen = _Seen.on(context)
        there = self._there(seen)
        if len(there) < self.num_range[0]:
            raise DamageFailed(
                f"the picture has {len(there)} of the parts {', '.join(self.parts)}, not {self.num_range[0]}"
            )
        count = min(integer(rng, *self.num_range), len(there))
        chosen = [there[number] for number in sorted(rng.permutation(len(there))[:count].tolist())]
        low, high = self.dilation_range
        wider = round((low + rng.random() * (high - low)) * seen.height)
        mask = np.zeros((context.height, context.width), np.uint8)
        for part in chosen:
            mask |= self._drawn(rng, seen, part)
        mask = widen(mask, wider)
        if mask_ratio(mask) > MOST:
            raise DamageFailed(f"{', '.join(chosen)} would cover more than {MOST:.0%} of the picture")
        fill = COLORS[self.fill] if isinstance(self.fill, str) else self.fill
        return Shape.around(mask, tuple(chosen)).filled_with(fill)

    def _there(self, seen: _Seen) -> list[Part]:
        return [part for part in self.parts if seen.has(part)]

    def _drawn(self, rng: np.random.Generator, seen: _Seen, part: Part) -> Mask:
        if part == "half_face":
            return seen.half(self.sides[integer(rng, 0, len(self.sides) - 1)])
        if part == "head":
            ellipse = rng.random() < 0.5 if self.head == "either" else self.head == "ellipse"
            return seen.head(ellipse)
        return seen.part(part)


@dataclass(frozen=True, eq=False)
class _Seen:
    """What is known of one face.

    Attributes:
        maps: label maps that tell of it, the best first.
    """

    maps: tuple[ClassMap, ...]

    @classmethod
    def on(cls, context: Context) -> _Seen:
        return _seen(context.faces[:1], context.maps.get("parsing"), context.height, context.width)

    def has(self, part: Part) -> bool:
        names = FACE if part in ("half_face", "head") else (part,)
        for known, counts in zip(self.maps, self._counts, strict=True):
            if numbers := _numbers(known, *names):
                return bool(counts[numbers].sum() >= LEAST_PIXELS)
        return False

    @cached_property
    def _counts(self) -> list[NDArray[np.int64]]:
        """Pixels of each number in each map."""
        return [np.bincount(known.labels.ravel(), minlength=256) for known in self.maps]

    def part(self, *names: str) -> Mask:
        """A part as the first map draws it that knows its class; empty where none does."""
        for known in self.maps:
            if numbers := _numbers(known, *names):
                return only(known.labels, *numbers)
        return np.zeros(self.maps[0].labels.shape, np.uint8)

    @cached_property
    def face(self) -> Mask:
        """All of the face but hair and ears; without holes, such as glasses."""
        drawn = self.part(*FACE)
        outlines, _ = cv2.findContours(drawn, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        filled = np.zeros_like(drawn)
        if outlines:
            cv2.drawContours(filled, outlines, -1, 255, cv2.FILLED)
        return filled

    @property
    def height(self) -> int:
        return int(cv2.boundingRect(self.face)[3])

    def half(self, side: FaceSide) -> Mask:
        """One side of the face: of the line from between the eyes to the mouth, or of the one across its middle."""
        eyes, mouth = (_middle(self.part(name)) for name in ("eyes", "mouth"))
        if eyes is None or mouth is None:
            x, y, width, height = cv2.boundingRect(self.face)
            eyes, mouth = (np.array([x + width / 2, y + share * height]) for share in (0.4, 0.8))
        down = mouth - eyes
        # Up and down part where the nose ends, a little above the middle between eyes and mouth.
        origin = eyes if side in ("left", "right") else (eyes + mouth) / 2
        normal = np.array([-down[1], down[0]]) if side in ("left", "right") else -down
        if side in ("right", "lower"):
            normal = -normal
        height, width = self.face.shape
        across = (np.arange(width) - origin[0]) * normal[0]
        beyond = across + ((np.arange(height) - origin[1]) * normal[1])[:, None] > 0
        half: Mask = np.multiply(self.face, beyond, dtype=np.uint8)
        return half

    def head(self, ellipse: bool) -> Mask:
        """A box or an ellipse about the face with its hair and ears."""
        x, y, width, height = cv2.boundingRect(self.face)
        above = HEAD_ABOVE if self._has_no_hair else 0.0
        left, right = x - HEAD_BESIDE * width, x + (1 + HEAD_BESIDE) * width
        top, bottom = y - above * height, y + (1 + HEAD_BELOW) * height
        for name in ("hair", "ears"):
            part = self.part(name)
            if cv2.countNonZero(part):
                px, py, across, down = cv2.boundingRect(part)
                left, right = min(left, px), max(right, px + across)
                # Long hair hangs below the head; that of neighbours is cut by what counts as near.
                top, bottom = min(top, py), max(bottom, min(py + down, y + 1.2 * height))
        mask = np.zeros(self.face.shape, np.uint8)
        if ellipse:
            centre, half = ((left + right) / 2, (top + bottom) / 2), ((right - left) / 2, (bottom - top) / 2)
            # Around the box, not in it, or the corners of a jaw would stay.
            axes = round(half[0] * 1.1), round(half[1] * 1.05)
            cv2.ellipse(mask, (round(centre[0]), round(centre[1])), axes, 0, 0, 360, 255, cv2.FILLED)
        else:
            mask[max(0, round(top)) : max(0, round(bottom)), max(0, round(left)) : max(0, round(right))] = 255
        return mask

    @property
    def _has_no_hair(self) -> bool:
        return not any(_numbers(known, "hair") for known in self.maps)


@lru_cache(maxsize=2)
def _seen(faces: tuple[Face, ...], parsing: ClassMap | None, height: int, width: int) -> _Seen:
    """What is known of a face; variants of a picture ask for it again."""
    drawn = [known for face in faces if (known := _drawn_map(face, height, width)) is not None]
    maps = [fitted(parsing, height, width)] if parsing is not None and parsing.scheme in SCHEMES else []
    # A map drawn from the meshes of all faces tells no more than the mesh of this one.
    if drawn and maps and maps[0].scheme == mesh_parts.SCHEME:
        maps = []
    alone = [_of_one_face(known, faces[0] if faces else None) for known in maps] + drawn
    return _Seen(tuple(known for known in alone if np.isin(known.labels, _numbers(known, *FACE)).any()))


def _of_one_face(known: ClassMap, face: Face | None) -> ClassMap:
    """A map without other people's parts: those of the given face, or of the largest one in the map."""
    shown = only(known.labels, *_numbers(known, *FACE))
    count, regions, stats, middles = cv2.connectedComponentsWithStats(shown)
    if count <= 1:
        return known
    sizes = stats[1:, cv2.CC_STAT_AREA]
    # Specks apart: brows under hair are cut off from the skin.
    large = np.flatnonzero(sizes >= sizes.max() / 4)
    place = None if face is None else face.five.mean(axis=0)
    if place is None or not np.isfinite(place).all():
        chosen = int(sizes.argmax())
    else:
        chosen = int(large[np.hypot(*(middles[1:][large] - place).T).argmin()])
    x, y, width, height = stats[chosen + 1, :4].tolist()
    # Hair and ears lie around the face; a neighbour's lie beyond that, and a neighbour's face is another region.
    near = np.zeros_like(shown)
    near[max(0, y - height) : y + 2 * height, max(0, x - width) : x + 2 * width] = 1
    near[np.isin(regions, [other + 1 for other in large.tolist() if other != chosen])] = 0
    return ClassMap(known.labels * near, known.scheme)


def _numbers(known: ClassMap, *parts: str) -> list[int]:
    """Numbers of a map's scheme that belong to some parts."""
    return _numbers_of(known.scheme, parts)


@cache
def _numbers_of(scheme: str, parts: tuple[str, ...]) -> list[int]:
    wanted = frozenset[str]().union(*(CLASSES[part] for part in parts))
    return [number for number, name in SCHEMES[scheme].names.items() if name in wanted]


def _middle(mask: Mask) -> NDArray[np.float64] | None:
    found = cv2.moments(mask, True)
    return np.array([found["m10"], found["m01"]]) / found["m00"] if found["m00"] else None


def _drawn_map(face: Face, height: int, width: int) -> ClassMap | None:
    """Parts as the points of a face tell them; None without enough of them."""
    if face.points is None or not np.isfinite(face.points).all() or np.abs(face.points).max() > 1 << 20:
        return None
    labels = np.zeros((height, width), np.uint8)
    if face.scheme == mesh_parts.MESH:
        mesh_parts.draw_parts(labels, face.points)
        return ClassMap(labels, mesh_parts.SCHEME)
    points = ibug_68(face.scheme, face.points)
    if points is None:
        return None
    _draw_68(labels, points)
    return ClassMap(labels, mesh_parts.SCHEME)


def _draw_68(labels: NDArray[np.uint8], points: NDArray[np.floating]) -> None:
    """The parts that 68 points outline; the forehead, which they do not, is as high as from brows to nose."""
    numbers = {name: number for number, name in SCHEMES[mesh_parts.SCHEME].names.items()}
    up = (points[27] - points[30]) * 0.9
    brows, jaw = points[17:27], points[:17]
    # A brow is a line of points: it gets a tenth of the distance of the eyes as thickness.
    thick = max(1, round(0.12 * float(np.hypot(*(points[45] - points[36])))))
    outlines: list[tuple[str, Sequence[NDArray[np.floating]], Callable[..., object]]] = [
        ("skin", [np.concatenate([jaw, (brows + up)[::-1]])], _hull),
        ("nose", [np.concatenate([points[27:28], points[31:36]])], _hull),
        ("left eyebrow", [points[17:22]], _line),
        ("right eyebrow", [points[22:27]], _line),
        ("left eye", [points[36:42]], _hull),
        ("right eye", [points[42:48]], _hull),
        ("upper lip", [np.concatenate([points[48:55], points[60:65][::-1]])], _outline),
        ("lower lip", [np.concatenate([points[54:60], points[48:49], points[60:61], points[64:68][::-1]])], _outline),
        ("inner mouth", [points[60:68]], _hull),
    ]
    for name, (outline,), draw in outlines:
        draw(labels, np.rint((outline - 0.5) * 16).astype(np.int32), numbers[name], thick)


def _hull(labels: NDArray[np.uint8], places: NDArray[np.int32], number: int, _: int) -> None:
    cv2.fillPoly(labels, [cv2.convexHull(places)], number, cv2.LINE_8, 4)


def _outline(labels: NDArray[np.uint8], places: NDArray[np.int32], number: int, _: int) -> None:
    cv2.fillPoly(labels, [places], number, cv2.LINE_8, 4)


def _line(labels: NDArray[np.uint8], places: NDArray[np.int32], number: int, thick: int) -> None:
    cv2.polylines(labels, [places], False, number, thick, cv2.LINE_8, 4)
