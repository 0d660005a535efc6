from __future__ import annotations

import cv2
import numpy as np
import pytest
from photographs import ASTRONAUT, STUDIO, photograph

from pipelines.engines import measures

FACE = (182.0, 58.0, 88.0, 120.0)  # in the photograph of the astronaut
LARGE = (118.0, 101.0, 280.0, 362.0)  # in that of the studio


def test_blur_lowers_sharpness() -> None:
    picture = photograph(ASTRONAUT)
    found = [measures.sharpness(picture, FACE)]
    found += [measures.sharpness(cv2.GaussianBlur(picture, (0, 0), sigma), FACE) for sigma in (1, 2, 4)]
    assert found == sorted(found, reverse=True) and found[0] > 0.3 and found[2] < 0.1


@pytest.mark.parametrize("side", [256, 1024, 2048])
def test_size_does_not_change_sharpness(side: int) -> None:
    picture = photograph(STUDIO[0])
    resized = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA if side < 512 else cv2.INTER_CUBIC)
    there = measures.sharpness(resized, tuple(number * side / 512 for number in LARGE))
    assert there == pytest.approx(measures.sharpness(picture, LARGE), rel=0.2)


def test_brightness_and_contrast_do_not_change_sharpness() -> None:
    picture = photograph(ASTRONAUT)
    darker = (picture * 0.5 + 20).astype(np.uint8)
    assert measures.sharpness(darker, FACE) == pytest.approx(measures.sharpness(picture, FACE), rel=0.1)


def test_face_without_pixels_or_contrast_is_not_sharp() -> None:
    picture = np.full((50, 50, 3), 90, np.uint8)
    assert [measures.sharpness(picture, box) for box in ((0, 0, 40, 40), (60, 60, 9, 9), (-20, 0, 20, 50))] == [0, 0, 0]


@pytest.mark.parametrize(
    ("box", "share"), [((0, 0, 10, 10), 1), ((-5, 0, 10, 10), 0.5), ((95, 45, 10, 10), 0.25), ((200, 0, 10, 10), 0)]
)
def test_inside_is_the_share_of_the_box(box: tuple, share: float) -> None:
    assert measures.inside(box, None, 100, 50) == pytest.approx(share)


def test_inside_is_the_share_of_the_points() -> None:
    points = np.array([(0, 0), (100, 50), (-1, 10), (50, 51)], np.float32)
    assert measures.inside((0, 0, 1, 1), points, 100, 50) == 0.5


@pytest.mark.parametrize(
    ("move", "yaw", "opened", "visible"),
    [
        (0, 0, (0.3, 0.3), True),
        (0, 0, None, True),
        (0, 0, (0.3, 0.08), False),
        (0, 61, (0.3, 0.3), False),
        (-30, 0, (0.3, 0.3), False),
    ],
)
def test_eyes_are_visible_when_open_turned_here_and_in_the_picture(
    move: int, yaw: float, opened: tuple[float, float] | None, visible: bool
) -> None:
    five = np.array([(20, 40), (60, 40), (40, 60), (25, 80), (55, 80)], np.float32)
    five[:, 0] += move
    assert measures.eyes_visible(five, (yaw, 0.0, 0.0), opened, 100, 100) is visible
