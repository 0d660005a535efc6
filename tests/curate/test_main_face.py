"""The main face is the largest that counts, and its numbers and embedding are its own."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from pipelines.curate.main_face import COLUMN, FIELDS, MainFaces, embeddings_of, face_numbers
from pipelines.engines import FoundFace

PICTURE = np.zeros((100, 100, 3), np.uint8)
PICTURE[:, 50:] = 255


def face(left: float, size: float, score: float = 0.9, embedding: np.ndarray | None = None) -> FoundFace:
    five = np.zeros((5, 2), np.float32)
    return FoundFace((left, 10, size, size + 5), score, five, (size, 2, 3), 0.4, 1.0, embedding=embedding)


def column(*pictures: list[FoundFace]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array([face_numbers(PICTURE, faces)], COLUMN) for faces in pictures], COLUMN)


def test_numbers_are_those_of_the_largest_face_that_counts() -> None:
    faces = [face(0, 20), face(50, 40, 0.4), face(50, 30)]
    strict, lax = (MainFaces(column([], faces, faces[:1]), least) for least in (0.5, 0.3))
    assert strict.numbers("size").tolist() == pytest.approx([np.nan, 30, 20], nan_ok=True)
    assert lax.numbers("yaw").tolist() == pytest.approx([np.nan, 40, 20], nan_ok=True)
    assert strict.numbers("brightness").tolist() == pytest.approx([np.nan, 1, 0], nan_ok=True)


def test_every_field_has_a_number() -> None:
    found = MainFaces(column([face(0, 20)]), 0.5)
    assert {name: float(found.numbers(name)[0]) for name in FIELDS} == pytest.approx(
        {"score": 0.9, "size": 20, "yaw": 20, "pitch": 2, "roll": 3, "sharpness": 0.4, "brightness": 0}
    )


def test_a_picture_whose_faces_score_too_little_has_none() -> None:
    found = MainFaces(column([face(0, 20, 0.4)], []), 0.5)
    assert np.isnan(found.numbers("size")).all()


def test_embedding_is_that_of_the_main_face() -> None:
    one, two = (np.eye(4, dtype=np.float32)[number] for number in (0, 1))
    pictures = [
        [face(0, 20, embedding=one), face(0, 30, embedding=two)],
        [],
        [face(0, 20, embedding=one), face(0, 30)],  # the main one is a profile: it has none
        [face(0, 20)],
        [face(0, 30, embedding=one), face(0, 20)],
    ]
    stored = pa.chunked_array([[embeddings_of(faces)] for faces in pictures], pa.binary())
    rows, found = MainFaces(column(*pictures), 0.5).embeddings(stored)
    assert rows.tolist() == [0, 4] and found.tolist() == [two.tolist(), one.tolist()]


def test_a_table_without_embeddings_gives_none() -> None:
    rows, found = MainFaces(column([face(0, 20)]), 0.5).embeddings(pa.chunked_array([[b""]], pa.binary()))
    assert rows.size == 0 and len(found) == 0
