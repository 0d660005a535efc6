"""Balance and identities: how long deciding takes over many pictures, and what comparing fewer faces misses.

    python -m benchmarks.balance [--pictures 10000000] [--faces 150000]

Pictures are rows of made-up labels (7 groups, 2 sexes, ages in 9 bins of the corpus) and yaws; faces are made-up
embeddings, ten a person, with mean similarities as the models give them.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.curate import cells, identities
from pipelines.curate.balance import Balance, balance, sentences
from pipelines.curate.cells import Axis
from pipelines.labels import dump

GROUPS = ("White", "Latino_Hispanic", "Indian", "East Asian", "Black", "Southeast Asian", "Middle Eastern")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=10_000_000)
    parser.add_argument("--faces", type=int, default=150_000)
    arguments = parser.parse_args()
    balancing(arguments.pictures)
    for dimensions, within, threshold in ((128, 0.97, 0.955), (512, 0.6, 0.4)):
        for exact in (True, False):
            grouping(arguments.faces, dimensions, within, threshold, exact)


def balancing(number: int) -> None:
    """Group x sex x age, matched in yaw."""
    rng = np.random.default_rng(0)
    texts = [
        dump({"group": group, "group_by": "annotators", "sex": sex, "age": age, "age_to": age + 9})
        for group in GROUPS
        for sex in ("female", "male")
        for age in range(0, 90, 10)
    ]
    weights = rng.dirichlet(np.ones(len(texts)))
    drawn = pa.array(rng.choice(len(texts), number, p=weights), pa.int32())
    labels = pa.chunked_array([pa.array(texts).take(drawn)])
    sha256 = pa.chunked_array([_digests(rng, min(1_000_000, number - start)) for start in range(0, number, 1_000_000)])
    yaw = rng.normal(0, 20, number).astype(np.float32)
    block = Balance.model_validate(
        {
            "over": ["group", "sex", {"label": "age", "edges": [20, 40, 60]}],
            "match": [{"measure": "face_yaw", "edges": [-30, -10, 10, 30]}],
        }
    )
    start = time.perf_counter()
    over = [cells.without_contradictions(axis, sha256)[0] for axis in cells.of_labels(labels, block.over)]
    match = [cells.of_numbers(yaw, Axis.model_validate(block.match[0]))]
    coded = time.perf_counter()
    found = balance(block, over, match, sha256, np.ones(number, bool), 1)
    end = time.perf_counter()
    print(f"balance of {number:,} pictures: {coded - start:.1f} s to read labels, {end - coded:.1f} s to decide")
    print(f"  kept {found.summary['pictures']['after']:,}; {'; '.join(sentences(found.summary))}; {_memory()}")


def _digests(rng: np.random.Generator, number: int) -> pa.Array:
    text = rng.bytes(32 * number).hex().encode()
    offsets = np.arange(number + 1, dtype=np.int32) * 64
    return pa.StringArray.from_buffers(number, pa.py_buffer(offsets), pa.py_buffer(text))


def grouping(number: int, dimensions: int, within: float, threshold: float, exact: bool) -> None:
    """Ten pictures a person."""
    embeddings, who = _people(number, dimensions, within)
    limit = identities.EXACT
    identities.EXACT = number if exact else 0
    start = time.perf_counter()
    found = identities.clusters(embeddings, threshold)
    took = time.perf_counter() - start
    identities.EXACT = limit
    compared = "every pair compared" if exact else "by anchors"
    print(f"identities of {number:,} faces, {dimensions} numbers, {compared}: {took:.0f} s, {_quality(found, who)}")


def _people(number: int, dimensions: int, within: float) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    rng = np.random.default_rng(1)

    def unit(count: int) -> NDArray[np.float32]:
        vectors = rng.standard_normal((count, dimensions), np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)  # type: ignore[no-any-return]

    who = rng.permutation(np.arange(number) // 10)
    vectors = np.float32(np.sqrt(within)) * unit(number // 10 + 1)[who]
    vectors += np.float32(np.sqrt(1 - within)) * unit(number)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), who


def _quality(found: NDArray[np.int64], who: NDArray[np.int64]) -> str:
    """Pairs of one person that are together, and pairs together that are one person."""
    groups = np.where(found == identities.NONE, -1 - np.arange(len(found)), found)
    both = _pairs(np.unique(np.stack([groups, who]), axis=1, return_counts=True)[1])
    wanted, made = (_pairs(np.unique(one, return_counts=True)[1]) for one in (who, groups))
    return (
        f"of the pairs of one person {both / wanted:.4f} found, of the pairs found {both / made:.4f} right; {_memory()}"
    )


def _pairs(counts: NDArray[np.int64]) -> int:
    return int((counts * (counts - 1) // 2).sum())


def _memory() -> str:
    return f"peak so far {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB"


if __name__ == "__main__":
    main()
