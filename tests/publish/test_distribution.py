"""From the values of one number to its chart, and to the pictures beside its thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipelines.publish.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH
from pipelines.publish.distribution import NUM_EXAMPLES, Number, Threshold, distribution


def number(values: Any, *thresholds: Threshold, **more: Any) -> Number:
    array = np.array(values, float)
    return Number("n", "what it is", array, np.arange(len(array)), thresholds, **more)


def limit(value: float | None, least: bool = True) -> Threshold:
    return Threshold("quality.min_n", value, least, "blurred")


def owners(side: Any) -> list[int]:
    return [example.owner for example in side.examples]


def test_columns_count_every_known_value_inside_the_chart() -> None:
    values = np.random.default_rng(0).normal(0.5, 0.3, 5000)
    values[:100] = np.nan
    found = distribution(number(values, value_range=(0, 1)))
    counts = [int(bar.text.split(": ")[1].split()[0].replace(",", "")) for bar in found.bars]
    assert sum(counts) == found.known == 4900
    assert max(counts) == found.top
    for bar in found.bars:
        assert bar.x >= LEFT and bar.x + bar.width <= WIDTH - RIGHT + 0.5
        assert bar.y >= TOP and bar.y + bar.height == pytest.approx(HEIGHT - BOTTOM)


def test_the_threshold_is_drawn_where_it_is() -> None:
    found = distribution(number([0.1, 0.2, 0.7, 0.8], limit(0.25), value_range=(0, 1)))
    (mark,) = found.marks
    assert mark.x == pytest.approx(LEFT + 0.25 * (WIDTH - LEFT - RIGHT))
    assert mark.beyond == 2
    assert (mark.dropped_x, mark.dropped_x + mark.dropped_width) == (LEFT, pytest.approx(mark.x))


def test_what_is_above_a_most_is_beyond_it() -> None:
    (mark,) = distribution(number([1, 2, 3, 9], limit(3, least=False))).marks
    assert mark.beyond == 1
    assert mark.dropped_x == mark.x


def test_examples_are_the_nearest_on_either_side() -> None:
    values = np.random.default_rng(1).permutation(1000) / 1000
    just_beyond, just_within = distribution(number(values, limit(0.5))).sides
    assert values[owners(just_beyond)].tolist() == [0.496, 0.497, 0.498, 0.499]
    assert values[owners(just_within)].tolist() == [0.5, 0.501, 0.502, 0.503]


def test_without_a_threshold_examples_are_the_extremes() -> None:
    values = [*np.random.default_rng(2).uniform(0.1, 0.9, 50), 0.0, 1.0, np.nan]
    low, high = distribution(number(values, limit(None))).sides
    assert low.title == "the lowest" and low.examples[0].owner == 50
    assert high.title == "the highest" and high.examples[-1].owner == 51


def test_equal_values_give_the_first_pictures() -> None:
    beyond, within = distribution(number([1.0] * 5000, limit(0.5))).sides
    assert owners(beyond) == []
    assert owners(within) == list(range(NUM_EXAMPLES))


def test_few_pictures_are_all_shown_once() -> None:
    (side,) = distribution(number([3, 1, 2])).sides
    assert owners(side) == [1, 2, 0]


def test_nothing_known_draws_nothing() -> None:
    found = distribution(number([np.nan, np.nan], limit(0.5)))
    assert (found.known, found.top, found.bars) == (0, 0, ())
    assert "known of no picture" in found.sentence


def test_a_scale_of_ratios_has_powers_of_two() -> None:
    found = distribution(number([100, 150, 800, 4000], limit(64), log=True))
    assert [tick.label for tick in found.ticks] == ["64", "128", "256", "512", "1,024", "2,048"]
    gaps = np.diff([tick.x for tick in found.ticks])
    assert gaps == pytest.approx([gaps[0]] * len(gaps), abs=0.02)


def test_one_outlier_does_not_squeeze_the_rest() -> None:
    found = distribution(number([*np.linspace(0, 1, 20_000), 1e6]))
    assert len(found.bars) > 40


def test_round_ticks() -> None:
    assert [tick.label for tick in distribution(number([0, 1.63])).ticks] == ["0", "0.5", "1", "1.5", "2"]


@pytest.mark.parametrize("values", [[], [5.0], [0.0, 0.0], [-1.0, 2.0]])
@pytest.mark.parametrize("log", [False, True])
def test_any_values_can_be_drawn(values: list[float], log: bool) -> None:
    found = distribution(number([abs(value) + 1 for value in values] if log else values, limit(None), log=log))
    assert found.known == len(values)


def test_millions_in_bounded_time() -> None:
    values = np.random.default_rng(0).uniform(0, 1, 3_000_000)
    assert distribution(number(values, limit(0.3), limit(0.9, least=False))).known == 3_000_000
