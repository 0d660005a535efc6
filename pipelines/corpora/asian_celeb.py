"""Asian-Celeb: 2.8 million faces of 94,000 celebrities whom DeepGlint calls Asian, as insightface packs them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pipelines.corpora.readers.recordio import FaceRecords
from pipelines.labels import Labels, labels


class AsianCeleb(FaceRecords):
    """Asian-Celeb (DeepGlint, Trillion Pairs, 2018) in RecordIO."""

    corpus: Literal["asian-celeb"]
    folder: ClassVar[str] = "faces_glintasia"
    expects: ClassVar[str] = "faces_glintasia/train.rec"
    of_all: ClassVar[Labels] = labels(group="Asian", group_by="owner")
