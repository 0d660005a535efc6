"""Corpora that state their labels in the names of folders and files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from pipelines.corpora.base import Found
from pipelines.labels import Annotation
from pipelines.sources.tree import Tree


def told_by_path(
    tree: Tree, picture: str | re.Pattern[str], told: Callable[[re.Match[str]], Annotation]
) -> Iterator[Found]:
    """Pictures whose path ends so, with what it tells; the whole match is the name by which one is known.

    Args:
        picture: how a picture's path ends.
        told: from the match to what it says.
    """
    seen: set[str] = set()
    for entry, found in tree.matching(picture):
        name = found[0].lstrip("/")
        if name in seen:  # the archive lies beside what was unpacked from it
            tree.listing.ignored["(also unpacked)"] += 1
            continue
        seen.add(name)
        yield entry, told(found)
