"""Asian-Celeb: RecordIO as insightface writes it; what the format can hold is tested with CASIA-WebFace."""

from __future__ import annotations

import json

from corpora.miniature import Miniature, lay, list_corpus, picture
from record_writer import face_pack

REC, IDX = face_pack([[picture(1, 112, 112)], [picture(2, 112, 112), picture(3, 112, 112)]])

MINIATURE = Miniature(
    corpus="asian-celeb",
    files={
        "faces_glintasia/train.rec": REC,
        "faces_glintasia/train.idx": IDX,
        "faces_glintasia/property": b"2,112,112\n",
    },
    splits={"": 3},
    annotations=("faces_glintasia/train.idx", "faces_glintasia/property"),
    packs={"faces_glintasia.tar": ("faces_glintasia/",)},
)


def test_group_is_the_owners(tmp_path):
    found = list_corpus("asian-celeb", lay(tmp_path / "c", MINIATURE.files), tmp_path / "i")
    assert [json.loads(place.labels) for place in found.good] == [{"group": "Asian", "group_by": "owner"}] * 3
