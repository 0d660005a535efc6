"""What JPEG has done, by the file's table and by its blocks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from edited import PHOTOGRAPHS, as_jpeg, clean, recompressed

from pipelines.curate.compression import blockiness, jpeg_quality
from pipelines.curate.detail import tiles
from pipelines.imaging.decode import inspect


def blocks(picture: np.ndarray) -> float:
    return blockiness(tiles(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)))


@pytest.mark.parametrize("quality", [1, 10, 30, 50, 75, 90, 95, 99])
def test_quality_of_libjpeg_is_told(quality: int) -> None:
    header = inspect(as_jpeg(clean(PHOTOGRAPHS[0]), quality), max_pixels=2**24)
    assert jpeg_quality(header.table_sum) == pytest.approx(quality, abs=0.5)


def test_other_formats_have_no_quality() -> None:
    assert np.isnan(jpeg_quality(0))
    _, png = cv2.imencode(".png", clean(PHOTOGRAPHS[0]))
    assert inspect(png.tobytes(), max_pixels=2**24).table_sum == 0


def test_blocks_grow_as_quality_falls() -> None:
    for one in PHOTOGRAPHS:
        coarse, fine = (blocks(recompressed(clean(one), quality)) for quality in (15, 85))
        assert coarse > fine


def test_recompressed_photographs_are_told_apart() -> None:
    """Of 23 all but grass and gravel, whose own steps are as high as those of blocks."""
    threshold = 0.35
    assert max(blocks(clean(one)) for one in PHOTOGRAPHS) < 0.2
    assert max(blocks(recompressed(clean(one), 85)) for one in PHOTOGRAPHS) < threshold
    missed = {one[1].rpartition("/")[2] for one in PHOTOGRAPHS if blocks(recompressed(clean(one), 15)) <= threshold}
    assert missed == {"grass.png", "gravel.png"}


def test_blocks_are_found_after_cropping() -> None:
    picture = recompressed(clean(PHOTOGRAPHS[0]), 15)
    assert blocks(np.ascontiguousarray(picture[3:, 5:])) == pytest.approx(blocks(picture), rel=0.15)


def test_too_small_to_tell() -> None:
    assert np.isnan(blocks(np.zeros((63, 100, 3), np.uint8)))


def test_a_constant_has_no_blocks() -> None:
    assert blocks(np.full((100, 100, 3), 77, np.uint8)) == 0
