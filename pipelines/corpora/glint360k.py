"""Glint360K: 17 million faces of 360,232 people, aligned at 112 x 112, in RecordIO."""

from __future__ import annotations

from typing import ClassVar, Literal

from pipelines.corpora.readers.recordio import FaceRecords


class Glint360K(FaceRecords):
    """Glint360K (An et al., 2020) in RecordIO."""

    corpus: Literal["glint360k"]
    folder: ClassVar[str] = "glint360k"
    expects: ClassVar[str] = "glint360k/train.rec"
