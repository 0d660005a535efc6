from __future__ import annotations

import dataclasses
import errno
import hashlib
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import lmdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora.miniature import seven_zip_of
from record_writer import pack, write

from pipelines.errors import BadPicture, SourceVanished
from pipelines.sources import SOURCES
from tests.sources.conftest import content, packed, tar_bytes

NAMES = [f"{number}.jpg" for number in range(5)]
LIMIT = 3000  # exactly what `content` gives


def make_tar(path: Path) -> None:
    path.write_bytes(packed(path.name, tar_bytes(*NAMES)))


def make_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in NAMES:
            archive.writestr(name, content(name))


def make_7z(path: Path) -> None:
    path.write_bytes(seven_zip_of({name: content(name) for name in NAMES}))


def make_parquet(path: Path) -> None:
    pq.write_table(pa.table({"image": pa.array(map(content, NAMES), pa.binary())}), path)


def make_lmdb(path: Path) -> None:
    with lmdb.open(str(path)) as environment, environment.begin(write=True) as transaction:
        for name in NAMES:
            transaction.put(name.encode(), content(name))


def make_recordio(path: Path) -> None:
    path.write_bytes(write({key: pack(1.0, content(name)) for key, name in enumerate(NAMES)})[0])


def make_folder(path: Path) -> None:
    path.mkdir()
    for name in NAMES:
        (path / name).write_bytes(content(name))


CONTAINERS: dict[str, tuple[str, str, Callable[[Path], None]]] = {
    "7z": ("7z", "a.7z", make_7z),
    "folder": ("folder", "pictures", make_folder),
    "lmdb": ("lmdb", "a.lmdb", make_lmdb),
    "parquet": ("parquet", "a.parquet", make_parquet),
    "recordio": ("recordio", "a.rec", make_recordio),
    "tar": ("tar", "a.tar", make_tar),
    "tar.gz": ("tar", "a.tar.gz", make_tar),
    "webdataset": ("webdataset", "a.tar", make_tar),
    "zip": ("zip", "a.zip", make_zip),
}


@pytest.fixture(params=CONTAINERS)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    kind, name, make = CONTAINERS[request.param]
    (tmp_path / "source").mkdir()
    make(tmp_path / "source" / name)
    return kind, tmp_path / "source" / name


def fingerprint(folder: Path) -> dict[str, tuple[str, int]]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) for path in files}


def test_every_source_is_tried_here():
    # MATLAB arrays hold pixels (test_mat.py), built datasets more than pictures (test_dataset.py); URLs and the Hub
    # need servers (test_urls_build.py, tests/hub).
    assert {kind for kind, _, _ in CONTAINERS.values()} == set(SOURCES) - {"dataset", "hub", "mat", "urls"}


def test_reading_changes_no_source(source, listed):
    kind, path = source
    before = fingerprint(path.parent)
    listed(kind, path).read_all()
    assert fingerprint(path.parent) == before


def test_listing_twice_gives_the_same(source, listed):
    kind, path = source
    assert listed(kind, path).locations == listed(kind, path).locations


def test_uris_are_unique(source, listed):
    found = listed(*source).locations
    assert len({location.uri for location in found}) == len(found) == len(NAMES)


def test_a_picture_of_just_the_limit_is_read(source, listed):
    assert listed(*source, max_bytes=LIMIT).read_all() == [content(name) for name in NAMES]


def test_one_byte_over_the_limit_is_too_many(source, listed):
    listing = listed(*source, max_bytes=LIMIT - 1)
    for location in listing.good:
        with pytest.raises(BadPicture, match="too_many_bytes"):
            listing.reader.read(location)


def test_a_source_that_is_gone_stops_the_run(source, listed):
    kind, path = source
    listing = listed(kind, path)
    shutil.rmtree(path.parent)
    with pytest.raises(SourceVanished, match="mount or restore"):
        listing.read_all()


def test_an_empty_mount_point_stops_the_run(source, listed):
    kind, path = source
    listing = listed(kind, path)
    shutil.rmtree(path.parent)
    listing.source.root().mkdir(parents=True)
    with pytest.raises(SourceVanished):
        listing.read_all()


def test_one_missing_file_is_only_counted(tmp_path, listed):
    make_folder(tmp_path / "pictures")
    listing = listed("folder", tmp_path / "pictures")
    (tmp_path / "pictures" / "2.jpg").unlink()
    with pytest.raises(BadPicture, match="unreadable"):
        listing.reader.read(listing.locations[2])
    assert listing.reader.read(listing.locations[3]) == content("3.jpg")


def test_a_file_that_became_a_pipe_does_not_hang(tmp_path, listed):
    make_folder(tmp_path / "pictures")
    listing = listed("folder", tmp_path / "pictures")
    (tmp_path / "pictures" / "2.jpg").unlink()
    os.mkfifo(tmp_path / "pictures" / "2.jpg")
    with pytest.raises(BadPicture, match="not_a_file"):
        listing.reader.read(listing.locations[2])


def test_a_file_that_grew_over_the_limit_is_too_many(tmp_path, listed):
    make_folder(tmp_path / "pictures")
    listing = listed("folder", tmp_path / "pictures", max_bytes=LIMIT)
    with (tmp_path / "pictures" / "2.jpg").open("ab") as file:
        file.truncate(1 << 40)
    with pytest.raises(BadPicture, match="too_many_bytes"):
        listing.reader.read(listing.locations[2])


@pytest.mark.parametrize("container", ["7z", "tar", "tar.gz", "zip"])
def test_an_archive_that_shrank_is_no_crash(tmp_path, listed, container):
    kind, name, make = CONTAINERS[container]
    make(tmp_path / name)
    listing = listed(kind, tmp_path / name)
    os.truncate(tmp_path / name, 2000)
    with pytest.raises(BadPicture):
        listing.read_all()


def test_no_bytes_are_no_picture(tmp_path, listed):
    (tmp_path / "a.jpg").touch()
    with pytest.raises(BadPicture, match="empty"):
        listed("folder", tmp_path).read_all()


def test_a_machine_without_file_handles_drops_no_picture(tmp_path, listed, monkeypatch):
    make_folder(tmp_path / "pictures")
    listing = listed("folder", tmp_path / "pictures")

    def refuse(*_: object) -> None:
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr("pipelines.sources.stores.open_regular", refuse)
    with pytest.raises(OSError, match="too many open files"):
        listing.read_all()


@pytest.mark.parametrize("container", ["7z", "parquet", "tar", "tar.gz", "zip"])
def test_few_files_stay_open_and_none_after(tmp_path, listed, container):
    kind, name, make = CONTAINERS[container]
    for number in range(40):
        make(tmp_path / f"{number:02d}{name}")
    before = len(list(Path("/proc/self/fd").iterdir()))
    listing = listed(kind, tmp_path / f"*{name}")
    assert listing.read_all() == [content(name) for _ in range(40) for name in NAMES]
    assert len(list(Path("/proc/self/fd").iterdir())) - before <= 20
    listing.reader.__exit__(None, None, None)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_zip_that_was_replaced_gives_no_wrong_picture(tmp_path, listed):
    make_zip(tmp_path / "a.zip")
    listing = listed("zip", tmp_path / "a.zip")
    moved = dataclasses.replace(listing.locations[1], offset=listing.locations[0].offset)
    with pytest.raises(BadPicture, match="corrupt"):
        listing.reader.read(moved)
