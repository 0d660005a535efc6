"""Frames, letterboxes and pillarboxes: lines at a picture's edge of one colour that end in a straight step.

The step is what tells a bar from a plain sky or a studio's backdrop: these end, somewhere, in the outline of things. So
a bar with subtitles, one that fades into the picture, and one beside which the picture has nearly its colour over
half the length stay unfound: the rule prefers to miss a bar to cutting a photograph.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipelines.imaging.colour import Picture
from pipelines.imaging.fit import Box

_TOLERANCE = 12
"""Levels by which a bar's pixels may differ from its colour: JPEG's noise at a quality of 50."""

_UNIFORM = 0.98
"""Share of a line's pixels that must keep to it."""

_STEP_SHARE = 0.5
"""Share of a line's length over which the picture must differ from the bar at once."""

_AHEAD = 8
"""Lines behind a bar in which it must: the rest of a JPEG's block, whose ringing may end the bar too early."""

_CHUNK = 32
_ROUNDS = 2
"""A frame around a letterbox needs two."""


def content_box(picture: Picture) -> Box:
    """What remains of a picture without its bars: (left, top, width, height)."""
    rows, columns = slice(0, picture.shape[0]), slice(0, picture.shape[1])
    for _ in range(_ROUNDS):
        rows = _without_bars(rows, picture[rows, columns])
        columns = _without_bars(columns, picture[rows, columns].transpose(1, 0, 2))
    return columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start


def _without_bars(span: slice, lines: Picture) -> slice:
    first = _depth(lines)
    return slice(span.start + first, span.stop - _depth(lines[first:][::-1]))


def _depth(lines: Picture) -> int:
    """Number of lines from the first that are a bar.

    Args:
        lines: (N, length, 3), a view with the outermost line first.
    """
    colour = np.median(lines[0], axis=0)
    depth = _uniform_lines(lines, colour)
    if depth in (0, len(lines)):
        return 0
    differs = _deviates(lines[depth : depth + _AHEAD], np.median(lines[depth - 1], axis=0)).any(axis=0)
    return depth if differs.mean() >= _STEP_SHARE else 0


def _uniform_lines(lines: Picture, colour: NDArray[np.float64]) -> int:
    """Number of lines that keep to a colour, counted from the first: of most photographs only that one is looked at."""
    start, size = 0, 1
    while start < len(lines):
        uneven = _deviates(lines[start : start + size], colour).mean(axis=1) > 1 - _UNIFORM
        if uneven.any():
            return start + int(uneven.argmax())
        start, size = start + size, _CHUNK
    return len(lines)


def _deviates(lines: Picture, colour: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where lines differ from a colour, in any channel, by more than the tolerance; (N, length)."""
    return (np.abs(lines.astype(np.int16) - np.round(colour).astype(np.int16)) > _TOLERANCE).any(axis=2)
