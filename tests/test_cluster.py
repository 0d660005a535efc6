"""The cluster file is one that Ray's launcher takes."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
import ray
import yaml

ROOT = Path(__file__).parent.parent


@pytest.fixture
def cluster() -> dict:
    return yaml.safe_load((ROOT / "ray_cluster.yaml").read_text())


def test_satisfies_the_schema_of_ray(cluster: dict) -> None:
    schema = json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text())
    jsonschema.validate(cluster, schema)


def test_head_node_type_exists(cluster: dict) -> None:
    assert cluster["head_node_type"] in cluster["available_node_types"]


def test_no_node_reports_usage(cluster: dict) -> None:
    starts = [
        line
        for key in ("head_start_ray_commands", "worker_start_ray_commands")
        for line in cluster[key]
        if "ray start" in line
    ]
    assert len(starts) == 2 and all("--disable-usage-stats" in line for line in starts)


def test_every_node_asks_for_the_token(cluster: dict) -> None:
    starts = [*cluster["head_start_ray_commands"], *cluster["worker_start_ray_commands"]]
    assert all("RAY_AUTH_MODE=token" in line for line in starts if "ray start" in line)
    assert "/home/ubuntu/.ray/auth_token" in cluster["file_mounts"]


class Head:
    """A head node of Ray's own launcher on this machine, with its job server and a token."""

    def __init__(self, folder: Path) -> None:
        self.gcs, self.port = _free_port(), _free_port()
        own = {"HOME": str(folder), "RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0"}
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | own
        self.environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.run("ray", "get-auth-token", "--generate")
        self.process = subprocess.Popen(
            [
                *("ray", "start", "--head", "--block", "--node-ip-address=127.0.0.1", f"--port={self.gcs}"),
                *("--dashboard-host=127.0.0.1", f"--dashboard-port={self.port}", f"--temp-dir={folder / 'ray'}"),
                f"--dashboard-agent-listen-port={_free_port()}",  # its default is taken by the other tests' Ray
                *("--num-cpus=2", "--object-store-memory=100000000", "--disable-usage-stats"),
            ],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120)

    def stop(self) -> None:
        self.process.terminate()  # with --block, the head takes its own processes along
        self.process.wait(timeout=60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def head() -> Iterator[Head]:
    # Not below tmp_path: the path of a socket has at most 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="head-"))
    started = Head(folder)
    yield started
    started.stop()
    shutil.rmtree(folder, ignore_errors=True)


def test_submitted_build_equals_a_local_one(head: Head, demo_build: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    submit = ["ray", "job", "submit", "--address", f"http://127.0.0.1:{head.port}", "--"]
    build = ["mendery", "build", "demo", "--out", str(out), "--address", f"127.0.0.1:{head.gcs}"]
    deadline = time.monotonic() + 90
    while True:  # until the job server answers, and has an agent to run jobs
        done = head.run(*submit, *build)
        if "Running entrypoint" in done.stdout or time.monotonic() > deadline:
            break
        time.sleep(1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (out / "manifest.json").read_bytes() == (demo_build / "manifest.json").read_bytes()
