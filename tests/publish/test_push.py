"""Pushing to a Hub: what is sent, what is not sent twice, and what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hub.server import Fault, Hub

from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.progress import Progress
from pipelines.publish import push as pushing
from pipelines.publish.contents import collect
from pipelines.publish.push import Published, Wish

REPO = "me/small"
USUAL = Wish(tag="v1.0.0")


@pytest.fixture(scope="module")
def built(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small dataset with a card; tests must not change it."""
    out = copied(small, tmp_path_factory.mktemp("push") / "out")
    (out / "README.md").write_text("---\nlicense: cc0-1.0\n---\n# Small\n")
    return out


@pytest.fixture(autouse=True)
def token(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", hub.token)


def send(out: Path, wish: Wish = USUAL, dry_run: bool = False, repo: str = REPO) -> Published:
    with Progress(out.parent / "log.txt", quiet=True) as progress:
        return pushing.push(collect(out), repo, wish, progress, dry_run)


def copied(out: Path, to: Path) -> Path:
    return Path(shutil.copytree(out, to))


def test_everything_arrives_in_one_commit_with_a_tag(hub: Hub, built: Path) -> None:
    done = send(built)
    repository = hub.repositories[REPO]
    assert len(repository.commits) == 2, "the one that made it, and ours"
    assert repository.tags == {"v1.0.0": done.commit}
    files = hub.files(REPO)
    there = {path: (built / path).read_bytes() for path in files if path != ".gitattributes"}
    assert there == {path: data for path, data in files.items() if path != ".gitattributes"}
    manifest = json.loads(files["manifest.json"])
    assert {f"shards/{shard['name']}.tar" for shard in manifest["shards"]} < set(files)
    assert not any(path.startswith("state/") or path == "recipe.yaml" for path in files)
    assert not any(str(built.parent).encode() in data for data in files.values())


def test_the_same_again_sends_nothing(hub: Hub, built: Path) -> None:
    first = send(built)
    received = hub.received
    again = send(built)
    assert (again.sent, again.commit, hub.received) == (0, first.commit, received)
    assert len(hub.repositories[REPO].commits) == 2


def test_a_new_version_sends_only_what_changed(hub: Hub, built: Path, tmp_path: Path) -> None:
    send(built)
    out = copied(built, tmp_path / "out")
    layout = Layout(out)
    manifest = json.loads(layout.manifest.read_bytes())
    gone = manifest["shards"].pop()
    manifest["version"] = "1.1.0"
    layout.manifest.write_text(json.dumps(manifest))
    layout.shard(gone["name"]).unlink()
    layout.index(gone["name"]).unlink()
    received = hub.received
    done = send(out, Wish(tag="v1.1.0"))
    assert (done.sent, done.removed, hub.received) == (1, 2, received), "only the manifest, which is no large file"
    assert f"shards/{gone['name']}.tar" not in hub.files(REPO)
    assert f"shards/{gone['name']}.tar" in hub.files(REPO, "v1.0.0"), "the old version stays what it was"


def test_a_dry_run_changes_nothing(hub: Hub, built: Path) -> None:
    done = send(built, dry_run=True)
    assert done.sent > 5 and done.sent_bytes > 10_000
    assert hub.repositories == {}


@pytest.mark.parametrize(
    ("token", "said"),
    [("", "needs a token"), ("hf_wrong", "does not know this token"), ("hf_read", "may only read")],
)
def test_without_a_token_that_may_write_it_is_refused(
    hub: Hub,
    built: Path,
    monkeypatch: pytest.MonkeyPatch,
    token: str,
    said: str,
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(MenderyError, match=said):
        send(built)
    assert hub.repositories == {}


def test_somebody_elses_name_is_refused(hub: Hub, built: Path) -> None:
    with pytest.raises(MenderyError, match=r"me may not create other/small: .*rights"):
        send(built, repo="other/small")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"cats.txt": b"meow"}, "is taken: it holds cats.txt, which Mendery did not publish"),
        ({"manifest.json": b'{"name": "other"}'}, "holds the dataset 'other', this one is 'small'"),
    ],
)
def test_a_name_that_is_taken_is_refused(hub: Hub, built: Path, files: dict[str, bytes], said: str) -> None:
    commit = hub.commit(REPO, files)
    with pytest.raises(MenderyError, match=said):
        send(built)
    assert send(built, Wish(over=commit, tag="v1.0.0")).commit, "asked for, it is done"


def test_what_somebody_else_changed_is_named(hub: Hub, built: Path) -> None:
    send(built)
    commit = hub.commit(REPO, hub.files(REPO) | {"README.md": b"mine"}, title="Update README.md")
    with pytest.raises(MenderyError, match=rf"changed since .*: commit {commit} by someone, 'Update README.md'"):
        send(built)


def test_a_change_meanwhile_is_never_overwritten(
    hub: Hub,
    built: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload = pushing._upload

    def meanwhile(*arguments: object) -> object:
        sent = upload(*arguments)  # type: ignore[arg-type]
        hub.commit(REPO, {"mine.txt": b"mine"}, title="Meanwhile")
        return sent

    monkeypatch.setattr(pushing, "_upload", meanwhile)
    with pytest.raises(MenderyError, match=r"changed while this was sent: commit [0-9a-f]{40} by someone, 'Meanwhile'"):
        send(built)
    assert set(hub.files(REPO)) == {"mine.txt"}


def test_a_version_is_never_given_other_contents(hub: Hub, built: Path, tmp_path: Path) -> None:
    send(built)
    out = copied(built, tmp_path / "out")
    stated = json.loads((out / "manifest.json").read_bytes())
    (out / "manifest.json").write_text(json.dumps(stated | {"description": "another"}))
    with pytest.raises(MenderyError, match=r"has a version v1.0.0 with other contents: raise `version`"):
        send(out)


def test_a_shard_that_is_not_the_manifests_is_never_sent(hub: Hub, built: Path, tmp_path: Path) -> None:
    out = copied(built, tmp_path / "out")
    with (out / "shards" / "train-000000.tar").open("r+b") as file:
        file.seek(600)
        file.write(b"x")
    with pytest.raises(MenderyError, match=r"shards/train-000000.tar is not what the manifest says"):
        send(out)
    assert hub.repositories == {}


def test_a_name_that_is_none_is_refused(hub: Hub, built: Path) -> None:
    with pytest.raises(MenderyError, match="--repo is OWNER/NAME, found 'small'"):
        send(built, repo="small")


def test_an_unfinished_dataset_is_refused(hub: Hub, built: Path, tmp_path: Path) -> None:
    out = copied(built, tmp_path / "out")
    (out / "manifest.json").unlink()
    with pytest.raises(MenderyError, match="the build is not complete"):
        send(out)


def test_a_full_hub_is_told_and_continued(hub: Hub, built: Path) -> None:
    hub.quota, private = 1000, replace(USUAL, private=True)
    with pytest.raises(MenderyError, match="the Hub has no room left for it: Private repository storage limit"):
        send(built, private)
    hub.quota = None
    assert send(built, private).commit


@pytest.mark.parametrize("status", [503, 0], ids=["server errors", "cut mid-file"])
def test_faults_that_pass_are_waited_out(hub: Hub, built: Path, status: int) -> None:
    hub.faults = [Fault("PUT", "/put/", after=1, times=2, status=status, cut=100)]
    hub.faults.append(Fault("POST", "/commit/", status=status, cut=100))
    send(built)
    assert hub.faults[0].times == 0 and set(hub.stored.values()) == {1}


def test_a_network_that_stays_away_is_told_and_continued(
    hub: Hub,
    built: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipelines.hub.PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    hub.faults = [Fault("PUT", "/put/", after=3, times=1000, cut=100)]
    with pytest.raises(MenderyError, match="the same command continues"):
        send(built)
    assert set(hub.files(REPO)) == {".gitattributes"}, "nothing half is visible"
    hub.faults = []
    send(built)
    assert set(hub.stored.values()) == {1}, "nothing that arrived is sent again"


def test_a_commit_whose_answer_was_lost_is_found_again(hub: Hub, built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hub.writing import Writing

    answer, lost = Writing.json, []

    def lossy(self: Writing, value: object, status: int = 200) -> None:
        if isinstance(value, dict) and "commitOid" in value and not lost:
            lost.append(value)
            self.cut()
        else:
            answer(self, value, status)

    monkeypatch.setattr(Writing, "json", lossy)
    done = send(built)
    assert lost and done.commit == lost[0]["commitOid"] == hub.repositories[REPO].tags["v1.0.0"]


def test_people_are_shown_publicly_only_if_asked_for(hub: Hub, built: Path) -> None:
    wish = Wish(private_only=True, gated=True, tag="v1.0.0")
    assert send(built, wish).private
    assert hub.repositories[REPO].private and hub.repositories[REPO].gated == "manual"
    hub.repositories[REPO].private = False
    with pytest.raises(MenderyError, match="is public, and this dataset shows people"):
        send(built, wish)
    send(built, replace(wish, private=True))
    assert hub.repositories[REPO].private
