from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from pipelines.errors import RecipeError, SourceVanished
from pipelines.sources.base import Listing
from pipelines.sources.folder import FolderSource
from tests.sources.conftest import TRICKY, content


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "pictures"
    for name in TRICKY:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(name))
    return root


def test_every_name_reads_back_its_bytes(folder, listed):
    assert sorted(listed("folder", folder).read_all()) == sorted(map(content, TRICKY))


def test_uris_are_plain_text_and_sorted(folder, listed):
    uris = [location.uri for location in listed("folder", folder).locations]
    assert uris == sorted(uris)
    assert all(uri.isascii() and uri.isprintable() for uri in uris)


def test_a_folder_sorts_with_what_stands_beside_it(tmp_path, listed):
    for name in ["a/x.jpg", "a-b.jpg", "a.jpg", "a/b/y.jpg", "a0.jpg"]:
        (tmp_path / "s" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "s" / name).write_bytes(b"x")
    uris = [location.uri for location in listed("folder", tmp_path / "s").locations]
    assert uris == ["a-b.jpg", "a.jpg", "a/b/y.jpg", "a/x.jpg", "a0.jpg"]


def test_order_does_not_depend_on_the_order_of_creation(tmp_path, listed):
    names = [f"{number:02d}.jpg" for number in range(50)]
    orders = []
    for seed in (1, 2):
        root = tmp_path / str(seed)
        root.mkdir()
        for name in random.Random(seed).sample(names, len(names)):
            (root / name).write_bytes(b"x")
        orders.append([location.uri for location in listed("folder", root).locations])
    assert orders == [names, names]


def test_other_files_are_counted_by_suffix(tmp_path, listed):
    for name in ["a.jpg", "b.TXT", "c.txt", "README", "d.Json"]:
        (tmp_path / name).write_bytes(b"x")
    assert listed("folder", tmp_path).ignored == Counter({".txt": 2, "(none)": 1, ".json": 1})


def test_pipes_and_sockets_are_never_opened(tmp_path, listed):
    os.mkfifo(tmp_path / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket.png"))
        assert listed("folder", tmp_path).reasons == {"pipe.jpg": "not_a_file", "socket.png": "not_a_file"}


def test_links_are_followed_and_dangling_ones_counted(folder, tmp_path, listed):
    root = tmp_path / "links"
    root.mkdir()
    (root / "file.jpg").symlink_to(folder / "plain.jpg")
    (root / "folder").symlink_to(folder / "deep")
    (root / "nowhere.jpg").symlink_to(tmp_path / "missing.jpg")
    (root / "itself.jpg").symlink_to(root / "itself.jpg")
    listing = listed("folder", root)
    assert listing.read_all() == [content("plain.jpg"), content("deep/er/x.tiff")]
    assert listing.reasons == {"itself.jpg": "link", "nowhere.jpg": "link"}


def test_a_loop_of_links_ends(folder, listed):
    (folder / "deep" / "up").symlink_to(folder)
    listing = listed("folder", folder)
    assert len(listing.good) == len(TRICKY)
    assert listing.ignored["(folder listed before)"] == 1


def test_a_thousand_nested_folders_are_no_recursion(tmp_path, listed):
    depth = 1200
    start = os.open(tmp_path, os.O_RDONLY)
    here = start
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("x.jpg", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    try:
        assert [location.uri.count("/") for location in listed("folder", tmp_path).locations] == [depth]
    finally:
        # pytest's own cleaning recurses.
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)


@pytest.mark.parametrize(("declared", "expected"), [("", ["test", "train", "val", ""]), ("val", ["val"] * 4)])
def test_official_split_is_a_folders_name_unless_the_recipe_says_so(tmp_path, listed, declared, expected):
    for name in ["a/testing/x.jpg", "b/Train/y.jpg", "dev/z/z.jpg", "train.jpg"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert [location.split for location in listed("folder", tmp_path, split=declared).locations] == expected


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_may_not_be_listed_is_counted(folder, listed):
    (folder / "deep").chmod(0)
    try:
        assert listed("folder", folder).reasons == {"deep/": "unreadable"}
    finally:
        (folder / "deep").chmod(0o755)


def test_a_folder_that_vanishes_while_listing_is_counted(folder, tmp_path):
    locations = FolderSource(path=str(folder)).locate(Listing(tmp_path))
    next(locations)
    shutil.rmtree(folder / "deep")
    assert {location.uri: location.reason for location in locations if location.reason} == {"deep/": "unreadable"}


def test_a_root_that_vanishes_while_listing_stops_the_run(folder, tmp_path):
    locations = FolderSource(path=str(folder)).locate(Listing(tmp_path))
    next(locations)
    shutil.rmtree(folder)
    with pytest.raises(SourceVanished, match="mount or restore"):
        list(locations)


@pytest.mark.parametrize("path", ["missing", "s3://bucket/x", "pipe:cat x"])
def test_what_is_no_folder_is_refused(listed, path):
    with pytest.raises(RecipeError):
        listed("folder", path)
