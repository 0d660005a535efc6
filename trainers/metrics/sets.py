"""Distances between sets of pictures, over the features that Inception gives of them: FID, KID, P-IDS, U-IDS."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]
"""(N, D), a row for each picture."""

LEAST_FID = 2048
"""Pictures under which FID is not told: with fewer than features, its covariance has no full rank and it is far too
high."""

LEAST_KID = 100


def fid(real: Features, fake: Features) -> float:
    """Frechet distance of two Gaussians, not below 0.

    The root of the product of covariances is taken of a symmetric matrix, by its eigenvalues, which does not fail where
    few pictures make it singular.

    Source: Heusel et al., GANs trained by a two time-scale update rule (NeurIPS 2017).
    """
    means = real.mean(0) - fake.mean(0)
    one, other = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    values, vectors = np.linalg.eigh(np.atleast_2d(one))
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    mixed = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ np.atleast_2d(other) @ root), 0)).sum()
    return float(max(0.0, means @ means + np.trace(np.atleast_2d(one)) + np.trace(np.atleast_2d(other)) - 2 * mixed))


def kid(real: Features, fake: Features, *, seed: int = 0, num_subsets: int = 100, size: int = 1000) -> float:
    """Kernel distance: the mean over random subsets of the unbiased squared MMD with the kernel (x y / D + 1)^3.

    It has no bias by the number of pictures, and may come out slightly below 0.

    Source: Binkowski et al., Demystifying MMD GANs (ICLR 2018).
    """
    rng = np.random.default_rng(seed)
    size = min(size, len(real), len(fake))
    drawn = [(rng.choice(len(real), size, replace=False), rng.choice(len(fake), size, replace=False))
             for _ in range(num_subsets if size < max(len(real), len(fake)) else 1)]  # fmt: skip
    return float(np.mean([_mmd(real[one], fake[other]) for one, other in drawn]))


def _mmd(real: Features, fake: Features) -> float:
    size, features = real.shape
    within = sum(_off_diagonal((one @ one.T / features + 1) ** 3) for one in (real, fake)) / (size * (size - 1))
    return float(within - 2 * ((real @ fake.T / features + 1) ** 3).mean())


def _off_diagonal(kernel: NDArray[np.float64]) -> float:
    return float(kernel.sum() - np.trace(kernel))


def inception_scores(real: Features, fake: Features) -> tuple[float, float]:
    """P-IDS and U-IDS: how well fakes hide from a linear classifier, 0 to 0.5 for each and higher is better.

    Args:
        real, fake: of the same pictures in the same order.

    Returns:
        P-IDS, the share of pairs in which the fake looks more real than its own original, and U-IDS, the share of all
        pictures that the classifier, trained on the very same, puts on the wrong side.

    Source: Zhao et al., Large scale image completion via co-modulated generative adversarial networks (ICLR 2021).
    """
    from sklearn.svm import LinearSVC

    features = np.concatenate([real, fake])
    truth = np.repeat([1, 0], [len(real), len(fake)])
    # The primal problem, as the source has it; its own tolerance is kept.
    classifier = LinearSVC(dual=False).fit(features, truth)
    scores = classifier.decision_function(features)
    paired = float((scores[len(real) :] > scores[: len(real)]).mean())
    return paired, float(1 - classifier.score(features, truth))
