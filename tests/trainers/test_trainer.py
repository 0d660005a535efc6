"""The loop: what a step does, and what stops it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_methods import random_batch

from pipelines.errors import MenderyError
from trainers import checkpoint
from trainers.methods import METHODS
from trainers.methods.base import Adam, Batch
from trainers.processes import Processes
from trainers.run import Run
from trainers.train import loop
from trainers.trainer import Trainer, rate


def trainer_of(config: Any) -> Trainer:
    torch.manual_seed(0)
    return Trainer(METHODS[config.name](config.method), config.name, config.train, Processes())


def lines(run: Run) -> list[dict[str, float]]:
    """The losses of every step; speed is left out."""
    found = [json.loads(line) for line in run.numbers.read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "images_per_second"} for line in found]


def trained(config: Any, folder: Path, until: int | None = None) -> Run:
    """Trains to the end, or is stopped as by a kill after a step."""
    run = Run.at(folder)
    before = Trainer.take_step

    def killed(self: Trainer, batch: Batch) -> None:
        if self.step == until:
            raise KeyboardInterrupt
        before(self, batch)

    Trainer.take_step = killed  # type: ignore[method-assign]
    try:
        loop(run, config, Processes(), lambda line: None)
    except KeyboardInterrupt:
        assert until is not None
    finally:
        Trainer.take_step = before  # type: ignore[method-assign]
    return run


@pytest.mark.parametrize("name", ["aot_gan", "lama"])
def test_an_interrupted_run_goes_the_same_way(tiny: Any, tmp_path: Path, name: str) -> None:
    config = tiny(name, loader__fresh=[{"kind": "brush", "ratio_range": [0.1, 0.3]}])
    whole = trained(config, tmp_path / "whole")
    for until in (1, 3, 5):
        trained(config, tmp_path / "parts", until)
    parts = trained(config, tmp_path / "parts")
    assert [line["step"] for line in lines(parts)] == [1, 2, 3, 4, 5, 6]
    assert lines(parts) == lines(whole)
    one, two = checkpoint.load(parts, name), checkpoint.load(whole, name)
    assert one is not None and two is not None
    assert all(
        torch.equal(one["averaged"]["generator"][key], value) for key, value in two["averaged"]["generator"].items()
    )


def test_accumulating_is_the_same_gradient(tiny: Any, batch: Batch) -> None:
    """Of what looks at each sample alone: AOT-GAN's L1. Spectral norms are measured anew with every part."""
    gradients = []
    for parts in (1, 2):
        trainer = trainer_of(tiny("aot_gan", train__accumulate=parts, method__adversarial_weight=0.0))
        own = list(trainer.networks["generator"].parameters())
        trainer.optimisers["generator"].register_step_pre_hook(
            lambda *_, own=own: gradients.append(torch.cat([parameter.grad.flatten() for parameter in own]))
        )
        trainer.take_step(batch)
    one, two = gradients
    assert torch.allclose(one, two, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("turn", ["generator", "discriminator"])
def test_a_loss_that_is_not_finite_stops_the_run_and_is_named(tiny: Any, tmp_path: Path, turn: str) -> None:
    config = tiny("lama", train__log_every=4)
    kind = METHODS["lama"]

    class Breaks(kind):  # type: ignore[misc,valid-type]
        def losses(self, asked: str, batch: Batch, prediction: Any) -> dict[str, torch.Tensor]:
            terms = super().losses(asked, batch, prediction)
            if asked == turn and self.networks and self.calls > 4:
                terms["adversarial"] = terms["adversarial"] * torch.nan
            self.calls += asked == turn
            return terms

        calls = 0

    METHODS["lama"] = Breaks
    try:
        with pytest.raises(MenderyError, match=f"the loss is nan at step 6: term 'adversarial' of turn '{turn}'"):
            loop(Run.at(tmp_path / "run"), config, Processes(), lambda line: None)
    finally:
        METHODS["lama"] = kind
    run = Run.at(tmp_path / "run")
    assert run.steps() == [2, 4]
    assert lines(run)[-1]["step"] == 4
    assert "the loss is nan" in run.log.read_text()


def test_gradients_are_clipped(tiny: Any, batch: Batch) -> None:
    norms: list[float] = []
    trainer = trainer_of(tiny("aot_gan", train__clip=0.01))
    for turn, optimiser in trainer.optimisers.items():
        parameters = optimiser.param_groups[0]["params"]
        optimiser.register_step_pre_hook(
            lambda *_, own=parameters: norms.append(float(torch.cat([p.grad.flatten() for p in own]).norm()))
        )
        assert turn
    trainer.take_step(batch)
    assert len(norms) == 2 and max(norms) <= 0.0101


def test_two_rates_are_two_optimisers(tiny: Any) -> None:
    trainer = trainer_of(tiny("lama", method__generator__lr=1e-3, method__discriminator__lr=4e-3))
    assert {turn: optimiser.param_groups[0]["lr"] for turn, optimiser in trainer.optimisers.items()} == {
        "generator": 1e-3, "discriminator": 4e-3,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("adam", "step", "wanted"),
    [
        (Adam(1.0), 50, 1.0),
        (Adam(1.0, warmup=10), 4, 0.5),
        (Adam(1.0, warmup=10), 10, 1.0),
        (Adam(1.0, schedule="linear"), 75, 0.25),
        (Adam(1.0, schedule="cosine"), 50, 0.5),
        (Adam(1.0, schedule="cosine"), 100, 0.0),
    ],
)
def test_schedules(adam: Adam, step: int, wanted: float) -> None:
    assert rate(adam, step, 100) == pytest.approx(wanted)


def test_half_precision_scales_and_is_kept(tiny: Any, batch: Batch) -> None:
    trainer = trainer_of(tiny("aot_gan", train__precision="fp16"))
    trainer.take_step(batch)
    assert trainer.state()["scaler"]["scale"] > 1
    assert all(value.isfinite() for value in trainer._look.steps[0].values())


def test_channels_last_changes_no_number(tiny: Any, batch: Batch) -> None:
    one, two = trainer_of(tiny("lama")), trainer_of(tiny("lama", train__channels_last=False))
    one.take_step(batch.to("cpu", channels_last=True))
    two.take_step(batch)
    for key, value in one._look.steps[0].items():
        assert torch.allclose(value, two._look.steps[0][key], rtol=1e-4), key


def test_a_finished_run_does_nothing(tiny: Any, tmp_path: Path) -> None:
    run = trained(tiny("aot_gan"), tmp_path / "run")
    before = lines(run)
    trained(tiny("aot_gan"), tmp_path / "run")
    assert lines(run) == before


def test_a_longer_run_goes_on(tiny: Any, tmp_path: Path) -> None:
    trained(tiny("aot_gan"), tmp_path / "run")
    run = trained(tiny("aot_gan", train__steps=8), tmp_path / "run")
    assert [line["step"] for line in lines(run)] == list(range(1, 9))


def test_what_is_written_down(tiny: Any, tmp_path: Path) -> None:
    import cv2

    run = trained(tiny("lama"), tmp_path / "run")
    said = run.log.read_text()
    assert "without the perceptual loss" in said and "--debug" in said and "images/s" in said and "left" in said
    assert {"generator/l1", "discriminator/penalty", "lr/generator"} <= lines(run)[0].keys()
    assert cv2.imread(str(run.sample(6))).shape == (2 * 18, 3 * 18, 3)
    assert next(run.tensorboard.iterdir()).stat().st_size > 500


def test_a_turn_may_sit_out(tiny: Any, batch: Batch) -> None:
    trainer = trainer_of(tiny("aot_gan"))
    trainer.method.turns = lambda step: ("discriminator",) if step else ("generator",)  # type: ignore[method-assign]
    for _ in range(2):
        trainer.take_step(batch)
    assert [sorted({key.split("/")[0] for key in step}) for step in trainer._look.steps] == [
        ["generator"],
        ["discriminator"],
    ]


def test_batches_are_parted_in_order() -> None:
    batch = dataclasses.replace(random_batch(6), keys=tuple("abcdef"))
    assert [part.keys for part in batch.parts(3)] == [("a", "b"), ("c", "d"), ("e", "f")]


def test_the_loader_is_closed_at_the_end(tiny: Any, batch: Batch) -> None:
    closed = []

    def batches(position: int) -> Iterator[Batch]:
        try:
            while True:
                yield batch
        finally:
            closed.append(position)

    from trainers.train import Silent

    trainer_of(tiny("aot_gan")).fit(batches, Silent())
    assert closed == [0]
