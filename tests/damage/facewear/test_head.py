"""A head under a face's points."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.damage import Face
from pipelines.damage.facewear.head import HEAD, fitted
from pipelines.landmarks import ibug_68
from tests.damage.contexts import context
from tests.damage.test_face_mask import turned


@pytest.mark.parametrize(("yaw", "pitch", "roll"), [(0, 0, 0), (60, 0, 0), (-60, 20, 0), (30, -30, 40), (-45, 0, 175)])
def test_a_turn_is_found_to_a_degree_whatever_the_tilt(yaw: int, pitch: int, roll: int) -> None:
    head = fitted(turned(yaw, pitch, roll).faces[0])
    assert head.yaw == pytest.approx(yaw, abs=1)
    assert head.pitch == pytest.approx(pitch, abs=1)
    assert head.misfit < 1e-6
    assert head.squeezed == pytest.approx(1, abs=1e-6)


def test_the_pose_is_near_what_the_engine_says() -> None:
    face = context(256, 256).faces[0]
    head = fitted(face)
    assert head.yaw == pytest.approx(face.yaw, abs=5)
    assert head.pitch == pytest.approx(face.pitch, abs=8)


def test_points_of_the_face_are_nearly_where_the_face_has_them() -> None:
    head = fitted(context(256, 256).faces[0])
    assert np.hypot(*(head.placed(HEAD) - head.seen).T).mean() < 0.35 * head.scale


def test_sixty_eight_points_tell_the_same_turn() -> None:
    face = context(256, 256).faces[0]
    other = fitted(Face(face.five, "ibug-68", ibug_68(face.scheme, face.points)))
    assert other.yaw == pytest.approx(fitted(face).yaw, abs=3)
