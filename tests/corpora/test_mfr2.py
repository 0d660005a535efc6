"""MFR2: names and lines of the label file as public readers of both have them."""

from __future__ import annotations

import json

from corpora.miniature import Miniature, lay, list_corpus, picture

LABELS = "JaneDoe, 1, surgical-blue\nJaneDoe, 2, no-mask\nJohn_Q_Public, 12, cloth\n"
MINIATURE = Miniature(
    corpus="mfr2",
    files={
        "mfr2/JaneDoe/JaneDoe_0001.png": picture(1, suffix=".png"),
        "mfr2/JaneDoe/JaneDoe_0002.png": picture(2, suffix=".png"),
        "mfr2/John_Q_Public/John_Q_Public_0012.png": picture(3, suffix=".png"),
        "mfr2/mfr2_labels.txt": LABELS.encode(),
        "mfr2/pairs.txt": b"JaneDoe\t1\t2\nJaneDoe\t1\tJohn_Q_Public\t12\n",
    },
    splits={"": 3},
    annotations=("mfr2/mfr2_labels.txt",),
    labelled=True,
)


def listed(tmp_path, labels=LABELS):
    files = dict(MINIATURE.files) | {"mfr2/mfr2_labels.txt": labels.encode()}
    return list_corpus("mfr2", lay(tmp_path / "c", files), tmp_path / "i")


def test_kind_of_mask_is_kept(tmp_path):
    found = listed(tmp_path)
    said = [json.loads(found.named(f"JaneDoe_000{number}.png").labels) for number in (1, 2)]
    assert said == [{"mask": "correct", "mask_type": "surgical-blue"}, {"mask": "none"}]


def test_person_is_an_identity_and_nothing_else(tmp_path):
    found = listed(tmp_path)
    first, second, third = (location.identity for location in found.good)
    assert first == second != third
    assert found.source.public_uri(found.good[2].uri) == "mfr2/~/~_0012.png"


def test_malformed_line_is_counted_and_its_picture_has_no_label(tmp_path):
    found = listed(tmp_path, LABELS.replace("JaneDoe, 2, no-mask", "JaneDoe 2"))
    assert found.reasons == {
        "mfr2/JaneDoe/JaneDoe_0002.png": "no_label",
        "mfr2/mfr2_labels.txt#2": "bad_label",
    }
