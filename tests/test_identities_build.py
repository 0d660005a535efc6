"""People whom no corpus names, told apart by their faces: in one split each, and not too many pictures of anybody."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from photographs import ASTRONAUT, HILL, SMILE, STUDIO, photograph
from PIL import Image

from pipelines.build import curate
from pipelines.layout import Layout
from pipelines.recipe import parse

pytest.importorskip("dlib")

RECIPE = """
name: people
seed: {seed}
sources: [{{type: folder, path: photos}}]
image: {{size: 64}}
curate: {{faces: {{identities: {identities}}}}}
splits: {{train: 0.5, val: 0.5}}
"""


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Each of six people on two pictures that differ in size, light and direction, and a picture of nobody."""
    (tmp_path / "photos").mkdir()
    for where in (ASTRONAUT, HILL, SMILE, *STUDIO.values()):
        picture, name = photograph(where), Path(where[1]).stem
        small = cv2.resize(picture, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
        Image.fromarray(picture).save(tmp_path / "photos" / f"{name}-1.png")
        Image.fromarray((small[:, ::-1] * 0.8).astype(np.uint8)).save(tmp_path / "photos" / f"{name}-2.png")
    Image.fromarray(photograph(("scikit-image", "skimage/data/coffee.png"))).save(tmp_path / "photos" / "coffee-1.png")
    return tmp_path


def decided(folder: Path, identities: str, seed: int = 0) -> dict[str, list[str]]:
    """Split, or reason, of the pictures of each person."""
    (folder / "people.yaml").write_text(RECIPE.format(seed=seed, identities=identities))
    curate(folder / "people.yaml", folder / "out", update=True)
    rows = pq.read_table(Layout(folder / "out").curated, columns=["uri", "split", "reason"]).to_pylist()
    found: dict[str, list[str]] = {}
    for row in sorted(rows, key=lambda row: row["uri"]):
        found.setdefault(Path(row["uri"]).stem.rpartition("-")[0], []).append(row["reason"] or row["split"])
    return found


def test_a_person_is_in_one_split_and_seeds_change_which(ray_here: None, people: Path) -> None:
    ways = [decided(people, "{}", seed) for seed in range(4)]
    for way in ways:
        assert len(way) == 7 and all(len(set(splits)) == 1 for splits in way.values())
        assert {split for splits in way.values() for split in splits} == {"train", "val"}
    assert any(way != ways[0] for way in ways)
    assert any(len(set(splits)) > 1 for splits in decided(people, "{threshold: 0.9999}").values())


def test_no_more_pictures_of_a_person_than_asked(ray_here: None, people: Path) -> None:
    found = decided(people, "{max_pictures: 1}")
    assert all(splits.count("too_many_of_person") == len(splits) - 1 for splits in found.values())


def test_no_number_of_a_person_is_in_the_curated_table(ray_here: None, people: Path) -> None:
    decided(people, "{}")
    table = pq.read_table(Layout(people / "out").curated)
    assert set(table["identity"].to_pylist()) == {""}
    assert not {"embeddings", "face_numbers", "person", "people"} & set(table.column_names)


def test_identities_ask_for_embeddings_themselves(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    recipe = parse(RECIPE.format(seed=0, identities="{}"), "r", tmp_path)
    assert recipe.curate.faces is not None and recipe.curate.faces.embeddings
