"""What is measured of a decoded picture where the recipe asks: quality, faces, fingerprints.

In full size, so that the numbers are the picture's and do not change with the size of the dataset. Models are loaded
once per worker process, which Ray uses again for the next task.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pyarrow as pa

from pipelines.curate import fingerprints, main_face, quality
from pipelines.curate.embeddings import embed
from pipelines.curate.fingerprints import fingerprint
from pipelines.curate.near import Duplicates
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
        # Numbers of each of them, to judge whole tables by, see `main_face`.
        ("face_numbers", main_face.COLUMN),
        # Of each of them the embedding, float32 one after the other; it never leaves the state of a build.
        ("embeddings", pa.binary()),
        *fingerprints.SCHEMA,
        # Of the whole picture, float32, where the recipe gives a network.
        ("picture_embedding", pa.binary()),
    ]
)
NOTHING: dict[str, Any] = {
    **dict.fromkeys(quality.NUMBERS, float("nan")),
    "found": "[]",
    "face_numbers": [],
    "embeddings": b"",
    **fingerprints.NOTHING,
    "picture_embedding": b"",
}


def asked(curate: Curate) -> bool:
    """Whether a recipe wants anything measured for which a picture is decoded in full."""
    return any(block is not None for block in (curate.quality, curate.faces, curate.duplicates))


def measure(picture: Picture, header: Header, curate: Curate) -> dict[str, Any]:
    """Numbers of one picture.

    Args:
        picture: (H, W, 3) uint8 RGB, in full size and upright.
    """
    found: dict[str, Any] = quality.measure(picture, header.table_sum) if curate.quality else {}
    found |= _faces(picture, curate.faces) if curate.faces else {}
    return found | (_copies(picture, curate.duplicates) if curate.duplicates else {})


def _copies(picture: Picture, block: Duplicates) -> dict[str, Any]:
    found: dict[str, Any] = dict(fingerprint(picture))
    if block.embeddings:
        found["picture_embedding"] = embed(picture, block.embeddings).tobytes()
    return found


def _faces(picture: Picture, block: Faces) -> dict[str, Any]:
    engine = engine_of(block)
    (faces,) = engine.find([picture])
    return {
        "found": to_json(faces, engine.version),
        "face_numbers": main_face.face_numbers(picture, faces),
        "embeddings": main_face.embeddings_of(faces),
    }


@lru_cache(maxsize=1)
def engine_of(block: Faces) -> FaceEngine:
    """The engine of this process.

    Raises:
        RecipeError: a package or a model is missing.
    """
    return open_engine(block).__enter__()
