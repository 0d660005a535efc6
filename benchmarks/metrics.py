"""SSIM and UQI beside torchmetrics on the same pictures in one run: `python -m benchmarks.metrics`.

Needs torchmetrics, which nothing else does: `pip install torchmetrics`. One thread each; process time, the least of
several turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
from skimage import data

from benchmarks.build import machine
from trainers.metrics.ssim import ssim
from trainers.metrics.uqi import uqi

TURNS = 9
SIDE = 256


def main() -> None:
    try:
        from torchmetrics.functional.image import (
            structural_similarity_index_measure,
            universal_image_quality_index,
        )
    except ImportError:
        print("left out: this compares with torchmetrics, which nothing else needs: pip install torchmetrics")
        return
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    photo: Any = data.astronaut()  # type: ignore[no-untyped-call]
    image = np.asarray(cv2.resize(photo, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    other = np.clip(image + rng.normal(0, 10, image.shape), 0, 255).astype(np.uint8)
    other[60:120, 60:120] = 128
    pair = [torch.from_numpy(one).permute(2, 0, 1)[None].float() / 255 for one in (other, image)]
    rows: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "SSIM": (
            lambda: ssim(image, other, form="torchmetrics"),
            lambda: structural_similarity_index_measure(*pair, data_range=1.0),
        ),
        "UQI": (lambda: uqi(image, other, kind="gaussian"), lambda: universal_image_quality_index(*pair)),
    }
    print(f"{machine()}; one picture of {SIDE}, RGB, one thread, torchmetrics on tensors made before")
    for name, (ours, theirs) in rows.items():
        taken = [min(times) for times in zip(*(_turn(ours, theirs) for _ in range(TURNS)), strict=True)]
        apart = abs(float(ours()) - float(theirs()))
        print(
            f"{name}: ours {1000 * taken[0]:.1f} ms, torchmetrics {1000 * taken[1]:.1f} ms, "
            f"ratio {taken[1] / taken[0]:.1f}, results apart by {apart:.1e}"
        )
    alone = min(_timed(lambda: uqi(image, other)) for _ in range(TURNS))
    print(f"UQI by its definition (windows of 8): {1000 * alone:.1f} ms")


def _turn(ours: Callable[[], Any], theirs: Callable[[], Any]) -> tuple[float, float]:
    return _timed(ours), _timed(theirs)


def _timed(call: Callable[[], Any]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


if __name__ == "__main__":
    main()
