"""Evaluation of baselines and of a run on the demo, and what its files and pages say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.trainers.runs import made
from trainers.evaluate import compare, evaluate
from trainers.inpainters import composed, mean_fill, open_inpainter, telea


@pytest.fixture(scope="module")
def mean(demo_build: Path, tmp_path_factory: pytest.TempPathFactory):
    return evaluate("mean", demo_build, out=tmp_path_factory.mktemp("mean"), size=64, limit=40)


@pytest.fixture(scope="module")
def run(demo_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made("lama", demo_build, tmp_path_factory.mktemp("runs") / "lama")


def test_telea_is_better_than_the_mean_colour(demo_build: Path, mean, tmp_path: Path) -> None:
    better = evaluate("telea", demo_build, out=tmp_path, size=64, limit=40)
    one, other = (found.tables["tables"][0]["rows"][0] for found in (better, mean))
    for name in ("hole_psnr", "psnr", "hole_ssim", "uqi"):
        assert one[name]["mean"] > other[name]["mean"]


def test_the_whole_is_better_than_the_hole(mean) -> None:
    rows = pq.read_table(mean.folder / "samples.parquet").to_pylist()
    known = [row for row in rows if not np.isnan(row["hole_psnr"])]
    assert len(known) > 30  # at 64 pixels the thinnest holes are gone
    assert all(row["psnr"] >= row["hole_psnr"] and row["mae"] <= row["hole_mae"] for row in known)


def test_every_sample_counts_once_in_every_table(mean) -> None:
    assert [table["axis"] for table in mean.tables["tables"]] == ["all", "bin", "damage"]
    for table in mean.tables["tables"]:
        assert sum(row["samples"] for row in table["rows"]) == 40


def test_evaluating_twice_gives_the_same_files(demo_build: Path, mean, tmp_path: Path) -> None:
    again = evaluate("mean", demo_build, out=tmp_path, size=64, limit=40)
    for name in ("samples.parquet", "tables.json", "report.html"):
        assert (again.folder / name).read_bytes() == (mean.folder / name).read_bytes()


def test_the_page_shows_best_median_and_worst_and_fetches_nothing(mean) -> None:
    page = (mean.folder / "report.html").read_text()
    assert page.count("<figure") >= 6
    for title in ("Best", "Median", "Worst"):
        assert f"<h3>{title}</h3>" in page
    assert "http://" not in page and "https://" not in page


def test_what_needs_weights_is_left_out_and_said(mean) -> None:
    assert "lpips" not in mean.tables["metrics"]
    assert any("LPIPS is not told" in note for note in mean.tables["notes"])
    assert any("FID" in note for note in mean.tables["notes"])


def test_a_method_against_itself_differs_by_nothing(demo_build: Path, tmp_path: Path) -> None:
    options = {"size": 64, "limit": 24}
    found = compare("mean", "mean", demo_build, out=tmp_path, by=("bin",), **options)
    assert all(row["psnr"]["mean"] == 0 for table in found.tables["differences"] for row in table["rows"])


def test_a_run_is_evaluated_into_its_own_folder_and_its_card(demo_build: Path, run: Path) -> None:
    found = evaluate(str(run), demo_build, size=64, limit=8)
    assert found.folder == run / "evaluation" / "demo-test"
    assert found.tables["what"]["step"] == 3
    text = (run / "card.md").read_text()
    assert f"### demo {found.tables['data']['version']}, test: 8 samples" in text
    assert "without the perceptual loss" in text
    assert "CC0-1.0" in text
    assert str(run.parent) not in text
    assert str(demo_build) not in text


def test_a_card_tells_of_files_by_name_only(demo_build: Path, tmp_path: Path) -> None:
    from trainers import card
    from trainers.checkpoint import read_config

    run = made("lama", demo_build, tmp_path / "lama")
    plain = read_config(run).to_json()
    plain["loader"]["cache"] = "/home/somebody/cache"
    (run / "config.json").write_text(json.dumps(plain))
    text = card.write(run).read_text()
    assert '"loader.cache": "cache"' in text
    assert "somebody" not in text


def test_known_pixels_are_not_touched_by_anything(demo_build: Path, run: Path) -> None:
    import torch

    from trainers.inpainters import masks, pictures
    from trainers.loader import once

    batch = next(once(demo_build, "test", 64, 4))
    for what in (str(run), "mean", "telea", "navier-stokes"):
        filled = open_inpainter(what, "cpu").fill(batch)
        for made_, image, mask in zip(filled, pictures(batch.image), masks(batch.mask), strict=True):
            assert np.array_equal(made_[mask == 0], image[mask == 0])
    assert isinstance(batch.image, torch.Tensor)


def test_baselines_never_see_what_is_below_the_hole() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (32, 32, 3), np.uint8)
    mask = np.zeros((32, 32), np.uint8)
    mask[8:20, 8:20] = 255
    other = composed(255 - image, image, mask)
    for fill in (mean_fill, telea):
        hidden = [np.where(mask[..., None] > 0, 0, one).astype(np.uint8) for one in (image, other)]
        assert np.array_equal(fill(hidden[0], mask), fill(hidden[1], mask))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nowhere", "--data", "DEMO"], "baselines without a run are mean, navier-stokes, telea"),
        (["mean", "--data", "DEMO", "--split", "tset"], "did you mean 'test'"),
        (["mean", "--data", "DEMO", "--by", "grup", "--limit", "4"], "no sample says its 'grup'"),
        (["mean", "--data", "DEMO", "--weights", "vgg=x"], "no network 'vgg'"),
        (["mean", "--data", "DEMO", "--weights", "lpips=x"], "needs two files"),
        (["mean", "--data", "DEMO", "--weights", "inception=nowhere.pth"], "no file nowhere.pth"),
        (["--data", "DEMO"], "one run or baseline, or --compare"),
    ],
)
def test_faults_are_one_sentence(arguments: list[str], expected: str, demo_build: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipelines.cli", "evaluate", *arguments]
    command = [str(demo_build) if part == "DEMO" else part for part in command]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 1
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_json_on_the_screen_is_what_the_file_holds(demo_build: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipelines.cli", "evaluate", "mean", "--data", str(demo_build), "--json"]
    command += ["--limit", "4", "--size", "64", "--out", str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    assert json.loads(done.stdout) == json.loads((tmp_path / "tables.json").read_text())
