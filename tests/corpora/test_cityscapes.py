"""Cityscapes: fine and coarse, with label maps, maps of instances in 16 bits, colours and polygons.

torchvision.datasets.Cityscapes (source read): it takes the same folders and endings; it needs every label map there,
raises where one is missing, unpacks the zips beside themselves, and knows no pictures without annotations.
"""

from __future__ import annotations

import json

import cv2
import numpy as np
from corpora.miniature import Miniature, label_map, lay, list_corpus, picture

FRAMES = {
    "train": "aachen/aachen_000000_000019",
    "val": "frankfurt/frankfurt_000000_000294",
    "test": "berlin/berlin_000000_000019",
    "train_extra": "bad-honnef/bad-honnef_000000_000000",
}
INSTANCES = bytes(cv2.imencode(".png", np.full((48, 40), 26001, np.uint16))[1])


def ground_truth(kind: str, splits: list[str]) -> dict[str, bytes]:
    stems = {f"gt{kind}/{split}/{FRAMES[split]}_gt{kind}" for split in splits}
    made = {f"{stem}_labelIds.png": label_map([7, 11, 26]) for stem in stems}
    made |= {f"{stem}_instanceIds.png": INSTANCES for stem in stems}
    return (
        made
        | {f"{stem}_color.png": picture(5, suffix=".png") for stem in stems}
        | {f"{stem}_polygons.json": b'{"imgHeight": 48, "imgWidth": 40, "objects": []}' for stem in stems}
    )


def pictures(splits: list[str]) -> dict[str, bytes]:
    names = {f"leftImg8bit/{split}/{FRAMES[split]}_leftImg8bit.png": split for split in splits}
    return {name: picture(number, suffix=".png") for number, name in enumerate(names)}


FINE, COARSE = ["train", "val", "test"], ["train", "val", "train_extra"]

MINIATURES = [
    Miniature(
        corpus="cityscapes",
        files=pictures(FINE) | ground_truth("Fine", FINE),
        splits={"train": 1, "val": 1, "test": 1},
        packs={"leftImg8bit_trainvaltest.zip": ("leftImg8bit/",), "gtFine_trainvaltest.zip": ("gtFine/",)},
    ),
    Miniature(
        corpus="cityscapes",
        files=pictures(COARSE) | ground_truth("Coarse", COARSE),
        splits={"train": 2, "val": 1},
        options={"annotations": "coarse"},
        packs={
            "leftImg8bit_trainvaltest.zip": ("leftImg8bit/train/", "leftImg8bit/val/"),
            "leftImg8bit_trainextra.zip": ("leftImg8bit/train_extra/",),
            "gtCoarse.zip": ("gtCoarse/",),
        },
    ),
]


def test_maps_are_guides(tmp_path):
    found = list_corpus("cityscapes", lay(tmp_path / "c", MINIATURES[0].files), tmp_path / "i")
    location = found.named("aachen_000000_000019_leftImg8bit.png")
    guides = json.loads(location.guides)
    assert {name: guide["scheme"] for name, guide in guides.items()} == {
        "instances": "cityscapes-instances", "segments": "cityscapes",
    }  # fmt: skip
    assert json.loads(location.labels) == {"city": "aachen"}


def test_fine_does_not_read_the_extra_pictures(tmp_path):
    files = dict(MINIATURES[0].files) | pictures(["train_extra"])
    found = list_corpus("cityscapes", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.splits == {"train": 1, "val": 1, "test": 1}


def test_missing_label_map_is_noted(tmp_path):
    files = {
        name: data for name, data in MINIATURES[0].files.items() if "frankfurt" not in name or "labelIds" not in name
    }
    found = list_corpus("cityscapes", lay(tmp_path / "c", files), tmp_path / "i")
    assert len(found.good) == 3
    assert any("1 of 2 pictures" in note for note in found.notes)


def test_maps_of_the_test_split_hold_no_classes_and_are_no_guides(tmp_path):
    found = list_corpus("cityscapes", lay(tmp_path / "c", MINIATURES[0].files), tmp_path / "i")
    assert found.named("berlin_000000_000019_leftImg8bit.png").guides == "{}"
