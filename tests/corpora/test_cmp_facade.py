"""CMP Facade: two zips, for each picture a JPEG, a label map with a palette and an XML file of rectangles."""

from __future__ import annotations

import json

from corpora.miniature import Miniature, label_map, lay, list_corpus, picture

BASE, EXTENDED = ["base/cmp_b0001", "base/cmp_b0002"], ["extended/cmp_x0001"]

MINIATURE = Miniature(
    corpus="cmp-facade",
    files={f"{name}.jpg": picture(number) for number, name in enumerate(BASE + EXTENDED)}
    | {f"{name}.png": label_map([1, 2, 3, 12]) for name in BASE + EXTENDED}
    | {f"{name}.xml": b"<object><labelname>window</labelname></object>" for name in BASE + EXTENDED},
    splits={"": 3},
    packs={"CMP_facade_DB_base.zip": ("base/",), "CMP_facade_DB_extended.zip": ("extended/",)},
)


def test_label_map_is_a_guide_and_no_picture(tmp_path):
    found = list_corpus("cmp-facade", lay(tmp_path / "c", MINIATURE.files), tmp_path / "i")
    guide = json.loads(found.named("cmp_b0001.jpg").guides)["segments"]
    assert guide["scheme"] == "cmp-facade"
    assert guide["files"][""]["uri"] == "base/cmp_b0001.png"


def test_map_without_picture_is_counted(tmp_path):
    files = {name: data for name, data in MINIATURE.files.items() if name != "base/cmp_b0002.jpg"}
    found = list_corpus("cmp-facade", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {"cmp_b0002.png": "no_picture"}


def test_picture_without_map_is_kept_and_noted(tmp_path):
    files = {name: data for name, data in MINIATURE.files.items() if name != "base/cmp_b0002.png"}
    found = list_corpus("cmp-facade", lay(tmp_path / "c", files), tmp_path / "i")
    assert len(found.good) == 3
    assert any("1 of 3" in note for note in found.notes)
