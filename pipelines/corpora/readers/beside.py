"""Files that belong to one picture each, such as a label map or a text with its landmarks, found by the picture's name.

A file that lies unpacked wins over the same one in an archive, as it does for pictures. One that cannot be had
counts as absent: the picture is usable without it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection

from pipelines.corpora.base import bad_file
from pipelines.corpora.readers.points import Points
from pipelines.errors import BadPicture
from pipelines.labels import Annotation, Face
from pipelines.landmarks import SCHEMES
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


def masks_beside(
    tree: Tree, pattern: str | re.Pattern[str], key: Callable[[re.Match[str]], tuple[str, str]]
) -> dict[str, dict[str, Location]]:
    """Masks of single classes, by the name of their picture and by class.

    Args:
        pattern: how a file's path ends.
        key: from the match to the picture's name and the class.
    """
    found: dict[str, dict[str, Location]] = defaultdict(dict)
    for entry, match in tree.matching(pattern):
        if not entry.location.reason:
            picture, part = key(match)
            found[picture].setdefault(part, entry.location)
    return dict(found)


def landmarks_beside(tree: Tree, entry: Entry, scheme: str, read: Callable[[bytes, int], Points]) -> Annotation:
    """Landmarks of one picture from its own file, or why they cannot be read.

    Args:
        scheme: one of `landmarks.SCHEMES`.
        read: from the file's bytes and the number of points in the scheme to the points, or ValueError.
    """
    try:
        points = read(tree.read(entry), SCHEMES[scheme].size)
    except (BadPicture, ValueError) as error:
        return bad_file(entry, error)
    return Annotation(faces=[Face(scheme=scheme, points=points)])


def note_missing(tree: Tree, pictures: Collection[str], found: Collection[str], what: str) -> None:
    """Tells how many pictures have no such file beside them; they are usable without it."""
    missing = sum(name not in found for name in pictures)
    if missing:
        tree.listing.notes.append(f"{missing} of {len(pictures)} pictures in {tree.root} have no {what}")
