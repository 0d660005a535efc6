"""Near-duplicates: what is found of planted copies, and how long a search takes: `python -m benchmarks.duplicates`.

Copies are those of `tests/copies.py`, of the photographs that ship in packages and of squares cut from them. The search
is timed over random hashes, `--rows` of them, of which one in a hundred has a copy.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from pipelines.curate import hamming
from pipelines.curate.fingerprints import SIDE, VIEWS, fingerprint
from pipelines.curate.near import Duplicates, edges
from pipelines.curate.search import Here
from pipelines.curate.splits import components
from pipelines.seeds import generator
from tests.copies import COPIES
from tests.photographs import FACES, NO_FACES, photograph

SQUARES = 6
LEAST = 120


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--near", type=int, nargs="+", default=[6, 8])
    options = parser.parse_args()
    _recall(options.near)
    _search(options.rows, options.near)


def _recall(distances: list[int]) -> None:
    pictures = _pictures()
    start = time.perf_counter()
    originals = [fingerprint(picture) for picture in pictures]
    each = (time.perf_counter() - start) / len(pictures)
    print(f"{len(pictures)} pictures, {each * 1e3:.2f} ms each for a fingerprint; share of copies found, wrong pairs")
    for kind, make in COPIES.items():
        copies = [fingerprint(np.ascontiguousarray(make(picture))) for picture in pictures]
        row = [_found(originals, copies, near) for near in distances]
        cells = [f"within {near}: {found:.3f}, {wrong}" for near, (found, wrong) in zip(distances, row, strict=True)]
        print(f"  {kind:20} {'   '.join(cells)}")


def _pictures() -> list[np.ndarray]:
    """Photographs, and squares of them that may overlap a little."""
    rng, found = generator("benchmark"), []
    for where in (where for where in (*FACES, *NO_FACES) if "mask_" not in where[1]):
        picture = photograph(where)
        found.append(np.ascontiguousarray(picture))
        height, width = picture.shape[:2]
        for _ in range(SQUARES):
            side = int(min(height, width) * rng.uniform(0.35, 0.6))
            y, x = int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))
            if side >= LEAST:
                found.append(np.ascontiguousarray(picture[y : y + side, x : x + side]))
    return found


def _found(originals: list[dict[str, bytes]], copies: list[dict[str, bytes]], near: int) -> tuple[float, int]:
    number, together = len(originals), originals + copies
    hashes = np.frombuffer(b"".join(each["hashes"] for each in together), np.uint64).reshape(-1, len(VIEWS))
    pixels = np.array([each["pixels"] for each in together], "V16")
    thumbnails = np.frombuffer(b"".join(each["thumbnail"] for each in together), np.uint8).reshape(-1, SIDE, SIDE)
    pairs = np.sort(edges(hashes, pixels, Duplicates(near=near), Here(lambda wanted: thumbnails[wanted])), axis=0)
    groups = components(len(together), pairs)
    pairs = np.unique(pairs, axis=1)
    return float(np.mean(groups[:number] == groups[number:])), int(np.sum(pairs[0] % number != pairs[1] % number))


def _search(rows: int, distances: list[int]) -> None:
    rng = generator("search")
    hashes = np.unique(rng.integers(0, 1 << 64, rows, dtype=np.uint64) | np.uint64(1))
    hashes[: rows // 100] = hashes[-(rows // 100) :] ^ np.uint64(0b1110)
    hashes = np.unique(hashes)
    for near in distances:
        start = time.perf_counter()
        pairs = hamming.near(hashes, near)
        seconds, peak = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        print(f"{len(hashes):,} hashes within {near}: {seconds:.1f} s, {pairs.shape[1]:,} pairs, {peak:.0f} MiB")


if __name__ == "__main__":
    main()
