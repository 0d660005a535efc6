"""Near-duplicates through a build: dropped with the best kept, or kept together, and never let in from a test set."""

from __future__ import annotations

import io
import os
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipelines import build, manifest, why
from pipelines.build import curate
from pipelines.errors import RecipeError
from pipelines.layout import Layout
from tests.copies import COPIES
from tests.photographs import ASTRONAUT, NO_FACES, photograph

NAMES = ["cat", "rocket", "astronaut", "china", "flower"]
PLACES = [NO_FACES[2], ("scikit-image", "skimage/data/rocket.jpg"), ASTRONAUT, *NO_FACES[-7:-5]]


def save(path: Path, picture: np.ndarray, quality: int = 95) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(picture)).save(path, quality=quality)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Five photographs, four of them as copies of other kinds too."""
    for name, where in zip(NAMES, PLACES, strict=True):
        save(tmp_path / "pictures" / f"{name}.png", photograph(where))
    for name, kind in (("cat", "half as large"), ("rocket", "JPEG of quality 30"), ("astronaut", "mirrored")):
        save(tmp_path / "pictures" / f"{name}-copy.png", COPIES[kind](photograph(PLACES[NAMES.index(name)])))
    # The same pixels in another file.
    Image.fromarray(photograph(PLACES[3])).save(tmp_path / "pictures" / "china-copy.png", compress_level=1)
    return tmp_path / "pictures"


def recipe(folder: Path, source: Path, duplicates: str = "{}", extra: str = "") -> Path:
    (folder / "r.yaml").write_text(
        f"name: copies\nsources: [{{type: folder, path: {source}}}]\nimage: {{size: 64}}\n"
        f"curate: {{min_side: 64, duplicates: {duplicates}}}\ndamage: [{{kind: box}}]\n{extra}"
    )
    return folder / "r.yaml"


def kept(out: Path) -> list[str]:
    table = pq.read_table(Layout(out).curated)
    return sorted(row["uri"] for row in table.to_pylist() if not row["reason"])


def test_of_copies_the_one_with_the_most_pixels_is_kept(ray_here, pictures, tmp_path):
    counts = curate(recipe(tmp_path, pictures), tmp_path / "out")
    assert counts == {"": 5, "near_duplicate": 4}
    names = kept(tmp_path / "out")
    assert "cat.png" in names
    assert {name.removesuffix(".png").removesuffix("-copy") for name in names} == set(NAMES)


def test_why_names_the_picture_that_was_kept(ray_here, pictures, tmp_path):
    curate(recipe(tmp_path, pictures), tmp_path / "out")
    (fate,) = why(tmp_path / "out", "cat-copy.png")
    assert "of cat.png in source pictures" in fate.sentence


def test_all_of_a_group_may_be_kept_in_one_split(ray_here, pictures, tmp_path):
    text = "splits: {train: 0.4, val: 0.3, test: 0.3}\n"
    build(recipe(tmp_path, pictures, "{keep: all}", text), tmp_path / "out")
    split_of = defaultdict(set)
    for row in pq.read_table(Layout(tmp_path / "out").curated).to_pylist():
        split_of[row["uri"].removesuffix(".png").removesuffix("-copy")].add(row["split"])
    assert {name: len(splits) for name, splits in split_of.items()} == dict.fromkeys(NAMES, 1)


def test_copies_of_a_test_set_do_not_enter(ray_here, pictures, tmp_path):
    save(tmp_path / "benchmark" / "x.jpg", COPIES["cropped 5 %, corner"](photograph(ASTRONAUT)))
    (tmp_path / "benchmark" / "broken.jpg").write_bytes(b"no picture")
    counts = curate(recipe(tmp_path, pictures, "{against: [benchmark]}"), tmp_path / "out")
    assert counts == {"": 4, "contaminated": 2, "near_duplicate": 3}
    (fate,) = why(tmp_path / "out", "astronaut.png")
    assert "benchmark" in fate.sentence


def test_a_dataset_of_ours_is_a_test_set_too(ray_here, pictures, tmp_path):
    save(tmp_path / "one" / "x.jpg", photograph(ASTRONAUT))
    build(recipe(tmp_path, tmp_path / "one", extra="splits: {train: 1}\n"), tmp_path / "dataset")
    # Its samples are squares of 64 pixels, cut from the middle: the square astronaut is its own.
    counts = curate(recipe(tmp_path, pictures, "{against: [dataset]}"), tmp_path / "out")
    assert counts["contaminated"] == 2


def test_a_test_set_that_is_not_there_is_named(ray_here, pictures, tmp_path):
    with pytest.raises(RecipeError, match=r"against.*no folder.*missing"):
        curate(recipe(tmp_path, pictures, "{against: [missing]}"), tmp_path / "out")


def test_another_distance_measures_nothing_again(ray_here, pictures, tmp_path):
    curate(recipe(tmp_path, pictures), tmp_path / "out")
    # A picture that were read again would now be found broken: its size and time say that it is the same.
    for path in pictures.iterdir():
        status = path.stat()
        path.write_bytes(bytes(status.st_size))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    counts = curate(recipe(tmp_path, pictures, "{near: 0, mirrored: false}"), tmp_path / "out", update=True)
    assert counts[""] > 5
    assert counts.keys() <= {"", "near_duplicate"}


def test_no_two_splits_of_the_demo_share_what_looks_alike(demo_build: Path):
    seen: dict[str, dict[str, np.ndarray]] = defaultdict(dict)
    for shard in manifest.read(demo_build)["shards"]:
        for row in pq.read_table(Layout(demo_build).index(shard["name"])).to_pylist():
            spot = next(member for member in row["members"] if member["name"].startswith("image."))
            with Layout(demo_build).shard(shard["name"]).open("rb") as file:
                file.seek(spot["offset"])
                picture = np.asarray(Image.open(io.BytesIO(file.read(spot["size"]))).convert("L"))
            seen[shard["split"]][row["key"][:23]] = _small(picture)
    splits = [np.stack(list(pictures.values())) for pictures in seen.values()]
    for one, first in enumerate(splits):
        for second in splits[one + 1 :]:
            # Independent of how duplicates are found: plain correlation of small pictures, mirrored too.
            for other in (second, second.reshape(-1, 16, 16)[:, :, ::-1].reshape(-1, 256)):
                assert float((first @ other.T).max()) < 0.97


def _small(picture: np.ndarray) -> np.ndarray:
    small = cv2.resize(picture, (16, 16), interpolation=cv2.INTER_AREA).astype(np.float64).ravel()
    small -= small.mean()
    return small / max(float(np.linalg.norm(small)), 32.0)
