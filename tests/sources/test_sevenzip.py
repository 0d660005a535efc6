"""7z archives, whole and in parts: what they hold is listed, and every member reads back."""

from __future__ import annotations

import io
import stat
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import py7zr
import pytest
from corpora.miniature import lay, parts_of, seven_zip_of, tar_of, zip_of

from pipelines.errors import BadPicture, RecipeError
from pipelines.sources.base import Listing
from pipelines.sources.tree import Tree
from tests.sources.conftest import TRICKY, content

NAMES = [name for name in TRICKY if "\udcff" not in name]
"""Names in a 7z archive are Unicode."""
FILES = {name: content(name) for name in NAMES}
METHODS: dict[str, list[dict[str, Any]]] = {
    "copy": [{"id": py7zr.FILTER_COPY}],
    "lzma": [{"id": py7zr.FILTER_LZMA, "preset": 1}],
    "lzma2": [{"id": py7zr.FILTER_LZMA2, "preset": 1}],
    "delta": [{"id": py7zr.FILTER_DELTA, "dist": 3}, {"id": py7zr.FILTER_LZMA2, "preset": 1}],
    "bcj": [{"id": py7zr.FILTER_X86}, {"id": py7zr.FILTER_LZMA2, "preset": 1}],
    "bzip2": [{"id": py7zr.FILTER_BZIP2}],
    "deflate": [{"id": py7zr.FILTER_DEFLATE}],
}


@pytest.mark.parametrize("method", METHODS)
def test_every_name_reads_back_its_bytes(tmp_path, listed, method):
    data = seven_zip_of(FILES | {"notes.txt": b"hello"}, filters=METHODS[method])
    (tmp_path / "a.7z").write_bytes(data)
    listing = listed("7z", tmp_path / "a.7z")
    assert listing.read_all() == list(FILES.values())
    assert listing.ignored == Counter({".txt": 1})


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]])
def test_members_of_several_blocks_are_read_in_any_order(tmp_path, listed, order):
    first, second = ({name: content(name) for name in names} for names in (["a.jpg", "b.jpg"], ["c.jpg", "d.jpg"]))
    (tmp_path / "a.7z").write_bytes(seven_zip_of(first, second))
    listing = listed("7z", tmp_path / "a.7z")
    assert [location.row_group for location in listing.locations] == [0, 0, 1, 1]
    asked = [listing.locations[number] for number in order]
    assert [listing.reader.read(one) for one in asked] == [[*first.values(), *second.values()][n] for n in order]


@pytest.mark.parametrize("named", ["x.7z.001", "x.7z.002", "x.7z.*"])
def test_archive_in_parts_reads_as_one(tmp_path, listed, named):
    lay(tmp_path / "c", parts_of("x.7z", seven_zip_of(FILES), 3) | parts_of("y.7z", b"rubbish", 2))
    listing = listed("7z", tmp_path / "c" / named)
    found = [location for location in listing.locations if location.uri.startswith("x.7z!/")]
    assert [listing.reader.read(location) for location in found] == list(FILES.values())


@pytest.mark.parametrize(
    ("gone", "detail"), [(1, "the parts before 002"), (2, "the part after 001"), (3, "its end is missing")]
)
def test_missing_part_is_told(tmp_path, listed, gone, detail):
    parts = parts_of("x.7z", seven_zip_of(FILES), 3)
    del parts[f"x.7z.{gone:03d}"]
    lay(tmp_path / "c", parts)
    listing = listed("7z", tmp_path / "c" / ("x.7z.002" if gone == 1 else "x.7z.001"))
    assert listing.reasons == {"x.7z": "archive_broken"}
    assert detail in listing.locations[0].detail


def test_other_archives_in_parts_are_read_by_their_first_part_too(tmp_path, listed):
    lay(tmp_path, parts_of("x.zip", zip_of(FILES), 3) | parts_of("x.tar", tar_of(FILES), 2))
    for kind in ("zip", "tar"):
        assert listed(kind, tmp_path / f"x.{kind}.001").read_all() == list(FILES.values())


@pytest.mark.parametrize("keep", [0, 3, 20, 40, 0.5, 0.99])
def test_a_cut_archive_is_counted_and_the_next_is_read(tmp_path, listed, keep):
    whole = seven_zip_of(FILES)
    (tmp_path / "a.7z").write_bytes(whole[: keep if isinstance(keep, int) else int(len(whole) * keep)])
    (tmp_path / "b.7z").write_bytes(whole)
    listing = listed("7z", tmp_path / "*.7z")
    assert listing.reasons == {"a.7z": "archive_broken"}
    assert listing.read_all() == list(FILES.values())


@pytest.mark.parametrize("junk", [b"", b"x", b"no archive " * 999, zip_of(FILES)])
def test_what_is_no_7z_archive_is_counted(tmp_path, listed, junk):
    (tmp_path / "a.7z").write_bytes(junk)
    assert listed("7z", tmp_path / "a.7z").reasons == {"a.7z": "archive_broken"}


def test_damage_anywhere_gives_reasons_and_no_wrong_picture(tmp_path, listed):
    """Every 31st byte of an archive of two blocks is flipped in turn."""
    first, second = ({f"{name}{n}.jpg": content(f"{name}{n}", 300) for n in range(3)} for name in "ab")
    whole = seven_zip_of(first, second)
    for place in range(0, len(whole), 31):
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        (tmp_path / "a.7z").write_bytes(damaged)
        listing = listed("7z", tmp_path / "a.7z", max_bytes=1 << 20)
        for location in listing.good:
            try:
                data = listing.reader.read(location)
            except BadPicture:
                continue
            assert data in [*first.values(), *second.values()]
        listing.reader.__exit__(None, None, None)


def test_encrypted_members_are_counted(tmp_path, listed):
    (tmp_path / "a.7z").write_bytes(seven_zip_of({"x.jpg": b"x"}, filters=None, password="secret"))
    assert listed("7z", tmp_path / "a.7z").reasons == {"a.7z!/x.jpg": "encrypted"}


def test_an_archive_whose_list_is_encrypted_is_counted(tmp_path, listed):
    data = seven_zip_of({"x.jpg": b"x"}, filters=None, password="secret", header_encryption=True)
    (tmp_path / "a.7z").write_bytes(data)
    assert listed("7z", tmp_path / "a.7z").reasons == {"a.7z": "encrypted"}


@pytest.mark.parametrize(
    ("filters", "named"),
    [
        ([{"id": py7zr.FILTER_PPMD, "order": 6, "mem": 20}], "PPMd"),
        ([{"id": py7zr.FILTER_ZSTD, "level": 1}], "Zstandard"),
        ([{"id": py7zr.FILTER_X86}, {"id": py7zr.FILTER_LZMA, "preset": 1}], "LZMA and BCJ"),
        ([{"id": py7zr.FILTER_LZMA2, "preset": 1, "dict_size": 1 << 29}], "a dictionary of 512 MiB"),
    ],
)
def test_methods_that_are_not_read_are_named(tmp_path, listed, filters, named):
    (tmp_path / "a.7z").write_bytes(seven_zip_of({"x.jpg": b"x"}, filters=filters))
    (tmp_path / "b.7z").write_bytes(seven_zip_of({"y.jpg": content("y.jpg")}))
    listing = listed("7z", tmp_path / "*.7z")
    assert listing.reasons == {"a.7z!/x.jpg": "unsupported_compression"}
    assert named in listing.locations[0].detail
    assert listing.read_all() == [content("y.jpg")]


def with_attributes(entries: dict[str, tuple[int | None, bytes]]) -> bytes:
    """An archive whose entries state these attributes."""
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w") as archive:
        for name, (attributes, data) in entries.items():
            archive.writestr(data, "placeholder" if name.startswith(("/", "..")) else name)
            info = archive.files.files_list[-1]
            info["filename"], info["attributes"] = name, attributes
            archive.header.files_info.files[-1].update(filename=name, attributes=attributes)
    return buffer.getvalue()


def test_members_that_must_not_be_read_are_counted(tmp_path, listed):
    unix = {kind: 0x8000 | kind << 16 for kind in (stat.S_IFLNK | 0o777, stat.S_IFIFO, stat.S_IFREG | 0o644)}
    link, pipe, file = unix.values()
    entries = {
        "/etc/x.jpg": (0x20, b"x"),
        "../up.jpg": (0x20, b"x"),
        "link.jpg": (link, b"good.jpg"),
        "windows-link.jpg": (0x400, b"good.jpg"),
        "pipe.jpg": (pipe, b"x"),
        "empty.jpg": (file, b""),
        "good.jpg": (file, content("good.jpg")),
        "bare.jpg": (None, content("bare.jpg")),
    }
    (tmp_path / "a.7z").write_bytes(with_attributes(entries))
    listing = listed("7z", tmp_path / "a.7z")
    assert list(listing.reasons.values()) == ["unsafe_name"] * 2 + ["link"] * 2 + ["not_a_file"]
    empty, good, bare = listing.good
    assert [listing.reader.read(one) for one in (good, bare)] == [content("good.jpg"), content("bare.jpg")]
    with pytest.raises(BadPicture, match="empty"):
        listing.reader.read(empty)


def test_folders_are_no_pictures(tmp_path, listed):
    lay(tmp_path / "tree", {"folder.jpg/x.jpg": b"x"})
    with py7zr.SevenZipFile(tmp_path / "a.7z", "w") as archive:
        archive.writeall(tmp_path / "tree", "tree")
    assert [one.uri for one in listed("7z", tmp_path / "a.7z").locations] == ["a.7z!/tree/folder.jpg/x.jpg"]


def test_an_empty_archive_has_no_pictures(tmp_path, listed):
    (tmp_path / "a.7z").write_bytes(seven_zip_of({}))
    assert listed("7z", tmp_path / "a.7z").locations == []


def test_an_archive_inside_is_counted(tmp_path, listed):
    (tmp_path / "a.7z").write_bytes(seven_zip_of({"in.zip": zip_of(FILES)}, filters=METHODS["copy"]))
    source = listed("7z", tmp_path / "a.7z")
    with Tree(tmp_path, Listing(tmp_path)) as tree:
        (inner,) = tree.pictures()
    assert inner.location.reason == "unsupported_compression"
    assert source.ignored == Counter({".zip": 1})


def test_annotation_files_are_read_through_the_tree(tmp_path):
    lay(tmp_path / "c", {"a.7z": seven_zip_of({"1.jpg": b"x", "list.txt": b"1.jpg 5"})})
    with Tree(tmp_path / "c", Listing(tmp_path)) as tree:
        entry = tree.find("list.txt")
        assert entry is not None
        assert tree.read(entry) == b"1.jpg 5"
        with pytest.raises(BadPicture, match=r"lies compressed in a\.7z.*unpack that archive"):
            tree.span(entry)


def test_archives_that_cannot_be_opened_are_known_to_a_tree(tmp_path):
    secret = seven_zip_of({"x.jpg": b"x"}, filters=None, password="secret", header_encryption=True)
    with Tree(lay(tmp_path / "c", {"a.7z": secret, "b.7z": b""}), Listing(tmp_path)) as tree:
        assert [(one.path, one.location.reason) for one in tree.broken()] == [
            ("a.7z", "encrypted"),
            ("b.7z", "archive_broken"),
        ]


def test_without_py7zr_it_is_said_what_to_install(tmp_path, listed, monkeypatch):
    (tmp_path / "a.7z").write_bytes(seven_zip_of(FILES))
    monkeypatch.setitem(sys.modules, "py7zr", None)
    with pytest.raises(RecipeError, match=r"a\.7z' needs py7zr: pip install 'mendery\[corpora\]'"):
        listed("7z", tmp_path / "a.7z")


def test_reading_needs_no_py7zr(tmp_path: Path, listed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The place in the catalog says enough, so that no task parses the archive's header again."""
    (tmp_path / "a.7z").write_bytes(seven_zip_of(FILES))
    listing = listed("7z", tmp_path / "a.7z")
    monkeypatch.setitem(sys.modules, "py7zr", None)
    assert listing.read_all() == list(FILES.values())
