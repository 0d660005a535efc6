"""The same recipe and sources give the same bytes: however many workers, nodes and interruptions."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from material import jpeg, recipe_text

from pipelines import build, status, verify
from pipelines.damage import DAMAGES
from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.recipe import ready
from pipelines.storage import sha256_of

MENDERY = (sys.executable, "-m", "pipelines.cli")

TWO_NODES = """
import sys
from ray.cluster_utils import Cluster
from pipelines import build
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 80 * 2**20})
cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)
build("demo", sys.argv[1], workers=2, address=cluster.address)
cluster.shutdown()
"""


def digests(out: Path) -> dict[str, str]:
    """SHA-256 of everything that is the dataset."""
    layout = Layout(out)
    files = [layout.manifest, layout.report, *sorted(layout.shards.iterdir())]
    return {file.name: sha256_of(file) for file in files}


def small(folder: Path, source: str, extra: str = "") -> Path:
    path = folder / "small.yaml"
    path.write_text(recipe_text(source, extra))
    return path


def test_one_worker_makes_the_same_bytes_as_two(demo_build: Path, tmp_path: Path) -> None:
    build("demo", tmp_path / "one", workers=1)
    assert digests(tmp_path / "one") == digests(demo_build)


def test_two_nodes_make_the_same_bytes(demo_build: Path, tmp_path: Path) -> None:
    # A process of its own, because a process talks to one Ray cluster only.
    run = [sys.executable, "-c", TWO_NODES, str(tmp_path / "nodes")]
    subprocess.run(run, check=True, timeout=200, capture_output=True)
    assert digests(tmp_path / "nodes") == digests(demo_build)


def test_killed_three_times_and_continued_makes_the_same_bytes(demo_build: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    for number in range(3):
        driver = subprocess.Popen(
            [*MENDERY, "build", "demo", "--out", str(out), "--workers", "1"], start_new_session=True
        )
        _wait_for_commits(out, number, driver)
        os.killpg(driver.pid, signal.SIGKILL)
        driver.wait()
        assert not Layout(out).manifest.exists()
    build("demo", out, workers=2)
    assert digests(out) == digests(demo_build)


def test_killed_at_random_moments_and_continued_gives_the_same_bytes(demo_build: Path, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    moments = random.Random(seed)
    out = tmp_path / "killed"
    for _ in range(3):
        driver = subprocess.Popen(
            [*MENDERY, "build", "demo", "--out", str(out), "--workers", "2"], start_new_session=True
        )
        time.sleep(moments.uniform(1, 8))  # from before Ray is up to after the end
        if driver.poll() is None:
            os.killpg(driver.pid, signal.SIGKILL)
        driver.wait()
    build("demo", out, workers=2)
    assert digests(out) == digests(demo_build), f"seed {seed}"


def _wait_for_commits(out: Path, number: int, driver: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while len(list(Layout(out).commits.glob("*.json"))) < number + 1:
        assert driver.poll() is None, "the build ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_interrupt_says_how_to_continue(tmp_path: Path) -> None:
    out, recipe = tmp_path / "out", tmp_path / "long.yaml"
    # Three times as many shards as the demo, so that it still has much to do when the signal comes late.
    recipe.write_text(ready()["demo"].read_text().replace("crops_per_image: 12", "crops_per_image: 36"))
    driver = subprocess.Popen(
        [*MENDERY, "build", str(recipe), "--out", str(out), "--workers", "1"], stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  # background jobs ignore it
    )  # fmt: skip
    _wait_for_commits(out, 1, driver)  # type: ignore[arg-type]
    driver.send_signal(signal.SIGINT)
    _, said = driver.communicate(timeout=60)
    assert driver.returncode == 130, said
    assert "stopped in stage shards" in said and f"mendery build {recipe} --out {out} --workers 1" in said
    assert "Traceback" not in said
    assert status(out).stage == "shards" and not status(out).running


def test_finished_build_is_not_built_again(ray_here: None, photos: Path, tmp_path: Path) -> None:
    recipe = small(tmp_path, "{type: folder, path: photos}")
    build(recipe, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "shards").iterdir()}
    build(recipe, tmp_path / "out")
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "shards").iterdir()}


def test_lost_shard_commit_is_written_again_alone(ray_here: None, photos: Path, tmp_path: Path) -> None:
    recipe, layout = small(tmp_path, "{type: folder, path: photos}"), Layout(tmp_path / "out")
    build(recipe, layout.out)
    before = digests(layout.out)
    layout.manifest.unlink()
    layout.commit("val-000000").unlink()
    layout.shard("val-000000").write_bytes(b"half a shard")
    build(recipe, layout.out)
    assert digests(layout.out) == before


def test_another_recipe_is_refused_with_the_difference(ray_here: None, photos: Path, tmp_path: Path) -> None:
    recipe = small(tmp_path, "{type: folder, path: photos}")
    build(recipe, tmp_path / "out")
    recipe.write_text(recipe.read_text().replace("seed: 3", "seed: 4"))
    with pytest.raises(MenderyError, match="seed: was 3, is 4"):
        build(recipe, tmp_path / "out")


def test_changed_sources_are_refused_by_name(ray_here: None, photos: Path, tmp_path: Path) -> None:
    recipe = small(tmp_path, "{type: folder, path: photos}")
    build(recipe, tmp_path / "out")
    (photos / "new.jpg").write_bytes(jpeg(99))
    (photos / "000.jpg").unlink()
    with pytest.raises(MenderyError, match=r"source 'photos': 1 added \(new.jpg\); 1 removed \(000.jpg\)"):
        build(recipe, tmp_path / "out")


def test_fresh_begins_again(ray_here: None, photos: Path, tmp_path: Path) -> None:
    recipe = small(tmp_path, "{type: folder, path: photos}")
    build(recipe, tmp_path / "out")
    (photos / "new.jpg").write_bytes(jpeg(99))
    assert build(recipe, tmp_path / "out", fresh=True)["audit"]["found"] == 21


def test_where_pictures_lie_does_not_change_the_dataset(ray_here: None, photos: Path, tmp_path: Path) -> None:
    first = build(small(tmp_path, "{type: folder, path: photos, name: p}"), tmp_path / "a")
    photos.rename(tmp_path / "elsewhere")
    second = build(small(tmp_path, "{type: folder, path: elsewhere, name: p}"), tmp_path / "b")
    assert first == second


def test_splits_have_their_shares_and_share_no_picture(demo_build: Path) -> None:
    pictures: dict[str, set[str]] = {}
    for index in sorted(Layout(demo_build).shards.glob("*.parquet")):
        table = pq.read_table(index)
        pictures.setdefault(table["split"][0].as_py(), set()).update(table["source_sha256"].to_pylist())
    assert {split: len(found) for split, found in pictures.items()} == {"train": 8, "val": 2, "test": 2}
    assert len(set.union(*pictures.values())) == 12


def test_every_family_and_asked_bin_is_in_the_demo(demo_build: Path) -> None:
    table = pq.ParquetDataset(sorted(Layout(demo_build).shards.glob("*.parquet"))).read().to_pandas()
    assert len(table) >= 500
    assert set(table.damage) == set(DAMAGES) - {"paired"}  # no photograph of the demo has a pair
    assert set(table[table.damage == "brush"].mask_ratio_bin) == {"0.1-0.2", "0.2-0.3", "0.3-0.4"}


def test_official_splits_are_taken_and_pictures_without_one_dropped(ray_here: None, tmp_path: Path) -> None:
    for number, folder in enumerate(("train", "train", "validation", "test", "other")):
        (tmp_path / "photos" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / folder / f"{number}.jpg").write_bytes(jpeg(number))
    recipe = small(tmp_path, "{type: folder, path: photos}")
    recipe.write_text(recipe.read_text().replace("splits: {train: 0.8, val: 0.1, test: 0.1}", "splits: official"))
    manifest = build(recipe, tmp_path / "out")
    assert {split: totals["samples"] for split, totals in manifest["splits"].items()} == {
        "train": 4,
        "val": 2,
        "test": 2,
    }
    assert manifest["audit"]["dropped"] == {"no_official_split": 1}


def test_shards_by_megabytes(ray_here: None, photos: Path, tmp_path: Path) -> None:
    recipe = small(tmp_path, "{type: folder, path: photos}")
    text = (
        recipe.read_text()
        .replace("size: 64", "size: 512, fit: exact")
        .replace("shards: {samples: 10}", "shards: {megabytes: 2}")
    )
    recipe.write_text(text + "curate: {min_side: 1}\n")
    sizes = [shard["bytes"] for shard in build(recipe, tmp_path / "out")["shards"] if shard["split"] == "train"]
    assert len(sizes) > 1 and max(sizes) < 3e6


def test_without_damage_there_are_clean_pictures_only(ray_here: None, photos: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "clean.yaml"
    recipe.write_text("name: clean\nsources:\n  - {type: folder, path: photos}\nimage: {size: 64}\n")
    assert build(recipe, tmp_path / "out")["members"] == ["image.jpg", "json"]


def test_evaluation_splits_have_every_bin_of_every_crop(ray_here: None, photos: Path, tmp_path: Path) -> None:
    text = recipe_text(f"{{type: folder, path: {photos}}}").replace(
        "splits: {train: 0.8, val: 0.1, test: 0.1}", "splits: {train: 0.5, test: 0.5, per_bin: [test]}"
    )
    (tmp_path / "r.yaml").write_text(text)
    build(tmp_path / "r.yaml", tmp_path / "out")
    assert verify(tmp_path / "out") == []
    index = pa.concat_tables(pq.read_table(path) for path in sorted((tmp_path / "out/shards").glob("test-*.parquet")))
    bins = index.group_by("source_sha256").aggregate([("mask_ratio_bin", "list")])["mask_ratio_bin_list"].to_pylist()
    assert bins == [["0.01-0.1", "0.1-0.2", "0.2-0.3", "0.3-0.4", "0.4-0.5", "0.5-0.6"]] * len(bins)
    train = pa.concat_tables(pq.read_table(path) for path in (tmp_path / "out/shards").glob("train-*.parquet"))
    assert set(pc.value_counts(train["source_sha256"]).field("counts").to_pylist()) == {2}


def test_evaluation_splits_also_show_damages_that_have_no_ratio_to_ask(
    ray_here: None, photos: Path, tmp_path: Path
) -> None:
    text = recipe_text(f"{{type: folder, path: {photos}}}").replace("kind: box", "kind: scratches")
    text = text.replace("splits: {train: 0.8, val: 0.1, test: 0.1}", "splits: {train: 0.5, test: 0.5, per_bin: [test]}")
    (tmp_path / "r.yaml").write_text(text)
    build(tmp_path / "r.yaml", tmp_path / "out")
    index = pa.concat_tables(pq.read_table(path) for path in sorted((tmp_path / "out/shards").glob("test-*.parquet")))
    kinds = index.group_by("source_sha256").aggregate([("damage", "list")])["damage_list"].to_pylist()
    assert kinds == [["brush"] * 6 + ["scratches"] * 2] * len(kinds)
