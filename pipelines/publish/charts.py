"""Shapes of the report's charts: numbers in, coordinates and a sentence for those who cannot see them out.

The template only places what stands here. Every chart has one hue, that of the hole, and no legend to learn.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.publish.figures import NUM_STEPS, STEPS, Figures
from pipelines.shards.compose import HEAT_SIDE

WIDTH, HEIGHT = 320, 150
LEFT, RIGHT, TOP, BOTTOM = 4, 4, 16, 22
LIGHT_HUE, DARK_HUE = (201, 0, 76), (255, 111, 159)
"""Of the hole, on a light and on a dark page; `--hole` in report.css."""

_ROWS = ("top", "middle", "bottom")
_COLUMNS = ("left", "centre", "right")
_MIN_LABEL_GAP = 27


@dataclass(frozen=True)
class Bar:
    """One column of a histogram, in pixels of the chart, and what it says."""

    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True)
class Edge:
    """One edge of the recipe's ratio bins; the label is empty where it would not fit."""

    x: float
    label: str


@dataclass(frozen=True)
class Histogram:
    """Mask ratios of one damage, or of all.

    Attributes:
        asked: (x, width) of the ranges that the recipe asks for.
        top: samples in the highest column.
        text: the chart in a sentence.
    """

    title: str
    samples: int
    mean: float
    top: int
    bars: tuple[Bar, ...]
    asked: tuple[tuple[float, float], ...]
    edges: tuple[Edge, ...]
    text: str


@dataclass(frozen=True)
class Heat:
    """Where masks lie: a picture of (HEAT_SIDE, HEAT_SIDE) cells for each theme, its scale, and its sentence."""

    light: str
    dark: str
    top: float
    text: str


def percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f}\u202f%"


def histograms(figures: Figures, recipe: dict[str, Any]) -> list[Histogram]:
    """One histogram per damage on one scale of ratios, and one of all when there are several."""
    end = _last_edge(figures, recipe["ratio_bins"])
    charts = [
        _histogram(name, figures.histogram[name], figures.ratio_sum[name], _asked(recipe, name), recipe["ratio_bins"], end)
        for name in figures.damages
    ]
    if len(charts) > 1:
        total = np.sum([figures.histogram[name] for name in figures.damages], axis=0)
        ratio_sum = sum(figures.ratio_sum[name] for name in figures.damages)
        charts.insert(0, _histogram("all damages", total, ratio_sum, [], recipe["ratio_bins"], end))
    return charts


def heat(values: Sequence[float]) -> Heat:
    """The share of samples in which each cell is missing; opaque where it is highest."""
    cells = np.asarray(values, np.float64).reshape(HEAT_SIDE, HEAT_SIDE)
    top = float(cells.max()) or 1.0
    return Heat(_coloured(cells / top, LIGHT_HUE), _coloured(cells / top, DARK_HUE), top, _where(cells))


def data_uri(file_format: str, picture: Image.Image, **options: Any) -> str:
    """A picture that stands inside the page."""
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    return f"data:image/{file_format};base64,{base64.b64encode(file.getvalue()).decode()}"


def _coloured(cells: NDArray[np.float64], hue: tuple[int, int, int]) -> str:
    """Cells from 0, transparent, to 1, opaque."""
    pixels = np.empty((*cells.shape, 4), np.uint8)
    pixels[..., :3] = hue
    pixels[..., 3] = np.round(255 * cells)
    return data_uri("png", Image.fromarray(pixels), optimize=True)


def _histogram(
    title: str, counts: NDArray[np.int64], ratio_sum: float, asked: list[tuple[float, float]], bins: list[float], end: float
) -> Histogram:
    samples, top = int(counts.sum()), int(counts.max())
    filled = np.flatnonzero(counts)
    mean = ratio_sum / samples
    text = (
        f"{title}: {samples:,} samples, mask ratios between {percent(STEPS[filled[0]])} and "
        f"{percent(STEPS[filled[-1] + 1])}, mean {percent(mean, 1)}; most samples, {top:,}, between "
        f"{percent(STEPS[counts.argmax()])} and {percent(STEPS[counts.argmax() + 1])}."
    )
    bands = tuple((_x(low, end), _x(min(high, end), end) - _x(low, end)) for low, high in asked)
    bars = tuple(_bar(int(step), int(counts[step]), top, end) for step in filled)
    return Histogram(title, samples, mean, top, bars, bands, _edges(bins, end), text)


def _bar(step: int, count: int, top: int, end: float) -> Bar:
    left, right = _x(STEPS[step], end), _x(STEPS[step + 1], end)
    height = round((HEIGHT - TOP - BOTTOM) * count / top, 2)
    text = f"{percent(STEPS[step])} to {percent(STEPS[step + 1])}: {count:,} sample{'s' * (count > 1)}"
    return Bar(left + 0.5, round(HEIGHT - BOTTOM - height, 2), round(right - left - 1, 2), height, text)


def _edges(bins: list[float], end: float) -> tuple[Edge, ...]:
    edges: list[Edge] = []
    labelled = -np.inf
    for position in (_x(edge, end) for edge in bins if edge <= end):
        share = bins[len(edges)]
        fits = position - labelled >= _MIN_LABEL_GAP
        labelled = position if fits else labelled
        edges.append(Edge(position, f"{100 * share:g}" if fits else ""))
    return tuple(edges)


def _x(ratio: float, end: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * float(ratio) / end, 2)


def _last_edge(figures: Figures, bins: list[float]) -> float:
    """The lowest bin edge that no sample lies beyond: the rest of the scale would be empty."""
    filled = np.flatnonzero(np.sum(list(figures.histogram.values()), axis=0))
    highest = STEPS[filled[-1] + 1] if len(filled) else 1 / NUM_STEPS
    return next(edge for edge in bins if edge >= highest)


def _asked(recipe: dict[str, Any], damage: str) -> list[tuple[float, float]]:
    ranges = [entry.get("ratio_range") for entry in recipe["damage"] if entry["kind"] == damage]
    return [(low, high) for low, high in filter(None, ranges)]


def _where(cells: NDArray[np.float64]) -> str:
    """The heat map in a sentence, by the nine regions of the picture."""
    regions = {
        ("centre" if (row, column) == ("middle", "centre") else f"{row} {column}"): float(block.mean())
        for row, band in zip(_ROWS, np.array_split(cells, 3, axis=0), strict=True)
        for column, block in zip(_COLUMNS, np.array_split(band, 3, axis=1), strict=True)
    }
    most, least = max(regions, key=regions.__getitem__), min(regions, key=regions.__getitem__)
    return (
        f"Of the nine ninths of a picture, the {most} is missing most often, in {percent(regions[most])} of the samples, "
        f"and the {least} least, in {percent(regions[least])}; {percent(float(cells.mean()))} over all."
    )
