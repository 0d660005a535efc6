"""Files that belong to one picture each, such as a label map or a text with its landmarks, found by the picture's name.

A file that lies unpacked wins over the same one in an archive, as it does for pictures. One that cannot be had
counts as absent: the picture is usable without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from pipelines.sources.base import Location
from pipelines.sources.tree import Entry, Tree


def first_group(found: re.Match[str]) -> str:
    return found[1]


def texts_beside(
    tree: Tree, pattern: str | re.Pattern[str], key: Callable[[re.Match[str]], str] = first_group
) -> dict[str, Entry]:
    """Annotation files, by the name of their picture.

    Args:
        pattern: how a file's path ends.
        key: from the match to the picture's name.
    """
    found: dict[str, Entry] = {}
    for entry, match in tree.find_all(pattern):
        found.setdefault(key(match), entry)
    return found


def maps_beside(
    tree: Tree, pattern: str | re.Pattern[str], key: Callable[[re.Match[str]], str] = first_group
) -> dict[str, Location]:
    """Label maps, by the name of their picture; arguments as those of `texts_beside`."""
    found: dict[str, Location] = {}
    for entry, match in tree.matching(pattern):
        if not entry.location.reason:
            found.setdefault(key(match), entry.location)
    return found
