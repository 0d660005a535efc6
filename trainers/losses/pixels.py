"""Distances between pixels."""

from __future__ import annotations

from torch import Tensor


def l1(prediction: Tensor, image: Tensor) -> Tensor:
    """Mean absolute difference."""
    return (prediction.float() - image).abs().mean()


def weighted_l1(prediction: Tensor, image: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute difference times a weight by pixel (B, 1, H, W); the mean is over all pixels, weighted or not.

    Source: LaMa's masked L1, which divides likewise.
    """
    return ((prediction.float() - image).abs() * weight).mean()


def per_sample(values: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean of each sample, averaged: a batch may be divided among processes without a change.

    Args:
        values: (B, C, H, W).
        weight: (B, 1, H, W); a sample without any counts 0.
    """
    total = weight.sum((1, 2, 3)).clamp(min=1)
    return ((values * weight).mean(1).sum((1, 2)) / total).mean()
