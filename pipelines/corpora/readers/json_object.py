"""Members of one large JSON object, one after the other: the objects made of a file are ten times its size."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

_SPACE = re.compile(r"\s*")
_DECODER = json.JSONDecoder()


def json_members(stream: BinaryIO) -> Iterator[tuple[str, Any]]:
    """Name and value of each member of the object that a UTF-8 JSON file holds.

    Raises:
        ValueError: it is not one JSON object, or ends early.
    """
    text = stream.read().decode("utf-8-sig")
    at = _after(text, 0, "{")
    while True:
        name, at = _DECODER.raw_decode(text, _SPACE.match(text, at).end())  # type: ignore[union-attr]
        value, at = _DECODER.raw_decode(text, _SPACE.match(text, _after(text, at, ":")).end())  # type: ignore[union-attr]
        yield name, value
        at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
        if text[at : at + 1] == "}":
            return
        at = _after(text, at, ",")


def _after(text: str, at: int, sign: str) -> int:
    """Position behind a sign that must be next."""
    start = text.find(sign, at)
    if start < 0 or text[at:start].strip():
        raise ValueError(f"expected {sign!r} at character {at}")
    return start + 1
