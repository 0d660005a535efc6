"""Solid blocks are unpacked forward, once, and in bounded memory."""

from __future__ import annotations

import io
import tracemalloc
from dataclasses import replace

import py7zr
import pytest
from corpora.miniature import seven_zip_of

from pipelines.errors import BadPicture
from pipelines.sources import solid
from pipelines.sources.solid import Block, Packing
from tests.sources.conftest import content

MIB = 1 << 20
NAMES = [f"{number:03d}.jpg" for number in range(60)]
PACKED = {"bzip2": py7zr.FILTER_BZIP2, "copy": py7zr.FILTER_COPY, "deflate": py7zr.FILTER_DEFLATE}


@pytest.fixture
def passes(monkeypatch):
    """Counts how often a block was begun, and the bytes that came out."""
    seen = {"begun": 0, "bytes": 0}

    class Counted(Block):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            seen["begun"] += 1

        def pieces(self, size):
            seen["bytes"] += size
            return super().pieces(size)

    monkeypatch.setattr(solid, "Block", Counted)
    return seen


@pytest.mark.parametrize(
    "packing", [Packing(32, 99, ((b"\x21", b"\x16"),)), Packing(1, 0, ((b"\0", b""), (b"a", b"b")))]
)
def test_packing_survives_the_catalog(packing):
    assert Packing.from_text(packing.to_text()) == packing


def test_pictures_in_order_cost_one_pass(tmp_path, listed, passes):
    (tmp_path / "a.7z").write_bytes(seven_zip_of({name: content(name) for name in NAMES}))
    listing = listed("7z", tmp_path / "a.7z")
    assert listing.read_all() == [content(name) for name in NAMES]
    assert passes == {"begun": 1, "bytes": 3000 * len(NAMES)}


def test_a_step_back_costs_a_new_pass(tmp_path, listed, passes):
    (tmp_path / "a.7z").write_bytes(seven_zip_of({name: content(name) for name in NAMES}))
    listing = listed("7z", tmp_path / "a.7z")
    for number in (10, 20, 5):
        assert listing.reader.read(listing.locations[number]) == content(NAMES[number])
    assert passes == {"begun": 2, "bytes": 3000 * (21 + 6)}


def test_members_behind_damage_cost_no_further_passes(tmp_path, listed, passes):
    data = bytearray(seven_zip_of({name: content(name, 20_000).hex().encode() for name in NAMES}))
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "a.7z").write_bytes(data)
    listing = listed("7z", tmp_path / "a.7z")
    outcomes = list(listing.reader.read_all(listing.locations))
    damaged = [isinstance(outcome, BadPicture) for outcome in outcomes]
    assert any(damaged)
    assert damaged == sorted(damaged), "members before the damage are read"
    # Damage may show as wrong checksums first, then as a stream that cannot be unpacked: each is met once.
    assert passes["begun"] <= 2


def test_damage_in_one_block_spares_the_others(tmp_path, listed):
    data = bytearray(seven_zip_of({"a.jpg": content("a").hex().encode()}, {"b.jpg": content("b.jpg")}))
    data[100] ^= 0xFF
    (tmp_path / "a.7z").write_bytes(data)
    listing = listed("7z", tmp_path / "a.7z")
    with pytest.raises(BadPicture, match="corrupt"):
        listing.reader.read(listing.locations[0])
    assert listing.reader.read(listing.locations[1]) == content("b.jpg")


@pytest.mark.parametrize("method", ["lzma2", *PACKED])
def test_memory_holds_a_picture_and_not_the_block(tmp_path, listed, method):
    """64 MiB of zeros before the picture, which pack into little but for `copy`."""
    filters = [{"id": PACKED[method]}] if method in PACKED else [{"id": py7zr.FILTER_LZMA2, "dict_size": MIB}]
    zeros = {f"{number}.txt": bytes(MIB) for number in range(64)}
    (tmp_path / "a.7z").write_bytes(seven_zip_of(zeros | {"x.jpg": content("x.jpg")}, filters=filters))
    listing = listed("7z", tmp_path / "a.7z")
    tracemalloc.start()
    assert listing.read_all() == [content("x.jpg")]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * MIB


def test_memory_does_not_grow_with_small_members(tmp_path, listed):
    """What is packed is taken in as it is needed, and not a piece for every member."""
    names = [f"{number}.jpg" for number in range(2000)]
    (tmp_path / "a.7z").write_bytes(seven_zip_of({name: content(name, 10_000) for name in names}))
    listing = listed("7z", tmp_path / "a.7z")
    tracemalloc.start()
    assert sum(len(listing.reader.read(location)) for location in listing.locations) == 20_000_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * MIB


@pytest.mark.parametrize("method", ["lzma2", "bzip2", "deflate"])
def test_a_member_that_is_larger_than_stated_is_corrupt(tmp_path, listed, method):
    filters = [{"id": PACKED[method]}] if method in PACKED else [{"id": py7zr.FILTER_LZMA2, "preset": 1}]
    (tmp_path / "a.7z").write_bytes(seven_zip_of({"x.jpg": bytes(32 * MIB)}, filters=filters))
    listing = listed("7z", tmp_path / "a.7z", max_bytes=MIB)
    (location,) = listing.locations
    with pytest.raises(BadPicture, match="too_many_bytes"):
        listing.reader.read(location)
    tracemalloc.start()
    with pytest.raises(BadPicture, match="corrupt"):
        listing.reader.read(replace(location, size=1000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * MIB


@pytest.mark.parametrize("method", ["lzma2", *PACKED])
def test_a_member_that_is_smaller_than_stated_is_truncated(tmp_path, listed, method):
    filters = [{"id": PACKED[method]}] if method in PACKED else [{"id": py7zr.FILTER_LZMA2, "preset": 1}]
    (tmp_path / "a.7z").write_bytes(seven_zip_of({"x.jpg": content("x.jpg")}, filters=filters))
    listing = listed("7z", tmp_path / "a.7z")
    with pytest.raises(BadPicture, match=r"truncated|corrupt"):
        listing.reader.read(replace(listing.locations[0], size=3001))


def test_few_archives_are_kept_open_at_a_time(tmp_path, listed):
    for number in range(10):
        (tmp_path / f"{number}.7z").write_bytes(seven_zip_of({"x.jpg": content(str(number))}))
    listing = listed("7z", tmp_path / "*.7z")
    assert listing.read_all() == [content(str(number)) for number in range(10)]
    assert len(listing.reader._kept) == solid.OPEN_ARCHIVES


def test_pieces_are_as_large_as_asked():
    data = content("x", 3 * solid.PIECE)
    block = Block(io.BytesIO(b"head" + data + b"tail"), Packing(4, len(data), ((solid.COPY, b""),)))
    assert b"".join(block.pieces(1000)) == data[:1000]
    assert max(len(piece) for piece in block.pieces(2 * solid.PIECE)) <= solid.PIECE
    assert block.position == 1000 + 2 * solid.PIECE
    with pytest.raises(BadPicture, match="truncated"):
        list(block.pieces(len(data)))
