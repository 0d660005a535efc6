"""What is kept has the counts that were asked for; what cannot be is said in numbers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from pipelines import seeds
from pipelines.curate.balance import Balance, Balanced, balance, sentences
from pipelines.curate.cells import Axis, Coded, of_numbers
from pipelines.errors import RecipeError


def coded(name: str, texts: list[str | None]) -> Coded:
    values = tuple(sorted({text for text in texts if text}))
    return Coded(name, values, np.array([values.index(text) if text else -1 for text in texts], np.int32))


def digests(number: int) -> pa.ChunkedArray:
    return pa.chunked_array([[f"{seeds.digest(place):032x}" * 2 for place in range(number)]])


def run(block: dict[str, Any], over: list[Coded], match: list[Coded] | None = None, seed: int = 3) -> Balanced:
    number = len(over[0].codes)
    whole = {"over": [axis.name for axis in over]} | block
    return balance(Balance(**whole), over, match or [], digests(number), np.ones(number, bool), seed)


def left(found: Balanced, *axes: Coded) -> Counter[tuple[str, ...]]:
    kept = np.flatnonzero(~found.unbalanced & ~found.lacking)
    return Counter(tuple(axis.values[axis.codes[at]] if axis.codes[at] >= 0 else "-" for axis in axes) for at in kept)


GROUPS = ["a"] * 60 + ["b"] * 25 + ["c"] * 10


def test_equal_keeps_as_many_of_each_as_of_the_smallest() -> None:
    group = coded("group", GROUPS)
    assert left(run({}, [group]), group) == {("a",): 10, ("b",): 10, ("c",): 10}


def test_every_combination_is_a_cell() -> None:
    group, sex = (
        coded("group", ["a"] * 40 + ["b"] * 40),
        coded("sex", (["f"] * 30 + ["m"] * 10) + (["f"] * 5 + ["m"] * 35)),
    )
    assert set(left(run({}, [group, sex]), group, sex).values()) == {5}


def test_small_cells_need_not_hold_the_others_down() -> None:
    group = coded("group", GROUPS)
    found = run({"min_per_cell": 20}, [group])
    assert left(found, group) == {("a",): 25, ("b",): 25, ("c",): 10}
    assert sentences(found.summary) == ["c: 10 of 25 wanted, 15 short (60%)"]


def test_cap_leaves_small_cells_alone() -> None:
    group = coded("group", GROUPS)
    assert left(run({"mode": "cap", "max_per_cell": 20}, [group]), group) == {("a",): 20, ("b",): 20, ("c",): 10}


def test_most_of_a_cell_holds_in_equal_too() -> None:
    group = coded("group", GROUPS)
    assert set(left(run({"max_per_cell": 4}, [group]), group).values()) == {4}


def test_proportions_are_met_exactly_with_as_many_pictures_as_they_allow() -> None:
    group = coded("group", GROUPS)
    found = run({"mode": "proportions", "targets": {"group": {"a": 0.5, "b": 0.25}}}, [group])
    assert left(found, group) == {("a",): 20, ("b",): 10, ("c",): 10}


def test_an_axis_without_targets_is_shared_alike() -> None:
    group, sex = coded("group", ["a"] * 60 + ["b"] * 60), coded("sex", ["f", "m", "m"] * 40)
    found = run({"mode": "proportions", "targets": {"group": {"a": 0.75}}}, [group, sex])
    assert left(found, group, sex) == {("a", "f"): 20, ("a", "m"): 20, ("b", "f"): 7, ("b", "m"): 6}


def test_values_that_are_not_wanted_go() -> None:
    group = coded("group", GROUPS)
    found = run({"mode": "proportions", "targets": {"group": {"a": 0.5, "b": 0.5}}}, [group])
    assert left(found, group) == {("a",): 25, ("b",): 25}


def test_targets_that_leave_something_to_nobody_are_said() -> None:
    group = coded("group", GROUPS)
    found = run({"mode": "proportions", "targets": {"group": {"a": 0.4, "b": 0.2, "c": 0.2}}}, [group])
    assert left(found, group) == {("a",): 20, ("b",): 10, ("c",): 10}
    assert "sum to 0.8" in sentences(found.summary)[0]


def test_a_total_that_cannot_be_met_says_by_how_much() -> None:
    group = coded("group", GROUPS)
    found = run({"total": 90}, [group])
    assert left(found, group) == {("a",): 30, ("b",): 25, ("c",): 10}
    assert sentences(found.summary) == [
        "c: 10 of 30 wanted, 20 short (67%)",
        "b: 25 of 30 wanted, 5 short (17%)",
    ]


def test_a_total_that_can_be_met_is_met_exactly() -> None:
    group = coded("group", GROUPS)
    found = run({"total": 20}, [group])
    assert sum(left(found, group).values()) == 20 and set(left(found, group).values()) == {6, 7}


def test_empty_cells_are_named() -> None:
    group, sex = coded("group", ["a", "a", "b"]), coded("sex", ["f", "m", "f"])
    found = run({}, [group, sex])
    assert found.summary["empty"] == [["b", "m"]]
    assert "cells without a picture: 1 (b x m)" in sentences(found.summary)


def test_matched_cells_are_spread_alike() -> None:
    rng = np.random.default_rng(1)
    group = coded("group", ["a"] * 4000 + ["b"] * 4000)
    edges = Axis(measure="face_size", edges=[60, 100, 140])
    size = of_numbers(np.concatenate([rng.normal(120, 30, 4000), rng.normal(90, 30, 4000)]), edges)
    plain, matched = (run({"match": match}, [group], [size] if match else []) for match in ([], [edges]))
    before, after = (
        np.array([[left(found, group, size)[name, bin_] for bin_ in size.values] for name in "ab"])
        for found in (plain, matched)
    )
    assert abs(before[0] - before[1]).max() > 500
    assert (after[0] == after[1]).all() and after.sum() > 4000
    (axis,) = matched.summary["match"]
    assert axis["apart"][0] > 0.1 and axis["apart"][1] == 0


def test_matching_keeps_proportions() -> None:
    rng = np.random.default_rng(2)
    group = coded("group", ["a"] * 3000 + ["b"] * 3000)
    edges = Axis(measure="face_yaw", edges=[-10, 10])
    yaw = of_numbers(np.concatenate([rng.normal(0, 20, 3000), rng.normal(5, 10, 3000)]), edges)
    block = {"mode": "proportions", "targets": {"group": {"a": 2 / 3}}, "match": [edges]}
    found = run(block, [group], [yaw])
    counts = np.array([[left(found, group, yaw)[name, bin_] for bin_ in yaw.values] for name in "ab"])
    assert abs(counts[0].sum() - 2 * counts[1].sum()) <= 1
    assert abs(counts[0] / counts[0].sum() - counts[1] / counts[1].sum()).max() < 0.005


def test_a_match_that_leaves_nothing_is_refused() -> None:
    group, scene = coded("group", ["a", "b"]), coded("scene", ["sea", "land"])
    with pytest.raises(RecipeError, match="match leaves nothing"):
        run({"match": ["scene"]}, [group], [scene])


def test_order_of_rows_decides_nothing() -> None:
    group = coded("group", GROUPS)
    turned = np.random.default_rng(4).permutation(len(GROUPS))
    sha256, block = digests(len(GROUPS)), Balance(over=["group"])
    kept = np.ones(len(GROUPS), bool)
    there = balance(block, [group], [], sha256, kept, 3).unbalanced
    mixed = Coded("group", group.values, group.codes[turned])
    again = balance(block, [mixed], [], sha256.take(pa.array(turned)), kept, 3).unbalanced
    assert (there[turned] == again).all()
    assert (there != balance(block, [group], [], sha256, kept, 4).unbalanced).any()


def test_dropped_pictures_are_not_counted() -> None:
    group = coded("group", GROUPS)
    kept = np.arange(len(GROUPS)) % 5 == 0
    found = balance(Balance(over=["group"]), [group], [], digests(len(GROUPS)), kept, 1)
    assert not (found.unbalanced & ~kept).any() and (kept & ~found.unbalanced).sum() == 6


@pytest.mark.parametrize(("missing", "lacking", "total"), [("drop", 5, 20), ("keep", 0, 25)])
def test_pictures_without_a_label(missing: str, lacking: int, total: int) -> None:
    group = coded("group", ["a"] * 30 + ["b"] * 10 + [None] * 5)
    found = run({"missing": missing}, [group])
    assert found.lacking.sum() == lacking and sum(left(found, group).values()) == total
    assert "5 pictures lack a value (5 group)" in sentences(found.summary)[0]


def test_pictures_without_a_label_stop_the_build_unless_it_is_said() -> None:
    group, sex = coded("group", ["a", "b"] * 10), coded("sex", ["f", None] * 10)
    with pytest.raises(RecipeError, match=r"of 20 pictures 10 have no sex; `missing: drop` leaves them out"):
        run({}, [group, sex])


def test_unknown_value_is_named_with_the_nearest() -> None:
    group = coded("group", ["East Asian", "White"])
    with pytest.raises(RecipeError, match="no picture has group 'East Asain'; did you mean 'East Asian'"):
        run({"mode": "proportions", "targets": {"group": {"East Asain": 1.0}}}, [group])


def test_too_few_pictures_are_said() -> None:
    axes = [coded(name, [f"{name}{number}" for number in range(4)]) for name in ("one", "two")]
    assert any("fewer pictures, 4, than cells, 16" in text for text in sentences(run({}, axes).summary))


def test_too_many_cells_are_refused() -> None:
    axes = [coded(name, [f"{number:04}" for number in range(1001)]) for name in ("one", "two")]
    with pytest.raises(RecipeError, match="1,002,001 combinations of values"):
        run({}, axes)


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"over": []}, "at least 1 item"),
        ({"over": ["sex", "sex"]}, "sex stands there twice"),
        ({"over": ["sex"], "match": ["sex"]}, "sex stands there twice"),
        ({"over": ["sex"], "mode": "proportions"}, "go together"),
        ({"over": ["sex"], "targets": {"sex": {"male": 0.5}}}, "go together"),
        ({"over": ["sex"], "mode": "cap"}, "needs max_per_cell"),
        ({"over": ["sex"], "mode": "cap", "max_per_cell": 5, "total": 9}, "no effect"),
        ({"over": ["group"], "mode": "proportions", "targets": {"grup": {"a": 1}}}, "did you mean 'group'"),
        ({"over": ["sex"], "mode": "proportions", "targets": {"sex": {"male": 0.7, "female": 0.4}}}, "at most 1"),
        ({"over": ["sex"], "mode": "proportions", "targets": {"sex": {"male": -0.1}}}, "at most 1"),
    ],
)
def test_a_block_that_cannot_be(block: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Balance(**block)


@pytest.mark.parametrize("seed", range(150))
def test_whatever_is_asked_no_cell_keeps_more_than_wanted_or_there(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 30, (int(rng.integers(2, 5)), 3))
    texts = [(f"g{row}", f"s{place}") for (row, place), number in np.ndenumerate(counts) for _ in range(number)]
    group, scene = coded("group", [one for one, _ in texts]), coded("scene", [two for _, two in texts])
    shares = rng.integers(1, 9, len(group.values))
    targets = {"group": dict(zip(group.values, (shares / shares.sum()).tolist(), strict=True))}
    total, most = (int(rng.integers(1, high)) if rng.random() < 0.5 else None for high in (200, 20))
    block = {"mode": "proportions", "targets": targets, "total": total, "max_per_cell": most, "match": ["scene"]}
    try:
        found = run(block, [group], [scene])
    except RecipeError:
        assert not counts.all(axis=0).any(), "only where no scene is in all groups"
        return
    for cell in found.summary["cells"]:
        assert cell["after"] <= min(cell["wanted"], cell["before"]) and (most is None or cell["after"] <= most)
    assert sum(left(found, group).values()) == found.summary["pictures"]["after"] <= (total or len(texts))
