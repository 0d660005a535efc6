"""Datasets of the Hub through the real clients, from a server on this machine."""

from __future__ import annotations

import io
import os
import tarfile
import threading
import time
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub.server import Hub, serving
from material import jpeg

from pipelines import build, verify
from pipelines.errors import MenderyError, RecipeError
from pipelines.layout import Layout
from pipelines.recipe import load
from pipelines.shards.read import iterate, metadata_of
from pipelines.sources.base import Listing
from pipelines.sources.hub import HubSource


def parquet(seeds: range) -> bytes:
    rows = [{"image": {"bytes": jpeg(seed), "path": f"{seed}.jpg"}, "label": seed % 2} for seed in seeds]
    names = '{"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}'
    table = pa.Table.from_pylist(rows).replace_schema_metadata({"huggingface": names})
    file = io.BytesIO()
    pq.write_table(table, file, row_group_size=4)
    return file.getvalue()


def shard(seeds: range) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for seed in seeds:
            data = jpeg(seed)
            member = tarfile.TarInfo(f"{seed:04d}.jpg")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def zipped(seeds: range) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for seed in seeds:
            archive.writestr(f"pictures/{seed}.jpg", jpeg(seed))
    return file.getvalue()


PARQUET = {
    "README.md": b"---\nlicense: cc-by-4.0\n---\n# Cats\n",
    "data/train-00000-of-00001.parquet": parquet(range(6)),
    "data/test-00000-of-00001.parquet": parquet(range(6, 8)),
}
CONFIGS = b"""---
configs:
- config_name: small
  data_files: small/*.parquet
- config_name: large
  default: true
  data_files:
  - split: train
    path: large/a.parquet
  - split: validation
    path: large/b.parquet
---
"""


def listed(folder: Path, repo: str, **fields: object) -> tuple[HubSource, list, Listing]:
    source = HubSource.model_validate({"path": repo, **fields})
    listing = Listing(folder)
    return source, list(source.locate(listing)), listing


def pictures(source: HubSource, locations: list, folder: Path) -> list[bytes]:
    with source.reader(folder, 1 << 24) as reader:
        return list(reader.read_all(locations))


def test_parquet_with_splits_labels_and_the_cards_licence(hub: Hub, tmp_path: Path) -> None:
    commit = hub.commit("me/cats", PARQUET)
    source, found, _ = listed(tmp_path, "me/cats", labels=["label"])
    assert [location.split for location in found] == ["train"] * 6 + ["test"] * 2
    assert {location.licence for location in found} == {"CC-BY-4.0"} and {one.etag for one in found} == {commit}
    assert found[1].labels == '{"label":"dog"}'
    assert pictures(source, found, tmp_path) == [jpeg(seed) for seed in range(8)]


def test_configurations_are_chosen_by_name(hub: Hub, tmp_path: Path) -> None:
    files = {"README.md": CONFIGS, "small/x.parquet": parquet(range(1)), "large/a.parquet": parquet(range(2))}
    hub.commit("me/two", files | {"large/b.parquet": parquet(range(2, 5))})
    assert [one.split for one in listed(tmp_path, "me/two")[1]] == ["train"] * 2 + ["val"] * 3
    assert len(listed(tmp_path, "me/two", config="small")[1]) == 1
    assert len(listed(tmp_path, "me/two", splits=["validation"])[1]) == 3
    with pytest.raises(RecipeError, match=r"no configuration 'huge'; it has small, large"):
        listed(tmp_path, "me/two", config="huge")
    with pytest.raises(RecipeError, match=r"no split 'dev'; its splits are train, validation"):
        listed(tmp_path, "me/two", splits=["dev"])


@pytest.mark.parametrize(
    "files",
    [
        {"train-0000.tar": shard(range(4)), "train-0001.tar": shard(range(4, 6))},
        {"train/a.zip": zipped(range(6))},
        {f"train/{seed}.jpg": jpeg(seed) for seed in range(6)},
    ],
    ids=["webdataset", "zip", "files"],
)
def test_other_layouts(hub: Hub, tmp_path: Path, files: dict[str, bytes]) -> None:
    hub.commit("me/other", files)
    source, found, _ = listed(tmp_path, "me/other")
    assert [location.split for location in found] == ["train"] * 6
    assert pictures(source, found, tmp_path) == [jpeg(seed) for seed in range(6)]


def test_archives_are_read_by_ranges(hub: Hub, tmp_path: Path) -> None:
    filler = os.urandom(8 << 20)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.jpg", jpeg(1))
        archive.writestr("b.bin", filler)
        archive.writestr("c.jpg", jpeg(2))
    hub.commit("me/large", {"train/a.zip": file.getvalue()})
    source, found, _ = listed(tmp_path, "me/large")
    hub.bytes_sent.clear()
    assert pictures(source, found, tmp_path) == [jpeg(1), jpeg(2)]
    assert hub.bytes_sent.total() < 1 << 20


def test_what_was_listed_is_read_though_the_branch_moves(hub: Hub, tmp_path: Path) -> None:
    hub.commit("me/cats", PARQUET)
    source, found, _ = listed(tmp_path, "me/cats")
    hub.commit("me/cats", {"data/train-00000-of-00001.parquet": parquet(range(50, 53))})
    assert pictures(source, found, tmp_path) == [jpeg(seed) for seed in range(8)]
    assert len(listed(tmp_path, "me/cats")[1]) == 3


def test_a_build_from_the_hub_is_the_build_from_its_files(ray_here: None, hub: Hub, tmp_path: Path) -> None:
    hub.commit("me/cats", PARQUET)
    (tmp_path / "hub.yaml").write_text("name: a\nsources: [{type: hub, path: me/cats}]\nimage: {size: 64}\n")
    build(tmp_path / "hub.yaml", tmp_path / "hub")
    for name, data in PARQUET.items():
        (tmp_path / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "files" / name).write_bytes(data)
    text = "name: a\nsources: [{type: parquet, path: files/data/*.parquet, licence: CC-BY-4.0}]\nimage: {size: 64}\n"
    (tmp_path / "files.yaml").write_text(text)
    build(tmp_path / "files.yaml", tmp_path / "local")
    assert verify(tmp_path / "hub") == []

    def of(out: Path) -> dict[str, tuple[bytes, str]]:
        return {
            key: (members["image.jpg"], metadata_of(members)["licence"])
            for path in Layout(out).shards.glob("*.tar")
            for key, members in iterate(path)
        }

    assert of(tmp_path / "hub") == of(tmp_path / "local") and len(of(tmp_path / "hub")) == 8


def test_a_moved_branch_is_a_changed_source(ray_here: None, hub: Hub, tmp_path: Path) -> None:
    hub.commit("me/cats", PARQUET)
    (tmp_path / "a.yaml").write_text("name: a\nsources: [{type: hub, path: me/cats}]\nimage: {size: 64}\n")
    build(tmp_path / "a.yaml", tmp_path / "out")
    hub.commit("me/cats", PARQUET | {"data/train-00000-of-00001.parquet": parquet(range(50, 53))})
    with pytest.raises(MenderyError, match=r"source 'cats': .*changed"):
        build(tmp_path / "a.yaml", tmp_path / "out")


def test_a_private_dataset_needs_its_token(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.commit("me/secret", PARQUET, private=True)
    with pytest.raises(RecipeError, match=r"no dataset me/secret on the Hub, or it is private"):
        listed(tmp_path, "me/secret")
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(RecipeError, match=r"no dataset me/secret on the Hub, or it is private"):
        listed(tmp_path, "me/secret")
    monkeypatch.setenv("HF_TOKEN", hub.token)
    source, found, _ = listed(tmp_path, "me/secret")
    assert pictures(source, found, tmp_path)[0] == jpeg(0)


def test_what_is_not_there(hub: Hub, tmp_path: Path) -> None:
    hub.commit("me/cats", PARQUET)
    hub.commit("me/script", {"script.py": b"raise SystemExit", "README.md": b"# only code"})
    (tmp_path / "a.yaml").write_text("name: a\nsources:\n  - {type: hub, path: me/dogs}\n")
    with pytest.raises(RecipeError, match=r"a.yaml:3: .*no dataset me/dogs on the Hub"):
        load(tmp_path / "a.yaml")
    with pytest.raises(RecipeError, match=r"me/cats has no revision 'v9'"):
        listed(tmp_path, "me/cats", revision="v9")
    with pytest.raises(RecipeError, match=r"no data files that could be read without running its code"):
        listed(tmp_path, "me/script")
    with pytest.raises(ValueError, match=r"expected hub:owner/name"):
        HubSource.model_validate({"path": "cats"})


def test_a_storm_of_503_and_a_restart_are_waited_out(hub: Hub, tmp_path: Path) -> None:
    hub.commit("me/cats", PARQUET)
    source, found, _ = listed(tmp_path, "me/cats")
    hub.failures = 3
    assert pictures(source, found, tmp_path) == [jpeg(seed) for seed in range(8)] and hub.failures == 0


def test_a_hub_that_is_away_is_waited_for_and_then_named(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines import hub as place

    monkeypatch.setattr(place, "PATIENCE_SECONDS", 20.0)
    state = Hub()
    state.commit("me/cats", PARQUET)
    with serving(state, port):
        source, found, _ = listed(tmp_path, "me/cats")
    came: list[list[bytes]] = []
    reading = threading.Thread(target=lambda: came.append(pictures(source, found, tmp_path)))
    reading.start()
    time.sleep(1)
    with serving(state, port):
        reading.join(20)
    assert came == [[jpeg(seed) for seed in range(8)]]
    monkeypatch.setattr(place, "PATIENCE_SECONDS", 0.5)
    with pytest.raises(MenderyError, match=r"hub:me/cats: the Hub failed for 0 s|the Hub failed for"):
        listed(tmp_path, "me/cats")


def test_a_corpus_may_lie_on_the_hub(hub: Hub, tmp_path: Path) -> None:
    from corpora.miniature import list_corpus, pack
    from corpora.test_fairface import MINIATURE

    hub.commit("me/fairface", pack(MINIATURE.files, MINIATURE.packs))
    found = list_corpus("fairface", Path("hub:me/fairface"), tmp_path, **MINIATURE.options)
    assert found.splits == MINIATURE.splits
    assert found.read(found.good[0]) in MINIATURE.files.values()
