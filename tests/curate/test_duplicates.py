from __future__ import annotations

import pyarrow as pa

from pipelines.curate.duplicates import exact


def test_the_first_of_equal_digests_stands_for_all() -> None:
    digests = pa.chunked_array([["a", "b", "a"], ["c", "b", "a"]])
    assert exact(digests).tolist() == [0, 1, 0, 3, 1, 0]
