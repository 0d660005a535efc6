"""`mendery train` through Ray: workers and the driver may be killed, and what cannot be is a sentence."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import tiny_dataset
from tiny_methods import TINY

from pipelines.errors import MenderyError
from trainers.run import Run, only_one
from trainers.train import parse_workers, train

STEPS = 60
PATIENCE = 800
"""Seconds: Ray starts ten processes for a training, which takes long where many others are at work."""

pytestmark = pytest.mark.timeout(3 * PATIENCE)


def words(data: Path, run: Path, *more: str, method: str = "lama") -> list[str]:
    settings = {
        **TINY[method], "train.batch": 4, "train.log_every": 1, "train.save_every": 4, "train.sample_every": 1000,
        "train.num_samples": 1, "train.threads": 1, "loader.cache": str(data.parent / "cache"),
    }  # fmt: skip
    given = [word for key, value in settings.items() for word in ("--set", f"{key}={json.dumps(value)}")]
    return [
        sys.executable, "-m", "pipelines.cli", "train", method, "--data", str(data), "--run", str(run), "--debug",
        "--size", "16", "--steps", str(STEPS), *given, *more,
    ]  # fmt: skip


def command(data: Path, run: Path, *more: str, code: int = 0) -> str:
    """Runs to the end; gives what is said on the screen."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([os.getcwd(), *sys.path])}
    done = subprocess.run(words(data, run, *more), capture_output=True, text=True, timeout=PATIENCE, env=environment)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def lines(run: Path) -> list[dict[str, float]]:
    found = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "images_per_second"} for line in found]


def killed(
    data: Path, run: Path, after: int, victims: Callable[[psutil.Process], list[psutil.Process]], *more: str
) -> str:
    """Starts the command, and kills (-9) some of its processes once a step is reached; waits for the command to end."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([os.getcwd(), *sys.path])}
    started = subprocess.Popen(
        words(data, run, *more), stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )
    driver, log = psutil.Process(started.pid), run / "log.jsonl"
    deadline = time.monotonic() + PATIENCE
    while not log.is_file() or log.read_bytes().count(b"\n") < after or not victims(driver):
        assert started.poll() is None, started.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    at_work = workers_of(driver)
    for victim in victims(driver):
        victim.send_signal(signal.SIGKILL)
    said = started.communicate(timeout=PATIENCE)[1]
    # Workers of a killed driver end by themselves; the rest of its Ray takes a minute.
    _, alive = psutil.wait_procs(at_work, timeout=60)
    assert not alive
    return said


def workers_of(driver: psutil.Process) -> list[psutil.Process]:
    workers = []
    for process in driver.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            workers += [process] if "RayTrainWorker" in " ".join(process.cmdline()) else []
    return workers


def a_worker(driver: psutil.Process) -> list[psutil.Process]:
    """One of the workers at random; none as long as there are none."""
    workers = workers_of(driver)
    return random.sample(workers, min(1, len(workers)))


def the_driver(driver: psutil.Process) -> list[psutil.Process]:
    return [driver]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_dataset.write(tmp_path_factory.mktemp("train") / "data", {"train": [9, 3, 10, 1], "val": [2]})


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, float]]:
    """The curve of a run that nothing happened to."""
    run = tmp_path_factory.mktemp("whole") / "run"
    assert "no GPU on this cluster: training on CPUs" in command(data, run, "--gpus")
    assert [line["step"] for line in lines(run)] == list(range(1, STEPS + 1))
    assert "**tiny 1.0.0**" in (run / "card.md").read_text()
    return lines(run)


def test_killed_workers_and_drivers_change_nothing(data: Path, whole: list[dict[str, float]], tmp_path: Path) -> None:
    rng = random.Random(time.time_ns())
    moments = rng.randint(2, STEPS // 3), rng.randint(STEPS // 2, STEPS - 6)
    killed(data, tmp_path / "run", moments[0], the_driver)
    said = killed(data, tmp_path / "run", moments[1], a_worker)
    assert "begun again (attempt 2)" in said and "continuing from step" in said
    assert lines(tmp_path / "run") == whole, moments


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="two workers need two processors")
def test_an_elastic_worker_is_killed(data: Path, whole: list[dict[str, float]], tmp_path: Path) -> None:
    said = killed(data, tmp_path / "run", 9, a_worker, "--workers", "1:2")
    assert "on 2 x cpu" in said and "begun again (attempt 2)" in said
    found = lines(tmp_path / "run")
    assert [line["step"] for line in found] == list(range(1, STEPS + 1))
    for a, b in zip(whole[:12], found[:12], strict=True):
        assert b == pytest.approx(a, rel=5e-3, abs=1e-4)


def test_a_fault_that_stays_is_told_once(data: Path, tmp_path: Path) -> None:
    """A shard that is not what it was: no use in trying again."""
    import shutil

    shutil.copytree(data, tmp_path / "data")
    for shard in (tmp_path / "data" / "shards").glob("train*.tar"):
        shard.write_bytes(shard.read_bytes()[:-1])
    said = command(tmp_path / "data", tmp_path / "run", code=1)
    assert said.splitlines()[-1].startswith("mendery: ") and "is not the file of the manifest" in said.splitlines()[-1]
    assert "attempt" not in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"method": "lamma"}, "no method 'lamma'; did you mean 'lama'"),
        ({"workers": 24}, "23 samples, fewer than the 24 processes"),
        ({"workers": (3, 2)}, "fewest and the most"),
        ({"debug": False}, "encoder_epoch_20.pth.*--without-perceptual"),
        ({"settings": {"train.stepz": 3}}, "did you mean 'train.steps'"),
        ({"size": 20}, "multiple of 8"),
        ({"data": "nowhere"}, "no .*nowhere/manifest.json"),
    ],
)
def test_what_cannot_be_is_a_sentence(data: Path, tmp_path: Path, options: dict[str, Any], said: str) -> None:
    given = {"method": "lama", "data": data, "run": tmp_path / "run", "debug": True} | options
    with pytest.raises(MenderyError, match=said):
        train(**given)
    assert not (tmp_path / "run" / "config.json").exists()


def test_a_run_of_something_else_is_refused(data: Path, tmp_path: Path) -> None:
    from pipelines.storage import put_json
    from trainers.config import resolve

    put_json(Run.at(tmp_path).config, resolve("aot_gan", str(data), {}, debug=True).to_json())
    with pytest.raises(MenderyError, match="is a run of aot_gan, and lama was asked for"):
        train("lama", data, tmp_path, debug=True)
    with pytest.raises(MenderyError, match="begun with other settings: data_sha256 was .*method.width was 16, is 8"):
        train("aot_gan", data, tmp_path, debug=True, settings={"method.width": 8})


def test_two_trainings_in_one_folder_are_refused(data: Path, tmp_path: Path) -> None:
    with only_one(Run.at(tmp_path)), pytest.raises(MenderyError, match="another training is at work"):
        train("lama", data, tmp_path, debug=True)


@pytest.mark.parametrize(("text", "wanted"), [("1", 1), ("4", 4), ("1:4", (1, 4))])
def test_workers(text: str, wanted: object) -> None:
    assert parse_workers(text) == wanted


@pytest.mark.parametrize("text", ["", "a", "1:", ":2", "1-4", "-1"])
def test_workers_that_are_none(text: str) -> None:
    with pytest.raises(MenderyError, match="--workers takes"):
        parse_workers(text)


def test_help_of_training_needs_no_torch() -> None:
    code = "import sys; sys.modules['torch'] = None; from pipelines.cli import app; app(['train', '--help'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "--without-perceptual" in done.stdout, done.stderr
