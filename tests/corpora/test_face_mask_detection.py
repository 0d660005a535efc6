"""Face Mask Detection: names and XML as Kaggle's archive has them (one annotation seen in a public notebook)."""

from __future__ import annotations

import json

import pytest
from corpora.miniature import Miniature, lay, list_corpus, picture

OBJECT = (
    "    <object>\n        <name>{}</name>\n        <pose>Unspecified</pose>\n        <truncated>0</truncated>\n"
    "        <occluded>0</occluded>\n        <difficult>0</difficult>\n        <bndbox>\n            <xmin>{}</xmin>\n"
    "            <ymin>{}</ymin>\n            <xmax>{}</xmax>\n            <ymax>{}</ymax>\n        </bndbox>\n"
    "    </object>\n"
)


def xml(number: int, *objects: tuple[str, int, int, int, int]) -> bytes:
    head = (
        f"<annotation>\n    <folder>images</folder>\n    <filename>maksssksksss{number}.png</filename>\n    <size>\n"
        "        <width>40</width>\n        <height>48</height>\n        <depth>3</depth>\n    </size>\n"
        "    <segmented>0</segmented>\n"
    )
    return (head + "".join(OBJECT.format(*thing) for thing in objects) + "</annotation>").encode()


MINIATURE = Miniature(
    corpus="face-mask-detection",
    files={f"images/maksssksksss{number}.png": picture(number, suffix=".png") for number in range(3)}
    | {
        "annotations/maksssksksss0.xml": xml(0, ("without_mask", 5, 6, 20, 26), ("with_mask", 22, 8, 34, 20)),
        "annotations/maksssksksss1.xml": xml(1, ("with_mask", 1, 2, 3, 4), ("with_mask", 5, 5, 9, 9)),
        "annotations/maksssksksss2.xml": xml(2, ("mask_weared_incorrect", 1, 2, 30, 40)),
    },
    splits={"": 3},
    annotations=("annotations/maksssksksss0.xml",),
    labelled=True,
    packs={"archive.zip": ("images/", "annotations/")},
)


def listed(tmp_path, **changed):
    files = dict(MINIATURE.files) | {f"annotations/maksssksksss{name[1:]}.xml": data for name, data in changed.items()}
    return list_corpus("face-mask-detection", lay(tmp_path / "c", files), tmp_path / "i")


def test_each_face_has_its_own_label(tmp_path):
    first, second = json.loads(listed(tmp_path).named("maksssksksss0.png").faces)
    assert (first["box"], first["labels"]["mask"]) == ([5, 6, 15, 20], "none")
    assert (second["box"], second["labels"]["mask"]) == ([22, 8, 12, 12], "correct")


def test_a_picture_says_what_all_its_faces_say(tmp_path):
    found = listed(tmp_path)
    masks = [json.loads(found.named(f"maksssksksss{number}.png").labels).get("mask") for number in range(3)]
    assert masks == [None, "correct", "incorrect"]


@pytest.mark.parametrize(
    "data",
    [
        b"<annotation><object>",
        b"<annotation><object><name>dog</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox>"
        b"</object></annotation>",
        b"<annotation><object><name>with_mask</name></object></annotation>",
        b'<?xml version="1.0" encoding="klingon"?><annotation/>',
    ],
    ids=["cut", "unknown class", "no box", "unknown encoding"],
)
def test_malformed_annotation_costs_its_own_picture_only(data, tmp_path):
    assert listed(tmp_path, _0=data).reasons == {"images/maksssksksss0.png": "bad_label"}


def test_no_annotations_at_all_are_one_note(tmp_path):
    pictures = {name: data for name, data in MINIATURE.files.items() if name.startswith("images/")}
    found = list_corpus("face-mask-detection", lay(tmp_path / "c", pictures), tmp_path / "i")
    assert len(found.good) == 3
    assert len(found.notes) == 1
