"""Pools in recipes: faults said before any work, datasets that know their pools and not where these lay."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipelines import build, plan, verify
from pipelines.damage import pools
from pipelines.errors import MenderyError, RecipeError
from pipelines.layout import Layout
from pipelines.recipe import load, parse
from pipelines.shards.read import iterate, metadata_of
from pipelines.shards.verify import to_json
from pipelines.viewing import preview

RECIPE = """
name: pooled
sources: [{type: folder, path: photos}]
image: {size: 64}
damage:
  - {kind: mask_pool, pool: secret/masks, holes: white}
  - {kind: several, of: [{kind: objects, pool: {path: secret/shapes, name: things}}], num_range: [1, 1]}
shards: {samples: 100}
splits: {train: 1.0}
"""


def fill(folder: Path, count: int) -> Path:
    """A pool of masks, each of a few discs."""
    folder.mkdir(parents=True)
    for number in range(count):
        mask = np.zeros((100, 100), np.uint8)
        for place in range(3):
            cv2.circle(mask, (20 + 30 * place, 15 + 11 * number), 12, 255, cv2.FILLED)
        cv2.imwrite(str(folder / f"{number}.png"), mask)
    return folder


@pytest.fixture
def recipe(photos: Path, tmp_path: Path) -> Path:
    fill(tmp_path / "secret" / "masks", 5)
    fill(tmp_path / "secret" / "shapes" / "disc", 3)
    (tmp_path / "r.yaml").write_text(RECIPE)
    return tmp_path / "r.yaml"


@pytest.fixture
def built(recipe: Path, tmp_path: Path, ray_here: None) -> Path:
    build(recipe, tmp_path / "out", workers=2)
    return tmp_path / "out"


@pytest.fixture
def moved(built: Path) -> Path:
    """The pools of a finished dataset, which lie elsewhere now; what this process knows of them is forgotten."""
    (built.parent / "secret").rename(built.parent / "elsewhere")
    pools._OPEN.clear()
    pools._LOCATED.clear()
    return built.parent / "elsewhere"


def told(out: Path) -> list[dict]:
    return [metadata_of(members) for path in Layout(out).shards.glob("*.tar") for _, members in iterate(path)]


def test_a_build_is_verified_with_the_pools_of_its_recipe(built: Path) -> None:
    found = verify(built)
    assert found == []
    assert found.notes == ()
    assert {sample["damage"] for sample in told(built)} == {"mask_pool", "several"}


def test_nothing_in_the_dataset_says_where_the_pools_lay(built: Path) -> None:
    assert "secret" not in json.dumps(told(built)) + Layout(built).manifest.read_text()
    manifest = json.loads(Layout(built).manifest.read_text())
    first, second = manifest["recipe"]["damage"]
    assert sorted(first["pool"]) == ["maps", "name", "sha256"]
    assert second["of"][0]["pool"]["name"] == "things"


def test_without_its_pool_a_mask_is_not_checked_which_a_note_says(built: Path, moved: Path) -> None:
    found = verify(built)
    count = sum(sample["damage"] == "mask_pool" for sample in told(built))
    assert found == []
    assert found.notes == (
        f"pool 'masks' is not here, so {count} masks were not drawn again: say where it lies, with --pool masks=PATH",
    )
    assert json.loads(to_json(found))["notes"] == list(found.notes)


def test_a_pool_elsewhere_is_named(built: Path, moved: Path) -> None:
    found = verify(built, pools={"masks": moved / "masks"})
    assert (found, found.notes) == ([], ())


def test_the_command_takes_pools(built: Path, moved: Path) -> None:
    command = [sys.executable, "-m", "pipelines.cli", "verify", str(built), "--pool"]
    ran = subprocess.run([*command, f"masks={moved / 'masks'}"], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, f"{built}: every promise is kept\n"), ran.stderr
    wrong = subprocess.run([*command, "masks"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stderr) == (1, "mendery: --pool takes NAME=PATH, found 'masks'\n")


def test_a_pool_with_another_item_is_a_finding_that_names_it(built: Path, moved: Path) -> None:
    shutil.copy(moved / "masks" / "1.png", moved / "masks" / "0.png")
    pool = {sample["key"] for sample in told(built) if '"item":"0.png"' in sample["damage_parameters"]}
    found = verify(built, pools={"masks": moved / "masks"})
    assert {finding.key for finding in found} == pool
    assert all("item '0.png' of pool 'masks' has SHA-256" in finding.text for finding in found)


def test_a_pool_of_label_maps_elsewhere_is_read_as_such(photos: Path, tmp_path: Path, ray_here: None) -> None:
    labels = np.zeros((80, 80), np.uint8)
    labels[10:40, 10:60], labels[50:75, 5:35] = 1, 2
    (tmp_path / "labelled").mkdir()
    cv2.imwrite(str(tmp_path / "labelled" / "a.png"), labels)
    damage = "damage: [{kind: mask_pool, holes: white, crop_range: [1, 1], pool: {path: labelled, maps: any}}]\n"
    text = RECIPE[: RECIPE.index("damage:")] + damage + RECIPE[RECIPE.index("shards:") :]
    build(parse(text, "r", tmp_path), tmp_path / "out", workers=1)
    (tmp_path / "labelled").rename(tmp_path / "elsewhere")
    pools._OPEN.clear()
    pools._LOCATED.clear()
    found = verify(tmp_path / "out", pools={"labelled": tmp_path / "elsewhere"})
    assert (found, found.notes) == ([], ())


def test_a_pool_said_to_be_where_nothing_is_is_refused(built: Path) -> None:
    with pytest.raises(MenderyError, match="no folder .*nowhere"):
        verify(built, pools={"masks": "/nowhere"})


def test_a_changed_pool_is_a_changed_dataset_and_a_moved_one_is_not(recipe: Path, tmp_path: Path) -> None:
    before = load(recipe).digest()
    (tmp_path / "other").mkdir()
    shutil.copytree(tmp_path / "secret", tmp_path / "other" / "secret")
    assert parse(RECIPE.replace("path: photos", f"path: {tmp_path}/photos"), "r", tmp_path / "other").digest() == before
    (tmp_path / "secret" / "masks" / "4.png").unlink()
    assert load(recipe).digest() != before


def test_continuing_with_a_changed_pool_is_refused_by_name(built: Path, recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "secret" / "masks" / "4.png").unlink()
    with pytest.raises(MenderyError, match=r"recipe: damage\.0\.pool\.sha256: was"):
        build(recipe, built, workers=1)


def test_a_missing_pool_is_a_fault_of_its_line(recipe: Path) -> None:
    recipe.write_text(RECIPE.replace("secret/masks", "secret/maskz"))
    with pytest.raises(
        RecipeError, match=r"r\.yaml:6: damage\.0\.pool: no folder .*maskz': correct the path of the pool"
    ):
        load(recipe)


def test_an_empty_pool_is_a_fault_of_its_line(recipe: Path, tmp_path: Path) -> None:
    for file in (tmp_path / "secret" / "masks").iterdir():
        file.rename(file.with_suffix(".txt"))
    with pytest.raises(RecipeError, match=r"r\.yaml:6: damage\.0\.pool: pool 'masks' is empty: no picture in"):
        load(recipe)


def test_two_pools_of_one_name_are_refused(recipe: Path) -> None:
    recipe.write_text(RECIPE.replace("name: things", "name: masks"))
    with pytest.raises(RecipeError, match="two pools are called 'masks': give one of them a name"):
        load(recipe)


def test_plan_counts_corrupt_items_and_a_build_passes_them_over(recipe: Path, tmp_path: Path, ray_here: None) -> None:
    (tmp_path / "secret" / "masks" / "9.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    (note,) = (note for note in plan(recipe).notes if "pool masks" in note)
    assert note.startswith("pool masks: 5 usable pictures, 1 skipped; 9.png: ")
    build(recipe, tmp_path / "out", workers=1)
    assert verify(tmp_path / "out") == []


def test_plan_refuses_a_pool_of_nothing_but_rubbish(recipe: Path, tmp_path: Path) -> None:
    for file in (tmp_path / "secret" / "masks").iterdir():
        file.write_bytes(b"rubbish")
    with pytest.raises(RecipeError, match="pool 'masks' holds no usable picture"):
        plan(recipe)


def test_plan_refuses_a_ratio_that_cannot_be_met_and_names_it(photos: Path, tmp_path: Path) -> None:
    text = RECIPE[: RECIPE.index("damage:")] + "damage: [{kind: box, ratio_range: [0.96, 0.97], margin: 0.2}]"
    with pytest.raises(
        RecipeError, match=r"damage 1 \(box\) could be drawn with a ratio in \(0\.96, 0\.97\] on none of 4"
    ):
        plan(parse(text, "r", tmp_path))


def test_plan_says_what_no_picture_has(photos: Path, tmp_path: Path) -> None:
    text = RECIPE[: RECIPE.index("damage:")] + "damage: [{kind: box}, {kind: objects, over: picture}]"
    notes = plan(parse(text, "r", tmp_path)).notes
    assert "damage 2 (objects) stood aside on all of 4 pictures: they have no segments" in notes


def test_preview_knows_the_pools(recipe: Path, photos: Path, tmp_path: Path) -> None:
    assert len(preview(recipe, next(photos.iterdir()), tmp_path / "sheets", 2)) == 2
