"""The offline engine, its models loaded once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipelines.engines import Faces, FoundFace, open_engine


@pytest.fixture(scope="session")
def offline() -> Iterator[object]:
    for module in ("onnx", "onnxruntime", "ai_edge_litert"):
        pytest.importorskip(module)
    with open_engine(Faces(engine="offline")) as engine:
        yield engine


@pytest.fixture(scope="session")
def look(offline: object):
    """Finds the faces of one picture, those of the default score."""

    def found(picture: object, least: float = 0.5) -> list[FoundFace]:
        return [face for face in offline.find([picture])[0] if face.score >= least]

    return found
