from __future__ import annotations

from pipelines.curate.duplicates import exact


def test_the_first_of_equal_digests_stands_for_all() -> None:
    assert exact(["a", "b", "a", "c", "b", "a"]) == [0, 1, 0, 3, 1, 0]
