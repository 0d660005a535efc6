"""K-Face: nested folders in three sizes; text files of seven points and the boxes that a camera sees, by tabs."""

from __future__ import annotations

import json

import pytest
from corpora.miniature import Miniature, lay, list_corpus, picture

POINTS = "20\t30\n14\t20\n27\t20\n15\t36\n26\t36\n5\t25\n35\t25\n"
FRONTAL = POINTS + "5\t5\t30\t40\n10\t17\t8\t6\n23\t17\t8\t6\n16\t24\t8\t8\n13\t33\t15\t6\n3\t20\t4\t9\n33\t20\t4\t9\n"
PROFILE = POINTS + "5\t5\t30\t40\n23\t17\t8\t6\n16\t24\t8\t8\n13\t33\t15\t6\n33\t20\t4\t9\n"
FILES = {
    "19062421/S001/L1/E01/C7.jpg": picture(1, 86, 58),
    "19062421/S001/L1/E01/C7.txt": FRONTAL.encode(),
    "19062421/S001/L1/E01/C1.jpg": picture(2, 86, 58),
    "19062421/S001/L1/E01/C1.txt": PROFILE.encode(),
    "19062421/S004/L30/E03/C19.jpg": picture(3, 86, 58),
    "19101513/S006/L7/E02/C14.jpg": picture(4, 86, 58),
}
SIZES = {f"{size}_Resolution/{name}": data for size in ("High", "Middle", "Low") for name, data in FILES.items()}

MINIATURES = [
    Miniature(
        corpus="kface",
        files=SIZES,
        splits={"": 4},
        options={"resolution": resolution} if resolution != "high" else {},
        annotations=tuple(f"{resolution.capitalize()}_Resolution/{name}" for name in FILES if name.endswith(".txt")),
    )
    for resolution in ("high", "low")
]


@pytest.fixture
def found(tmp_path):
    return list_corpus("kface", lay(tmp_path / "c", SIZES), tmp_path / "i")


def test_folders_give_labels_as_the_owners_table_has_them(found):
    assert json.loads(found.named("19062421/S004/L30/E03/C19.jpg").labels) == {
        "accessory": "sunglasses", "camera": 19, "expression": "frown", "glasses": "sunglasses", "group": "Korean",
        "group_by": "owner", "light": 30, "lux": 100, "pitch": -15, "yaw": 30,
    }  # fmt: skip


@pytest.mark.parametrize(("camera", "yaw", "pitch"), [("C1", 90, 0), ("C7", 0, 0), ("C14", 45, 30)])
def test_cameras_stand_as_in_the_owners_table(found, camera, yaw, pitch):
    (place,) = [place for place in found.good if place.uri.endswith(f"/{camera}.jpg")]
    stated = json.loads(place.labels)
    assert (stated["yaw"], stated["pitch"]) == (yaw, pitch)


def test_points_and_box_are_read(found):
    (face,) = json.loads(found.named("19062421/S001/L1/E01/C7.jpg").faces)
    assert face["five"] == [[14, 20], [27, 20], [20, 30], [15, 36], [26, 36]]
    assert (face["box"], face["scheme"], len(face["points"])) == ([5, 5, 30, 40], "kface-7", 7)


def test_only_the_asked_size_is_read(found):
    assert {place.uri.split("/")[0] for place in found.good} == {"High_Resolution"}


def test_path_inside_one_size_does_as_well(tmp_path):
    root = lay(tmp_path / "c", SIZES)
    assert len(list_corpus("kface", root / "Middle_Resolution", tmp_path / "i").good) == 4


@pytest.mark.parametrize(
    "text", [b"", b"1\t2\n", FRONTAL.replace("20\t30", "x\ty").encode(), POINTS.encode(), b"\xff\xfe"]
)
def test_bad_text_file_costs_its_own_picture(tmp_path, text):
    name = "High_Resolution/19062421/S001/L1/E01/C7"
    found = list_corpus("kface", lay(tmp_path / "c", SIZES | {f"{name}.txt": text}), tmp_path / "i")
    assert found.reasons == {f"{name}.jpg": "bad_label"}


def test_unknown_accessory_is_counted(tmp_path):
    name = "High_Resolution/19062421/S009/L1/E01/C7.jpg"
    found = list_corpus("kface", lay(tmp_path / "c", SIZES | {name: picture(9)}), tmp_path / "i")
    assert found.reasons == {name: "bad_label"}
