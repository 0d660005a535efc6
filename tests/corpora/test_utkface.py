"""UTKFace: names as in its tar.gz, among them the five faulty ones of the download; lines of landmarks end in a space.

torchvision has no loader for it.
"""

from __future__ import annotations

import json

import pytest
from corpora.miniature import Miniature, lay, list_corpus, picture

NAMES = ["26_1_2_20170116184751512.jpg", "100_0_0_20170112213500903.jpg", "1_0_3_20161219140530307.jpg"]
POINTS = " ".join(f"{number} {number + 5}" for number in range(-4, 64))
LIST = "".join(f"{name} {POINTS} \n" for name in NAMES)
FAULTY = ["61_1_20170109142408075", "39_1_20170116174525125", "61_1_20170109150557335"]
READABLE = {"24_0_1_20170116220224657 .jpg.chip.jpg": 24, "55_0_0_20170116232725357jpg.chip.jpg": 55}

MINIATURES = [
    Miniature(
        corpus="utkface",
        files={f"UTKFace/{name}.chip.jpg": picture(number) for number, name in enumerate(NAMES)}
        | {"landmark_list_part1.txt": LIST.encode()},
        splits={"": 3},
        annotations=("landmark_list_part1.txt",),
        labelled=True,
        packs={"UTKFace.tar.gz": ("UTKFace/",)},
    ),
    Miniature(
        corpus="utkface",
        files={f"part{number + 1}/{name}": picture(number, 90, 60) for number, name in enumerate(NAMES)},
        splits={"": 3},
        options={"aligned": False},
        packs={f"part{number}.tar.gz": (f"part{number}/",) for number in (1, 2, 3)},
    ),
]
MINIATURE = MINIATURES[0]


def test_names_give_age_sex_and_group(tmp_path):
    found = list_corpus("utkface", lay(tmp_path / "c", MINIATURE.files), tmp_path / "i")
    assert json.loads(found.named(f"{NAMES[0]}.chip.jpg").labels) == {
        "age": 26, "age_to": 26, "group": "Asian", "group_by": "filename", "sex": "female",
    }  # fmt: skip


def test_points_are_those_of_aligned_pictures(tmp_path):
    found = list_corpus("utkface", lay(tmp_path / "c", MINIATURE.files), tmp_path / "i")
    (face,) = json.loads(found.named(f"{NAMES[0]}.chip.jpg").faces)
    assert (face["scheme"], face["points"][0], len(face["five"])) == ("ibug-68", [-4, 1], 5)


def test_points_are_refused_for_pictures_in_the_wild(tmp_path):
    files = dict(MINIATURES[1].files) | {"landmark_list_part1.txt": LIST.encode()}
    found = list_corpus("utkface", lay(tmp_path / "c", files), tmp_path / "i", aligned=False)
    assert {location.faces for location in found.good} == {"[]"}
    assert any("landmark lists are refused" in note for note in found.notes)


@pytest.mark.parametrize("name", [*FAULTY, "117_0_0_20170109142408075", "5_2_1_20170109142408075", "me"])
def test_names_that_lack_a_field_are_counted(tmp_path, name):
    files = {f"UTKFace/{name}.jpg.chip.jpg": picture(1)} | dict(MINIATURE.files)
    found = list_corpus("utkface", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {f"UTKFace/{name}.jpg.chip.jpg": "bad_label"}
    assert len(found.good) == 3


@pytest.mark.parametrize("name", READABLE)
def test_names_with_a_slip_that_keep_their_fields_are_read(tmp_path, name):
    found = list_corpus("utkface", lay(tmp_path / "c", {f"UTKFace/{name}": picture(1)}), tmp_path / "i")
    assert json.loads(found.named(name).labels)["age"] == READABLE[name]


def test_landmark_line_with_too_few_points_is_counted(tmp_path):
    files = dict(MINIATURE.files) | {"landmark_list_part1.txt": f"{NAMES[0]} 1 2 3 4 \n".encode()}
    found = list_corpus("utkface", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {f"UTKFace/{NAMES[0]}.chip.jpg": "bad_label"}
