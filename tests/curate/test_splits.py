"""Splits have their shares and keep groups together, whatever the order of rows."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from pipelines.curate.splits import Splits, by_hash, by_shares, conflicts, join, names_of, numbers_of
from pipelines.seeds import generator

SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}


def digests(number: int, name: str = "") -> pa.ChunkedArray:
    return pa.chunked_array([[hashlib.sha256(f"{name}{count}".encode()).hexdigest() for count in range(number)]])


def column(values: list[object]) -> pa.ChunkedArray:
    return pa.chunked_array([values])


def split(sha256: pa.ChunkedArray, groupings: list[pa.ChunkedArray], seed: int = 1, assign=by_shares) -> list[str]:
    return names_of(assign(sha256, join(sha256, groupings), SHARES, seed)).to_pylist()


@pytest.mark.parametrize(
    ("number", "expected"), [(1000, (800, 100, 100)), (40, (32, 4, 4)), (12, (10, 1, 1)), (3, (1, 1, 1))]
)
def test_shares_are_met_exactly(number, expected):
    counts = Counter(split(digests(number), []))
    assert tuple(counts[name] for name in SHARES) == expected


def test_one_group_goes_to_the_largest_split():
    assert split(digests(1), []) == ["train"]


def test_nothing_is_split_into_nothing():
    assert split(pa.chunked_array([], pa.string()), []) == []


def test_one_large_group_leaves_a_group_to_every_split():
    people = column(["ann"] * 100 + ["bob", "eve"])
    for seed in range(20):
        assert set(split(digests(102), [people], seed)) == set(SHARES)


def test_seed_matters():
    assert split(digests(50), [], seed=1) != split(digests(50), [], seed=2)


def test_the_name_of_an_identity_decides_nothing():
    salted, otherwise = (column([f"{salt}{number % 7}" for number in range(50)]) for salt in ("a", "zz"))
    assert split(digests(50), [salted]) == split(digests(50), [otherwise])


def test_groups_are_joined_by_way_of_third_pictures():
    people, near = column(["ann", "ann", "", "", "bob"]), column([-1, 5, 5, 7, 7])
    leaders = join(digests(5), [people, near])
    assert len({leaders[0], leaders[1], leaders[2]}) == 1
    assert leaders[3] == leaders[4] != leaders[0]


def test_a_long_chain_is_one_group():
    number = 1000
    pairs = [column([count // 2 for count in range(number)]), column([(count + 1) // 2 for count in range(number)])]
    assert len(set(join(digests(number), pairs).tolist())) == 1


def test_equal_digests_are_one_group():
    assert join(column(["b", "a", "b"]), []).tolist()[0] == join(column(["b", "a", "b"]), []).tolist()[2]


def test_empty_names_and_negative_numbers_join_nothing():
    assert len(set(join(digests(4), [column(["", "", None, ""]), column([-1, -1, -1, None])]).tolist())) == 4


@pytest.mark.parametrize("assign", [by_shares, by_hash])
@pytest.mark.parametrize("seed", range(12))
def test_no_group_stands_in_two_splits_whatever_the_rows(assign, seed):
    rng = generator("splits", seed)
    number = int(rng.integers(1, 400))
    most = [int(rng.integers(1, 200)) for _ in range(rng.integers(0, 4))]
    groupings = [column(rng.integers(-1, high, number).tolist()) for high in most]
    found = split(digests(number), groupings, seed, assign)
    for grouping in groupings:
        for group in set(grouping.to_pylist()) - {-1}:
            assert len({name for name, value in zip(found, grouping.to_pylist(), strict=True) if value == group}) == 1
    order = rng.permutation(number)
    shuffled = split(digests(number).take(order), [grouping.take(order) for grouping in groupings], seed, assign)
    assert shuffled == [found[position] for position in order]


def test_adding_pictures_moves_none_under_hash():
    before, after = digests(500), pa.chunked_array([*digests(500).chunks, *digests(300, "new").chunks])
    assert split(after, [], assign=by_hash)[:500] == split(before, [], assign=by_hash)


def test_hash_meets_shares_on_average():
    counts = Counter(split(digests(20_000), [], assign=by_hash))
    assert abs(counts["val"] - 2000) < 200


def test_official_splits_lose_those_that_contradict_them():
    declared = numbers_of(column(["train", "train", "test", "val", "test", ""]))
    leaders = np.array([0, 0, 0, 3, 3, 3])
    assert conflicts(declared, leaders).tolist() == [True, True, False, True, False, False]


def test_a_mode_alone_and_shares_alone_are_enough():
    assert Splits.model_validate("official").mode == "official"
    assert Splits.model_validate({"train": 0.8, "test": 0.2}).shares() == {"train": 0.8, "test": 0.2}
    assert Splits.model_validate({"mode": "hash"}).shares() == {"train": 0.9, "val": 0.05, "test": 0.05}


@pytest.mark.parametrize("given", [{"train": 0.5}, {"train": -1, "val": 2}, "offical", {"bins": [0.2, 0.1]}, {"x": 1}])
def test_splits_that_make_no_sense_are_refused(given):
    with pytest.raises(ValidationError):
        Splits.model_validate(given)
