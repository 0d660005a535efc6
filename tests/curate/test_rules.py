"""A rule looks at numbers and says keep or a reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipelines.curate.rules import KEEP, Curate, judge, judge_all, needed
from pipelines.errors import REASONS

CURATE = Curate(min_side=256, max_aspect=2.0, max_bytes=2000)


def picture(**changes: Any) -> dict[str, Any]:
    return {"width": 512, "height": 300, "num_bytes": 1000, "fault": "", "found": "[]"} | changes


def test_good_picture_is_kept() -> None:
    assert judge(picture(), CURATE) == KEEP


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"fault": "truncated", "width": 0, "height": 0}, "truncated"),
        ({"height": 255}, "too_small"),
        ({"width": 601}, "aspect_ratio"),
        ({"width": 100, "height": 1}, "too_small"),
        ({"num_bytes": 2001}, "too_many_bytes"),
        # More than 32 bits hold: counted as the pixels they are.
        ({"width": 100_000, "height": 100_000}, "too_many_pixels"),
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


def test_many_pictures_are_judged_as_one_is() -> None:
    pictures = [
        picture(width=width, height=height, fault=fault)
        for width in (0, 200, 256, 700, 2**31 - 1)
        for height in (0, 256, 300, 2**31 - 1)
        for fault in ("", "truncated")
    ]
    columns = {name: np.array([one[name] for one in pictures], np.int32) for name in needed(CURATE)}
    faults = np.array([one["fault"] for one in pictures], object)
    assert judge_all(faults, columns, CURATE).tolist() == [judge(one, CURATE) for one in pictures]
