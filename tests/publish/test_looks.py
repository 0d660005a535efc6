"""What of a picture is shown beside a threshold."""

from __future__ import annotations

import numpy as np
import pytest
from photographs import ASTRONAUT, photograph

from pipelines.publish.looks import SIDE, Look, shape

PICTURE = photograph(ASTRONAUT)


@pytest.mark.parametrize("look", ["whole", "screen", "pixels"])
@pytest.mark.parametrize("size", [(1, 1), (20, 4000), (512, 512), (100, 170), (161, 159)])
def test_nothing_is_larger_than_asked_or_enlarged(look: Look, size: tuple[int, int]) -> None:
    picture = np.zeros((*size, 3), np.uint8)
    shown = shape(picture, look)
    assert min(shown.shape[:2]) >= 1 and max(shown.shape[:2]) <= SIDE
    assert all(small <= large for small, large in zip(shown.shape, picture.shape, strict=True))


def test_pixels_are_those_of_the_picture_where_it_has_most_detail() -> None:
    flat = np.full((700, 900, 3), 128, np.uint8)
    flat[400 : 400 + SIDE, 500 : 500 + SIDE] = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 1))
    shown = shape(flat, "pixels")
    # The steps at its edges decide by one pixel.
    places = [(top, left) for top in (399, 400, 401) for left in (499, 500, 501)]
    assert any(np.array_equal(shown, flat[top : top + SIDE, left : left + SIDE]) for top, left in places)


def test_a_face_is_shown_with_some_of_what_is_around_it() -> None:
    shown = shape(PICTURE, "face", (180.0, 70.0, 80.0, 100.0))
    left, right, top, bottom = 150, 290, 40, 200
    assert shown.shape[:2] == (bottom - top, right - left)
    assert np.array_equal(shown, PICTURE[top:bottom, left:right])


@pytest.mark.parametrize("box", [(-50.0, -50.0, 60.0, 60.0), (600.0, 600.0, 10.0, 10.0), (500.0, 5.0, 900.0, 3.0)])
def test_a_face_cut_by_the_edge_can_be_shown(box: tuple[float, float, float, float]) -> None:
    assert shape(PICTURE, "face", box).size
