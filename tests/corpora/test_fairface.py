"""FairFace: names of files and columns as its two zips and CSV files have them (columns seen in the Hub's card)."""

from __future__ import annotations

import json

from corpora.miniature import Miniature, lay, list_corpus, picture

HEADER = "file,age,gender,race,service_test\n"
TRAIN = HEADER + "train/1.jpg,50-59,Male,East Asian,True\ntrain/2.jpg,more than 70,Female,Latino_Hispanic,False\n"
VAL = HEADER + "val/1.jpg,3-9,Female,Southeast Asian,False\n"

MINIATURE = Miniature(
    corpus="fairface",
    files={
        "train/1.jpg": picture(1),
        "train/2.jpg": picture(2),
        "val/1.jpg": picture(3),
        "fairface_label_train.csv": TRAIN.encode(),
        "fairface_label_val.csv": VAL.encode(),
    },
    splits={"train": 2, "val": 1},
    annotations=("fairface_label_train.csv", "fairface_label_val.csv"),
    labelled=True,
    packs={"fairface-img-margin025-trainval.zip": ("train/", "val/")},
)


def test_labels_are_in_normal_form(tmp_path):
    found = list_corpus("fairface", lay(tmp_path / "c", MINIATURE.files), tmp_path / "i")
    assert json.loads(found.named("train/1.jpg").labels) == {
        "age": 50, "age_to": 59, "group": "East Asian", "group_by": "annotators", "sex": "male",
    }  # fmt: skip
    assert json.loads(found.named("train/2.jpg").labels)["age"] == 70


def test_malformed_line_costs_its_own_picture_only(tmp_path):
    files = dict(MINIATURE.files) | {
        "fairface_label_val.csv": (HEADER + "val/1.jpg,young,Female,Black,False\n").encode()
    }
    found = list_corpus("fairface", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {"val/1.jpg": "bad_label"}
