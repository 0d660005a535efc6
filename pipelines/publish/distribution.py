"""How one measured number is spread over all pictures, its thresholds, and which pictures lie on either side of each.

Numbers in, coordinates and positions out: nothing here reads a picture, and a column of millions is looked at whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from pipelines.publish.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Bar, Edge

NUM_BINS = 60
NUM_EXAMPLES = 4
"""Pictures shown on each side."""

_MOST_TICKS = 7
_RARE = 0.999
"""What is higher than so many is counted in the last column, or one outlier would squeeze the rest."""

FaceBox = tuple[float, float, float, float]
"""Left, top, width, height in pixels of the picture."""

Look = Literal["whole", "screen", "pixels", "face"]
"""What of a picture shows its number: all of it, a part at the size of a screen, or of its own pixels, or the face."""


@dataclass(frozen=True)
class Threshold:
    """One threshold of the recipe.

    Attributes:
        name: as the recipe has it, such as "quality.min_sharpness".
        value: None where it is not set.
        least: whether what is below it is beyond it, else what is above.
        reason: for which it drops.
    """

    name: str
    value: float | None
    least: bool
    reason: str


@dataclass(frozen=True)
class Number:
    """One measured number of all pictures, or of all faces in them.

    Attributes:
        values: (N,), NaN where it is not known.
        owners: (N,) position of the picture that each belongs to.
        of: what is counted: "pictures" or "faces".
        boxes: of faces, (N, 4), as `FaceBox`.
        value_range: ends of the scale; None is found from the values.
        log: whether the scale is one of ratios.
    """

    name: str
    text: str
    values: NDArray[np.float64]
    owners: NDArray[np.int64]
    thresholds: tuple[Threshold, ...] = ()
    of: str = "pictures"
    look: Look = "whole"
    boxes: NDArray[np.float64] | None = None
    value_range: tuple[float, float] | None = None
    log: bool = False


@dataclass(frozen=True)
class Mark:
    """A threshold that is set, as the chart shows it: where it is, what it drops, and how much that is."""

    threshold: Threshold
    x: float
    dropped_x: float
    dropped_width: float
    beyond: int


class Example(NamedTuple):
    """One value: of the picture at which position, and of which face in it."""

    value: float
    owner: int
    box: FaceBox | None


@dataclass(frozen=True)
class Side:
    """Examples of one side, lowest value first, and what they are."""

    title: str
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Distribution:
    """One number as the page shows it; the values themselves are not kept.

    Attributes:
        name, text, of, look: as `Number` has them.
        known: how many values there are.
        top: how many are in the highest column.
        sentence: the chart in words.
    """

    name: str
    text: str
    of: str
    look: Look
    known: int
    top: int
    bars: tuple[Bar, ...]
    ticks: tuple[Edge, ...]
    marks: tuple[Mark, ...]
    sides: tuple[Side, ...]
    sentence: str


class Scale:
    """From values to pixels of the chart."""

    def __init__(self, low: float, high: float, log: bool) -> None:
        self._log = log
        self._ends = self._of(np.array([low, high]))
        self.low, self.high = low, high

    def x(self, value: float) -> float:
        share = float(np.interp(self._of(np.array(value)), self._ends, (0, 1)))
        return round(LEFT + (WIDTH - LEFT - RIGHT) * share, 2)

    def edges(self) -> NDArray[np.float64]:
        """Edges of the columns."""
        edges = np.linspace(self._ends[0], self._ends[1], NUM_BINS + 1)
        return np.exp2(edges) if self._log else edges

    def ticks(self) -> tuple[Edge, ...]:
        if not self._log:
            return tuple(Edge(self.x(value), f"{value:.3g}") for value in np.linspace(self.low, self.high, 5))
        powers = range(int(np.ceil(self._ends[0])), int(self._ends[1]) + 1)
        return tuple(Edge(self.x(2**power), f"{2**power:,}") for power in powers[:: 1 + len(powers) // _MOST_TICKS])

    def _of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.log2(values) if self._log else values


def distribution(number: Number) -> Distribution:
    """Counts one number, draws its thresholds in, and chooses examples."""
    known = np.flatnonzero(np.isfinite(number.values))
    values, scale = number.values[known], _scale(number, known)
    edges = scale.edges()
    counts, _ = np.histogram(values.clip(edges[0], edges[-1]), edges)
    marks = tuple(_mark(one, one.value, values, scale) for one in number.thresholds if one.value is not None)
    bars = tuple(_bar(scale, edges, counts, column, number.of) for column in np.flatnonzero(counts).tolist())
    sides = _sides(number, known, [mark.threshold for mark in marks])
    told = (number.name, number.text, number.of, number.look, len(known), int(counts.max()))
    return Distribution(*told, bars, scale.ticks(), marks, sides, _sentence(number, values, marks))


def _scale(number: Number, known: NDArray[np.int64]) -> Scale:
    """From the range given, or such that all but the rarest values and all thresholds are in it."""
    if number.value_range or not known.size:
        low, high = number.value_range or (1, 2)
        return Scale(low, high, number.log)
    values = number.values[known]
    thresholds = [one.value for one in number.thresholds if one.value]
    low = min([float(values.min()), *thresholds]) if number.log else 0.0
    high = max([float(np.quantile(values, _RARE)), *(1.1 * one for one in thresholds)])
    return Scale(low, max(high, 1.01 * low) if number.log else _round_up(high), number.log)


def _round_up(high: float) -> float:
    """The next number of which a quarter is round."""
    power = 10.0 ** np.floor(np.log10(max(high, 1e-6) / 4))
    return float(4 * power * next(step for step in (1, 2, 2.5, 5, 10) if 4 * power * step >= high))


def _bar(scale: Scale, edges: NDArray[np.float64], counts: NDArray[np.int64], column: int, of: str) -> Bar:
    count, (low, high) = int(counts[column]), edges[column : column + 2].tolist()
    left, right = scale.x(low), scale.x(high)
    height = round(max(1.0, (HEIGHT - TOP - BOTTOM) * count / int(counts.max())), 2)
    text = f"{low:.3g} to {high:.3g}: {count:,} {of}"
    return Bar(round(left + 0.25, 2), round(HEIGHT - BOTTOM - height, 2), round(right - left - 0.5, 2), height, text)


def _mark(threshold: Threshold, value: float, values: NDArray[np.float64], scale: Scale) -> Mark:
    x, left, right = scale.x(value), scale.x(scale.low), scale.x(scale.high)
    start, end = (left, x) if threshold.least else (x, right)
    return Mark(threshold, x, start, round(end - start, 2), int(_beyond(threshold, value, values).sum()))


def _beyond(threshold: Threshold, value: float, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    return values < value if threshold.least else values > value


def _sides(number: Number, known: NDArray[np.int64], thresholds: Sequence[Threshold]) -> tuple[Side, ...]:
    """Pictures on either side of each threshold; where there is none, those with the lowest and highest values."""
    values = number.values[known]
    if not thresholds:
        if len(known) <= 2 * NUM_EXAMPLES:
            return (Side("all, lowest first", _first(number, known, values, len(known))),)
        return Side("the lowest", _first(number, known, values)), Side("the highest", _first(number, known, -values))
    sides = []
    for threshold in thresholds:
        assert threshold.value is not None
        beyond = _beyond(threshold, threshold.value, values)
        far = np.abs(values - threshold.value)
        for title, chosen in (("just beyond", beyond), ("just within", ~beyond)):
            examples = _first(number, known[chosen], far[chosen])
            sides.append(Side(f"{title} {threshold.name} {threshold.value:g}", examples))
    return tuple(sides)


def _first(
    number: Number, positions: NDArray[np.int64], order: NDArray[np.float64], count: int = NUM_EXAMPLES
) -> tuple[Example, ...]:
    """The first few values by some order, then by position, lowest value first; millions are not sorted for it."""
    count = min(count, len(positions))
    if not count:
        return ()
    last = np.partition(order, count - 1)[count - 1]
    nearer, as_near = np.flatnonzero(order < last), np.flatnonzero(order == last)
    chosen = positions[np.concatenate([nearer, as_near[: count - len(nearer)]])]
    return tuple(sorted(_example(number, position) for position in chosen.tolist()))


def _example(number: Number, position: int) -> Example:
    box = None if number.boxes is None else tuple(number.boxes[position].tolist())
    return Example(float(number.values[position]), int(number.owners[position]), cast(FaceBox | None, box))


def _sentence(number: Number, values: NDArray[np.float64], marks: Sequence[Mark]) -> str:
    if not len(values):
        return f"{number.name}: known of no picture."
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95)).tolist()
    spread = f"{number.name} of {len(values):,} {number.of}: 5 % are under {low:.3g}, half under {middle:.3g}, "
    beyond = (f"{mark.beyond:,} are beyond {mark.threshold.name} {mark.threshold.value:g}" for mark in marks)
    return "; ".join([f"{spread}95 % under {high:.3g}", *beyond]) + "."
