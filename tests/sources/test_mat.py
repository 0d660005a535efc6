"""Pictures in MATLAB arrays, of both formats of file, with axes in several orders."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import savemat

from pipelines.errors import BadPicture, RecipeError, SourceVanished
from pipelines.imaging.decode import decode, inspect
from pipelines.sources import mat

PIXELS = np.random.default_rng(3).integers(0, 256, (6, 5, 3, 4), np.uint8)
"""Height, width, channels, number."""


def old(path: Path, compressed: bool = True, **arrays: object) -> Path:
    savemat(path, arrays, do_compression=compressed)
    return path


def new(path: Path, **arrays: NDArray[np.uint8]) -> Path:
    """As MATLAB writes version 7.3: axes in the other order, behind a block of its own."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array.T).attrs["MATLAB_class"] = np.bytes_(str(array.dtype))
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(512, b"\0") + buffer.getvalue()[512:])
    return path


def pixels(data: bytes) -> NDArray[np.uint8]:
    return decode(data, inspect(data, max_pixels=10**6))[0]


@pytest.mark.parametrize("write", [old, new])
@pytest.mark.parametrize("axes", ["HWCN", "NHWC", "WHCN", "CHWN", "NCWH"])
def test_pixels_come_out_as_they_went_in(tmp_path, listed, write, axes):
    order = ["HWCN".index(axis) for axis in axes]
    path = write(tmp_path / "a.mat", images=np.ascontiguousarray(PIXELS.transpose(order)))
    found = listed("mat", path, image="images", axes=axes).read_all()
    assert [pixels(data).tolist() for data in found] == np.moveaxis(PIXELS, -1, 0).tolist()


@pytest.mark.parametrize("write", [old, new])
def test_grey_pictures_have_no_axis_of_channels(tmp_path, listed, write):
    path = write(tmp_path / "a.mat", X=PIXELS[:, :, 0])
    assert (pixels(listed("mat", path, axes="HWN").read_all()[2])[..., 1] == PIXELS[:, :, 0, 2]).all()


def test_uncompressed_variables_are_read(tmp_path, listed):
    assert len(listed("mat", old(tmp_path / "a.mat", compressed=False, X=PIXELS)).read_all()) == 4


def test_labels_are_of_their_pictures(tmp_path, listed):
    found = listed("mat", old(tmp_path / "a.mat", X=PIXELS, y=np.array([[3], [1], [10], [2]])), label="y")
    assert [json.loads(location.labels) for location in found.locations] == [{"y": 3}, {"y": 1}, {"y": 10}, {"y": 2}]


def test_a_file_larger_than_a_picture_may_be_is_no_fault_of_its_pictures(tmp_path, listed):
    path = old(tmp_path / "a.mat", compressed=False, X=PIXELS)
    assert path.stat().st_size > 150
    assert len(listed("mat", path, max_bytes=150).read_all()) == 4


def test_a_picture_over_the_limit_is_too_many_bytes(tmp_path, listed):
    listing = listed("mat", old(tmp_path / "a.mat", X=PIXELS), max_bytes=80)
    with pytest.raises(BadPicture, match="too_many_bytes"):
        listing.read_all()


def test_an_array_is_loaded_once_for_all_its_pictures(tmp_path, listed, monkeypatch):
    loaded = []
    monkeypatch.setattr(mat, "load_array", lambda data, name: loaded.append(name) or PIXELS)
    listing = listed("mat", old(tmp_path / "a.mat", X=PIXELS))
    listing.read_all()
    listing.read_all()
    assert loaded == ["X"]


def test_a_file_that_was_replaced_is_read_anew(tmp_path, listed):
    path = old(tmp_path / "a.mat", X=PIXELS)
    listed("mat", path).read_all()
    old(tmp_path / "b.mat", X=255 - PIXELS).replace(path)
    assert (pixels(listed("mat", path).read_all()[0]) == 255 - PIXELS[..., 0]).all()


def test_uris_are_unique_over_files(tmp_path, listed):
    old(tmp_path / "a.mat", X=PIXELS)
    new(tmp_path / "b.mat", X=PIXELS)
    uris = [location.uri for location in listed("mat", tmp_path / "*.mat").locations]
    assert uris == [f"{name}.mat#{number}" for name in "ab" for number in range(4)]


def test_a_source_that_is_gone_stops_the_run(tmp_path, listed):
    (tmp_path / "source").mkdir()
    listing = listed("mat", old(tmp_path / "source" / "a.mat", X=PIXELS))
    shutil.rmtree(tmp_path / "source")
    with pytest.raises(SourceVanished):
        listing.read_all()


@pytest.mark.parametrize("keep", [0, 100, 160])
def test_rubbish_is_counted(tmp_path, listed, keep):
    path = old(tmp_path / "a.mat", X=PIXELS)
    path.write_bytes(path.read_bytes()[:keep])
    assert list(listed("mat", path).reasons.values()) == ["archive_broken"]


@pytest.mark.parametrize(
    ("options", "arrays", "said"),
    [
        ({"image": "images"}, {"X": PIXELS}, "no variable 'images', there are X"),
        ({}, {"X": PIXELS / 255}, "X must be uint8 of HWCN, found double of 6 x 5 x 3 x 4"),
        ({"axes": "HWN"}, {"X": PIXELS}, "X must be uint8 of HWN, found uint8 of 6 x 5 x 3 x 4"),
        ({"label": "y"}, {"X": PIXELS}, "no variable 'y'"),
        ({"label": "y"}, {"X": PIXELS, "y": np.arange(5)}, "y has 5 numbers for the 4 pictures of X"),
    ],
)
def test_what_the_recipe_says_and_the_file_does_not_is_named(tmp_path, listed, options, arrays, said):
    with pytest.raises(RecipeError, match=said):
        listed("mat", old(tmp_path / "a.mat", **arrays), **options)


def test_axes_that_are_none_are_refused(tmp_path, listed):
    with pytest.raises(ValueError, match="once each, found 'HWCC'"):
        listed("mat", tmp_path / "a.mat", axes="HWCC")
