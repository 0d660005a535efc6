"""Frames, letterboxes and pillarboxes: lines at a picture's edge of one colour that end in a straight step.

The step is what tells a bar from a plain sky or a studio's backdrop: these end, somewhere, in the outline of things. So
a bar with subtitles, one that fades into the picture, and one beside which the picture has nearly its colour over
half the length stay unfound: the rule prefers to miss a bar to cutting a photograph.
"""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.imaging.colour import Picture
from pipelines.imaging.fit import Box

Colour = NDArray[np.int16]
"""(3,)."""

_TOLERANCE = 12
"""Levels by which a bar's pixels may differ from its colour: JPEG's noise at a quality of 50."""

_UNIFORM = 0.98
"""Share of a line's pixels that must keep to it."""

_STEP_SHARE = 0.5
"""Share of a line's length over which the picture must differ from the bar at once."""

_AHEAD = 8
"""Lines behind a bar in which it must: the rest of a JPEG's block, whose ringing may end the bar too early."""

_ASKED = 100
"""Pixels of a line from which its colour is taken."""

_OUTSIDE = 20
"""At the dark and the bright end one of so many may differ: some more than on the whole line."""

_CHUNK = 32
_ROUNDS = 2
"""A frame around a letterbox needs two."""


def content_box(picture: Picture) -> Box:
    """What remains of a picture without its bars: (left, top, width, height)."""
    rows, columns = slice(0, picture.shape[0]), slice(0, picture.shape[1])
    for _ in range(_ROUNDS):
        before = rows, columns
        rows = _without_bars(rows, picture[rows, columns])
        columns = _without_bars(columns, picture[rows, columns].transpose(1, 0, 2))
        if before == (rows, columns):
            break
    return columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start


def _without_bars(span: slice, lines: Picture) -> slice:
    first = _depth(lines)
    return slice(span.start + first, span.stop - _depth(lines[first:][::-1]))


def _depth(lines: Picture) -> int:
    """Number of lines from the first that are a bar.

    Args:
        lines: (N, length, 3), a view with the outermost line first.
    """
    if not len(lines) or not _may_be_bar(lines[0]):
        return 0
    colour = _middle(lines[0])
    depth = _uniform_lines(lines, colour)
    if depth in (0, len(lines)):
        return 0
    same = _keeps(lines[depth : depth + _AHEAD], _middle(lines[depth - 1])).all(axis=0)
    return depth if same.mean() <= 1 - _STEP_SHARE else 0


def _may_be_bar(line: Picture) -> bool:
    """Whether some pixels of a line are nearly all as green: of most photographs no more is looked at."""
    levels = np.sort(line[:: 1 + len(line) // _ASKED, 1])
    outside = len(levels) // _OUTSIDE
    return int(levels[-1 - outside]) - int(levels[outside]) <= 2 * _TOLERANCE


def _uniform_lines(lines: Picture, colour: Colour) -> int:
    """Number of lines that keep to a colour, counted from the first: of most photographs only that one is looked at."""
    start, size = 0, 1
    while start < len(lines):
        uneven = np.count_nonzero(_keeps(lines[start : start + size], colour), axis=1) < _UNIFORM * lines.shape[1]
        if uneven.any():
            return start + int(uneven.argmax())
        start, size = start + size, _CHUNK
    return len(lines)


def _middle(line: Picture) -> Colour:
    """Median of each channel of (length, 3), from some of its pixels: sorting all would take most of the time."""
    some = line[:: 1 + len(line) // _ASKED]
    return cast(Colour, np.sort(some, axis=0)[len(some) // 2].astype(np.int16))


def _keeps(lines: Picture, colour: Colour) -> NDArray[np.bool_]:
    """Where lines differ from a colour by no more than the tolerance in any channel; (N, length)."""
    within = cv2.inRange(np.ascontiguousarray(lines), colour - _TOLERANCE, colour + _TOLERANCE)
    return within > 0
