"""Shapes of the report's charts: numbers in, coordinates and a sentence for those who cannot see them out.

The template only places what stands here. Every chart has one hue, that of the hole, and no legend to learn.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.curate.balance import sentences
from pipelines.publish.figures import NUM_STEPS, STEPS, Figures
from pipelines.shards.compose import HEAT_SIDE

WIDTH, HEIGHT = 320, 150
LEFT, RIGHT, TOP, BOTTOM = 4, 4, 16, 22
LIGHT_HUE, DARK_HUE = (201, 0, 76), (255, 111, 159)
"""Of the hole, on a light and on a dark page; `--hole` in report.css."""

MAX_BALANCE_ROWS = 60

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
class Axis:
    """The scale of mask ratios that all histograms share: from 0 to the last edge."""

    edges: tuple[float, ...]

    def x(self, ratio: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * float(ratio) / self.edges[-1], 2)


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


@dataclass(frozen=True)
class Cell:
    """A combination of values before and after balancing.

    Attributes:
        widths: of its bars, before and after, as a share of the longest.
    """

    values: tuple[str, ...]
    before: int
    wanted: int
    after: int
    widths: tuple[float, float]

    @property
    def short(self) -> int:
        return max(0, self.wanted - self.after)


@dataclass(frozen=True)
class BalanceTable:
    """What balancing did.

    Attributes:
        cells: the largest, in the order of their values.
        more: how many cells are not shown.
        said: what is not as it was asked, in sentences.
    """

    axes: tuple[str, ...]
    cells: tuple[Cell, ...]
    more: int
    said: tuple[str, ...]


def percent(share: float, digits: int = 0) -> str:
    """A share for people; what is not nothing never reads as 0 %."""
    least = 10.0**-digits
    if 0 < 100 * share < least / 2:
        return f"<{least:g}\u202f%"
    return f"{100 * share:.{digits}f}\u202f%"


def histograms(figures: Figures, recipe: dict[str, Any]) -> list[Histogram]:
    """One histogram per damage on one scale of ratios, and one of all when there are several."""
    total = sum(figures.histogram.values(), np.zeros(NUM_STEPS, np.int64))
    axis = _axis(total, recipe["ratio_bins"])
    charts = [
        _histogram(name, figures.histogram[name], figures.ratio_sum[name], axis, _asked(recipe, name))
        for name in figures.damages
    ]
    if len(charts) > 1:
        charts.insert(0, _histogram("all damages", total, sum(figures.ratio_sum.values()), axis))
    return charts


def balance(summary: dict[str, Any]) -> BalanceTable | None:
    """The table of a balance as the manifest tells it; None where nothing was balanced."""
    if not summary:
        return None
    largest = sorted(summary["cells"], key=lambda cell: -cell["before"])[:MAX_BALANCE_ROWS]
    shown = [cell for cell in summary["cells"] if cell in largest]
    longest = max((cell["before"] for cell in shown), default=1) or 1
    cells = tuple(
        Cell(
            tuple(cell["values"]), cell["before"], cell["wanted"], cell["after"],
            (cell["before"] / longest, cell["after"] / longest),
        )
        for cell in shown
    )  # fmt: skip
    said = tuple(sentences(summary)[:MAX_BALANCE_ROWS])
    return BalanceTable(tuple(summary["axes"]), cells, len(summary["cells"]) - len(cells), said)


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
    title: str, counts: NDArray[np.int64], ratio_sum: float, axis: Axis, asked: Iterable[tuple[float, float]] = ()
) -> Histogram:
    samples, top = int(counts.sum()), int(counts.max())
    filled = np.flatnonzero(counts)
    mean = ratio_sum / samples
    text = (
        f"{title}: {samples:,} samples, mask ratios between {percent(STEPS[filled[0]])} and "
        f"{percent(STEPS[filled[-1] + 1])}, mean {percent(mean, 1)}; most samples, {top:,}, between "
        f"{percent(STEPS[counts.argmax()])} and {percent(STEPS[counts.argmax() + 1])}."
    )
    bands = tuple((axis.x(low), round(axis.x(min(high, axis.edges[-1])) - axis.x(low), 2)) for low, high in asked)
    bars = tuple(_bar(axis, int(step), int(counts[step]), top) for step in filled)
    return Histogram(title, samples, mean, top, bars, bands, _edges(axis), text)


def _bar(axis: Axis, step: int, count: int, top: int) -> Bar:
    left, right = axis.x(STEPS[step]), axis.x(STEPS[step + 1])
    height = round((HEIGHT - TOP - BOTTOM) * count / top, 2)
    text = f"{percent(STEPS[step])} to {percent(STEPS[step + 1])}: {count:,} sample{'s' * (count > 1)}"
    return Bar(round(left + 0.5, 2), round(HEIGHT - BOTTOM - height, 2), round(right - left - 1, 2), height, text)


def _edges(axis: Axis) -> tuple[Edge, ...]:
    """The edges, labelled where there is room: the first and the last always."""
    edges: list[Edge] = []
    labelled, last = -np.inf, axis.x(axis.edges[-1])
    for ratio in axis.edges:
        x = axis.x(ratio)
        fits = x == last or min(x - labelled, last - x) >= _MIN_LABEL_GAP
        labelled = x if fits else labelled
        edges.append(Edge(x, f"{100 * ratio:g}" if fits else ""))
    return tuple(edges)


def _axis(counts: NDArray[np.int64], bins: list[float]) -> Axis:
    """The recipe's bin edges up to the lowest that no sample lies beyond: the rest of the scale would be empty."""
    highest = STEPS[np.flatnonzero(counts)[-1] + 1] if counts.any() else STEPS[1]
    return Axis(tuple(edge for number, edge in enumerate(bins) if number == 0 or bins[number - 1] < highest))


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
        f"Of the nine ninths of a picture, the {most} is missing most often, in {percent(regions[most])} of the "
        f"samples, and the {least} least, in {percent(regions[least])}; {percent(float(cells.mean()))} over all."
    )
