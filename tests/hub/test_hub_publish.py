"""Published to a Hub and loaded from it by the clients that people use; killed at any moment and continued."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hub.server import Hub, digest
from material import jpeg, recipe_text
from PIL import Image

from pipelines import build, verify
from pipelines.publishing import publish
from pipelines.shards.read import iterate, metadata_of

REPO = "me/small"


@pytest.fixture(scope="module")
def built(ray_here: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub-publish")
    (folder / "photos").mkdir()
    for seed in range(30):
        (folder / "photos" / f"{seed:03d}.jpg").write_bytes(jpeg(seed))
    (folder / "recipe.yaml").write_text(recipe_text("{type: folder, path: photos, licence: CC0-1.0}"))
    build(folder / "recipe.yaml", folder / "out", workers=2)
    return folder / "out"


@pytest.fixture
def there(built: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.setenv("HF_TOKEN", hub.token)
    publish(built, repo=REPO, revision="v1.0.0")
    return hub


def expected(built: Path, split: str) -> dict[str, dict[str, bytes]]:
    """Members of every sample, by its key."""
    shards = sorted((built / "shards").glob(f"{split}-*.tar"))
    return {key: members for shard in shards for key, members in iterate(shard)}


def test_what_is_published_keeps_every_promise(there: Hub, built: Path) -> None:
    assert verify(f"hub:{REPO}", workers=1) == []
    card = there.files(REPO)["README.md"].decode()
    assert f'load_dataset("{REPO}"' in card
    assert there.repositories[REPO].private, "nobody has said --public"


@pytest.mark.parametrize("streaming", [True, False], ids=["streaming", "full"])
def test_datasets_loads_it_as_declared(there: Hub, built: Path, streaming: bool) -> None:
    from datasets import load_dataset

    loaded = load_dataset(REPO, streaming=streaming)
    assert set(loaded) == {"train", "val", "test"}
    for split in ("train", "val"):
        wanted = expected(built, split)
        rows = {row["__key__"].rpartition("/")[2]: row for row in loaded[split]}
        assert set(rows) == set(wanted)
        for key, row in list(rows.items())[:5]:
            assert row["json"] == metadata_of(wanted[key])
            for name in ("image.jpg", "mask.png", "damaged.png"):
                stored = np.asarray(Image.open(io.BytesIO(wanted[key][name])))
                assert np.array_equal(np.asarray(row[name]), stored)
    assert loaded["train"].features["image.jpg"].__class__.__name__ == "Image"


def test_webdataset_loads_it(there: Hub, built: Path) -> None:
    import webdataset

    base = f"{os.environ['HF_ENDPOINT']}/datasets/{REPO}/resolve/v1.0.0/shards"
    names = [path.name for path in sorted((built / "shards").glob("train-*.tar"))]
    urls = [f"pipe:curl -s -L -H 'Authorization: Bearer {there.token}' {base}/{name}" for name in names]
    dataset = webdataset.WebDataset(urls, shardshuffle=False)
    rows = {row["__key__"]: row for row in dataset}
    wanted = expected(built, "train")
    assert set(rows) == set(wanted)
    assert all(rows[key]["image.jpg"] == wanted[key]["image.jpg"] for key in wanted)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Ray warns of its own defaults
def test_ray_data_loads_it(there: Hub, built: Path) -> None:
    import ray.data
    from huggingface_hub import HfFileSystem

    files = HfFileSystem(endpoint=os.environ["HF_ENDPOINT"], token=there.token)
    paths = [f"datasets/{REPO}/shards/{path.name}" for path in sorted((built / "shards").glob("val-*.tar"))]
    rows = ray.data.read_webdataset(paths, filesystem=files, decoder=None).take_all()
    wanted = expected(built, "val")
    assert {row["__key__"] for row in rows} == set(wanted)
    assert all(row["image.jpg"] == wanted[row["__key__"]]["image.jpg"] for row in rows)


def test_croissant_states_the_digests_of_what_is_there(there: Hub) -> None:
    stated = json.loads(there.files(REPO)["croissant.json"])
    assert "http://mlcommons.org/croissant/1.0" in stated["conformsTo"]
    files = there.files(REPO)
    assert {digest(data) for path, data in files.items() if path.endswith(".tar")} <= {
        entry.get("sha256") for entry in stated["distribution"]
    }


def publishing(out: Path, hub: Hub) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pipelines.cli", "publish", str(out), "--repo", REPO]
    environment = os.environ | {"HF_TOKEN": hub.token}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_killed_at_any_moment_it_goes_on_and_sends_nothing_twice(built: Path, hub: Hub) -> None:
    """The first kill waits for the first large file; later ones come at random moments after that."""
    hub.slowness, moments = 0.3, random.Random(5)
    kills = 0
    for _ in range(4):
        publisher, before = publishing(built, hub), hub.stored.total()
        deadline = time.monotonic() + 60
        while hub.stored.total() == before and publisher.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(moments.uniform(0, 0.5))
        if publisher.poll() is None:
            publisher.kill()
            kills += 1
        publisher.wait(60)
        files = hub.files(REPO) if REPO in hub.repositories else {}
        whole = "manifest.json" in files
        assert whole or set(files) <= {".gitattributes"}, "nothing half is visible"
        if whole:
            break
    assert kills >= 2, "it was too quick to be killed"
    hub.slowness = 0
    assert publishing(built, hub).wait(120) == 0
    assert set(hub.stored.values()) == {1}, "what arrived once is never sent again"
    assert hub.stored.total() >= 10
    repository = hub.repositories[REPO]
    assert len(repository.commits) == 2
    assert repository.tags == {"v1.0.0": repository.refs["main"]}
