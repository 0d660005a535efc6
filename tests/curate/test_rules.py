"""A rule looks at numbers and says keep or a reason."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.curate.rules import KEEP, Curate, judge
from pipelines.errors import REASONS

CURATE = Curate(min_side=256, max_aspect=2.0)


def picture(**changes: Any) -> dict[str, Any]:
    return {"width": 512, "height": 300, "fault": ""} | changes


def test_good_picture_is_kept() -> None:
    assert judge(picture(), CURATE) == KEEP


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"fault": "truncated", "width": 0, "height": 0}, "truncated"),
        ({"height": 255}, "too_small"),
        ({"width": 601}, "aspect_ratio"),
        ({"width": 100, "height": 1}, "too_small"),
    ],
)
def test_reason_of_the_first_rule_that_drops(changes: dict[str, Any], reason: str) -> None:
    assert judge(picture(**changes), CURATE) == reason
    assert reason in REASONS


@pytest.mark.parametrize("changes", [{"height": 256}, {"width": 600}])
def test_thresholds_themselves_are_kept(changes: dict[str, Any]) -> None:
    assert judge(picture(**changes), CURATE) == KEEP


def test_aspect_is_free_unless_asked() -> None:
    assert judge(picture(width=100_000), Curate(min_side=256)) == KEEP
