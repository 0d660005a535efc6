"""LMDB: what the library itself writes is read back, whatever is damaged."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import lmdb
import pytest

from pipelines.errors import BadPicture, RecipeError
from pipelines.sources.lmdb import picture_in_value
from tests.sources import conftest

PAGE = 4096


def content(name: str, size: int = 3000) -> bytes:
    """Begins as a picture does: other bytes might be a Datum."""
    return b"\xff\xd8" + conftest.content(name, size - 2)


def put(path: Path, values: Mapping[bytes, bytes], **options: object) -> Path:
    with lmdb.open(str(path), map_size=1 << 26, **options) as environment, environment.begin(write=True) as writing:
        for key, value in values.items():
            writing.put(key, value)
    return path


def many(count: int, size: int = 3000) -> dict[bytes, bytes]:
    return {b"%06d" % number: content(str(number), size) for number in range(count)}


def varint(number: int) -> bytes:
    small = bytes([number & 0x7F])
    return small if number < 128 else bytes([number & 0x7F | 0x80]) + varint(number >> 7)


def datum(data: bytes, encoded: bool) -> bytes:
    """Caffe's message: channels, height, width, data, label, encoded."""
    sizes = b"".join(bytes([field << 3]) + varint(number) for field, number in ((1, 3), (2, 8), (3, 8)))
    return sizes + b"\x22" + varint(len(data)) + data + b"\x28\x05" + (b"\x38\x01" if encoded else b"")


@pytest.mark.parametrize(("count", "size"), [(1, 10), (5, 3000), (3, 70_000), (3000, 40)])
def test_every_value_reads_back_in_the_order_of_keys(tmp_path, listed, count, size):
    listing = listed("lmdb", put(tmp_path / "x.lmdb", many(count, size)))
    assert listing.read_all() == [content(str(number), size) for number in range(count)]


def test_a_folder_and_the_file_in_it_name_the_same(tmp_path, listed):
    path = put(tmp_path / "x.lmdb", many(3))
    uris = [location.uri for location in listed("lmdb", path).locations]
    assert uris == [location.uri for location in listed("lmdb", path / "data.mdb").locations]
    assert uris[0] == "x.lmdb!/000000"


def test_a_file_without_a_folder_is_read(tmp_path, listed):
    path = put(tmp_path / "x.mdb", many(3), subdir=False)
    assert len(listed("lmdb", path).read_all()) == 3


def test_what_was_deleted_is_gone(tmp_path, listed):
    path = put(tmp_path / "x.lmdb", many(400))
    with lmdb.open(str(path), map_size=1 << 26) as environment, environment.begin(write=True) as writing:
        for number in range(0, 400, 2):
            writing.delete(b"%06d" % number)
    assert listed("lmdb", path).read_all() == [content(str(number)) for number in range(1, 400, 2)]


def test_an_empty_one_holds_nothing(tmp_path, listed):
    assert listed("lmdb", put(tmp_path / "x.lmdb", {})).locations == []


def test_keys_of_any_bytes_have_uris_of_plain_text(tmp_path, listed):
    keys = [bytes([0xFF, 0xFE]), "顔".encode(), b"a/b#c!d%", b"\0\0\0\1"]
    listing = listed("lmdb", put(tmp_path / "x.lmdb", {key: content(str(key)) for key in keys}))
    assert sorted(listing.read_all()) == sorted(content(str(key)) for key in keys)
    assert all(location.uri.isascii() and location.uri.isprintable() for location in listing.locations)
    assert len({location.uri for location in listing.locations}) == len(keys)


def test_encoded_datums_of_caffe_give_their_picture(tmp_path, listed):
    listing = listed("lmdb", put(tmp_path / "x.lmdb", {b"0_a.jpg": datum(content("a"), encoded=True)}))
    assert listing.read_all() == [content("a")]


def test_datums_of_bare_pixels_are_refused_with_advice():
    with pytest.raises(BadPicture, match=r"unsupported_mode.*--encoded"):
        picture_in_value(datum(bytes(192), encoded=False))


def test_named_databases_are_refused_by_reason(tmp_path, listed):
    with lmdb.open(str(tmp_path / "x.lmdb"), max_dbs=2, map_size=1 << 24) as environment:
        inner = environment.open_db(b"inner")
        with environment.begin(write=True, db=inner) as writing:
            writing.put(b"k", b"v")
    assert set(listed("lmdb", tmp_path / "x.lmdb").reasons.values()) == {"unreadable"}


@pytest.mark.parametrize("kept", [0, 10, 100, PAGE + 10])
def test_a_file_cut_in_its_description_is_broken(tmp_path, listed, kept):
    path = put(tmp_path / "x.lmdb", many(5))
    with (path / "data.mdb").open("r+b") as file:
        file.truncate(kept)
    assert set(listed("lmdb", path).reasons.values()) == {"archive_broken"}


def test_a_file_cut_anywhere_gives_what_is_there_and_counts_the_rest(tmp_path, listed: Callable[..., object]):
    whole = put(tmp_path / "x.lmdb", many(300))
    data = (whole / "data.mdb").read_bytes()
    for number, kept in enumerate(range(2 * PAGE, len(data), len(data) // 9)):
        path = tmp_path / f"cut{number}"
        path.mkdir()
        (path / "data.mdb").write_bytes(data[:kept])
        listing = listed("lmdb", path)  # type: ignore[var-annotated]
        assert listing.reasons
        for location in listing.good:
            assert listing.reader.read(location) == content(str(int(location.uri.rpartition("/")[2])))


def test_damaged_pages_never_crash(tmp_path, listed):
    path = put(tmp_path / "x.lmdb", many(200))
    data = bytearray((path / "data.mdb").read_bytes())
    for page in range(2, min(len(data) // PAGE, 60), 7):
        data[page * PAGE : page * PAGE + 16] = struct.pack("<QHHHH", page, 0, 2, 40000, 3)
    (path / "data.mdb").write_bytes(data)
    listing = listed("lmdb", path)
    assert "archive_broken" in listing.reasons.values()
    for location in listing.good:
        listing.reader.read(location)


def test_something_else_is_named_as_such(tmp_path, listed):
    (tmp_path / "x.mdb").write_bytes(content("no database", 10_000))
    (location,) = listed("lmdb", tmp_path / "x.mdb").locations
    assert "not an LMDB file" in location.detail


def test_a_folder_without_data_is_one_sentence(tmp_path, listed):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecipeError, match=r"no data\.mdb in the folder"):
        listed("lmdb", tmp_path / "empty")


def test_the_folder_s_name_tells_the_split_as_lsun_has_it(tmp_path, listed):
    path = put(tmp_path / "bedroom_train_lmdb", {b"\xd8" * 20: content("a")})
    for named in (path, f"{path}/", path / "data.mdb", tmp_path / "*" / "data.mdb"):
        (location,) = listed("lmdb", named).locations
        assert (location.uri, location.split) == (f"bedroom_train_lmdb!/{'%D8' * 20}", "train")


def test_a_database_is_read_without_a_lock(tmp_path, listed):
    path = put(tmp_path / "x.lmdb", many(3))
    (path / "lock.mdb").unlink()
    path.chmod(0o555)
    try:
        assert len(listed("lmdb", path).read_all()) == 3
        assert [file.name for file in path.iterdir()] == ["data.mdb"]
    finally:
        path.chmod(0o755)


def test_a_database_that_is_being_written_is_read_as_last_committed(tmp_path, listed):
    path = put(tmp_path / "x.lmdb", many(3))
    with lmdb.open(str(path), map_size=1 << 26) as environment, environment.begin(write=True) as writing:
        writing.put(b"more", content("more"))
        assert len(listed("lmdb", path).read_all()) == 3
