"""BUPT-Balancedface: race_per_7000, a folder per group and in it one per person."""

from __future__ import annotations

import json

from corpora.miniature import Miniature, lay, list_corpus, picture

MINIATURE = Miniature(
    corpus="bupt-balancedface",
    files={
        "race_per_7000/African/m.01b5h9/000001_00@en.jpg": picture(1),
        "race_per_7000/Asian/m.010m66/000001_00@en.jpg": picture(2),
        "race_per_7000/Asian/m.010m66/000002_00@en.jpg": picture(3, 30, 34),
        "race_per_7000/Caucasian/m.02/000001_00@en.jpg": picture(4),
        "race_per_7000/Indian/m.03/000001_00@en.jpg": picture(5),
    },
    splits={"": 5},
    packs={"Equalizedface.tar.gz": ("race_per_7000/",)},
)


def test_folders_give_group_and_identity(tmp_path):
    found = list_corpus("bupt-balancedface", lay(tmp_path / "c", MINIATURE.files), tmp_path / "i")
    first, second = (found.named(f"Asian/m.010m66/00000{number}_00@en.jpg") for number in (1, 2))
    assert json.loads(first.labels) == {"group": "Asian", "group_by": "folder"}
    assert first.identity == second.identity != found.named("m.02/000001_00@en.jpg").identity
