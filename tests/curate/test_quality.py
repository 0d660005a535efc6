"""The quality block: what it measures of anything, and how its thresholds judge."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edited import PHOTOGRAPHS, as_jpeg, blurred, clean, enlarged, grey, letterboxed, recompressed
from PIL import Image

from pipelines.curate import numbers
from pipelines.curate.quality import LIMITS, NUMBERS, Quality, measure, number_of
from pipelines.curate.rules import KEEP, Curate, judge, judge_all, needed
from pipelines.errors import REASONS, RecipeError
from pipelines.imaging.decode import decode, inspect
from pipelines.recipe import parse

SUGGESTED = Quality(
    max_border_share=0.02,
    max_one_tone=0.9,
    min_brightness=0.07,
    max_brightness=0.85,
    max_crushed=0.5,
    max_blown=0.5,
    min_contrast=0.1,
    min_detail_share=0.7,
    min_sharpness=0.5,
    max_blockiness=0.35,
)
"""Those of the annotated recipe, nearly."""

ASTRONAUT = PHOTOGRAPHS[0]


def judged(picture: np.ndarray, quality: Quality = SUGGESTED) -> str:
    return judge(row(**measure(picture, 0)), Curate(quality=quality))


def row(**changes: Any) -> dict[str, Any]:
    return {"width": 512, "height": 512, "num_bytes": 1, "fault": "", **numbers.NOTHING} | changes


def test_real_photographs_pass() -> None:
    assert [one for one in PHOTOGRAPHS if judged(clean(one)) != KEEP] == []


def darkened(picture: np.ndarray) -> np.ndarray:
    return (picture * 0.1).astype(np.uint8)


def bleached(picture: np.ndarray) -> np.ndarray:
    return (picture / 8 + 224).astype(np.uint8)


@pytest.mark.parametrize(
    ("limit", "edit", "found"),
    [
        ("min_detail_share", lambda picture: enlarged(picture, 2), 23),
        ("min_detail_share", lambda picture: enlarged(picture, 4), 23),
        ("min_sharpness", lambda picture: blurred(picture, 4 / 256), 23),
        ("min_sharpness", lambda picture: blurred(picture, 2 / 256), 20),
        ("max_blockiness", lambda picture: recompressed(picture, 15), 21),
        ("max_border_share", letterboxed, 22),
        ("min_brightness", darkened, 23),
        ("max_brightness", bleached, 23),
        ("max_blown", lambda picture: np.maximum(picture, 252), 23),
        ("min_chroma", grey, 23),
    ],
)
def test_edited_photographs_are_told_apart(limit: str, edit: Any, found: int) -> None:
    """How many of 23, by thresholds of which none drops a photograph as it is."""
    only = Quality(**{limit: getattr(SUGGESTED, limit) or 0.03})
    assert sum(judged(edit(clean(one)), only) != KEEP for one in PHOTOGRAPHS) == found


def test_grey_ones_are_dropped_where_colour_is_asked() -> None:
    colour = Quality(min_chroma=0.03)
    assert {judged(grey(clean(one)), colour) for one in PHOTOGRAPHS} == {"greyscale"}
    assert judged(clean(ASTRONAUT), colour) == KEEP


def test_the_file_says_its_quality() -> None:
    data = as_jpeg(clean(ASTRONAUT), 40)
    header = inspect(data, max_pixels=2**24)
    found = numbers.measure(decode(data, header)[0], header, Curate(quality=Quality()))
    assert found["jpeg_quality"] == 40
    assert judge(row(**found), Curate(quality=Quality(min_jpeg_quality=41))) == "compressed"
    assert judge(row(**found), Curate(quality=Quality(min_jpeg_quality=40))) == KEEP


@pytest.mark.parametrize(
    ("mode", "size"),
    [
        ("RGB", (1, 1)),
        ("RGB", (20, 4000)),
        ("RGB", (4000, 20)),
        ("L", (65, 64)),
        ("I;16", (80, 90)),
        ("RGBA", (70, 70)),
    ],
)
def test_any_picture_is_measured(mode: str, size: tuple[int, int]) -> None:
    file = io.BytesIO()
    deep = np.random.default_rng(0).integers(0, 65536, size[::-1]).astype(np.uint16)
    noise = Image.fromarray(deep) if mode == "I;16" else Image.effect_noise(size, 50).convert(mode)
    noise.save(file, "PNG")
    header = inspect(file.getvalue(), max_pixels=2**24)
    found = numbers.measure(decode(file.getvalue(), header)[0], header, Curate(quality=Quality()))
    assert list(found) == list(NUMBERS)
    assert all(isinstance(value, float) for value in found.values())
    assert np.isnan(found["detail_share"]) == (min(size) < 64)
    assert np.isnan(found["jpeg_quality"])


@pytest.mark.parametrize("level", [0, 77, 255])
def test_a_constant_is_near_constant(level: int) -> None:
    picture = np.full((300, 300, 3), level, np.uint8)
    assert judged(picture) == "near_constant"
    assert np.isnan(measure(picture, 0)["sharpness"])


@pytest.mark.parametrize(("reason", "limit"), LIMITS.items())
def test_a_threshold_itself_passes_and_what_is_beyond_it_drops(reason: str, limit: str) -> None:
    value = 50.0 if limit == "min_jpeg_quality" else 0.5
    curate = Curate(quality=Quality(**{limit: value}))
    beyond = value - 0.01 if limit.startswith("min_") else value + 0.01
    assert reason in REASONS
    assert judge(row(**{number_of(limit): value}), curate) == KEEP
    assert judge(row(**{number_of(limit): beyond}), curate) == reason
    assert judge(row(**{number_of(limit): np.nan}), curate) == KEEP


def test_every_threshold_has_its_number_and_reason() -> None:
    assert sorted(LIMITS.values()) == sorted(Quality.model_fields)
    assert {number_of(limit) for limit in LIMITS.values()} == set(NUMBERS)


def test_many_pictures_are_judged_as_one_is() -> None:
    rng = np.random.default_rng(3)
    columns: dict[str, Any] = {name: rng.uniform(0, 1, 2000).round(1) for name in NUMBERS}
    columns["sharpness"][::3] = np.nan
    columns |= {name: np.full(2000, 512) for name in ("width", "height", "num_bytes")}
    curate = Curate(quality=Quality(min_sharpness=0.5, max_blown=0.9, min_detail_share=0.3))
    asked = {name: columns[name] for name in needed(curate)}
    one_by_one = [judge(row(**{name: columns[name][at] for name in columns}), curate) for at in range(2000)]
    assert judge_all(np.full(2000, "", object), asked, curate).tolist() == one_by_one
    assert set(one_by_one) == {KEEP, "blurred", "overexposed", "blown_up"}


def test_only_what_is_judged_is_needed() -> None:
    plain = needed(Curate())
    assert needed(Curate(quality=Quality())) == plain
    assert needed(Curate(quality=Quality(min_brightness=0.1, max_brightness=0.9))) == [*plain, "brightness"]
    assert not numbers.asked(Curate())
    assert numbers.asked(Curate(quality=Quality()))


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("{min_sharp: 0.5}", "unknown key 'min_sharp' in curate.quality; did you mean 'min_sharpness'?"),
        ("{min_sharpness: 2}", "curate.quality.min_sharpness: input should be less than or equal to 1, found 2"),
        ("{min_brightness: 0.6, max_brightness: 0.4}", "min_brightness must be less than max_brightness"),
    ],
)
def test_faults_of_the_block_are_named(tmp_path: Path, block: str, message: str) -> None:
    text = f"name: x\nsources: [{{type: folder, path: {tmp_path}}}]\ncurate:\n  quality: {block}\n"
    with pytest.raises(RecipeError, match=rf"r\.yaml:4: .*{message}".replace("?", r"\?")):
        parse(text, "r.yaml", tmp_path)
