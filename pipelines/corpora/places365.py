"""Places365, the public part of Places2: scenes in 365 classes, squeezed to 256 x 256 or large.

The training set of the challenge comes as one archive like the standard one, as one of archives by letter, or as these
by themselves (`a.tar` to `z.tar`, without q and x).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from pipelines.corpora.base import Corpus, Found, Table, bad_line, bad_row, join, lines, optional
from pipelines.labels import Annotation, labels
from pipelines.sources.base import Location
from pipelines.sources.tree import Tree

CATEGORIES = "categories_places365.txt"
_CATEGORY = re.compile(r"(/[a-z]/\S+) (\d+)")
_VAL = re.compile(r"(Places365_val_\d{8}\.jpg) (\d+)")
_TEST = re.compile(r"Places365_test_\d{8}\.jpg")

Categories = dict[int, str]


class Places365(Corpus):
    """Places365 (Zhou et al., TPAMI 2018)."""

    corpus: Literal["places365"]
    size: Literal["small", "large"] = Field("small", description="small: squeezed to 256 x 256; large: as found.")
    training: Literal["standard", "challenge"] = Field("standard", description="Which training set the list must name.")

    expects: ClassVar[str] = "data_256/a/airfield/00000001.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(
        r"(?:(?:data_(?:256|large)(?:_standard|_challenge)?|[a-z]\.tar!)/[a-z]/[^/]+(?:/[^/]+)?/\d{8}"
        r"|(?:val_(?:256|large)/)?Places365_val_\d{8}|(?:test_(?:256|large)/)?Places365_test_\d{8})\.jpg"
    )
    files: ClassVar = {
        CATEGORIES: "validation pictures have no class",
        "places365_val.txt": "validation pictures have no class",
        "places365_test.txt": "missing test pictures are not noticed",
        "places365_train_standard.txt": "missing training pictures are not noticed",
    }

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        folder = "256" if self.size == "small" else "large"
        yield from self._train(tree, folder)
        for split in ("val", "test"):
            # The archives are flat; unpacked, their pictures lie in a folder of the archive's name.
            pattern = rf"{split}_{folder}(?:\.tar!)?/(?:{split}_{folder}/)?(Places365_{split}_\d{{8}}\.jpg)"
            if next(tree.matching(pattern), None) is None:
                tree.listing.notes.append(f"no {split} pictures such as {split}_{folder}/ in {tree.root}")
            else:
                yield from join(tree, pattern, _validation(tree) if split == "val" else _test(tree), split=split)

    def _train(self, tree: Tree, folder: str) -> Iterator[Found | Location]:
        above = rf"data_{folder}(?:_{self.training})?|{_letters(folder, self.training)}"
        pattern = rf"(?:{above})(/[a-z]/(?:[^/]+/){{1,2}}\d{{8}}\.jpg)"
        if next(tree.matching(pattern), None) is None:
            tree.listing.notes.append(f"no training pictures such as data_{folder}/a/airfield/ in {tree.root}")
            return
        for found in join(tree, pattern, self._listed(tree), split="train"):
            yield _with_scene(found) if isinstance(found, tuple) else found

    def _listed(self, tree: Tree) -> Table | None:
        entry = optional(tree, f"places365_train_{self.training}.txt", "missing training pictures are not noticed")
        if entry is None:
            return None
        # A subset of a million pictures is common: what the list does not name is another training set.
        table, listed = Table(), Annotation("train")
        for number, line in lines(tree, entry):
            name, _, category = line.strip().rpartition(" ")
            if name.startswith("/") and category.isdecimal():
                table.rows[name] = listed  # one for all: the challenge's list has eight million lines
            else:
                table.faults.append(bad_line(entry, number, "a picture such as /a/airfield/00000001.jpg 0", line))
        return table


def _letters(folder: str, training: str) -> str:
    """Paths of archives by letter: inside the whole archive; by themselves only the challenge's large pictures are."""
    inside = rf"train_{folder}_places365{training}\.tar!/(?:[^/]+/)*[a-z]\.tar!"
    alone = r"(?<!!/)[a-z]\.tar!"
    return f"{inside}|{alone}" if (folder, training) == ("large", "challenge") else inside


def _with_scene(found: Found) -> Found:
    """The class is the path between the letter and the number: `b/botanical_garden`, `c/canal/natural`."""
    entry, annotation = found
    if annotation.reason:
        return found
    scene = re.split(r"/[a-z]/", entry.path)[-1].rpartition("/")[0]
    return entry, Annotation("train", labels(scene=scene))


def _validation(tree: Tree) -> Table | None:
    entry, categories = tree.find("places365_val.txt"), _categories(tree)
    if entry is None or not categories:
        tree.listing.notes.append(
            f"no places365_val.txt or {CATEGORIES} in {tree.root}: no classes of validation pictures"
        )
        return None
    table = Table()
    for number, line in lines(tree, entry):
        found = _VAL.fullmatch(line.strip())
        if found is None:
            table.faults.append(bad_line(entry, number, "Places365_val_00000001.jpg 165", line))
            continue
        scene = categories.get(int(found[2]))
        table.rows[found[1]] = (
            Annotation("val", labels(scene=scene)) if scene else bad_row(entry, number, "a number from 0 to 364", line)
        )
    return table


def _test(tree: Tree) -> Table | None:
    entry = optional(tree, "places365_test.txt", "missing test pictures are not noticed")
    if entry is None:
        return None
    table, listed = Table(), Annotation("test")
    for number, line in lines(tree, entry):
        if _TEST.fullmatch(line.strip()):
            table.rows[line.strip()] = listed
        else:
            table.faults.append(bad_line(entry, number, "Places365_test_00000001.jpg", line))
    return table


def _categories(tree: Tree) -> Categories:
    entry = optional(tree, CATEGORIES, "validation pictures have no class")
    if entry is None:
        return {}
    found = (_CATEGORY.fullmatch(line.strip()) for _, line in lines(tree, entry))
    return {int(match[2]): match[1][3:] for match in found if match}
