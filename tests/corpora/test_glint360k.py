"""Glint360K: RecordIO as insightface writes it; what the format can hold is tested with CASIA-WebFace."""

from __future__ import annotations

import json

from corpora.miniature import Miniature, lay, list_corpus, picture
from record_writer import face_pack

REC, IDX = face_pack([[picture(1, 112, 112)], [picture(2, 112, 112), picture(3, 112, 112)]])

MINIATURE = Miniature(
    corpus="glint360k",
    files={
        "glint360k/train.rec": REC,
        "glint360k/train.idx": IDX,
        "glint360k/property": b"2,112,112\n",
    },
    splits={"": 3},
    annotations=("glint360k/train.idx", "glint360k/property"),
    packs={"glint360k.tar": ("glint360k/",)},
)


def test_no_group_is_stated(tmp_path):
    found = list_corpus("glint360k", lay(tmp_path / "c", MINIATURE.files), tmp_path / "i")
    assert [json.loads(place.labels) for place in found.good] == [{}] * 3
