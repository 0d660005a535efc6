"""Figures of many samples: means with intervals, by whatever the samples say of themselves.

Variants of one picture are alike, so intervals draw pictures and not samples (a cluster bootstrap); one set of draws
serves all figures, which makes gaps between groups, and differences between two methods, comparable within a draw.

Source: Field and Welsh, Bootstrapping clustered data, 2007; percentile intervals.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines import seeds
from pipelines.errors import MenderyError, did_you_mean

Row = Mapping[str, Any]
"""One sample: its key, what it says of itself, and its figures; NaN where one cannot be told."""

DRAWS = 1000
LEVEL = 0.95

LEAST = 10
"""Pictures under which an interval is not told."""

AGE_BINS = ((0, 9), (10, 19), (20, 29), (30, 39), (40, 49), (50, 59), (60, 69), (70, 200))

OWN = ("damage", "bin", "split", "corpus", "difficulty")
"""What samples can be sorted by besides the labels that their corpora declare."""


@dataclass(frozen=True)
class Figure:
    """A mean with its interval; low and high are NaN where too few pictures are known."""

    mean: float
    low: float
    high: float

    def to_json(self) -> dict[str, float | None]:
        return {name: _plain(getattr(self, name)) for name in ("mean", "low", "high")}


def axis_of(sample: Mapping[str, Any], name: str) -> str:
    """What a sample is by an axis, "" where it does not say.

    Args:
        sample: its `json`.
        name: one of `OWN`, or a label; `age` comes in tens.
    """
    if name == "bin":
        return str(sample["mask_ratio_bin"])
    if name == "difficulty":
        low = min(int(sample["difficulty"] * 5), 4) / 5
        return f"{low:g}-{low + 0.2:g}"
    if name in OWN:
        return str(sample[name])
    value = json.loads(sample["labels"]).get(name, "")
    if name == "age" and value != "":
        return next((f"{low}-{high}" if high < 200 else f"{low}+" for low, high in AGE_BINS if value <= high), "")
    return str(value)


def check_axes(names: Sequence[str], samples: Sequence[Mapping[str, Any]]) -> None:
    """Raises MenderyError for an axis that no sample says anything of."""
    known = {*OWN, *(label for sample in samples for label in json.loads(sample["labels"]))}
    for name in names:
        if name not in known:
            raise MenderyError(
                f"no sample says its {name!r}{did_you_mean(name, sorted(known))} (known: {', '.join(sorted(known))})"
            )


class Draws:
    """Resampled pictures, the same for every figure.

    Args:
        pictures: of every row, the picture that it is of.
    """

    def __init__(self, pictures: Sequence[str], number: int = DRAWS) -> None:
        names, self._of = np.unique(np.asarray(pictures), return_inverse=True)
        self.num_pictures = len(names)
        rng = seeds.generator("bootstrap", len(names))
        # How often each picture is drawn.
        self._weights = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), number).astype(np.float32)

    def means(self, values: NDArray[np.float64], chosen: NDArray[np.bool_]) -> tuple[float, NDArray[np.float64]]:
        """Mean over rows, and over the rows of every draw; NaN values count nowhere."""
        chosen = chosen & ~np.isnan(values)
        if not chosen.any():
            return np.nan, np.full(len(self._weights), np.nan)
        of, used = self._of[chosen], values[chosen]
        present, places = np.unique(of, return_inverse=True)
        sums = np.bincount(places, used, len(present)).astype(np.float32)
        counts = np.bincount(places, minlength=len(present)).astype(np.float32)
        weights = self._weights if len(present) == self.num_pictures else self._weights[:, present]
        with np.errstate(invalid="ignore", divide="ignore"):
            drawn = (weights @ sums) / (weights @ counts)
        return float(used.mean()), drawn

    def pictures(self, chosen: NDArray[np.bool_]) -> int:
        return len(np.unique(self._of[chosen]))


def figure(mean: float, drawn: NDArray[np.float64], num_pictures: int) -> Figure:
    """A figure from its draws; too few pictures, or draws without any, leave it without an interval."""
    known = drawn[~np.isnan(drawn)]
    if num_pictures < LEAST or len(known) < len(drawn) / 2:
        return Figure(mean, np.nan, np.nan)
    low, high = np.quantile(known, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Figure(mean, float(low), float(high))


def table(rows: Sequence[Row], axis: str, metrics: Sequence[str], draws: Draws) -> dict[str, Any]:
    """Figures by the values of an axis.

    Args:
        axis: one under which rows have a value, or "" for all samples together.

    Returns:
        `rows`, each with `value`, `samples`, `pictures` and a figure for every metric, and `worst`: for every metric
        the worst value, its gap to the best and the ratio of the two, with intervals, where there are several values.
    """
    values = np.array([str(row[axis]) if axis else "all" for row in rows])
    numbers = {name: np.array([row[name] for row in rows], np.float64) for name in metrics}
    lines, drawn = [], {}
    for value in sorted(set(values), key=_rank):
        chosen = values == value
        number = draws.pictures(chosen)
        line: dict[str, Any] = {"value": value or "(not said)", "samples": int(chosen.sum()), "pictures": number}
        for name in metrics:
            mean, of_draws = draws.means(numbers[name], chosen)
            line[name] = figure(mean, of_draws, number).to_json()
            if value:
                drawn[name, value] = (mean, of_draws, number)
        lines.append(line)
    return {"axis": axis or "all", "rows": lines, "worst": _worst(metrics, drawn)}


def _worst(
    metrics: Sequence[str], drawn: Mapping[tuple[str, str], tuple[float, NDArray[np.float64], int]]
) -> dict[str, Any]:
    """How far the worst value is from the best, by metric; lower is better where the metric is an error."""
    from trainers.metrics import higher_is_better

    found = {}
    for name in metrics:
        of_name = {value: told for (metric, value), told in drawn.items() if metric == name and not np.isnan(told[0])}
        if len(of_name) < 2:
            continue
        sign = 1 if higher_is_better(name) else -1
        ordered = sorted(of_name, key=lambda value: sign * of_name[value][0])
        (worst, worst_drawn, worst_number), (best, best_drawn, best_number) = of_name[ordered[0]], of_name[ordered[-1]]
        number = min(worst_number, best_number)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = figure(worst / best if best else np.nan, worst_drawn / best_drawn, number)
        found[name] = {
            "worst": ordered[0],
            "best": ordered[-1],
            "gap": figure(worst - best, worst_drawn - best_drawn, number).to_json(),
            "ratio": ratio.to_json(),
        }
    return found


def differences(
    rows: Sequence[Row], others: Sequence[Row], axis: str, metrics: Sequence[str], draws: Draws
) -> list[dict[str, Any]]:
    """How much one method differs from another on the same samples, by the values of an axis.

    Args:
        rows, others: of the same samples in the same order.

    Returns:
        For every value the difference of the means with its interval, and `against_rest`: by how much that difference
        is another than that over all samples of other values.
    """
    values = np.array([str(row[axis]) if axis else "all" for row in rows])
    found = []
    for value in sorted(set(values), key=_rank):
        chosen = values == value
        number = draws.pictures(chosen)
        line: dict[str, Any] = {"value": value or "(not said)", "samples": int(chosen.sum()), "pictures": number}
        for name in metrics:
            change = np.array([row[name] - other[name] for row, other in zip(rows, others, strict=True)], np.float64)
            mean, drawn = draws.means(change, chosen)
            rest, rest_drawn = draws.means(change, ~chosen)
            line[name] = figure(mean, drawn, number).to_json() | {
                "against_rest": figure(mean - rest, drawn - rest_drawn, number).to_json()
            }
        found.append(line)
    return found


def merged(axes: Sequence[str]) -> Iterator[str]:
    """Axes to make tables of: each once, all samples first."""
    yield ""
    yield from dict.fromkeys(axes)


def _rank(value: str) -> tuple[float, str]:
    """Bins in the order of their numbers, names by the alphabet, what is not said last."""
    head = value.partition("-")[0].rstrip("+")
    try:
        return (float(head), value)
    except ValueError:
        return (np.inf, value or "\uffff")


def _plain(number: float) -> float | None:
    return None if np.isnan(number) else float(number)
