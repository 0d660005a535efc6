"""Figures of the report: counted from the indexes, laid out for SVG."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from pipelines.layout import Layout

FINE_BINS = 50
CHART_WIDTH, CHART_HEIGHT = 720, 220
COLORS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb")
"""Tol's bright scheme: told apart by most colour-blind eyes, on light and on dark."""


@dataclass
class Counts:
    """Samples of a dataset, counted by what its indexes say.

    Attributes:
        ratios: damage to counts over `FINE_BINS` equal bins of the mask ratio.
        bins: (damage, bin) to samples.
        damages: (split, damage) to samples.
        pictures: split to source pictures.
    """

    ratios: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    bins: Counter[tuple[str, str]] = field(default_factory=Counter)
    damages: Counter[tuple[str, str]] = field(default_factory=Counter)
    pictures: dict[str, int] = field(default_factory=dict)

    @property
    def kinds(self) -> list[str]:
        return sorted(self.ratios)


def count(layout: Layout, stated: dict[str, Any]) -> Counts:
    """Counts a dataset, an index at a time."""
    counts = Counts()
    for shard in stated["shards"]:
        columns = ["damage", "mask_ratio", "mask_ratio_bin", "source_sha256"]
        table = pq.read_table(layout.index(shard["name"]), columns=columns)
        kinds, ratios = np.asarray(table["damage"].to_pylist()), table["mask_ratio"].to_numpy()
        for kind in np.unique(kinds):
            fine = np.histogram(ratios[kinds == kind], bins=FINE_BINS, range=(0, 1))[0]
            counts.ratios[str(kind)] = counts.ratios.get(str(kind), 0) + fine
        counts.bins.update(zip(kinds.tolist(), table["mask_ratio_bin"].to_pylist(), strict=True))
        counts.damages.update((shard["split"], kind) for kind in kinds.tolist())
        # The samples of a picture lie in one shard.
        pictures = len(set(table["source_sha256"].to_pylist()))
        counts.pictures[shard["split"]] = counts.pictures.get(shard["split"], 0) + pictures
    return counts


def histogram(counts: Counts, edges: list[float]) -> dict[str, Any]:
    """Mask ratios stacked by damage: rectangles in the units of an SVG view box."""
    heights = np.array([counts.ratios[kind] for kind in counts.kinds], float)
    top = max(heights.sum(axis=0).max(), 1.0)
    scaled = heights / top * (CHART_HEIGHT - 10)
    floors = np.cumsum(scaled, axis=0)
    step = CHART_WIDTH / FINE_BINS
    series = [
        {
            "kind": kind,
            "color": COLORS[row % len(COLORS)],
            "total": int(heights[row].sum()),
            "bars": [
                {"x": round(column * step, 2), "y": round(CHART_HEIGHT - floors[row, column], 2), "height": round(scaled[row, column], 2)}
                for column in range(FINE_BINS)
                if scaled[row, column]
            ],
        }
        for row, kind in enumerate(counts.kinds)
    ]
    return {
        "series": series,
        "bar_width": round(step * 0.9, 2),
        "edges": [{"x": edge * CHART_WIDTH, "text": f"{edge:g}"} for edge in edges],
        "bins": [f"{low:g}-{high:g}" for low, high in pairwise(edges)],
        "width": CHART_WIDTH,
        "height": CHART_HEIGHT,
        "top": int(top),
    }


def heat_cells(heat: list[float]) -> dict[str, Any]:
    """The mask heat map: cells with an opacity, the largest share opaque."""
    side, top = round(len(heat) ** 0.5), max([*heat, 1e-9])
    cells = [{"x": i % side, "y": i // side, "opacity": round(value / top, 3)} for i, value in enumerate(heat)]
    return {"cells": cells, "side": side, "low": min(heat), "high": max(heat)}
