"""A rewritten shard is the old one without what was left out: bytes, order, headers and index."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines import manifest
from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.shards.read import iterate, read_members
from pipelines.shards.rewrite import affected, copy_without, rewrite_shard
from pipelines.storage import sha256_of

SHARD = "val-000000"


def index(out: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(Layout(out).index(SHARD)).to_pylist()
    return rows


def rewritten(demo_build: Path, folder: Path, keys: set[str]) -> tuple[Path, list[dict[str, Any]], dict[str, Any]]:
    tar, parquet = folder / f"{SHARD}.tar", folder / f"{SHARD}.parquet"
    made = rewrite_shard(
        Layout(demo_build).shard(SHARD), index(demo_build), lambda row: row["key"] in keys, tar, parquet
    )
    return tar, pq.read_table(parquet).to_pylist() if parquet.exists() else [], made


def test_without_nothing_it_is_the_same_file(demo_build: Path, tmp_path: Path) -> None:
    tar, _, made = rewritten(demo_build, tmp_path, set())
    assert sha256_of(tar) == made["files"]["shard"]["sha256"] == sha256_of(Layout(demo_build).shard(SHARD))
    assert sha256_of(tmp_path / f"{SHARD}.parquet") == sha256_of(Layout(demo_build).index(SHARD))


@pytest.mark.parametrize("choice", [slice(0, 1), slice(-1, None), slice(5, 50, 7), slice(1, None)])
def test_what_stays_keeps_bytes_and_order(demo_build: Path, tmp_path: Path, choice: slice) -> None:
    keys = {row["key"] for row in index(demo_build)[choice]}
    tar, _, made = rewritten(demo_build, tmp_path, keys)
    before = [sample for sample in iterate(Layout(demo_build).shard(SHARD)) if sample[0] not in keys]
    assert list(iterate(tar)) == before and made["samples"] == len(before)


def test_headers_name_no_time_and_nobody(demo_build: Path, tmp_path: Path) -> None:
    tar, _, _ = rewritten(demo_build, tmp_path, {index(demo_build)[3]["key"]})
    with tarfile.open(tar) as archive:
        assert {(entry.mtime, entry.uid, entry.uname) for entry in archive} == {(0, 0, "")}


def test_the_index_leads_to_the_members(demo_build: Path, tmp_path: Path) -> None:
    tar, rows, _ = rewritten(demo_build, tmp_path, {row["key"] for row in index(demo_build)[2:90:3]})
    stored = dict(iterate(tar))
    assert {row["key"]: read_members(tar, row["members"]) for row in rows} == stored


def test_of_nothing_left_nothing_is_written(demo_build: Path, tmp_path: Path) -> None:
    tar, rows, made = rewritten(demo_build, tmp_path, {row["key"] for row in index(demo_build)})
    assert made == {"samples": 0, "files": {}} and not tar.exists() and rows == []


def test_a_tar_that_ends_early_is_named(demo_build: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.tar"
    cut.write_bytes(Layout(demo_build).shard(SHARD).read_bytes()[:100_000])
    with pytest.raises(MenderyError, match=r"cut\.tar ends within"):
        rewrite_shard(cut, index(demo_build), lambda row: False, tmp_path / "a.tar", tmp_path / "a.parquet")
    assert not (tmp_path / "a.tar").exists()


def test_only_shards_that_hold_something_are_affected(demo_build: Path) -> None:
    (key,) = (row["key"] for row in index(demo_build)[:1])
    found = affected(Layout(demo_build), manifest.read(demo_build), lambda row: row["key"] == key)
    assert list(found) == [SHARD]


def test_a_copy_without_nothing_is_the_same_dataset(demo_build: Path, tmp_path: Path) -> None:
    stated = copy_without(demo_build, tmp_path / "copy", lambda row: False, "removed", {})
    assert stated == manifest.read(demo_build)
    for file in Layout(demo_build).shards.iterdir():
        assert sha256_of(tmp_path / "copy" / "shards" / file.name) == sha256_of(file)


def test_a_copy_of_changed_shards_is_refused(demo_build: Path, tmp_path: Path) -> None:
    shutil.copytree(demo_build, tmp_path / "out")
    with Layout(tmp_path / "out").shard(SHARD).open("r+b") as file:
        file.seek(5000)
        file.write(b"other")
    with pytest.raises(MenderyError, match=f"no longer matches shard {SHARD}"):
        copy_without(tmp_path / "out", tmp_path / "copy", lambda row: False, "removed", {})
    assert not (tmp_path / "copy" / "manifest.json").exists()
