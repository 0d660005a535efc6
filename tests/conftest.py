"""What several tests need: Ray once, and the demo built once."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from material import jpeg

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# The Hub's client reads these once, when it is imported: all tests share one address, and none reaches the real Hub.
HUB_PORT = _free_port()
os.environ |= {
    "HF_ENDPOINT": f"http://127.0.0.1:{HUB_PORT}",
    "HF_HOME": tempfile.mkdtemp(prefix="mendery-tests-hub-"),
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
os.environ.pop("HF_TOKEN", None)
# The demo must be built with this machine's Ray, whatever cluster the person who runs the tests works on.
os.environ.pop("RAY_ADDRESS", None)


@pytest.fixture(scope="session")
def ray_here() -> Iterator[None]:
    """Ray with two processors, started once for all tests that build in this process."""
    from pipelines.spread import cluster

    with cluster(workers=2, address=None):
        yield


@pytest.fixture(scope="session")
def demo_build(ray_here: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished build of the demo recipe; tests must not change it."""
    from pipelines import build

    out = tmp_path_factory.mktemp("demo") / "demo"
    build("demo", out, workers=2)
    return out


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of twenty different JPEGs of 128 x 96."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(20):
        (folder / f"{seed:03d}.jpg").write_bytes(jpeg(seed))
    return folder
