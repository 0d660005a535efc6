"""SCUT-FBP5500: binary `.pts` files as its own pts2txt.py reads them, and lists of a name and a score."""

from __future__ import annotations

import json
import struct

import pytest
from corpora.miniature import Miniature, lay, list_corpus, picture

NAMES = ["AF1", "AM2", "CF3", "CM750"]
HALVES = "train_test_files/split_of_60%training and 40%testing"
FOLDS = "train_test_files/5_folders_cross_validations_files/cross_validation_2"
PTS = struct.pack("<i172f", 86, *[number / 2 for number in range(172)])


def scores(names: list[str]) -> bytes:
    return "".join(f"{name}.jpg 2.883333\n" for name in names).encode()


FILES = {f"Images/{name}.jpg": picture(number) for number, name in enumerate(NAMES)}
FILES |= {f"facial landmark/{name}.pts": PTS for name in NAMES}
FILES |= {
    f"{HALVES}/train.txt": scores(NAMES[:3]),
    f"{HALVES}/test.txt": scores(NAMES[3:]),
    f"{FOLDS}/train_2.txt": scores(NAMES[2:]),
    f"{FOLDS}/test_2.txt": scores(NAMES[:2]),
}
MINIATURES = [
    Miniature(
        corpus="scut-fbp5500",
        files={f"SCUT-FBP5500_v2/{name}": data for name, data in FILES.items()},
        splits=splits,
        options=options,
        annotations=tuple(f"SCUT-FBP5500_v2/{name}" for name in ("facial landmark/AF1.pts", *lists)),
        labelled=True,
    )
    for options, splits, lists in (
        ({}, {"train": 3, "test": 1}, (f"{HALVES}/train.txt", f"{HALVES}/test.txt")),
        ({"fold": 2}, {"train": 2, "test": 2}, (f"{FOLDS}/train_2.txt", f"{FOLDS}/test_2.txt")),
    )
]
MINIATURE = MINIATURES[0]


@pytest.fixture
def found(tmp_path):
    return list_corpus("scut-fbp5500", lay(tmp_path / "c", MINIATURE.files), tmp_path / "i")


def test_group_and_sex_come_from_the_name(found):
    assert [json.loads(location.labels) for location in found.good] == [
        {"group": group, "group_by": "filename", "sex": sex}
        for group, sex in (("Asian", "female"), ("Asian", "male"), ("Caucasian", "female"), ("Caucasian", "male"))
    ]


def test_scores_are_not_read(found):
    assert not any("2.88" in location.labels for location in found.good)


def test_binary_landmarks_are_read(found):
    (face,) = json.loads(found.good[0].faces)
    assert face["scheme"] == "scut-86"
    assert face["points"][:2] == [[0, 0.5], [1, 1.5]]


@pytest.mark.parametrize("data", [b"", PTS[:-4], PTS[:3], PTS[:-4] + struct.pack("<f", float("nan"))])
def test_landmarks_that_are_cut_cost_their_picture_only(data, tmp_path):
    files = dict(MINIATURE.files) | {"SCUT-FBP5500_v2/facial landmark/CF3.pts": data}
    found = list_corpus("scut-fbp5500", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {"SCUT-FBP5500_v2/Images/CF3.jpg": "bad_label"}
