"""RFW: test/data and test/txts as in its tar.gz; lines of landmarks hold path, number and five points by tabs."""

from __future__ import annotations

import json

import pytest
from corpora.miniature import Miniature, lay, list_corpus, picture

GROUPS = ("African", "Asian", "Caucasian", "Indian")
POINTS = [130.5, 170, 260, 170.25, 195, 250, 145, 310, 250, 311]


def line(group: str, number: int) -> str:
    fields = "\t".join(map(str, POINTS))
    return f"/test/data/{group}/m.0{group}/m.0{group}_000{number}.jpg\t0\t{fields}\n"


FILES = {
    f"test/data/{group}/m.0{group}/m.0{group}_000{number}.jpg": picture(10 * place + number)
    for place, group in enumerate(GROUPS)
    for number in (1, 2)
}
FILES |= {f"test/txts/{group}/{group}_lmk.txt": (line(group, 1) + line(group, 2)).encode() for group in GROUPS}
FILES |= {f"test/txts/{group}/{group}_people.txt": f"m.0{group}\t2\n".encode() for group in GROUPS}

MINIATURE = Miniature(
    corpus="rfw",
    files=FILES,
    splits={"test": 8},
    annotations=tuple(f"test/txts/{group}/{group}_lmk.txt" for group in GROUPS),
    labelled=True,
    packs={"test.tar.gz": ("test/",)},
)


@pytest.fixture
def found(tmp_path):
    return list_corpus("rfw", lay(tmp_path / "c", FILES), tmp_path / "i")


def test_group_comes_from_the_folder(found):
    assert json.loads(found.named("m.0Asian_0001.jpg").labels) == {"group": "Asian", "group_by": "folder"}


def test_five_points_are_read(found):
    (face,) = json.loads(found.named("m.0Indian_0002.jpg").faces)
    assert face["five"] == [[130.5, 170], [260, 170.25], [195, 250], [145, 310], [250, 311]]


def test_people_are_identities(found):
    one, same = (found.named(f"m.0Asian_000{number}.jpg").identity for number in (1, 2))
    assert one == same != found.named("m.0African_0001.jpg").identity


@pytest.mark.parametrize("bad", ["1 2 3", "a b c d e f g h i j", "1 2 3 4 5 6 7 8 9 nan"])
def test_bad_points_cost_their_own_picture(tmp_path, bad):
    text = "test/data/Asian/m.0Asian/m.0Asian_0001.jpg 0 " + bad + "\n" + line("Asian", 2)
    found = list_corpus(
        "rfw", lay(tmp_path / "c", FILES | {"test/txts/Asian/Asian_lmk.txt": text.encode()}), tmp_path / "i"
    )
    assert found.reasons == {"test/data/Asian/m.0Asian/m.0Asian_0001.jpg": "bad_label"}


def test_picture_without_a_line_is_counted(tmp_path):
    found = list_corpus(
        "rfw", lay(tmp_path / "c", FILES | {"test/txts/Asian/Asian_lmk.txt": line("Asian", 2).encode()}), tmp_path / "i"
    )
    assert found.reasons == {"test/data/Asian/m.0Asian/m.0Asian_0001.jpg": "no_label"}


def test_without_one_groups_landmarks_its_pictures_stay(tmp_path):
    files = {name: data for name, data in FILES.items() if not name.endswith("Asian_lmk.txt")}
    found = list_corpus("rfw", lay(tmp_path / "c", files), tmp_path / "i")
    assert len(found.good) == 8
    assert any("Asian_lmk.txt" in note for note in found.notes)
