"""What a method is: networks, forward, losses, and how it fills the hole before it looks.

The trainer owns time (steps, turns, optimisers, precision, averaging, checkpoints), a method owns everything else.
Methods share no base class: what two of them need lies in `networks/` or `losses/`, and ten lines repeated are better
than a flag.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Batch:
    """Samples as a method sees them; the loader converts once.

    Attributes:
        image: (B, 3, H, W) float32 in [-1, 1], the clean picture.
        mask: (B, 1, H, W) float32, 1 = missing, 0 = known.
        keys: of the samples, in order.
        guides: what the method `needs` besides, by name: `damaged` (B, 3, H, W) float32 in [-1, 1], `landmarks`
            (B, 68, 2) float32 x and y in pixels, `parsing` and `segments` (B, H, W) int64 classes, `edges` and `alpha`
            (B, 1, H, W) float32 in [0, 1].
        metadata: what the samples' `json` holds, where it is asked for.
    """

    image: Tensor
    mask: Tensor
    keys: tuple[str, ...] = ()
    guides: Mapping[str, Tensor] = field(default_factory=dict)
    metadata: tuple[Mapping[str, Any], ...] = ()

    def __len__(self) -> int:
        return len(self.image)

    def part(self, start: int, stop: int) -> Batch:
        """Samples from `start` up to `stop`."""
        guides = {name: guide[start:stop] for name, guide in self.guides.items()}
        keys, metadata = self.keys[start:stop], self.metadata[start:stop]
        return Batch(self.image[start:stop], self.mask[start:stop], keys, guides, metadata)

    def parts(self, number: int) -> Iterator[Batch]:
        """Equal parts in order; the number divides the batch."""
        size = len(self) // number
        assert size * number == len(self), (len(self), number)
        return (self.part(start, start + size) for start in range(0, len(self), size))

    def to(self, device: torch.device | str, channels_last: bool = False) -> Batch:
        """The batch on a device, pictures in an order of memory that it likes."""
        layout = torch.channels_last if channels_last else torch.contiguous_format
        moved = [
            tensor.to(device, non_blocking=True, memory_format=layout) if tensor.ndim == 4 else tensor.to(device)
            for tensor in (self.image, self.mask, *self.guides.values())
        ]
        return replace(self, image=moved[0], mask=moved[1], guides=dict(zip(self.guides, moved[2:], strict=True)))


@dataclass(frozen=True)
class Prediction:
    """What a generator makes of a batch.

    Attributes:
        raw: (B, 3, H, W) in [-1, 1], everywhere.
        inpainted: (B, 3, H, W) `raw` where the mask is 1, the image elsewhere.
        extra: further outputs, such as those of earlier stages, by name.
    """

    raw: Tensor
    inpainted: Tensor
    extra: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Adam:
    """One optimiser; two of them with different rates are TTUR.

    Attributes:
        lr: learning rate at its height.
        betas: of the two running means.
        schedule: constant, linear or cosine; the last two fall to 0 at the last step.
        warmup: steps over which the rate rises from 0.
    """

    lr: float
    betas: tuple[float, float] = (0.9, 0.999)
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    warmup: int = 0


class Method(Protocol):
    """A method, built by `Class(settings, training=...)`; `training=False` leaves out what only losses need.

    Within one step `forward` is called once, every turn sees the weights from before the step, and all optimisers step
    at its end. Networks are called through `self.networks`, because the trainer puts wrapped ones there: during a turn
    its own networks synchronise, all others are frozen. A turn that does not update the networks behind `forward`
    detaches what it takes from the prediction. Losses are means over the samples, each sample's own, so that a batch
    may be divided among processes without a change.
    """

    Settings: ClassVar[type[Any]]  # a frozen dataclass, the paper's numbers as defaults
    defaults: ClassVar[Mapping[str, Any]]  # dotted keys that differ from the trainer's own defaults: batch, size, steps
    debug: ClassVar[Mapping[str, Any]]  # likewise, on top of those, for `--debug`
    multiple_of: ClassVar[int]  # height and width that the networks take are multiples of it
    needs: ClassVar[frozenset[str]]  # guides of the batch, checked against the manifest before step one
    twice_differentiated: frozenset[str]  # networks with a gradient penalty: neither compiled nor fused
    averaged: tuple[str, ...]  # networks that `inpaint` uses: the trainer keeps running means of them
    settings: Any
    notes: tuple[str, ...]  # what a reader of its results must know, such as a loss that was left out
    networks: dict[str, nn.Module]
    frozen: dict[str, nn.Module]  # networks of losses: moved to the device, never trained or saved
    turn_networks: Mapping[str, tuple[str, ...]]  # turn -> networks that it updates
    optimisers: Mapping[str, Adam]  # turn -> its optimiser

    @staticmethod
    def least_size(settings: Any) -> int:
        """The smallest height and width that the networks take."""
        ...

    def turns(self, step: int) -> tuple[str, ...]:
        """Turns of a step; steps count from 0."""
        ...

    def forward(self, batch: Batch) -> Prediction:
        """Runs the generator with gradients."""
        ...

    def losses(self, turn: str, batch: Batch, prediction: Prediction) -> dict[str, Tensor]:
        """Weighted terms by name, scalars in float32; their sum is minimised by the turn's networks."""
        ...

    def inpaint(self, batch: Batch) -> Tensor:
        """Fills the holes: (B, 3, H, W) in [-1, 1] of any height and width, known pixels equal to the image.

        The caller decides about gradients and `eval()`; the mask is all that is used of a missing pixel.
        """
        ...


def composite(prediction: Tensor, batch: Batch) -> Tensor:
    """(B, 3, H, W): the prediction where the mask is 1, exactly the image elsewhere."""
    return torch.where(batch.mask > 0.5, prediction, batch.image)


def padded(batch: Batch, multiple: int, smallest: int) -> Batch:
    """The batch with pictures and masks continued to the right and below until both sides are multiples.

    Args:
        smallest: side in pixels, a multiple itself; smaller pictures are continued up to it.

    What is added repeats the last row and column, which works for any size; it is to be cut off again.
    """
    height, width = batch.image.shape[-2:]
    across, down = max(smallest - width, -width % multiple), max(smallest - height, -height % multiple)
    beyond = (0, across, 0, down)
    if not any(beyond):
        return batch
    grown = {
        name: functional.pad(guide, beyond, mode="replicate") if guide.ndim == 4 else guide
        for name, guide in batch.guides.items()
    }
    image, mask = (functional.pad(tensor, beyond, mode="replicate") for tensor in (batch.image, batch.mask))
    return replace(batch, image=image, mask=mask, guides=grown)
