"""Splits have their shares, exactly, and keep groups together."""

from __future__ import annotations

from collections import Counter

import pytest

from pipelines.curate.splits import by_share, together

SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}


@pytest.mark.parametrize(
    ("number", "expected"), [(1000, (800, 100, 100)), (40, (32, 4, 4)), (12, (10, 1, 1)), (3, (1, 1, 1))]
)
def test_shares_are_met_exactly(number: int, expected: tuple[int, ...]) -> None:
    counts = Counter(by_share([f"g{i}" for i in range(number)], SHARES, seed=1).values())
    assert tuple(counts[name] for name in SHARES) == expected


def test_one_group_goes_to_the_largest_split() -> None:
    assert by_share(["only"], SHARES, seed=1) == {"only": "train"}


def test_order_of_pictures_does_not_matter() -> None:
    groups = [f"g{i}" for i in range(50)]
    assert by_share(groups, SHARES, seed=1) == by_share(groups[::-1], SHARES, seed=1)


def test_seed_matters() -> None:
    groups = [f"g{i}" for i in range(50)]
    assert by_share(groups, SHARES, seed=1) != by_share(groups, SHARES, seed=2)


def test_sizes_of_groups_count() -> None:
    groups = [f"g{i}" for i in range(100) for _ in range(10)]
    assigned = by_share(groups, SHARES, seed=4)
    counts = Counter(assigned[group] for group in groups)
    assert counts == {"train": 800, "val": 100, "test": 100}


def test_pictures_of_one_identity_are_one_group() -> None:
    pictures = [("d1", "ann"), ("d2", ""), ("d0", "ann"), ("d3", "bob")]
    assert together(pictures) == ["d0", "d2", "d0", "d3"]


def test_the_name_of_an_identity_decides_nothing() -> None:
    salted, otherwise = ([(f"d{number}", f"{salt}{number % 7}") for number in range(50)] for salt in ("a", "zz"))
    assert by_share(together(salted), SHARES, seed=3) == by_share(together(otherwise), SHARES, seed=3)
