"""Pools: listed, read, checked by digest, found again by name."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipelines.damage import pools
from pipelines.damage.pools import SHIPPED, Pool, PoolMissing, PoolRef, item_of, locate
from pipelines.errors import MenderyError, RecipeError

SHAPE = np.zeros((8, 12), np.uint8)
SHAPE[2:5, 3:9] = 255
CUTOUT = np.dstack([np.full((8, 12, 3), (10, 20, 30), np.uint8), SHAPE])


def folder_of(tmp_path: Path, name: str = "shapes") -> Path:
    """A pool with a grey mask, an RGBA cut-out, a corrupt picture, and a text that is none."""
    folder = tmp_path / name
    (folder / "below").mkdir(parents=True)
    cv2.imwrite(str(folder / "b.png"), SHAPE)
    cv2.imwrite(str(folder / "below" / "a.png"), cv2.cvtColor(CUTOUT, cv2.COLOR_RGBA2BGRA))
    (folder / "corrupt.png").write_bytes((folder / "b.png").read_bytes()[:40])
    (folder / "read me.txt").write_text("shapes")
    return folder


def zipped(folder: Path) -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, file.relative_to(folder))
    return path


def tarred(folder: Path, suffix: str) -> Path:
    path = folder.with_suffix(suffix)
    with tarfile.open(path, "w:gz" if suffix.endswith("gz") else "w") as archive:
        archive.add(folder, arcname="")
    return path


def opened(path: Path) -> Pool:
    return PoolRef(path=str(path)).open()


def test_items_are_sorted_and_corrupt_ones_are_skipped_by_reason(tmp_path: Path) -> None:
    pool = opened(folder_of(tmp_path))
    assert pool.items == ("b.png", "below/a.png")
    assert list(pool.skipped) == ["corrupt.png"]
    assert pool.skipped["corrupt.png"].startswith(("truncated", "corrupt"))


def test_folder_zip_and_tar_are_the_same_pool(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    places = [folder, zipped(folder), tarred(folder, ".tar"), tarred(folder, ".tgz"), tarred(folder, ".tar.gz")]
    found = [opened(place) for place in places]
    assert {(pool.name, pool.items, pool.sha256) for pool in found} == {("shapes", found[0].items, found[0].sha256)}
    assert all(np.array_equal(pool.item("below/a.png").rgba, CUTOUT) for pool in found)


def test_grey_is_alpha_where_there_is_any_and_brightness_elsewhere(tmp_path: Path) -> None:
    pool = opened(folder_of(tmp_path))
    assert np.array_equal(pool.item("b.png").grey, SHAPE)
    assert np.array_equal(pool.item("below/a.png").grey, SHAPE)


def test_an_opaque_picture_has_full_alpha(tmp_path: Path) -> None:
    item = opened(folder_of(tmp_path)).item("b.png")
    assert not item.has_alpha
    assert np.array_equal(item.rgba, np.dstack([SHAPE, SHAPE, SHAPE, np.full_like(SHAPE, 255)]))


def test_items_cannot_be_written_to(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        opened(folder_of(tmp_path)).item("b.png").grey[0, 0] = 1


def test_a_pool_is_found_by_its_name_once_it_was_opened(tmp_path: Path) -> None:
    pool = PoolRef(path=str(folder_of(tmp_path)), name="found by its name").open()
    assert np.array_equal(item_of("found by its name", "b.png", pool.sha256_of("b.png")).grey, SHAPE)


def test_a_pool_that_is_not_here_says_how_to_name_it() -> None:
    with pytest.raises(PoolMissing, match="--pool 'no such pool'=PATH|--pool no such pool=PATH"):
        item_of("no such pool", "a.png", "")


def test_an_item_that_is_another_one_is_named(tmp_path: Path) -> None:
    locate({"edited": folder_of(tmp_path)})
    with pytest.raises(MenderyError, match=r"item 'b\.png' of pool 'edited' has SHA-256"):
        item_of("edited", "b.png", "0" * 64)


def test_an_item_that_is_not_there_is_named(tmp_path: Path) -> None:
    locate({"smaller": folder_of(tmp_path)})
    with pytest.raises(MenderyError, match=r"pool 'smaller' has no item 'z\.png'"):
        item_of("smaller", "z.png", "0" * 64)


def test_a_changed_item_changes_the_digest_of_the_pool(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    before = opened(folder).sha256
    cv2.imwrite(str(folder / "b.png"), 255 - SHAPE)
    assert PoolRef(path=str(folder), name="listed anew").open().sha256 != before


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no folder .*: correct the path of the pool"):
        opened(tmp_path / "nowhere")


def test_a_pool_without_a_usable_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rubbish").mkdir()
    (tmp_path / "rubbish" / "a.png").write_bytes(b"rubbish")
    with pytest.raises(RecipeError, match=r"pool 'rubbish' holds no usable picture \(a\.png: not_a_picture"):
        _ = opened(tmp_path / "rubbish").items


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_shipped_pools_are_found_without_being_located(name: str) -> None:
    pool = PoolRef(path=name).open()
    for item in pool.items:
        assert item_of(name, item, pool.sha256_of(item)).pixels.any()


def test_what_checking_found_is_remembered_until_a_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "WORTH_REMEMBERING", 1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = folder_of(tmp_path)
    first = PoolRef(path=str(folder), name="first").open().sha256
    (kept,) = (tmp_path / "cache" / "mendery" / "pools").iterdir()
    kept.write_text(kept.read_text().replace(PoolRef(path=str(folder)).open().sha256_of("b.png"), "0" * 64))
    assert PoolRef(path=str(folder), name="second").open().sha256_of("b.png") == "0" * 64
    cv2.imwrite(str(folder / "b.png"), SHAPE[:4])
    assert PoolRef(path=str(folder), name="third").open().sha256 != first


def test_memory_is_bounded() -> None:
    cache = pools._Cache(1000)
    items = [pools.Item(str(number), "", np.zeros((20, 20), np.uint8)) for number in range(5)]
    for number, item in enumerate(items):
        cache.put((0, str(number)), item)
    assert [cache.get((0, str(number))) for number in range(5)] == [None, None, None, items[3], items[4]]
