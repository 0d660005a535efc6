from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipelines.damage import DAMAGES, logos, redraw
from pipelines.damage.lettering import ink, placed
from pipelines.seeds import generator
from tests.damage.contexts import context


def sampled(number: int, size: int = 256, **options):
    damage = DAMAGES["watermark"](kind="watermark", **options)
    return [damage.sample(generator(seed, "mark"), context(size, size)) for seed in range(number)]


def test_a_tiled_watermark_is_everywhere():
    for one in sampled(20, tiled_probability=1.0):
        mask = one.draw(context(256, 256).image).mask
        assert all(mask[y : y + 128, x : x + 128].any() for y in (0, 128) for x in (0, 128))


def test_a_single_one_is_wholly_within_the_picture():
    for one in sampled(30, tiled_probability=0.0):
        (block,) = one.blocks
        assert block.repeats == ((0, 0),)
        alpha = one.draw(context(256, 256).image).alpha
        assert max(alpha[edge].max() for edge in (0, -1)) < 80


def test_it_is_half_transparent():
    for one in sampled(40, opacity_range=(0.3, 0.4)):
        alpha = one.draw(context(256, 256).image).alpha
        assert 70 <= alpha.max() <= 102


def test_light_and_dark_ones_are_drawn():
    assert {one.blocks[0].color for one in sampled(60)} == {(0, 0, 0), (255, 255, 255)}


@pytest.mark.parametrize("sign", range(len(logos.SIGNS)))
def test_signs_fill_their_square(sign):
    shape = logos.SIGNS[sign](generator(1))
    glyph = logos.encoded([points * (logos.EM / 2) - (0, logos.EM / 2) for points in shape])
    drawn = ink([placed(glyph, (0, 50 * 16, 100 * 16, 100 * 16, 0))], 0, 0, 100, 100)
    assert 0.15 < (drawn > 127).mean() < 0.9
    rows, columns = np.nonzero(drawn)
    assert max(np.ptp(rows), np.ptp(columns)) > 85


@pytest.fixture
def folder(tmp_path):
    picture = np.zeros((40, 80, 4), np.uint8)
    picture[10:30, 10:70] = (20, 20, 250, 255)  # OpenCV's order
    cv2.imwrite(str(tmp_path / "red.png"), picture)
    return tmp_path


def test_logos_of_a_folder_keep_their_colour_and_alpha(folder):
    black = np.zeros((256, 256, 3), np.uint8)
    for one in sampled(10, logos=str(folder), logo_probability=1.0, opacity_range=(0.5, 0.5)):
        damaged, _, alpha = one.draw(black)
        inside = alpha == alpha.max()
        assert alpha.max() == 128
        assert (np.abs(damaged[inside].astype(int) - (125, 10, 10)) <= 1).all()


def test_logos_are_drawn_again_by_name_and_digest(folder):
    for one in sampled(5, logos=str(folder), logo_probability=1.0):
        told = one.to_json()
        assert str(folder) not in told
        assert np.array_equal(
            redraw("watermark", told, context(256, 256).image).mask, one.draw(context(256, 256).image).mask
        )
