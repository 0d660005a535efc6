"""Two processes are one: the same losses at the same global batch, from start to end and across interruptions."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tiny_dataset
import torch
import two_processes
from tiny_methods import TINY

from trainers.config import resolve
from trainers.processes import Processes
from trainers.run import Run
from trainers.train import loop

STEPS = 5
METHODS = ("aot_gan", "lama")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Each method trained in one process and in two; a run that changes from one to two; and one with accumulation."""
    folder = tmp_path_factory.mktemp("two")
    data = tiny_dataset.write(folder / "data", {"train": [9, 3, 10, 1]})

    def config(name: str, **settings: Any) -> Any:
        fixed = {
            **TINY[name], "size": 16, "train.batch": 8, "train.steps": STEPS, "train.log_every": 1,
            "train.save_every": 1, "train.keep": 9, "train.sample_every": 100, "train.num_samples": 2,
            "loader.cache": str(folder / "cache"), "loader.mirror": True,
        }  # fmt: skip
        return resolve(name, str(data), fixed | settings, debug=True)

    jobs = []
    for name in METHODS:
        loop(Run.at(folder / f"{name}-1"), config(name), Processes(), lambda line: None)
        jobs.append({"run": f"{folder}/{name}-2", "config": config(name).to_json()})
    half = {"train.steps": 2}
    loop(Run.at(folder / "changed"), config("lama", **half), Processes(), lambda line: None)
    jobs.append({"run": f"{folder}/changed", "config": config("lama").to_json()})
    jobs.append({"run": f"{folder}/back", "config": config("lama").to_json(), "until": 3})
    parts = config("aot_gan", **{"train.accumulate": 4})
    jobs.append({"run": f"{folder}/parts", "config": parts.to_json(), "count": f"{folder}/count"})
    two_processes.run(folder, jobs)
    loop(Run.at(folder / "back"), config("lama"), Processes(), lambda line: None)
    return SimpleNamespace(folder=folder, lines=lambda name: _lines(folder / name))


def _lines(folder: Path) -> list[dict[str, float]]:
    found = [json.loads(line) for line in Run.at(folder).numbers.read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "images_per_second"} for line in found]


@pytest.mark.parametrize("name", METHODS)
def test_two_processes_have_the_losses_of_one(runs: Any, name: str) -> None:
    one, two = runs.lines(f"{name}-1"), runs.lines(f"{name}-2")
    assert [line["step"] for line in two] == [1, 2, 3, 4, 5]
    for a, b in zip(one, two, strict=True):
        assert b == pytest.approx(a, rel=2e-3, abs=1e-5), (a, b)


@pytest.mark.parametrize("name", ["changed", "back"])
def test_a_run_may_change_its_number_of_processes(runs: Any, name: str) -> None:
    """From one to two, and from two, stopped on the way, to one."""
    whole, parts = runs.lines("lama-1"), runs.lines(name)
    assert [line["step"] for line in parts] == [1, 2, 3, 4, 5]
    for a, b in zip(whole, parts, strict=True):
        assert b == pytest.approx(a, rel=2e-3, abs=1e-5), (a, b)


def test_gradients_are_exchanged_once_a_step(runs: Any) -> None:
    """However many parts a batch is worked through in: once for the generator and once for the discriminator."""
    assert int((runs.folder / "count").read_text()) == 2 * STEPS


def test_random_states_of_both_processes_are_kept(runs: Any) -> None:
    state = torch.load(Run.at(runs.folder / "lama-2").checkpoint(STEPS), weights_only=True)
    one, two = (rng["torch"] for rng in state["rng"])
    assert not torch.equal(one, two)


def test_batch_norms_are_synchronised(runs: Any) -> None:
    """After a step their buffers are those of one process, which sees all samples; later, rounding leads them apart."""
    one, two = (
        torch.load(Run.at(runs.folder / name).checkpoint(1), weights_only=True)["networks"]["generator"]
        for name in ("lama-1", "lama-2")
    )
    names = [name for name in one if name.endswith(("running_mean", "running_var"))]
    assert names and all(torch.allclose(one[name], two[name], rtol=1e-3, atol=1e-5) for name in names)
