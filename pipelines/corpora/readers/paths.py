"""Corpora that state their labels in the names of folders and files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from pipelines.corpora.base import Found, merged
from pipelines.labels import Annotation
from pipelines.sources.base import Location
from pipelines.sources.tree import Entry, Tree


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


def also_told(found: Iterable[Found | Location], told: Callable[[Entry], Annotation]) -> Iterator[Found | Location]:
    """Pictures joined with a table, and besides what their path tells; faults pass."""
    for item in found:
        if isinstance(item, Location):
            yield item
        else:
            entry, annotation = item
            yield entry, merged([told(entry), annotation])
