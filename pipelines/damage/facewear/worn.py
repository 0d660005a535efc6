"""One face mask as parameters hold it, and how it is drawn: cloth, straps, what lies over it, and its shadow.

Where it covers is decided by whole numbers alone; the picture lends it light, and nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.damage import noise
from pipelines.damage.base import Mask, Picture
from pipelines.damage.facewear import cloth, surface
from pipelines.damage.facewear.light import in_light
from pipelines.damage.facewear.shapes import COLUMNS, ROWS, Style, Wearing
from pipelines.damage.facewear.surface import FULL, Grid, Place
from pipelines.damage.holes import Color
from pipelines.damage.noise import PIXEL, Stroke
from pipelines.damage.overlay import Layer, blend
from pipelines.damage.pools import item_of
from pipelines.damage.relief import flat

Strap = tuple[Stroke, Color]
"""Where a strap runs, and its colour."""

Polygon = tuple[tuple[int, int], ...]
"""Corners x, y in pixels."""

_SHADE: Color = (8, 6, 6)
_SHARP = 7
"""Blur in sixteenths of a pixel that drawing alone has."""
_LEAST_GRAIN = 8
"""Sixteenths of a level of grain that rounding hides."""
_COARSE = 28
"""Pixels of the longer side at which the light on a covered face is looked at."""
_LARGEST = 1400
"""Pixels of a cloth's longer side; a larger one is enlarged from it."""


class Painted(NamedTuple):
    """What a mask looks like in a picture.

    Attributes:
        layer: its rectangle, colour and alpha.
        reach: (h, w) alpha in that rectangle were the cloth nowhere transparent: the hole follows from it.
    """

    layer: Layer
    reach: Mask


@dataclass(frozen=True, kw_only=True)
class Worn:
    """A face mask on one face.

    Attributes:
        style, wearing: what it is and how it is worn.
        colours: one, or the three of a print; none where there is a template.
        pattern: of a print, "" for none.
        template: pool, item and SHA-256 of the picture that the cloth is, or nothing.
        white: what is white in this light.
        saturation: of colours in this photograph, in percent.
        seed: of folds, print and grain.
        yaw, pitch: of the head in degrees, as the landmarks show it.
        score: of the landmarks, None where unknown.
        coverage: share of the face's dense points that are covered.
        unit: length of a centimetre of the head, in sixteenths of a pixel.
        grid: x, y in sixteenths of a pixel and light of the surface's points, row by row.
        straps: the lower ones first.
        above: outlines of what lies over the mask, such as hair; inside an odd number of them is above.
        shadow: x, y and softness in sixteenths of a pixel, and opacity.
        blur: in sixteenths of a pixel.
        grain: standard deviation in sixteenths of a level.
        jpeg: quality in which the photograph was encoded, 0 for none.
    """

    style: Style
    wearing: Wearing
    colours: tuple[Color, ...]
    pattern: str
    template: tuple[str, ...]
    white: Color
    saturation: int
    seed: int
    yaw: float
    pitch: float
    score: float | None
    coverage: float
    unit: int
    grid: tuple[int, ...]
    straps: tuple[Strap, ...]
    above: tuple[Polygon, ...]
    shadow: tuple[int, int, int, int]
    blur: int
    grain: int
    jpeg: int

    def paint(self, image: Picture) -> Painted | None:
        """What is seen of it in a picture, (H, W, 3); None where it lies wholly beside it."""
        grid = surface.refined(self.points())
        place = self._place(grid, *image.shape[:2])
        if place is None:
            return None
        over = self._over(place)
        straps = self._shown(self._straps(place), over)
        whole = self._shown(surface.outline(grid, place), over)
        colours, thick = self._cloth(grid, place, image[place.slices], whole)
        cover = whole if thick is None else noise.scaled(whole, thick)
        below, alpha = self._layers(cover, straps, over)
        # Where it reaches must not hang on a picture: not on a template's, either.
        reach = alpha if thick is None else self._layers(whole, straps, over)[1]
        under = blend(
            self._strap_colours(place),
            flat(_SHADE, place.height, place.width),
            cv2.bitwise_not(_share(straps, below)),  # type: ignore[arg-type]
        )
        return Painted(Layer(place.x, place.y, blend(under, colours, _share(cover, alpha)), alpha), reach)

    def _layers(self, cover: Mask, straps: Mask, over: Mask) -> tuple[Mask, Mask]:
        """Alpha of straps and shadow together, and with the cloth upon them."""
        shadow = self._shadow(noise.screened(cover, straps))
        if self.above:
            shadow = noise.scaled(shadow, cv2.bitwise_not(over))  # type: ignore[arg-type]
        below = noise.screened(straps, shadow)
        return below, noise.faint_removed(noise.screened(cover, below))

    def points(self) -> Grid:
        return np.array(self.grid, np.int32).reshape(ROWS, COLUMNS, 3)

    def _place(self, grid: Grid, height: int, width: int) -> Place | None:
        lines = [np.array(line[0]) for line, _ in self.straps]
        points = np.concatenate([grid[..., :2].reshape(-1, 2), *lines])
        x, y, soft, _ = self.shadow
        widest = max((width for line, _ in self.straps for width in line[1]), default=0)
        reach = (max(abs(x), abs(y)) + 3 * soft + 3 * self.blur + widest) // PIXEL + 2
        low = np.clip((points.min(axis=0) >> noise.SHIFT) - reach, 0, (width, height))
        high = np.clip((points.max(axis=0) >> noise.SHIFT) + reach + 1, 0, (width, height))
        if (high <= low).any():
            return None
        return Place(int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))

    def _over(self, place: Place) -> Mask:
        """What lies over the mask, 255 wholly."""
        over = np.zeros((place.height, place.width), np.uint8)
        if self.above:
            outlines = [np.array(polygon, np.int32) - (place.x, place.y) for polygon in self.above]
            cv2.fillPoly(over, [outline.astype(np.int32) for outline in outlines], 255)
            over = _blurred(over, max(self.blur, 10))
        return over

    def _shown(self, mask: Mask, over: Mask) -> Mask:
        soft = _blurred(mask, self.blur)
        return noise.scaled(soft, cv2.bitwise_not(over)) if self.above else soft  # type: ignore[arg-type]

    def _straps(self, place: Place) -> Mask:
        mask = np.zeros((place.height, place.width), np.uint8)
        for line, _ in self.straps:
            noise.stroke(mask, line, place.x, place.y)
        return mask

    def _strap_colours(self, place: Place) -> Picture:
        picture = flat(self.straps[-1][1] if self.straps else (0, 0, 0), place.height, place.width)
        for (points, widths, _), colour in self.straps:
            placed = np.array(points, np.int32) - (place.x * PIXEL, place.y * PIXEL)
            dark = tuple(round(0.72 * level) for level in colour)
            wide = max(1, widths[0] >> noise.SHIFT)
            cv2.polylines(picture, [placed], False, dark, wide + 4, cv2.LINE_AA, noise.SHIFT)
            cv2.polylines(picture, [placed], False, colour, max(1, round(0.6 * wide)), cv2.LINE_AA, noise.SHIFT)
        return picture

    def _shadow(self, mask: Mask) -> Mask:
        x, y, soft, opacity = self.shadow
        move = np.array([[1, 0, x >> noise.SHIFT], [0, 1, y >> noise.SHIFT]], np.float64)
        moved = cv2.warpAffine(mask, move, mask.shape[::-1], flags=cv2.INTER_NEAREST)
        return noise.scaled(_blurred(moved, soft), opacity / 255)  # type: ignore[arg-type]

    def _cloth(self, grid: Grid, place: Place, under: Picture, cover: Mask) -> tuple[Picture, Mask | None]:
        """Colours of the cloth as it lies there, in the light of the face that it covers, and where it is opaque."""
        rows, columns = self._size(grid)
        bent = cv2.resize(grid[..., 2].astype(np.float32) / FULL, (columns, rows), interpolation=cv2.INTER_LINEAR)
        laid = surface.laid(grid, place, self._flat(bent), left_is_near=self.yaw > 0)  # type: ignore[arg-type]
        thick = laid[..., 3].copy() if laid.shape[2] == 4 else None
        colour: cv2.typing.MatLike = laid[..., :3]
        extra = math.sqrt(max(self.blur**2 - _SHARP**2, 0)) / PIXEL
        if extra > 0.3:  # less is not seen
            colour = cv2.GaussianBlur(colour, (0, 0), extra)
        light = _local_light(under, cover)
        lights = cv2.merge((light, light, light))
        if self.grain < _LEAST_GRAIN:
            shown = cv2.multiply(colour, lights, dtype=cv2.CV_8U)
        else:
            grain = noise.from_seed(self.seed + 1).standard_normal(cover.shape, np.float32)
            grain *= np.float32(self.grain / 16)
            lit = cv2.multiply(colour, lights, dtype=cv2.CV_32F)
            shown = cv2.add(lit, cv2.merge((grain, grain, grain)), dtype=cv2.CV_8U)
        if self.jpeg:
            shown = _encoded(shown, self.jpeg, place.x % 8, place.y % 8)  # type: ignore[arg-type]
        return shown, thick  # type: ignore[return-value]

    def _flat(self, light: cloth.Light) -> Picture:
        """The cloth, flat, under light; with alpha where it is a template that has some."""
        if self.template:
            return cloth.templated(item_of(*self.template), light, self.white, self.saturation)
        colours = tuple(in_light(colour, self.white, self.saturation) for colour in self.colours)
        return cloth.drawn(self.style, colours, self.pattern, self.seed, light)

    def _size(self, grid: Grid) -> tuple[int, int]:
        """Rows and columns of the cloth: a pixel of it is about one of the picture."""
        steps = [np.hypot(*np.moveaxis(np.diff(grid[..., :2], axis=axis), 2, 0)) for axis in (0, 1)]
        sides = [float(step.sum(axis=axis).max()) / PIXEL for axis, step in enumerate(steps)]
        # What is turned away is foreshortened: a face is no narrower for that.
        sides[1] = max(sides[1], sides[0])
        ratio = min(1.0, _LARGEST / max(sides))
        return max(16, round(sides[0] * ratio)), max(16, round(sides[1] * ratio))


def _blurred(mask: Mask, sixteenths: int) -> Mask:
    return cv2.GaussianBlur(mask, (0, 0), sixteenths / PIXEL, borderType=cv2.BORDER_REPLICATE) if sixteenths else mask  # type: ignore[return-value]


def _encoded(picture: Picture, quality: int, x: int, y: int) -> Picture:
    """A picture after JPEG.

    Args:
        x, y: where it begins in a block.
    """
    whole = cv2.copyMakeBorder(picture, y, 0, x, 0, cv2.BORDER_REPLICATE)
    # Red and blue change places, and back.
    data = cv2.imencode(".jpg", whole[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[y:, x:, ::-1]  # type: ignore[return-value, index]  # we encoded it


def _share(upper: Mask, both: Mask) -> Mask:
    """Of what is seen of two layers, the part that is the upper one."""
    return cv2.divide(upper, both, scale=255)  # type: ignore[return-value]


def _local_light(under: Picture, cover: Mask) -> NDArray[np.float32]:
    """How light falls on what is covered, relative to its mean: soft, because lips and beards are no shadows."""
    height, width = cover.shape
    ratio = min(1.0, _COARSE / max(height, width))
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    grey = cv2.resize(cv2.cvtColor(under, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA).astype(np.float32)
    covered = cv2.resize(cover, size, interpolation=cv2.INTER_AREA).astype(np.float32) + 1
    share = cv2.GaussianBlur(covered, (0, 0), 3.5)
    soft = cv2.GaussianBlur(grey * covered, (0, 0), 3.5) / share + 8
    mean = float((soft * covered).sum() / covered.sum())
    light = np.clip((soft / mean) ** 0.45, 0.7, 1.2).astype(np.float32)
    shown: NDArray[np.float32] = cv2.resize(light, (width, height), interpolation=cv2.INTER_LINEAR)
    return shown
