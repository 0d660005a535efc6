"""Counts over all samples of a dataset, taken from its indexes one shard at a time.

Only what is counted is read, column by column, so that thousands of shards cost seconds and no picture is opened.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

COLUMNS = ("damage", "mask_ratio", "mask_ratio_bin", "source_sha256")
NUM_STEPS = 50
STEPS = np.arange(NUM_STEPS + 1) / NUM_STEPS
"""Edges of the histogram; a step is above its lower edge and up to its upper one, as the recipe's bins are."""


def _no_samples() -> NDArray[np.int64]:
    return np.zeros(NUM_STEPS, np.int64)


@dataclass
class Figures:
    """What the report counts.

    Attributes:
        pictures: split to number of source pictures.
        by_split: (split, damage) to samples.
        by_bin: (damage, bin of the mask ratio) to samples.
        histogram: damage to samples per step of the mask ratio, (NUM_STEPS,).
        ratio_sum: damage to the sum of its mask ratios.
    """

    pictures: Counter[str] = field(default_factory=Counter)
    by_split: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_bin: Counter[tuple[str, str]] = field(default_factory=Counter)
    histogram: dict[str, NDArray[np.int64]] = field(default_factory=lambda: defaultdict(_no_samples))
    ratio_sum: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, split: str, index: pa.Table) -> None:
        """Counts one shard. All samples of a picture are in one shard, so pictures add up."""
        self.pictures[split] += pc.count_distinct(index["source_sha256"]).as_py()
        for row in index.group_by(["damage", "mask_ratio_bin"]).aggregate([([], "count_all")]).to_pylist():
            self.by_split[split, row["damage"]] += row["count_all"]
            self.by_bin[row["damage"], row["mask_ratio_bin"]] += row["count_all"]
        for damage in pc.unique(index["damage"]).to_pylist():
            ratios = index.filter(pc.equal(index["damage"], damage))["mask_ratio"].to_numpy()
            self.histogram[damage] += steps_of(ratios)
            self.ratio_sum[damage] += float(ratios.sum())

    @property
    def damages(self) -> list[str]:
        return sorted({damage for _, damage in self.by_split})

    def samples(self, damage: str) -> int:
        return sum(count for (_, name), count in self.by_split.items() if name == damage)


def steps_of(ratios: NDArray[np.float64]) -> NDArray[np.int64]:
    """Samples per step of the histogram, (NUM_STEPS,); a ratio of 0 lies in the first."""
    positions = np.searchsorted(STEPS, ratios, side="left") - 1
    return np.bincount(positions.clip(0), minlength=NUM_STEPS)
