"""Cracks: broken emulsion, as branches that run through a picture or as a net of small cells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from pipelines.damage import noise
from pipelines.damage.base import Context, Mask, Parameters, Picture
from pipelines.damage.holes import Color, CountRange, FractionRange, integer
from pipelines.damage.noise import Line, Stroke
from pipelines.damage.overlay import Layer, Overlay
from pipelines.damage.prints import LineDamage, Probability
from pipelines.damage.relief import PAPERS, embossed, lit


@dataclass(frozen=True, kw_only=True)
class CrackLines(Overlay):
    """Cracks with bare paper in them.

    Attributes:
        branches: lines from thick to thin; a branch begins on another.
        cell: side of the net's cells in pixels, 0 for no net.
        width: of the net's lines in sixteenths of a pixel.
        share: of the picture that the net covers.
        color: of the paper.
        seed: of the noise that frays the branches and lays the net.
    """

    branches: tuple[Stroke, ...]
    cell: int
    width: int
    share: float
    color: Color
    seed: int

    def layer(self, image: Picture) -> Layer:
        height, width = image.shape[:2]
        shorter = min(height, width)
        core = np.zeros((height, width), np.uint8)
        rng = noise.from_seed(self.seed)
        if self.cell:
            core = self._net(rng, height, width)
        if self.branches:
            core = cv2.max(core, self._frayed(rng, height, width))  # type: ignore[assignment]
        offset = max(1, shorter // 400)
        return Layer(0, 0, *lit(core, embossed(core, offset, offset, max(0.6, shorter / 500), 0.45), self.color))

    def _frayed(self, rng: np.random.Generator, height: int, width: int) -> Mask:
        """Branches whose edges crumble: noise decides where a soft rim belongs to the crack."""
        x, y, across, down = noise.bounds(self.branches, min(height, width) // 60 + 4, height, width)
        lines = np.zeros((down, across), np.uint8)
        for line in self.branches:
            noise.stroke(lines, line, x, y)
        shorter = min(height, width)
        lines = _bent(rng, lines, max(2, shorter // 30))
        soft = cv2.GaussianBlur(lines, (0, 0), max(0.6, shorter / 450))
        crumbs = noise.levels(noise.fractal(rng, down, across, shorter / 40, 1, 0.7), -8192, 6)
        frayed = np.zeros((height, width), np.uint8)
        # Twice the rim less the noise: a steep edge that is still smooth.
        edge = cv2.addWeighted(soft, 3.0, crumbs, -1.25, 32)
        np.copyto(frayed[y : y + down, x : x + across], cv2.max(edge, noise.scaled(lines, 0.75)))
        return frayed

    def _net(self, rng: np.random.Generator, height: int, width: int) -> Mask:
        """Edges between the cells of scattered points, bent by noise, in a part of the picture."""
        edges = _between_cells(rng, height, width, self.cell)
        thickness = max(1, (self.width + 8) // noise.PIXEL)
        if thickness > 1:
            disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (thickness, thickness))
            edges = cv2.dilate(edges, disc)  # type: ignore[assignment]
        edges = cv2.GaussianBlur(_bent(rng, edges, self.cell), (0, 0), max(0.5, 0.3 * thickness))  # type: ignore[assignment]
        where = noise.fractal(rng, height, width, min(height, width) / 3, self.cell / 2, 0.55)
        shown = noise.levels(where, noise.threshold(where, self.share), 3)
        return noise.scaled(edges, NET[shown])


NET = noise.table((0, 0), (40, 90), (120, 235), (255, 255))
"""Strength of the net by the height of the noise that says where it lies: it ends in hairlines."""


def _between_cells(rng: np.random.Generator, height: int, width: int, cell: int) -> Mask:
    """255 on the last pixel before another point is nearer, (height, width)."""
    rows, columns = -(-height // cell), -(-width // cell)
    jitter = rng.random((2, rows, columns))
    y = np.minimum((np.arange(rows)[:, None] + jitter[0]) * cell, height - 1).astype(np.intp)
    x = np.minimum((np.arange(columns)[None, :] + jitter[1]) * cell, width - 1).astype(np.intp)
    away = np.full((height, width), 255, np.uint8)
    away[y, x] = 0
    nearest = cv2.distanceTransformWithLabels(away, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)[1]
    edges = np.zeros((height, width), np.uint8)
    edges[:, 1:][nearest[:, 1:] != nearest[:, :-1]] = 255
    edges[1:][nearest[1:] != nearest[:-1]] = 255
    return edges


def _bent(rng: np.random.Generator, mask: Mask, cell: int) -> Mask:
    """A mask whose pixels are fetched from a little beside."""
    height, width = mask.shape
    places = np.empty((height, width, 2), np.int16)
    for axis, own in enumerate((np.arange(width)[None, :], np.arange(height)[:, None])):
        moved = noise.fractal(rng, height, width, cell, max(2, cell / 8), 0.6)
        places[..., axis] = own + (moved.astype(np.int32) * cell >> 14)
    bent: Mask = cv2.remap(mask, places, None, cv2.INTER_NEAREST)  # type: ignore[call-overload]
    return bent


class Cracks(LineDamage):
    """Cracks: branches through the picture, a net over a part of it, or both.

    Source: none; the branches are random walks that fork, the net is the edges of a Voronoi diagram, both bent by
    noise, which is how cracked glazes are drawn.
    """

    parameters_type: ClassVar[type[Parameters]] = CrackLines

    kind: Literal["cracks"] = Field("cracks", description="Broken emulsion: branches, or a net of small cells.")
    num_range: CountRange = Field((1, 4), description="Cracks that run through the picture, not counting branches.")
    width_range: FractionRange = Field((0.0015, 0.006), description="Width at a crack's root, of the shorter side.")
    net_probability: Probability = Field(0.4, description="How often there is a net of cracks.")
    cell_range: FractionRange = Field((0.03, 0.09), description="Side of the net's cells, of the shorter side.")
    net_range: FractionRange = Field((0.1, 0.5), description="Share of the picture that the net spreads over.")

    def sample(self, rng: np.random.Generator, context: Context) -> CrackLines:
        shorter = min(context.height, context.width)
        has_net = rng.random() < self.net_probability
        cell = max(4, round(rng.uniform(*self.cell_range) * shorter)) if has_net else 0
        count = 0 if has_net and rng.random() < 0.6 else integer(rng, *self.num_range)
        return CrackLines(
            margin=self.margin_in(context),
            branches=tuple(stroke for _ in range(count) for stroke in self._crack(rng, context)),
            cell=cell,
            width=round(max(1.0, rng.uniform(0.0015, 0.004) * shorter) * noise.PIXEL),
            share=round(rng.uniform(*self.net_range), 4),
            color=PAPERS[integer(rng, 0, len(PAPERS) - 1)],
            seed=noise.seed_of(rng),
        )

    def _crack(self, rng: np.random.Generator, context: Context) -> list[Stroke]:
        """From somewhere at the border inwards, with branches that have branches."""
        size, shorter = np.array([context.width, context.height]), min(context.height, context.width)
        start = rng.random(2) * size
        side = integer(rng, 0, 1)
        start[side] = integer(rng, 0, 1) * size[side]
        towards = size * rng.uniform(0.25, 0.75, 2) - start
        angle = math.atan2(towards[1], towards[0]) + rng.normal(0, 0.3)
        width, length = rng.uniform(*self.width_range) * shorter, rng.uniform(0.4, 1.1) * shorter
        return _grown(rng, start, angle, length, width, depth=2)


def _grown(
    rng: np.random.Generator, start: Line, angle: float, length: float, width: float, depth: int
) -> list[Stroke]:
    steps = 16 if depth == 2 else 8
    turns = rng.normal(0, 0.4, steps)
    turns -= 0.6 * np.concatenate([[0.0], turns[:-1]])  # a crack that has turned aside turns back
    line = noise.wander(start, angle, length, turns)
    widths = width * noise.PIXEL * np.linspace(1, 0.25, steps) * rng.uniform(0.6, 1.1, steps)
    strokes: list[Stroke] = [(noise.fixed(line), tuple(np.rint(widths).astype(int).tolist()), 255)]
    for _ in range(integer(rng, 1, 3) if depth else 0):
        place = integer(rng, 2, steps - 2)
        fork = angle + float(turns[:place].sum()) + rng.choice((-1, 1)) * rng.uniform(0.4, 1.1)
        thinner = width * (1 - 0.75 * place / steps) * 0.7
        strokes += _grown(rng, line[place], fork, length * rng.uniform(0.2, 0.5), thinner, depth - 1)
    return strokes
