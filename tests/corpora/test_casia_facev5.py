"""CASIA-FaceV5: five zips of a hundred people, BMP of 16 bits a pixel."""

from __future__ import annotations

import struct

import numpy as np
from corpora.miniature import Miniature, lay, list_corpus, picture

from pipelines.imaging.decode import decode, inspect


def bmp16(seed: int, width: int = 40, height: int = 48) -> bytes:
    """A BMP with five bits per channel, rows from the bottom."""
    pixels = np.random.default_rng(seed).integers(0, 1 << 15, (height, width), np.uint16).astype("<u2").tobytes()
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 16, 0, len(pixels), 2835, 2835, 0, 0)
    return struct.pack("<2sIHHI", b"BM", 54 + len(pixels), 0, 0, 54) + header + pixels


MINIATURE = Miniature(
    corpus="casia-facev5",
    files={
        "CASIA-FaceV5 (000-099)/000/000_0.bmp": bmp16(1),
        "CASIA-FaceV5 (000-099)/000/000_4.bmp": bmp16(2),
        "CASIA-FaceV5 (000-099)/099/099_0.bmp": picture(3, suffix=".bmp"),
        "CASIA-FaceV5 (100-199)/100/100_0.bmp": bmp16(4),
    },
    splits={"": 4},
    packs={f"CASIA-FaceV5 ({part}).zip": (f"CASIA-FaceV5 ({part})/",) for part in ("000-099", "100-199")},
)


def test_folders_give_identities(tmp_path):
    found = list_corpus("casia-facev5", lay(tmp_path / "c", MINIATURE.files), tmp_path / "i")
    first, second, other = (found.named(name).identity for name in ("000_0.bmp", "000_4.bmp", "099_0.bmp"))
    assert first == second != other


def test_pixels_of_sixteen_bits_are_colours(tmp_path):
    found = list_corpus("casia-facev5", lay(tmp_path / "c", MINIATURE.files), tmp_path / "i")
    data = found.read(found.named("000_0.bmp"))
    assert decode(data, inspect(data, max_pixels=10**6))[0].shape == (48, 40, 3)


def test_picture_in_another_persons_folder_is_counted(tmp_path):
    files = dict(MINIATURE.files) | {"CASIA-FaceV5 (000-099)/001/002_0.bmp": picture(5, suffix=".bmp")}
    found = list_corpus("casia-facev5", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {"CASIA-FaceV5 (000-099)/001/002_0.bmp": "bad_label"}


def test_one_broken_zip_of_several_is_counted(tmp_path):
    from corpora.miniature import pack

    packed = pack(MINIATURE.files, MINIATURE.packs)
    name = "CASIA-FaceV5 (000-099).zip"
    found = list_corpus("casia-facev5", lay(tmp_path / "c", packed | {name: packed[name][:99]}), tmp_path / "i")
    assert found.reasons == {name: "archive_broken"}
    assert len(found.good) == 1
