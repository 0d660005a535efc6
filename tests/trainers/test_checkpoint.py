"""Checkpoints: whole or not there, and good ones stay."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import pytest
import torch

from pipelines.errors import MenderyError
from pipelines.storage import put_json
from trainers import checkpoint
from trainers.methods import METHODS
from trainers.processes import Processes
from trainers.run import Run
from trainers.trainer import Trainer


def trainer_of(config: Any) -> Trainer:
    torch.manual_seed(0)
    return Trainer(METHODS[config.name](config.method), config.name, config.train, Processes())


def saved(run: Run, step: int, keep: int = 3, method: str = "one") -> None:
    checkpoint.save(run, {"format": 1, "method": method, "step": step, "weights": torch.arange(5000.0)}, keep)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.at(tmp_path / "run")


@pytest.mark.parametrize("name", METHODS)
def test_everything_is_in_it_and_comes_back(tiny: Any, run: Run, name: str, batch: Any) -> None:
    config = tiny(name)
    trainer = trainer_of(config)
    trainer.take_step(batch)
    checkpoint.save(run, trainer.state(), 3)
    state = checkpoint.load(run, name)
    assert state is not None
    assert {"step", "position", "networks", "averaged", "optimisers", "schedules", "scaler", "rng"} <= state.keys()
    assert set(state["networks"]) == set(trainer.networks) and set(state["optimisers"]) == set(trainer.optimisers)
    assert (state["step"], state["position"]) == (1, config.train.batch)
    other = trainer_of(config)
    other.resume(state)
    for one, two in zip(trainer.networks.values(), other.networks.values(), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))
    other.take_step(batch)
    trainer.take_step(batch)
    assert all(torch.equal(value, trainer._look.steps[1][key]) for key, value in other._look.steps[0].items())


def test_the_newest_are_kept(run: Run) -> None:
    for step in (1, 2, 3, 4):
        saved(run, step, keep=2)
    assert run.steps() == [3, 4]
    assert sorted(path.suffix for path in run.checkpoints.iterdir()) == [".json", ".json", ".pt", ".pt"]


def test_a_run_without_any(run: Run) -> None:
    assert checkpoint.load(run, "one") is None


def test_a_truncated_one_is_named_with_what_to_do(run: Run) -> None:
    saved(run, 1)
    saved(run, 2)
    path = run.checkpoint(2)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(
        MenderyError, match=r"step-00000002.pt is truncated: expected .* bytes, found .*continue from step 1"
    ):
        checkpoint.load(run, "one")


def test_a_changed_one_is_named(run: Run) -> None:
    saved(run, 1)
    data = bytearray(run.checkpoint(1).read_bytes())
    data[len(data) // 2] ^= 1
    run.checkpoint(1).write_bytes(data)
    with pytest.raises(MenderyError, match="was changed since it was written"):
        checkpoint.load(run, "one")


def test_one_of_another_method_is_named(run: Run) -> None:
    saved(run, 1, method="lama")
    with pytest.raises(MenderyError, match="is of method lama, and aot_gan was asked for"):
        checkpoint.load(run, "aot_gan")


def test_a_file_without_its_record_is_not_there(run: Run) -> None:
    saved(run, 1)
    saved(run, 2)
    run.record(2).unlink()
    state = checkpoint.load(run, "one")
    assert state is not None and state["step"] == 1


def test_a_full_disk_leaves_what_was_there(run: Run) -> None:
    saved(run, 1)
    before = run.checkpoint(1).read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(MenderyError, match="step 2 cannot be written.*last good one is of step 1. Make room"):
            saved(run, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert run.steps() == [1] and run.checkpoint(1).read_bytes() == before
    assert len(list(run.checkpoints.iterdir())) == 2


def test_pickled_code_is_never_run(run: Run, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "evil",))

    run.checkpoints.mkdir(parents=True)
    torch.save({"format": 1, "method": "one", "bad": Evil()}, run.checkpoint(1))
    data = run.checkpoint(1).read_bytes()
    import hashlib

    put_json(
        run.record(1), {"step": 1, "method": "one", "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    )
    with pytest.raises(Exception, match="[Ww]eights.only|weights_only"):
        checkpoint.load(run, "one")
    assert not (tmp_path / "evil").exists()


def test_a_method_is_loaded_for_use(tiny: Any, run: Run, batch: Any) -> None:
    config = tiny("lama")
    trainer = trainer_of(config)
    trainer.take_step(batch)
    checkpoint.save(run, trainer.state(), 3)
    put_json(run.config, config.to_json())
    method, read, step = checkpoint.load_method(run)
    assert (read, step) == (config, 1)
    assert torch.equal(method.inpaint(batch), trainer.inpaint(batch))


def test_no_run_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MenderyError, match="no run in"):
        checkpoint.load_method(tmp_path)
