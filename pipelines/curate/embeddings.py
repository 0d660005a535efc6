"""Embeddings of whole pictures, by any image network in ONNX: copies that look alike to it are near-duplicates.

The network is the user's, by path; nothing is downloaded, and its licence is theirs to know. What hashes miss (strong
crops, rotations, other colours) a copy-detection network may find; what it takes for a copy is its own affair, so no
thumbnail confirms it.
"""

from __future__ import annotations

import hashlib
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from pipelines.errors import RecipeError
from pipelines.imaging.colour import Picture

Vector = NDArray[np.float32]


class Embeddings(BaseModel):
    """The `embeddings:` block of `duplicates`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(description="ONNX file of a network from pictures (N, 3, size, size) to vectors (N, ...).")
    threshold: float = Field(
        gt=0,
        lt=1,
        description="Cosine similarity from which pictures are near-duplicates; each network has its own.",
    )
    size: int = Field(224, ge=16, le=2048, description="Side in pixels; the picture is squeezed to it.")
    mean: tuple[float, float, float] = Field(
        (0.485, 0.456, 0.406), description="Taken from red, green and blue, which are 0 to 1; ImageNet's by default."
    )
    std: tuple[float, float, float] = Field(
        (0.229, 0.224, 0.225), description="By which they are divided then; ImageNet's by default."
    )
    providers: list[str] = Field(
        default_factory=list, description="Providers of onnxruntime; CUDA where there is one when empty."
    )


def check(block: Embeddings) -> None:
    """Refuses a network that cannot embed, before any picture is measured.

    Raises:
        RecipeError: it is missing, no ONNX, or of another kind.
    """
    embed(np.zeros((block.size, block.size, 3), np.uint8), block)


def embed(picture: Picture, block: Embeddings) -> Vector:
    """(D,) vector of unit length of a picture, (H, W, 3) uint8.

    Raises:
        RecipeError: as `check`.
    """
    session = _session(block.model, tuple(block.providers))
    small = cv2.resize(picture, (block.size, block.size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    mean, std = (np.array(each, np.float32) for each in (block.mean, block.std))
    given = ((small - mean) / std).transpose(2, 0, 1)[None]
    try:
        (found, *_) = session.run(None, {session.get_inputs()[0].name: given})
        vector = np.asarray(found, np.float32).reshape(-1)
    except Exception as error:  # noqa: BLE001  # onnxruntime raises kinds of its own, which are not public
        raise RecipeError(
            f"duplicates.embeddings: {block.model!r} takes no pictures of (1, 3, {block.size}, {block.size}): {error}"
        ) from None
    length = float(np.linalg.norm(vector))
    return vector / length if np.isfinite(length) and length > 0 else np.zeros_like(vector)


@cache
def digest(model: str) -> str:
    """SHA-256 of the network's file, which decides what is measured.

    Raises:
        RecipeError: there is none.
    """
    try:
        with Path(model).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        why = f"duplicates.embeddings: no network at {model!r} ({error.strerror}): give the path of an ONNX file"
        raise RecipeError(why) from None


@lru_cache(maxsize=1)
def _session(model: str, providers: tuple[str, ...]) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise RecipeError("duplicates.embeddings needs onnxruntime: pip install 'mendery[faces]'") from None
    from pipelines.engines.providers import providers_of

    digest(model)
    options = onnxruntime.SessionOptions()
    # One thread for each task: Ray fills the processors.
    options.intra_op_num_threads = 1
    try:
        return cast(Any, onnxruntime.InferenceSession(model, options, providers=providers_of(providers)))
    except RecipeError:
        raise
    except Exception as error:  # noqa: BLE001  # as above
        raise RecipeError(f"duplicates.embeddings: {model!r} is no ONNX network that can be loaded: {error}") from None
