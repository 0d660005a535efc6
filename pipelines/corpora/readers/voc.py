"""PASCAL VOC XML: one file per picture, with a box and a class for every object in it.

The standard library's parser, which expands entities: a document type declaration, the only place where they can be
defined, is refused as soon as it begins. No annotation has one.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pipelines.corpora.base import Table, bad_file, numbers
from pipelines.errors import BadPicture
from pipelines.labels import Annotation, Box, Face, box_of, labels, labels_of_all
from pipelines.sources.tree import Entry, Tree

MAX_BYTES = 16 << 20
"""An annotation of one picture larger than this is none."""

FLAGS = ("difficult", "truncated", "occluded")


@dataclass(frozen=True)
class Thing:
    """One object.

    Attributes:
        name: its class, in the corpus's words.
        box: None where the corners leave no area.
        said: text of its other fields, such as `pose` or `difficult`; empty ones and "unspecified" are left out.
    """

    name: str
    box: Box | None
    said: Mapping[str, str]


@dataclass(frozen=True)
class Voc:
    """An annotation: what it says of the whole picture, by path (`source/database`), and its objects."""

    said: Mapping[str, str]
    things: tuple[Thing, ...]


def parse_voc(data: bytes) -> Voc:
    """Reads one file.

    Raises:
        ValueError: it is no such XML, or holds a document type declaration.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"{len(data)} bytes, where an annotation has a few hundred")
    try:
        root = ET.fromstring(data, ET.XMLParser(target=_NoDoctype()))  # noqa: S314  # without declarations no entities
    except (ET.ParseError, LookupError) as error:
        raise ValueError(f"not XML: {error}") from None
    if root.tag != "annotation":
        raise ValueError(f"expected <annotation>, found <{root.tag}>")
    said = {path: text for path in ("filename", "folder", "path", "source/database") if (text := _text(root, path))}
    return Voc(said, tuple(_thing(found) for found in root.iter("object")))


class _NoDoctype(ET.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError(f"a document type declaration of {name!r:.40}, which no annotation needs")


def _text(element: ET.Element, path: str) -> str:
    text = (element.findtext(path) or "").strip()
    return "" if text.lower() == "unspecified" else text


def _thing(element: ET.Element) -> Thing:
    name = _text(element, "name")
    if not name:
        raise ValueError("an object without a name")
    corners = [_text(element, f"bndbox/{corner}") for corner in ("xmin", "ymin", "xmax", "ymax")]
    try:
        left, top, right, bottom = numbers(corners)
    except ValueError:
        raise ValueError(f"expected four numbers as the box of {name!r:.40}, found {corners}") from None
    said = {field.tag: text for field in element if len(field) == 0 and (text := _text(element, field.tag))}
    return Thing(name, box_of(left, top, right - left, bottom - top), said)


def face_of(thing: Thing, masks: Mapping[str, str], **more: str | bool) -> Face:
    """A face whose class tells how a mask is worn.

    Args:
        masks: the corpus's classes, each with our word for it; "" where it says nothing of masks.
        more: further labels.

    Raises:
        ValueError: the class is not one of these.
    """
    if thing.name not in masks:
        raise ValueError(f"unknown class {thing.name!r:.40}, expected one of {', '.join(masks)}")
    flags = {name: thing.said[name] == "1" for name in FLAGS if name in thing.said}
    invalid = True if thing.box is None else None
    return Face(thing.box, labels=labels(**{"invalid": invalid, "mask": masks[thing.name], **flags, **more}))


def read_each(
    tree: Tree, pattern: str, key: Callable[[re.Match[str]], str]
) -> Iterator[tuple[Entry, str, Voc | Annotation]]:
    """Every annotation whose path ends as the pattern says, once for each key; a bad one as what its picture gets."""
    seen: set[str] = set()
    for entry, found in tree.find_all(pattern):
        name = key(found)
        if name in seen:  # the archive lies beside what was unpacked from it
            continue
        seen.add(name)
        try:
            yield entry, name, parse_voc(tree.read(entry))
        except (ValueError, BadPicture) as error:
            yield entry, name, bad_file(entry, error)


def mask_table(tree: Tree, pattern: str, masks: Mapping[str, str], key: Callable[[re.Match[str]], str]) -> Table | None:
    """Table of a corpus whose classes say how a mask is worn, and nothing else; None without any annotation."""
    table = Table()
    for entry, name, voc in read_each(tree, pattern, key):
        try:
            table.rows[name] = voc if isinstance(voc, Annotation) else _of_faces(voc, masks)
        except ValueError as error:
            table.rows[name] = bad_file(entry, error)
    return table if table.rows else None


def _of_faces(voc: Voc, masks: Mapping[str, str]) -> Annotation:
    faces = [face_of(thing, masks) for thing in voc.things]
    return Annotation(labels=labels_of_all(faces), faces=faces)
