"""MAFA: MATLAB files with the variables, fields and numbers that its readme-train.txt and readme-test.txt state."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from corpora.miniature import Miniature, lay, list_corpus, picture
from scipy.io import savemat

from pipelines.errors import RecipeError

FACE = [10, 12, 20, 24, 15, 18, 24, 18]
OCCLUDER = [3, 9, 14, 15, 1, 3, 1, 1, 4]
NO_GLASSES = [-1, -1, -1, -1]


def mat(variable: str, fields: list[tuple[str, object]], rows: list[tuple[object, ...]]) -> bytes:
    array = np.empty((1, len(rows)), [(name, object) for name, _ in fields])
    for place, row in enumerate(rows):
        array[0, place] = row
    buffer = io.BytesIO()
    savemat(buffer, {variable: array})
    return buffer.getvalue()


def train(*rows: tuple[str, list[list[int]]]) -> bytes:
    made = [(f"add_{name}", name, np.array(label, np.int16)) for name, label in rows]
    return mat("label_train", [("orgName", str), ("imgName", str), ("label", object)], made)


def label_test(*rows: tuple[str, list[list[int]]]) -> bytes:
    return mat("LabelTest", [("name", str), ("label", object)], [(name, np.array(label)) for name, label in rows])


ONE, TWO, TESTED = "train_00000001.jpg", "train_00000002.jpg", "test_00000001.jpg"
TRAIN = train((ONE, [FACE + OCCLUDER + NO_GLASSES]), (TWO, [FACE + OCCLUDER + [2, 3, 10, 4]] * 2))
TEST = label_test(
    (TESTED, [[10, 12, 20, 24, 1, *OCCLUDER, *NO_GLASSES], [1, 2, 5, 5, 3, *[-1] * 9, *NO_GLASSES]]),
    ("test_00000002.jpg", [[10, 12, 20, 24, 2, *[-1] * 9, *NO_GLASSES]]),
)

MINIATURE = Miniature(
    corpus="mafa",
    files={
        f"train-images/images/{ONE}": picture(1),
        f"train-images/images/{TWO}": picture(2),
        f"test-images/images/{TESTED}": picture(3),
        "test-images/images/test_00000002.jpg": picture(4),
        "MAFA-Label-Train/LabelTrainAll.mat": TRAIN,
        "MAFA-Label-Test/LabelTestAll.mat": TEST,
        "MAFA-Label-Test/readme-test.txt": b"",
    },
    splits={"train": 2, "test": 2},
    annotations=("MAFA-Label-Train/LabelTrainAll.mat", "MAFA-Label-Test/LabelTestAll.mat"),
    labelled=True,
)


def listed(tmp_path, **changed):
    files = dict(MINIATURE.files)
    files |= {f"MAFA-Label-{part}/Label{part}All.mat": data for part, data in changed.items()}
    return list_corpus("mafa", lay(tmp_path / "c", files), tmp_path / "i")


def test_occluder_and_glasses_are_in_pixels_of_the_picture(tmp_path):
    (face,) = json.loads(listed(tmp_path).named(ONE).faces)
    assert (face["box"], face["points"]) == ([10, 12, 20, 24], [[15, 18], [24, 18]])
    assert face["boxes"] == {"occluder": [13, 21, 14, 15]}
    assert json.loads(listed(tmp_path).named(TWO).faces)[0]["boxes"]["glasses"] == [12, 15, 10, 4]


def test_masked_means_any_occluder(tmp_path):
    (face,) = json.loads(listed(tmp_path).named(ONE).faces)
    assert face["labels"] == {
        "gender_code": 1, "mask": "other", "occluded_parts": 3, "occluder": "simple", "pose": "right_frontal",
        "race_code": 1,
    }  # fmt: skip


def test_invalid_faces_do_not_speak_for_the_picture(tmp_path):
    found = listed(tmp_path)
    assert json.loads(found.named(TESTED).labels)["mask"] == "other"
    assert json.loads(found.named(TESTED).faces)[1]["labels"] == {"invalid": True}
    assert json.loads(found.named("test_00000002.jpg").labels)["mask"] == "none"


def test_a_face_with_too_few_numbers_costs_its_own_picture_only(tmp_path):
    spoilt = train((ONE, [FACE + OCCLUDER]), (TWO, [FACE + OCCLUDER + NO_GLASSES]))
    assert listed(tmp_path, Train=spoilt).reasons == {f"train-images/images/{ONE}": "bad_label"}


def test_one_picture_alone_is_read_too(tmp_path):
    found = listed(tmp_path, Train=train((ONE, [FACE + OCCLUDER + NO_GLASSES])))
    assert found.reasons == {f"train-images/images/{TWO}": "no_label"}


def test_another_variable_is_named(tmp_path):
    with pytest.raises(RecipeError, match=r"LabelTrainAll\.mat.*expected the variable label_train"):
        listed(tmp_path, Train=TEST)
