"""Who is who, on real faces."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from photographs import ASTRONAUT, GROUP, HILL, PROFILE, photograph

pytest.importorskip("dlib")

from pipelines.engines import Faces, open_engine


@pytest.fixture(scope="module")
def engine():
    with open_engine(Faces(engine="offline", embeddings=True)) as found:
        yield found


def embeddings(engine, picture: np.ndarray) -> list[np.ndarray]:
    faces = sorted(engine.find([np.ascontiguousarray(picture)])[0], key=lambda face: face.box)
    return [face.embedding for face in faces if face.score >= 0.5]


ALTERED = {
    "mirrored": lambda picture: picture[:, ::-1],
    "small": lambda picture: cv2.resize(picture, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA),
    "dark": lambda picture: (picture * 0.6).astype(np.uint8),
    "blurred": lambda picture: cv2.GaussianBlur(picture, (0, 0), 1.5),
    "jpeg": lambda picture: cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 25])[1], 1),
}


def test_embedding_has_unit_length(engine) -> None:
    (found,) = embeddings(engine, photograph(ASTRONAUT))
    assert found.shape == (128,) and found.dtype == np.float32 and np.linalg.norm(found) == pytest.approx(1)


@pytest.mark.parametrize("alter", ALTERED)
def test_person_is_nearer_to_its_altered_self_than_to_anybody_else(engine, alter: str) -> None:
    people = embeddings(engine, photograph(GROUP))
    again = embeddings(engine, ALTERED[alter](photograph(GROUP)))
    again = again[::-1] if alter == "mirrored" else again
    apart = np.linalg.norm(np.array(people)[:, None] - np.array(again)[None], axis=2)
    assert apart.argmin(axis=1).tolist() == list(range(6))
    assert np.diag(apart).max() < 0.4


def test_six_people_are_six(engine) -> None:
    people = embeddings(engine, photograph(GROUP)) + embeddings(engine, photograph(HILL))
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(people, 2)) > 0.4


def test_profile_has_no_embedding(engine) -> None:
    assert embeddings(engine, photograph(PROFILE)) == [None]
