"""Masks per second of every damage: `python -m benchmarks.damage`.

Sampling and drawing, on one core, without a target and with (0.1, 0.2]; the best of several rounds, because other work
on the machine only ever slows a round down.
"""

from __future__ import annotations

import time

import cv2
import numpy as np

from pipelines.damage import DAMAGES, Context, Damage
from pipelines.seeds import generator

ROUNDS, MASKS = 5, 200


def seconds_per_mask(damage: Damage, context: Context) -> float:
    image = np.zeros((context.height, context.width, 3), np.uint8)
    return min(_round(damage, context, image, generator("benchmark", number)) for number in range(ROUNDS)) / MASKS


def _round(damage: Damage, context: Context, image: np.ndarray, rng: np.random.Generator) -> float:
    start = time.perf_counter()
    for _ in range(MASKS):
        damage.sample(rng, context).draw(image)
    return time.perf_counter() - start


def main() -> None:
    cv2.setNumThreads(1)
    print(f"{'damage':12} {'pixels':>6} {'masks/s':>9} {'ms':>6}   {'masks/s in (0.1, 0.2]':>21} {'ms':>6}")
    for kind, family in DAMAGES.items():
        for size in (256, 512):
            free, aimed = (
                seconds_per_mask(family(kind=kind), Context(size, size, ratio_range))
                for ratio_range in (None, (0.1, 0.2))
            )
            print(f"{kind:12} {size:6} {1 / free:9.0f} {free * 1e3:6.3f}   {1 / aimed:21.0f} {aimed * 1e3:6.3f}")


if __name__ == "__main__":
    main()
