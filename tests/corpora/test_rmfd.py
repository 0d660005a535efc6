"""RMFD: folders of the repository (raw pictures) and of the sorted and simulated sets as public readers have them."""

from __future__ import annotations

import json

from corpora.miniature import Miniature, lay, list_corpus, picture

MINIATURE = Miniature(
    corpus="rmfd",
    files={
        "RWMFD_part_1/0000/0002.jpg": picture(21),
        "RWMFD_part_2_pro/0016/0022.jpg": picture(22),
        "AFDB_masked_face_dataset/zhangsan/0_0_0.jpg": picture(23),
        "AFDB_face_dataset/zhangsan/0_1.jpg": picture(24),
        "AFDB_face_dataset/李四/1.jpg": picture(25),
        "webface_masked/0000045/001.jpg": picture(26),
        "lfw_masked/Jane_Doe/Jane_Doe_0001.jpg": picture(27),
    },
    splits={"": 7},
)


def listed(tmp_path):
    return list_corpus("rmfd", lay(tmp_path / "c", MINIATURE.files), tmp_path / "i")


def test_the_folder_says_whether_a_mask_is_worn(tmp_path):
    found = listed(tmp_path)
    said = [json.loads(found.named(name).labels) for name in ("0_0_0.jpg", "0_1.jpg", "0045/001.jpg", "0000/0002.jpg")]
    assert said == [
        {"collection": "real", "mask": "correct"},
        {"collection": "real", "mask": "none"},
        {"collection": "simulated", "mask": "correct"},
        {"collection": "raw"},
    ]


def test_masked_and_unmasked_pictures_of_a_person_are_one_identity(tmp_path):
    found = listed(tmp_path)
    masked, plain, other = (found.named(name).identity for name in ("0_0_0.jpg", "0_1.jpg", "/1.jpg"))
    assert masked == plain != other


def test_no_name_goes_into_a_shard(tmp_path):
    found = listed(tmp_path)
    told = [found.source.public_uri(location.uri) for location in found.locations]
    assert not any(name in uri for uri in told for name in ("zhangsan", "%E6%9D%8E", "Jane_Doe/"))
    assert "AFDB_face_dataset/~/0_1.jpg" in told
    assert "RWMFD_part_1/0000/0002.jpg" in told
