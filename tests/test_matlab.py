"""MATLAB files: what scipy and h5py give, in one form."""

from __future__ import annotations

import io
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from pipelines.matlab import load_array, load_mat, shapes


def old(**variables: Any) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, variables, do_compression=True)
    return buffer.getvalue()


def new(**variables: tuple[np.ndarray, str]) -> bytes:
    """Datasets with MATLAB's name of their class, behind its block of 512 bytes."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=512) as file:
        file.create_group("#refs#")
        for name, (array, kind) in variables.items():
            file.create_dataset(name, data=array).attrs["MATLAB_class"] = np.bytes_(kind)
    return b"MATLAB 7.3 MAT-file".ljust(512, b"\0") + buffer.getvalue()[512:]


def letters(text: str) -> np.ndarray:
    return np.array([[ord(letter)] for letter in text], np.uint16)


def test_nested_structs_are_plain():
    inner = np.array([("a", 1.5)], [("name", object), ("size", object)])
    found = load_mat(old(outer={"inner": inner, "text": "word"}))
    assert found == {"outer": {"inner": {"name": "a", "size": 1.5}, "text": "word"}}


def test_text_and_numbers_of_16_bits_are_told_apart():
    found = load_mat(new(text=(letters("tench"), "char"), depths=(np.array([[7], [8]], np.uint16), "uint16")))
    assert found["text"] == "tench"
    assert found["depths"].tolist() == [7, 8]


def test_what_is_empty_is_empty():
    data = new(empty=(np.array([0, 0], np.uint64), "double"), text=(np.array([0, 0], np.uint64), "char"))
    buffer = io.BytesIO(data)
    with h5py.File(buffer, "r+") as file:
        for node in (file["empty"], file["text"]):
            node.attrs["MATLAB_empty"] = np.uint8(1)
    assert load_mat(buffer.getvalue()) == {"empty": [], "text": []}


@pytest.mark.parametrize("data", [old(a=1, b=2), new(a=(np.ones((1, 1)), "double"), b=(np.ones((1, 1)), "double"))])
def test_only_the_variables_asked_for_are_read(data):
    assert set(load_mat(data, ["a"])) == {"a"}


def test_axes_are_in_the_order_of_matlab_in_both_formats():
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    files = [old(x=array), new(x=(array.T, "uint8"))]
    assert [shapes(data)["x"] for data in files] == [((2, 3, 4), "uint8")] * 2
    assert all((load_array(data, "x") == array).all() for data in files)


def test_open_files_do_as_well_and_stay_open():
    for data in (old(x=np.eye(2)), new(x=(np.eye(2), "double"))):
        stream = io.BytesIO(data)
        assert shapes(stream)["x"][0] == (2, 2)
        assert load_array(stream, "x").tolist() == load_mat(stream)["x"].tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    "data", [b"", b"MATLAB 7.3 MAT-file", b"\x89HDF\r\n\x1a\n", old(x=np.eye(9))[:140], bytes(999)]
)
def test_damage_is_one_kind_of_error(data):
    with pytest.raises(ValueError, match="not a MATLAB file, or damaged"):
        load_mat(data)
