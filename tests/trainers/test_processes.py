"""How many of the processes can work."""

from __future__ import annotations

import pytest

from trainers.processes import Processes, at_work


@pytest.mark.parametrize(
    ("ranks", "batch", "working"), [(1, 8, 1), (2, 8, 2), (3, 8, 2), (4, 8, 4), (3, 7, 1), (9, 4, 4)]
)
def test_as_many_as_divide_the_batch(ranks: int, batch: int, working: int) -> None:
    assert at_work(ranks, batch) == working


def test_one_process_agrees_with_itself() -> None:
    assert Processes().gather("a") == ["a"]
