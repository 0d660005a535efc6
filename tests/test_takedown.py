"""A picture that is removed is nowhere any more, nothing else changes, and it does not come back."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from material import jpeg, recipe_text

from pipelines import build, card, manifest, remove, status, tombstones, verify, why
from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.publish import gate
from pipelines.shards import rewrite
from pipelines.shards.read import iterate
from pipelines.storage import read_json, sha256_of

PEOPLE = {"anna": (0, 1, 2), "berta": (3, 4)}
"""Who is on which photograph."""
GONE = "p/007.jpg"
KILLED = """
import os, sys
from pathlib import Path
from pipelines import remove
left, replace = int(sys.argv[3]), Path.replace
def dying(self, target):
    global left
    left -= 1
    return replace(self, target) if left >= 0 else os._exit(9)
Path.replace = dying
remove(sys.argv[1], source_id=sys.argv[2])
"""


class Stopped(BaseException):
    """What nothing catches."""


@contextlib.contextmanager
def stopping(moment: int) -> Iterator[None]:
    """Lets so many files be put in place, and stops whoever puts the next."""
    replace, left = Path.replace, iter(range(moment))

    def failing(self: Path, target: Path) -> Path:
        if next(left, None) is None:
            raise Stopped
        return replace(self, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", failing)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty photographs with a table of who is on some of them, and a recipe."""
    folder = tmp_path_factory.mktemp("takedown")
    photos = folder / "photos"
    (photos / "p").mkdir(parents=True)
    for seed in range(20):
        (photos / "p" / f"{seed:03d}.jpg").write_bytes(jpeg(seed))
    (photos / "z-copy.jpg").write_bytes(jpeg(7))
    names = {seed: who for who, seeds in PEOPLE.items() for seed in seeds}
    rows = [f"p/{seed:03d}.jpg,{names.get(seed, '')}" for seed in range(20)] + ["z-copy.jpg,"]
    (photos / "metadata.csv").write_text("\n".join(["file_name,who", *rows]) + "\n")
    source = "{type: folder, path: photos, licence: CC0-1.0, attribution: Somebody, identity: who}"
    (folder / "recipe.yaml").write_text(recipe_text(source))
    return folder


@pytest.fixture(scope="module")
def built(ray_here: None, folder: Path) -> Path:
    """A finished dataset with its card."""
    build(folder / "recipe.yaml", folder / "out", workers=2)
    card(folder / "out")
    return folder / "out"


@pytest.fixture
def out(built: Path, folder: Path, tmp_path: Path) -> Path:
    """A copy of it, which a test may change."""
    shutil.copytree(built, tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture(scope="module")
def removed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a removal that nobody interrupts leaves."""
    whole = tmp_path_factory.mktemp("whole") / "out"
    shutil.copytree(built, whole)
    remove(whole, source_id=GONE)
    return digests(whole)


def digests(out: Path) -> dict[str, str]:
    """SHA-256 of everything but what names times."""
    paths = [path for path in sorted(out.rglob("*")) if path.is_file() and path.name not in ("log.txt", "lock")]
    return {str(path.relative_to(out)): sha256_of(path) for path in paths}


def shard_digests(out: Path) -> dict[str, str]:
    return {name: digest for name, digest in digests(out).items() if name.startswith("shards/")}


def texts(path: Path) -> bytes:
    """A file's bytes, and what is in it where it is compressed."""
    data = path.read_bytes()
    if path.suffix == ".parquet":
        columns = pq.read_table(path).to_pydict()
        data += repr(columns).encode() + b"".join(
            one for values in columns.values() for one in values if type(one) is bytes
        )
    return data


def mentions(out: Path, *needles: bytes) -> set[str]:
    return {
        str(path.relative_to(out))
        for path in out.rglob("*")
        if path.is_file() and any(needle in texts(path) for needle in needles)
    }


def traces_of(out: Path, seed: int) -> tuple[bytes, ...]:
    """Everything by which a photograph may be found again: name, digest, key, and the bytes of its crops."""
    sha256 = hashlib.sha256(jpeg(seed)).hexdigest()
    crops = [
        members["image.jpg"]
        for shard in Layout(out).shards.glob("*.tar")
        for key, members in iterate(shard)
        if key.startswith(sha256[:20])
    ]
    assert crops
    return f"p/{seed:03d}.jpg".encode(), sha256.encode(), sha256[:20].encode(), *crops


def test_it_is_nowhere_any_more(out: Path) -> None:
    needles = (*traces_of(out, 7), b"z-copy.jpg")
    assert len(mentions(out, *needles)) > 5
    with Layout(out).log.open("a") as log:
        log.write("1 added (p/007.jpg)\n")
    remove(out, source_id=GONE)
    # The public list says which digest is gone, and nothing else does.
    assert mentions(out, *needles) == {"tombstones.json"}
    assert verify(out) == [] and status(out).stage == "complete"


def test_shards_that_do_not_hold_it_stay_as_they_are(out: Path) -> None:
    before = shard_digests(out)
    done = remove(out, source_id=GONE)
    after = shard_digests(out)
    assert len(done.shards) == 1 and done.samples == 2
    assert {name for name in before if before[name] != after[name]} == {
        f"shards/{done.shards[0]}{suffix}" for suffix in (".tar", ".parquet")
    }


def test_other_samples_keep_their_bytes_and_order(out: Path) -> None:
    (name,) = {fate.shard for fate in why(out, GONE)}
    sha256 = hashlib.sha256(jpeg(7)).hexdigest()
    before = [(key, members) for key, members in iterate(Layout(out).shard(name)) if not key.startswith(sha256[:20])]
    remove(out, sha256=sha256)
    assert list(iterate(Layout(out).shard(name))) == before


def test_the_manifest_counts_it_as_removed(out: Path) -> None:
    before = manifest.read(out)
    remove(out, source_id=GONE)
    after = manifest.read(out)
    assert after["audit"]["kept"] == before["audit"]["kept"] - 1
    assert after["audit"]["dropped"] == {"removed": 2}, "the picture and its copy, which was dropped before"
    assert after["audit"]["planned"] == after["audit"]["committed"] == before["audit"]["committed"] - 2
    assert sum(totals["samples"] for totals in after["splits"].values()) == after["audit"]["committed"]
    assert after["sources"][0]["licences"]["CC0-1.0"]["pictures"] == after["audit"]["kept"]


def test_the_heat_map_is_that_of_the_samples_left(out: Path) -> None:
    remove(out, source_id=GONE)
    stated = manifest.read(out)
    left = [shard["name"] for shard in stated["shards"]]
    rows = rewrite.affected(Layout(out), stated, lambda row: True)
    heats = rewrite.count(Layout(out), rows, lambda row: True).heat
    total = np.sum([heats[name] for name in left], axis=0).ravel() / (255 * stated["audit"]["committed"])
    np.testing.assert_allclose(stated["mask_heat"], total, atol=1e-4)


def test_a_card_is_renewed_and_says_so(out: Path) -> None:
    text = (out / "README.md").read_text().replace("## Changelog\n", "## Changelog\n\nA word of p/007.jpg.\n")
    (out / "README.md").write_text(text)
    done = remove(out, source_id=GONE)
    assert "removed on request | 1 pictures" in (out / "README.md").read_text()
    assert done.mentions == ("README.md",)


@pytest.mark.parametrize("moment", range(14))
def test_stopped_at_any_file_and_continued_gives_the_same(out: Path, removed: dict[str, str], moment: int) -> None:
    with pytest.raises(Stopped), stopping(moment):
        remove(out, source_id=GONE)
    remove(out, source_id=GONE)
    assert digests(out) == removed


def test_killed_and_continued_without_a_name_gives_the_same(out: Path, removed: dict[str, str]) -> None:
    run = [sys.executable, "-c", KILLED, str(out), GONE, "6"]
    assert subprocess.run(run, check=False).returncode == 9
    remove(out)
    assert digests(out) == removed


@pytest.mark.parametrize("moment", [5, 9, 12])
def test_an_interrupted_removal_is_named_and_not_published(out: Path, moment: int) -> None:
    with pytest.raises(Stopped), stopping(moment):
        remove(out, source_id=GONE)
    with pytest.raises(MenderyError, match="mendery remove"):
        gate.check(out)
    remove(out)
    assert gate.check(out).allowed


def test_a_picture_on_the_list_that_is_still_there_is_found(out: Path) -> None:
    (listed,) = {fate.sha256 for fate in why(out, "p/003.jpg")}
    tombstones.write(Layout(out).tombstones, tombstones.Tombstones(frozenset({listed})))
    assert [finding.kind for finding in verify(out)] == ["removed"]
    with pytest.raises(MenderyError, match="still in"):
        gate.check(out)
    remove(out)
    assert verify(out) == []


def test_all_pictures_of_a_person_go(out: Path) -> None:
    (anna,) = {fate.numbers["identity"] for fate in why(out, "p/000.jpg")}
    done = remove(out, identity=anna)
    assert done.pictures == 3
    assert not mentions(out, *(f"p/{seed:03d}.jpg".encode() for seed in PEOPLE["anna"]), anna.encode())
    assert why(out, "p/003.jpg")[0].reason == ""


def test_why_knows_it_by_digest_only(out: Path) -> None:
    sha256 = hashlib.sha256(jpeg(7)).hexdigest()
    remove(out, source_id=GONE)
    (fate,) = why(out, sha256)
    assert "dropped as removed" in fate.sentence and fate.uri == "(forgotten)"
    assert "dropped as removed" in why(out, f"{sha256[:20]}-00-01")[0].sentence
    with pytest.raises(MenderyError, match="removed on request"):
        why(out, "007.jpg")
    kept = why(out, "p/003.jpg")[0]
    assert kept.shard and len(kept.keys) == 2


# --- It does not come back ----------------------------------------------------------------------


def test_where_the_manifest_is_lost_all_is_planned_anew_without_it(ray_here: None, out: Path, folder: Path) -> None:
    remove(out, source_id=GONE)
    audit = manifest.read(out)["audit"]
    Layout(out).manifest.unlink()
    assert build(folder / "recipe.yaml", out, workers=2)["audit"] == audit
    assert verify(out) == [] and mentions(out, GONE.encode()) == set()


def test_plan_and_commits_are_those_of_the_samples_left(out: Path) -> None:
    remove(out, source_id=GONE)
    layout, stated = Layout(out), manifest.read(out)
    plan = pq.ParquetFile(layout.plan)
    assert plan.num_row_groups == len(stated["shards"]) and plan.metadata.num_rows == stated["audit"]["kept"]
    planned = read_json(layout.plan_summary)
    assert [shard["samples"] for shard in planned["shards"]] == [shard["samples"] for shard in stated["shards"]]
    for shard in stated["shards"]:
        files = read_json(layout.commit(shard["name"]))["files"]
        assert (files["shard"]["sha256"], files["index"]["sha256"]) == (shard["sha256"], shard["index_sha256"])


def test_what_others_left_in_the_state_is_deleted(out: Path) -> None:
    (Layout(out).state / "copies" / "deep").mkdir(parents=True)
    shutil.copy(Layout(out).curated, Layout(out).state / "copies" / "deep")
    remove(out, source_id=GONE)
    assert not (Layout(out).state / "copies").exists()


def test_a_build_in_the_same_folder_leaves_it_as_it_is(ray_here: None, out: Path, folder: Path) -> None:
    remove(out, source_id=GONE)
    before = digests(out)
    build(folder / "recipe.yaml", out, workers=2)
    assert {**digests(out)} == before
    assert mentions(out, GONE.encode()) == set()


def test_an_update_leaves_it_out(ray_here: None, out: Path, folder: Path, tmp_path: Path) -> None:
    remove(out, source_id=GONE)
    (tmp_path / "photos").symlink_to(folder / "photos")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text((folder / "recipe.yaml").read_text().replace("seed: 3", "seed: 4"))
    stated = build(recipe, out, workers=2, update=True)
    assert stated["audit"]["dropped"] == {"removed": 2} and verify(out) == []
    assert mentions(out, GONE.encode(), b"z-copy") == set(), "it was not even listed"


@pytest.mark.parametrize("how", ["fresh", "renamed"])
def test_neither_a_fresh_build_nor_a_new_name_brings_it_back(
    ray_here: None, out: Path, folder: Path, tmp_path: Path, how: str
) -> None:
    remove(out, source_id=GONE)
    shutil.copytree(folder / "photos", tmp_path / "photos")
    shutil.copy(folder / "recipe.yaml", tmp_path)
    if how == "renamed":
        (tmp_path / "photos" / "p" / "007.jpg").rename(tmp_path / "photos" / "p" / "other.jpg")
        with (tmp_path / "photos" / "metadata.csv").open("a") as table:
            table.write("p/other.jpg,\n")
    stated = build(tmp_path / "recipe.yaml", out, workers=2, fresh=how == "fresh", update=how == "renamed")
    # Under a new name: the copy, the picture itself, and the line of the table that still speaks of the old name.
    assert stated["audit"]["dropped"]["removed"] == (3 if how == "renamed" else 2)
    assert hashlib.sha256(jpeg(7)).hexdigest()[:20] not in repr(sorted(keys_of(out)))


def keys_of(out: Path) -> set[str]:
    return {key for path in Layout(out).shards.glob("*.parquet") for key in pq.read_table(path)["key"].to_pylist()}


def test_a_recipe_may_name_the_list_of_another_dataset(ray_here: None, out: Path, folder: Path, tmp_path: Path) -> None:
    remove(out, source_id=GONE)
    (tmp_path / "photos").symlink_to(folder / "photos")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text((folder / "recipe.yaml").read_text() + "tombstones: [out/tombstones.json]\n")
    stated = build(recipe, tmp_path / "second", workers=2)
    assert stated["audit"]["dropped"] == {"removed": 2}
    assert "dropped as removed" in why(tmp_path / "second", "p/007.jpg")[0].sentence
    assert str(tmp_path) not in json.dumps(stated)


def test_without_state_it_works_too(out: Path) -> None:
    shutil.rmtree(Layout(out).state)
    needles = traces_of(out, 7)
    remove(out, sha256=hashlib.sha256(jpeg(7)).hexdigest()[:10])
    assert mentions(out, *needles) == {"tombstones.json"} and verify(out) == []


# --- What cannot be removed ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"source_id": "p/07.jpg"}, "did you mean .*'p/007.jpg'"),
        ({"sha256": "0123456789"}, "no picture of SHA-256 0123456789"),
        ({"sha256": "cat"}, "expected eight to 64 hexadecimal digits"),
        ({"identity": "anna"}, "no identity 'anna'"),
        ({}, "nothing to remove"),
        ({"source_id": GONE, "sha256": "0123456789"}, "one thing at a time"),
    ],
)
def test_unknown_is_said_with_the_nearest(out: Path, wanted: dict[str, str], said: str) -> None:
    before = digests(out)
    with pytest.raises(MenderyError, match=said):
        remove(out, **wanted)
    assert digests(out) == before


def test_the_nearest_digest_is_named(out: Path) -> None:
    sha256 = hashlib.sha256(jpeg(7)).hexdigest()
    with pytest.raises(MenderyError, match=sha256):
        remove(out, sha256=sha256[:12] + "00000000")


def test_twice_is_said(out: Path) -> None:
    sha256 = hashlib.sha256(jpeg(7)).hexdigest()
    remove(out, sha256=sha256)
    with pytest.raises(MenderyError, match="was removed"):
        remove(out, sha256=sha256)


def test_an_unfinished_build_is_refused(out: Path) -> None:
    Layout(out).manifest.unlink()
    with pytest.raises(MenderyError, match="not complete"):
        remove(out, source_id=GONE)


def test_a_shard_that_is_not_the_manifest_s_is_named(out: Path) -> None:
    (name,) = {fate.shard for fate in why(out, GONE)}
    with Layout(out).shard(name).open("r+b") as file:
        file.seek(2000)
        file.write(b"x" * 9)
    with pytest.raises(MenderyError, match=f"no longer matches shard {name}"):
        remove(out, source_id=GONE)
    assert not Layout(out).tombstones.is_file()


def test_the_last_picture_is_not_removed(ray_here: None, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.jpg").write_bytes(jpeg(1))
    (tmp_path / "recipe.yaml").write_text(recipe_text("{type: folder, path: one}"))
    build(tmp_path / "recipe.yaml", tmp_path / "out", workers=2)
    with pytest.raises(MenderyError, match="nothing would be left"):
        remove(tmp_path / "out", source_id="a.jpg")
    assert not Layout(tmp_path / "out").tombstones.is_file()


def test_the_command_says_what_it_did(out: Path) -> None:
    from pipelines.cli import app

    told = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", told)
        with pytest.raises(SystemExit) as ended:
            app(["remove", str(out), "--source-id", GONE])
    assert ended.value.code == 0
    assert "removed 1 pictures, 2 samples, from 1 shards" in told.getvalue()


def test_a_journal_forgets_what_it_named(out: Path) -> None:
    remove(out, source_id=GONE)
    assert not Layout(out).rewritten.exists()
