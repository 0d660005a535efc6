"""Through whole builds: what belongs together stands in one split, whatever the recipe."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from material import photo
from PIL import Image

from pipelines import build, manifest
from pipelines.layout import Layout
from pipelines.seeds import generator
from pipelines.shards.read import iterate, metadata_of

PEOPLE, EACH = 9, 3


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of people, with brighter copies of some under the name of another one, and copies of bytes."""
    folder = tmp_path_factory.mktemp("pictures")
    rng, told = generator("people"), ["file_name,person,official"]
    for number in range(PEOPLE * EACH):
        picture = photo(number)
        for copy in range(1 + int(rng.integers(0, 2))):
            name = f"{number:03d}-{copy}.png"
            Image.fromarray(np.clip(picture.astype(int) + 6 * copy, 0, 255).astype(np.uint8)).save(folder / name)
            person = (number // EACH + copy * int(rng.integers(0, 2))) % PEOPLE
            told.append(
                f"{name},{'' if number % 7 == 6 else f'person {person}'},{rng.choice(['train', 'val', 'test'])}"
            )
    (folder / "metadata.csv").write_text("\n".join(told))
    return folder


def recipe(pictures: Path, seed: int) -> dict[str, object]:
    """Any recipe of these pictures."""
    rng = generator("recipe", seed)
    train, val = rng.integers(1, 10, 2).tolist()
    shares = {"train": train / 20, "val": val / 20, "test": 1 - (train + val) / 20}
    mode = ("exact", "hash", "official")[seed % 3]
    source = {"type": "folder", "path": str(pictures), "identity": "person", "split_column": "official"}
    return {
        "name": "any",
        "seed": seed,
        "sources": [source],
        "image": {"size": 64, "crops_per_image": int(rng.integers(1, 3)), "position": "random"},
        "curate": {"duplicates": {"keep": str(rng.choice(["all", "best"])), "near": int(rng.integers(4, 9))}},
        "damage": [{"kind": "box"}],
        "variants": int(rng.integers(1, 4)),
        "splits": mode if mode == "official" else {"mode": mode} | shares,
        "shards": {"samples": int(rng.integers(3, 40))},
    }


@pytest.mark.parametrize("seed", range(6))
def test_nothing_that_belongs_together_stands_in_two_splits(
    ray_here: None, pictures: Path, tmp_path: Path, seed: int
) -> None:
    path = tmp_path / "any.yaml"
    path.write_text(yaml.safe_dump(recipe(pictures, seed)))
    build(path, tmp_path / "out")
    layout = Layout(tmp_path / "out")
    splits = defaultdict(set)
    for shard in manifest.read(layout.out)["shards"]:
        for _, members in iterate(layout.shard(shard["name"])):
            told = metadata_of(members)
            # All crops and variants of a picture, and its copies that are a little brighter.
            splits[told["source_uri"].split("-")[0]].add(told["split"])
    for row in pq.read_table(layout.curated, columns=["identity", "split", "reason"]).to_pylist():
        if row["identity"] and not row["reason"]:
            splits[row["identity"]].add(row["split"])
    assert len(splits) > PEOPLE
    assert {name: found for name, found in splits.items() if len(found) > 1} == {}, json.dumps(recipe(pictures, seed))
