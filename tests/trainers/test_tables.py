"""Figures of samples, their intervals and differences, on numbers whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.errors import MenderyError
from trainers import tables


def rows(number: int = 400, seed: int = 0, shift: float = 0.0) -> list[dict]:
    """Two samples of each picture; group b scores 2 lower."""
    rng = np.random.default_rng(seed)
    found = []
    for picture in range(number // 2):
        level = rng.normal(20, 3) - (2 if picture % 2 else 0)
        found += [
            {
                "key": f"{picture}-{variant}",
                "picture": str(picture),
                "group": "b" if picture % 2 else "a",
                "psnr": level + shift + rng.normal(0, 0.1),
                "mae": 0.1 + 0.05 * (picture % 2),
            }
            for variant in range(2)
        ]
    return found


def table(axis: str, metrics: tuple[str, ...] = ("psnr",)) -> dict:
    given = rows()
    return tables.table(given, axis, metrics, tables.Draws([row["picture"] for row in given]))


def test_the_mean_is_of_samples_and_the_interval_of_pictures() -> None:
    (line,) = table("")["rows"]
    assert line["samples"] == 400
    assert line["pictures"] == 200
    # Deviation of a picture's level about 3.2, so of the mean of 200 about 0.22; of 400 alone it would be 0.16.
    assert line["psnr"]["high"] - line["psnr"]["low"] == pytest.approx(2 * 1.96 * 0.22, rel=0.2)
    assert line["psnr"]["low"] < line["psnr"]["mean"] < line["psnr"]["high"]


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    held = 0
    for seed in range(60):
        values = np.random.default_rng(seed).normal(5, 1, 50)
        draws = tables.Draws([str(number) for number in range(50)], 400)
        figure = tables.figure(*draws.means(values, np.ones(50, bool)), 50)
        held += figure.low < 5 < figure.high
    assert held >= 50


def test_the_worst_group_is_named_with_its_gap() -> None:
    worst = table("group", ("psnr", "mae"))["worst"]
    assert worst["psnr"]["worst"] == worst["mae"]["worst"] == "b"
    assert worst["psnr"]["gap"]["low"] < -2 < worst["psnr"]["gap"]["high"] < 0
    assert worst["mae"]["ratio"]["mean"] == pytest.approx(1.5)


def test_a_number_that_cannot_be_told_counts_nowhere() -> None:
    given = rows(40)
    given[0]["psnr"] = float("nan")
    (line,) = tables.table(given, "", ["psnr"], tables.Draws([row["picture"] for row in given]))["rows"]
    assert line["psnr"]["mean"] == pytest.approx(np.mean([row["psnr"] for row in given[1:]]))


def test_few_pictures_have_no_interval() -> None:
    given = rows(2 * (tables.LEAST - 1))
    (line,) = tables.table(given, "", ["psnr"], tables.Draws([row["picture"] for row in given]))["rows"]
    assert line["psnr"]["low"] is None
    assert line["psnr"]["mean"] is not None


def test_the_same_samples_give_the_same_intervals() -> None:
    assert table("group") == table("group")


def test_paired_differences_are_surer_than_the_two_means() -> None:
    one, other = rows(seed=1, shift=0.5), rows(seed=1)
    draws = tables.Draws([row["picture"] for row in one])
    (line,) = tables.differences(one, other, "", ["psnr"], draws)
    assert line["psnr"]["mean"] == pytest.approx(0.5)
    assert line["psnr"]["high"] - line["psnr"]["low"] < 0.1


def test_who_is_served_worse_is_told_against_everybody_else() -> None:
    one = rows(seed=1)
    for row in one:
        row["psnr"] -= 1.0 * (row["group"] == "b")
    other = rows(seed=1)
    draws = tables.Draws([row["picture"] for row in one])
    a, b = tables.differences(one, other, "group", ["psnr"], draws)
    assert (a["value"], b["value"]) == ("a", "b")
    assert b["psnr"]["against_rest"]["high"] < -0.5
    assert a["psnr"]["low"] <= 0 <= a["psnr"]["high"]


def test_bins_come_in_order_and_what_is_not_said_last() -> None:
    order = sorted(["0.1-0.2", "", "0.01-0.1", "0.5-0.6"], key=tables._rank)
    assert order == ["0.01-0.1", "0.1-0.2", "0.5-0.6", ""]


SAMPLE = {
    "labels": '{"group": "East Asian", "age": 34, "sex": "female"}', "mask_ratio_bin": "0.1-0.2", "damage": "brush",
    "difficulty": 0.45, "corpus": "fairface", "split": "test",
}  # fmt: skip


@pytest.mark.parametrize(
    ("axis", "value"),
    [
        ("group", "East Asian"), ("age", "30-39"), ("bin", "0.1-0.2"), ("damage", "brush"), ("difficulty", "0.4-0.6"),
        ("scene", ""),
    ],
)  # fmt: skip
def test_axes_are_what_samples_say_of_themselves(axis: str, value: str) -> None:
    assert tables.axis_of(SAMPLE, axis) == value


def test_an_axis_that_no_sample_has_is_refused_with_the_nearest() -> None:
    with pytest.raises(MenderyError, match="did you mean 'group'"):
        tables.check_axes(["groups"], [SAMPLE])
