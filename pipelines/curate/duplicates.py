"""Duplicates: of equal pictures one is kept.

Keys are made of the source bytes' digest, so equal bytes must never enter a dataset twice; this rule
has no switch.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def exact(digests: pa.ChunkedArray) -> NDArray[np.int64]:
    """For each of (N,) digests the position of the first that equals it; its own where it is the first."""
    codes: NDArray[np.int32] = digests.combine_chunks().dictionary_encode().indices.to_numpy()
    _, first = np.unique(codes, return_index=True)
    return first[codes]
