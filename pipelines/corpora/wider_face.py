"""WIDER FACE: 32,203 pictures of 61 kinds of events, with a box and six attributes for each of 393,703 faces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Literal

from pipelines.corpora.base import Corpus, Found, Table, bad_line, bad_row, join, lines, optional
from pipelines.labels import Annotation, Face, box_of, labels, labels_of_all
from pipelines.sources.base import Location
from pipelines.sources.tree import Entry, Tree

SPLITS = ("train", "val", "test")
NUMBERS = "x y width height blur expression illumination invalid occlusion pose"
WORDS = {
    "blur": ("clear", "normal", "heavy"),
    "expression": ("typical", "exaggerate"),
    "illumination": ("normal", "extreme"),
    "occlusion": ("none", "partial", "heavy"),
    "pose": ("typical", "atypical"),
}

PICTURE = r"(WIDER_{split}/images/\d+--[^/]+/[^/]+\.jpg)"
_NAME = re.compile(r"\d+--[^/]+/[^/]+\.jpg")

Block = tuple[int, str, list[str]]
"""Number of a picture's line, its name, and the lines below it."""


class WiderFace(Corpus):
    """WIDER FACE (Yang et al., CVPR 2016)."""

    corpus: Literal["wider-face"]
    expects: ClassVar[str] = "WIDER_train/images/0--Parade/0_Parade_Parade_0_1.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(PICTURE.format(split="(?:train|val|test)"))
    files: ClassVar = {
        "wider_face_train_bbx_gt.txt": "training pictures have no boxes",
        "wider_face_val_bbx_gt.txt": "validation pictures have no boxes",
        "wider_face_test_filelist.txt": "missing test pictures are not noticed",
    }

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        for split, name in zip(SPLITS, self.files, strict=True):
            pattern = PICTURE.format(split=split)
            if next(tree.matching(pattern), None) is None:
                tree.listing.notes.append(f"no pictures of WIDER_{split} in {tree.root}: {name} is not used")
                continue
            entry = optional(tree, name, self.files[name])
            yield from join(tree, pattern, _table(tree, entry, split) if entry else None, split=split)


def _table(tree: Tree, entry: Entry, split: str) -> Table:
    table = Table()
    read = _listed if split == "test" else _annotated
    for number, name, below in _blocks(tree, entry, table):
        row = read(entry, number, below)
        event = name.partition("--")[2].partition("/")[0]
        table.rows[f"WIDER_{split}/images/{name}"] = replace(row, labels={**row.labels, "event": event})
    return table


def _blocks(tree: Tree, entry: Entry, table: Table) -> Iterator[Block]:
    """Pictures with the lines below them; a damaged line costs its own picture, whatever its count says."""
    block: Block | None = None
    for number, line in lines(tree, entry):
        if _NAME.fullmatch(line.strip()):
            if block:
                yield block
            block = (number, line.strip(), [])
        elif block:
            block[2].append(line)
        else:
            table.faults.append(bad_line(entry, number, "a picture such as 0--Parade/0_Parade_Parade_0_1.jpg", line))
    if block:
        yield block


def _listed(entry: Entry, number: int, below: list[str]) -> Annotation:
    return bad_row(entry, number, "a picture in each line", below[0]) if below else Annotation()


def _annotated(entry: Entry, number: int, below: list[str]) -> Annotation:
    try:
        count, faces = int(below[0]), [_face(line) for line in below[1:]]
    except (IndexError, ValueError):
        return bad_row(entry, number, f"a count, then lines of {NUMBERS}", " | ".join(below[:3]))
    # A picture without faces has the count 0 and one line of zeros all the same.
    if count == 0 and len(faces) == 1 and not below[1].replace("0", "").strip():
        faces = []
    if count != len(faces):
        return bad_row(entry, number, f"{count} lines of faces", f"{len(faces)} lines")
    return Annotation(labels=labels_of_all(faces), faces=faces)


def _face(line: str) -> Face:
    x, y, width, height, blur, expression, illumination, invalid, occlusion, pose = map(int, line.split())
    codes = {
        "blur": blur, "expression": expression, "illumination": illumination, "occlusion": occlusion, "pose": pose
    }  # fmt: skip
    if not all(0 <= code < len(WORDS[name]) for name, code in codes.items()):
        raise ValueError(line)
    box = box_of(x, y, width, height)
    said = labels(invalid=invalid == 1 or box is None, **{name: WORDS[name][code] for name, code in codes.items()})
    return Face(box, labels=said)
