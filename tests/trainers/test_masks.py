"""Masks of any PNG, and of ours quickly."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipelines.imaging.encode import png
from trainers.masks import _unfiltered, decode

MASK = (np.random.default_rng(0).random((33, 47)) > 0.5).astype(np.uint8) * 255


def test_ours_are_read_without_a_general_decoder() -> None:
    quick = _unfiltered(png(MASK))
    assert quick is not None and (quick == MASK).all()


@pytest.mark.parametrize(
    "options", [[], [cv2.IMWRITE_PNG_BILEVEL, 1], [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]]
)
def test_any_other_is_read_too(options: list[int]) -> None:
    assert (decode(cv2.imencode(".png", MASK, options)[1].tobytes()) == MASK).all()


@pytest.mark.parametrize("end", [0, 20, 60, -30, -5])
def test_a_cut_one_gives_no_wrong_pixels(end: int) -> None:
    data = png(MASK)[:end]
    try:
        found = decode(data)
    except ValueError:
        return
    assert found.shape == MASK.shape
