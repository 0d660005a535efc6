"""The recipe's `faces` block: which engine looks for faces, and which faces a picture must show.

What counts as a face: one of at least `min_score` and, where asked, `min_size`. Smaller ones are bystanders, and do not
count against the most that `count` allows. All that count must pass the other rules, not only the largest, because
what follows may work on any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.engines.base import FLOOR, FoundFace

KEEP = ""

WHOLE = 0.98
"""Share of a face that must be in the picture: a few points of the hairline beyond the edge do not cut it."""


class Identities(BaseModel):
    """The `identities:` block of `faces`: who is probably the same person, where a corpus names nobody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Mean cosine similarity between the faces of one person; when empty, 0.955 for the offline engine "
        "and 0.4 for insightface.",
    )
    max_pictures: int | None = Field(
        None, ge=1, description="Most pictures to keep of one person, declared by the corpus or found."
    )


class Faces(BaseModel):
    """The `faces:` block of a recipe."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: Literal["auto", "offline", "insightface"] = Field(
        "auto",
        description="offline uses models that ship in packages, insightface a pack from `models`; auto is insightface "
        "where `models` is given, else offline.",
    )
    models: str = Field("", description="Folder of insightface's packs, each a folder in it or in its `models` folder.")
    pack: str = Field("buffalo_l", min_length=1, description="Name of the pack's folder.")
    providers: tuple[str, ...] = Field(
        (), description="Of onnxruntime, in order; when empty, CUDA where it is available, and the processor."
    )
    gpus: float = Field(0, ge=0, le=8, description="GPUs of each actor; a fraction lets several share one.")
    embeddings: bool = Field(
        False, description="Whether to measure who is who; used for identities, never written to a shard."
    )
    detect_side: int = Field(
        640,
        ge=64,
        le=4096,
        description="Pictures of more pixels than a square of this side are shrunk to as many before faces are looked "
        "for. A face is found from about 1/30 of the side.",
    )
    rotations: bool = Field(
        False,
        description="Whether to look again at pictures turned by quarters, where no upright face is found.",
    )
    identities: Identities | None = Field(
        None, description="Keep pictures of one person in one split, also where the corpus names nobody."
    )
    min_score: float = Field(0.5, ge=FLOOR, le=1, description="What scores less is no face.")
    min_size: int = Field(0, ge=0, description="Shorter side of a face's box, in pixels of the original, to count.")
    count: tuple[int, int] | None = Field(None, description="Least and most faces of a picture.")
    max_yaw: float | None = Field(None, ge=0, le=180, description="Degrees turned to either side.")
    max_pitch: float | None = Field(None, ge=0, le=180, description="Degrees looking up or down.")
    max_roll: float | None = Field(None, ge=0, le=180, description="Degrees tilted to either side.")
    in_frame: bool = Field(False, description="Whether faces must be wholly in the picture.")
    eyes_visible: bool = Field(False, description="Whether both eyes must be open, in the picture and not turned away.")
    min_sharpness: float | None = Field(
        None, gt=0, lt=2, description="Fine detail as a share of contrast; in focus is 0.2 to 0.5."
    )

    @model_validator(mode="before")
    @classmethod
    def _embed(cls, given: Any) -> Any:
        """Identities are told from embeddings, so these need not be asked for."""
        if isinstance(given, dict) and given.get("identities") is not None:
            return {"embeddings": True} | given
        return given

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.identities is not None and not self.embeddings:
            raise ValueError("identities need embeddings: remove `embeddings: false`")
        if self.count is not None and not 0 <= self.count[0] <= self.count[1]:
            raise ValueError(f"count must be two numbers with 0 <= least <= most, found {list(self.count)}")
        if self.engine == "offline" and self.models:
            raise ValueError("models has no effect with engine: offline: remove one of the two")
        if self.engine == "insightface" and not self.models:
            raise ValueError("engine: insightface needs models: the folder that holds its packs")
        return self

    @property
    def chosen(self) -> Literal["offline", "insightface"]:
        """The engine, where `auto` is resolved."""
        if self.engine == "auto":
            return "insightface" if self.models else "offline"
        return self.engine


Counting = Sequence[FoundFace]


def enough(faces: Counting, block: Faces) -> bool:
    return block.count is None or len(faces) >= block.count[0]


def few_enough(faces: Counting, block: Faces) -> bool:
    return block.count is None or len(faces) <= block.count[1]


def facing(faces: Counting, block: Faces) -> bool:
    limits = (block.max_yaw, block.max_pitch, block.max_roll)
    return all(
        limit is None or abs(angle) <= limit for face in faces for angle, limit in zip(face.pose, limits, strict=True)
    )


def whole(faces: Counting, block: Faces) -> bool:
    return not block.in_frame or all(face.inside >= WHOLE for face in faces)


def seeing(faces: Counting, block: Faces) -> bool:
    return not block.eyes_visible or all(face.eyes_visible for face in faces)


def sharp(faces: Counting, block: Faces) -> bool:
    return block.min_sharpness is None or all(face.sharpness >= block.min_sharpness for face in faces)


RULES: dict[str, Callable[[Counting, Faces], bool]] = {
    "no_face": enough,
    "too_many_faces": few_enough,
    "face_cut": whole,
    "face_turned": facing,
    "eyes_hidden": seeing,
    "face_blurred": sharp,
}
"""By the reason for which each drops a picture, in the order in which they are asked."""


def judge(faces: Sequence[FoundFace], block: Faces, scale: float = 1.0) -> str:
    """Keep ("") or the reason of the first rule that drops the picture.

    Args:
        faces: every face that an engine gave.
        block: the rules.
        scale: pixels of the picture that the engine saw per pixel of the original; sizes are judged in the original.
    """
    sure = [face for face in faces if face.score >= block.min_score]
    counting = [face for face in sure if min(face.box[2:]) >= block.min_size * scale]
    reason = next((reason for reason, passes in RULES.items() if not passes(counting, block)), KEEP)
    return "face_too_small" if reason == "no_face" and enough(sure, block) else reason
