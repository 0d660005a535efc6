"""The command line: every verb works, answers quickly, and fails with a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest
from material import jpeg

from pipelines import manifest as manifests
from pipelines.layout import Layout
from pipelines.recipe import load_anywhere

MENDERY = (sys.executable, "-m", "pipelines.cli")


def mendery(*words: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*MENDERY, *map(str, words)], capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_help_answers_at_once() -> None:
    seconds = []
    for _ in range(3):
        started = time.monotonic()
        assert "verify" in mendery("--help").stdout
        seconds.append(time.monotonic() - started)
    assert min(seconds) < 0.5


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, pipelines.cli; print({'ray', 'torch', 'cv2', 'numpy', 'pyarrow'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_recipes_lists_documents_and_annotates() -> None:
    assert "demo" in mendery("recipes").stdout
    assert "min_side" in json.loads(mendery("recipes", "--schema").stdout)["$defs"]["Curate"]["properties"]
    assert mendery("recipes", "--example").stdout.startswith("# An annotated recipe")


def test_plan_estimates_what_build_makes(demo_build: Path) -> None:
    said = mendery("plan", "demo").stdout
    assert "about 720 samples" in said
    assert "CC0-1.0" in said


def test_status_of_a_finished_build(demo_build: Path) -> None:
    assert mendery("status", demo_build).stdout.startswith("complete: stage complete, 6 of 6 shards")


def test_status_of_nothing(tmp_path: Path) -> None:
    assert "no build in" in mendery("status", tmp_path, code=1).stderr


def test_verify(demo_build: Path) -> None:
    assert "every promise is kept" in mendery("verify", demo_build).stdout
    assert json.loads(mendery("verify", demo_build, "--json").stdout) == {"ok": True, "findings": [], "notes": []}


def test_verify_fails_with_exit_code_and_name(demo_build: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(demo_build, tmp_path / "copy")
    Layout(tmp_path / "copy").shard("val-000000").unlink()
    assert "val-000000.tar is missing" in mendery("verify", tmp_path / "copy", code=1).stdout
    assert not json.loads(mendery("verify", tmp_path / "copy", "--json", code=1).stdout)["ok"]


def test_verify_of_something_else(tmp_path: Path) -> None:
    assert "is this a dataset?" in mendery("verify", tmp_path, code=1).stderr


def test_show_takes_one_sample_out(demo_build: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    name = manifests.read(demo_build)["shards"][0]["name"]
    key = pq.read_table(Layout(demo_build).index(name))["key"][3].as_py()
    done = mendery("show", demo_build, key, "-o", tmp_path / "one")
    assert json.loads(done.stdout)["key"] == key
    names = {path.name for path in (tmp_path / "one").iterdir()}
    assert names == {f"{key}.{member}" for member in ("damaged.png", "image.jpg", "json", "mask.png", "overlay.png")}


def test_show_of_an_unknown_key(demo_build: Path) -> None:
    assert "no sample 'nothing'" in mendery("show", demo_build, "nothing", code=1).stderr


def test_preview_draws_a_sheet_per_damage_and_says_which_stand_aside(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(1, 400, 500))
    done = mendery("preview", "demo", "--image", tmp_path / "a.jpg", "-o", tmp_path / "p", "--seeds", "2")
    kinds = [Path(sheet).stem.split("-")[-1] for sheet in done.stdout.split()]
    told = [line for line in done.stderr.splitlines() if line.startswith("no sheet of ")]
    aside = [line.removeprefix("no sheet of ").partition(":")[0] for line in told]
    assert sorted(kinds + aside) == sorted(damage.kind for damage in load_anywhere("demo").damage)
    assert aside == ["face_mask", "occluder", "face_parts", "skin_marks"]
    assert cv2.imread(done.stdout.split()[0]).shape == (2 * 256, 3 * 256, 3)


def test_preview_of_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("text")
    assert "not_a_picture" in mendery("preview", "demo", "--image", tmp_path / "a.jpg", "-o", tmp_path, code=1).stderr


def test_doctor_finds_what_a_build_needs() -> None:
    said = mendery("doctor").stdout
    assert "ray" in said and "opencv-python" in said and "MISSING" not in said


def test_report_can_be_written_again(demo_build: Path, tmp_path: Path) -> None:
    before = Layout(demo_build).report.read_bytes()
    mendery("report", demo_build)
    assert Layout(demo_build).report.read_bytes() == before


@pytest.mark.parametrize("text", ["name: a\n", "{", ""])
def test_bad_recipe_is_a_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(text)
    assert "r.yaml" in mendery("build", tmp_path / "r.yaml", "--out", tmp_path / "out", code=1).stderr
    assert not (tmp_path / "out").exists()
