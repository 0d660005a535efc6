"""Every picture stands where its labels and numbers say."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from pipelines.curate.cells import Axis, crossed, names_of, of_labels, of_numbers, without_contradictions
from pipelines.errors import RecipeError


def labels(*stated: dict[str, object]) -> pa.ChunkedArray:
    return pa.chunked_array([[json.dumps(one)] for one in stated], pa.string())


def shown(axis, number: int) -> list[str | None]:
    return [axis.values[code] if code >= 0 else None for code in axis.codes[:number].tolist()]


def test_values_of_a_label() -> None:
    (sex,) = of_labels(labels({"sex": "male"}, {}, {"sex": "female"}, {"sex": "male"}), [Axis(label="sex")])
    assert sex.values == ("female", "male") and shown(sex, 4) == ["male", None, "female", "male"]


def test_numbers_and_truths_are_values_too() -> None:
    stated = labels({"age": 9, "old": True}, {"age": 30, "old": False}, {"age": 100, "old": True})
    age, old = of_labels(stated, [Axis.model_validate("age"), Axis.model_validate("old")])
    assert age.values == ("9", "30", "100") and shown(old, 3) == ["true", "false", "true"]


def test_bins_reach_from_each_edge_up_to_the_next() -> None:
    stated = labels(*({"age": age} for age in (19, 20, 39, 40, 70)), {})
    (age,) = of_labels(stated, [Axis(label="age", edges=[20, 40])])
    assert shown(age, 6) == ["under 20", "20 to 40", "20 to 40", "40 and over", "40 and over", None]


def test_a_range_of_the_corpus_counts_by_its_middle() -> None:
    (age,) = of_labels(labels({"age": 20, "age_to": 29}, {"age": 0, "age_to": 2}), [Axis(label="age", edges=[24])])
    assert shown(age, 2) == ["24 and over", "under 24"]


def test_measured_numbers_without_a_value_are_missing() -> None:
    yaw = of_numbers(np.array([-40, 0, np.nan, 15]), Axis(measure="face_yaw", edges=[-15, 15]))
    assert shown(yaw, 4) == ["under -15", "-15 to 15", None, "15 and over"]


def test_unknown_label_is_named_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match="no picture has the label 'grup'; did you mean 'group'"):
        of_labels(labels({"group": "Asian", "group_by": "owner"}), [Axis(label="grup")])


def test_edges_of_a_text_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"label age is text, such as 'old', and edges are for numbers"):
        of_labels(labels({"age": "old"}), [Axis(label="age", edges=[20])])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"label": "a", "measure": "face_yaw", "edges": [1]}, "either a label or a measure"),
        ({}, "either a label or a measure"),
        ({"measure": "face_jaw", "edges": [1]}, "did you mean 'face_yaw'"),
        ({"measure": "face_yaw"}, "needs edges"),
        ({"label": "age", "edges": [20, 20]}, "edges must rise"),
    ],
)
def test_an_axis_that_cannot_be(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Axis.model_validate(given)


def test_copies_that_are_labelled_differently_have_no_label() -> None:
    stated = labels({"sex": "male"}, {"sex": "female"}, {"sex": "male"}, {"sex": "male"}, {}, {"sex": "female"}, {})
    (sex,) = of_labels(stated, [Axis(label="sex")])
    digests = pa.chunked_array([["a", "a", "b", "b", "b", "", ""]])
    settled, number = without_contradictions(sex, digests)
    assert shown(settled, 7) == [None, None, "male", "male", None, "female", None] and number == 1


def test_pictures_that_cannot_be_read_are_no_copies_of_each_other() -> None:
    (sex,) = of_labels(labels({"sex": "male"}, {"sex": "female"}), [Axis(label="sex")])
    settled, number = without_contradictions(sex, pa.chunked_array([["", ""]]))
    assert shown(settled, 2) == ["male", "female"] and number == 0


def test_cells_are_combinations() -> None:
    stated = labels({"sex": "male", "group": "b"}, {"sex": "female", "group": "a"}, {"sex": "male"})
    axes = of_labels(stated, [Axis(label="group"), Axis(label="sex")])
    found, number = crossed(axes)
    assert number == 4 and found[2] == -1
    assert [names_of(axes, int(cell)) for cell in found[:2]] == [["b", "male"], ["a", "female"]]
