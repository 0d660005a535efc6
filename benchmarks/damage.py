"""Milliseconds per mask of every damage: `python -m benchmarks.damage [KIND...]`.

Sampling and drawing over the head of the astronaut, on one core, without a target and with (0.1, 0.2]; the best of
several rounds, in processor time, because other work on the machine only ever slows a round down.
"""

from __future__ import annotations

import sys
import time

import cv2
import numpy as np

from pipelines.damage import DAMAGES, Context, Damage
from pipelines.seeds import generator
from tests.damage.contexts import context

ROUNDS, MASKS = 5, 200


def seconds_per_mask(damage: Damage, seen: Context) -> float:
    assert seen.image is not None
    masks = MASKS if seen.height <= 256 else MASKS // 4
    return min(_round(damage, seen, generator("benchmark", number), masks) for number in range(ROUNDS))


def _round(damage: Damage, seen: Context, rng: np.random.Generator, masks: int) -> float:
    start = time.process_time()
    for _ in range(masks):
        damage.sample(rng, seen).draw(seen.image)  # type: ignore[arg-type]  # it is there, see above
    return (time.process_time() - start) / masks


def main() -> None:
    cv2.setNumThreads(1)
    print(f"{'damage':12} {'ms at 256':>10} {'512':>7} {'in (0.1, 0.2] at 256':>22} {'512':>7}")
    for kind, family in DAMAGES.items():
        if sys.argv[1:] and kind not in sys.argv[1:]:
            continue
        cells = []
        for ratio_range in (None, (0.1, 0.2)):
            for size in (256, 512):
                possible = ratio_range is None or family.meets_ratios
                seen = context(size, size, ratio_range)
                cells.append(f"{seconds_per_mask(family(kind=kind), seen) * 1e3:.3f}" if possible else "")
        print(f"{kind:12} {cells[0]:>10} {cells[1]:>7} {cells[2]:>22} {cells[3]:>7}", flush=True)


if __name__ == "__main__":
    main()
