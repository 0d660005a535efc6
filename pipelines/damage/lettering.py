"""Letters over a picture: blocks of glyphs with outline, shadow, band and opacity, drawn from polygons.

Everything that decides a pixel is a whole number: outlines in units of an em, places in sixteenths of a pixel, and
OpenCV's filling of polygons at four times the size. A block is drawn once, also where it is repeated as a watermark.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.damage import noise
from pipelines.damage.base import Mask, Picture, _tuples
from pipelines.damage.fonts import EM, Polygon, decoded
from pipelines.damage.holes import Color
from pipelines.damage.overlay import Layer, Overlay, blend
from pipelines.damage.pools import item_of
from pipelines.damage.relief import flat

Place = tuple[int, int, int, int, int]
"""Number of the glyph, x and y of its start on the baseline, and the x and y of one em along the baseline; all but the
first in sixteenths of a pixel. Down is a quarter turn clockwise from along."""

Font = tuple[str, str, str]
"""Family, name of the file, and its SHA-256."""

FINER = 2
"""Polygons are filled at 2**FINER times the size."""


class Shadow(NamedTuple):
    """A soft copy below a block: moved by x, y pixels, blurred by sixteenths of one, opacity 0 to 255."""

    x: int
    y: int
    blur: int
    opacity: int
    color: Color


class Band(NamedTuple):
    """A box behind a block, in pixels of the picture; opacity 0 to 255."""

    x: int
    y: int
    width: int
    height: int
    radius: int
    opacity: int
    color: Color


class Block(NamedTuple):
    """Glyphs that are drawn alike.

    Attributes:
        places: where glyphs stand.
        color: of the glyphs.
        opacity: of glyphs, outline and shadow together, 0 to 255.
        outline: width in pixels, 0 for none.
        outline_color: its colour.
        shadow: one or none.
        bands: behind all of it, the lowest first, each with its own opacity.
        repeats: pixels by which each copy is moved.
    """

    places: tuple[Place, ...]
    color: Color
    opacity: int = 255
    outline: int = 0
    outline_color: Color = (0, 0, 0)
    shadow: tuple[Shadow, ...] = ()
    bands: tuple[Band, ...] = ()
    repeats: tuple[tuple[int, int], ...] = ((0, 0),)


class Stamp(NamedTuple):
    """A picture of a pool, laid over as it is.

    Attributes:
        pool, item, sha256: which picture.
        x, y, width, height: where, in pixels.
        opacity: 0 to 255, on top of its own.
        repeats: as those of a block.
    """

    pool: str
    item: str
    sha256: str
    x: int
    y: int
    width: int
    height: int
    opacity: int
    repeats: tuple[tuple[int, int], ...] = ((0, 0),)


class Tile(NamedTuple):
    """A layer that may reach beyond the picture: x, y of its corner, colour (h, w, 3), alpha (h, w)."""

    x: int
    y: int
    colour: Picture
    alpha: Mask


@dataclass(frozen=True, kw_only=True)
class Lettering(Overlay):
    """Blocks of letters, the lowest first.

    Attributes:
        texts: what they say.
        fonts: where the outlines come from, to be known; drawing needs no font.
        glyphs: outlines, as `fonts.decoded` reads them.
        blocks: what is drawn.
        stamps: pictures over it; drawing needs their pool.
    """

    texts: tuple[str, ...]
    fonts: tuple[Font, ...]
    glyphs: tuple[str, ...]
    blocks: tuple[Block, ...]
    stamps: tuple[Stamp, ...] = ()

    def layer(self, image: Picture) -> Layer:
        height, width = image.shape[:2]
        tiles = [cut for tile in self._tiles() if (cut := _cut(tile, height, width)) is not None]
        if not tiles:
            return Layer(0, 0, np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1), np.uint8))
        x, y, right, bottom = _union(tiles)
        if len(tiles) == 1:
            return Layer(x, y, tiles[0].colour, noise.faint_removed(tiles[0].alpha))
        colour, alpha = np.zeros((bottom - y, right - x, 3), np.uint8), np.zeros((bottom - y, right - x), np.uint8)
        for tile in tiles:
            rows, columns = tile.alpha.shape
            part = slice(tile.y - y, tile.y - y + rows), slice(tile.x - x, tile.x - x + columns)
            colour[part], alpha[part] = over(colour[part], alpha[part], tile.colour, tile.alpha)
        return Layer(x, y, colour, noise.faint_removed(alpha))

    def _tiles(self) -> Iterable[Tile]:
        for block in self.blocks:
            yield from map(_box, block.bands)
            if block.places:
                motif = _letters(block, self.glyphs)
                yield from _repeated(motif, block.repeats)
        for stamp in self.stamps:
            yield from _repeated(_stamped(stamp), stamp.repeats)

    @classmethod
    def from_json(cls, text: str) -> Self:
        fields = {name: _tuples(value) for name, value in json.loads(text).items()}
        stamps = tuple(Stamp(*stamp) for stamp in fields["stamps"])
        return cls(**{**fields, "blocks": tuple(map(_block, fields["blocks"])), "stamps": stamps})

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, separators=(",", ":"))


def _block(plain: tuple[Any, ...]) -> Block:
    block = Block(*plain)
    return block._replace(
        shadow=tuple(Shadow(*one) for one in block.shadow), bands=tuple(Band(*b) for b in block.bands)
    )


def over(under: Picture, under_alpha: Mask, colour: Picture, alpha: Mask) -> tuple[Picture, Mask]:
    """One layer over another: colour and alpha of both together."""
    total = noise.screened(under_alpha, alpha)
    return blend(under, colour, cv2.divide(alpha, total, scale=255)), total  # type: ignore[arg-type]


def ink(shapes: Sequence[Sequence[Polygon]], x: int, y: int, width: int, height: int) -> Mask:
    """How much of each pixel shapes cover, (height, width).

    Args:
        shapes: polygons in sixteenths of a pixel, each shape's in the order in which they are painted.
        x, y: of the upper left corner in pixels.
    """
    inked = np.zeros((height, width), np.uint8)
    for shape in shapes:
        outer = np.concatenate([points for points, _ in shape])
        left, top = np.maximum((outer.min(axis=0) >> noise.SHIFT) - (x, y), 0).tolist()
        right, bottom = np.minimum((outer.max(axis=0) >> noise.SHIFT) + 1 - (x, y), (width, height)).tolist()
        if left >= right or top >= bottom:
            continue
        fine = np.zeros(((bottom - top) << FINER, (right - left) << FINER), np.uint8)
        # OpenCV counts from the middle of the first pixel, which at this size is half a fine one from its corner.
        corner = np.array([(x + left) * noise.PIXEL, (y + top) * noise.PIXEL], np.int32) + (noise.PIXEL >> FINER) // 2
        for points, is_filled in shape:
            cv2.fillPoly(fine, [points - corner], 255 if is_filled else 0, cv2.LINE_8, noise.SHIFT - FINER)
        part = inked[top:bottom, left:right]
        np.maximum(part, cv2.resize(fine, part.shape[::-1], interpolation=cv2.INTER_AREA), out=part)
    return inked


def placed(glyph: str, place: Place) -> list[Polygon]:
    """A glyph's polygons where it stands, in sixteenths of a pixel."""
    _, x, y, along_x, along_y = place
    axes = np.array([[along_x, along_y], [-along_y, along_x]], np.int64)
    return [
        (((points.astype(np.int64) @ axes) // EM + (x, y)).astype(np.int32), is_filled)
        for points, is_filled in decoded(glyph)
    ]


def bounds(shapes: Iterable[Sequence[Polygon]]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of shapes, in whole pixels."""
    points = np.concatenate([points for shape in shapes for points, _ in shape])
    low, high = points.min(axis=0) >> noise.SHIFT, (points.max(axis=0) >> noise.SHIFT) + 1
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def shapes_of(places: Iterable[Place], glyphs: Sequence[str]) -> list[list[Polygon]]:
    return [placed(glyphs[place[0]], place) for place in places if glyphs[place[0]]]


def _letters(block: Block, glyphs: Sequence[str]) -> Tile:
    """Glyphs over their outline over their shadow."""
    shapes = shapes_of(block.places, glyphs)
    reach = block.outline + max(
        (max(abs(s.x), abs(s.y)) + s.blur * 3 // noise.PIXEL + 1 for s in block.shadow), default=0
    )
    left, top, right, bottom = bounds(shapes)
    x, y, width, height = left - reach, top - reach, right - left + 2 * reach, bottom - top + 2 * reach
    alpha = ink(shapes, x, y, width, height)
    colour = flat(block.color, height, width)
    if block.outline:
        rim = _widened(alpha, block.outline)
        colour, alpha = over(flat(block.outline_color, height, width), rim, colour, alpha)
    for shadow in block.shadow:
        colour, alpha = over(flat(shadow.color, height, width), _shade(alpha, shadow), colour, alpha)
    return Tile(x, y, colour, noise.scaled(alpha, block.opacity / 255))


def _repeated(motif: Tile, repeats: Iterable[tuple[int, int]]) -> Iterable[Tile]:
    return (motif._replace(x=motif.x + x, y=motif.y + y) for x, y in repeats)


def _stamped(stamp: Stamp) -> Tile:
    """A picture at its size; colours are weighted by alpha, so that what is transparent lends none of its own."""
    rgba = item_of(stamp.pool, stamp.item, stamp.sha256).rgba
    weighted = blend(np.zeros_like(rgba[..., :3]), np.ascontiguousarray(rgba[..., :3]), rgba[..., 3])
    size = (stamp.width, stamp.height)
    alpha = cv2.resize(rgba[..., 3], size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(weighted, size, interpolation=cv2.INTER_AREA)
    colour = cv2.divide(small, cv2.merge((alpha, alpha, alpha)), scale=255)
    return Tile(stamp.x, stamp.y, colour, noise.scaled(alpha, stamp.opacity / 255))  # type: ignore[arg-type]


def _widened(alpha: Mask, pixels: int) -> Mask:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return cv2.dilate(alpha, disc)  # type: ignore[return-value]


def _shade(alpha: Mask, shadow: Shadow) -> Mask:
    move = np.float32([[1, 0, shadow.x], [0, 1, shadow.y]])  # type: ignore[arg-type]
    moved = cv2.warpAffine(alpha, move, alpha.shape[::-1], flags=cv2.INTER_NEAREST)  # type: ignore[call-overload]
    soft = cv2.GaussianBlur(moved, (0, 0), shadow.blur / noise.PIXEL) if shadow.blur else moved
    return noise.scaled(soft, shadow.opacity / 255)


def _box(band: Band) -> Tile:
    """A band, its corners rounded."""
    alpha = np.full((band.height, band.width), band.opacity, np.uint8)
    if band.radius:
        finer = 1 << FINER
        fine = np.zeros((band.height * finer, band.width * finer), np.uint8)
        reach = band.radius * finer
        right, bottom = fine.shape[1] - 1, fine.shape[0] - 1
        fine[reach : bottom - reach + 1] = fine[:, reach : right - reach + 1] = 255
        for corner in (
            (reach, reach),
            (right - reach, reach),
            (reach, bottom - reach),
            (right - reach, bottom - reach),
        ):
            cv2.circle(fine, corner, reach, 255, cv2.FILLED)
        small = cv2.resize(fine, (band.width, band.height), interpolation=cv2.INTER_AREA)
        alpha = noise.scaled(small, band.opacity / 255)  # type: ignore[arg-type]
    return Tile(band.x, band.y, flat(band.color, band.height, band.width), alpha)


def _cut(tile: Tile, height: int, width: int) -> Tile | None:
    """The part of a tile that lies within the picture; None if there is none."""
    rows, columns = tile.alpha.shape
    left, top = max(tile.x, 0), max(tile.y, 0)
    right, bottom = min(tile.x + columns, width), min(tile.y + rows, height)
    if left >= right or top >= bottom:
        return None
    part = slice(top - tile.y, bottom - tile.y), slice(left - tile.x, right - tile.x)
    return Tile(left, top, tile.colour[part], tile.alpha[part])


def _union(tiles: Sequence[Tile]) -> tuple[int, int, int, int]:
    edges: list[NDArray[np.int64]] = [
        np.array([tile.x, tile.y, tile.x + tile.alpha.shape[1], tile.y + tile.alpha.shape[0]]) for tile in tiles
    ]
    left, top = np.min(edges, axis=0)[:2].tolist()
    right, bottom = np.max(edges, axis=0)[2:].tolist()
    return left, top, right, bottom
