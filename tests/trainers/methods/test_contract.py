"""What every method promises."""

from __future__ import annotations

import ast
import copy
import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_methods import TINY

from trainers import methods
from trainers.config import resolve
from trainers.methods import METHODS
from trainers.methods.base import Batch
from trainers.processes import Processes
from trainers.samples import GUIDES
from trainers.trainer import Trainer

pytestmark = pytest.mark.parametrize("name", METHODS)


def built(name: str, **settings: Any) -> Any:
    torch.manual_seed(1)
    return METHODS[name](resolve(name, "x", TINY[name] | settings, debug=True).method)


def trainer_of(name: str, **settings: Any) -> Trainer:
    config = resolve(name, "x", TINY[name] | {"train.batch": 4} | settings, debug=True)
    return Trainer(built(name), name, config.train, Processes())


def test_shapes_and_range(name: str, batch: Batch) -> None:
    prediction = built(name).forward(batch)
    assert prediction.raw.shape == batch.image.shape
    assert prediction.raw.min() >= -1 and prediction.raw.max() <= 1
    assert (prediction.inpainted == torch.where(batch.mask > 0, prediction.raw, batch.image)).all()


@pytest.mark.parametrize("size", [(16, 16), (21, 50), (9, 7)])
def test_inpaint_leaves_known_pixels_alone(name: str, size: tuple[int, int]) -> None:
    image, mask = torch.rand(2, 3, *size) * 2 - 1, torch.zeros(2, 1, *size)
    mask[:, :, 2:5, 1:6] = 1
    with torch.no_grad():
        filled = built(name).inpaint(Batch(image, mask))
    assert filled.shape == image.shape
    known = (mask == 0).expand_as(image)
    assert (filled[known] == image[known]).all()
    assert (filled[~known] != image[~known]).any()


def test_missing_pixels_are_not_looked_at(name: str, batch: Batch) -> None:
    method, other = (
        built(name),
        dataclasses.replace(batch, image=torch.where(batch.mask > 0, -batch.image, batch.image)),
    )
    with torch.no_grad():
        assert (method.forward(batch).raw == method.forward(other).raw).all()


def test_each_turn_moves_only_its_networks(name: str, batch: Batch) -> None:
    trainer = trainer_of(name)
    for turn in trainer.method.turns(0):
        before = copy.deepcopy({key: network.state_dict() for key, network in trainer.networks.items()})
        trainer.method.turns = lambda step, turn=turn: (turn,)
        trainer.take_step(batch)
        for key, network in trainer.networks.items():
            weights = dict(network.named_parameters())
            moved = [weight for weight in weights if (weights[weight] != before[key][weight]).any()]
            assert bool(moved) == (key in trainer.method.turn_networks[turn]), (turn, key)


def test_a_turn_gives_no_gradient_to_other_networks(name: str, batch: Batch) -> None:
    """The generator's loss goes through the discriminator, and leaves nothing in it."""
    trainer, method = trainer_of(name), built(name)
    trainer.method = method
    trainer.networks = trainer._synced = dict(method.networks)
    for turn in method.turns(0):
        others = [network for key, network in method.networks.items() if key not in method.turn_networks[turn]]
        trainer._backward((turn,), set(method.turn_networks[turn]), batch, {})
        assert all(parameter.grad is None for network in others for parameter in network.parameters())
        for network in method.networks.values():
            network.zero_grad(set_to_none=True)


def test_losses_are_finite_and_named(name: str, batch: Batch) -> None:
    method = built(name)
    prediction = method.forward(batch)
    for turn in method.turns(0):
        terms = method.losses(turn, batch, prediction)
        assert terms and all(
            value.ndim == 0 and value.isfinite() and value.dtype == torch.float32 for value in terms.values()
        )


def test_losses_are_finite_in_bfloat16(name: str, batch: Batch) -> None:
    trainer = trainer_of(name, **{"train.precision": "bf16"})
    for _ in range(3):
        trainer.take_step(batch)
    assert all(value.isfinite() for step in trainer._look.steps for value in step.values())


def test_an_empty_mask_is_no_fault(name: str, batch: Batch) -> None:
    trainer = trainer_of(name)
    trainer.take_step(dataclasses.replace(batch, mask=torch.zeros_like(batch.mask)))
    assert all(value.isfinite() for value in trainer._look.steps[0].values())


def test_losses_do_not_depend_on_how_a_batch_is_divided(name: str, batch: Batch) -> None:
    """As far as the networks do not: with batch norm in `eval()`."""
    method = built(name)
    for network in method.networks.values():
        network.eval()

    def losses(part: Batch) -> dict[str, torch.Tensor]:
        prediction = method.forward(part)
        return {
            f"{turn}/{term}": value
            for turn in method.turns(0)
            for term, value in method.losses(turn, part, prediction).items()
        }

    whole, parts = losses(batch), [losses(part) for part in batch.parts(2)]
    for term, value in whole.items():
        assert torch.allclose(value, (parts[0][term] + parts[1][term]) / 2, rtol=1e-4), term


def test_needs_are_guides_of_the_loader(name: str) -> None:
    assert METHODS[name].needs <= GUIDES.keys()


def test_for_use_alone_nothing_but_what_is_averaged_is_built(name: str) -> None:
    settings = dataclasses.replace(resolve(name, "x", TINY[name], debug=True).method, perceptual=True)
    method = METHODS[name](settings, training=False)
    assert tuple(method.networks) == method.averaged
    assert not method.frozen


def test_without_perceptual_losses_it_says_so(name: str) -> None:
    assert any("without" in note for note in built(name).notes)


def test_every_turn_has_networks_and_an_optimiser(name: str) -> None:
    method = built(name)
    assert set(method.turns(0)) == set(method.optimisers) == set(method.turn_networks)
    assert {network for networks in method.turn_networks.values() for network in networks} == set(method.networks)
    assert method.twice_differentiated <= set(method.networks)


def test_its_file_is_registered_and_imports_no_other_method(name: str) -> None:
    folder = Path(methods.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "base"}
    assert files == {method.__module__.rpartition(".")[2] for method in METHODS.values()}
    tree = ast.parse((folder / f"{METHODS[name].__module__.rpartition('.')[2]}.py").read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    assert {module for module in imported if module.startswith("trainers.methods.")} == {"trainers.methods.base"}
