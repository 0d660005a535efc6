"""Publishing as a whole: gate, card, metadata, push."""

from __future__ import annotations

from pathlib import Path

import pytest
from hub.conftest import hub, port
from hub.server import Hub
from material import jpeg, recipe_text

from pipelines import build, verify
from pipelines.errors import MenderyError
from pipelines.publishing import publish
from pipelines.shards.read import iterate

__all__ = ["hub", "port"]

TERMS = "file_name,terms,by\n" + "".join(
    f"{seed:03d}.jpg,{'research-only' if seed % 4 else 'CC-BY-4.0'},Ann\n" for seed in range(20)
)


@pytest.fixture(scope="module")
def mixed(ray_here: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of which a quarter may be passed on."""
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "photos").mkdir()
    for seed in range(20):
        (folder / "photos" / f"{seed:03d}.jpg").write_bytes(jpeg(seed))
    (folder / "photos" / "metadata.csv").write_text(TERMS)
    (folder / "recipe.yaml").write_text(
        recipe_text("{type: folder, path: photos, licence_column: terms, attribution_column: by}")
    )
    build(folder / "recipe.yaml", folder / "out", workers=2)
    return folder / "out"


@pytest.fixture(autouse=True)
def token(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", hub.token)


def test_what_may_not_be_passed_on_is_never_sent(mixed: Path, hub: Hub) -> None:
    with pytest.raises(MenderyError, match="holds samples that may not be passed on, see the table"):
        publish(mixed, repo="me/mixed")
    assert hub.repositories == {} and hub.received == 0


def test_the_part_that_may_be_is_published_alone(mixed: Path, hub: Hub, tmp_path: Path) -> None:
    publish(mixed, repo="me/mixed", only_publishable=True)
    assert verify("hub:me/mixed", workers=1) == []
    files = hub.files("me/mixed")
    assert "Ann" in files["attribution/CC-BY-4.0.txt"].decode()
    pictures = set()
    for path, data in files.items():
        if path.endswith(".tar"):
            (tmp_path / "one.tar").write_bytes(data)
            pictures |= {members["image.jpg"] for _, members in iterate(tmp_path / "one.tar")}
    assert len(pictures) == 5
    forbidden = {
        members["image.jpg"] for shard in (mixed / "shards").glob("*.tar") for _, members in iterate(shard)
    } - pictures
    assert len(forbidden) == 15
    assert not any(data[-300:-100] in file for data in forbidden for file in files.values())


def test_where_nobody_looked_for_faces_it_is_private(mixed: Path, hub: Hub) -> None:
    publish(mixed, repo="me/mixed", only_publishable=True)
    assert hub.repositories["me/mixed"].private
    publish(mixed, repo="me/open", only_publishable=True, private=False)
    assert not hub.repositories["me/open"].private


def test_one_place_is_needed(mixed: Path) -> None:
    for places in ({}, {"repo": "me/mixed", "to": "there"}):
        with pytest.raises(MenderyError, match="publish needs one place"):
            publish(mixed, **places)  # type: ignore[arg-type]


def test_what_is_no_dataset_is_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(MenderyError, match="is this a dataset"):
        publish(tmp_path / "nothing", repo="me/mixed")
    assert list(tmp_path.iterdir()) == []
