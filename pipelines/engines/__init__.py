"""Face engines: models that find and measure faces, behind one interface; curation and damage both use it."""

from __future__ import annotations

from pipelines.engines.base import FaceEngine, FoundFace
from pipelines.engines.rules import Faces, judge

__all__ = ["FaceEngine", "Faces", "FoundFace", "judge", "open_engine"]


def open_engine(block: Faces) -> FaceEngine:
    """The engine that a recipe asks for, its models loaded.

    Raises:
        RecipeError: a package, a model or a provider is missing, or a model is not what it should be.
    """
    if block.chosen == "insightface":
        from pipelines.engines.insight import InsightEngine

        return InsightEngine(block)
    from pipelines.engines.offline import OfflineEngine

    return OfflineEngine(block)
