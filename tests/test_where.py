"""`where:` compares labels, and nothing else happens."""

from __future__ import annotations

import pytest

from pipelines.where import compile_where

HER = {"group": "East Asian", "age": 34, "age_to": 34, "sex": "female", "young": True, "yaw": -12.5}


@pytest.mark.parametrize(
    "text",
    [
        "group in ['East Asian', 'Southeast Asian'] and age >= 18",
        "group == 'East Asian'",
        "18 <= age < 65",
        "not (sex == 'male')",
        "sex == 'male' or young",
        "group not in ('White', 'Black')",
        "yaw > -20",
        "'Asian' in group",
        "age != 35",
    ],
)
def test_holds(text: str) -> None:
    assert compile_where(text)(HER)


@pytest.mark.parametrize(
    "text", ["age > 34", "group in ['White']", "sex == 'male' and young", "not young", "'x' in group"]
)
def test_does_not_hold(text: str) -> None:
    assert not compile_where(text)(HER)


@pytest.mark.parametrize("text", ["mask == 'none'", "mask != 'none'", "height < 3", "height >= 3", "mask in ['none']"])
def test_absent_label_compares_with_nothing(text: str) -> None:
    assert not compile_where(text)(HER)


@pytest.mark.parametrize("text", ["group < 3", "age == '34'", "age in 'x'", "age < 'b'"])
def test_values_of_other_kinds_do_not_compare(text: str) -> None:
    assert not compile_where(text)(HER)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')", "age.__class__", "[x for x in group]", "lambda: 1", "age + 1 > 3",
        "f'{age}' == 'x'", "group[0] == 'E'", "age if sex else 3", "(age := 3) > 1", "age is 34", "", "age >",
        "group in [sex]", "3", "'text'", "{1} == age", "a" * 3000,
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="."):
        compile_where(text)


def test_deep_nesting_is_refused_and_not_a_crash() -> None:
    with pytest.raises(ValueError, match="not an expression"):
        compile_where("(" * 900 + "age" + ")" * 900)
