"""AFD: a folder per person, in two parts (the names of the parts' folders are not known for certain)."""

from __future__ import annotations

import json

from corpora.miniature import Miniature, lay, list_corpus, picture

MINIATURE = Miniature(
    corpus="afd",
    files={
        "part1/1/1.jpg": picture(1),
        "part1/1/2.jpg": picture(2),
        "part1/2/1.jpg": picture(3),
        "part2/1664/1.png": picture(4, suffix=".png"),
    },
    splits={"": 4},
)


def test_folders_give_identities_and_the_owner_the_group(tmp_path):
    found = list_corpus("afd", lay(tmp_path / "c", MINIATURE.files), tmp_path / "i")
    first, second, other = (found.named(name).identity for name in ("1/1/1.jpg", "1/1/2.jpg", "1/2/1.jpg"))
    assert first == second != other
    assert json.loads(found.good[0].labels) == {"group": "Asian", "group_by": "owner"}
