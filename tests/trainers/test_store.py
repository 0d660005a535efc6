"""Shards are what the manifest says, or a sentence."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest

from pipelines import manifest as manifests
from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.shards.read import find_sample
from trainers.store import Store


def store_of(out: Path, cache: Path, cache_bytes: int = 10**9) -> Store:
    shards = manifests.read(out)["shards"]
    return Store(Layout(out), shards, ["image.jpg", "mask.png"], cache, cache_bytes)


@pytest.fixture
def copy(dataset: Path, tmp_path: Path) -> Path:
    shutil.copytree(dataset, tmp_path / "out")
    return tmp_path / "out"


def test_members_read_back(dataset: Path, tmp_path: Path) -> None:
    shard = store_of(dataset, tmp_path).open(2)
    members = find_sample(dataset, shard.keys[7])[1]
    assert shard.read(7) == [members["image.jpg"], members["mask.png"]]


@pytest.mark.parametrize("spoil", ["tar", "parquet"])
def test_a_changed_shard_is_named(copy: Path, tmp_path: Path, spoil: str) -> None:
    path = copy / "shards" / f"train-000000.{spoil}"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(MenderyError, match=f"train-000000.{spoil} is not the file of the manifest"):
        store_of(copy, tmp_path).open(0)


@pytest.mark.parametrize("gone", ["tar", "parquet"])
def test_a_missing_shard_is_named(copy: Path, tmp_path: Path, gone: str) -> None:
    (copy / "shards" / f"train-000000.{gone}").unlink()
    with pytest.raises(MenderyError, match=f"train-000000.{gone} is missing"):
        store_of(copy, tmp_path).open(0)


def test_a_shard_that_changes_after_it_was_verified_is_verified_again(copy: Path, tmp_path: Path) -> None:
    store_of(copy, tmp_path).open(0)
    path = copy / "shards" / "train-000000.tar"
    path.write_bytes(path.read_bytes()[:-512])
    with pytest.raises(MenderyError, match="is not the file"):
        store_of(copy, tmp_path).open(0)


def test_another_process_opens_its_own_files(dataset: Path, tmp_path: Path) -> None:
    store = store_of(dataset, tmp_path)
    wanted = store.open(0).read(0)
    assert pickle.loads(pickle.dumps(store)).open(0).read(0) == wanted
