"""Members of one large JSON object, one after the other: a file of 255 MB is read with one member in memory.

`json.load` would hold all of it as Python objects, ten times its size. The price is that a fault is only met when
reading comes to it.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

_CHUNK = 1 << 20
MAX_MEMBER = 64 << 20
"""Characters of one member beyond which reading stops: a fault must not make it read on for ever."""


def json_members(stream: BinaryIO) -> Iterator[tuple[str, Any]]:
    """Name and value of each member of the object that a UTF-8 JSON file holds.

    Raises:
        ValueError: it is not one JSON object, or ends early; the text says after how many members.
    """
    text, count = _Text(stream), 0
    try:
        text.take("{")
        if text.peek() == "}":
            return
        while True:
            name = text.value()
            if not isinstance(name, str):
                raise ValueError(f"expected a name, found {name!r:.80}")
            text.take(":")
            yield name, text.value()
            count += 1
            if text.take(",}") == "}":
                break
        text.end()
    except ValueError as error:
        raise ValueError(f"{error}, after {count} members") from None


class _Text:
    """Characters of a stream, as far as they are needed."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._characters = codecs.getincrementaldecoder("utf-8-sig")()
        self._values = json.JSONDecoder()
        self._buffer, self._at, self._ended = "", 0, False

    def peek(self) -> str:
        """The next character that is no space, or "" at the end."""
        while True:
            rest = self._buffer[self._at : self._at + 64].lstrip()
            if rest:
                self._at = self._buffer.index(rest[0], self._at)
                return rest[0]
            self._at = min(self._at + 64, len(self._buffer))
            if self._at == len(self._buffer) and not self._more():
                return ""

    def take(self, wanted: str) -> str:
        """The next character, which must be one of these."""
        found = self.peek()
        if not found or found not in wanted:
            raise ValueError(f"expected {' or '.join(wanted)}, found {found or 'the end'}")
        self._at += 1
        return found

    def value(self) -> Any:
        """The next value."""
        self.peek()
        while True:
            try:
                value, end = self._values.raw_decode(self._buffer, self._at)
            except (ValueError, RecursionError):
                if not self._more():
                    raise ValueError("expected a value, found an error or the end") from None
                continue
            length = end - self._at
            # A number at the very end of what is read may go on: "1." and "1e+" are beginnings of "1.5" and "1e+5".
            if end + 3 > len(self._buffer) and self._more():
                continue
            self._at += length
            return value

    def end(self) -> None:
        if found := self.peek():
            raise ValueError(f"expected nothing more, found {found}")

    def _more(self) -> bool:
        """Reads on, twice as far as is waiting, so that a long value is not tried at every step."""
        waiting = self._buffer[self._at :]
        if self._ended or len(waiting) > MAX_MEMBER:
            return False
        more = self._stream.read(max(_CHUNK, len(waiting)))
        self._ended = not more
        self._buffer, self._at = waiting + self._characters.decode(more, final=self._ended), 0
        return not self._ended
