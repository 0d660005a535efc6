"""Weights of networks that only judge: loaded from a file that the user has, never downloaded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pipelines.errors import MenderyError


@dataclass(frozen=True)
class Published:
    """A file of weights as its owner offers it.

    Attributes:
        name: of the network.
        file: name of the file.
        url: where it is offered.
        licence: of the weights, as far as stated.
        sha256: first digits of its digest; "" where none is published.
        setting: dotted key under which a run is told where it lies.
        unused: prefixes of weights in the file that are not needed.
    """

    name: str
    file: str
    url: str
    licence: str
    sha256: str
    setting: str
    unused: tuple[str, ...] = ()


VGG19 = Published(
    "VGG-19, ImageNet",
    "vgg19-dcbb9e9d.pth",
    "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    "BSD-3-Clause (torchvision); trained on ImageNet, whose pictures are for research",
    "dcbb9e9d",  # torchvision's names end in the first digits
    "method.vgg19",
    ("classifier.",),
)
ADE20K = Published(
    "ResNet-50 dilated, ADE20K",
    "encoder_epoch_20.pth",
    "http://sceneparsing.csail.mit.edu/model/pytorch/ade20k-resnet50dilated-ppm_deepsup/encoder_epoch_20.pth",
    "BSD-3-Clause (semantic-segmentation-pytorch); trained on ADE20K, for research",
    "",
    "method.ade20k",
    ("fc.",),
)


def load(network: nn.Module, published: Published, path: str) -> nn.Module:
    """The network with the file's weights, frozen and in `eval()`.

    Raises:
        MenderyError: no file is given, or it is not the published one.
    """
    if not path:
        raise MenderyError(
            f"the perceptual loss needs the weights of {published.name}: get {published.file} from {published.url} "
            f"({published.licence}) and give --set {published.setting}=PATH, or train --without-perceptual"
        )
    network.load_state_dict(_state(network, published, Path(path)))
    return network.requires_grad_(False).eval()


def _state(network: nn.Module, published: Published, path: Path) -> dict[str, Any]:
    wanted = f"expected the weights of {published.name} ({published.url})"
    if not path.is_file():
        raise MenderyError(f"{published.setting}: no file {path}; {wanted}")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if not digest.startswith(published.sha256):
        raise MenderyError(f"{path} has the SHA-256 {digest[:16]}..., expected {published.sha256}...; {wanted}")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpicklers raise whatever goes wrong on rubbish
        raise MenderyError(f"{path} holds no weights: {type(error).__name__}; {wanted}") from None
    if not isinstance(found, Mapping):
        raise MenderyError(f"{path} holds no weights by name; {wanted}")
    own = network.state_dict()
    state = {name: value for name, value in found.items() if not name.startswith(published.unused)}
    # Files from before PyTorch 0.4.1 do not count batches.
    state |= {name: own[name] for name in own if name.endswith("num_batches_tracked") and name not in state}
    odd = sorted(
        name for name in own.keys() | state.keys()
        if getattr(own.get(name), "shape", None) != getattr(state.get(name), "shape", None)
    )  # fmt: skip
    if odd:
        raise MenderyError(
            f"{path} does not fit: {', '.join(odd[:4])} are missing, too many or of other sizes; {wanted}"
        )
    return state
