"""ImageNet, the challenge of 2012: a tar of tars, or unpacked as others' programs leave it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pipelines.corpora.base import Corpus, Found, Table, bad_row, join, lines, once, optional
from pipelines.errors import BadPicture, RecipeError
from pipelines.labels import Annotation, labels
from pipelines.matlab import load_mat
from pipelines.sources.base import Location
from pipelines.sources.tree import Tree

Synsets = dict[int, tuple[str, str]]
"""WordNet id and words of a class, by the number that the challenge gives it."""

TRAIN = r"(n\d{8})(?:\.tar!)?/((?:n\d{8}_)?\d+)\.JPEG"
"""In a folder or tar of its class."""

VAL, TEST = r"(ILSVRC2012_val_(\d{8}))\.JPEG", r"(ILSVRC2012_test_(\d{8}))\.JPEG"
GROUND_TRUTH = "ILSVRC2012_validation_ground_truth.txt"
CLASSES = 1000
"""Of the 1,860 synsets in meta.mat the first thousand are classes, the others their ancestors."""


class ImageNet(Corpus):
    """ImageNet (Russakovsky et al., IJCV 2015), ILSVRC 2012."""

    corpus: Literal["imagenet"]
    expects: ClassVar[str] = "n01440764/n01440764_10026.JPEG"
    picture: ClassVar[re.Pattern[str]] = re.compile(rf"(?:{TRAIN}|{VAL}|{TEST})")
    files: ClassVar = {
        "meta.mat": "classes have no words, and validation pictures no class",
        GROUND_TRUTH: "validation pictures have no class",
    }

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        synsets = _synsets(tree)
        words = dict(synsets.values())
        # Below a folder `val`, others' programs have sorted the validation pictures into folders by class.
        for entry, found in once(tree, TRAIN, lambda found: f"{found[1]}/{found[2]}"):
            yield entry, Annotation("train", _scene(found[1], words))
        yield from _validation(tree, synsets)
        for entry, _ in once(tree, TEST):
            yield entry, Annotation("test")


def _scene(wnid: str, words: dict[str, str]) -> dict[str, str | int | float | bool]:
    return labels(wnid=wnid, scene=words.get(wnid))


def _validation(tree: Tree, synsets: Synsets) -> Iterator[Found | Location]:
    words = dict(synsets.values())
    sorted_by_class = rf"(n\d{{8}})/{VAL}"
    in_folders = {found[2]: found[1] for _, found in tree.matching(sorted_by_class)}
    if in_folders:
        rows = {name: Annotation("val", _scene(wnid, words)) for name, wnid in in_folders.items()}
        yield from join(tree, VAL, Table(rows, complete=False), split="val")
        return
    if next(tree.matching(VAL), None) is None:
        tree.listing.notes.append(f"no validation pictures in {tree.root}")
        return
    yield from join(tree, VAL, _ground_truth(tree, synsets), split="val")


def _ground_truth(tree: Tree, synsets: Synsets) -> Table | None:
    """Class of each validation picture: line N belongs to picture N."""
    entry = optional(tree, GROUND_TRUTH, "validation pictures have no class")
    if entry is None or not synsets:
        return None
    table, words = Table(), dict(synsets.values())
    for number, (place, line) in enumerate(lines(tree, entry), 1):
        name = f"ILSVRC2012_val_{number:08d}"
        synset = synsets.get(int(line)) if line.strip().isdecimal() else None
        expected = f"a class from 1 to {CLASSES}"
        table.rows[name] = (
            Annotation("val", _scene(synset[0], words)) if synset else bad_row(entry, place, expected, line)
        )
    return table


def _synsets(tree: Tree) -> Synsets:
    entry = optional(tree, "meta.mat", "classes have no words, and validation pictures no class")
    if entry is None:
        return {}
    try:
        found = load_mat(tree.read(entry), ["synsets"])["synsets"]
        rows = [(int(row["ILSVRC2012_ID"]), (str(row["WNID"]), str(row["words"]))) for row in found]
    except (BadPicture, ValueError, KeyError, TypeError) as error:
        raise RecipeError(f"{entry.path} in {tree.root} cannot be read: {error}") from None
    return {number: synset for number, synset in rows if number <= CLASSES}
