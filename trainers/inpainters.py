"""What fills holes: a trained run, or a baseline that needs no training, behind one interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from pipelines.errors import MenderyError
from trainers import checkpoint
from trainers.methods.base import Batch, Method

Picture = NDArray[np.uint8]
"""(H, W, 3) RGB."""

Mask = NDArray[np.uint8]
"""(H, W), 0 where known."""


class Inpainter(Protocol):
    """Fills holes.

    Attributes:
        name: for tables.
        needs: guides that batches must hold.
        about: what a reader of its results should know, by name.
        notes: sentences that belong beside every result.
    """

    @property
    def name(self) -> str: ...
    @property
    def needs(self) -> frozenset[str]: ...
    @property
    def about(self) -> Mapping[str, Any]: ...
    @property
    def notes(self) -> tuple[str, ...]: ...

    def fill(self, batch: Batch) -> list[Picture]:
        """Pictures of the batch, 8 bit, with their holes filled and not one known pixel changed."""
        ...


def telea(image: Picture, mask: Mask) -> Picture:
    """Fast marching from the rim inwards. Source: Telea, 2004; OpenCV's, radius 3."""
    return cast(Picture, cv2.inpaint(image, mask, 3, cv2.INPAINT_TELEA))


def navier_stokes(image: Picture, mask: Mask) -> Picture:
    """Isophotes continued as a fluid's. Source: Bertalmio, Bertozzi and Sapiro, 2001; OpenCV's, radius 3."""
    return cast(Picture, cv2.inpaint(image, mask, 3, cv2.INPAINT_NS))


def mean_fill(image: Picture, mask: Mask) -> Picture:
    """The mean colour of what is known; mid-grey where nothing is."""
    known = image[mask == 0]
    filled = image.copy()
    filled[mask > 0] = np.rint(known.mean(axis=0)) if len(known) else 128
    return filled


BASELINES: dict[str, Callable[[Picture, Mask], Picture]] = {
    "mean": mean_fill,
    "navier-stokes": navier_stokes,
    "telea": telea,
}


@dataclass(frozen=True)
class Baseline:
    """A baseline; it sees the picture with its hole black, and never what is below."""

    name: str
    needs: ClassVar[frozenset[str]] = frozenset()
    notes: ClassVar[tuple[str, ...]] = ()

    @property
    def about(self) -> Mapping[str, Any]:
        text = str(BASELINES[self.name].__doc__)
        return {"kind": "baseline without training", "how": text}

    def fill(self, batch: Batch) -> list[Picture]:
        return [
            composed(BASELINES[self.name](np.where(mask[..., None] > 0, 0, image).astype(np.uint8), mask), image, mask)
            for image, mask in zip(pictures(batch.image), masks(batch.mask), strict=True)
        ]


@dataclass(frozen=True)
class TrainedRun:
    """The averaged networks of a run."""

    name: str
    method: Method
    about: Mapping[str, Any]
    device: torch.device

    @property
    def needs(self) -> frozenset[str]:
        return self.method.needs

    @property
    def notes(self) -> tuple[str, ...]:
        return self.method.notes

    def fill(self, batch: Batch) -> list[Picture]:
        with torch.no_grad():
            filled = self.method.inpaint(batch.to(self.device)).cpu()
        of_all = zip(pictures(filled), pictures(batch.image), masks(batch.mask), strict=True)
        return [composed(made, image, mask) for made, image, mask in of_all]


def open_inpainter(what: str, device: torch.device | str | None = None, step: int | None = None) -> Inpainter:
    """A baseline by name, or a run by its folder.

    Args:
        device: of networks; a GPU where there is one when None.
        step: of a run's checkpoint; the newest when None.

    Raises:
        MenderyError: neither a baseline nor a run.
    """
    if what in BASELINES:
        return Baseline(what)
    device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    try:
        method, config, step = checkpoint.load_method(what, step, device)
    except MenderyError as error:
        if "no run in" in str(error):
            raise MenderyError(f"{error}; baselines without a run are {', '.join(BASELINES)}") from None
        raise
    about = {
        "kind": "trained run",
        "method": config.name,
        "step": step,
        "size": config.size,
        "trained on": config.data_sha256,
        "debug": config.debug,
    }
    return TrainedRun(Path(what).name, method, about, device)


def composed(made: Picture, image: Picture, mask: Mask) -> Picture:
    """What was made where the mask is, exactly the image elsewhere."""
    return np.where(mask[..., None] > 0, made, image).astype(np.uint8)


def pictures(image: torch.Tensor) -> NDArray[np.uint8]:
    """(B, H, W, 3) uint8 of (B, 3, H, W) in [-1, 1], rounded to the nearest level."""
    levels = (image.float().clamp(-1, 1) + 1) * 127.5
    return cast(NDArray[np.uint8], levels.round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())


def masks(mask: torch.Tensor) -> NDArray[np.uint8]:
    """(B, H, W) uint8, 255 where missing, of (B, 1, H, W)."""
    return cast(NDArray[np.uint8], ((mask[:, 0] > 0.5).to(torch.uint8) * 255).cpu().numpy())
