"""RecordIO: what dmlc-core's writer writes is read back, with or without .idx, whatever is damaged."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import time
from collections import Counter

import pytest
from record_writer import MAGIC, face_pack, pack, write, write_record

from pipelines.errors import BadPicture
from tests.sources.conftest import content

NAMES = [f"{number}.jpg" for number in range(5)]


def pictures(count: int = 5) -> dict[int, bytes]:
    return {number: pack(float(number), content(f"{number}.jpg", 3000 + number), number) for number in range(count)}


def put(folder, records, index: bool = True):
    rec, idx = write(records)
    (folder / "train.rec").write_bytes(rec)
    if index:
        (folder / "train.idx").write_bytes(idx)
    return folder / "train.rec"


@pytest.mark.parametrize("index", [True, False])
def test_every_record_reads_back_its_picture_and_label(tmp_path, listed, index):
    listing = listed("recordio", put(tmp_path, pictures(), index))
    assert listing.read_all() == [content(f"{number}.jpg", 3000 + number) for number in range(5)]
    assert [json.loads(location.labels) for location in listing.good] == [{"label": number} for number in range(5)]


def test_names_do_not_depend_on_the_index(tmp_path, listed):
    with_index = [location.uri for location in listed("recordio", put(tmp_path, pictures())).locations]
    (tmp_path / "train.idx").unlink()
    assert [location.uri for location in listed("recordio", tmp_path / "train.rec").locations] == with_index
    assert with_index[0] == "train.rec#0"


@pytest.mark.parametrize(
    "data",
    [
        MAGIC + b"behind",
        b"before.." + MAGIC,
        b"before.." + MAGIC + MAGIC + b"between!" + MAGIC + b"end",
        b"odd" + MAGIC + b"not aligned",
        MAGIC * 5,
    ],
)
@pytest.mark.parametrize("labels", [3.0, (3.0, 4.0, 5.0)])
def test_magic_numbers_in_a_picture_are_put_back(tmp_path, listed, data, labels):
    listing = listed("recordio", put(tmp_path, {0: pack(labels, data), 1: pack(7.0, b"next")}, index=False))
    assert listing.read_all() == [data, b"next"]


def test_magic_number_in_the_labels_is_put_back(tmp_path, listed):
    (magic_as_float,) = struct.unpack("<f", MAGIC)
    record = pack((1.0, magic_as_float, 2.0), b"picture!")
    assert write_record(record)[4:8] == struct.pack("<I", 1 << 29 | 28)
    listing = listed("recordio", put(tmp_path, {0: record}))
    assert listing.read_all() == [b"picture!"]
    assert json.loads(listing.good[0].labels)["label_2"] == 2


def test_packs_of_faces_give_their_people(tmp_path, listed):
    people = [[content(f"{person}-{number}") for number in range(2)] for person in range(3)]
    rec, idx = face_pack(people)
    (tmp_path / "train.rec").write_bytes(rec)
    (tmp_path / "train.idx").write_bytes(idx)
    listing = listed("recordio", tmp_path / "train.rec", identity=True)
    assert listing.read_all() == [picture for pictures in people for picture in pictures]
    assert listing.ignored == Counter({"(record without a picture)": 4})
    assert Counter(Counter(location.identity for location in listing.good).values()) == Counter({2: 3})
    assert [json.loads(location.labels) for location in listing.good] == [{"label_1": 1}] * 6


def test_damaged_length_costs_its_own_record_only(tmp_path, listed):
    path = put(tmp_path, pictures(), index=False)
    raw = bytearray(path.read_bytes())
    raw[len(write_record(pictures()[0])) + 6] ^= 0x70
    path.write_bytes(raw)
    listing = listed("recordio", path)
    assert listing.read_all() == [content(f"{number}.jpg", 3000 + number) for number in (0, 2, 3, 4)]
    assert list(listing.reasons.values()) == ["truncated"]


@pytest.mark.parametrize("index", [True, False])
def test_damaged_magic_number_costs_its_own_record_only(tmp_path, listed, index):
    path = put(tmp_path, pictures(), index)
    raw = bytearray(path.read_bytes())
    raw[len(write_record(pictures()[0]))] ^= 0xFF
    path.write_bytes(raw)
    listing = listed("recordio", path)
    assert len(listing.good) == 4
    assert list(listing.reasons.values()) == ["corrupt"]


def test_end_of_a_cut_file_is_counted(tmp_path, listed):
    path = put(tmp_path, pictures(), index=False)
    path.write_bytes(path.read_bytes()[:-1000])
    listing = listed("recordio", path)
    assert len(listing.good) == 4
    assert list(listing.reasons.values()) == ["truncated"]


def test_index_tells_how_many_records_a_cut_file_lacks(tmp_path, listed):
    path = put(tmp_path, pictures())
    path.write_bytes(path.read_bytes()[:7000])
    listing = listed("recordio", path)
    assert (len(listing.good), list(listing.reasons.values())) == (2, ["truncated"] * 3)


@pytest.mark.parametrize("lines", [0, 1, 4])
def test_what_a_cut_index_leaves_out_is_found(tmp_path, listed, lines):
    path = put(tmp_path, pictures())
    index = (tmp_path / "train.idx").read_bytes().splitlines(keepends=True)
    (tmp_path / "train.idx").write_bytes(b"".join(index[:lines]))
    assert len(listed("recordio", path).read_all()) == 5


@pytest.mark.parametrize("line", [b"3", b"3\t-7", b"a b c", b"\xff" * 300, b"1\t" + b"9" * 200])
def test_lines_of_the_index_that_cannot_be_read_are_counted(tmp_path, listed, line):
    path = put(tmp_path, pictures())
    with (tmp_path / "train.idx").open("ab") as file:
        file.write(line)
    listing = listed("recordio", path)
    assert len(listing.read_all()) == 5
    assert set(listing.reasons.values()) <= {"bad_label", "truncated"}
    assert len({location.uri for location in listing.locations}) == len(listing.locations)


def test_an_index_chooses_records(tmp_path, listed):
    path = put(tmp_path, pictures())
    index = (tmp_path / "train.idx").read_bytes().splitlines(keepends=True)
    (tmp_path / "train.idx").write_bytes(index[4] + index[1])
    assert listed("recordio", path).read_all() == [content("4.jpg", 3004), content("1.jpg", 3001)]


@pytest.mark.parametrize("data", [b"", b"short", struct.pack("<IfQQ", 2, 0, 0, 0) + b"1234"])
def test_records_that_are_not_pictures_of_mxnet_are_counted(tmp_path, listed, data):
    listing = listed("recordio", put(tmp_path, {0: data, 1: pack(1.0, b"good")}))
    assert listing.reasons == {"train.rec#0": "corrupt"}
    assert listing.read_all() == [b"good"]


@pytest.mark.parametrize("junk", [b"", b"\x89PNG" * 1000, MAGIC + struct.pack("<I", 2 << 29), MAGIC * 999])
def test_other_files_give_no_picture(tmp_path, listed, junk):
    (tmp_path / "a.rec").write_bytes(junk)
    listing = listed("recordio", tmp_path / "a.rec")
    assert listing.good == []
    assert set(listing.reasons.values()) <= {"corrupt", "truncated"}


def test_parts_without_end_are_refused(tmp_path, listed):
    parts = MAGIC + struct.pack("<I", 1 << 29) + (MAGIC + struct.pack("<I", 2 << 29)) * 70_000
    (tmp_path / "a.rec").write_bytes(parts + write_record(pack(1.0, b"good")))
    listing = listed("recordio", tmp_path / "a.rec")
    assert listing.reasons == {"a.rec#0": "corrupt"}
    assert listing.read_all() == [b"good"]


def test_record_that_changed_since_listing_is_corrupt(tmp_path, listed):
    path = put(tmp_path, pictures())
    listing = listed("recordio", path)
    raw = bytearray(path.read_bytes())
    raw[4] ^= 0x01
    path.write_bytes(raw)
    with pytest.raises(BadPicture, match="corrupt|truncated"):
        listing.read_all()


def test_half_a_million_records_are_listed_in_bounded_time_and_memory(tmp_path):
    record = write_record(pack(1.0, bytes(40)))
    with (tmp_path / "a.rec").open("wb") as file:
        for _ in range(500):
            file.write(record * 1000)
    program = (
        "import sys, resource; from pathlib import Path; from pipelines.sources.base import Listing\n"
        "from pipelines.sources.recordio import RecordIOSource\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "found = RecordIOSource(path=sys.argv[1]).locate(Listing(Path(sys.argv[1]).parent))\n"
        "print(sum(1 for _ in found), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    start = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "a.rec")], check=True, capture_output=True, text=True
    )
    found, kibibytes = map(int, result.stdout.split())
    assert (found, kibibytes < 64 << 10, time.monotonic() - start < 60) == (500_000, True, True)


def test_listing_reads_heads_and_jumps_over_pictures(tmp_path, listed, monkeypatch):
    from pipelines.sources import recordio

    read = []
    real = recordio._exactly
    monkeypatch.setattr(recordio, "_exactly", lambda stream, size: read.append(size) or real(stream, size))
    listed("recordio", put(tmp_path, {number: pack(1.0, bytes(1 << 20)) for number in range(3)}, index=False))
    assert sum(read) < 1000
