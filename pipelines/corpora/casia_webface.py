"""CASIA-WebFace: about 490,000 faces of 10,572 people, aligned at 112 x 112, as insightface packs them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pipelines.corpora.readers.recordio import FaceRecords


class CasiaWebFace(FaceRecords):
    """CASIA-WebFace (Yi et al., 2014) in RecordIO."""

    corpus: Literal["casia-webface"]
    folder: ClassVar[str] = "faces_webface_112x112"
    expects: ClassVar[str] = "faces_webface_112x112/train.rec"
