"""Curation that is killed and continued: the same verdicts, and nothing measured twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from material import jpeg

from pipelines.layout import Layout
from pipelines.storage import sha256_of

SCRIPT = """
import sys
from pipelines.build import curate
from pipelines.sources.folder import FolderSource
FolderSource.rows_per_task = lambda self: 6  # so that there are many parts of few pictures
curate(sys.argv[1], sys.argv[2], workers=2)
"""
PICTURES = 120


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """Pictures, copies of some of them, and rubbish."""
    (tmp_path / "photos").mkdir()
    for number in range(PICTURES):
        data = b"rubbish" if number % 30 == 7 else jpeg(number % 100, 160, 160)
        (tmp_path / "photos" / f"{number:03d}.jpg").write_bytes(data)
    (tmp_path / "r.yaml").write_text(
        f"name: killed\nsources: [{{type: folder, path: {tmp_path / 'photos'}}}]\nimage: {{size: 64}}\n"
        "curate: {duplicates: {near: 4}}\ndamage: [{kind: box}]\n"
    )
    return tmp_path / "r.yaml"


def start(recipe: Path, out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(recipe), str(out)], start_new_session=True)


def parts(out: Path) -> dict[str, int]:
    """When each measured part was written."""
    return {path.name: path.stat().st_mtime_ns for path in Layout(out).measured.glob("part-*.parquet")}


def wait_for_more(out: Path, number: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while len(parts(out)) < number and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_killed_at_random_moments_and_continued_decides_the_same(recipe: Path, tmp_path: Path) -> None:
    assert start(recipe, tmp_path / "whole").wait(180) == 0
    seed = random.SystemRandom().randrange(2**32)
    out, rng, written = tmp_path / "killed", random.Random(seed), dict[str, int]()
    for _ in range(3):
        process = start(recipe, out)
        wait_for_more(out, min(PICTURES // 6 - 1, len(written) + rng.randint(1, 4)), process)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
        time.sleep(1)  # workers notice that their node is gone, and end
        now = parts(out)
        assert written.items() <= now.items(), f"a part that was there was measured again, seed {seed}"
        written = now
    assert start(recipe, out).wait(180) == 0
    assert written.items() <= parts(out).items()
    assert len(parts(out)) == PICTURES // 6
    assert sha256_of(Layout(out).curated) == sha256_of(Layout(tmp_path / "whole").curated)
