"""What is particular to the smaller families of holes."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from pipelines.damage import DAMAGES, DamageFailed, mask_ratio
from pipelines.damage.grid import Grid, Lines
from pipelines.damage.irregular import MARGIN, Irregular
from pipelines.damage.lama import LamaSmall, LamaTrain
from pipelines.seeds import generator
from tests.damage.contexts import context


def masks(kind: str, number: int, height: int = 128, width: int = 128, ratio_range=None, **options) -> np.ndarray:
    damage, seen = DAMAGES[kind](kind=kind, **options), context(height, width, ratio_range)
    return np.stack([damage.sample(generator(seed, kind), seen).draw(seen.image).mask for seed in range(number)])


def test_the_centre_box_has_half_of_each_side():
    rows, columns = np.nonzero(masks("center", 1, 100, 200)[0])
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (25, 75, 50, 150)


def test_the_centre_box_stays_in_the_middle_whatever_its_ratio():
    for mask in masks("center", 30, ratio_range=(0.05, 0.6)):
        assert np.array_equal(mask, mask[::-1, ::-1]) or abs(mask_ratio(mask) - mask_ratio(mask[1:, 1:])) < 0.02


def test_half_is_one_side_and_only_those_asked_for():
    for mask in masks("half", 20, sides=["left", "top"]):
        assert mask_ratio(mask) == 0.5
        assert mask[0, 0] == 255 and mask[-1, -1] == 0


def test_outpainting_keeps_a_whole_rectangle_of_the_picture():
    for mask in masks("outpaint", 60):
        rows, columns = np.nonzero(mask == 0)
        assert not mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].any()
        depths = (rows.min(), columns.min(), 127 - rows.max(), 127 - columns.max())
        assert all(depth == 0 or 0.04 * 128 - 1 <= depth <= 0.25 * 128 + 1 for depth in depths)
        assert any(depths)


def test_outpainting_takes_one_to_four_sides():
    sides = [sum((m[0].all(), m[-1].all(), m[:, 0].all(), m[:, -1].all())) for m in masks("outpaint", 200)]
    assert set(sides) == {1, 2, 3, 4}


@pytest.mark.parametrize("share", [0.1, 0.8])
def test_so_many_single_pixels_are_missing(share):
    found = masks("pixels", 10, share=share)
    assert abs((found > 0).mean() - share) < 0.005
    # Neighbours do not know of each other.
    both = (found[:, :, 1:] & found[:, :, :-1] > 0).mean()
    assert abs(both - share**2) < 0.01


def test_a_grid_of_step_two_keeps_every_fourth_pixel():
    for mask in masks("grid", 10, step_range=(2, 2)):
        assert mask_ratio(mask) == 0.75
        assert not mask[np.nonzero(mask == 0)[0].min() :: 2, np.nonzero(mask == 0)[1].min() :: 2].any()


def test_lines_leave_every_second_row_or_column():
    lying = [bool(mask[:, 0].all() or not mask[:, 0].any()) for mask in masks("lines", 40)]
    assert 0 < sum(lying) < 40
    assert (masks("lines", 10).mean(axis=(1, 2)) == 127.5).all()


def test_groups_of_lines_reach_around_the_first_step():
    assert Lines(row_step=4, row_width=3, row_offset=3).rasterise(8, 1)[:, 0].tolist() == [255, 255, 0, 255] * 2


def test_a_grid_that_hides_everything_is_refused():
    with pytest.raises(ValidationError, match="wider than the least width"):
        Grid(step_range=(2, 4), width_range=(2, 3))


def test_irregular_holes_keep_away_from_the_border_or_touch_it():
    margin = int(MARGIN * 256)
    for mask in masks("irregular", 40, 256, 256, border="keep_away"):
        inside = mask[margin:-margin, margin:-margin]
        assert mask.sum() == inside.sum()
    for mask in masks("irregular", 40, 256, 256, border="touch"):
        assert mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any()


def test_irregular_holes_spread_over_the_six_bins():
    ratios = [mask_ratio(mask) for mask in masks("irregular", 240)]
    counts = np.histogram(ratios, [0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])[0]
    assert counts.sum() == 240
    assert counts.min() > 20


def test_irregular_holes_that_keep_away_may_be_asked_for_large_ratios_only_if_any_will_do():
    assert Irregular().sample(generator(1), context(128, 128, (0.8, 0.9)))


@pytest.mark.parametrize(("family", "strokes"), [(LamaTrain, (1, 6)), (LamaSmall, (4, 13))])
def test_lamas_other_sets_have_their_published_counts(family, strokes):
    drawn = [family().published(generator(seed, "lama"), 256, 256) for seed in range(400)]
    counts = [len(holes.strokes) for holes in drawn if holes.strokes]
    assert (min(counts), max(counts)) == strokes
    assert 140 < len(counts) < 260  # strokes or boxes, as often the one as the other


@pytest.mark.parametrize(
    ("kind", "low", "high"), [("comodgan", 0.5, 0.95), ("mat_large", 0.2, 0.75), ("mat_small", 0.05, 0.5)]
)
def test_united_masks_cover_from_little_to_much(kind, low, high):
    ratios = np.array([mask_ratio(mask) for mask in masks(kind, 200)])
    assert np.quantile(ratios, 0.1) < low < high < ratios.max()


@pytest.mark.parametrize("kind", sorted(DAMAGES))
@pytest.mark.parametrize("size", [(32, 32), (64, 400), (2048, 2048)])
def test_small_long_and_large_pictures_are_damaged(kind, size):
    if kind == "skin_marks" and min(size) == 32:
        assert DAMAGES[kind](kind=kind).lacks(context(*size)) == "face mesh"  # no mole is a pixel on so small a face
        return
    if kind == "face_mask" and min(size) == 32:
        with pytest.raises(DamageFailed, match="face_small"):
            masks(kind, 1, *size)
        return
    assert masks(kind, 2, *size).any()
