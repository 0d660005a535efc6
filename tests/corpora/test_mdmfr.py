"""MDMFR: the one archive whose name is published, and folders that stand for the others."""

from __future__ import annotations

import json

import pytest
from corpora.miniature import Miniature, lay, list_corpus, picture

from pipelines.errors import RecipeError

MINIATURE = Miniature(
    corpus="mdmfr",
    files={
        "final with mask 1/1.jpg": picture(1),
        "final with mask 1/2.JPG": picture(2),
        "final without mask/1.jpg": picture(3),
        "masked facial recognition/person 7/1.jpg": picture(4),
    },
    splits={"": 4},
)


def listed(tmp_path, files):
    return list_corpus("mdmfr", lay(tmp_path / "c", files), tmp_path / "i")


def test_nearest_folder_that_speaks_of_masks_decides(tmp_path):
    found = listed(tmp_path, {f"Mask dataset/{name}": data for name, data in MINIATURE.files.items()})
    assert {json.loads(location.labels)["mask"] for location in found.good if "without" in location.uri} == {"none"}
    assert {json.loads(location.labels)["mask"] for location in found.good if "without" not in location.uri} == {
        "correct"
    }


def test_folders_for_recognition_are_people(tmp_path):
    found = listed(tmp_path, MINIATURE.files)
    assert [bool(location.identity) for location in found.good] == [False, False, False, True]
    assert found.source.public_uri(found.good[3].uri) == "masked%20facial%20recognition/~/1.jpg"


def test_pictures_beside_these_folders_have_no_label(tmp_path):
    found = listed(tmp_path, dict(MINIATURE.files) | {"samples/1.jpg": picture(9)})
    assert found.reasons == {"samples/1.jpg": "no_label"}


def test_folders_that_say_nothing_of_masks_are_refused(tmp_path):
    with pytest.raises(RecipeError, match="no folder says whether a mask is worn"):
        listed(tmp_path, {"holiday/1.jpg": picture(1)})
