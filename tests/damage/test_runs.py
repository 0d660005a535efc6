"""Run lengths: COCO's text, there and back."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.damage import runs
from pipelines.seeds import generator


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_a_mask_reads_back_equal(share: float) -> None:
    rng = generator("runs", share)
    for height, width in [(1, 1), (1, 50), (50, 1), (37, 64)]:
        mask = (rng.random((height, width)) < share).astype(np.uint8) * np.uint8(255)
        assert np.array_equal(runs.decode(runs.encode(mask), height, width), mask)


def test_the_text_is_coco_s() -> None:
    """The example of COCO's own demo: lengths that grow and shrink, one of which needs two characters."""
    assert runs.to_text(np.array([6, 1, 40, 4, 5, 4, 5, 4, 21])) == "61X13mN000`0"


def test_long_runs_read_back_equal() -> None:
    counts = np.array([0, 1, 9_000_000, 3, 2, 70_000, 1])
    assert runs.from_text(runs.to_text(counts)).tolist() == counts.tolist()


@pytest.mark.parametrize("text", ["", "\x00", "~~~", "0X", "é"])
def test_rubbish_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="run"):
        runs.decode(text, 4, 4)


def test_runs_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="16 pixels cannot fill 5 x 4"):
        runs.decode(runs.encode(np.zeros((4, 4), np.uint8)), 4, 5)
