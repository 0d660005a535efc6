"""SVHN: house numbers from street views, as digits cut to 32 x 32 in MATLAB arrays, or as full frames."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field

from pipelines.corpora.base import Corpus, Found, Table, bad_line, join
from pipelines.errors import BadPicture, RecipeError
from pipelines.labels import Annotation, labels
from pipelines.matlab import load_mat
from pipelines.sources.archive import ArchiveBroken
from pipelines.sources.base import Location
from pipelines.sources.mat import list_mat
from pipelines.sources.tree import Entry, Tree

SPLITS = {"train": "train", "extra": "train", "test": "test"}


class Svhn(Corpus):
    """SVHN (Netzer et al., NIPS workshop 2011)."""

    corpus: Literal["svhn"]
    cropped: bool = Field(True, description="Read the digits of 32 pixels; false reads the full frames.")
    extra: bool = Field(False, description="Read the easier, larger `extra` set too, as training pictures.")

    expects: ClassVar[str] = "train_32x32.mat"
    picture: ClassVar[re.Pattern[str]] = re.compile(r"((?:train|test|extra)/\d+\.png|(?:train|test|extra)_32x32\.mat)")
    files: ClassVar = {"digitStruct.mat": "full frames have no digits"}

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        sets = [name for name in SPLITS if self.extra or name != "extra"]
        for name in sets:
            yield from _cropped(tree, name) if self.cropped else _frames(tree, name)


def _cropped(tree: Tree, name: str) -> Iterator[Found | Location]:
    entry = tree.find(f"{name}_32x32.mat")
    if entry is None:
        tree.listing.notes.append(f"no {name}_32x32.mat in {tree.root}: that set is not read")
        return
    try:
        span = tree.span(entry)
        with span.stream as stream:
            whole = replace(entry.location, offset=span.offset, stored_size=span.size)
            for location, digit in list_mat(stream, whole, "X", "y"):
                # Zero is stored as 10, because MATLAB counts from one.
                stated = labels(digit=int(digit) % 10)
                yield Entry(f"{entry.path}#{location.row}", location), Annotation(SPLITS[name], stated)
    except (BadPicture, ArchiveBroken) as error:
        raise RecipeError(f"{entry.path} in {tree.root} cannot be read: {error}") from None


def _frames(tree: Tree, name: str) -> Iterator[Found | Location]:
    pattern = rf"{name}/(\d+\.png)"
    if next(tree.matching(pattern), None) is None:
        tree.listing.notes.append(f"no pictures such as {name}/1.png in {tree.root}: that set is not read")
        return
    entry = tree.find(f"{name}/digitStruct.mat")
    if entry is None:
        tree.listing.notes.append(f"no {name}/digitStruct.mat in {tree.root}: full frames have no digits")
    table = _digits(tree, entry, SPLITS[name]) if entry else None
    yield from join(tree, pattern, table, split=SPLITS[name])


def _digits(tree: Tree, entry: Entry, split: str) -> Table:
    """What digitStruct says: of every frame its name, and of every digit its value and box."""
    table = Table()
    try:
        # Boxes are left where they are: reading them takes three times as long.
        frames = load_mat(tree.read(entry), ["digitStruct"], ["name", "bbox", "label"])["digitStruct"]
        named = list(zip(_several(frames["name"]), _several(frames["bbox"]), strict=True))
    except (BadPicture, ValueError, KeyError, TypeError) as error:
        raise RecipeError(f"{entry.path} in {tree.root} cannot be read: {error}") from None
    for number, (frame, digits) in enumerate(named, 1):
        try:
            value = "".join(str(int(digit) % 10) for digit in _several(digits["label"]))
        except (ValueError, KeyError, TypeError):
            table.faults.append(bad_line(entry, number, "label, left, top, width and height", repr(digits)))
        else:
            table.rows[frame] = Annotation(split, labels(digits=value))
    return table


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
