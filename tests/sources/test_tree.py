"""One tree over folders and archives: streams of files, and archives that cannot be read."""

from __future__ import annotations

import io
import zipfile

import pytest

from pipelines.errors import BadPicture
from pipelines.sources.base import Listing
from pipelines.sources.tree import Tree


def zipped(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


@pytest.fixture
def tree(tmp_path):
    with Tree(tmp_path, Listing(tmp_path)) as tree:
        yield tree


def test_file_is_streamed_wherever_it_lies(tree, tmp_path):
    (tmp_path / "a.json").write_bytes(b"{}")
    (tmp_path / "b.zip").write_bytes(zipped("b.json", b"[]"))
    found = []
    for entry in tree.others():
        with tree.open(entry) as stream:
            found.append(stream.read())
    assert found == [b"{}", b"[]"]


def test_file_that_is_gone_is_no_stream(tree, tmp_path):
    (tmp_path / "a.json").write_bytes(b"{}")
    (tmp_path / "other.txt").write_bytes(b"")
    entry = tree.find("a.json")
    (tmp_path / "a.json").unlink()
    with pytest.raises(BadPicture):
        tree.open(entry)


def test_archive_that_is_cut_is_known(tree, tmp_path):
    (tmp_path / "good.zip").write_bytes(zipped("a.jpg", b"x"))
    (tmp_path / "cut.zip").write_bytes(zipped("b.jpg", b"x" * 100)[:60])
    assert [entry.path for entry in tree.pictures() if not entry.location.reason] == ["good.zip!/a.jpg"]
    assert [(entry.location.uri, entry.location.reason) for entry in tree.broken()] == [("cut.zip", "archive_broken")]
