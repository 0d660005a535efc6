"""Bins of mask ratios come out as a recipe asks; `benchmarks/bins.py` draws ten thousand of each."""

from __future__ import annotations

import pytest
from scipy.stats import chisquare

from benchmarks.bins import counted
from pipelines.damage import DAMAGES

DRAWS = 100


@pytest.mark.parametrize("kind", [kind for kind in sorted(DAMAGES) if DAMAGES[kind].meets_ratios])
def test_every_mask_lies_in_its_bin_and_all_bins_are_asked_for_alike(kind: str) -> None:
    found, outside, failed, place = counted(kind, DRAWS)
    assert (outside, failed) == (0, 0)
    assert len(found) == 6
    assert chisquare(list(found.values())).pvalue > 1e-4
    assert 0.3 < place < 0.7
