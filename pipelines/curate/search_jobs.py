"""The search for copies in tasks: what is dear is cut into jobs that read what they compare from files.

Every node sees these files, and none holds more than a share of the hashes at a time. The jobs, and what comes of them,
are the same on one node and on a hundred.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.curate import hamming
from pipelines.curate.fingerprints import Hashes
from pipelines.curate.gathered import ThumbnailFiles
from pipelines.curate.hamming import Pairs
from pipelines.curate.search import Positions, Verdicts, alike
from pipelines.layout import Layout
from pipelines.places import is_remote, place
from pipelines.spread import Runner
from pipelines.storage import put

HASHES_PER_SHARE = 1 << 24
"""Hashes that a job sorts at a time: half a gigabyte with what it needs beside them."""

HASHES_PER_JOB = 1 << 23
"""Hashes that a job sorts in all, at least, as long as one table is not more: a second's work."""

PAIRS_PER_JOB = 1 << 15
"""Pairs of thumbnails that a job compares: half a second's work."""


@dataclass(frozen=True)
class Spread:
    """The search in tasks; what is too little for two stays here.

    Args:
        layouts: the build, and others whose pictures are compared with its own; what they measured is gathered.
        numbers: (N,) number of each picture among all of those, by position.
    """

    layouts: Sequence[Layout]
    numbers: Positions
    run: Runner
    _names: Any = field(default_factory=count)

    def near(self, hashes: Hashes, distance: int) -> Pairs:
        shares = 1 << max(0, (len(hashes) - 1).bit_length() - (HASHES_PER_SHARE - 1).bit_length())
        num_pieces = len(hamming.tables(len(hashes), distance)) * shares
        at_once = max(1, HASHES_PER_JOB * shares // max(1, len(hashes)))
        if at_once >= num_pieces:
            return hamming.near(hashes, distance)
        asked = self._write(hashes)
        jobs = [
            NearJob(asked, distance, first, min(first + at_once, num_pieces), shares)
            for first in range(0, num_pieces, at_once)
        ]
        found = [_array(place(path)) for path in self.run(find_near, jobs)]
        return hamming.positions(hashes, np.concatenate(found, axis=1))

    def alike(self, pairs: Pairs, view: str, flipped: bool) -> Verdicts:
        numbers = self.numbers[pairs]
        if pairs.shape[1] <= PAIRS_PER_JOB:
            return alike(numbers, view, flipped, ThumbnailFiles(self.layouts).read)
        asked, outs = self._write(numbers), tuple(str(layout.out) for layout in self.layouts)
        jobs = [
            AlikeJob(asked, outs, first, first + PAIRS_PER_JOB, view, flipped)
            for first in range(0, pairs.shape[1], PAIRS_PER_JOB)
        ]
        return np.concatenate([np.frombuffer(found, bool) for found in self.run(find_alike, jobs)])

    def _write(self, values: NDArray[Any]) -> str:
        path = self.layouts[0].gathered / f"asked-{next(self._names)}.npy"
        with put(path) as file:
            np.save(file, values)
        return str(path)


@dataclass(frozen=True)
class NearJob:
    """Tables to search for near hashes, each in so many shares.

    Attributes:
        hashes: path of the file that holds all of them.
        first, last: which of the tables times shares.
    """

    hashes: str
    distance: int
    first: int
    last: int
    shares: int


def find_near(job: NearJob) -> str:
    """Path of the file with the pairs of hashes that are found."""
    hashes = _array(place(job.hashes))
    tables = hamming.tables(len(hashes), job.distance)
    found = [
        hamming.in_table(hashes, tables[piece // job.shares], job.distance, (piece % job.shares, job.shares))
        for piece in range(job.first, job.last)
    ]
    path = place(job.hashes.removesuffix(".npy") + f"-pairs-{job.first}.npy")
    with put(path) as file:
        np.save(file, np.concatenate(found, axis=1))
    return str(path)


@dataclass(frozen=True)
class AlikeJob:
    """Pairs whose thumbnails are to be compared.

    Attributes:
        pairs: path of the file that holds all of them, by their numbers in `outs`.
        first, last: which of them.
    """

    pairs: str
    outs: tuple[str, ...]
    first: int
    last: int
    view: str
    flipped: bool


def find_alike(job: AlikeJob) -> bytes:
    """A byte for each pair, 1 where it looks alike."""
    pairs = np.array(_array(place(job.pairs))[:, job.first : job.last])
    files = ThumbnailFiles([Layout(place(out)) for out in job.outs])
    return alike(pairs, job.view, job.flipped, files.read).tobytes()


def _array(path: Path) -> NDArray[Any]:
    if is_remote(path):
        return np.load(io.BytesIO(path.read_bytes()))  # type: ignore[no-any-return]
    return np.load(path, mmap_mode="r")  # type: ignore[no-any-return]
