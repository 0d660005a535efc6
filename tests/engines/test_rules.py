from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from pydantic import ValidationError

from pipelines.engines import Faces, FoundFace, judge
from pipelines.engines.rules import RULES
from pipelines.errors import REASONS

GOOD = FoundFace(
    box=(100.0, 100.0, 80.0, 100.0),
    score=0.9,
    five=np.array([(120, 140), (160, 140), (140, 160), (125, 180), (155, 180)], np.float32),
    pose=(5.0, -5.0, 3.0),
    sharpness=0.3,
    inside=1.0,
)


def face(**changes: object) -> FoundFace:
    return dataclasses.replace(GOOD, **changes)


@pytest.mark.parametrize(
    ("changes", "block", "reason"),
    [
        ({"box": (0.0, 0.0, 63.9, 90.0)}, {"min_size": 64, "count": (1, 1)}, "face_too_small"),
        ({"pose": (30.1, 0.0, 0.0)}, {"max_yaw": 30}, "face_turned"),
        ({"pose": (-30.1, 0.0, 0.0)}, {"max_yaw": 30}, "face_turned"),
        ({"pose": (0.0, 20.1, 0.0)}, {"max_pitch": 20}, "face_turned"),
        ({"pose": (0.0, 0.0, -178.0)}, {"max_roll": 45}, "face_turned"),
        ({"inside": 0.97}, {"in_frame": True}, "face_cut"),
        ({"eyes_visible": False}, {"eyes_visible": True}, "eyes_hidden"),
        ({"sharpness": 0.19}, {"min_sharpness": 0.2}, "face_blurred"),
        ({"score": 0.49}, {"count": (1, 1)}, "no_face"),
    ],
)
def test_rule_drops_beyond_its_threshold_and_only_where_asked(changes: dict, block: dict, reason: str) -> None:
    assert judge([face(**changes)], Faces(**block)) == reason
    assert judge([face(**changes)], Faces()) == ""
    assert judge([GOOD], Faces(**block)) == ""


@pytest.mark.parametrize(
    ("count", "found", "reason"),
    [
        ((1, 1), 0, "no_face"),
        ((1, 1), 1, ""),
        ((1, 1), 2, "too_many_faces"),
        ((0, 0), 1, "too_many_faces"),
        ((2, 3), 1, "no_face"),
    ],
)
def test_count_is_least_and_most(count: tuple[int, int], found: int, reason: str) -> None:
    assert judge([GOOD] * found, Faces(count=count)) == reason


def test_bystanders_do_not_count_and_are_not_judged() -> None:
    small = face(box=(0.0, 0.0, 20.0, 20.0), pose=(80.0, 0.0, 0.0))
    assert judge([GOOD, small, small], Faces(count=(1, 1), min_size=64, max_yaw=30)) == ""


def test_every_counting_face_must_pass() -> None:
    assert judge([GOOD, face(pose=(80.0, 0.0, 0.0))], Faces(max_yaw=30)) == "face_turned"


def test_size_is_judged_in_pixels_of_the_original() -> None:
    assert judge([GOOD], Faces(count=(1, 1), min_size=160), scale=0.5) == ""
    assert judge([GOOD], Faces(count=(1, 1), min_size=161), scale=0.5) == "face_too_small"


def test_reasons_are_explained() -> None:
    assert {*RULES, "face_too_small"} <= set(REASONS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": (2, 1)},
        {"count": (-1, 1)},
        {"engine": "offline", "models": "/models"},
        {"engine": "insightface"},
        {"min_score": 0.1},
        {"max_yaw": -1},
        {"unknown": 1},
    ],
)
def test_contradictions_are_refused(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        Faces(**wrong)


def test_auto_is_insightface_where_models_are_given() -> None:
    assert Faces().chosen == "offline" and Faces(models="/models").chosen == "insightface"
