"""Helen: annotation files that begin with the picture's name, `x , y` lines, and maps in a folder per picture."""

from __future__ import annotations

import json

import pytest
from corpora.miniature import Miniature, label_map, lay, list_corpus, picture

from pipelines.classes import SCHEMES
from pipelines.labels import guide_of

NAMES = ["100032540_1", "232194_1", "2371615952_1"]
SMITH = "SmithCVPR2013_dataset_{}"


def annotation(name: str, count: int = 194) -> bytes:
    return (f"{name}\r\n" + "".join(f"{565.86 + step:.2f} , {758.98 + step:.2f}\r\n" for step in range(count))).encode()


def maps(size: str) -> dict[str, bytes]:
    return {
        f"{SMITH.format(size)}/labels/{name}/{name}_lbl{number:02d}.png": label_map([0, 128, 255])
        for name in NAMES
        for number in range(11)
    }


ANNOTATIONS = {f"annotation/{number}.txt": annotation(name) for number, name in enumerate(NAMES, 1)}
LISTS = {
    "trainnames.txt": f"{NAMES[0]}\n{NAMES[1]}\n".encode(),
    "testnames.txt": f"{NAMES[2]}\n".encode(),
}
SMITH_LISTS = {
    f"{SMITH.format('resized')}/{file}": f"{number} , {name}\n".encode()
    for number, (file, name) in enumerate(zip(["exemplars.txt", "tuning.txt", "testing.txt"], NAMES, strict=True), 1)
}
OWN = Miniature(
    corpus="helen",
    files={
        f"helen_1/{NAMES[0]}.jpg": picture(1),
        f"helen_5/{NAMES[1]}.jpg": picture(2),
        f"test/{NAMES[2]}.jpg": picture(3),
    }
    | ANNOTATIONS
    | LISTS
    | maps("original"),
    splits={"train": 2, "test": 1},
    annotations=("annotation/1.txt", *LISTS),
    labelled=True,
)
RESIZED = Miniature(
    corpus="helen",
    files={f"{SMITH.format('resized')}/images/{name}.jpg": picture(number) for number, name in enumerate(NAMES)}
    | SMITH_LISTS
    | maps("resized")
    | ANNOTATIONS,
    splits={"train": 1, "val": 1, "test": 1},
    options={"resized": True},
    annotations=tuple(SMITH_LISTS),
    labelled=True,
)
MINIATURES = [OWN, RESIZED]


def test_landmarks_are_those_of_the_picture_that_the_first_line_names(tmp_path):
    files = dict(OWN.files) | {"annotation/2.txt": annotation(NAMES[2]), "annotation/3.txt": annotation(NAMES[1])}
    found = list_corpus("helen", lay(tmp_path / "c", files), tmp_path / "i")
    (face,) = json.loads(found.named(f"{NAMES[1]}.jpg").faces)
    assert face["points"][0] == [565.86, 758.98]
    assert len(face["points"]) == 194


def test_there_are_no_five_points_because_no_landmark_is_the_tip_of_the_nose(tmp_path):
    found = list_corpus("helen", lay(tmp_path / "c", OWN.files), tmp_path / "i")
    assert "five" not in json.loads(found.good[0].faces)[0]


@pytest.mark.parametrize("mini", MINIATURES)
def test_probability_maps_have_their_classes_names(mini, tmp_path):
    found = list_corpus("helen", lay(tmp_path / "c", mini.files), tmp_path / "i", **mini.options)
    guide = guide_of(json.loads(found.named(f"{NAMES[0]}.jpg").guides)["parsing"])
    assert set(guide.files) == set(SCHEMES[guide.scheme].names.values())
    assert guide.files["hair"].uri.endswith(f"{NAMES[0]}_lbl10.png")


def test_resized_pictures_do_not_get_landmarks_of_the_original_size(tmp_path):
    found = list_corpus("helen", lay(tmp_path / "c", RESIZED.files), tmp_path / "i", resized=True)
    assert {location.faces for location in found.good} == {"[]"}


def test_own_pictures_do_not_get_maps_of_the_resized_ones(tmp_path):
    files = {name: data for name, data in OWN.files.items() if not name.startswith("Smith")} | dict(RESIZED.files)
    found = list_corpus("helen", lay(tmp_path / "c", files), tmp_path / "i")
    assert {location.guides for location in found.good} == {"{}"}
    assert len(found.good) == 3


def test_annotation_with_a_point_too_few_costs_its_own_picture_only(tmp_path):
    files = dict(OWN.files) | {"annotation/1.txt": annotation(NAMES[0], 193)}
    found = list_corpus("helen", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {f"helen_1/{NAMES[0]}.jpg": "bad_label"}


def test_annotation_that_names_no_picture_is_counted(tmp_path):
    files = dict(OWN.files) | {"annotation/4.txt": b"\xff\xfe"}
    found = list_corpus("helen", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {"annotation/4.txt": "bad_label"}
