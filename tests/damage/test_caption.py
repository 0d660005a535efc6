"""Captions are where such captions are."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.damage import DAMAGES, mask_ratio
from pipelines.damage.caption import STYLES
from pipelines.seeds import generator
from tests.damage.contexts import context


def masks(style: str, number: int = 30, **options) -> list[np.ndarray]:
    damage, seen = DAMAGES["caption"](kind="caption", styles={style: 1}, **options), context(256, 256)
    return [damage.sample(generator(seed, style), seen).draw(seen.image).mask for seed in range(number)]


def test_subtitles_are_at_the_foot_and_in_the_middle():
    for mask in masks("subtitle"):
        rows, columns = np.nonzero(mask)
        assert rows.min() > 256 / 2
        assert abs((columns.min() + columns.max()) / 2 - 128) < 4


def test_a_band_makes_the_hole_a_box():
    for mask in masks("subtitle", band_probability=1.0):
        rows, columns = np.nonzero(mask)
        box = mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert mask_ratio(box) > 0.95


def test_dates_are_in_a_corner():
    for mask in masks("date"):
        rows, columns = np.nonzero(mask)
        assert rows.min() > 200 or rows.max() < 56
        assert columns.max() > 200 or columns.min() < 56
        assert mask_ratio(mask) < 0.08


def test_dates_are_warm():
    damage, seen = DAMAGES["caption"](kind="caption", styles={"date": 1}), context(256, 256)
    for seed in range(20):
        red, green, blue = damage.sample(generator(seed), seen).blocks[0].color
        assert red >= green >= blue


def test_lower_thirds_are_two_bars_on_the_left():
    for mask in masks("lower_third"):
        rows, columns = np.nonzero(mask)
        assert rows.min() > 100
        assert columns.min() < 40


def test_credits_are_small_and_at_the_edge():
    for mask in masks("credit"):
        rows, columns = np.nonzero(mask)
        assert mask_ratio(mask) < 0.06
        assert rows.max() > 236 or columns.max() > 236


def test_mottos_are_at_the_top_or_the_foot():
    for mask in masks("motto"):
        assert not mask[110:146].any()


def test_styles_come_as_often_as_asked():
    damage = DAMAGES["caption"](kind="caption", styles={"date": 3, "motto": 1})
    # A motto is written with a font; white letters are none of a date's colours.
    mottos = [damage.sample(generator(seed), context(64, 64)).blocks[0].color == (255, 255, 255) for seed in range(300)]
    assert 0.18 < np.mean(mottos) < 0.33


@pytest.mark.parametrize("style", STYLES)
def test_every_style_is_drawn_on_a_narrow_picture(style):
    damage, seen = DAMAGES["caption"](kind="caption", styles={style: 1}), context(64, 400)
    assert damage.sample(generator(1), seen).draw(seen.image).mask.any()
