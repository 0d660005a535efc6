"""What discriminators and generators say of each other. All are means over the batch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def least_squares(scores: Tensor, target: Tensor | float) -> Tensor:
    """Mean squared distance of scores from their target; 1 is real."""
    return (scores.float() - target).square().mean()


def non_saturating(scores: Tensor) -> Tensor:
    """-log of the probability that is given to "real", by element; falls as scores rise."""
    return functional.softplus(-scores.float())


def gradient_penalty(scores: Tensor, inputs: Tensor) -> Tensor:
    """R1: mean squared norm, by sample, of the gradient of scores with respect to real pictures.

    Source: Mescheder et al., "Which training methods for GANs do actually converge?" (ICML 2018), without their factor
    of one half.
    Differentiated twice, so nothing between `inputs` and `scores` may be compiled.

    Args:
        scores: any shape, made from `inputs` in this graph.
        inputs: (B, ...) with `requires_grad`.
    """
    (gradient,) = torch.autograd.grad(scores.float().sum(), inputs, create_graph=True)
    return gradient.float().square().flatten(1).sum(1).mean()


def feature_matching(real: list[Tensor], fake: list[Tensor]) -> Tensor:
    """Mean over layers of the mean squared distance of what a discriminator sees in real and inpainted pictures."""
    distances = [
        functional.mse_loss(one.float(), other.detach().float()) for one, other in zip(fake, real, strict=True)
    ]
    return torch.stack(distances).mean()
