"""Datasets that Mendery published, read from a Hub in place: what works on a folder works on them."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hub.server import Hub
from material import jpeg, recipe_text

from pipelines import build, report, show, status, verify
from pipelines.errors import MenderyError
from pipelines.places import place

PLACE = "hub:me/small"


@pytest.fixture(scope="module")
def built(ray_here: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub-datasets")
    (folder / "photos").mkdir()
    for seed in range(12):
        (folder / "photos" / f"{seed:03d}.jpg").write_bytes(jpeg(seed))
    (folder / "recipe.yaml").write_text(recipe_text("{type: folder, path: photos, licence: CC0-1.0}"))
    build(folder / "recipe.yaml", folder / "out", workers=2)
    return folder / "out"


@pytest.fixture
def there(built: Path, hub: Hub) -> Hub:
    files = [built / "manifest.json", *sorted((built / "shards").iterdir())]
    hub.commit("me/small", {str(file.relative_to(built)): file.read_bytes() for file in files})
    return hub


def test_verify_and_status(there: Hub) -> None:
    assert verify(PLACE, workers=1) == []
    assert status(PLACE).stage == "complete"


def test_one_sample_is_shown_by_its_range(there: Hub, built: Path, tmp_path: Path) -> None:
    key = pq.read_table(built / "shards" / "train-000000.parquet")["key"][3].as_py()
    assert show(PLACE, key, tmp_path)["key"] == key
    assert show(built, key) == show(PLACE, key)


def test_a_report_is_written_here(there: Hub, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert report(PLACE) == Path("small-report.html")
    assert Path("small-report.html").read_bytes() == (built / "report.html").read_bytes()


def test_what_is_read_is_one_commit_though_the_branch_moves(
    there: Hub, monkeypatch: pytest.MonkeyPatch, built: Path
) -> None:
    from pipelines import manifest

    read = manifest.read

    def moving(out: object) -> object:
        found = read(out)  # type: ignore[arg-type]
        there.commit("me/small", {"cats.txt": b"meow"})
        return found

    monkeypatch.setattr(manifest, "read", moving)
    assert verify(PLACE, workers=1) == []


def test_a_tag_is_a_version(there: Hub) -> None:
    repository = there.repositories["me/small"]
    repository.tags["v1.0.0"] = repository.refs["main"]
    there.commit("me/small", {"cats.txt": b"meow"})
    assert verify(f"{PLACE}@v1.0.0", workers=1) == []
    with pytest.raises(MenderyError, match="is this a dataset"):
        verify(PLACE, workers=1)


def test_nothing_is_written_to_it(there: Hub) -> None:
    from pipelines.storage import put_bytes

    with pytest.raises(MenderyError, match="nothing is written to the Hub but by `mendery publish`"):
        put_bytes(place(PLACE) / "x", b"")


def test_other_damage_over_it_is_other_damage_over_its_copy(there: Hub, built: Path, tmp_path: Path) -> None:
    made = {}
    for kind, path in (("hub", PLACE), ("folder", str(built))):
        source = f'{{type: dataset, path: "{path}", name: small}}'
        (tmp_path / f"{kind}.yaml").write_text(f"name: again\nsources: [{source}]\ndamage: [{{kind: box}}]\n")
        build(tmp_path / f"{kind}.yaml", tmp_path / kind, workers=2)
        files = sorted((tmp_path / kind / "shards").iterdir())
        made[kind] = {file.name: file.read_bytes() for file in files}
    assert made["hub"] == made["folder"]
    manifests = [(tmp_path / kind / "manifest.json").read_bytes() for kind in made]
    assert manifests[0] == manifests[1], "they have one lineage"


def test_training_reads_what_it_reads_from_a_copy(there: Hub, built: Path, tmp_path: Path) -> None:
    import torch

    from trainers.loader import once
    from trainers.samples import LoaderSettings

    settings = LoaderSettings(cache=str(tmp_path / "cache"))
    found, expected = (list(once(place_of, "train", 64, 4, settings=settings)) for place_of in (PLACE, str(built)))
    assert [batch.keys for batch in found] == [batch.keys for batch in expected]
    assert all(torch.equal(one.image, other.image) for one, other in zip(found, expected, strict=True))


def test_a_baseline_is_evaluated_on_it(there: Hub, tmp_path: Path) -> None:
    from trainers.evaluate import evaluate

    assert evaluate("mean", PLACE, split="train", out=tmp_path, limit=4).tables["data"]["samples"] == 4
