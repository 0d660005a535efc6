"""Builds from URLs: what was fetched is never fetched again, and the same answers give the same bytes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from material import jpeg
from url_server import Answer, UrlServer, answer, first, hang, reset, serving

from pipelines import build, plan, verify
from pipelines.catalog import part_sizes, read_part
from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.storage import sha256_of

URLS = 2000
RECIPE = """
name: small
sources:
  - type: urls
    path: list.txt
    allow_private: true
    fetch: {{read_timeout: 1, retries: 1, backoff: 0.01, urls_per_task: {task}}}
image: {{size: 64}}
damage: [{{kind: box}}]
shards: {{samples: 200}}
"""


@pytest.fixture
def server() -> Iterator[UrlServer]:
    with serving() as found:
        yield found


def many(server: UrlServer, folder: Path, number: int, task: int) -> Path:
    """A recipe over so many URLs: 50 different pictures, so most are duplicates; some answers are faults."""
    for index in range(50):
        server.answers[f"/{index}/"] = answer(jpeg(index, 80, 80))
    server.answers |= {"/7/": answer(b"", "410 Gone"), "/8/": answer(b"<html>"), "/9/": answer(b"", "503 Oh")}
    lines = [f"http://localhost:{server.port}/{index % 50}/{index}.jpg" for index in range(number)]
    (folder / "list.txt").write_text("\n".join([*lines, "no url"]))
    (folder / "small.yaml").write_text(RECIPE.format(task=task))
    return folder / "small.yaml"


def few(server: UrlServer, folder: Path, wrong: dict[str, Answer]) -> Path:
    """A recipe over thirty URLs, each a picture of its own, some of them wrong."""
    for index in range(30):
        server.answers[f"/{index}."] = answer(jpeg(index, 80, 80))
    server.answers |= wrong
    (folder / "list.txt").write_text("\n".join(server.url(f"/{index}.jpg") for index in range(30)))
    (folder / "small.yaml").write_text(RECIPE.format(task=10))
    return folder / "small.yaml"


def digests(out: Path) -> dict[str, str]:
    layout = Layout(out)
    return {file.name: sha256_of(file) for file in [layout.manifest, layout.report, *sorted(layout.shards.iterdir())]}


def asked_since(server: UrlServer, before: Counter[str]) -> Counter[str]:
    return server.asked - before


def test_killed_midway_and_continued(ray_here: None, server: UrlServer, tmp_path: Path) -> None:
    recipe, out = many(server, tmp_path, URLS, task=100), tmp_path / "killed"
    layout = Layout(out)
    driver = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "build", str(recipe), "--out", str(out), "--workers", "1"],
        start_new_session=True,
    )
    deadline = time.monotonic() + 40
    while len(list(layout.measured.glob("part-*.parquet"))) < 5:
        assert driver.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    quiet = -1
    while quiet != server.asked.total():  # a worker may outlive its driver for a moment
        quiet = server.asked.total()
        time.sleep(0.5)
    finished = [number for number in range(21) if layout.part(number).is_file()]
    assert 5 <= len(finished) < 20
    before = server.asked.copy()
    build(recipe, out, workers=2)
    done = {row["uri"].rpartition(str(server.port))[2] for part in finished for row in read_part(layout.catalog, part)}
    assert not done & set(asked_since(server, before))

    build(recipe, tmp_path / "whole", workers=1)
    assert digests(out) == digests(tmp_path / "whole")


def test_every_outcome_is_counted(ray_here: None, server: UrlServer, tmp_path: Path) -> None:
    recipe = many(server, tmp_path, 100, task=40)
    audit = build(recipe, tmp_path / "out")["audit"]
    assert part_sizes(Layout(tmp_path / "out").catalog) == [40, 40, 21]
    # 47 of 50 are pictures; each comes twice, and equal bytes are kept once.
    assert audit["kept"] == 47
    assert audit["dropped"] == {"bad_url": 1, "duplicate": 47, "fetch_failed": 4, "not_a_picture": 2}
    assert verify(tmp_path / "out") == []


def test_retry_asks_for_transient_ones_only(ray_here: None, server: UrlServer, tmp_path: Path) -> None:
    wrong = {"/3.": answer(b"", "503 Oh"), "/14.": hang, "/15.": reset, "/4.": answer(b"", "404 Not Found")}
    recipe, out = few(server, tmp_path, wrong), tmp_path / "out"
    first_audit = build(recipe, out)["audit"]
    assert first_audit["dropped"] == {"fetch_failed": 3, "fetch_timeout": 1}
    for index in (3, 14, 15, 4):
        server.answers[f"/{index}."] = answer(jpeg(index, 80, 80))
    before = server.asked.copy()
    audit = build(recipe, out, retry="transient")["audit"]
    assert asked_since(server, before) == {"/3.jpg": 1, "/14.jpg": 1, "/15.jpg": 1}
    assert (audit["kept"], audit["dropped"]) == (29, {"fetch_failed": 1})
    assert verify(out) == []
    server.answers["/4."] = answer(b"", "404 Not Found")
    build(recipe, tmp_path / "at-once")
    assert digests(out) == digests(tmp_path / "at-once")
    assert not Layout(out).renditions.exists()


def test_a_retry_that_brings_nothing_changes_nothing(ray_here: None, server: UrlServer, tmp_path: Path) -> None:
    recipe, out = few(server, tmp_path, {"/3.": answer(b"", "503 Oh")}), tmp_path / "out"
    build(recipe, out)
    before = {path: path.stat().st_mtime_ns for path in [out / "manifest.json", *(out / "shards").iterdir()]}
    build(recipe, out, retry="transient")
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert server.asked["/3.jpg"] == 4


def test_a_retry_may_be_more_patient(ray_here: None, server: UrlServer, tmp_path: Path) -> None:
    recipe, out = few(server, tmp_path, {"/3.": first(4, answer(b"", "503 Oh"), answer(jpeg(3)))}), tmp_path / "out"
    build(recipe, out)
    recipe.write_text(recipe.read_text().replace("retries: 1", "retries: 3"))
    assert build(recipe, out, retry="transient")["audit"]["kept"] == 30


@pytest.mark.parametrize("moves", [0, 1, 2])
def test_a_retry_killed_between_staging_and_taking_over_is_continued(
    ray_here: None, server: UrlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    from pipelines.curate import retry

    recipe, out = few(server, tmp_path, {"/3.": answer(b"", "503 Oh"), "/14.": answer(b"", "503 Oh")}), tmp_path / "out"
    build(recipe, out)
    for index in (3, 14):
        server.answers[f"/{index}."] = answer(jpeg(index, 80, 80))
    real, moved = Path.replace, []

    def killed(self: Path, target: Path) -> Path:
        if "retried" in self.stem + self.suffix and len(moved) == moves:
            raise KeyboardInterrupt
        moved.extend([self] * ("retried" in self.stem + self.suffix))
        return real(self, target)

    with monkeypatch.context() as context:
        context.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            build(recipe, out, retry="transient")
    assert not Layout(out).manifest.exists() and list(Layout(out).measured.glob("*.retried"))
    before = server.asked.copy()
    assert build(recipe, out)["audit"]["kept"] == 30  # what was fetched is taken over, without --retry too
    assert not asked_since(server, before)
    build(recipe, tmp_path / "at-once")
    assert digests(out) == digests(tmp_path / "at-once")
    assert retry.transient(Layout(out)) == {}


def test_a_retry_without_its_crops_is_refused(ray_here: None, server: UrlServer, tmp_path: Path) -> None:
    recipe, out = few(server, tmp_path, {"/3.": answer(b"", "503 Oh")}), tmp_path / "out"
    build(recipe, out)
    Layout(out).pack(0).unlink()
    with pytest.raises(MenderyError, match=r"part-000000.bin is gone, and a retry needs the crops in it"):
        build(recipe, out, retry="transient")


def test_a_retry_without_its_state_is_refused(ray_here: None, server: UrlServer, tmp_path: Path) -> None:
    recipe, out = few(server, tmp_path, {"/3.": answer(b"", "503 Oh")}), tmp_path / "out"
    build(recipe, out)
    shutil.rmtree(Layout(out).state)
    with pytest.raises(MenderyError, match="does not say any more what failed"):
        build(recipe, out, retry="transient")
    with pytest.raises(MenderyError, match="retry must be 'transient' or nothing, found 'all'"):
        build(recipe, out, retry="all")  # type: ignore[arg-type]


def test_a_build_of_nothing_but_failures_is_mended_by_a_retry(
    ray_here: None, server: UrlServer, tmp_path: Path
) -> None:
    recipe, out = few(server, tmp_path, {f"/{index}.": answer(b"", "503 Oh") for index in range(30)}), tmp_path / "out"
    with pytest.raises(MenderyError, match="no picture was kept of 30 found: 30 fetch_failed"):
        build(recipe, out)
    few(server, tmp_path, {})
    assert build(recipe, out, retry="transient")["audit"]["kept"] == 30


def test_a_lost_shard_is_made_again_from_pictures_that_came(ray_here: None, server: UrlServer, tmp_path: Path) -> None:
    recipe, layout = few(server, tmp_path, {"/4.": answer(b"", "404 Not Found")}), Layout(tmp_path / "out")
    build(recipe, layout.out)
    before, asked = digests(layout.out), server.asked.copy()
    layout.manifest.unlink()
    layout.commit("train-000000").unlink()
    build(recipe, layout.out)
    assert digests(layout.out) == before
    assert "/4.jpg" not in asked_since(server, asked)


def test_plan_looks_at_a_few(server: UrlServer, tmp_path: Path) -> None:
    found = plan(many(server, tmp_path, 400, task=100))
    assert found.sources[0].pictures == 401 and found.sources[0].looked_at == 32
    assert len(server.asked) <= 32


def test_no_file_of_a_dataset_tells_a_password(ray_here: None, server: UrlServer, tmp_path: Path) -> None:
    recipe, out = few(server, tmp_path, {}), tmp_path / "out"
    lines = (tmp_path / "list.txt").read_text().replace("http://", "http://jane:sesame@")
    (tmp_path / "list.txt").write_text(lines)
    build(recipe, out)
    told = [
        out / "manifest.json",
        out / "report.html",
        out / "recipe.yaml",
        Layout(out).log,
        *(out / "shards").iterdir(),
    ]
    assert not [path.name for path in told if b"sesame" in path.read_bytes()]
    assert set(pq.read_table(Layout(out).shards / "train-000000.parquet")["source_uri"].to_pylist()) <= {
        server.url(f"/{index}.jpg") for index in range(30)
    }
