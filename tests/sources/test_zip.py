from __future__ import annotations

import io
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.errors import BadPicture, RecipeError
from pipelines.sources.zip import zip_entries
from tests.sources.conftest import TRICKY, content

UTF8_NAMES = [name for name in TRICKY if name.isprintable() or "\n" in name]


def zip_bytes(names: list[str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name in names:
            archive.writestr(name, content(name))
    return buffer.getvalue()


def raw_zip(count: int, data: bytes = b"x") -> Iterator[bytes]:
    """A zip of many equal members, written without keeping its entries."""
    crc, size, offset = zlib.crc32(data), len(data), 0
    for number in range(count):
        name = b"folder/%07d.jpg" % number
        yield struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 0, crc, size, size, len(name), 0) + name + data
    step = 30 + 18 + size
    for number in range(count):
        name = b"folder/%07d.jpg" % number
        entry = struct.pack(
            "<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, crc, size, size, len(name), 0, 0, 0, 0, 0, offset
        )
        offset += step
        yield entry + name
    length = count * (46 + 18)
    yield struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, length, offset)
    yield struct.pack("<4sLQL", b"PK\x06\x07", 0, offset + length, 1)
    yield struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_every_name_reads_back_its_bytes(tmp_path, listed, method):
    (tmp_path / "a.zip").write_bytes(zip_bytes([*UTF8_NAMES, "notes.txt"], method))
    listing = listed("zip", tmp_path / "a.zip")
    assert listing.read_all() == [content(name) for name in UTF8_NAMES]
    assert listing.ignored == Counter({".txt": 1})


def test_names_in_no_known_encoding_keep_their_bytes(tmp_path, listed):
    raw = zip_bytes(["abcd.jpg"]).replace(b"abcd.jpg", b"\x8e\xca\xff\x5e.jpg")
    (tmp_path / "a.zip").write_bytes(raw)
    listing = listed("zip", tmp_path / "a.zip")
    assert [location.uri for location in listing.locations] == ["a.zip!/%8E%CA%FF%5E.jpg"]
    assert listing.read_all() == [content("abcd.jpg")]


def test_a_program_before_the_zip_does_not_matter(tmp_path, listed):
    (tmp_path / "a.zip").write_bytes(b"#!/bin/sh\n" * 100 + zip_bytes(["x.jpg"]))
    assert listed("zip", tmp_path / "a.zip").read_all() == [content("x.jpg")]


def test_a_comment_after_the_zip_does_not_matter(tmp_path, listed):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x.jpg", content("x.jpg"))
        archive.comment = b"c" * 65535
    assert listed("zip", tmp_path / "a.zip").read_all() == [content("x.jpg")]


def test_zip64_members_are_read(tmp_path, listed):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, archive.open("x.jpg", "w", force_zip64=True) as member:
        member.write(content("x.jpg"))
    assert listed("zip", tmp_path / "a.zip").read_all() == [content("x.jpg")]


def test_a_zip64_directory_is_found(tmp_path, listed):
    (tmp_path / "a.zip").write_bytes(b"".join(raw_zip(3)))
    assert listed("zip", tmp_path / "a.zip").read_all() == [b"x"] * 3


def test_values_beyond_32_bits_come_from_the_zip64_field():
    extra = struct.pack("<HHB", 9, 1, 0) + struct.pack("<HHQQ", 1, 16, 1 << 33, 1 << 34)
    entry = struct.pack(
        "<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 7, 5, 0xFFFFFFFF, 1, len(extra), 0, 0, 0, 0, 0xFFFFFFFF
    )
    directory = entry + b"x" + extra
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), 0, 0)
    [found] = zip_entries(io.BytesIO(directory + end), len(directory + end))
    assert (found.size, found.stored_size, found.offset) == (1 << 33, 5, 1 << 34)


def test_members_that_must_not_be_read_are_counted(tmp_path, listed):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ["/abs.jpg", "../up.jpg", "..\\up.jpg", "C:\\x.jpg"]:
            archive.writestr(name, b"x")
        link = zipfile.ZipInfo("link.jpg")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "good.jpg")
        archive.writestr("lzma.jpg", b"x" * 99, zipfile.ZIP_LZMA)
        archive.mkdir("folder.jpg")
        archive.writestr("good.jpg", content("good.jpg"))
    listing = listed("zip", tmp_path / "a.zip")
    assert list(listing.reasons.values()) == ["unsafe_name"] * 4 + ["link", "unsupported_compression"]
    assert listing.read_all() == [content("good.jpg")]


def test_encrypted_members_are_counted(tmp_path, listed):
    raw = bytearray(zip_bytes(["secret.jpg"]))
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(raw)
    assert listed("zip", tmp_path / "a.zip").reasons == {"a.zip!/secret.jpg": "encrypted"}


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.99])
def test_a_cut_zip_is_counted_and_the_next_is_read(tmp_path, listed, keep):
    whole = zip_bytes(["x.jpg", "y.jpg"])
    (tmp_path / "a.zip").write_bytes(whole[: int(len(whole) * keep)])
    (tmp_path / "b.zip").write_bytes(whole)
    listing = listed("zip", tmp_path / "*.zip")
    assert listing.reasons == {"a.zip": "archive_broken"}
    assert listing.read_all() == [content("x.jpg"), content("y.jpg")]


def test_entries_before_a_damaged_one_survive(tmp_path, listed):
    raw = bytearray(zip_bytes(["x.jpg", "y.jpg", "z.jpg"]))
    second = raw.index(b"PK\x01\x02", raw.index(b"PK\x01\x02") + 1)
    raw[second] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(raw)
    listing = listed("zip", tmp_path / "a.zip")
    assert listing.read_all() == [content("x.jpg")]
    assert listing.reasons == {"a.zip": "archive_broken"}


def test_a_missing_zip_is_the_recipes_fault(tmp_path, listed):
    with pytest.raises(RecipeError, match=r"missing\.zip"):
        listed("zip", tmp_path / "missing.zip")


@pytest.mark.parametrize("spot", ["local header", "data", "declared crc"])
def test_damage_is_found_when_reading(tmp_path, listed, spot):
    raw = bytearray(zip_bytes(["x.jpg"], zipfile.ZIP_STORED))
    raw[{"local header": 1, "data": 1000, "declared crc": raw.index(b"PK\x01\x02") + 16}[spot]] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(raw)
    listing = listed("zip", tmp_path / "a.zip")
    with pytest.raises(BadPicture, match="corrupt"):
        listing.read_all()


def bomb(path: Path, size: int, declared: int) -> None:
    """Zeros that unpack to `size` bytes while the directory declares another number."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("bomb.jpg", "w") as member:
        for _ in range(size >> 20):
            member.write(bytes(1 << 20))
    raw = bytearray(path.read_bytes())
    struct.pack_into("<L", raw, raw.index(b"PK\x01\x02") + 24, declared)
    path.write_bytes(raw)


@pytest.mark.parametrize(("declared", "reason"), [(64 << 20, "too_many_bytes"), (1000, "corrupt")])
def test_a_zip_bomb_is_never_unpacked(tmp_path, listed, declared, reason):
    bomb(tmp_path / "a.zip", 64 << 20, declared)
    listing = listed("zip", tmp_path / "a.zip", max_bytes=1 << 20)
    tracemalloc.start()
    with pytest.raises(BadPicture, match=reason):
        listing.read_all()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 << 20


def test_a_member_longer_than_its_stored_size_is_corrupt(tmp_path, listed):
    raw = bytearray(zip_bytes(["x.jpg"]))
    struct.pack_into("<L", raw, raw.index(b"PK\x01\x02") + 20, 100)
    (tmp_path / "a.zip").write_bytes(raw)
    listing = listed("zip", tmp_path / "a.zip")
    with pytest.raises(BadPicture, match="corrupt"):
        listing.read_all()


def test_a_million_entries_are_listed_in_bounded_time_and_memory(tmp_path):
    count = 1_000_000
    with (tmp_path / "a.zip").open("wb") as file:
        file.writelines(raw_zip(count))
    # In a process of its own, whose peak memory is only the listing's.
    program = (
        "import sys, resource; from pathlib import Path; from pipelines.sources.base import Listing\n"
        "from pipelines.sources.zip import ZipSource\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "found = ZipSource(path=sys.argv[1]).locate(Listing(Path(sys.argv[1]).parent))\n"
        "print(sum(1 for _ in found), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    start = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "a.zip")], check=True, capture_output=True, text=True
    )
    found, kibibytes = map(int, result.stdout.split())
    assert (found, kibibytes < 64 << 10, time.monotonic() - start < 60) == (count, True, True)
