"""Archives inside archives and archives in parts are read in place, through the tree and through other sources."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from corpora.miniature import lay, tar_of, zip_of

from pipelines.sources.base import Listing
from pipelines.sources.nested import Window
from pipelines.sources.parts import BETWEEN
from pipelines.sources.tree import Tree
from tests.sources.conftest import content

NAMES = ["a/one.jpg", "a/two.png", "b/three words.jpg"]
FILES = {name: content(name) for name in NAMES}


def stored_zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def read_tree(root: Path, indexes: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    """Bytes and reasons of every picture, by path."""
    indexes.mkdir(exist_ok=True)
    with Tree(root, Listing(indexes)) as tree:
        entries = list(tree.pictures())
        good = {entry.path: tree.read(entry) for entry in reversed(entries) if not entry.location.reason}
        return good, {entry.path: entry.location.reason for entry in entries if entry.location.reason}


@pytest.mark.parametrize(
    ("name", "data", "prefix"),
    [
        ("x.tar", tar_of({"in.tar": tar_of(FILES)}), "x.tar!/in.tar!/"),
        ("x.tar", tar_of({"in.zip": zip_of(FILES)}), "x.tar!/in.zip!/"),
        ("x.zip", stored_zip({"in.tar": tar_of(FILES)}), "x.zip!/in.tar!/"),
        ("x.zip", stored_zip({"in.zip": zip_of(FILES)}), "x.zip!/in.zip!/"),
        ("x.tar.gz", gzip.compress(tar_of({"in.tar": tar_of(FILES)})), "x.tar.gz!/in.tar!/"),
        ("x.tar", tar_of({"y.tar": tar_of({"z.tar": tar_of(FILES)})}), "x.tar!/y.tar!/z.tar!/"),
    ],
    ids=["tar-tar", "tar-zip", "zip-tar", "zip-zip", "gz-tar", "tar-tar-tar"],
)
def test_inner_archive_reads_back(name, data, prefix, tmp_path):
    good, reasons = read_tree(lay(tmp_path / "c", {name: data}), tmp_path / "i")
    assert good == {prefix + path: data for path, data in FILES.items()}
    assert reasons == {}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.zip", zip_of({"in.tar": tar_of(FILES)})),
        ("x.tar", tar_of({"in.tar.gz": gzip.compress(tar_of(FILES))})),
        ("x.tar.gz", gzip.compress(tar_of({"in.zip": zip_of(FILES)}))),
        ("x.tar", tar_of({"a.tar": tar_of({"b.tar": tar_of({"c.tar": tar_of(FILES)})})})),
    ],
    ids=["deflated", "gz in tar", "zip in gz", "too deep"],
)
def test_inner_archive_that_cannot_be_entered_is_counted(name, data, tmp_path):
    good, reasons = read_tree(lay(tmp_path / "c", {name: data}), tmp_path / "i")
    assert good == {}
    assert set(reasons.values()) == {"unsupported_compression"}


def test_traps_in_an_inner_archive_are_refused(tmp_path):
    link = tarfile.TarInfo("link.jpg")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(link)
        up = tarfile.TarInfo("../up.jpg")
        up.size = 3
        tar.addfile(up, io.BytesIO(b"abc"))
    _, reasons = read_tree(lay(tmp_path / "c", {"x.tar": tar_of({"in.tar": buffer.getvalue()})}), tmp_path / "i")
    assert sorted(reasons.values()) == ["link", "unsafe_name"]


def test_cut_inner_archive_costs_only_itself(tmp_path):
    cut = tar_of(FILES)[:5000]
    good, reasons = read_tree(
        lay(tmp_path / "c", {"x.tar": tar_of({"a.tar": cut, "b.tar": tar_of(FILES)})}), tmp_path / "i"
    )
    assert len(good) == 1 + len(FILES)
    assert list(reasons.values()) == ["archive_broken"]


def test_tar_source_descends_too(tmp_path, listed):
    lay(tmp_path, {"x.tar": tar_of({"in.tar": tar_of(FILES), "out.jpg": content("out")})})
    listing = listed("tar", tmp_path / "x.tar")
    assert sorted(listing.read_all()) == sorted([*FILES.values(), content("out")])


def test_listing_a_tar_of_tars_reads_headers_only(tmp_path):
    """The payload is a hole in a sparse file: reading it would take minutes and gigabytes."""
    path, size, count = tmp_path / "c" / "train.tar", 1 << 30, 4
    path.parent.mkdir()
    with path.open("wb") as file:
        for number in range(count):
            inner = tarfile.TarInfo(f"n{number:08d}.tar")
            inner.size = 2 * 512 + size + 1024
            member = tarfile.TarInfo(f"n{number:08d}_1.JPEG")
            member.size = size + 512
            file.write(inner.tobuf() + member.tobuf())
            file.seek(size + 512 + 1024, 1)
        file.write(bytes(1024))
    with Tree(path.parent, Listing(tmp_path)) as tree:
        assert [entry.location.size for entry in tree.pictures()] == [size + 512] * count


def test_window_is_a_stream_of_its_own():
    window = Window(io.BytesIO(b"0123456789"), 2, 5)
    assert window.read() == b"23456"
    assert (window.seek(-2, 2), window.read(9), window.read(1)) == (3, b"56", b"")


def split(data: bytes, count: int) -> list[bytes]:
    size = -(-len(data) // count)
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize(
    ("whole", "marks"),
    [
        ("x.zip", [".001", ".002", ".003"]),
        ("x.tar", [".aa", ".ab", ".ac"]),
        ("x.tar.gz", [".partaa", ".partab", ".partac"]),
        ("x.tar", [".part1", ".part2", ".part3"]),
        ("x.tar.gz", ["aa", "ab", "ac"]),
        ("x.zip", [".part00", ".part01", ".part02"]),
    ],
)
def test_archive_in_parts_reads_as_one(whole, marks, tmp_path):
    data = zip_of(FILES) if whole.endswith("zip") else tar_of(FILES, "w:gz" if whole.endswith("gz") else "w")
    parts = {f"{whole}{mark}": piece for mark, piece in zip(marks, split(data, 3), strict=True)}
    good, reasons = read_tree(lay(tmp_path / "c", parts), tmp_path / "i")
    assert good == {f"{whole}!/{path}": data for path, data in FILES.items()}
    assert reasons == {}


@pytest.mark.parametrize("gone", [0, 1])
def test_missing_part_is_named(gone, tmp_path):
    parts = {f"x.zip.{number:03d}": piece for number, piece in enumerate(split(zip_of(FILES), 3), 1)}
    del parts[f"x.zip.{gone + 1:03d}"]
    good, reasons = read_tree(lay(tmp_path / "c", parts), tmp_path / "i")
    assert good == {}
    assert reasons == {"x.zip": "archive_broken"}


def test_split_zip_counts_offsets_from_its_parts(tmp_path):
    """As Info-ZIP's `zip -s` writes it: a mark of four bytes, then members; offsets begin anew in every part."""
    first, second = b"PK\x07\x08", b""
    entries = []
    for number, (name, data) in enumerate(FILES.items()):
        whole = stored_zip({name: data})
        end = whole.index(b"PK\x01\x02")
        entry = bytearray(whole[end : whole.index(b"PK\x05\x06")])
        part = 0 if number < 2 else 1
        offset = len(first) if part == 0 else len(second)
        entry[34:36], entry[42:46] = part.to_bytes(2, "little"), offset.to_bytes(4, "little")
        entries.append(bytes(entry))
        if part == 0:
            first += whole[:end]
        else:
            second += whole[:end]
    directory = b"".join(entries)
    disks = (1).to_bytes(2, "little") * 2
    counts = (3).to_bytes(2, "little") * 2
    tail = len(directory).to_bytes(4, "little") + len(second).to_bytes(4, "little") + bytes(2)
    files = {"x.z01": first, "x.zip": second + directory + b"PK\x05\x06" + disks + counts + tail}
    good, reasons = read_tree(lay(tmp_path / "c", files), tmp_path / "i")
    assert good == {f"x.zip!/{path}": data for path, data in FILES.items()}
    assert reasons == {}


def test_split_zip_without_its_last_part_is_named(tmp_path):
    _, reasons = read_tree(lay(tmp_path / "c", {"x.z01": b"PK\x07\x08"}), tmp_path / "i")
    assert reasons == {"x.zip": "archive_broken"}


def test_sign_between_parts_is_never_in_a_name(tmp_path):
    good, _ = read_tree(lay(tmp_path / "c", {f"a{BETWEEN}b.jpg": b"x"}), tmp_path / "i")
    assert good == {f"a{BETWEEN}b.jpg": b"x"}
