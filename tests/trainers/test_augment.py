"""Picture, mask, labels and landmarks move together."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.classes import SCHEMES
from trainers.augment import (
    MIRRORED_68,
    Move,
    draw,
    move_labels,
    move_picture,
    move_points,
    recolour,
    swapped,
    whole,
)


def dot(x: float, y: float, side: int = 64) -> np.ndarray:
    """A bright blob around a point, in coordinates in which the picture begins at 0."""
    rows, columns = np.mgrid[0:side, 0:side] + 0.5
    bright = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18)
    return np.repeat(bright.astype(np.uint8)[..., None], 3, 2)


def centre(pixels: np.ndarray) -> tuple[float, float]:
    weight = pixels.astype(float) / pixels.sum()
    rows, columns = np.mgrid[0 : pixels.shape[0], 0 : pixels.shape[1]] + 0.5
    return float((columns * weight).sum()), float((rows * weight).sum())


MOVES = [
    Move((0, 0, 64, 64), 64),
    Move((0, 0, 64, 64), 32, mirrored=True),
    Move((8, 4, 48, 52), 64),
    Move((8, 4, 48, 52), 40, mirrored=True),
    Move((4, 4, 56, 56), 64, angle=20, mirrored=True),
    Move((4, 8, 56, 50), 24, angle=-12),
]


@pytest.mark.parametrize("move", MOVES)
def test_landmarks_follow_the_picture(move: Move) -> None:
    points = np.tile(np.array([(34.0, 30.0)], np.float32), (68, 1))
    x, y = move_points(points, move)[0]
    found = centre(move_picture(dot(34, 30), move)[..., 0])
    assert found == pytest.approx((x, y), abs=0.6)


@pytest.mark.parametrize("move", MOVES)
def test_masks_follow_the_picture(move: Move) -> None:
    picture = move_picture(dot(34, 30), move)[..., 0] > 127
    mask = move_labels(((dot(34, 30)[..., 0] > 127) * 255).astype(np.uint8), move)
    assert set(np.unique(mask)) <= {0, 255}
    assert (picture != (mask > 0)).mean() < 0.02


def test_mirroring_landmarks_twice_gives_them_back() -> None:
    assert [MIRRORED_68[MIRRORED_68[number]] for number in range(68)] == list(range(68))


def test_a_mirrored_face_keeps_its_left_eye_left() -> None:
    points = np.zeros((68, 2), np.float32)
    points[36:42, 0], points[42:48, 0] = 20, 44
    moved = move_points(points, Move((0, 0, 64, 64), 64, mirrored=True))
    assert moved[36:42, 0].max() < moved[42:48, 0].min()


@pytest.mark.parametrize("scheme", ["lapa-11", "celebamask-hq", "helen-11"])
def test_mirrored_parts_get_the_names_of_the_other_side(scheme: str) -> None:
    numbers = {name: number for number, name in SCHEMES[scheme].names.items()}
    left, right = ("l_eye", "r_eye") if scheme == "celebamask-hq" else ("left eye", "right eye")
    labels = np.array([[numbers[left], numbers["nose"], numbers[right]]], np.uint8)
    assert swapped(labels, scheme).tolist() == [[numbers[right], numbers["nose"], numbers[left]]]


def test_a_lower_lip_is_no_left_lip() -> None:
    numbers = {name: number for number, name in SCHEMES["celebamask-hq"].names.items()}
    assert swapped(np.array([[numbers["l_lip"]]], np.uint8), "celebamask-hq")[0, 0] == numbers["l_lip"]


def test_whole_takes_the_middle() -> None:
    assert whole(40, 64, 32).box == (12, 0, 40, 40)


def test_drawn_crops_lie_in_the_picture_and_in_the_range() -> None:
    for seed in range(200):
        move = draw(
            np.random.default_rng(seed),
            48,
            64,
            32,
            mirror=True,
            area_range=(0.3, 0.9),
            aspect_range=(0.8, 1.25),
            rotate=5,
        )
        x, y, width, height = move.box
        assert x >= 0 and y >= 0 and x + width <= 64 and y + height <= 48
        assert width * height <= 0.95 * 48 * 64


def test_recolouring_by_nothing_changes_nothing() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    assert abs(recolour(picture, np.random.default_rng(1), 0.0).astype(int) - picture).max() <= 1


def test_recolouring_keeps_grey_grey() -> None:
    grey = np.repeat(np.arange(60, 160, dtype=np.uint8).reshape(10, 10, 1), 3, 2)
    changed = recolour(grey, np.random.default_rng(2), 0.2).astype(int)
    assert abs(changed - changed[..., :1]).max() <= 1
    assert abs(changed - grey).max() > 3
