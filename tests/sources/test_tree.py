"""One tree over folders and archives: streams of files, and archives that cannot be read."""

from __future__ import annotations

import io
import zipfile

import pytest
from corpora.miniature import lay, parts_of, tar_of, zip_of

from pipelines.errors import BadPicture, RecipeError
from pipelines.sources.base import Listing
from pipelines.sources.tree import Download, Tree


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


class TestDownload:
    """What a path names: a folder, or one archive."""

    @pytest.fixture
    def here(self, tmp_path):
        files = {"a.zip": zip_of({"a.jpg": b"a", "in.txt": b"i"}), "b.tar": tar_of({"b.jpg": b"b"})}
        files |= parts_of("c.zip", zip_of({"c.jpg": b"c"}), 2) | {"list.txt": b"l", "loose.jpg": b"x"}
        files |= {"below/more.txt": b"m", "below/d.zip": files["a.zip"], "folder.zip/e.jpg": b"e", "notes": b"n"}
        return lay(tmp_path / "c", files)

    @pytest.mark.parametrize(
        ("name", "pictures", "texts"),
        [
            ("a.zip", ["a.zip!/a.jpg"], ["a.zip!/in.txt", "list.txt", "notes"]),
            ("b.tar", ["b.tar!/b.jpg"], ["list.txt", "notes"]),
            ("c.zip.001", ["c.zip!/c.jpg"], ["list.txt", "notes"]),
            ("c.zip.002", ["c.zip!/c.jpg"], ["list.txt", "notes"]),
            ("folder.zip", ["e.jpg"], []),
            ("below", ["d.zip!/a.jpg"], ["d.zip!/in.txt", "more.txt"]),
        ],
    )
    def test_tree_of_an_archive_is_the_archive_and_the_texts_beside_it(self, here, name, pictures, texts):
        download = Download.at(here / name)
        download.check()
        with Tree(download, Listing(here)) as tree:
            assert [entry.path for entry in tree.pictures()] == pictures
            assert sorted(entry.path for entry in tree.others()) == texts
            assert [len(tree.read(entry)) for entry in tree.pictures()] == [1] * len(pictures)

    def test_split_zip_is_taken_whole_by_its_last_part(self, tmp_path):
        lay(tmp_path, {"x.z01": b"PK\x07\x08", "x.zip": b"", "x.zip.001": b""})
        with Tree(Download.at(tmp_path / "x.zip"), Listing(tmp_path)) as tree:
            (broken,) = tree.broken()
        assert broken.location.file == "x.z01|x.zip"

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("missing.zip", "no archive '.*missing.zip'"),
            ("missing.7z.001", "no archive '.*missing.7z.001'"),
            ("missing", "no folder '.*missing'"),
            ("notes", "neither a folder nor an archive that is read .*7z"),
            ("loose.jpg", "neither a folder nor an archive"),
        ],
    )
    def test_what_is_no_download_is_told(self, here, name, said):
        with pytest.raises(RecipeError, match=said):
            Download.at(here / name).check()
