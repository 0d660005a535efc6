"""Networks: names of published weights, sizes, precision."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from torch import nn

from pipelines.errors import MenderyError
from trainers.networks.discriminators import FeaturePatch, SpectralPatch
from trainers.networks.ffc import FourierUnit
from trainers.networks.resnet import DilatedResNet50
from trainers.networks.vgg import Vgg19
from trainers.networks.weights import VGG19, Published, load


def test_vgg_has_the_names_and_sizes_of_the_public_file() -> None:
    state = Vgg19().state_dict()
    convs = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
    assert list(state) == [f"features.{number}.{kind}" for number in convs for kind in ("weight", "bias")]
    assert sum(value.numel() for value in state.values()) == 20_024_384


def test_vgg_names_its_layers_as_papers_do() -> None:
    network = Vgg19()
    assert network.names[:5] == ["conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1"]
    seen = network(torch.rand(1, 3, 32, 32), ["relu2_2", "relu4_1"])
    assert {name: tuple(value.shape) for name, value in seen.items()} == {
        "relu2_2": (1, 128, 16, 16),
        "relu4_1": (1, 512, 4, 4),
    }


def test_resnet_has_the_names_and_sizes_of_the_public_encoder() -> None:
    state = DilatedResNet50().state_dict()
    assert state["conv3.weight"].shape == (128, 64, 3, 3)
    assert state["layer1.0.downsample.0.weight"].shape == (256, 128, 1, 1)
    assert state["layer3.5.bn3.running_var"].shape == (1024,)
    # torchvision's trunk has 23,508,032; the three convolutions at the start and what follows from 128 channels differ.
    weights = sum(value.numel() for name, value in state.items() if "running" not in name and "num" not in name)
    assert weights == 23_508_032 - 9_408 - 128 + (1_728 + 36_864 + 73_728 + 512) + (4_096 + 16_384)


def test_resnet_stays_at_an_eighth() -> None:
    shapes = [tuple(seen.shape) for seen in DilatedResNet50().eval()(torch.rand(1, 3, 64, 64))]
    assert shapes == [(1, 256, 16, 16), (1, 512, 8, 8), (1, 1024, 8, 8), (1, 2048, 8, 8)]


def test_the_fourier_unit_is_float_under_autocast() -> None:
    unit = FourierUnit(4)
    with torch.autocast("cpu", torch.bfloat16):
        assert unit(torch.rand(1, 4, 8, 8).bfloat16()).dtype == torch.float32


@pytest.mark.parametrize("size", [(8, 8), (7, 9)])
def test_a_fourier_unit_that_changes_nothing_gives_back_its_input(size: tuple[int, int]) -> None:
    unit = FourierUnit(3)
    nn.init.dirac_(unit.conv.weight)
    unit.norm = nn.Identity()  # type: ignore[assignment]
    features = torch.rand(1, 3, *size)
    torch.relu, kept = (lambda value: value), torch.relu
    try:
        assert torch.allclose(unit(features), features, atol=1e-5)
    finally:
        torch.relu = kept


def test_discriminators_judge_patches() -> None:
    assert SpectralPatch((4, 8, 8))(torch.rand(2, 3, 32, 32)).shape[1] == 1
    scores, seen = FeaturePatch(4, 3, 16)(torch.rand(2, 3, 32, 32))
    assert scores.shape[:2] == (2, 1) and len(seen) == 4


def test_spectral_norms_are_one() -> None:
    network = SpectralPatch((8, 16, 16))
    for _ in range(30):
        network(torch.rand(1, 3, 32, 32))
    weight = network.layers[2].weight.detach().flatten(1)
    assert torch.linalg.matrix_norm(weight, 2) == pytest.approx(1, abs=0.05)


def test_weights_load_by_name(tmp_path: Path) -> None:
    wanted = nn.Linear(2, 3)
    torch.save(wanted.state_dict() | {"classifier.0.weight": torch.ones(2)}, tmp_path / "w.pth")
    digest = hashlib.sha256((tmp_path / "w.pth").read_bytes()).hexdigest()
    published = Published("one", "w.pth", "https://x", "MIT", digest[:8], "method.one", ("classifier.",))
    loaded = load(nn.Linear(2, 3), published, str(tmp_path / "w.pth"))
    assert torch.equal(loaded.weight, wanted.weight) and not loaded.weight.requires_grad


def test_without_a_file_it_says_where_to_get_it() -> None:
    with pytest.raises(MenderyError, match=r"vgg19-dcbb9e9d.pth from https.*BSD.*--without-perceptual"):
        load(Vgg19(), VGG19, "")


@pytest.mark.parametrize(
    ("content", "sha256", "said"),
    [
        (b"rubbish", "", "holds no weights"),
        (b"rubbish", "1234", "has the SHA-256"),
        ({"weight": torch.ones(3, 2)}, "", "does not fit: bias"),
        ({"weight": torch.ones(3, 9), "bias": torch.ones(3)}, "", "does not fit: weight"),
        ([1, 2], "", "no weights by name"),
    ],
)
def test_another_file_is_a_sentence(tmp_path: Path, content: object, sha256: str, said: str) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(MenderyError, match=said):
        load(nn.Linear(2, 3), Published("one", "w", "https://x", "MIT", sha256, "method.one"), str(path))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MenderyError, match="method.vgg19: no file"):
        load(nn.Linear(2, 3), VGG19, str(tmp_path / "w.pth"))
