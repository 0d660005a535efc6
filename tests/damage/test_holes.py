from __future__ import annotations

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from pipelines.damage import Box, Context, DamageFailed, Holes, mask_ratio
from pipelines.damage.holes import grow, integer, rectangle, walk
from pipelines.seeds import generator

ZIGZAG = ((10, 50), (30, 20), (60, 55), (80, 15))


def test_a_box_covers_its_pixels_only() -> None:
    mask = Holes(boxes=((3, 5, 10, 2),)).rasterise(20, 30)
    assert mask[5:7, 3:13].all()
    assert np.count_nonzero(mask) == 20


def test_a_stroke_is_as_wide_as_it_says() -> None:
    mask = Holes(strokes=((((10, 30), (90, 30)), (12,)),)).rasterise(60, 100)
    assert abs(np.count_nonzero(mask[:, 50]) - 12) <= 1


def test_each_segment_has_its_own_width() -> None:
    mask = Holes(strokes=((((10, 30), (50, 30), (90, 30)), (4, 20)),)).rasterise(60, 100)
    assert np.count_nonzero(mask[:, 25]) < np.count_nonzero(mask[:, 75])


@pytest.mark.parametrize("width", [5, 12, 27, 40])
def test_joints_and_ends_are_round_already(width: int) -> None:
    """DeepFillv2 draws discs at the vertices by hand; here they would add nothing."""
    mask = Holes(strokes=((ZIGZAG, (width,) * 3),)).rasterise(80, 100)
    with_discs = mask.copy()
    for vertex in ZIGZAG:
        cv2.circle(with_discs, vertex, width // 2, 255, cv2.FILLED)
    assert np.array_equal(mask, with_discs)


def test_the_hole_has_the_asked_colour() -> None:
    damaged, mask, _ = Holes(boxes=((0, 0, 4, 4),), fill=(1, 2, 3)).draw(np.full((8, 8, 3), 9, np.uint8))
    assert (damaged[mask == 255] == (1, 2, 3)).all()
    assert (damaged[mask == 0] == 9).all()


def test_a_picture_that_is_a_view_can_be_drawn_on() -> None:
    image = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)[::2, ::-1]
    damaged, mask, _ = Holes(boxes=((0, 0, 4, 4),)).draw(image)
    assert np.array_equal(damaged[mask == 0], image[mask == 0])


@pytest.mark.parametrize(
    ("fill", "color"),
    [("grey", (128, 128, 128)), ("black", (0, 0, 0)), ("white", (255, 255, 255)), ([7, 8, 9], (7, 8, 9))],
)
def test_fill_is_named_or_given(fill: object, color: tuple[int, int, int]) -> None:
    assert Box.model_validate({"kind": "box", "fill": fill}).sample(generator(1), Context(64, 64)).fill == color


@pytest.mark.parametrize("fill", ["red", [0, 0, 256], [1, 2]])
def test_a_colour_that_is_none_is_refused(fill: object) -> None:
    with pytest.raises(ValidationError, match="fill"):
        Box.model_validate({"kind": "box", "fill": fill})


def test_grow_drops_what_overshoots_and_proposes_smaller() -> None:
    scales: list[float] = []

    def propose(scale: float) -> Holes:
        scales.append(scale)
        return Holes(boxes=((0, 0, max(1, int(100 * scale)), max(1, int(100 * scale))),))

    holes = grow(generator(1), propose, 100, 100, (0.2, 0.3))
    assert 0.2 < mask_ratio(holes.rasterise(100, 100)) <= 0.3
    assert scales == sorted(scales, reverse=True)
    assert len(holes.boxes) == 1


def test_grow_takes_any_ratio_of_the_range_when_its_goal_is_out_of_reach() -> None:
    for seed in range(20):
        holes = grow(generator(seed), lambda _: Holes(boxes=((0, 0, 100, 65),)), 100, 100, (0.6, 1.0))
        assert holes.boxes == ((0, 0, 100, 65),)


def test_grow_says_how_far_it_came() -> None:
    with pytest.raises(DamageFailed, match=r"reached 0\.0100 .* 100 x 100"):
        grow(generator(1), lambda _: Holes(boxes=((0, 0, 10, 10),)), 100, 100, (0.5, 0.6))


def test_integer_reaches_both_ends_evenly() -> None:
    rng = generator("integer")
    counts = np.bincount([integer(rng, 2, 5) for _ in range(4000)], minlength=6)
    assert counts[:2].sum() == 0
    assert (abs(counts[2:] - 1000) < 120).all()


def test_a_rectangle_keeps_its_margin_and_uses_all_places() -> None:
    rng = generator("rectangle")
    boxes = np.array([rectangle(rng, 40, 60, (5, 50), margin=3) for _ in range(2000)])
    ends = boxes[:, :2] + boxes[:, 2:]
    assert boxes[:, :2].min(axis=0).tolist() == [3, 3]
    assert ends.max(axis=0).tolist() == [57, 37]


def test_a_walk_stays_on_the_picture() -> None:
    rng = generator("walk")
    for _ in range(200):
        points = np.array(walk(20, 10, 40, 60, rng.normal(0, 30, (8, 2)).tolist()))
        assert points.min() >= 0
        assert (points.max(axis=0) <= (60, 40)).all()
