"""What is measured of a decoded picture where the recipe asks: quality and faces.

In full size, so that the numbers are the picture's and do not change with the size of the dataset. Models are loaded
once per worker process, which Ray uses again for the next task.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.curate import quality
from pipelines.curate.rules import Curate
from pipelines.engines import FaceEngine, Faces, open_engine
from pipelines.engines.stored import to_json
from pipelines.imaging.colour import Picture
from pipelines.imaging.decode import Header

SCHEMA = pa.schema(
    [
        # NaN where it cannot be told, or was not asked for.
        *((name, pa.float64()) for name in quality.NUMBERS),
        # JSON of the faces that the engine found, in pixels of the upright original.
        ("found", pa.string()),
        # Of each of them the embedding, float32 one after the other; it never leaves the state of a build.
        ("embeddings", pa.binary()),
    ]
)
NOTHING: dict[str, Any] = dict.fromkeys(quality.NUMBERS, np.nan) | {"found": "[]", "embeddings": b""}


def asked(curate: Curate) -> bool:
    """Whether a recipe wants anything measured for which a picture is decoded in full."""
    return curate.faces is not None or curate.quality is not None


def measure(picture: Picture, header: Header, curate: Curate) -> dict[str, Any]:
    """Numbers of one picture.

    Args:
        picture: (H, W, 3) uint8 RGB, in full size and upright.
    """
    found: dict[str, Any] = quality.measure(picture, header.table_sum) if curate.quality else {}
    return found | (_faces(picture, curate.faces) if curate.faces else {})


def _faces(picture: Picture, block: Faces) -> dict[str, Any]:
    engine = engine_of(block)
    (faces,) = engine.find([picture])
    embeddings = [face.embedding for face in faces if face.embedding is not None]
    together = np.concatenate(embeddings).astype(np.float32).tobytes() if embeddings else b""
    return {"found": to_json(faces, engine.version), "embeddings": together}


@lru_cache(maxsize=1)
def engine_of(block: Faces) -> FaceEngine:
    """The engine of this process.

    Raises:
        RecipeError: a package or a model is missing.
    """
    return open_engine(block).__enter__()
