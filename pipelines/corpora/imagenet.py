"""ImageNet, the challenge of 2012: a tar of tars, or unpacked as others' programs leave it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pipelines.corpora.base import Corpus, Found, Table, bad_line, bad_row, join, lines, once, optional
from pipelines.errors import BadPicture, RecipeError
from pipelines.labels import Annotation, Labels, labels
from pipelines.matlab import load_mat
from pipelines.sources.base import Location
from pipelines.sources.tree import Entry, Tree

Synsets = dict[int, tuple[str, str]]
"""WordNet id and words of a class, by the number that the challenge gives it."""

Words = dict[str, str]
"""Words of a class, by its WordNet id."""

TRAIN = r"(n\d{8})(?:\.tar!)?/((?:n\d{8}_)?\d+)\.JPEG"
"""In a folder or tar of its class."""

VAL, TEST = r"(ILSVRC2012_val_(\d{8}))\.JPEG", r"(ILSVRC2012_test_(\d{8}))\.JPEG"
GROUND_TRUTH = "ILSVRC2012_validation_ground_truth.txt"
MAPPING, SOLUTION = "LOC_synset_mapping.txt", "LOC_val_solution.csv"
"""What the copy on Kaggle has instead of the devkit."""

_MAPPED = re.compile(r"(n\d{8}) (.+)")
_SOLVED = re.compile(r"(ILSVRC2012_val_\d{8}),(n\d{8})(?: .*)?")
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
        mapping = tree.find(MAPPING)
        synsets = {} if mapping else _synsets(tree)
        words = _mapped(tree, mapping) if mapping else dict(synsets.values())
        # Below a folder `val`, others' programs have sorted the validation pictures into folders by class.
        for entry, found in once(tree, TRAIN, lambda found: f"{found[1]}/{found[2]}"):
            yield entry, Annotation("train", _scene(found[1], words))
        yield from _validation(tree, synsets, words)
        for entry, _ in once(tree, TEST):
            yield entry, Annotation("test")


def _scene(wnid: str, words: Words) -> Labels:
    return labels(wnid=wnid, scene=words.get(wnid))


def _validation(tree: Tree, synsets: Synsets, words: Words) -> Iterator[Found | Location]:
    sorted_by_class = rf"(n\d{{8}})/{VAL}"
    in_folders = {found[2]: found[1] for _, found in tree.matching(sorted_by_class)}
    if in_folders:
        rows = {name: Annotation("val", _scene(wnid, words)) for name, wnid in in_folders.items()}
        yield from join(tree, VAL, Table(rows, complete=False), split="val")
        return
    if next(tree.matching(VAL), None) is None:
        tree.listing.notes.append(f"no validation pictures in {tree.root}")
        return
    solution = tree.find(SOLUTION)
    table = _solved(tree, solution, words) if solution else _ground_truth(tree, synsets, words)
    yield from join(tree, VAL, table, split="val")


def _ground_truth(tree: Tree, synsets: Synsets, words: Words) -> Table | None:
    """Class of each validation picture: line N belongs to picture N, whatever the lines before it hold."""
    entry = optional(tree, GROUND_TRUTH, "validation pictures have no class")
    if entry is None or not synsets:
        return None
    table = Table()
    for number, line in lines(tree, entry):
        synset = synsets.get(int(line)) if line.strip().isdecimal() else None
        expected = f"a class from 1 to {CLASSES}"
        table.rows[f"ILSVRC2012_val_{number:08d}"] = (
            Annotation("val", _scene(synset[0], words)) if synset else bad_row(entry, number, expected, line)
        )
    return table


def _solved(tree: Tree, entry: Entry, words: Words) -> Table:
    """Class of each validation picture: the first word of its boxes, all of which are of one class."""
    table = Table()
    for number, line in lines(tree, entry):
        found = _SOLVED.fullmatch(line.strip())
        if found:
            table.rows[found[1]] = Annotation("val", _scene(found[2], words))
        elif not line.startswith("ImageId,"):
            table.faults.append(bad_line(entry, number, "ILSVRC2012_val_00000001,n01751748 156 48 272 332", line))
    return table


def _mapped(tree: Tree, entry: Entry) -> Words:
    found = (_MAPPED.fullmatch(line.strip()) for _, line in lines(tree, entry))
    words = {match[1]: match[2] for match in found if match}
    if not words:
        raise RecipeError(f"{entry.path} in {tree.root}: expected lines such as 'n01440764 tench, Tinca tinca'")
    return words


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
