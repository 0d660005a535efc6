"""The report shows faces where they are."""

from __future__ import annotations

import base64
import io
import json

import cv2
import numpy as np
import pytest
from material import photo
from PIL import Image

from pipelines.imaging.align import ARCFACE, ARCFACE_SIDE
from pipelines.publish.montage import SIDE, FaceView, view

FIVE = [[100.0, 90.0], [160.0, 90.0], [130.0, 125.0], [105.0, 160.0], [155.0, 160.0]]


def shown(face: FaceView, name: str) -> np.ndarray:
    data = base64.b64decode(face.pictures[name].partition(",")[2])
    return np.array(Image.open(io.BytesIO(data)))


def metadata(*faces: dict[str, object]) -> dict[str, str]:
    return {"faces": json.dumps(faces)}


@pytest.mark.parametrize("faces", [[], [{"box": [1, 2, 30, 40]}], [{"five": [[5, 5]] * 5}]])
def test_without_five_points_there_is_nothing_to_show(faces: list[dict[str, object]]) -> None:
    assert view(photo(1, 256, 256), metadata(*faces), {}) is None


def test_a_face_is_drawn_where_it_is() -> None:
    black = np.zeros((256, 256, 3), np.uint8)
    face = view(black, metadata({"five": FIVE, "box": [80, 64, 96, 128], "by": "offline-0123"}), {})
    assert (
        face is not None
        and face.by == "found by the offline engine"
        and list(face.pictures)
        == [
            "box and points",
            "aligned",
        ]
    )
    marked = shown(face, "box and points").max(axis=2)
    rows, columns = np.flatnonzero(marked.max(axis=1) > 90), np.flatnonzero(marked.max(axis=0) > 90)
    expected = np.array([64, 192, 80, 176]) * SIDE / 256
    assert abs(np.array([rows[0], rows[-1], columns[0], columns[-1]]) - expected).max() < 2


def test_the_aligned_face_has_its_points_in_the_rings() -> None:
    picture = np.zeros((256, 256, 3), np.uint8)
    for x, y in FIVE:
        cv2.circle(picture, (round(x - 0.5), round(y - 0.5)), 4, (0, 255, 0), -1)
    face = view(picture, metadata({"five": FIVE}), {})
    assert face is not None and face.by == "annotated by the corpus"
    aligned = shown(face, "aligned").astype(int)
    green = aligned[..., 1] - aligned[..., 0]  # the rings are white
    for x, y in ARCFACE * (SIDE / ARCFACE_SIDE):
        assert green[round(y) - 8 : round(y) + 8, round(x) - 8 : round(x) + 8].max() > 100
    assert (green > 100).sum() > 100


def test_of_several_faces_the_one_in_the_middle_is_shown() -> None:
    aside = {"five": (np.array(FIVE) + 300).tolist(), "by": "offline-0"}
    face = view(photo(2, 256, 256), metadata(aside, {"five": FIVE}), {})
    assert face is not None and face.by == "annotated by the corpus"


def test_parts_are_shown_where_samples_have_them() -> None:
    labels = np.zeros((256, 256), np.uint8)
    labels[64:128] = 4
    members = {"parsing.png": bytes(cv2.imencode(".png", labels)[1])}
    face = view(np.full((256, 256, 3), 200, np.uint8), metadata({"five": FIVE}), members)
    assert face is not None
    parts = shown(face, "parts").astype(int)
    assert abs(parts[20] - 200).max() < 20 and (parts[60, :, 2] - parts[60, :, 0] > 60).all()
