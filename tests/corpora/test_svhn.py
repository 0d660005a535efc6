"""SVHN: MATLAB 5 arrays in which zero is 10, and full frames with a digitStruct of MATLAB 7.3.

torchvision.datasets.SVHN (source read): it checks MD5 sums, maps 10 to 0 as ours does, holds the whole array, and reads
the cropped form only.
"""

from __future__ import annotations

import io
import json

import h5py
import numpy as np
from corpora.miniature import Miniature, lay, list_corpus, picture
from scipy.io import savemat

from pipelines.imaging.decode import decode, inspect

PIXELS = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 4), np.uint8)


def cropped(digits: list[int], pixels: np.ndarray = PIXELS) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, {"X": pixels[..., : len(digits)], "y": np.array(digits, np.uint8)[:, None]}, do_compression=True)
    return buffer.getvalue()


def digit_struct(frames: dict[str, list[int]]) -> bytes:
    """As MATLAB 7.3 writes it: references to names in 16-bit characters and to groups; a lone number has none."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=512) as file:
        refs, struct = file.create_group("#refs#"), file.create_group("digitStruct")
        names, boxes = [], []
        for number, (name, digits) in enumerate(frames.items()):
            text = refs.create_dataset(f"n{number}", data=np.array([[ord(letter)] for letter in name], np.uint16))
            text.attrs["MATLAB_class"] = np.bytes_("char")
            group = refs.create_group(f"b{number}")
            for field in ("height", "label", "left", "top", "width"):
                values = digits if field == "label" else [10] * len(digits)
                if len(values) == 1:
                    group.create_dataset(field, data=np.array([[values[0]]], float))
                    continue
                each = [
                    refs.create_dataset(f"v{number}{field}{place}", data=np.array([[value]], float))
                    for place, value in enumerate(values)
                ]
                group.create_dataset(field, data=np.array([[one.ref] for one in each], h5py.ref_dtype))
            names.append([text.ref])
            boxes.append([group.ref])
        struct.create_dataset("name", data=np.array(names, h5py.ref_dtype))
        struct.create_dataset("bbox", data=np.array(boxes, h5py.ref_dtype))
    head = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + bytes(8) + b"\0\2IM"
    return head.ljust(512, b"\0") + buffer.getvalue()[512:]


MINIATURES = [
    Miniature(
        corpus="svhn",
        files={"train_32x32.mat": cropped([1, 10, 3]), "test_32x32.mat": cropped([5, 6], PIXELS[..., 2:])},
        splits={"train": 3, "test": 2},
        annotations=("train_32x32.mat", "test_32x32.mat"),
        packs={"svhn.tar": ("train_32x32.mat", "test_32x32.mat")},
    ),
    Miniature(
        corpus="svhn",
        files={f"train/{number}.png": picture(number, suffix=".png") for number in (1, 2)}
        | {f"test/{number}.png": picture(number + 9, suffix=".png") for number in (1, 2)}
        | {
            "train/digitStruct.mat": digit_struct({"1.png": [1, 10], "2.png": [2, 3]}),
            "test/digitStruct.mat": digit_struct({"1.png": [5], "2.png": [2, 1, 10]}),
        },
        splits={"train": 2, "test": 2},
        options={"cropped": False},
        annotations=("train/digitStruct.mat", "test/digitStruct.mat"),
        labelled=True,
        packs={"train.tar.gz": ("train/",), "test.tar.gz": ("test/",)},
    ),
]


def test_zero_is_stored_as_ten(tmp_path):
    found = list_corpus("svhn", lay(tmp_path / "c", MINIATURES[0].files), tmp_path / "i")
    assert [json.loads(location.labels)["digit"] for location in found.good] == [1, 0, 3, 5, 6]


def test_pixels_come_out_as_they_went_in(tmp_path):
    found = list_corpus("svhn", lay(tmp_path / "c", MINIATURES[0].files), tmp_path / "i")
    data = found.read(found.good[1])
    assert np.array_equal(decode(data, inspect(data, max_pixels=10**6))[0], PIXELS[..., 1])


def test_full_frames_have_their_digits(tmp_path):
    found = list_corpus("svhn", lay(tmp_path / "c", MINIATURES[1].files), tmp_path / "i", cropped=False)
    digits = {location.uri: json.loads(location.labels)["digits"] for location in found.good}
    assert digits == {"train/1.png": "10", "train/2.png": "23", "test/1.png": "5", "test/2.png": "210"}


def test_one_picture_in_an_array_loses_its_last_axis(tmp_path):
    files = dict(MINIATURES[0].files) | {"test_32x32.mat": cropped([7])}
    found = list_corpus("svhn", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.splits == {"train": 3, "test": 1}
    assert len(found.read(found.good[-1])) == found.good[-1].size + len(b"P6\n32 32\n255\n")
