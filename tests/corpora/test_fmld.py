"""FMLD: XML, lists and paths as the owner's own scripts read them, joined to MAFA and WIDER FACE."""

from __future__ import annotations

import json

import pytest
from corpora.miniature import Miniature, lay, list_corpus, picture, zip_of

from pipelines.errors import RecipeError

ONE, TWO, TESTED = "train_00000001", "train_00000002", "test_00000001"
PARADE, FUNERAL = "0_Parade_Parade_0_1019", "6_Funeral_Funeral_6_315"


def face(name: str, gender: str, ethnicity: str, pose: str = "front", difficult: int = 0, left: int = 5) -> str:
    return (
        f"<object><name>{name}</name><gender>{gender}</gender><ethnicity>{ethnicity}</ethnicity><pose>{pose}</pose>"
        f"<truncated>0</truncated><difficult>{difficult}</difficult><bndbox><xmin>{left}</xmin><ymin>6</ymin>"
        "<xmax>20</xmax><ymax>26</ymax></bndbox></object>"
    )


def xml(name: str, database: str, path: str, *faces: str) -> bytes:
    folder = "test" if "test" in path or "val" in path else "train"
    return (
        f"<annotation><folder>{folder}</folder><filename>{name}.jpg</filename><path>{path}</path><source><database>"
        f"{database}</database></source><size><width>40</width><height>48</height><depth>3</depth></size>"
        f"{''.join(faces)}</annotation>"
    ).encode()


MAFA = {
    f"train-images/images/{ONE}.jpg": picture(1),
    f"train-images/images/{TWO}.jpg": picture(2),
    f"test-images/images/{TESTED}.jpg": picture(3),
}
WIDER = {
    f"WIDER_train/images/0--Parade/{PARADE}.jpg": picture(4),
    f"WIDER_val/images/6--Funeral/{FUNERAL}.jpg": picture(5),
}
FMLD = {
    f"FMLD_annotations/train/{ONE}.xml": xml(
        ONE, "MAFA", f"train-images/{ONE}.jpg", face("masked_face", "female", "asian")
    ),
    f"FMLD_annotations/train/{TWO}.xml": xml(
        TWO,
        "MAFA",
        f"train-images/{TWO}.jpg",
        face("incorrectly_masked_face", "male", "asian", "turned_sideways"),
        face("masked_face", "unspecified", "asian", "unspecified", 1),
        face("invalid_face", "unspecified", "unspecified", "unspecified", 1),
    ),
    f"FMLD_annotations/test/{TESTED}.xml": xml(
        TESTED, "MAFA", f"test-images/{TESTED}.jpg", face("masked_face", "male", "white")
    ),
    f"FMLD_annotations/train/{PARADE}.xml": xml(
        PARADE, "WIDER", f"WIDER_train/images/0--Parade/{PARADE}.jpg", face("unmasked_face", "male", "black")
    ),
    f"FMLD_annotations/test/{FUNERAL}.xml": xml(
        FUNERAL, "WIDER", f"WIDER_val/images/6--Funeral/{FUNERAL}.jpg", face("unmasked_face", "female", "white")
    ),
    "MAFA_training.txt": f"train-images/{ONE}.jpg\ntrain-images/{TWO}.jpg\n".encode(),
    "MAFA_testing.txt": f"test-images/{TESTED}.jpg\n".encode(),
    "Wider_training.txt": f"WIDER_train/images/0--Parade/{PARADE}.jpg\n".encode(),
    "Wider_testing.txt": f"WIDER_val/images/6--Funeral/{FUNERAL}.jpg\n".encode(),
}
MINIATURE = Miniature(
    corpus="fmld",
    files=FMLD | MAFA | WIDER,
    splits={"train": 3, "test": 2},
    annotations=(
        "MAFA_training.txt", "MAFA_testing.txt", "Wider_training.txt", "Wider_testing.txt",
        f"FMLD_annotations/train/{ONE}.xml",
    ),
    labelled=True,
)  # fmt: skip


@pytest.fixture
def apart(tmp_path):
    """The three corpora in three places, MAFA packed."""
    lay(tmp_path / "fmld", FMLD)
    lay(tmp_path / "mafa", {"train-images.zip": zip_of({name: MAFA[name] for name in list(MAFA)[:2]})})
    lay(tmp_path / "mafa", dict(list(MAFA.items())[2:]))
    lay(tmp_path / "wider", WIDER | {"WIDER_train/images/0--Parade/0_Parade_Parade_0_9.jpg": picture(9)})
    return tmp_path


def listed(folder, **options):
    places = {name: str(folder / place) for name, place in options.items()}
    return list_corpus("fmld", folder / "fmld", folder / "i", **places)


def test_pictures_are_read_where_the_two_corpora_lie(apart):
    found = listed(apart, mafa="mafa", wider_face="wider")
    assert found.reasons == {}
    assert {location.root for location in found.good} == {"mafa", "wider_face"}
    assert found.read(found.named(f"{ONE}.jpg")) == MAFA[f"train-images/images/{ONE}.jpg"]
    assert found.read(found.named(f"{FUNERAL}.jpg")) == WIDER[f"WIDER_val/images/6--Funeral/{FUNERAL}.jpg"]


def test_pictures_that_fmld_does_not_annotate_are_passed_over(apart):
    found = listed(apart, mafa="mafa", wider_face="wider")
    assert len(found.good) == 5
    assert found.ignored["(not in FMLD)"] == 1


def test_one_of_the_two_corpora_is_enough(apart):
    found = listed(apart, mafa="mafa")
    assert (len(found.good), found.reasons) == (3, {})
    assert any("say wider_face: PATH" in note for note in found.notes)


def test_an_option_that_names_the_wrong_folder_is_refused(apart):
    with pytest.raises(RecipeError, match="option mafa: .*train-images/images/train_00000001.jpg"):
        listed(apart, mafa="wider")


def test_without_annotations_it_is_not_this_corpus(tmp_path):
    with pytest.raises(RecipeError, match="no FMLD_annotations/train"):
        list_corpus("fmld", lay(tmp_path / "c", MAFA), tmp_path / "i")


def test_labels_are_in_normal_form(apart):
    found = listed(apart, mafa="mafa")
    assert json.loads(found.named(f"{ONE}.jpg").labels) == {
        "difficult": False, "group": "asian", "group_by": "annotators", "mask": "correct", "num_faces": 1,
        "pose": "front", "sex": "female", "truncated": False,
    }  # fmt: skip


def test_a_picture_says_only_what_all_its_valid_faces_say(apart):
    found = listed(apart, mafa="mafa").named(f"{TWO}.jpg")
    assert json.loads(found.labels) == {
        "group": "asian", "group_by": "annotators", "num_faces": 3, "truncated": False,
    }  # fmt: skip
    assert [each["labels"].get("mask") for each in json.loads(found.faces)] == ["incorrect", "correct", None]


def test_a_picture_of_the_lists_without_annotation_is_counted(apart):
    (apart / "fmld/FMLD_annotations/train" / f"{ONE}.xml").unlink()
    assert listed(apart, mafa="mafa").reasons == {f"mafa/train-images.zip!/train-images/images/{ONE}.jpg": "no_label"}


def test_a_malformed_annotation_costs_its_own_picture_only(apart):
    (apart / "fmld/FMLD_annotations/test" / f"{TESTED}.xml").write_bytes(b"<annotation><object>")
    assert listed(apart, mafa="mafa").reasons == {f"mafa/test-images/images/{TESTED}.jpg": "bad_label"}
