"""Bars and frames around real photographs, and what only looks like one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from edited import PHOTOGRAPHS, clean, letterboxed, recompressed

from pipelines.curate.borders import content_box


def test_photographs_have_no_bars() -> None:
    for one in PHOTOGRAPHS:
        height, width = clean(one).shape[:2]
        assert content_box(clean(one)) == (0, 0, width, height), one


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 90)])
def test_bars_are_found_to_the_pixel(colour: tuple[int, int, int]) -> None:
    """Of 23 all in other colours; in black not that of a retina, which is round and black outside."""
    missed = set()
    for one in PHOTOGRAPHS:
        height, width = clean(one).shape[:2]
        depth = round(0.125 * height)
        if content_box(letterboxed(clean(one), colour=colour)) != (0, depth, width, height):
            missed.add(one[1].rpartition("/")[2])
    assert missed == ({"retina.jpg"} if colour == (0, 0, 0) else set())


def test_pillarbox_is_a_letterbox_lying_down() -> None:
    picture = letterboxed(clean(PHOTOGRAPHS[0]))
    left, top, width, height = content_box(picture)
    assert content_box(np.ascontiguousarray(picture.transpose(1, 0, 2))) == (top, left, height, width)


def test_frame_around_a_letterbox() -> None:
    picture = cv2.copyMakeBorder(letterboxed(clean(PHOTOGRAPHS[0])), *[9] * 4, cv2.BORDER_CONSTANT, value=(255,) * 3)
    assert content_box(picture) == (9, 73, 512, 512)


def test_noise_of_jpeg_does_not_hide_a_bar() -> None:
    _, top, _, height = content_box(recompressed(letterboxed(clean(PHOTOGRAPHS[0])), 60))
    assert abs(top - 64) <= 2
    assert abs(height - 512) <= 4


def test_a_plain_sky_is_no_bar() -> None:
    picture = clean(PHOTOGRAPHS[0]).copy()
    hill = (220 + 60 * np.sin(np.arange(512) / 60)).astype(int)
    picture[np.arange(512)[:, None] < hill] = (120, 160, 220)
    assert content_box(picture) == (0, 0, 512, 512)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (20, 4000), (4000, 20), (300, 300)])
def test_a_constant_is_all_content(shape: tuple[int, int]) -> None:
    assert content_box(np.full((*shape, 3), 90, np.uint8)) == (0, 0, shape[1], shape[0])
