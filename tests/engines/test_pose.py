from __future__ import annotations

import numpy as np
import pytest

from pipelines.engines import pose

ANGLES = [(0, 0, 0), (40, 0, 0), (-70, 10, 0), (0, 30, 0), (10, -25, 0), (0, 0, 90), (5, -5, -175), (30, 20, 45)]


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """About y, x and z of a picture whose z comes toward the viewer: nose right, up, head clockwise."""
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in np.radians((yaw, pitch, roll)))
    around_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    around_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    around_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return around_z @ around_y @ around_x


def mesh(angles: tuple[float, ...]) -> np.ndarray:
    points = np.zeros((468, 3))
    points[pose._NUMBERS] = pose._HEAD
    return points @ rotation(*angles).T * (10, 10, -10) + (300, 200, 0)


@pytest.mark.parametrize("angles", ANGLES)
def test_angles_of_a_turned_head_come_back(angles: tuple[float, ...]) -> None:
    np.testing.assert_allclose(pose.from_mesh(mesh(angles)), angles, atol=0.01)


@pytest.mark.parametrize("angles", ANGLES)
def test_five_points_of_a_turned_head_tell_its_angles(angles: tuple[float, ...]) -> None:
    five = (pose._FIVE @ rotation(*angles).T)[:, :2] * 10 + 200
    np.testing.assert_allclose(pose.from_five(five), angles, atol=0.01)


def test_positive_angles_are_right_up_and_clockwise() -> None:
    level, right, up, tilted = (mesh(angles) for angles in ((0, 0, 0), (30, 0, 0), (0, 30, 0), (0, 0, 30)))
    nose, left_eye, right_eye = 4, 33, 263
    assert right[nose, 0] > level[nose, 0] + 1
    assert up[nose, 1] < level[nose, 1] - 1
    assert tilted[right_eye, 1] > tilted[left_eye, 1] + 1


def test_signs_and_order_are_those_of_insightface() -> None:
    transform = pytest.importorskip("insightface.utils.transform")
    from insightface.data import get_object

    head = get_object("meanshape_68.pkl")
    for angles in ANGLES:
        _, turned, _ = transform.P2sRt(transform.estimate_affine_matrix_3d23d(head, head @ rotation(*angles).T))
        pitch, yaw, roll = transform.matrix2angle(turned)
        np.testing.assert_allclose((yaw, pitch, roll), angles, atol=0.1)


def test_points_in_one_place_have_a_pose() -> None:
    assert np.isfinite(pose.from_five(np.zeros((5, 2)))).all()
