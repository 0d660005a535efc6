from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import struct
import tarfile
import tracemalloc
import zlib
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from pipelines.errors import RecipeError
from pipelines.sources.base import Listing
from pipelines.sources.files import expand
from pipelines.sources.tar import TarSource, index_path
from tests.sources.conftest import TRICKY, content, packed, tar_bytes

KINDS = ["a.tar", "a.tar.gz", "a.tgz"]


def header(name: str, kind: bytes = tarfile.REGTYPE, **fields: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type = kind
    for field, value in fields.items():
        setattr(made, field, value)
    return made


@pytest.mark.parametrize("name", KINDS)
def test_every_name_reads_back_its_bytes(tmp_path, listed, name):
    (tmp_path / name).write_bytes(packed(name, tar_bytes(*TRICKY, "notes.txt")))
    listing = listed("tar", tmp_path / name)
    assert listing.read_all() == [content(member) for member in TRICKY]
    assert listing.ignored == Counter({".txt": 1})


def test_gzip_is_told_by_content_and_not_by_name(tmp_path, listed):
    (tmp_path / "a.tar").write_bytes(gzip.compress(tar_bytes("x.jpg")))
    listing = listed("tar", tmp_path / "a.tar")
    assert [location.container for location in listing.locations] == ["tar.gz"]
    assert listing.read_all() == [content("x.jpg")]


@pytest.mark.parametrize("name", KINDS)
def test_members_that_must_not_be_read_are_counted(tmp_path, listed, name):
    tar = tar_bytes(
        (header("/etc/x.jpg"), b"x"),
        (header("a/../../x.jpg"), b"x"),
        (header("C:\\x.jpg"), b"x"),
        (header("soft.jpg", tarfile.SYMTYPE, linkname="good.jpg"), b""),
        (header("hard.jpg", tarfile.LNKTYPE, linkname="good.jpg"), b""),
        (header("pipe.jpg", tarfile.FIFOTYPE), b""),
        (header("device.jpg", tarfile.CHRTYPE), b""),
        (header("folder.jpg", tarfile.DIRTYPE), b""),
        "good.jpg",
    )
    (tmp_path / name).write_bytes(packed(name, tar))
    listing = listed("tar", tmp_path / name)
    reasons = ["unsafe_name"] * 3 + ["link"] * 2 + ["not_a_file"] * 2
    assert list(listing.reasons.values()) == reasons
    assert listing.read_all() == [content("good.jpg")]


def test_sparse_members_are_counted(tmp_path, listed):
    sparse = header("sparse.jpg", pax_headers={"GNU.sparse.size": "9", "GNU.sparse.map": "0,1"})
    (tmp_path / "a.tar").write_bytes(tar_bytes((sparse, b"x"), "good.jpg"))
    listing = listed("tar", tmp_path / "a.tar")
    assert list(listing.reasons.values()) == ["unsupported_compression"]
    assert listing.read_all() == [content("good.jpg")]


@pytest.mark.parametrize("cut", [512 + 1000, 3 * 512, 3584 + 100, 3584 + 512 + 2999])
def test_members_before_a_cut_survive_and_the_cut_is_counted_once(tmp_path, listed, cut):
    tar = tar_bytes("a.jpg", "b.jpg", "c.jpg")
    (tmp_path / "a.tar").write_bytes(tar[:cut])
    listing = listed("tar", tmp_path / "a.tar")
    assert listing.read_all() == [content("a.jpg")][: cut // 3584]
    assert list(listing.reasons.values()) == ["archive_broken"]


@pytest.mark.parametrize("kind", ["tar", "webdataset"])
def test_tars_without_the_mark_of_their_end_are_read_with_one_note(tmp_path, listed, kind):
    for name in ("1.tar", "2.tar"):
        (tmp_path / name).write_bytes(tar_bytes("a.jpg", "b.jpg")[: 2 * 3584])
    listing = listed(kind, tmp_path / "*.tar")
    assert listing.read_all() == [content("a.jpg"), content("b.jpg")] * 2
    assert listing.reasons == {}
    assert [note.split(" ")[0] for note in listing.notes] == ["1.tar"]


def test_a_compressed_tar_that_is_cut_between_members_is_broken(tmp_path, listed):
    compressor = zlib.compressobj(1, zlib.DEFLATED, 31)
    cut = compressor.compress(tar_bytes("a.jpg", "b.jpg")[:3584]) + compressor.flush(zlib.Z_SYNC_FLUSH)
    (tmp_path / "a.tgz").write_bytes(cut)
    listing = listed("tar", tmp_path / "a.tgz")
    assert listing.read_all() == [content("a.jpg")]
    assert listing.reasons == {"a.tgz": "archive_broken"}


def test_an_inner_tar_without_the_mark_of_its_end_is_noted_by_its_name(tmp_path, listed):
    inner = tar_bytes("a.jpg")[:3584]
    (tmp_path / "a.tar").write_bytes(tar_bytes((header("in.tar"), inner)))
    listing = listed("tar", tmp_path / "a.tar")
    assert listing.read_all() == [content("a.jpg")]
    assert listing.notes[0].startswith("a.tar!/in.tar ")


@pytest.mark.parametrize("left", [1, 71])
def test_a_tar_cut_in_the_padding_of_its_last_member_is_broken(tmp_path, listed, left):
    (tmp_path / "a.tar").write_bytes(tar_bytes("a.jpg")[: 512 + 3000 + left])
    listing = listed("tar", tmp_path / "a.tar")
    assert listing.read_all() == [content("a.jpg")]
    assert listing.reasons == {"a.tar": "archive_broken"}


def test_members_before_a_cut_in_gzip_survive(tmp_path, listed):
    names = [f"{number:03d}.jpg" for number in range(400)]
    whole = gzip.compress(tar_bytes(*names), 1)
    (tmp_path / "a.tar.gz").write_bytes(whole[: len(whole) // 2])
    listing = listed("tar", tmp_path / "a.tar.gz")
    assert len(listing.good) > 150
    assert listing.read_all() == [content(name) for name in names[: len(listing.good)]]
    assert list(listing.reasons.values()) == ["archive_broken"]


def test_damaged_gzip_is_counted_and_the_next_archive_is_read(tmp_path, listed):
    # Text compresses, so that flipped bits break the stream and not only a byte.
    damaged = bytearray(gzip.compress(tar_bytes((header("x.jpg"), b"0123456789" * 500_000))))
    damaged[len(damaged) // 2] ^= 0xFF
    (tmp_path / "a.tgz").write_bytes(damaged)
    (tmp_path / "b.tgz").write_bytes(gzip.compress(tar_bytes("y.jpg")))
    listing = listed("tar", tmp_path / "*.tgz")
    assert list(listing.reasons.values()) == ["archive_broken"]
    assert listing.read_all()[-1] == content("y.jpg")


def test_a_damaged_header_ends_this_archive_but_not_the_next(tmp_path, listed):
    damaged = bytearray(tar_bytes("a.jpg", "b.jpg", "c.jpg"))
    damaged[3584 + 10] ^= 0xFF
    (tmp_path / "1.tar").write_bytes(damaged)
    (tmp_path / "2.tar").write_bytes(tar_bytes("d.jpg"))
    listing = listed("tar", tmp_path / "*.tar")
    assert listing.read_all() == [content("a.jpg"), content("d.jpg")]
    assert listing.reasons == {"1.tar": "archive_broken"}


@pytest.mark.parametrize("junk", [b"", b"x", b"not a tar at all" * 1000, b"\x1f\x8b", gzip.compress(b"no tar" * 999)])
def test_what_is_no_tar_is_counted(tmp_path, listed, junk):
    (tmp_path / "a.tar").write_bytes(junk)
    assert listed("tar", tmp_path / "a.tar").reasons == {"a.tar": "archive_broken"}


def test_a_header_cannot_ask_for_gigabytes(tmp_path, listed):
    huge = header("x", tarfile.GNUTYPE_LONGNAME)
    huge.size = 1 << 32
    bomb = gzip.compress(huge.tobuf() + bytes(32 << 20))
    (tmp_path / "a.tgz").write_bytes(bomb)
    listing = listed("tar", tmp_path / "a.tgz")
    assert "a header of" in listing.locations[0].detail


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress, lambda data: b"\x28\xb5\x2f\xfd" + data])
def test_other_compressions_are_refused_by_name(tmp_path, listed, pack):
    (tmp_path / "a.tar").write_bytes(pack(tar_bytes("x.jpg")))
    with pytest.raises(RecipeError, match=r"plain or compressed with gzip, found (bzip2|xz|zstd)"):
        listed("tar", tmp_path / "a.tar")


def test_pipes_dangling_links_and_folders_among_the_archives(tmp_path, listed):
    os.mkfifo(tmp_path / "a.tar")
    (tmp_path / "b.tar").symlink_to(tmp_path / "missing")
    (tmp_path / "c.tar").mkdir()
    (tmp_path / "d.tar").write_bytes(tar_bytes("x.jpg"))
    listing = listed("tar", tmp_path / "*.tar")
    assert listing.reasons == {"a.tar": "not_a_file", "b.tar": "link"}
    assert listing.read_all() == [content("x.jpg")]


def test_gzip_leaves_one_seek_index_and_nothing_else(tmp_path, listed):
    path = tmp_path / "a.tgz"
    path.write_bytes(gzip.compress(tar_bytes("x.jpg")))
    listed("tar", path)
    status = path.stat()
    expected = index_path(tmp_path / "indexes", path, status.st_size, status.st_mtime_ns)
    assert list((tmp_path / "indexes").iterdir()) == [expected]


def test_gzip_without_its_index_is_read_all_the_same(tmp_path, listed):
    (tmp_path / "a.tgz").write_bytes(gzip.compress(tar_bytes("x.jpg", "y.jpg")))
    listing = listed("tar", tmp_path / "a.tgz")
    next((tmp_path / "indexes").iterdir()).unlink()
    assert listing.read_all() == [content("x.jpg"), content("y.jpg")]


def test_a_listing_that_is_not_finished_leaves_a_usable_index(tmp_path, listed):
    names = [f"{number:04d}.jpg" for number in range(1000)]
    path = tmp_path / "a.tgz"
    path.write_bytes(gzip.compress(tar_bytes(*names), 1))
    listing = listed("tar", path)
    stopped = TarSource(path=str(path)).locate(Listing(tmp_path / "indexes"))
    list(islice(stopped, 3))
    stopped.close()
    assert listing.read_all() == [content(name) for name in names]


@pytest.mark.parametrize(
    ("file", "member", "split"),
    [
        ("train-000000.tar", "a.jpg", "train"),
        ("validation/x.tar", "a.jpg", "val"),
        ("val2017.tar", "a.jpg", "val"),
        ("latest.tar", "a.jpg", ""),
        ("x.tar", "deep/test/a.jpg", "test"),
        ("x.tar", "test.jpg", ""),
    ],
)
def test_official_split_comes_from_names(tmp_path, listed, file, member, split):
    (tmp_path / "s" / file).parent.mkdir(parents=True)
    (tmp_path / "s" / file).write_bytes(tar_bytes(member))
    assert [location.split for location in listed("tar", tmp_path / "s" / "**" / "*.tar").locations] == [split]


def test_memory_does_not_grow_with_members(tmp_path):
    path = tmp_path / "a.tar"
    path.write_bytes(tar_bytes(*((header(f"{number}.jpg"), b"x") for number in range(3000))))
    found = TarSource(path=str(path)).locate(Listing(tmp_path))
    next(found)
    tracemalloc.start()
    count = sum(1 for _ in found)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (count, peak < 300_000) == (2999, True)


class TestExpand:
    @pytest.fixture
    def here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        for name in ["a/s-000.tar", "a/s-001.tar", "a/s-002.tar", "b/s-000.tar", "a/[x]{1,2}.tar"]:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        monkeypatch.chdir(tmp_path)
        return tmp_path

    @pytest.mark.parametrize(
        ("path", "root", "files"),
        [
            ("a/s-000.tar", "a", ["a/s-000.tar"]),
            ("a/s-*.tar", "a", ["a/s-000.tar", "a/s-001.tar", "a/s-002.tar"]),
            ("a/s-{000..001}.tar", "a", ["a/s-000.tar", "a/s-001.tar"]),
            ("{b,a}/s-{000,001}*", ".", None),
            ("*/s-000.tar", ".", ["a/s-000.tar", "b/s-000.tar"]),
            ("./a/s-00[12].tar", "a", ["a/s-001.tar", "a/s-002.tar"]),
            ("a/[x]{1,2}.tar", "a", ["a/[x]{1,2}.tar"]),
        ],
    )
    def test_files_and_root(self, here, path, root, files):
        if files is None:
            with pytest.raises(RecipeError, match=r"b/s-001\*"):
                expand(path)
        else:
            assert expand(path) == (Path(root), [Path(file) for file in files])

    @pytest.mark.parametrize("path", ["a/s-{000..9}.tar", "a/missing.tar", "a/*.zip", "a", "{0..99999999999}.tar"])
    def test_what_is_missing_is_named(self, here, path):
        with pytest.raises(RecipeError, match=r"s-003|missing|\*\.zip|folder|'0.tar'|s-3"):
            expand(path)


def test_a_member_with_a_negative_size_does_not_loop(tmp_path, listed):
    raw = bytearray(header("x.jpg", b"Z").tobuf())
    raw[124:136] = b"\xff" + struct.pack(">11s", b"\xff" * 9 + b"\xfe\x00")  # -512 in base 256: back to itself
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    (tmp_path / "a.tar").write_bytes(bytes(raw) + bytes(2048))
    assert set(listed("tar", tmp_path / "a.tar").reasons.values()) == {"archive_broken"}


def test_many_members_between_reads_do_not_mix(tmp_path, listed):
    for number in range(20):
        name = f"{number:02d}.tgz"
        (tmp_path / name).write_bytes(packed(name, tar_bytes(f"{number}-a.jpg", f"{number}-b.jpg")))
    listing = listed("tar", tmp_path / "*.tgz")
    order = listing.good[::2] + listing.good[1::2]
    expected = [content(location.uri.partition("!/")[2]) for location in order]
    assert [listing.reader.read(location) for location in order] == expected


def test_a_tar_inside_nothing_but_its_end_is_empty(tmp_path, listed):
    buffer = io.BytesIO()
    tarfile.open(fileobj=buffer, mode="w").close()
    (tmp_path / "a.tar").write_bytes(buffer.getvalue())
    assert listed("tar", tmp_path / "a.tar").locations == []
