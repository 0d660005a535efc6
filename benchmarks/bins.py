"""Whether bins come out as asked: `python -m benchmarks.bins [KIND...]`.

Every damage that can be asked for a ratio draws 10,000 masks of 64 pixels, each asked for one of the bins of a recipe
as a build asks for it (`compose.choose`). For each family: how many could not be drawn, how many lie outside their bin
(none may), and how far the bins are from equal shares: the chance of a deviation so large, by a chi-squared test. Then
the places of the ratios within their bins: their mean, where 0.5 is the middle.
"""

from __future__ import annotations

import sys
import time

import cv2
import numpy as np
from scipy.stats import chisquare

from pipelines.damage import DAMAGES, DamageFailed, mask_ratio
from pipelines.ratios import bin_name, bin_of
from pipelines.recipe import Recipe
from pipelines.shards.compose import draw
from tests.damage.contexts import context

DRAWS, SIZE = 10_000, 64
RANGE = (0.01, 0.6)


def counted(kind: str, draws: int = DRAWS) -> tuple[dict[str, int], int, int, float]:
    """What comes of a family.

    Returns:
        Masks by the bin that was asked for, how many lay in another one, how many could not be drawn, and the mean
        place of the ratios in their bins, from 0 to 1.
    """
    recipe = Recipe.model_validate(
        {
            "name": "bins",
            "sources": [{"type": "folder", "path": "/"}],
            "damage": [{"kind": kind, "ratio_range": RANGE}],
        }
    )
    seen, places = context(SIZE, SIZE), []
    found: dict[str, int] = {}
    outside = failed = 0
    for number in range(draws):
        try:
            _, parameters, asked = draw(recipe, f"{kind}-{number}", seen)
        except DamageFailed:
            failed += 1
            continue
        assert asked is not None
        assert seen.image is not None
        ratio = mask_ratio(parameters.draw(seen.image).mask)
        name = bin_name(*asked)
        found[name] = found.get(name, 0) + 1
        outside += bin_of(ratio, recipe.ratio_bins) != name
        places.append((ratio - asked[0]) / (asked[1] - asked[0]))
    return dict(sorted(found.items())), outside, failed, float(np.mean(places))


def main() -> None:
    cv2.setNumThreads(1)
    kinds = sys.argv[1:] or [kind for kind, damage in DAMAGES.items() if damage.meets_ratios]
    header = (
        f"{'damage':12} {'failed':>7} {'outside':>8} {'bins, least':>12} {'most':>6} {'p':>6} {'place':>6} {'ms':>6}"
    )
    print(header, flush=True)
    for kind in kinds:
        started = time.process_time()
        found, outside, failed, place = counted(kind)
        each = (time.process_time() - started) / DRAWS * 1e3
        chance = chisquare(list(found.values())).pvalue
        least, most = min(found.values()), max(found.values())
        line = f"{kind:12} {failed:7} {outside:8} {least:12,} {most:6,} {chance:6.2f} {place:6.3f} {each:6.2f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
