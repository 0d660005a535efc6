"""Publishing to a folder: what arrives, what is left alone, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pipelines import verify
from pipelines.errors import MenderyError
from pipelines.progress import Progress
from pipelines.publish import deliver as delivering
from pipelines.publish.contents import collect
from pipelines.publish.push import Published


def send(out: Path, to: object) -> Published:
    with Progress(out.parent / "log.txt", quiet=True) as progress:
        return delivering.deliver(collect(out), str(to), progress)


def test_a_copy_keeps_every_promise_and_is_made_once(small: Path, tmp_path: Path) -> None:
    target = tmp_path / "there"
    assert send(small, target).kept == 0
    assert verify(target) == []
    assert not (target / "state").exists() and not (target / delivering.MARK).exists()
    before = {path: path.stat().st_mtime_ns for path in target.rglob("*.tar")}
    assert send(small, target).sent == 0
    assert before == {path: path.stat().st_mtime_ns for path in target.rglob("*.tar")}


def test_while_it_is_unfinished_there_is_no_manifest(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, send_one = tmp_path / "there", delivering._send

    def some(item: object, path: Path) -> None:
        if path.name == "train-000001.tar":
            raise OSError("pulled out")
        send_one(item, path)  # type: ignore[arg-type]

    monkeypatch.setattr(delivering, "_send", some)
    with pytest.raises(OSError, match="pulled out"):
        send(small, target)
    assert not (target / "manifest.json").exists() and (target / delivering.MARK).is_file()
    monkeypatch.undo()
    assert 0 < send(small, target).sent < 8
    assert verify(target) == []


def test_a_new_version_replaces_the_old_and_what_is_gone_goes(small: Path, tmp_path: Path) -> None:
    out, target = tmp_path / "out", tmp_path / "there"
    shutil.copytree(small, out)
    send(out, target)
    stated = json.loads((out / "manifest.json").read_bytes())
    name = stated["shards"].pop()["name"]
    (out / "manifest.json").write_text(json.dumps(stated | {"version": "1.1.0"}))
    done = send(out, target)
    assert (done.sent, done.removed) == (1, 2)
    assert not (target / "shards" / f"{name}.tar").exists()


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("cats.txt", "meow", "holds cats.txt, and no dataset of this name"),
        ("manifest.json", '{"name": "other"}', "holds the dataset 'other', this one is 'small'"),
        (delivering.MARK, '{"name": "other"}', "'other' is being published there"),
        (delivering.MARK, '{"name": "small", "version": "9", "manifest": "0"}', "version 9 is being published there"),
    ],
)
def test_something_else_is_left_alone(small: Path, tmp_path: Path, file: str, text: str, said: str) -> None:
    (tmp_path / file).write_text(text)
    with pytest.raises(MenderyError, match=said):
        send(small, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [file]


def test_the_hub_is_no_folder(small: Path) -> None:
    with pytest.raises(MenderyError, match="use --repo me/small"):
        send(small, "hub:me/small")
