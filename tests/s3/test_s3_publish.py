"""Publishing to a bucket of a real S3 server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from material import jpeg, recipe_text
from s3.conftest import upload

from pipelines import build, verify
from pipelines.errors import MenderyError
from pipelines.progress import Progress
from pipelines.publish import deliver as delivering
from pipelines.publish.contents import collect
from pipelines.publish.push import Published
from pipelines.publishing import publish
from pipelines.s3 import S3Path, call, head


@pytest.fixture(scope="module")
def built(ray_here: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    (folder / "photos").mkdir()
    for seed in range(12):
        (folder / "photos" / f"{seed:03d}.jpg").write_bytes(jpeg(seed))
    (folder / "recipe.yaml").write_text(recipe_text("{type: folder, path: photos, licence: CC0-1.0}"))
    build(folder / "recipe.yaml", folder / "out", workers=2)
    return folder / "out"


def send(out: Path, to: S3Path) -> Published:
    with Progress(out.parent / "log.txt", quiet=True) as progress:
        return delivering.deliver(collect(out), str(to), progress)


def test_a_bucket_keeps_every_promise_and_nothing_is_sent_twice(built: Path, bucket: S3Path) -> None:
    assert send(built, bucket).kept == 0
    assert verify(str(bucket)) == []
    again = send(built, bucket)
    assert (again.sent, again.kept) == (0, len(collect(built).all))
    assert not (bucket / delivering.MARK).is_file()


def test_large_objects_go_in_parts_and_continue(built: Path, bucket: S3Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = 5 << 20  # S3 takes no smaller ones
    monkeypatch.setattr(delivering, "PART", part)
    file = built.parent / "large.bin"
    file.write_bytes(bytes(range(256)) * (12 << 12))
    from pipelines.publish.contents import _item

    item, path, sent = _item(built.parent, file), bucket / "large.bin", []
    original = delivering.call

    def breaking(path: S3Path, operation: str, **arguments: object) -> object:
        if operation == "upload_part":
            sent.append(arguments["PartNumber"])
            if sent == [1, 2, 3]:
                raise ConnectionError("pulled out")
        return original(path, operation, **arguments)

    monkeypatch.setattr(delivering, "call", breaking)
    with pytest.raises(ConnectionError, match="pulled out"):
        delivering._send(item, path)  # type: ignore[arg-type]
    assert head(path) is None, "nothing half is seen"
    delivering._send(item, path)  # type: ignore[arg-type]
    assert sent == [1, 2, 3, 3], "the first two parts are not sent again"
    assert path.read_bytes() == file.read_bytes()
    assert delivering._digest(path) == item.sha256  # type: ignore[arg-type]


def test_a_digest_that_is_wrong_is_refused_by_the_server(bucket: S3Path) -> None:
    import hashlib

    stated = delivering._stated(hashlib.sha256(b"others"))
    with pytest.raises(MenderyError):
        call(bucket / "x", "put_object", Key=(bucket / "x").key, Body=b"these", **stated)


def test_of_two_who_publish_at_once_one_is_told(built: Path, bucket: S3Path) -> None:
    delivering._put_new(bucket / "manifest.json", b"{}")  # type: ignore[arg-type]
    with pytest.raises(MenderyError, match="somebody else publishes to the same place"):
        delivering._put_new(bucket / "manifest.json", b"{}")  # type: ignore[arg-type]


def test_somebody_elses_prefix_is_left_alone(built: Path, bucket: S3Path) -> None:
    upload({"manifest.json": json.dumps({"name": "other"}).encode()}, bucket)
    with pytest.raises(MenderyError, match="holds the dataset 'other', this one is 'small'"):
        send(built, bucket)


def test_a_dataset_in_a_bucket_is_a_source(built: Path, bucket: S3Path, tmp_path: Path) -> None:
    from pipelines.sources.base import Listing
    from pipelines.sources.dataset import DatasetSource

    send(built, bucket)
    found = {}
    for kind, path in (("bucket", bucket), ("folder", built)):
        source = DatasetSource.model_validate({"path": str(path)})
        source.check()
        locations = list(source.locate(Listing(tmp_path)))
        with source.reader(tmp_path, 1 << 24) as reader:
            found[kind] = [
                (one.uri, one.split, data) for one, data in zip(locations, reader.read_all(locations), strict=True)
            ]
    assert found["bucket"] == found["folder"]
    assert len(found["bucket"]) == 12


def test_a_dataset_in_a_bucket_is_published_from_there(built: Path, bucket: S3Path, tmp_path: Path) -> None:
    send(built, bucket)
    publish(str(bucket), to=tmp_path / "there")
    assert verify(tmp_path / "there") == []
    assert (tmp_path / "there" / "README.md").read_text().startswith("---\n")
