"""Running means of networks, which are what is used after training: weights and batch-norm buffers alike."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn


class Averages:
    """Exponential running means of some networks.

    The decay rises from 0.1 to `decay` over the first steps, so that the random beginning is soon forgotten.

    Attributes:
        networks: the means, in `eval()` and without gradients.
    """

    def __init__(self, networks: dict[str, nn.Module], names: Iterable[str], decay: float) -> None:
        self.networks = {name: copy.deepcopy(networks[name]).requires_grad_(False).eval() for name in names}
        self._decay = decay

    @torch.no_grad()
    def update(self, networks: dict[str, nn.Module], step: int) -> None:
        """Takes in the networks as they are after `step` steps."""
        share = 1 - min(self._decay, (1 + step) / (10 + step))
        for name, mean in self.networks.items():
            means, values = _floats(mean), _floats(networks[name])
            torch._foreach_lerp_(means, values, share)
            for kept, buffer in zip(mean.buffers(), networks[name].buffers(), strict=True):
                if not buffer.is_floating_point():
                    kept.copy_(buffer)


def _floats(network: nn.Module) -> list[Tensor]:
    return [tensor for tensor in (*network.parameters(), *network.buffers()) if tensor.is_floating_point()]
