from __future__ import annotations

import torch

from trainers.networks.inception import Inception


def test_has_as_many_weights_as_published() -> None:
    """21,768,352 without the classes as Keras counts them, whose batch norms have no scale: 17,216 more."""
    assert sum(parameter.numel() for parameter in Inception().parameters()) == 21_768_352 + 17_216


def test_gives_2048_features_of_pictures_of_any_size() -> None:
    network = Inception().eval()
    with torch.no_grad():
        assert network(torch.zeros(2, 3, 40, 50)).shape == (2, 2048)


def test_names_are_those_of_the_published_weights() -> None:
    names = Inception().state_dict().keys()
    assert {
        "Conv2d_1a_3x3.conv.weight", "Mixed_5b.branch5x5_2.bn.running_mean", "Mixed_6a.branch3x3.conv.weight",
        "Mixed_6e.branch7x7dbl_5.conv.weight", "Mixed_7a.branch7x7x3_4.bn.weight",
        "Mixed_7c.branch3x3dbl_3b.conv.weight",
        "Mixed_7c.branch_pool.bn.bias",
    } <= names  # fmt: skip
