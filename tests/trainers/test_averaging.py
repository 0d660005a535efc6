"""Running means of networks."""

from __future__ import annotations

import copy

import torch
from torch import nn

from trainers.averaging import Averages


def test_means_are_those_by_hand_buffers_included() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    averages = Averages({"one": network}, ("one",), 0.9)
    wanted = {name: value.clone() for name, value in network.state_dict().items()}
    for step in range(1, 20):
        with torch.no_grad():
            network[0].weight += 1
        network(torch.randn(4, 1, 3, 3))
        averages.update({"one": network}, step)
        decay = min(0.9, (1 + step) / (10 + step))
        for name, value in network.state_dict().items():
            wanted[name] = decay * wanted[name] + (1 - decay) * value if value.is_floating_point() else value.clone()
    found = averages.networks["one"].state_dict()
    assert all(torch.allclose(found[name], wanted[name].to(found[name].dtype), atol=1e-6) for name in wanted)
    by_hand = copy.deepcopy(network).eval()
    by_hand.load_state_dict(wanted)
    picture = torch.randn(1, 1, 3, 3)
    assert torch.allclose(averages.networks["one"](picture), by_hand(picture), atol=1e-5)


def test_means_are_evaluated_and_never_trained() -> None:
    mean = Averages({"one": nn.BatchNorm2d(2)}, ("one",), 0.9).networks["one"]
    assert not mean.training
    assert not any(parameter.requires_grad for parameter in mean.parameters())
