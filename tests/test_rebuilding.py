"""Recipe-only round trips over miniatures of CelebA, FFHQ and FairFace: the same bytes, or every difference by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import skimage.data
from corpora.miniature import lay, pack, picture
from corpora.test_celeba import MINIATURE as CELEBA
from corpora.test_fairface import MINIATURE as FAIRFACE
from corpora.test_ffhq import MINIATURES as FFHQ
from hub.conftest import hub, port
from hub.server import Hub

from pipelines import build, rebuild, verify
from pipelines.errors import MenderyError
from pipelines.publishing import publish

__all__ = ["hub", "port"]

CORPORA = {"celeba": CELEBA, "ffhq": FFHQ[0], "fairface": FAIRFACE}
RECIPE = """
name: faces
seed: 4
sources:
  - {corpus: celeba, path: celeba}
  - {corpus: ffhq, path: ffhq, sample: 2}
  - {corpus: fairface, path: fairface, where: "age < 60"}
image: {size: 64}
curate: {min_side: 16}
damage: [{kind: brush, ratio_range: [0.1, 0.4]}, {kind: box}]
variants: 2
splits: {train: 0.5, val: 0.5}
shards: {samples: 4}
"""
FACE = "celeba/img_align_celeba/000002.jpg"


@pytest.fixture(scope="module")
def original(ray_here: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset, beside the corpora it was built of; tests must not change it."""
    folder = tmp_path_factory.mktemp("original")
    for name, miniature in CORPORA.items():
        lay(folder / name, miniature.files)
    (folder / "recipe.yaml").write_text(RECIPE)
    build(folder / "recipe.yaml", folder / "out", workers=2)
    return folder / "out"


@pytest.fixture(scope="module")
def published(original: Path) -> Path:
    """Its recipe, published to a folder."""
    publish(original, to=original.parent / "published", recipe_only=True)
    return original.parent / "published"


@pytest.fixture
def copies(original: Path, tmp_path: Path) -> Path:
    """Somebody else's copies of the corpora."""
    for name in CORPORA:
        shutil.copytree(original.parent / name, tmp_path / "copies" / name)
    return tmp_path / "copies"


def again(published: object, copies: Path, partial: bool = False) -> Path:
    sources = {name: copies / name for name in CORPORA}
    rebuild(str(published), sources, copies.parent / "again", partial=partial, workers=2)
    return copies.parent / "again"


def same(one: Path, other: Path) -> bool:
    files = [Path("manifest.json"), *(path.relative_to(one) for path in sorted((one / "shards").iterdir()))]
    return all((one / file).read_bytes() == (other / file).read_bytes() for file in files)


def test_the_same_bytes_come_of_another_copy(original: Path, published: Path, copies: Path) -> None:
    assert same(original, again(published, copies))
    assert verify(copies.parent / "again") == []


def test_through_the_hub(original: Path, copies: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", hub.token)
    publish(original, repo="me/faces", recipe_only=True)
    assert same(original, again("me/faces", copies))


def test_no_pixel_and_no_annotation_leaves(original: Path, published: Path) -> None:
    files = {path.name: path.read_bytes() for path in published.rglob("*") if path.is_file()}
    assert set(files) == {"README.md", "rebuild.json", "rebuild.parquet"}
    rows = pq.read_table(published / "rebuild.parquet").to_pylist()
    told = str(rows) + files["README.md"].decode() + files["rebuild.json"].decode()
    for word in ("East Asian", "eyeglasses", "JFIF", str(original.parent)):
        assert word not in told
    pictures = [
        data
        for miniature in CORPORA.values()
        for name, data in miniature.files.items()
        if name[-4:] in (".jpg", ".png")
    ]
    assert not any(data[200:216] in file for data in pictures for file in files.values())


def test_the_table_tells_damage_and_seed_of_every_sample(original: Path, published: Path) -> None:
    rows = pq.read_table(published / "rebuild.parquet").to_pylist()
    manifest = json.loads((original / "manifest.json").read_bytes())
    samples = [sample for row in rows for sample in row["samples"]]
    assert len(samples) == manifest["audit"]["committed"]
    assert all(len(sample["damage_seed"]) == 32 and sample["damage_parameters"] != "{}" for sample in samples)
    assert all(len(sample["members"]) == 4 * len(manifest["members"]) for sample in samples)


def test_how_a_copy_is_packed_does_not_matter(original: Path, published: Path, copies: Path) -> None:
    for name, miniature in CORPORA.items():
        lay(copies.parent / "packed" / name, pack(miniature.files, miniature.packs))
    assert same(original, again(published, copies.parent / "packed"))


def test_what_a_copy_has_besides_does_not_matter(original: Path, published: Path, copies: Path) -> None:
    (copies / "fairface" / "train" / "0.jpg").write_bytes(picture(77))
    with (copies / "fairface" / "fairface_label_train.csv").open("a") as labels:
        labels.write("train/0.jpg,20-29,Male,White,True\n")
    assert same(original, again(published, copies))


def encoded_again(path: Path) -> None:
    pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    path.write_bytes(bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 50])[1]))


def resized(path: Path) -> None:
    path.write_bytes(picture(5, 20, 24))


def cut(path: Path) -> None:
    path.write_bytes(b"not a picture")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            encoded_again,
            r"000002.jpg: other bytes: edited or encoded again \([\d,]+ bytes instead of [\d,]+, JPEG of 40",
        ),
        (
            resized,
            r"000002.jpg: other bytes: resized, or another picture \(JPEG of 20 x 24 instead of JPEG of 40 x 48\)",
        ),
        (cut, r"000002.jpg: cannot be read: "),
        (Path.unlink, r"000002.jpg: missing"),
    ],
    ids=["encoded again", "altered", "unreadable", "missing"],
)
def test_a_picture_that_differs_is_named(
    original: Path, published: Path, copies: Path, change: object, said: str
) -> None:
    change(copies / FACE)  # type: ignore[operator]
    with pytest.raises(MenderyError, match=rf"celeba: img_align_celeba/{said}"):
        again(published, copies)
    assert not (copies.parent / "again" / "manifest.json").exists()
    shutil.copy(original.parent / FACE, copies / FACE)
    assert same(original, again(published, copies)), "mended, the same command goes on"


def test_of_a_copy_that_lacks_some_the_rest_is_made_as_it_was(original: Path, published: Path, copies: Path) -> None:
    """Splits and shards of what is there do not change, as they would if it were built anew."""
    (copies / FACE).unlink()
    out = again(published, copies, partial=True)
    assert verify(out) == []
    was, now = (json.loads((folder / "manifest.json").read_bytes()) for folder in (original, out))
    assert now["audit"]["quarantined"] == {"lacking": 2}
    assert {one["uri"] for one in now["quarantined"]} == {"img_align_celeba/000002.jpg"}
    shards = [{shard["name"]: shard["sha256"] for shard in stated["shards"]} for stated in (was, now)]
    assert len([name for name in shards[0] if shards[0][name] != shards[1].get(name)]) == 1
    shutil.copy(original.parent / FACE, copies / FACE)
    assert same(original, again(published, copies)), "what was lacking is looked for again"


def test_labels_that_differ_are_named(published: Path, copies: Path) -> None:
    table = copies / "celeba" / "list_attr_celeba.txt"
    table.write_text(table.read_text().replace("000002.jpg   1  1", "000002.jpg  -1  1"))
    said = r"(?s)000002.jpg: sample [0-9a-f]{20}-00-00 of \w+-\d+ has another json: what your copy says of the picture"
    with pytest.raises(MenderyError, match=said):
        again(published, copies)


def test_other_versions_are_told(published: Path, copies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = copies.parent / "other"
    shutil.copytree(published, other)
    stated = json.loads((other / "rebuild.json").read_bytes())
    stated["versions"]["numpy"] = "1.0"
    stated["shards"][0]["sha256"] = "0" * 64
    (other / "rebuild.json").write_text(json.dumps(stated))
    with pytest.raises(MenderyError, match=r"versions here differ: numpy [\d.]+, not 1.0"):
        again(other, copies)


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ({}, "add --source celeba=PATH --source ffhq=PATH --source fairface=PATH"),
        ({"celeba": "x", "ffhq": "x", "fairface": "x", "cats": "x"}, "no source 'cats' in it; it has celeba, ffhq"),
    ],
)
def test_sources_are_asked_for_by_name(published: Path, tmp_path: Path, sources: dict[str, str], said: str) -> None:
    with pytest.raises(MenderyError, match=said):
        rebuild(published, sources, tmp_path / "out")


def test_folders_that_a_source_was_joined_to_are_asked_for(tmp_path: Path) -> None:
    from pipelines.rebuilding import _recipe
    from pipelines.recipe import Recipe

    source = {"corpus": "maskedface-net", "path": "x", "ffhq": "y"}
    stated = {"name": "masked", "recipe": Recipe.model_validate({"name": "masked", "sources": [source]}).portable()}
    with pytest.raises(MenderyError, match=r"add --source x\.ffhq=PATH$"):
        _recipe(stated, {"maskedface-net": tmp_path}, {})


def test_a_full_dataset_needs_no_rebuilding(original: Path, tmp_path: Path) -> None:
    with pytest.raises(MenderyError, match="it holds the dataset itself"):
        rebuild(original, {}, tmp_path / "out")


def test_a_recipe_is_no_dataset(published: Path) -> None:
    with pytest.raises(MenderyError, match=r"only its recipe is published; `mendery rebuild"):
        verify(published)


@pytest.mark.parametrize("dense", [False, True], ids=["crops", "landmarks"])
def test_faces_are_not_looked_for_again(ray_here: None, tmp_path: Path, dense: bool) -> None:
    """Their dense points are published only where something is made from them."""
    (tmp_path / "photos").mkdir()
    photograph = Path(skimage.data.__file__).parent / "astronaut.png"
    (tmp_path / "photos" / photograph.name).write_bytes(photograph.read_bytes())
    guides = "guides: {landmarks: true}\n" if dense else ""
    (tmp_path / "faces.yaml").write_text(
        "name: faces\nsources: [{type: folder, path: photos}]\nimage: {size: 64, fit: face}\n"
        f"curate: {{faces: {{min_size: 60}}}}\ndamage: [{{kind: box}}]\nsplits: {{train: 1.0}}\n{guides}"
    )
    build(tmp_path / "faces.yaml", tmp_path / "out", workers=2)
    publish(tmp_path / "out", to=tmp_path / "published", recipe_only=True)
    (found,) = pq.read_table(tmp_path / "published" / "rebuild.parquet")["found"].to_pylist()
    assert "five" in found
    assert ("points" in found) is dense
    rebuild(tmp_path / "published", {"photos": tmp_path / "photos"}, tmp_path / "again", workers=2)
    assert same(tmp_path / "out", tmp_path / "again")


def test_pools_are_given_like_sources_and_must_be_the_same(ray_here: None, tmp_path: Path) -> None:
    for folder, seeds in (("photos", range(4)), ("masks", range(9, 11)), ("other", range(11, 13))):
        lay(tmp_path / folder, {f"{seed}.png": picture(seed, 64, 64, ".png") for seed in seeds})
    (tmp_path / "pooled.yaml").write_text(
        "name: pooled\nsources: [{type: folder, path: photos}]\nimage: {size: 64}\n"
        "damage: [{kind: mask_pool, pool: masks, holes: white}]\nsplits: {train: 1.0}\n"
    )
    build(tmp_path / "pooled.yaml", tmp_path / "out", workers=2)
    publish(tmp_path / "out", to=tmp_path / "published", recipe_only=True)
    sources = {"photos": tmp_path / "photos"}
    with pytest.raises(MenderyError, match="add --pool masks=PATH"):
        rebuild(tmp_path / "published", sources, tmp_path / "again")
    with pytest.raises(MenderyError, match="the pool 'masks' holds other pictures"):
        rebuild(tmp_path / "published", sources, tmp_path / "again", pools={"masks": tmp_path / "other"})
    rebuild(tmp_path / "published", sources, tmp_path / "again", pools={"masks": tmp_path / "masks"}, workers=2)
    assert same(tmp_path / "out", tmp_path / "again")
