"""Croissant metadata: valid for mlcroissant, which then iterates the dataset from disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from material import jpeg, recipe_text

from pipelines import build, manifest
from pipelines.layout import Layout
from pipelines.publish import croissant
from pipelines.shards.read import iterate

pytest.importorskip("mlcroissant")

ITERATE = """
import json, sys
import mlcroissant
dataset = mlcroissant.Dataset(sys.argv[1])
issues = dataset.metadata.ctx.issues
told = {"errors": sorted(issues.errors), "warnings": sorted(issues.warnings)}
told["sets"] = sorted(one.id for one in dataset.metadata.record_sets)
told["rai"] = {name: getattr(dataset.metadata, name) for name in
               ("data_limitations", "personal_sensitive_information", "data_collection", "data_use_cases")}
text = lambda value: value.decode() if isinstance(value, bytes) else value
told["samples"] = [{name: text(value) for name, value in row.items()} for row in dataset.records("samples")]
told["json"] = {text(row["json/key"]): json.loads(row["json/content"]) for row in dataset.records("json")}
told["masks"] = {text(row["mask.png/key"]): row["mask.png/content"].size for row in dataset.records("mask.png")}
told["images"] = [text(row["image.jpg/key"]) for row in dataset.records("image.jpg")]
print(json.dumps(told))
"""
"""In a process of its own, because mlcroissant settles on its cache when it is imported."""


@pytest.fixture(scope="module")
def out(ray_here: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("croissant")
    (folder / "photos").mkdir()
    for seed in range(8):
        (folder / "photos" / f"{seed}.jpg").write_bytes(jpeg(seed))
    (folder / "recipe.yaml").write_text(recipe_text("{type: folder, path: photos, licence: CC-BY-4.0}"))
    build(folder / "recipe.yaml", folder / "out", workers=2)
    croissant.write(folder / "out", published="2026-11-29")
    return folder / "out"


@pytest.fixture(scope="module")
def told(out: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What mlcroissant says of it."""
    environment = os.environ | {"CROISSANT_CACHE": str(tmp_path_factory.mktemp("cache"))}
    run = [sys.executable, "-W", "ignore", "-c", ITERATE, str(Layout(out).croissant)]
    said = subprocess.run(run, check=True, capture_output=True, text=True, timeout=120, env=environment).stdout
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def test_it_is_valid(told: dict[str, Any]) -> None:
    assert told["errors"] == [] and told["warnings"] == []


def test_every_sample_is_iterated(told: dict[str, Any], out: Path) -> None:
    keys = [row["samples/key"] for row in told["samples"]]
    assert len(keys) == len(set(keys)) == manifest.read(out)["audit"]["committed"]
    assert {row["samples/licence"] for row in told["samples"]} == {"CC-BY-4.0"}


def test_members_come_with_the_key_of_their_sample(told: dict[str, Any], out: Path) -> None:
    stored = {
        key: json.loads(members["json"]) for path in Layout(out).shards.glob("*.tar") for key, members in iterate(path)
    }
    assert told["json"] == stored
    assert set(told["masks"]) == set(told["images"]) == set(stored)
    assert {tuple(size) for size in told["masks"].values()} == {(64, 64)}


def test_there_is_a_record_set_for_every_member(told: dict[str, Any], out: Path) -> None:
    assert told["sets"] == sorted(["samples", *manifest.read(out)["members"]])


def test_responsible_fields_are_told(told: dict[str, Any]) -> None:
    rai = told["rai"]
    assert "1 " in rai["data_collection"] or "photos" in rai["data_collection"]
    assert any("drawn by a program" in text for text in rai["data_limitations"])
    assert any("nobody looked" in text.lower() for text in rai["personal_sensitive_information"])
    assert any(text.startswith("Not: Recognising") for text in rai["data_use_cases"])


def test_a_shard_that_was_changed_is_noticed_by_its_digest(out: Path) -> None:
    described = json.loads(Layout(out).croissant.read_text())
    stated = {shard["name"] + ".tar": shard["sha256"] for shard in manifest.read(out)["shards"]}
    assert {file["@id"]: file["sha256"] for file in described["distribution"] if "sha256" in file} == stated


def test_equal_datasets_have_equal_metadata(out: Path) -> None:
    before = Layout(out).croissant.read_bytes()
    croissant.write(out, published="2026-11-29")
    assert Layout(out).croissant.read_bytes() == before
