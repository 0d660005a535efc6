"""The main face of a picture: the largest that counts, as numbers that whole tables are judged by.

What an engine found stands in JSON, which is dear to parse for ten million pictures; the few numbers that balance and
identities look at stand beside it in a typed column. Which face is the largest depends on the recipe's `min_score`, so
the numbers of all faces are kept, and the choice is made when it is decided.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.engines import FoundFace
from pipelines.engines.measures import brightness
from pipelines.imaging.colour import Picture

FIELDS = ("score", "size", "yaw", "pitch", "roll", "sharpness", "brightness")
"""Of a face: `size` is the shorter side of its box in pixels of the original, `brightness` its mean, 0 to 1."""

COLUMN = pa.list_(pa.struct([(name, pa.float32()) for name in FIELDS]))

NONE = -1


def face_numbers(picture: Picture, faces: Sequence[FoundFace]) -> list[dict[str, float]]:
    """One row of the column: the numbers of each face of a picture."""
    return [_numbers(picture, face) for face in faces]


def embeddings_of(faces: Sequence[FoundFace]) -> bytes:
    """Embeddings of all faces of a picture, float32 one after the other, zeros where a face has none."""
    dimensions = {len(face.embedding) for face in faces if face.embedding is not None}
    if not dimensions:
        return b""
    nothing = np.zeros(dimensions.pop(), np.float32)
    return np.stack([nothing if face.embedding is None else face.embedding for face in faces]).tobytes()


class MainFaces:
    """The main face of every picture of a table.

    Args:
        column: (N,) of type `COLUMN`.
        min_score: what scores less is no face.
    """

    def __init__(self, column: pa.ChunkedArray, min_score: float) -> None:
        lists = pa.chunked_array(column, COLUMN).combine_chunks()
        self.counts = lists.value_lengths().fill_null(0).to_numpy().astype(np.int64)
        self._faces = lists.flatten()
        self._main = self._largest(min_score)

    def numbers(self, field: str) -> NDArray[np.float32]:
        """(N,) one of `FIELDS`; NaN where a picture has no face."""
        values = self._values(field)
        found = np.full(len(self._main), np.nan, np.float32)
        found[self._main != NONE] = values[self._main[self._main != NONE]]
        return found

    def embeddings(self, column: pa.ChunkedArray) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Positions (M,) of the pictures whose main face has an embedding, and these, (M, D).

        Args:
            column: (N,) what `embeddings_of` gave.
        """
        data = pa.chunked_array(column, pa.large_binary()).combine_chunks()
        offsets = _offsets(data)
        lengths = np.diff(offsets)
        rows = np.flatnonzero((self._main != NONE) & (lengths > 0))
        if not rows.size:
            return rows, np.empty((0, 1), np.float32)
        dimension = int(lengths[rows[0]] // 4 // self.counts[rows[0]])
        numbers = np.frombuffer(data.buffers()[2], np.float32).reshape(-1, dimension)
        found = numbers[offsets[rows] // (4 * dimension) + (self._main - _starts(self.counts))[rows]]
        there = found.any(axis=1)
        return rows[there], found[there]

    def _largest(self, min_score: float) -> NDArray[np.int64]:
        """Position of every picture's main face among all faces, -1 for none."""
        sizes = np.where(self._values("score") >= np.float32(min_score), self._values("size"), -1.0)
        pictures = np.repeat(np.arange(len(self.counts)), self.counts)
        order = np.lexsort((-sizes, pictures))
        main = np.full(len(self.counts), NONE, np.int64)
        has = self.counts > 0
        first = order[_starts(self.counts)[has]]
        main[has] = np.where(sizes[first] >= 0, first, NONE)
        return main

    def _values(self, field: str) -> NDArray[np.float32]:
        values: NDArray[np.float32] = self._faces.field(FIELDS.index(field)).to_numpy(zero_copy_only=False)
        return values


def _numbers(picture: Picture, face: FoundFace) -> dict[str, float]:
    yaw, pitch, roll = face.pose
    return {
        "score": face.score,
        "size": min(face.box[2:]),
        "yaw": yaw,
        "pitch": pitch,
        "roll": roll,
        "sharpness": face.sharpness,
        "brightness": brightness(picture, face.box),
    }


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.cumsum(counts) - counts


def _offsets(data: pa.LargeBinaryArray) -> NDArray[np.int64]:
    """(N + 1,) where each value begins."""
    return np.frombuffer(data.buffers()[1], np.int64)[data.offset : data.offset + len(data) + 1]
