"""Where faces wrinkle: lines across the forehead and between the brows, around eyes, nose and mouth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipelines.damage.holes import integer
from pipelines.damage.skin import Frame, Points, Skin

STEPS = 12
"""Parts of a line."""

SHORTEST = 0.12
"""In units of the face: what is left of a line where it runs into hair or an eye is drawn from here on."""

Lines = list[Points]


def lines(rng: np.random.Generator, skin: Skin, reach: float) -> Lines:
    """Wrinkles of one kind, each (N, 2) from end to end, wholly on skin; none where there is no room.

    Source: the usual names of facial rhytids, as surveyed by Batool and Chellappa (2015); places are set by hand from
    the 68 points.

    Args:
        reach: units that must be skin around a line.
    """
    field = FIELDS[integer(rng, 0, len(FIELDS) - 1)]
    drawn = [_uneven(rng, path, skin.frame.unit) for path in field(rng, skin.frame)]
    return [part for path in drawn if (part := _on_skin(path, skin, reach)) is not None]


def _forehead(rng: np.random.Generator, frame: Frame) -> Lines:
    """Two to four lines from side to side, over the brows and after their curve."""
    brows, count = frame.points[17:27], integer(rng, 2, 4)
    flat = np.linspace(brows[1], brows[-2], len(brows))
    lifts = np.linspace(rng.uniform(0.2, 0.26), rng.uniform(0.36, 0.5), count) + rng.normal(0, 0.015, count)
    paths = []
    for lift in lifts:
        path = 0.45 * brows + 0.55 * flat - frame.down * frame.unit * lift
        start, end = sorted(rng.uniform(0, 0.35, 2)), sorted(rng.uniform(0.65, 1.0, 2))
        paths.append(_between(path, start[0], end[1]))
    return paths


def _frown(rng: np.random.Generator, frame: Frame) -> Lines:
    """One or two short upright lines between the brows."""
    inner = frame.points[21:23]
    foot, gap = inner.mean(axis=0) + frame.down * 0.16 * frame.unit, inner[1] - inner[0]
    sides = (-0.2, 0.22) if rng.random() < 0.7 else (rng.uniform(-0.1, 0.1),)
    paths = []
    for side in sides:
        start = foot + gap * side * rng.uniform(0.7, 1.2)
        bend = gap * side * 0.4
        end = start - frame.down * frame.unit * rng.uniform(0.22, 0.36) + bend
        paths.append(_curve(start, (start + end) / 2 - bend / 3, end))
    return paths


def _crow_feet(rng: np.random.Generator, frame: Frame) -> Lines:
    """Lines that spread from the outer corners of the eyes."""
    paths = []
    for corner, eye in ((36, slice(36, 42)), (45, slice(42, 48))):
        outward = frame.points[corner] - frame.points[eye].mean(axis=0)
        outward /= np.hypot(*outward) + 1e-6
        count = integer(rng, 2, 4)
        for angle in np.linspace(-0.55, 0.75, count) + rng.normal(0, 0.08, count):
            # Away from the eye, and above 0 down the face on either side.
            ahead = outward * np.cos(angle) + frame.down * np.sin(angle)
            start = frame.points[corner] + ahead * frame.unit * rng.uniform(0.1, 0.16)
            end = start + ahead * frame.unit * rng.uniform(0.16, 0.32)
            paths.append(_curve(start, (start + end) / 2 + frame.down * 0.02 * frame.unit, end))
    return paths


def _under_eyes(rng: np.random.Generator, frame: Frame) -> Lines:
    """One or two lines below each eye, after the lower lid."""
    paths = []
    for lid in ((36, 41, 40, 39), (42, 47, 46, 45)):
        for step in range(integer(rng, 1, 2)):
            drop = frame.down * frame.unit * (rng.uniform(0.13, 0.17) + 0.09 * step)
            path = frame.points[list(lid)] + drop * np.array([[0.8], [1.1], [1.1], [0.8]])
            paths.append(_between(_smooth(path), rng.uniform(0, 0.25), rng.uniform(0.7, 1)))
    return paths


def _nasolabial(rng: np.random.Generator, frame: Frame) -> Lines:
    """The fold from each wing of the nose past the corner of the mouth."""
    paths = []
    for wing, corner, side in ((31, 48, -1), (35, 54, 1)):
        out = frame.across * side * frame.unit
        start = frame.points[wing] + out * 0.1 - frame.down * 0.12 * frame.unit
        end = frame.points[corner] + out * 0.15 + frame.down * rng.uniform(-0.08, 0.06) * frame.unit
        paths.append(_curve(start, (start + end) / 2 + out * 0.12 - frame.down * 0.04 * frame.unit, end))
    return paths


def _marionette(rng: np.random.Generator, frame: Frame) -> Lines:
    """From the corners of the mouth down."""
    paths = []
    for corner, side in ((48, -1), (54, 1)):
        start = frame.points[corner] + frame.across * side * 0.05 * frame.unit + frame.down * 0.08 * frame.unit
        end = start + frame.down * frame.unit * rng.uniform(0.18, 0.3) + frame.across * side * 0.05 * frame.unit
        paths.append(_curve(start, (start + end) / 2 + frame.across * side * 0.03 * frame.unit, end))
    return paths


FIELDS: tuple[Callable[[np.random.Generator, Frame], Lines], ...] = (
    *(_forehead, _forehead, _frown, _crow_feet, _crow_feet, _under_eyes, _nasolabial, _nasolabial, _marionette),
)
"""What a face is given; those seen most stand twice."""


def _curve(start: Points, middle: Points, end: Points) -> Points:
    """A quadratic curve that is drawn towards `middle`."""
    along = np.linspace(0, 1, STEPS + 1)[:, None]
    path: Points = (1 - along) ** 2 * start + 2 * along * (1 - along) * middle + along**2 * end
    return path


def _smooth(path: Points) -> Points:
    """A path with its corners rounded, by cutting them twice (Chaikin)."""
    for _ in range(2):
        quarters = np.stack([0.75 * path[:-1] + 0.25 * path[1:], 0.25 * path[:-1] + 0.75 * path[1:]], axis=1)
        path = np.concatenate([path[:1], quarters.reshape(-1, 2), path[-1:]])
    return path


def _between(path: Points, start: float, end: float) -> Points:
    """The part of a path between two shares of its points, in `STEPS` parts."""
    places = np.linspace(start, end, STEPS + 1) * (len(path) - 1)
    numbers = np.arange(len(path))
    return np.stack([np.interp(places, numbers, axis) for axis in path.T], axis=1)


def _uneven(rng: np.random.Generator, path: Points, unit: float) -> Points:
    """Waves that grow and shrink slowly, as skin does between its ties."""
    waves = np.cumsum(rng.normal(0, 0.006, len(path)))
    steps = np.gradient(path, axis=0)
    across = steps[:, ::-1] * (-1, 1) / (np.hypot(*steps.T)[:, None] + 1e-6)
    uneven: Points = path + across * (waves - np.linspace(waves[0], waves[-1], len(path)))[:, None] * unit
    return uneven


def _on_skin(path: Points, skin: Skin, reach: float) -> Points | None:
    """The longest part of a path that lies on skin; None if it is too short to be seen as a line."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], skin.depths(path) > reach, [False]]).astype(np.int8)))
    if not len(edges):
        return None
    runs = edges.reshape(-1, 2)
    start, end = runs[int(np.argmax(runs[:, 1] - runs[:, 0]))]
    part = path[start:end]
    length = float(np.hypot(*np.diff(part, axis=0).T).sum())
    return part if length >= SHORTEST * skin.frame.unit else None
