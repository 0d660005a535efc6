"""AFAD: a folder per age, in it 111 for men and 112 for women."""

from __future__ import annotations

import json

import pytest
from corpora.miniature import Miniature, lay, list_corpus, picture

from pipelines.errors import RecipeError

MINIATURE = Miniature(
    corpus="afad",
    files={
        "AFAD-Full/15/111/638660-1.jpg": picture(1, 90, 90),
        "AFAD-Full/15/112/109318-0.jpg": picture(2, 90, 90),
        "AFAD-Full/72/112/109318-0.jpg": picture(3, 90, 90),
        "AFAD-Full/README.txt": b"",
    },
    splits={"": 3},
    packs={"AFAD-Full.tar": ("AFAD-Full/",)},
)


def test_folders_give_age_and_sex(tmp_path):
    found = list_corpus("afad", lay(tmp_path / "c", MINIATURE.files), tmp_path / "i")
    assert json.loads(found.named("15/111/638660-1.jpg").labels) == {
        "age": 15, "age_to": 15, "group": "Asian", "group_by": "owner", "sex": "male",
    }  # fmt: skip


def test_a_path_inside_the_set_does_as_well(tmp_path):
    root = lay(tmp_path / "c", MINIATURE.files)
    assert len(list_corpus("afad", root / "AFAD-Full", tmp_path / "i").good) == 3


def test_other_folders_are_counted(tmp_path):
    files = dict(MINIATURE.files) | {"AFAD-Full/15/113/1-0.jpg": picture(4)}
    found = list_corpus("afad", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {"AFAD-Full/15/113/1-0.jpg": "bad_label"}


def test_split_xz_is_refused_with_what_to_do(tmp_path):
    root = lay(tmp_path / "c", {"AFAD-Full.tar.xzaa": b"\xfd7zXZ\0", "AFAD-Full.tar.xzab": b"rest"})
    with pytest.raises(RecipeError, match=r"AFAD-Full\.tar\.xzaa.*tar xJ"):
        list_corpus("afad", root, tmp_path / "i")
