"""What the columns of a CSV hold besides texts, told by all their cells: age >= 18 needs a number.

pandas does the same while it reads, but on a million rows it would hold them all. It departs from pandas in one thing:
007 stays a text, and so does whatever a number of 64 bits cannot hold, because such cells are most often identifiers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_WHOLE = r"(?:0|[1-9]\d{0,17})"
_KINDS = {
    "truth": re.compile(r"true|false", re.IGNORECASE),
    "whole": re.compile(rf"[+-]?{_WHOLE}"),
    "number": re.compile(rf"[+-]?(?:{_WHOLE}(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{{1,3}})?"),
}
"""How cells look, the narrower kinds first; a column is of the first kind that all its cells fit, else text."""

_MAKE: dict[str, Callable[[str], Any]] = {"truth": lambda cell: cell.lower() == "true", "whole": int, "number": float}

_MISSING = frozenset({"", "NA", "N/A", "NaN", "nan", "null"})
"""Cells that say nothing, in columns that are not of texts."""


class ColumnKinds:
    """Kinds of the columns of one file; cells are shown first, and made values when all have been shown."""

    def __init__(self) -> None:
        self._possible: dict[str, list[str]] = {}

    def learn(self, cells: Mapping[str, Any]) -> None:
        """Takes note of a row."""
        for name, cell in cells.items():
            possible = self._possible.setdefault(name, list(_KINDS))
            if possible and cell.strip() not in _MISSING:
                self._possible[name] = [kind for kind in possible if _KINDS[kind].fullmatch(cell.strip())]

    def value(self, name: str, cell: str) -> Any:
        """The value of a cell; None where it says nothing."""
        possible, cell = self._possible[name], cell.strip()
        if not possible:
            return cell
        return None if cell in _MISSING else _MAKE[possible[0]](cell)
