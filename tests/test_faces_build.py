"""Faces found by the offline engine, through a whole build of real photographs; nothing of them is kept but numbers."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import skimage.data

from pipelines import build, verify, why
from pipelines.build import curate
from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.shards.read import iterate, metadata_of

PHOTOGRAPHS = Path(skimage.data.__file__).parent
RECIPE = """
name: faces
sources: [{{type: folder, path: photos}}]
image: {{size: 128, fit: face}}
curate: {{faces: {{count: [1, 1], min_size: 60{more}}}}}
guides: {{landmarks: true}}
damage: [{{kind: box}}]
splits: {{train: 1.0}}
"""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """The astronaut and two pictures without a face."""
    (tmp_path / "photos").mkdir()
    for name in ("astronaut.png", "coffee.png", "rocket.jpg"):
        (tmp_path / "photos" / name).write_bytes((PHOTOGRAPHS / name).read_bytes())
    return tmp_path


def recipe(folder: Path, more: str = "") -> Path:
    (folder / "faces.yaml").write_text(RECIPE.format(more=more))
    return folder / "faces.yaml"


def test_a_found_face_is_cropped_and_told(ray_here: None, photos: Path) -> None:
    out = photos / "out"
    audit = build(recipe(photos), out)["audit"]
    assert (audit["kept"], audit["dropped"]) == (1, {"no_face": 2}) and verify(out) == []
    (shard,) = Layout(out).shards.glob("*.tar")
    ((_, members),) = iterate(shard)
    (face,) = json.loads(metadata_of(members)["faces"])
    (left, right), marks = np.array(face["five"])[:2], np.load(io.BytesIO(members["landmarks.npy"]))
    assert face["by"].startswith("offline-")
    # The mesh's outline of an eye lies around what the crop was aligned by.
    assert np.hypot(*(marks[36:42].mean(axis=0) - left)) < 3 and np.hypot(*(marks[42:48].mean(axis=0) - right)) < 3
    # Eyes level, their middle on the axis, within 2 % of the crop.
    assert abs(left[1] - right[1]) < 0.02 * 128 and abs((left + right)[0] / 2 - 64) < 0.02 * 128


def test_an_embedding_never_leaves_the_measurements(ray_here: None, photos: Path) -> None:
    layout = Layout(photos / "out")
    build(recipe(photos, ", embeddings: true"), layout.out)
    (part,) = layout.measured.glob("part-*.parquet")
    embedding = max(pq.read_table(part)["embeddings"].to_pylist())
    assert len(embedding) == 128 * 4
    rest = [path for path in layout.out.rglob("*") if path.is_file() and path != part]
    assert "embeddings" not in pq.read_schema(layout.curated).names
    assert not [path for path in rest if embedding[:64] in path.read_bytes()]


def test_rules_decide_anew_without_looking_again(ray_here: None, photos: Path) -> None:
    out = photos / "out"
    curate(recipe(photos), out)
    before = Layout(out).part(0).stat().st_mtime_ns
    assert curate(recipe(photos, ", max_yaw: 1"), out, update=True) == {"no_face": 2, "face_turned": 1}
    assert "dropped as face_turned" in why(out, "astronaut.png")[0].sentence
    assert Layout(out).part(0).stat().st_mtime_ns != before


def test_a_missing_pack_is_one_sentence(ray_here: None, photos: Path) -> None:
    with pytest.raises(MenderyError, match=r"no ONNX files of insightface's pack 'buffalo_l'.*non-commercial research"):
        curate(recipe(photos, f", models: {photos}"), photos / "out")


def test_a_gpu_that_no_node_has_is_one_sentence(ray_here: None, photos: Path) -> None:
    with pytest.raises(MenderyError, match=r"gpus asks for 0\.5 GPUs for each task, and no node has more than 0"):
        curate(recipe(photos, ", gpus: 0.5"), photos / "out")
