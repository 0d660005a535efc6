"""MeGlass: names and lines as in its repository's meta.txt."""

from __future__ import annotations

import json

import pytest
from corpora.miniature import Miniature, lay, list_corpus, picture

NAMES = [
    "10032527@N08_identity_4@2582182573_0.jpg",
    "10032527@N08_identity_4@2589966003_0.jpg",
    "10032527@N08_identity_7@2582182573_1.jpg",
]
META = "".join(f"{name} {worn}\n" for name, worn in zip(NAMES, "010", strict=True))
MINIATURES = [
    Miniature(
        corpus="meglass",
        files={f"{folder}/{name}": picture(number) for number, name in enumerate(NAMES)} | {"meta.txt": META.encode()},
        splits={"": 3},
        options=options,
        annotations=("meta.txt",),
        labelled=True,
    )
    for folder, options in (("MeGlass_120x120", {}), ("MeGlass_ori", {"original": True}))
]
MINIATURE, ORIGINAL = MINIATURES


@pytest.fixture
def found(tmp_path):
    return list_corpus("meglass", lay(tmp_path / "c", dict(MINIATURE.files) | dict(ORIGINAL.files)), tmp_path / "i")


def test_glasses_are_told(found):
    assert [json.loads(location.labels)["glasses"] for location in found.good] == ["none", "eyeglasses", "none"]


def test_person_is_what_comes_before_the_second_at_sign(found):
    first, second, other = (location.identity for location in found.good)
    assert first == second != other


def test_one_of_the_two_sizes_is_read(found):
    assert {location.file.partition("/")[0] for location in found.good} == {"MeGlass_120x120"}


def test_line_without_a_code_is_counted(tmp_path):
    files = dict(MINIATURE.files) | {"meta.txt": META.encode() + f"{NAMES[0]}\n".encode()}
    found = list_corpus("meglass", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {"meta.txt#4": "bad_label"}
