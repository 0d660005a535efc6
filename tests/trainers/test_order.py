"""Every sample once an epoch, in an order that depends on seed and epoch alone."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from trainers.order import Order

SIZES = (9, 3, 10, 1)


def epoch_of(order: Order, epoch: int) -> list[tuple[int, int]]:
    return [order.at(position)[1:] for position in range(epoch * order.total, (epoch + 1) * order.total)]


@pytest.mark.parametrize("mix", [0, 1, 2, 3, 16])
@pytest.mark.parametrize("sizes", [SIZES, (1,), (5,), (1, 1, 1), (40, 1, 7)])
def test_each_sample_once_an_epoch(sizes: tuple[int, ...], mix: int) -> None:
    order = Order(sizes, seed=1, mix=mix)
    wanted = sorted((shard, row) for shard, size in enumerate(sizes) for row in range(size))
    assert [sorted(epoch_of(order, epoch)) for epoch in (0, 1, 5)] == [wanted] * 3


@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
@pytest.mark.parametrize("batch", [30, 60])
def test_ranks_share_an_epoch_without_overlap(ranks: int, batch: int) -> None:
    order, part = Order(SIZES, seed=1), batch // ranks
    taken = [[] for _ in range(ranks)]
    for start in range(0, 23 * batch, batch):
        for rank in range(ranks):
            taken[rank] += [order.at(start + rank * part + index) for index in range(part)]
    assert len({len(spots) for spots in taken}) == 1
    together = [spot for spots in taken for spot in spots]
    assert len(set(together)) == len(together) == 23 * batch


def test_epochs_differ_and_seeds_differ() -> None:
    order = Order(SIZES, seed=1)
    assert epoch_of(order, 0) != epoch_of(order, 1)
    assert epoch_of(order, 0) != epoch_of(Order(SIZES, seed=2), 0)


def test_another_launch_has_the_same_order() -> None:
    code = f"from trainers.order import Order; o = Order({SIZES}, 7, 2); print([tuple(o.at(p)) for p in range(60)])"
    order = Order(SIZES, 7, 2)
    here = [tuple(order.at(position)) for position in range(60)]
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert there.strip() == str(here)


def test_without_mixing_samples_stand_as_they_are() -> None:
    wanted = [(shard, row) for shard, size in enumerate(SIZES) for row in range(size)]
    assert epoch_of(Order(SIZES, mix=0), 0) == wanted


def test_no_place_is_favoured() -> None:
    """Over many epochs a sample's mean place is the middle."""
    order, places = Order((25, 25, 25, 25), seed=3, mix=2), np.zeros(100)
    for epoch in range(200):
        for place, (shard, row) in enumerate(epoch_of(order, epoch)):
            places[shard * 25 + row] += place / 200
    assert abs(places - 49.5).max() < 5 * 29 / 200**0.5


def test_reading_stays_within_a_window_of_shards() -> None:
    order = Order((10,) * 12, seed=4, mix=3)
    shards = [shard for shard, _ in epoch_of(order, 0)]
    assert [len(set(shards[start : start + 30])) for start in range(0, 120, 30)] == [3, 3, 3, 3]


def test_needed_names_this_window_and_the_next() -> None:
    order = Order((10,) * 12, seed=4, mix=3)
    soon = order.needed(95)
    assert set(soon[:3]) == {order.at(position).shard for position in range(90, 120)}
    assert set(soon[3:]) >= {order.at(position).shard for position in range(120, 150)} - set(soon[:3])
