"""Files of landmarks: both kinds of `.pts`, and lines of numbers."""

from __future__ import annotations

import struct

import pytest

from pipelines.corpora.readers.points import points_of_counted, points_of_lines, points_of_pts


def test_text_kind_of_pts_is_read_between_its_braces() -> None:
    text = b"version: 1\nn_points:  2\n{\n115.167660 220.807529\n116.164839 245.721357\n}\n"
    assert points_of_pts(text, 2) == [(115.16766, 220.807529), (116.164839, 245.721357)]


def test_binary_kind_of_pts_is_read_after_its_first_number() -> None:
    assert points_of_pts(struct.pack("<i4f", 7, 1, 2.5, 3, 4), 2) == [(1, 2.5), (3, 4)]


@pytest.mark.parametrize("line", ["1 , 2", "1,2", "1 2", "  1\t2  ", "1.0 ,2e0"])
def test_points_are_parted_by_comma_or_spaces(line: str) -> None:
    assert points_of_lines([line], 1) == [(1, 2)]


@pytest.mark.parametrize("line", ["1", "1 2 3", "one two", "1 , ", "inf 2"])
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        points_of_lines([line], 1)


@pytest.mark.parametrize("data", [b"", b"version: 1\nn_points: 2\n1 2\n3 4", b"\0" * 19, b"\0" * 24])
def test_other_pts_files_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="expected"):
        points_of_pts(data, 2)


def test_first_line_must_be_the_count() -> None:
    assert points_of_counted(b"1\n1.5 2\n", 1) == [(1.5, 2)]
    with pytest.raises(ValueError, match="expected 1 in the first line"):
        points_of_counted(b"2\n1.5 2\n", 1)
