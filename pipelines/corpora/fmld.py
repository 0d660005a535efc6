"""FMLD: who wears a mask and how, for 63,072 faces of MAFA and WIDER FACE, with sex, ethnicity and pose.

Annotations only: the pictures are those of the two corpora, wherever each of them lies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from typing import ClassVar, Literal

from pydantic import Field

from pipelines.corpora.base import Corpus, Found, Table, bad_file, bad_line, fault, lines, once, optional
from pipelines.corpora.mafa import PICTURE as MAFA_PICTURE
from pipelines.corpora.mafa import Mafa
from pipelines.corpora.readers.voc import Thing, Voc, face_of, read_each
from pipelines.corpora.wider_face import PICTURE as WIDER_PICTURE
from pipelines.corpora.wider_face import WiderFace
from pipelines.errors import RecipeError
from pipelines.labels import SEXES, Annotation, Face, labels_of_all
from pipelines.sources.base import Location
from pipelines.sources.tree import Entry, Tree

MASKS = {"masked_face": "correct", "unmasked_face": "none", "incorrectly_masked_face": "incorrect", "invalid_face": ""}
LISTS = {
    "MAFA_training.txt": "train",
    "MAFA_testing.txt": "test",
    "Wider_training.txt": "train",
    "Wider_testing.txt": "test",
}
PICTURES = {"mafa": MAFA_PICTURE, "wider_face": WIDER_PICTURE.format(split="(?:train|val)")}
EXPECTS = {"mafa": Mafa.expects, "wider_face": WiderFace.expects}
_XML = r"(?:FMLD_annotations/)?(train|test)/([^/]+)\.xml"
_LISTED = re.compile(r"(?:train-images|test-images|WIDER_train/images/[^/]+|WIDER_val/images/[^/]+)/([^/]+)\.jpg")
_OF_MAFA = re.compile(r"(train|test)/\1_\d{8}")

Rows = Mapping[str, Annotation]
"""By split and file name, `train/train_00000001`: the annotations are named so."""


class Fmld(Corpus):
    """Face Mask Label Dataset (Batagelj et al., Applied Sciences 2021); WIDER FACE's validation is part of its test."""

    corpus: Literal["fmld"]
    mafa: str = Field("", description="Folder of MAFA, where its pictures do not lie below `path`.")
    wider_face: str = Field("", description="Folder of WIDER FACE, where its pictures do not lie below `path`.")

    extra_paths: ClassVar[tuple[str, ...]] = ("mafa", "wider_face")
    expects: ClassVar[str] = EXPECTS["mafa"]
    picture: ClassVar[re.Pattern[str]] = re.compile("|".join(PICTURES.values()))
    files: ClassVar = dict.fromkeys(LISTS, "its pictures without an annotation are not noticed")

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        table = Table()
        for name, split in LISTS.items():
            if entry := optional(tree, name, self.files[name]):
                _read_list(tree, entry, split, table)
        annotated = {name: _annotation(entry, voc, name) for entry, name, voc in read_each(tree, _XML, _name)}
        if not annotated:
            raise RecipeError(
                f"no FMLD_annotations/train/*.xml below {tree.root}, packed or unpacked: path must name the folder "
                f"of FMLD; pictures such as {self.expects!r} lie below it too, or where the options mafa and "
                "wider_face say"
            )
        table.rows |= annotated
        yield from table.faults
        for place in PICTURES:
            yield from self._of(place, tree, {name: row for name, row in table.rows.items() if _place(name) == place})

    def _of(self, place: str, tree: Tree, rows: Rows) -> Iterator[Found | Location]:
        """The annotated pictures of one of the two corpora; its other ones are passed over."""
        elsewhere = place in self.extra_roots()
        seen: set[str] = set()
        with self.other_tree(place, tree) if elsewhere else nullcontext(tree) as there:
            for entry, found in once(there, PICTURES[place], _picture_name, seen):
                if row := rows.get(_picture_name(found)):
                    yield entry, row
                else:
                    tree.listing.ignored["(not in FMLD)"] += 1
            if elsewhere and not seen:
                raise RecipeError(f"option {place}: {self.nothing(there, EXPECTS[place])}")
        if not seen:
            where = f"say {place}: PATH to use its {len(rows)} annotations"
            tree.listing.notes.append(f"fmld: no pictures such as {EXPECTS[place]} below {tree.root}: {where}")
            return
        for name in rows:
            if name not in seen:
                yield fault(name, "no_picture", "annotated, but neither unpacked nor in an archive")


def _name(found: re.Match[str]) -> str:
    return f"{found[1]}/{found[2]}"


def _picture_name(found: re.Match[str]) -> str:
    """Split and name of a picture of MAFA or WIDER FACE, as its annotation is named."""
    split = "train" if found[1].startswith(("train_", "WIDER_train/")) else "test"
    return f"{split}/{found[1].rpartition('/')[2].removesuffix('.jpg')}"


def _place(name: str) -> str:
    return "mafa" if _OF_MAFA.fullmatch(name) else "wider_face"


def _read_list(tree: Tree, entry: Entry, split: str, table: Table) -> None:
    missing = Annotation(split=split, reason="no_label", detail=f"{entry.path} names it, but it has no annotation")
    for number, line in lines(tree, entry):
        if found := _LISTED.fullmatch(line.strip()):
            table.rows[f"{split}/{found[1]}"] = missing
        else:
            table.faults.append(bad_line(entry, number, f"a picture such as {Fmld.expects}", line))


def _annotation(entry: Entry, voc: Voc | Annotation, name: str) -> Annotation:
    if isinstance(voc, Annotation):
        return voc
    try:
        faces = [_face(thing) for thing in voc.things]
    except ValueError as error:
        return bad_file(entry, error)
    return Annotation(split=name.partition("/")[0], labels=labels_of_all(faces), faces=faces)


def _face(thing: Thing) -> Face:
    said = thing.said
    sex = said.get("gender", "")
    if sex and sex not in SEXES:
        raise ValueError(f"unknown gender {sex!r:.40}, expected one of {', '.join(SEXES)}")
    group = said.get("ethnicity", "")
    more: dict[str, str | bool] = {"sex": sex, "group": group, "pose": said.get("pose", "")}
    if group:
        more["group_by"] = "annotators"
    if thing.name == "invalid_face":
        more["invalid"] = True
    return face_of(thing, MASKS, **more)
