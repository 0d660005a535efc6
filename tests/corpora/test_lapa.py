"""LaPa: three folders of pictures, label maps and landmarks, in folders that are the splits."""

from __future__ import annotations

import json

import pytest
from corpora.miniature import Miniature, label_map, lay, list_corpus, picture

from pipelines.labels import guide_of

NAMES = {"train": ["10009865324_0", "HELEN_137346980_1_5"], "val": ["115769026_0"], "test": ["167007578_2"]}


def landmarks(count: int = 106) -> bytes:
    return (f"{count}\n" + "".join(f"{step}.000000 {2 * step}.500000\n" for step in range(count))).encode()


PATHS = [(split, name) for split, names in NAMES.items() for name in names]
MINIATURE = Miniature(
    corpus="lapa",
    files={f"LaPa/{split}/images/{name}.jpg": picture(number) for number, (split, name) in enumerate(PATHS)}
    | {f"LaPa/{split}/labels/{name}.png": label_map(list(range(11))) for split, name in PATHS}
    | {f"LaPa/{split}/landmarks/{name}.txt": landmarks() for split, name in PATHS},
    splits={"train": 2, "val": 1, "test": 1},
    annotations=tuple(f"LaPa/{split}/landmarks/{name}.txt" for split, name in PATHS[:2]),
    labelled=True,
    packs={"LaPa.tar.gz": ("LaPa/",)},
)


@pytest.fixture
def found(tmp_path):
    return list_corpus("lapa", lay(tmp_path / "c", MINIATURE.files), tmp_path / "i")


def test_five_points_are_means_of_the_eyes_the_tip_of_the_nose_and_the_corners_of_the_mouth(found):
    (face,) = json.loads(found.good[0].faces)
    assert face["five"] == [[x, 2 * x + 0.5] for x in (69.5, 78.5, 54, 84, 90)]


def test_label_map_belongs_to_the_picture(found):
    guide = guide_of(json.loads(found.named("train/images/10009865324_0.jpg").guides)["parsing"])
    assert guide.scheme == "lapa-11"
    assert found.read(guide.files[""]) == MINIATURE.files["LaPa/train/labels/10009865324_0.png"]


def test_picture_without_label_map_is_kept_and_noted(tmp_path):
    files = {name: data for name, data in MINIATURE.files.items() if name != "LaPa/val/labels/115769026_0.png"}
    found = list_corpus("lapa", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.named("115769026_0.jpg").guides == "{}"
    assert any(note.startswith("1 of 4 pictures") and note.endswith("label map") for note in found.notes)


@pytest.mark.parametrize("data", [landmarks(105), b"105\n" + landmarks()[4:], b"\xff\xfe", b"106\n1 2\nnan 3\n"])
def test_landmarks_that_are_not_106_cost_their_picture_only(data, tmp_path):
    files = dict(MINIATURE.files) | {"LaPa/test/landmarks/167007578_2.txt": data}
    found = list_corpus("lapa", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {"LaPa/test/images/167007578_2.jpg": "bad_label"}
