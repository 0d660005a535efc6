"""The processes of one training, as the loop sees them: who am I, how many are we, and agreement among us."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class Processes:
    """Attributes:
    rank, ranks: this process, and how many train.
    device: of this process.
    group: of those that train; None for a single one, or for all there are.
    """

    rank: int = 0
    ranks: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    group: dist.ProcessGroup | None = None

    @property
    def first(self) -> bool:
        return self.rank == 0

    def mean(self, values: Tensor) -> Tensor:
        """Mean over all processes, in place."""
        if self.ranks > 1:
            dist.all_reduce(values, group=self.group)
            values /= self.ranks
        return values

    def gather(self, value: Any) -> list[Any]:
        """What every process has, by rank."""
        if self.ranks == 1:
            return [value]
        found: list[Any] = [None] * self.ranks
        dist.all_gather_object(found, value, group=self.group)
        return found


def at_work(ranks: int, batch: int) -> int:
    """How many of so many processes can train with a batch in equal parts: the largest divisor of the batch."""
    return max(number for number in range(1, ranks + 1) if batch % number == 0)
