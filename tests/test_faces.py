"""Faces move with the crop."""

from __future__ import annotations

import json

import numpy as np

from pipelines.faces import faces_in_crop
from pipelines.imaging.fit import Fit, fit

HALF = (0.5, 0.0, -10.0, 0.0, 0.5, -20.0)


def test_box_and_points_are_moved() -> None:
    faces = [{"box": [40, 60, 100, 120], "five": [[60, 80]] * 5, "scheme": "five", "points": [[60, 80]] * 5}]
    (face,) = json.loads(faces_in_crop(json.dumps(faces), HALF, 256))
    assert face == {"box": [10, 10, 50, 60], "five": [[20, 20]] * 5}


def test_face_outside_the_crop_is_left_out() -> None:
    faces = [{"box": [2000, 60, 100, 120]}, {"five": [[-900, 80]] * 5}, {"box": [-50, -50, 5000, 5000]}]
    assert len(json.loads(faces_in_crop(json.dumps(faces), HALF, 256))) == 1


def test_matrix_is_that_of_the_fit() -> None:
    picture = np.zeros((400, 600, 3), np.uint8)
    picture[100:200, 250:350] = 255  # a face of 100 pixels, in the middle of the crop from 100 to 500
    fitted, matrix = fit(picture, 1.0, Fit(size=200), None)
    (face,) = json.loads(faces_in_crop(json.dumps([{"box": [250, 100, 100, 100]}]), matrix, 200))
    left, top, width, height = face["box"]
    rows, columns = np.nonzero(fitted[..., 0] > 127)
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (left, top, left + width, top + height)


def test_no_faces_stay_no_faces() -> None:
    assert faces_in_crop("[]", HALF, 256) == "[]"
