"""`verify` passes what is right, and finds, names and refuses each kind of fault."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pipelines import verify
from pipelines.imaging.encode import decode_png, encode_damaged, encode_mask
from pipelines.layout import Layout
from pipelines.shards.read import iterate

Samples = dict[str, dict[str, bytes]]


@pytest.fixture
def copy(demo_build: Path, tmp_path: Path) -> Path:
    shutil.copytree(demo_build, tmp_path / "copy")
    return tmp_path / "copy"


def rewrite(out: Path, shard: str, change: Callable[[Samples], Any]) -> str:
    """Changes the samples of a shard; gives the key that `change` returns."""
    path = Layout(out).shard(shard)
    samples = dict(iterate(path))
    key = change(samples)
    with tarfile.open(path, "w") as archive:
        for name, members in samples.items():
            for member, data in members.items():
                entry = tarfile.TarInfo(f"{name.removesuffix('!')}.{member}")
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    return key


def kinds(out: Path) -> dict[str, set[str]]:
    """Keys ("" for a whole shard) by kind of finding."""
    found: dict[str, set[str]] = {}
    for finding in verify(out):
        found.setdefault(finding.kind, set()).add(finding.key)
    return found


def first(samples: Samples) -> str:
    return next(iter(samples))


def test_untouched_dataset_keeps_every_promise(demo_build: Path) -> None:
    assert verify(demo_build) == []


def test_one_flipped_byte(copy: Path) -> None:
    path = Layout(copy).shard("val-000000")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert any(finding.kind == "shard_sha256" and finding.shard == "val-000000" for finding in verify(copy))


def test_missing_shard(copy: Path) -> None:
    Layout(copy).shard("val-000000").unlink()
    assert "missing_shard" in kinds(copy)


def test_truncated_shard(copy: Path) -> None:
    path = Layout(copy).shard("val-000000")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert kinds(copy).keys() >= {"shard_sha256", "broken_tar"} or "members" in kinds(copy)


def test_swapped_mask(copy: Path) -> None:
    def swap(samples: Samples) -> str:
        one, other = list(samples)[:2]
        samples[one]["mask.png"], samples[other]["mask.png"] = samples[other]["mask.png"], samples[one]["mask.png"]
        return one

    key = rewrite(copy, "val-000000", swap)
    assert key in kinds(copy)["mask"]


def test_damaged_pixel_outside_the_mask(copy: Path) -> None:
    def paint(samples: Samples) -> str:
        key = first(samples)
        mask, damaged = decode_png(samples[key]["mask.png"]), decode_png(samples[key]["damaged.png"]).copy()
        row, column = np.argwhere(mask == 0)[0]
        damaged[row, column] ^= 1
        samples[key]["damaged.png"] = encode_damaged(damaged, "png")
        return key

    key = rewrite(copy, "val-000000", paint)
    assert kinds(copy)["damaged"] == {key}


def test_missing_member(copy: Path) -> None:
    def drop(samples: Samples) -> str:
        key = first(samples)
        del samples[key]["mask.png"]
        return key

    key = rewrite(copy, "val-000000", drop)
    assert kinds(copy)["members"] == {key}


def test_mask_value_between(copy: Path) -> None:
    def grey(samples: Samples) -> str:
        key = first(samples)
        mask = decode_png(samples[key]["mask.png"]).copy()
        mask[0, 0] = 17
        samples[key]["mask.png"] = cv2.imencode(".png", mask)[1].tobytes()
        return key

    key = rewrite(copy, "val-000000", grey)
    assert kinds(copy)["mask_values"] == {key}


def test_duplicate_key(copy: Path) -> None:
    def repeat(samples: Samples) -> str:
        key = first(samples)
        samples[f"{key}!"] = samples[key]
        return key

    key = rewrite(copy, "val-000000", repeat)
    assert key in kinds(copy)["duplicate_key"]


def test_key_and_picture_in_two_splits(copy: Path) -> None:
    moved = dict(iterate(Layout(copy).shard("test-000000")))

    def bring(samples: Samples) -> str:
        key = first(moved)
        samples[key] = moved[key]
        return key

    key = rewrite(copy, "val-000000", bring)
    found = kinds(copy)
    assert key in found["key_in_two_splits"]
    assert len(found["picture_in_two_splits"]) == 1
    assert key in found["split"]


def edit_json(name: str, value: Any) -> Callable[[Samples], str]:
    def edit(samples: Samples) -> str:
        key = next(key for key in samples if json.loads(samples[key]["json"])["mask_ratio_asked"] != [0.0, 1.0])
        metadata = json.loads(samples[key]["json"]) | {name: value}
        samples[key]["json"] = json.dumps(metadata).encode()
        return key

    return edit


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("mask_ratio_bin", "0.6-1", "ratio_bin"),
        ("mask_ratio_asked", [0.9, 0.95], "ratio_asked"),
        ("mask_ratio", 0.123, "ratio"),
        ("difficulty", 0.987, "difficulty"),
        ("split", "train", "split"),
        ("licence", None, "json"),
        ("damage_parameters", "{}", "mask"),
        ("extra", 1, "json"),
    ],
)
def test_metadata_that_does_not_hold(copy: Path, name: str, value: Any, kind: str) -> None:
    key = rewrite(copy, "val-000000", edit_json(name, value))
    assert key in kinds(copy)[kind]


def test_ratio_outside_its_bin(copy: Path) -> None:
    def empty(samples: Samples) -> str:
        key = edit_json("damage_parameters", '{"strokes":[],"boxes":[],"fill":[128,128,128]}')(samples)
        samples[key]["mask.png"] = encode_mask(np.zeros((256, 256), np.uint8))
        return key

    key = rewrite(copy, "val-000000", empty)
    found = kinds(copy)
    assert key in found["ratio_bin"] and key in found["ratio_asked"]


def test_samples_out_of_order(copy: Path) -> None:
    def turn(samples: Samples) -> str:
        items = list(samples.items())
        samples.clear()
        samples.update(items[::-1])
        return items[0][0]

    rewrite(copy, "val-000000", turn)
    assert "order" in kinds(copy)


def test_stray_file(copy: Path) -> None:
    (Layout(copy).shards / "train-000099.tar").touch()
    assert "stray_file" in kinds(copy)
