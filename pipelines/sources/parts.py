"""Archives that come in parts: `x.zip.001`, `x.tar.gz.aa`, `x.7z.part1`, and split zips, `x.z01` to `x.zip`.

Parts are nothing but pieces of one file, so they are read as one. The place of a picture in such an archive names all
its parts, with a sign between them that no percent-encoded name can hold.
"""

from __future__ import annotations

import io
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import BinaryIO, cast

from pipelines.ranged import Seekable
from pipelines.sources.base import Location

BETWEEN = "|"

_PART = re.compile(
    r"(?P<whole>.+\.(?:zip|tar\.gz|tar|tgz|7z))(?!\.[glx]z$)\.?(?:part[-_]?)?(?P<mark>\d{1,4}|[a-z]{2})$",
    re.IGNORECASE,
)
_SPLIT_ZIP = re.compile(r"(?P<whole>.+)\.z(?P<mark>\d{2,3})$", re.IGNORECASE)


def whole_of(file: str) -> tuple[str, str] | None:
    """Name of the archive that a file is a part of, and what tells the parts apart; None for other files."""
    if found := _SPLIT_ZIP.fullmatch(file):
        return f"{found['whole']}.zip", found["mark"]
    found = _PART.fullmatch(file)
    return (found["whole"], found["mark"].lower()) if found else None


def is_part(location: Location) -> bool:
    return not location.reason and whole_of(location.file) is not None


def of_one_archive(file: str, named: str) -> bool:
    """Whether a file is the named one, or a part of the archive that the named one is a part of."""
    return _name(file) == _name(named) and _is_numbered(file) == _is_numbered(named)


def _name(file: str) -> str:
    found = whole_of(file)
    return found[0] if found else file


def _is_numbered(file: str) -> bool:
    """Whether it is a part, but none of a split zip, whose last part is called like a whole archive."""
    return whole_of(file) is not None and not is_split_zip(file)


def together(archives: Iterable[Location], parts: Iterable[Location]) -> list[Location]:
    """Archives, with those that come in parts as one each.

    A part that is missing makes its archive unreadable: `archive_broken`, naming the part before the gap.
    """
    marked: dict[str, dict[str, Location]] = {}
    for part in parts:
        found = whole_of(part.file)
        assert found is not None, part
        marked.setdefault(found[0], {})[found[1]] = part
    # The last part of a split zip is called like a whole one.
    last = {archive.file: archive for archive in archives if archive.file in marked}
    whole = [archive for archive in archives if archive.file not in marked]
    return whole + [_join(name, pieces, last.get(name)) for name, pieces in sorted(marked.items())]


def is_split_zip(file: str) -> bool:
    """Whether the parts are those of a split zip, which tells places by part."""
    return _SPLIT_ZIP.fullmatch(file.split(BETWEEN, maxsplit=1)[0]) is not None


def _join(name: str, marked: dict[str, Location], last: Location | None) -> Location:
    order = sorted(marked, key=lambda mark: (len(mark), mark))
    pieces = [marked[mark] for mark in order] + ([last] if last else [])
    joined = replace(
        pieces[0],
        uri=name,
        file=BETWEEN.join(piece.file for piece in pieces),
        size=sum(piece.size for piece in pieces),
        mtime_ns=max(piece.mtime_ns for piece in pieces),
        etag=BETWEEN.join(piece.etag for piece in pieces).strip(BETWEEN),
    )
    gap = _gap(order)
    if is_split_zip(pieces[0].file) and last is None:
        gap = f"there is no {name}"
    return replace(joined, reason="archive_broken", detail=gap) if gap else joined


def _gap(order: list[str]) -> str:
    """What is missing in a row of marks, or ""."""
    numbers = [_number(mark) for mark in order]
    if numbers[0] > 1 or (numbers[0] == 1 and not order[0].isdecimal()):
        return f"the parts before {order[0]} are missing"
    for mark, now, after in zip(order, numbers, numbers[1:], strict=False):
        if after != now + 1:
            return f"the part after {mark} is missing"
    return ""


def _number(mark: str) -> int:
    """001 is 1; aa is 0, ab is 1, ba is 26."""
    if mark.isdecimal():
        return int(mark)
    number = 0
    for letter in mark:
        number = 26 * number + ord(letter) - ord("a")
    return number


class Joined(Seekable):
    """Several files as one stream; each is opened when it is first read."""

    def __init__(self, openers: Sequence[Callable[[], BinaryIO]], sizes: Sequence[int]) -> None:
        self._openers, self._ends = openers, list(accumulate(sizes))
        self._starts = [0, *self._ends[:-1]]
        self._open: dict[int, BinaryIO] = {}

    @property
    def size(self) -> int:
        return self._ends[-1]

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        number = bisect_right(self._ends, self._position)
        if number == len(self._ends):
            return 0
        stream = self._stream(number)
        stream.seek(self._position - self._starts[number])
        data = stream.read(min(len(buffer), self._ends[number] - self._position))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        for stream in self._open.values():
            stream.close()
        self._open.clear()
        super().close()

    def _stream(self, number: int) -> BinaryIO:
        if number not in self._open:
            self._open[number] = self._openers[number]()
        return self._open[number]


def joined_stream(openers: Sequence[Callable[[], BinaryIO]], sizes: Sequence[int]) -> BinaryIO:
    """The parts as one buffered stream."""
    return cast(BinaryIO, io.BufferedReader(Joined(openers, sizes), 1 << 18))
