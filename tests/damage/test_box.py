from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from pipelines.damage import Box, Context, Holes
from pipelines.seeds import generator


def draws(damage: Box, count: int, context: Context) -> list[Holes]:
    rng = generator("test_box")
    return [damage.sample(rng, context) for _ in range(count)]


def test_one_box_with_sides_of_a_quarter_to_a_half_by_default() -> None:
    drawn = draws(Box(kind="box"), 2000, Context(128, 256))
    sides = np.array([box[2:] for holes in drawn for box in holes.boxes])
    assert {len(holes.boxes) for holes in drawn} == {1}
    assert set(sides.ravel().tolist()) == set(range(32, 65))


def test_the_number_of_boxes_reaches_both_ends() -> None:
    drawn = draws(Box(kind="box", num_boxes_range=(2, 4)), 200, Context(64, 64))
    assert {len(holes.boxes) for holes in drawn} == {2, 3, 4}


def test_the_margin_stays_known() -> None:
    for ratio_range in (None, (0.3, 0.4)):
        for holes in draws(Box(kind="box", margin=0.1), 50, Context(100, 200, ratio_range)):
            mask = holes.rasterise(100, 200)
            mask[10:-10, 10:-10] = 0
            assert not mask.any()


def test_a_box_as_large_as_the_picture_covers_it() -> None:
    holes = Box(kind="box", side_range=(1, 1)).sample(generator(1), Context(32, 32))
    assert holes.rasterise(32, 32).all()


def test_a_margin_that_leaves_no_room_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"side 0\.5 does not fit between two margins of 0\.3"):
        Box(kind="box", margin=0.3)


def test_an_interval_the_wrong_way_round_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"the smaller first, found \[0\.5, 0\.25\]"):
        Box(kind="box", side_range=(0.5, 0.25))
