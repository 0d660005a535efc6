"""Faces in a crop: every box and point goes through the crop's matrix."""

from __future__ import annotations

import json

from pipelines.faces import faces_in_crop

HALF = (0.5, 0, -10, 0, 0.5, -5)


def moved(**face):
    return json.loads(faces_in_crop(json.dumps([face]), HALF, 64))


def test_boxes_move_with_the_face():
    (found,) = moved(box=[40, 30, 20, 10], boxes={"occluder": [44, 34, 8, 4]})
    assert found == {"box": [10, 10, 10, 5], "boxes": {"occluder": [12, 12, 4, 2]}}


def test_a_face_outside_of_the_crop_is_not_told():
    assert moved(box=[400, 30, 20, 10], boxes={"occluder": [40, 34, 8, 4]}) == []
