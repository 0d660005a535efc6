"""Landmarks in files of their own: lines of numbers, and the two formats that are called `.pts`.

A file that does not hold what it should is told by ValueError, whose text says what was expected and what came;
the adapter turns it into a counted reason of one picture.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable

Points = list[tuple[float, float]]

_SEPARATOR = re.compile(r"\s*,\s*|\s+")


def points_of_lines(lines: Iterable[str], size: int) -> Points:
    """Points from lines such as `x , y` or `x y`; empty lines are passed over.

    Raises:
        ValueError: a line is not two numbers, or the lines are not `size`.
    """
    return _checked([_pair(line) for line in lines if line.strip()], size)


def points_of_counted(data: bytes, size: int) -> Points:
    """Points from a text whose first line is how many there are, as LaPa has them.

    Raises:
        ValueError: it says another number, or does not hold what it says.
    """
    count, *lines = data.decode("utf-8-sig").splitlines() or [""]
    if count.strip() != str(size):
        raise ValueError(f"expected {size} in the first line, found {count!r:.80}")
    return points_of_lines(lines, size)


def points_of_pts(data: bytes, size: int) -> Points:
    """Points of a `.pts` file, either kind.

    The text kind (iBUG, Menpo) has `version:`, `n_points:` and lines of two numbers between braces. The binary kind
    (SCUT-FBP5500, FaceGen) is a little-endian 32-bit integer and then x and y of each point as 32-bit floats.

    Raises:
        ValueError: it is neither, or holds another number of points.
    """
    if data.lstrip().startswith(b"version"):
        return points_of_lines(_between_braces(data.decode("utf-8")), size)
    if len(data) != 4 + 8 * size:
        raise ValueError(f"expected {4 + 8 * size} bytes, found {len(data)}")
    return _checked(list(struct.iter_unpack("<2f", data[4:])), size)


def _between_braces(text: str) -> list[str]:
    found = re.search(r"\{(.*)\}", text, re.DOTALL)
    if found is None:
        raise ValueError("expected points between braces, found none")
    return found[1].splitlines()


def _pair(line: str) -> tuple[float, float]:
    fields = _SEPARATOR.split(line.strip())
    try:
        x, y = (float(field) for field in fields)
    except ValueError:
        raise ValueError(f"expected two numbers, found {line.strip()!r:.80}") from None
    return x, y


def _checked(points: Points, size: int) -> Points:
    if len(points) != size:
        raise ValueError(f"expected {size} points, found {len(points)}")
    if not all(math.isfinite(number) for point in points for number in point):
        raise ValueError("expected finite numbers, found NaN or infinity")
    return points
