"""CAS-PEAL-R1: FRONTAL and POSE, grey TIFF whose names have twelve fields, FaceFP_2.txt with the eyes of a folder.

bob.db.caspeal (source read) takes the same fields, and knows of the file with a D where others have an R. It joins eyes
by folder and name too, because the same name lies in several folders.
"""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from corpora.miniature import Miniature, lay, list_corpus


def grey(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (48, 36), np.uint8)
    return bytes(cv2.imencode(".tif", pixels)[1])


YOUNG = "FY_000001_IEU+00_PM+00_EN_A0_D0_T0_BB_M0_R1_S0"
GLASSES = "MO_000270_IEU+00_PM+00_EN_A5_D0_T0_BB_M0_R1_S0"
LIT = "MY_000064_IFD-45_PM+00_EN_A0_D1_T2_BW_M0_R0_S0"
TURNED = "MY_001032_IEU+00_PU-45_EN_A0_D0_T0_BB_M0_D0_S0"
FILES = {
    f"FRONTAL/Normal/{YOUNG}.tif": grey(1),
    f"FRONTAL/Accessory/{GLASSES}.tif": grey(2),
    f"FRONTAL/Lighting/{LIT}.tif": grey(3),
    f"POSE/000001/{YOUNG}.tif": grey(4),
    f"POSE/001032/{TURNED}.tif": grey(5),
    "FRONTAL/Normal/FaceFP_2.txt": f"{YOUNG}\t 141 222 217 221\n".encode(),
    "FRONTAL/Accessory/FaceFP_2.txt": f"{GLASSES}\t 120 200 190 201\n".encode(),
    "FRONTAL/Lighting/FaceFP_2.txt": f"{LIT}\t 120 200 190 201\n".encode(),
    "POSE/000001/FaceFP_2.txt": f"{YOUNG}\t 99 100 160 101\n".encode(),
    "POSE/001032/FaceFP_2.txt": f"{TURNED}\t 117 287 187 288\n".encode(),
    "Evaluation Prototype/Gallery/Gallery.txt": f"FRONTAL\\Normal\\{YOUNG}\n".encode(),
}

MINIATURE = Miniature(
    corpus="cas-peal",
    files=FILES,
    splits={"": 5},
    annotations=("FRONTAL/Normal/FaceFP_2.txt", "POSE/001032/FaceFP_2.txt"),
    labelled=True,
    packs={"FRONTAL.zip": ("FRONTAL/",), "POSE.tar": ("POSE/",)},
)


@pytest.fixture
def found(tmp_path):
    return list_corpus("cas-peal", lay(tmp_path / "c", FILES), tmp_path / "i")


def test_names_give_all_their_fields(found):
    assert json.loads(found.named(f"{LIT}.tif").labels) == {
        "accessory": "none", "age_group": "young", "background": "white", "distance": 1, "expression": "neutral",
        "group": "Chinese", "group_by": "owner", "light": "fluorescent", "light_azimuth": -45, "light_from": "down",
        "pose": "level", "session": 2, "sex": "male", "yaw": 0,
    }  # fmt: skip


def test_glasses_are_told_where_they_are_the_accessory(found):
    assert json.loads(found.named(f"{GLASSES}.tif").labels)["glasses"] == "eyeglasses"


def test_eyes_are_those_of_the_picture_in_its_folder(found):
    frontal, pose = (found.named(f"{folder}/{YOUNG}.tif") for folder in ("FRONTAL/Normal", "POSE/000001"))
    assert json.loads(frontal.faces) == [{"points": [[141, 222], [217, 221]], "scheme": "eyes"}]
    assert json.loads(pose.faces)[0]["points"][0] == [99, 100]
    assert frontal.identity == pose.identity


def test_name_with_a_field_too_few_is_counted(tmp_path):
    name = f"FRONTAL/Normal/{YOUNG.removesuffix('_S0')}.tif"
    found = list_corpus("cas-peal", lay(tmp_path / "c", FILES | {name: grey(6)}), tmp_path / "i")
    assert list(found.reasons.values()) == ["bad_label"]


def test_line_with_three_numbers_is_counted(tmp_path):
    text = {"FRONTAL/Normal/FaceFP_2.txt": f"{YOUNG} 141 222 217\n".encode()}
    found = list_corpus("cas-peal", lay(tmp_path / "c", FILES | text), tmp_path / "i")
    assert list(found.reasons.values()) == ["bad_label"]
