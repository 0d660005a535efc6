"""Judges that need more than pixels: pretrained networks from files that the user has, and a face engine.

Nothing is downloaded, and nothing is made up: a judge whose weights are not given is left out, and a note says so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipelines.engines import Faces, open_engine
from pipelines.errors import MenderyError, did_you_mean
from trainers.inpainters import Mask, Picture
from trainers.metrics import people, sets
from trainers.metrics.lpips import Judgement, Lpips
from trainers.networks.alexnet import AlexNet
from trainers.networks.inception import Inception
from trainers.networks.weights import Published, load

ALEXNET = Published(
    "AlexNet, ImageNet",
    "alexnet-owt-7be5be79.pth",
    "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    "BSD-3-Clause (torchvision); trained on ImageNet, whose pictures are for research",
    "7be5be79",
    "--weights alexnet",
    ("classifier.",),
)
LPIPS = Published(
    "LPIPS 0.1 over AlexNet",
    "alex.pth",
    "https://github.com/richzhang/PerceptualSimilarity, lpips/weights/v0.1/alex.pth",
    "BSD-2-Clause",
    "",
    "--weights lpips",
)
INCEPTION = Published(
    "Inception-v3 of FID",
    "pt_inception-2015-12-05-6726825d.pth",
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
    "Apache-2.0; trained on ImageNet, whose pictures are for research",
    "6726825d",
    "--weights inception",
    ("fc.", "AuxLogits."),
)
WEIGHTS = {"alexnet": ALEXNET, "inception": INCEPTION, "lpips": LPIPS}

MEANINGS = {
    "lpips": "LPIPS 0.1 over AlexNet, 0 for equal pictures",
    "fid": "Frechet distance to the same pictures undamaged, over Inception's features",
    "kid": "kernel distance to the same pictures undamaged",
    "p_ids": "share of pictures that look more real than their originals to a linear classifier",
    "u_ids": "share of pictures that a linear classifier puts on the wrong side",
}
OF_FACES = {
    "identity": "cosine similarity of the face with the undamaged one's, by the face engine's embeddings",
    "identity_clean": "the same of the undamaged face and its mirror image: what the engine loses by itself",
    "identity_drop": "identity_clean less identity",
    "landmark_error": "mean distance of landmarks in the hole, by the distance of the eyes",
    "tone_shift": "skin in the hole is lighter by so many degrees of the typology angle",
    "tone_change": "the same without its sign",
    "hue_change": "degrees by which the hue of skin in the hole has turned",
    "lost": "share of faces that are found no more",
}


class Judges:
    """What an evaluation was given to judge with.

    Args:
        weights: files by name, of `WEIGHTS`. LPIPS needs `alexnet` and `lpips`; FID, KID, P-IDS and U-IDS need
            `inception`.
        faces: of the face engine; None for none.
        device: for networks; a GPU where there is one when None.

    Raises:
        MenderyError: an unknown name, or a file that is not the published one.
    """

    def __init__(self, weights: Mapping[str, str], faces: Faces | None, device: str | None) -> None:
        for name in weights:
            if name not in WEIGHTS:
                raise MenderyError(f"no network {name!r}{did_you_mean(name, WEIGHTS)} (known: {', '.join(WEIGHTS)})")
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._lpips = self._open_lpips(weights)
        self._inception: torch.nn.Module | None = None
        if "inception" in weights:
            self._inception = load(Inception(), INCEPTION, weights["inception"]).to(self._device)
        self._stack = contextlib.ExitStack()
        self._engine = self._stack.enter_context(open_engine(faces)) if faces is not None else None
        self._real: list[np.ndarray[Any, Any]] = []
        self._fake: list[np.ndarray[Any, Any]] = []

    def _open_lpips(self, weights: Mapping[str, str]) -> Lpips | None:
        given = weights.keys() & {"alexnet", "lpips"}
        if not given:
            return None
        if len(given) == 1:
            raise MenderyError("LPIPS needs two files: --weights alexnet=PATH and --weights lpips=PATH")
        trunk, judgement = AlexNet(), Judgement()
        load(trunk, ALEXNET, weights["alexnet"])
        load(judgement, LPIPS, weights["lpips"])
        return Lpips(trunk, judgement).eval().to(self._device)

    def judge(
        self, images: Sequence[Picture], filled: Sequence[Picture], masks: Sequence[Mask]
    ) -> list[dict[str, float]]:
        """Figures of each picture; every picture has the same ones."""
        found: list[dict[str, float]] = [{} for _ in images]
        if self._lpips is not None or self._inception is not None:
            real, fake = (self._tensor(one) for one in (images, filled))
            with torch.no_grad():
                if self._lpips is not None:
                    for figures, distance in zip(found, self._lpips(real, fake).tolist(), strict=True):
                        figures["lpips"] = distance
                if self._inception is not None:
                    self._real.append(self._inception(real).cpu().numpy().astype(np.float64))
                    self._fake.append(self._inception(fake).cpu().numpy().astype(np.float64))
        if self._engine is not None:
            for number, kept in enumerate(people.compare(self._engine, images, filled, masks)):
                found[number] |= of_face(kept)
        return found

    def whole(self) -> dict[str, Any]:
        """Figures of all pictures together."""
        if not self._real:
            return {}
        real, fake = np.concatenate(self._real), np.concatenate(self._fake)
        found: dict[str, Any] = {"pictures": len(real)}
        if len(real) >= sets.LEAST_FID:
            found["fid"] = sets.fid(real, fake)
            found["p_ids"], found["u_ids"] = sets.inception_scores(real, fake)
        if len(real) >= sets.LEAST_KID:
            found["kid"] = sets.kid(real, fake)
        return found

    def meanings(self) -> dict[str, str]:
        """What the figures mean that these judges give."""
        named = {"lpips"} if self._lpips is not None else set()
        named |= {"fid", "kid", "p_ids", "u_ids"} if self._inception is not None else set()
        told = {name: MEANINGS[name] for name in MEANINGS if name in named}
        return told | (OF_FACES if self._engine is not None else {})

    def notes(self) -> list[str]:
        """What is not told, and why."""
        notes = []
        if self._lpips is None:
            notes.append("LPIPS is not told: no weights were given (--weights alexnet=PATH --weights lpips=PATH)")
        if self._inception is None:
            notes.append("FID, KID, P-IDS and U-IDS are not told: no weights were given (--weights inception=PATH)")
        elif sum(map(len, self._real)) < sets.LEAST_FID:
            notes.append(
                f"FID, P-IDS and U-IDS are not told of {sum(map(len, self._real)):,} pictures: they need at least "
                f"{sets.LEAST_FID:,}"
            )
        if self._engine is not None:
            notes.append(
                f"faces were compared by {self._engine.name}, which is itself less sure of some groups than of "
                "others: compare identity with identity_clean of the same group, and never across groups alone"
            )
        return notes

    def _tensor(self, shown: Sequence[Picture]) -> Tensor:
        stacked = torch.from_numpy(np.stack(shown)).permute(0, 3, 1, 2).to(self._device)
        return stacked.float() / 127.5 - 1


def of_face(kept: people.Kept | None) -> dict[str, float]:
    """Figures of one picture's face; NaN where there is none, or none that the hole touches."""
    if kept is None:
        return dict.fromkeys(OF_FACES, float("nan"))
    return {
        "identity": kept.identity,
        "identity_clean": kept.identity_clean,
        "identity_drop": kept.identity_clean - kept.identity,
        "landmark_error": kept.landmark_error,
        "tone_shift": kept.tone_shift,
        "tone_change": abs(kept.tone_shift),
        "hue_change": abs(kept.hue_shift),
        "lost": float(kept.lost),
    }
