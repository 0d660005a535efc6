"""Aged pictures in finished datasets: what samples hold, what `verify` finds, what other readers load."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pipelines import build, report, verify
from pipelines.damage.ageing import Aged
from pipelines.errors import RecipeError
from pipelines.imaging.encode import decode_image, decode_png
from pipelines.layout import Layout
from pipelines.recipe import parse
from pipelines.shards.read import iterate, metadata_of
from pipelines.viewing import preview

RECIPE = """
name: aged
sources: [{{type: folder, path: photos}}]
image: {{size: 64, format: {fmt}}}
ageing: {{probability: 0.7}}
damage: [{{kind: several, of: [{{kind: stains}}, {{kind: scratches}}]}}]
variants: 2
shards: {{samples: 100}}
splits: {{train: 1.0}}
"""


@pytest.fixture(params=["jpg", "png"])
def built(request: pytest.FixtureRequest, photos: Path, tmp_path: Path, ray_here: None) -> tuple[Path, str]:
    (tmp_path / "r.yaml").write_text(RECIPE.format(fmt=request.param))
    build(tmp_path / "r.yaml", tmp_path / "out", workers=1)
    return tmp_path / "out", request.param


def samples(out: Path) -> list[dict[str, bytes]]:
    return [members for path in sorted(Layout(out).shards.glob("*.tar")) for _, members in iterate(path)]


def rewrite(out: Path, change: Any) -> None:
    (path,) = Layout(out).shards.glob("*.tar")
    told = dict(iterate(path))
    change(told)
    with tarfile.open(path, "w") as archive:
        for key, members in told.items():
            for name, data in members.items():
                entry = tarfile.TarInfo(f"{key}.{name}")
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))


def test_samples_hold_the_aged_picture_and_the_original(built: tuple[Path, str]) -> None:
    out, fmt = built
    assert verify(out) == []
    found = samples(out)
    assert len(found) == 40
    aged = [members for members in found if metadata_of(members)["ageing"] != "{}"]
    assert 15 < len(aged) < 40
    for members in found:
        image, original = (decode_image(members[f"{name}.{fmt}"]) for name in ("image", "original"))
        mask, damaged = decode_png(members["mask.png"]), decode_png(members["damaged.png"])
        assert np.array_equal(damaged[mask == 0], image[mask == 0])
        expected = Aged.from_json(metadata_of(members)["ageing"]).age(original)
        assert abs(expected.astype(int) - image).mean() <= (0 if fmt == "png" else 4)


def test_variants_share_the_original_and_are_aged_by_themselves(built: tuple[Path, str]) -> None:
    out, fmt = built
    by_picture: dict[str, list[dict[str, bytes]]] = {}
    for members in samples(out):
        by_picture.setdefault(metadata_of(members)["source_sha256"], []).append(members)
    assert all(len({members[f"original.{fmt}"] for members in group}) == 1 for group in by_picture.values())
    assert any(len({metadata_of(members)["ageing"] for members in group}) == 2 for group in by_picture.values())


def test_verify_finds_what_does_not_belong_together(built: tuple[Path, str], tmp_path: Path) -> None:
    out, fmt = built

    def swap(told: dict[str, dict[str, bytes]]) -> None:
        one, *_, other = told.values()
        one[f"original.{fmt}"] = other[f"original.{fmt}"]

    def forge(told: dict[str, dict[str, bytes]]) -> None:
        members = next(iter(told.values()))
        members["json"] = json.dumps(json.loads(members["json"]) | {"ageing": '{"fading":250}'}).encode()

    def cut(told: dict[str, dict[str, bytes]]) -> None:
        members = next(iter(told.values()))
        members[f"original.{fmt}"] = members[f"original.{fmt}"][:40]

    for change in (swap, forge, cut):
        copy = tmp_path / change.__name__
        shutil.copytree(out, copy)
        rewrite(copy, change)
        assert "ageing" in {finding.kind for finding in verify(copy)}, change


@pytest.mark.filterwarnings("default")
def test_other_readers_load_the_original(built: tuple[Path, str], tmp_path: Path) -> None:
    import datasets
    import webdataset

    out, fmt = built
    shards = [str(path) for path in sorted(Layout(out).shards.glob("*.tar"))]
    members = {"damaged.png", f"image.{fmt}", "json", "mask.png", f"original.{fmt}"}
    loaded = list(webdataset.WebDataset(shards, shardshuffle=False).decode("rgb8"))
    assert loaded[0].keys() - {"__key__", "__url__", "__local_path__"} == members
    cache = str(tmp_path / "cache")
    hub = datasets.load_dataset("webdataset", data_files={"train": shards}, split="train", cache_dir=cache)
    assert set(hub.column_names) - {"__key__", "__url__"} == members
    first = next(iter(hub))
    assert np.array_equal(np.asarray(first[f"original.{fmt}"]), loaded[0][f"original.{fmt}"])
    assert isinstance(first["json"]["ageing"], str)


def test_the_report_shows_originals(built: tuple[Path, str]) -> None:
    assert 'alt="original"' in report(built[0]).read_text()


def test_pictures_may_be_aged_and_not_damaged(photos: Path, tmp_path: Path, ray_here: None) -> None:
    text = RECIPE.format(fmt="jpg").replace("damage:", "# damage:")
    (tmp_path / "r.yaml").write_text(text)
    build(tmp_path / "r.yaml", tmp_path / "out", workers=1)
    assert verify(tmp_path / "out") == []
    assert {frozenset(members) for members in samples(tmp_path / "out")} == {
        frozenset({"image.jpg", "json", "original.jpg"})
    }


def test_preview_shows_the_original_first(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(RECIPE.format(fmt="jpg"))
    (sheet,) = preview(tmp_path / "r.yaml", next(photos.iterdir()), tmp_path / "sheets", num_seeds=1)
    assert cv2.imread(str(sheet)).shape == (64, 4 * 64, 3)


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("ageing: {grian: null}", "r.yaml:4: unknown key 'grian' in ageing; did you mean 'grain'?"),
        ("ageing:\n  grain: {strenth_range: [1, 2]}", "r.yaml:5: unknown key 'strenth_range' in ageing.grain; did you"),
        ("ageing: {jpeg: {quality_range: [0, 200]}}", "r.yaml:4: ageing.jpeg.quality_range.0"),
    ],
)
def test_faults_of_the_block_name_their_line(block: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as raised:
        parse(f"name: a\nsources:\n  - {{type: folder, path: .}}\n{block}\n", "r.yaml", tmp_path)
    assert str(raised.value).startswith(expected)
