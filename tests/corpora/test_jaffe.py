"""JAFFE: names as KA.AN1.39.tiff, grey TIFF."""

from __future__ import annotations

import json

import cv2
import numpy as np
from corpora.miniature import Miniature, lay, list_corpus


def grey(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 64), np.uint8)
    return bytes(cv2.imencode(".tiff", pixels, [cv2.IMWRITE_TIFF_COMPRESSION, 1])[1])


MINIATURE = Miniature(
    corpus="jaffe",
    files={
        "jaffe/KA.AN1.39.tiff": grey(1),
        "jaffe/KA.NE1.26.tiff": grey(2),
        "jaffe/YM.SU3.60.tiff": grey(3),
        "jaffe/README_FIRST.txt": b"averaged ratings",
    },
    splits={"": 3},
)


def test_names_give_identity_and_expression(tmp_path):
    found = list_corpus("jaffe", lay(tmp_path / "c", MINIATURE.files), tmp_path / "i")
    assert json.loads(found.named("KA.AN1.39.tiff").labels) == {
        "expression": "anger", "group": "Japanese", "group_by": "owner", "sex": "female",
    }  # fmt: skip
    one, same, other = (place.identity for place in found.good)
    assert one == same != other


def test_unknown_expression_is_counted(tmp_path):
    files = dict(MINIATURE.files) | {"jaffe/KA.XX1.99.tiff": grey(4)}
    found = list_corpus("jaffe", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {"jaffe/KA.XX1.99.tiff": "bad_label"}
