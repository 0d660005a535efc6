from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from pipelines.damage.ageing import Aged, Ageing
from pipelines.seeds import generator
from tests.damage.contexts import context

STEPS = {
    "blur": Aged(blur=150),
    "grain": Aged(grain=100, grain_size=2, grain_seed=3),
    "fading": Aged(fading=128),
    "toning": Aged(toning=200, warmth=255),
    "cast": Aged(cast=(20, -10, 0)),
    "low_resolution": Aged(side=40),
    "jpeg": Aged(quality=30),
}
PICTURE = context(128, 96).image
assert PICTURE is not None


def only(step: str) -> Ageing:
    """A recipe's block in which one step always happens."""
    off = dict.fromkeys(STEPS.keys() - {step})
    return Ageing.model_validate({**off, step: {"probability": 1.0}})


@pytest.mark.parametrize("step", STEPS)
def test_every_step_changes_the_picture_and_keeps_its_size(step: str) -> None:
    aged = STEPS[step].age(PICTURE)
    assert (aged.shape, aged.dtype) == (PICTURE.shape, np.uint8)
    assert abs(aged.astype(int) - PICTURE).mean() > 0.5


@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_read_back_and_ages_alike(step: str) -> None:
    again = Aged.from_json(STEPS[step].to_json())
    assert again == STEPS[step]
    assert np.array_equal(again.age(PICTURE), STEPS[step].age(PICTURE))


@pytest.mark.parametrize("step", STEPS)
def test_a_block_draws_its_step_and_no_other(step: str) -> None:
    for seed in range(10):
        drawn = only(step).sample(generator(seed), 128, 96)
        assert set(vars(drawn)) - {name for name, value in vars(drawn).items() if value == getattr(Aged(), name)} <= {
            name for name in vars(STEPS[step]) if getattr(STEPS[step], name) != getattr(Aged(), name)
        }  # fmt: skip
        assert drawn != Aged()


def test_no_step_is_an_empty_object_and_the_same_picture() -> None:
    assert Aged().to_json() == "{}"
    assert Aged.from_json("{}").age(PICTURE) is PICTURE


def test_blur_and_coarse_scans_lose_edges() -> None:
    before = abs(np.diff(PICTURE.astype(int), axis=1)).mean()
    for step in ("blur", "low_resolution"):
        assert abs(np.diff(STEPS[step].age(PICTURE).astype(int), axis=1)).mean() < 0.8 * before


def test_grain_is_as_strong_as_it_says_in_middle_tones_and_spares_black() -> None:
    for size in (1, 4):
        moved = Aged(grain=100, grain_size=size, grain_seed=1).age(np.full((256, 256, 3), 128, np.uint8)).astype(int)
        assert abs(moved.std() - 10) < 1
        assert abs(moved.mean() - 128) < 2
    assert not Aged(grain=100, grain_seed=1).age(np.zeros((64, 64, 3), np.uint8)).any()


def test_fading_lifts_black_and_dulls_white() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    image[:4] = 255
    faded = Aged(fading=255).age(image)
    assert faded[7, 7, 0] > 60
    assert faded[0, 0, 0] < 240


@pytest.mark.parametrize(("warmth", "is_grey"), [(0, True), (255, False)])
def test_toning_ends_in_grey_or_brown(warmth: int, is_grey: bool) -> None:
    toned = Aged(toning=255, warmth=warmth).age(PICTURE).astype(int)
    assert (np.ptp(toned, axis=2) == 0).all() == is_grey
    if not is_grey:
        middle = toned[(toned.mean(axis=2) > 60) & (toned.mean(axis=2) < 190)]
        assert (middle[:, 0] > middle[:, 1]).all() and (middle[:, 1] > middle[:, 2]).all()


def test_a_cast_moves_middle_tones_and_spares_black_and_white() -> None:
    levels = np.repeat(np.array([0, 128, 255], np.uint8), 3).reshape(1, 3, 3)
    assert Aged(cast=(20, -10, 0)).age(levels)[0].tolist() == [[0, 0, 0], [148, 118, 128], [255, 255, 255]]


def test_pictures_are_aged_as_often_as_asked() -> None:
    block = Ageing(probability=0.5)
    aged = sum(block.sample(generator(seed), 64, 64) != Aged() for seed in range(600))
    assert 230 < aged < 320


@pytest.mark.parametrize("side", [32, 2048])
def test_small_and_large_pictures_are_aged(side: int) -> None:
    image = np.full((side, side, 3), 90, np.uint8)
    for seed in range(3):
        assert Ageing().sample(generator(seed), side, side).age(image).shape == image.shape


def test_the_picture_is_not_written_to() -> None:
    image = PICTURE.copy()
    image.flags.writeable = False
    for step in STEPS.values():
        step.age(image)
    assert np.array_equal(image, PICTURE)


def test_a_range_in_the_wrong_order_is_refused() -> None:
    with pytest.raises(ValidationError, match="quality_range: expected two numbers, the smaller first"):
        Ageing.model_validate({"jpeg": {"quality_range": (80, 20)}})
