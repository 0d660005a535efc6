"""Builds from S3 to S3 give the bytes of a local build, whatever the server does meanwhile."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from material import jpeg
from s3.conftest import Server, upload

from pipelines import build, lease, report, show, status, verify
from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.places import place
from pipelines.s3 import S3Path, client, read_object

PICTURES = {f"p{number:02d}.jpg": jpeg(number) for number in range(40)}
RECIPE = """
name: s3
seed: 3
sources: [{{type: folder, path: {path}, name: pictures}}]
image: {{size: 64}}
curate: {{min_side: 32}}
damage: [{{kind: brush, ratio_range: [0.1, 0.4]}}]
splits: {{train: 0.8, val: 0.1, test: 0.1}}
shards: {{samples: 8}}
"""


def written(recipe: str, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "recipe.yaml"
    path.write_text(recipe)
    return path


def digests(out: Path) -> dict[str, str]:
    """SHA-256 of everything that is the dataset."""
    layout = Layout(out)
    files = [layout.manifest, *sorted(layout.shards.glob("*"))]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, ray_here: None) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("local")
    (folder / "pictures").mkdir()
    for name, data in PICTURES.items():
        (folder / "pictures" / name).write_bytes(data)
    build(written(RECIPE.format(path=folder / "pictures"), folder), folder / "out", workers=2)
    return digests(folder / "out")


def in_its_own_process(recipe: Path, out: S3Path) -> subprocess.Popen[str]:
    """A build whose Ray has the environment of this test."""
    command = [sys.executable, "-m", "pipelines.cli", "build", str(recipe), "--out", str(out), "--workers", "2"]
    return subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=os.environ.copy()
    )


def test_from_bucket_to_bucket_equals_local(local, bucket, tmp_path):
    source, out = upload(PICTURES, bucket / "in"), bucket / "out"
    recipe = written(RECIPE.format(path=source), tmp_path)
    builder = in_its_own_process(recipe, out)
    said = builder.communicate(timeout=120)[1]
    assert builder.returncode == 0, said
    assert digests(place(out)) == local
    assert verify(str(out)) == []
    found = status(str(out))
    assert (found.stage, found.running) == ("complete", False)
    assert "is complete" in found.last
    assert report(str(out)).name == "report.html"
    key = next(iter(read_manifest_keys(out)))
    assert show(str(out), key, tmp_path / "one")["key"] == key
    assert not list((out / "state" / "renditions").rglob("*")), "crops are thrown away at the end"
    for name in ("recipe.yaml", "state/log.txt", "manifest.json"):
        assert b"testsecret" not in read_object(out / name)[0]


def read_manifest_keys(out: S3Path) -> list[str]:
    import pyarrow.parquet as pq

    index = sorted(path for path in (out / "shards").rglob("*.parquet"))[0]
    keys: list[str] = pq.read_table(index.open())["key"].to_pylist()
    return keys


def test_server_killed_and_started_again_midway_changes_nothing(local, bucket, server: Server, tmp_path):
    source, out = upload(PICTURES, bucket / "in"), bucket / "out"
    builder = in_its_own_process(written(RECIPE.format(path=source), tmp_path), out)
    deadline = time.monotonic() + 60
    while not (out / "state" / "catalog.parquet").is_file():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    server.kill()
    time.sleep(2)
    server.start()
    said = builder.communicate(timeout=150)[1]
    assert builder.returncode == 0, said
    assert digests(place(out)) == local


def test_second_build_at_the_same_place_is_refused(bucket):
    lock = bucket / "state" / "lock"
    with lease.held(lock), pytest.raises(MenderyError, match="another build is at work"), lease.held(lock):
        pass
    with lease.held(lock):  # free again
        assert lease.is_held(lock)
    assert not lease.is_held(lock)


def test_lease_of_a_dead_build_is_taken_over(bucket, monkeypatch):
    lock = bucket / "state" / "lock"
    client(lock.options).put_object(Bucket=lock.bucket, Key=lock.key, Body=b'{"owner": "a dead one"}')
    with pytest.raises(MenderyError, match="a dead one"), lease.held(lock):
        pass
    monkeypatch.setattr(lease, "STALE_SECONDS", -1.0)
    with lease.held(lock):
        assert lock.is_file()


def test_two_that_take_over_at_once_do_not_both_get_it(bucket, monkeypatch):
    lock = bucket / "state" / "lock"
    monkeypatch.setattr(lease, "STALE_SECONDS", -1.0)
    client(lock.options).put_object(Bucket=lock.bucket, Key=lock.key, Body=b"{}")
    gate, outcomes = threading.Barrier(2), []

    def take() -> None:
        one = lease._Lease(lock)
        original = one._write
        one._write = lambda **condition: (gate.wait(10), original(**condition))  # type: ignore[method-assign,func-returns-value]
        try:
            one.take()
        except MenderyError:
            outcomes.append("refused")
        else:
            outcomes.append("held")
            one._over.set()

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["held", "refused"]
