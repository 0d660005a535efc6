"""Batch normalisation over all processes."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce


class SyncedBatchNorm(nn.BatchNorm2d):
    """Batch norm whose statistics are those of the whole batch, wherever its parts are.

    PyTorch's SyncBatchNorm runs on GPUs only and cannot be differentiated twice, which a gradient penalty needs; this
    one is made of operations that can, at the price of speed. Processes hold equally many samples.
    """

    group: dist.ProcessGroup | None = None

    def forward(self, features: Tensor) -> Tensor:
        if not self.training:
            return super().forward(features)
        with torch.autocast(features.device.type, enabled=False):
            wide = features.float()
            # The sums of all processes in one message.
            sums = torch.stack([wide.sum((0, 2, 3)), wide.square().sum((0, 2, 3))])
            number = features.numel() // features.shape[1] * dist.get_world_size(self.group)
            mean, square = (all_reduce(sums, group=self.group) / number).unbind()
            variance = (square - mean.square()).clamp(min=0)
            self._remember(mean.detach(), variance.detach() * number / max(number - 1, 1))
            scale = self.weight * torch.rsqrt(variance + self.eps)
            shift = self.bias - mean * scale
            return torch.addcmul(shift[:, None, None], wide, scale[:, None, None]).to(features.dtype)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.momentum is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)


def synchronise(network: nn.Module, group: dist.ProcessGroup | None, twice: bool) -> nn.Module:
    """The network with its batch norms synchronised, in place; weights and their names stay.

    Args:
        twice: it is differentiated twice, so PyTorch's own, quicker norm cannot be used.
    """
    if not twice and next(network.parameters()).is_cuda:
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(network, group)
        return converted
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.BatchNorm2d:
                parent.add_module(name, _synced(child, group))
    return network


def _synced(norm: nn.BatchNorm2d, group: dist.ProcessGroup | None) -> SyncedBatchNorm:
    synced = SyncedBatchNorm(norm.num_features, norm.eps, norm.momentum)
    synced.group = group
    synced.load_state_dict(norm.state_dict())
    return synced.to(norm.weight.device)


def has_batch_norm(network: nn.Module) -> bool:
    return any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
