"""PWMFD: the three classes as its annotations have them; its folders are not documented, these stand for them."""

from __future__ import annotations

import json

import pytest
from corpora.miniature import Miniature, lay, list_corpus, picture

from pipelines.errors import RecipeError


def xml(name: str, *objects: tuple[str, int, int, int, int]) -> bytes:
    # The class comes first and its box second, which is all that public readers of these files rely on.
    things = "".join(
        f"<object><name>{kind}</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax></bndbox>"
        "</object>"
        for kind, a, b, c, d in objects
    )
    return f"<annotation><filename>{name}.jpg</filename>{things}</annotation>".encode()


MINIATURE = Miniature(
    corpus="pwmfd",
    files={
        "train/images/000001.jpg": picture(1),
        "train/images/000002.jpg": picture(2),
        "train/labels/000001.xml": xml("000001", ("with_mask", 1, 1, 9, 9), ("with_mask", 11, 1, 19, 9)),
        "train/labels/000002.xml": xml("000002", ("incorrect_mask", 1, 1, 9, 9)),
        "val/images/000001.jpg": picture(3),
        "val/labels/000001.xml": xml("000001", ("without_mask", 2, 3, 9, 9)),
    },
    splits={"train": 2, "val": 1},
    annotations=("train/labels/000001.xml",),
    labelled=True,
)


def test_same_name_in_both_splits_is_two_pictures(tmp_path):
    found = list_corpus("pwmfd", lay(tmp_path / "c", MINIATURE.files), tmp_path / "i")
    first, second = (json.loads(found.named(f"{split}/images/000001.jpg").labels) for split in ("train", "val"))
    assert first == {"mask": "correct", "num_faces": 2}
    assert second == {"mask": "none", "num_faces": 1}


def test_pictures_without_any_annotation_are_not_this_corpus(tmp_path):
    with pytest.raises(RecipeError, match="no annotation such as"):
        list_corpus("pwmfd", lay(tmp_path / "c", {"train/images/000001.jpg": picture(1)}), tmp_path / "i")
