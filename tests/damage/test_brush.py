"""Brush against methods.md 5.2."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from pydantic import ValidationError

from pipelines.damage import Brush, Context, Holes, mask_ratio
from pipelines.seeds import generator


def draws(damage: Brush, count: int, side: int = 256, ratio_range: tuple[float, float] | None = None) -> list[Holes]:
    rng = generator("test_brush")
    return [damage.sample(rng, Context(side, side, ratio_range)) for _ in range(count)]


@pytest.fixture(scope="module")
def published() -> list[Holes]:
    return draws(Brush(kind="brush"), 3000)


def test_one_to_three_strokes_are_equally_frequent(published: list[Holes]) -> None:
    counts = np.bincount([len(holes.strokes) for holes in published], minlength=4)
    assert counts[0] == 0
    assert len(counts) == 4
    assert (abs(counts[1:] - 1000) < 130).all()


def test_strokes_have_4_to_11_vertices_after_the_start(published: list[Holes]) -> None:
    assert {len(points) - 1 for holes in published for points, _ in holes.strokes} == set(range(4, 12))


def test_widths_are_12_to_39_pixels_at_256(published: list[Holes]) -> None:
    assert {width for holes in published for _, widths in holes.strokes for width in widths} == set(range(12, 40))


def test_a_stroke_has_one_width(published: list[Holes]) -> None:
    assert all(len(set(widths)) == 1 for holes in published for _, widths in holes.strokes)


def test_steps_alternate_up_and_down_and_go_to_the_right_on_the_whole(published: list[Holes]) -> None:
    for holes in published[:500]:
        for points, _ in holes.strokes:
            steps = np.diff(points, axis=0)
            assert steps[:, 0].min() > -12
            assert (steps[::2, 1] <= 1).all()
            assert (steps[1::2, 1] >= -1).all()
    moves = np.concatenate([np.diff(points, axis=0) for holes in published for points, _ in holes.strokes])
    assert moves[:, 0].mean() > 5


def test_free_steps_have_the_published_length_and_angle(published: list[Holes]) -> None:
    steps = [
        np.subtract(end, start)
        for holes in published
        for points, _ in holes.strokes
        for start, end in itertools.pairwise(points)
        if 0 < end[0] < 256 and 0 < end[1] < 256 and math.dist(start, end) > 30
    ]
    angles = np.array([math.atan2(abs(y), x) for x, y in steps])
    assert abs(angles.mean() - 2 * math.pi / 5) < 0.03
    assert angles.max() < 2 * math.pi / 5 + 2 * math.pi / 15 + 0.05
    assert angles.min() > 2 * math.pi / 5 - 2 * math.pi / 15 - 0.05
    assert max(math.hypot(x, y) for x, y in steps) <= 2 * math.hypot(256, 256) / 8 + 1


def test_the_box_shrinks_from_128_by_up_to_16_per_edge(published: list[Holes]) -> None:
    sides = np.array([holes.boxes[0][2:] for holes in published])
    assert set(sides.ravel().tolist()) == set(range(96, 129, 2))
    assert {len(holes.boxes) for holes in published} == {1}


def test_the_hole_covers_what_the_published_masks_cover(published: list[Holes]) -> None:
    ratios = [mask_ratio(holes.rasterise(256, 256)) for holes in published[:500]]
    assert 0.25 < np.mean(ratios) < 0.40
    assert min(ratios) > 96 * 96 / 256 / 256 - 1e-9


def test_masks_look_alike_at_every_size(published: list[Holes]) -> None:
    small = [mask_ratio(holes.rasterise(256, 256)) for holes in published[:400]]
    large = [mask_ratio(holes.rasterise(512, 512)) for holes in draws(Brush(kind="brush"), 400, 512)]
    assert abs(np.mean(small) - np.mean(large)) < 0.01


def test_without_the_box_there_are_strokes_only() -> None:
    assert all(not holes.boxes for holes in draws(Brush(kind="brush", box=False), 20))


def test_a_target_is_met_by_strokes_only() -> None:
    assert all(not holes.boxes for holes in draws(Brush(kind="brush"), 20, 64, (0.2, 0.3)))


def test_a_box_that_would_have_no_effect_is_refused() -> None:
    with pytest.raises(ValidationError, match="box: true has no effect under a ratio_range"):
        Brush(kind="brush", box=True, ratio_range=(0.1, 0.2))


@pytest.mark.parametrize(
    "options",
    [
        {"num_strokes_range": (0, 3)},
        {"num_vertices_range": (5, 4)},
        {"width_range": (0.0, 0.1)},
        {"width_range": (0.1, 1.5)},
    ],
)
def test_an_interval_that_cannot_be_is_refused_by_name(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(options))):
        Brush.model_validate({"kind": "brush", **options})
