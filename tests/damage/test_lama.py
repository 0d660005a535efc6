"""LaMa's sets against methods.md 5.1."""

from __future__ import annotations

import itertools
import math
from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest

from pipelines.damage import DAMAGES, Context, Holes, mask_ratio
from pipelines.seeds import generator

# kind, size, strokes (one more than configured), widths, longest step, share of box masks, boxes, box sides, margin
TABLE = [
    ("lama_thin", 256, (4, 51), (5, 14), 49, 0, (0, 0), (0, 0), 0),
    ("lama_medium", 256, (4, 6), (5, 54), 109, 0.3 / 1.3, (1, 5), (10, 50), 0),
    ("lama_thick", 256, (1, 6), (5, 104), 209, 0.3 / 1.3, (1, 3), (30, 150), 10),
    ("lama_thin", 512, (4, 71), (5, 24), 109, 0, (0, 0), (0, 0), 0),
    ("lama_medium", 512, (4, 11), (5, 104), 209, 0.3 / 1.3, (1, 5), (30, 150), 0),
    ("lama_thick", 512, (1, 6), (5, 254), 459, 0.3 / 1.3, (1, 4), (30, 300), 10),
]
STROKES = [row[:5] for row in TABLE]
BOXES = [(row[0], row[1], *row[6:]) for row in TABLE if row[5]]


@cache
def draws(kind: str, size: int, count: int = 2000) -> list[Holes]:
    rng = generator("test_lama", kind, size)
    damage = DAMAGES[kind](kind=kind)
    return [damage.sample(rng, Context(size, size)) for _ in range(count)]  # type: ignore[misc]


def mean_width(kind: str, size: int) -> float:
    return float(np.mean([width for holes in draws(kind, size) for _, own in holes.strokes for width in own]))


def ends(values: list[int]) -> tuple[int, int]:
    return min(values), max(values)


@pytest.mark.parametrize(("kind", "size", "strokes", "widths", "longest"), STROKES)
def test_strokes(kind: str, size: int, strokes: tuple[int, int], widths: tuple[int, int], longest: int) -> None:
    drawn = [holes for holes in draws(kind, size) if holes.strokes]
    lines = [stroke for holes in drawn for stroke in holes.strokes]
    assert ends([len(holes.strokes) for holes in drawn]) == strokes
    assert ends([width for _, own in lines for width in own]) == widths
    assert ends([len(own) for _, own in lines]) == (1, 5)
    steps = [math.dist(*pair) for points, _ in lines for pair in itertools.pairwise(points)]
    # Cutting to whole pixels can lengthen a step by up to a diagonal.
    assert 0.9 * longest < max(steps) <= longest + math.sqrt(2)


@pytest.mark.parametrize(("kind", "size", "boxes", "sides", "margin"), BOXES)
def test_boxes(kind: str, size: int, boxes: tuple[int, int], sides: tuple[int, int], margin: int) -> None:
    drawn = [holes for holes in draws(kind, size) if holes.boxes]
    rectangles = np.array([box for holes in drawn for box in holes.boxes])
    assert ends([len(holes.boxes) for holes in drawn]) == boxes
    assert rectangles[:, 2:].min() >= sides[0]
    assert rectangles[:, 2:].max() <= sides[1]
    assert np.ptp(rectangles[:, 2:]) >= 0.95 * (sides[1] - sides[0])
    assert rectangles[:, :2].min() == margin
    assert (rectangles[:, :2] + rectangles[:, 2:]).max() == size - margin


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]}-{row[1]}")
def test_one_kind_per_mask_by_weight(row: tuple[Any, ...]) -> None:
    drawn, expected = draws(row[0], row[1]), row[5]
    assert all(bool(holes.boxes) != bool(holes.strokes) for holes in drawn)
    share = np.mean([bool(holes.boxes) for holes in drawn])
    assert abs(share - expected) <= 4 * math.sqrt(expected * (1 - expected) / len(drawn))


def test_stroke_counts_are_uniform() -> None:
    counts = np.bincount([len(holes.strokes) for holes in draws("lama_thick", 256) if holes.strokes])[1:]
    assert abs(counts / counts.sum() - 1 / 6).max() < 0.04


def test_angles_are_whole_radians_mirrored_on_even_strokes() -> None:
    allowed = np.array([0.01, 1.01, 2.01, 3.01])
    for holes in draws("lama_thick", 512)[:300]:
        for index, (points, _) in enumerate(holes.strokes):
            for start, (x, y) in itertools.pairwise(points):
                if 0 < x < 512 and 0 < y < 512 and math.dist(start, (x, y)) > 100:
                    angle = math.atan2(x - start[0], y - start[1]) * (-1 if index % 2 == 0 else 1)
                    assert abs(allowed - angle).min() < 0.03


def reference_ratio(rng: np.random.Generator, size: int, row: tuple[Any, ...]) -> float:
    """One stroke mask, step by step as methods.md tells it and without any of our code."""
    _, _, (fewest, most), (_, widest), longest, *_ = row
    mask = np.zeros((size, size), np.uint8)
    for index in range(rng.integers(fewest, most, endpoint=True)):
        x, y = rng.integers(size, size=2).tolist()
        for _ in range(rng.integers(1, 6)):
            angle = 0.01 + rng.integers(4)
            angle = 2 * math.pi - angle if index % 2 == 0 else angle
            length, width = rng.integers(10, longest, endpoint=True), rng.integers(5, widest, endpoint=True)
            end_x = int(np.clip(int(x + length * math.sin(angle)), 0, size))
            end_y = int(np.clip(int(y + length * math.cos(angle)), 0, size))
            cv2.line(mask, (x, y), (end_x, end_y), 1, int(width))
            x, y = end_x, end_y
    return float(mask.mean())


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]}-{row[1]}")
def test_hole_ratios_of_strokes_are_those_of_the_protocol(row: tuple[Any, ...]) -> None:
    kind, size, *_ = row
    rng = generator("reference", kind, size)
    strokes = [holes for holes in draws(kind, size) if holes.strokes][:400]
    ours = np.array([mask_ratio(holes.rasterise(size, size)) for holes in strokes])
    theirs = np.array([reference_ratio(rng, size, row) for _ in range(400)])
    error = math.hypot(ours.std(), theirs.std()) / math.sqrt(400)
    assert abs(ours.mean() - theirs.mean()) < 4 * error
    assert 0.8 < ours.std() / theirs.std() < 1.25


@pytest.mark.parametrize("size", [128, 320, 1024])
def test_other_sizes_scale_the_nearest_published_one(size: int) -> None:
    published = 256 if size < 384 else 512
    widths, reference = mean_width("lama_thick", size), mean_width("lama_thick", published)
    assert abs(widths / size - reference / published) < 0.02
