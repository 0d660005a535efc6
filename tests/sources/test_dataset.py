"""A built dataset as the source of another: other damage over the same pictures."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from corpora.miniature import Miniature, lay
from corpora.test_ffhq import MINIATURES as FFHQ
from corpora.test_lapa import MINIATURE as LAPA
from material import jpeg, recipe_text

from pipelines import build, verify
from pipelines.errors import RecipeError
from pipelines.layout import Layout
from pipelines.recipe import load
from pipelines.shards.read import iterate, metadata_of
from pipelines.storage import sha256_of

REMASK = """
name: again
seed: 9
sources: [{type: dataset, path: PATH}]
damage: [{kind: box}]
"""
METADATA = "file_name,group,group_by,terms\n" + "".join(
    f"{seed:03d}.jpg,{'a' if seed % 2 else 'b'},owner,{'CC0-1.0' if seed % 3 else 'CC-BY-4.0'}\n" for seed in range(20)
)
FOLDER = "{type: folder, path: photos, labels: [group, group_by], licence_column: terms, name: mine}"


def samples(out: Path) -> list[dict[str, Any]]:
    """Metadata of every sample, with its members under "members"."""
    shards = sorted((out / "shards").glob("*.tar"))
    return [metadata_of(members) | {"members": members} for shard in shards for _, members in iterate(shard)]


@pytest.fixture(scope="module")
def first(ray_here: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of two crops a picture, two variants a crop, with labels and licences."""
    folder = tmp_path_factory.mktemp("first")
    (folder / "photos").mkdir()
    for seed in range(20):
        (folder / "photos" / f"{seed:03d}.jpg").write_bytes(jpeg(seed))
    (folder / "photos" / "metadata.csv").write_text(METADATA)
    text = recipe_text(FOLDER).replace("{size: 64}", "{size: 64, crops_per_image: 2, position: random, quality: 80}")
    (folder / "recipe.yaml").write_text(text)
    build(folder / "recipe.yaml", folder / "out", workers=2)
    return folder / "out"


@pytest.fixture(scope="module")
def again(first: Path) -> Path:
    """The same pictures with other damage."""
    recipe, out = first.parent / "again.yaml", first.parent / "again"
    recipe.write_text(REMASK.replace("PATH", "out"))
    build(recipe, out, workers=2)
    return out


def test_every_clean_picture_is_taken_over_byte_by_byte(first: Path, again: Path) -> None:
    before, after = ({one["members"]["image.jpg"] for one in samples(out)} for out in (first, again))
    assert after == before
    assert len(samples(again)) == len(before) > 35, "equal crops are one"
    assert verify(again) == []


def test_what_its_samples_tell_is_kept(first: Path, again: Path) -> None:
    fields = ("split", "corpus", "labels", "labels_by", "licence", "redistribute", "attribution")
    before, after = (
        {one["members"]["image.jpg"]: [one[field] for field in fields] for one in samples(out)}
        for out in (first, again)
    )
    assert after == before
    assert {tuple(told[1:2]) for told in after.values()} == {("mine",)}


def test_the_damage_is_another(again: Path) -> None:
    assert {one["damage"] for one in samples(again)} == {"box"}


def test_crops_of_one_picture_stay_in_one_split(first: Path, again: Path) -> None:
    pictures = {one["members"]["image.jpg"]: one["source_sha256"] for one in samples(first)}
    splits = defaultdict(set)
    for one in samples(again):
        splits[pictures[one["members"]["image.jpg"]]].add(one["split"])
    assert all(len(found) == 1 for found in splits.values())


def test_the_manifest_names_whence_it_comes(first: Path, again: Path) -> None:
    assert json.loads((again / "manifest.json").read_bytes())["lineage"] == [
        {"source": "out", "name": "small", "version": "1.0.0", "manifest_sha256": sha256_of(first / "manifest.json")}
    ]


def test_another_size_is_fitted_anew(first: Path, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(
        REMASK.replace("PATH", str(first)) + "image: {size: 96, format: png}\ncurate: {min_side: 32}\n"
    )
    build(tmp_path / "r.yaml", tmp_path / "out", workers=2)
    assert {one["size"] for one in samples(tmp_path / "out")} == {96}


def test_a_dataset_that_changed_is_refused(first: Path, tmp_path: Path) -> None:
    shutil.copytree(first, tmp_path / "copy")
    (tmp_path / "r.yaml").write_text(REMASK.replace("PATH", "copy"))
    recipe = load(tmp_path / "r.yaml")
    stated = json.loads((tmp_path / "copy" / "manifest.json").read_bytes())
    (tmp_path / "copy" / "manifest.json").write_text(json.dumps(stated | {"description": "another"}))
    (tmp_path / "pinned.yaml").write_text(recipe.to_yaml())
    with pytest.raises(RecipeError, match=r"pinned.yaml:\d+: .* it is another state of 'small'"):
        load(tmp_path / "pinned.yaml")


def test_what_is_no_dataset_is_said_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(REMASK.replace("PATH", "nowhere"))
    with pytest.raises(RecipeError, match=r"r.yaml:4: no .*nowhere/manifest.json: is this a dataset"):
        load(tmp_path / "r.yaml")


def test_the_recipe_fills_in_what_is_unsaid(first: Path) -> None:
    recipe = load(first.parent / "again.yaml")
    assert recipe.splits.mode == "official"
    assert (recipe.image.size, recipe.image.quality, recipe.image.position) == (64, 80, "centre")
    assert Layout(first).out == Path(recipe.sources[0].path)


@pytest.mark.parametrize(
    ("miniature", "guides", "member"),
    [(FFHQ[0], "{landmarks: true}", "landmarks.npy"), (LAPA, "{parsing: corpus}", "parsing.png")],
    ids=["landmarks", "parsing"],
)
def test_guides_and_faces_are_taken_over(
    ray_here: None, tmp_path: Path, miniature: Miniature, guides: str, member: str
) -> None:
    lay(tmp_path / "corpus", miniature.files)
    rest = f"image: {{size: 64}}\ncurate: {{min_side: 16}}\nguides: {guides}\ndamage: [{{kind: box}}]\n"
    source = f"{{corpus: {miniature.corpus}, path: corpus}}"
    (tmp_path / "first.yaml").write_text(f"name: first\nsources: [{source}]\n{rest}")
    build(tmp_path / "first.yaml", tmp_path / "out", workers=2)
    (tmp_path / "again.yaml").write_text(REMASK.replace("PATH", "out") + f"guides: {guides}\n")
    build(tmp_path / "again.yaml", tmp_path / "again", workers=2)
    before, after = (
        {
            one["members"]["image.jpg"]: (one["members"][member], one["faces"], one["guides"], one["corpus"])
            for one in samples(out)
        }
        for out in (tmp_path / "out", tmp_path / "again")
    )
    assert after == before
    assert len(after) >= 3
    assert verify(tmp_path / "again") == []
