"""Methods so narrow that a step takes milliseconds, and batches for them."""

from __future__ import annotations

from typing import Any

import torch

from trainers.methods.base import Batch

TINY: dict[str, dict[str, Any]] = {
    "aot_gan": {
        "method.width": 4,
        "method.num_blocks": 1,
        "method.rates": (1, 2),
        "method.discriminator_widths": (4, 8),
    },
    "lama": {
        "method.width": 2,
        "method.num_blocks": 1,
        "method.discriminator_width": 4,
        "method.discriminator_layers": 2,
    },
}
TINY["big_lama"] = TINY["lama"]


def random_batch(samples: int = 4, size: int = 16, seed: int = 0) -> Batch:
    """Noise with a different box missing in each sample."""
    rng = torch.Generator().manual_seed(seed)
    mask = torch.zeros(samples, 1, size, size)
    for number in range(samples):
        mask[number, :, 3 : 8 + number % 4, 4:12] = 1
    return Batch(torch.rand(samples, 3, size, size, generator=rng) * 2 - 1, mask)
