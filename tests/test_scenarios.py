"""Every ready recipe is built from miniatures of its corpora, whose pictures are real photographs of the right size."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora.miniature import Miniature, lay

from pipelines import build, verify
from pipelines.corpora.base import Corpus
from pipelines.engines import Faces, open_engine
from pipelines.recipe import Recipe, load_anywhere, ready
from pipelines.sources.base import PICTURE_SUFFIXES
from tests.photographs import ASTRONAUT, FRIENDS, GROUP, HILL, SMILE, STUDIO, photograph

SCENARIOS = sorted(set(ready()) - {"demo"})

FACES = (ASTRONAUT, HILL, SMILE, GROUP, STUDIO[0], FRIENDS, STUDIO[15])
SCENES = tuple(
    ("scikit-image", f"skimage/data/{name}") for name in ("chelsea.png", "coffee.png", "rocket.jpg", "brick.png")
) + tuple(("scikit-learn", f"sklearn/datasets/images/{name}.jpg") for name in ("china", "flower"))

OF_FACES = {
    "afad", "casia-facev5", "cas-peal", "celeba", "celeba-hq", "celebamask-hq", "fairface", "ffhq", "fmld", "helen",
    "kface", "maskedface-net", "mdmfr", "mfr2", "pwmfd", "rmfd", "scut-fbp5500", "utkface", "face-mask-detection",
}  # fmt: skip

EVALUATED = [name for name in SCENARIOS if name != "masked-faces-real"]


@cache
def squares() -> tuple[np.ndarray, ...]:
    """Heads of real people, one to a picture, (H, W, 3)."""
    found = []
    with open_engine(Faces()) as engine:
        for where in FACES:
            picture = photograph(where)
            for face in engine.find([picture])[0][:3]:
                x, y, width, height = face.box
                side = int(1.9 * max(width, height))
                left, top = int(x + width / 2 - side / 2), int(y + height / 2 - 0.55 * side)
                inside = picture[max(top, 0) : top + side, max(left, 0) : left + side]
                if face.score > 0.6:
                    found.append(np.ascontiguousarray(inside))
    assert len(found) > 8
    return tuple(found)


def photographs(faces: bool, side: int) -> Iterator[np.ndarray]:
    """Different real pictures without end, the shorter side of each a little over `side`."""
    pictures = squares() if faces else tuple(photograph(where) for where in SCENES)
    for turn, picture in enumerate(cycle(pictures)):
        scale = (side + 2 + turn) / min(picture.shape[:2])
        height, width = (round(length * scale) for length in picture.shape[:2])
        flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        yield cv2.resize(picture, (width, height), interpolation=flags)


def encoded(name: str, picture: np.ndarray) -> bytes:
    return bytes(cv2.imencode(Path(name).suffix, picture[..., ::-1])[1])


def filled(mini: Miniature, pictures: Iterator[np.ndarray]) -> dict[str, bytes]:
    """The miniature's files with photographs for its noise; label maps and annotations stay."""
    files = dict(mini.files)
    for name, data in files.items():
        if Path(name).suffix.lower() in PICTURE_SUFFIXES:
            old = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
            if old is not None and old.ndim == 3:
                files[name] = encoded(name, next(pictures))
    return files


def miniature_of(source: Corpus) -> Miniature:
    """The miniature that is read as the recipe reads the corpus."""
    module = importlib.import_module(f"corpora.test_{source.corpus.replace('-', '_')}")
    minis: list[Miniature] = [*getattr(module, "MINIATURES", [])]
    minis += [value for value in vars(module).values() if isinstance(value, Miniature) and value not in minis]

    def fits(mini: Miniature) -> int:
        return sum(2 if getattr(source, name) == value else -1 for name, value in mini.options.items())

    return max(minis, key=fits)


def sources_of(recipe: Recipe, folder: Path) -> dict[str, Path]:
    """A folder for every source of a recipe."""
    side = max(recipe.image.size, recipe.curate.min_side or 0)
    faces, scenes = photographs(True, side), photographs(False, side)
    given: dict[str, Path] = {}
    for source in recipe.sources:
        place = folder / source.name
        if not isinstance(source, Corpus):
            for number in range(4):
                name = f"{number}.jpg"
                lay(place, {name: encoded(name, next(faces if number % 2 else scenes))})
        else:
            lay(place, filled(miniature_of(source), faces if source.corpus in OF_FACES else scenes))
        given[source.name] = place
    return given


def masked(given: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """MaskedFace-Net's pictures made from FFHQ's of the same numbers, with something blue over the mouth."""
    module = importlib.import_module("corpora.test_maskedface_net")
    pictures, originals = photographs(True, 300), {}
    by_number = {}
    for name in module.FFHQ:
        by_number[Path(name).stem] = next(pictures)
        originals[name] = encoded(name, by_number[Path(name).stem])
    for path in sorted(given["maskedface-net"].rglob("*_Mask*.jpg")):
        picture = by_number[path.name[:5]].copy()
        height, width = picture.shape[:2]
        cv2.ellipse(picture, (width // 2, height * 2 // 3), (width // 5, height // 7), 0, 0, 360, (70, 130, 210), -1)
        path.write_bytes(encoded(path.name, picture))
    return {"maskedface-net.ffhq": lay(folder / "ffhq-originals", originals)}


@pytest.fixture(scope="module")
def built(ray_here: None, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Builds a scenario once; gives its folder and its manifest."""
    done: dict[str, tuple[Path, dict[str, Any]]] = {}

    def make(name: str) -> tuple[Path, dict[str, Any]]:
        if name not in done:
            folder = tmp_path_factory.mktemp(name)
            given = sources_of(load_anywhere(name), folder / "sources")
            if "maskedface-net" in given:
                given |= masked(given, folder / "sources")
            # Nothing but how many pictures a cell must have is changed: miniatures have one or two.
            (folder / f"{name}.yaml").write_text(
                ready()[name].read_text().replace("min_per_cell: 100", "min_per_cell: 1")
            )
            done[name] = folder / "out", build(folder / f"{name}.yaml", folder / "out", sources=given, workers=2)
        return done[name]

    return make


def index_of(out: Path) -> pa.Table:
    return pa.concat_tables(pq.read_table(path) for path in sorted((out / "shards").glob("*.parquet")))


@pytest.mark.parametrize("name", SCENARIOS)
def test_is_built_from_its_corpora_and_keeps_every_promise(name: str, built: Any) -> None:
    out, manifest = built(name)
    assert verify(out) == []
    found = {source["corpus"] for source in manifest["sources"] if source["found"]}
    assert found == {source.corpus_name() for source in load_anywhere(name).sources}
    assert manifest["audit"]["committed"] > 0


@pytest.mark.parametrize("name", SCENARIOS)
def test_has_text_for_its_card(name: str) -> None:
    recipe = load_anywhere(name)
    assert len(recipe.about.split()) > 50
    assert recipe.description.endswith(".")


@pytest.mark.parametrize("name", EVALUATED)
def test_its_test_split_has_every_picture_in_six_bins(name: str, built: Any) -> None:
    out, _ = built(name)
    bins = ["0.01-0.1", "0.1-0.2", "0.2-0.3", "0.3-0.4", "0.4-0.5", "0.5-0.6"]
    index = index_of(out).filter(pa.compute.equal(index_of(out)["split"], "test"))
    assert index.num_rows
    crops: dict[tuple[str, int], list[str]] = {}
    for row in index.select(["source_sha256", "crop", "variant", "mask_ratio_bin"]).to_pylist():
        if row["variant"] < len(bins):
            crops.setdefault((row["source_sha256"], row["crop"]), []).append(row["mask_ratio_bin"])
    assert all(found == bins for found in crops.values())


def test_masks_are_drawn_on_asian_faces(built: Any) -> None:
    out, _ = built("masked-asian-faces")
    assert "face_mask" in index_of(out)["damage"].to_pylist()


def test_pairs_and_drawn_masks_stand_beside_each_other(built: Any) -> None:
    out, _ = built("masked-faces")
    assert {"paired", "face_mask"} <= set(index_of(out)["damage"].to_pylist())


def test_real_masks_have_no_damage_and_are_a_test_set_alone(built: Any) -> None:
    _, manifest = built("masked-faces-real")
    assert list(manifest["splits"]) == ["test"]
    assert manifest["members"] == ["image.jpg", "json"]


def test_the_survey_has_every_family(built: Any) -> None:
    from pipelines.damage import DAMAGES

    recipe = load_anywhere("survey-all")
    assert {damage.kind for damage in recipe.damage} == set(DAMAGES) - {"paired"}
    assert len(recipe.sources) == 10


def test_groups_are_those_that_corpora_declare(built: Any) -> None:
    from pipelines.shards.read import iterate

    out, _ = built("asian-faces")
    groups = {
        json.loads(json.loads(members["json"])["labels"]).get("group", "")
        for path in sorted((out / "shards").glob("*.tar"))
        for _, members in iterate(path)
    }
    assert groups <= {"East Asian", "Southeast Asian", "Asian", "Chinese", "Korean", ""}
