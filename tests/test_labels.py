"""Labels of a picture with several faces: what is said of all, and nothing else."""

from __future__ import annotations

from pipelines.labels import Annotation, Face, annotated, labels, labels_of_all
from pipelines.sources.base import Location


def faces(*said):
    return [Face(labels=labels(**each)) for each in said]


def test_faces_that_agree_speak_for_the_picture():
    assert labels_of_all(faces({"mask": "none", "blur": "heavy"}, {"mask": "none"})) == {"mask": "none", "num_faces": 2}


def test_invalid_faces_are_counted_and_not_asked():
    assert labels_of_all(faces({"mask": "none"}, {"invalid": True})) == {"mask": "none", "num_faces": 2}


def test_who_stated_the_group_goes_with_the_group():
    of = {"group_by": "annotators"}
    assert labels_of_all(faces({"group": "a", **of}, {"group": "b", **of})) == {"num_faces": 2}


def test_a_picture_without_faces_says_only_that():
    assert labels_of_all([]) == {"num_faces": 0}


def test_boxes_of_a_face_reach_the_catalog():
    face = Face((0, 0, 9, 9), boxes={"occluder": (1, 2, 3, 4)})
    assert (
        '"boxes":{"occluder":[1.0,2.0,3.0,4.0]}'
        in annotated(Location("a", "a", "file"), Annotation(faces=[face]), "mafa", b"").faces
    )
