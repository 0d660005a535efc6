"""Face recognition sets as insightface packs them: `train.rec`, `train.idx`, `property`.

A picture's first label is the number of its person. `property` says how many persons there are and the pictures' size;
a number beyond it is a bad label. The `.bin` files beside it (LFW, CFP, AgeDB) are pickles of other corpora's pictures
and never opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar

from pipelines.corpora.base import Corpus, Found, text_of
from pipelines.errors import BadPicture, RecipeError
from pipelines.labels import Annotation, Labels
from pipelines.sources import recordio
from pipelines.sources.base import Location, decode_path
from pipelines.sources.tree import Entry, Tree

_PROPERTY = re.compile(r"\s*(\d{1,9})\s*,\s*\d+\s*,\s*\d+\s*")


class FaceRecords(Corpus):
    """A set of faces in one `train.rec`.

    Attributes:
        folder: name of the pack's folder as its owner calls it; it decides where a tree holds several packs.
        of_all: labels that the owner states of every picture.
    """

    folder: ClassVar[str]
    of_all: ClassVar[Labels] = {}
    picture: ClassVar[re.Pattern[str]] = re.compile(r"train\.rec")
    files: ClassVar = {
        "train.idx": "records are found by scanning",
        "property": "numbers of persons are not checked",
    }

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        records = tree.find(f"{self.folder}/train.rec") or tree.find("train.rec")
        if records is None:
            return
        num_people = _num_people(tree, records)
        try:
            span = tree.span(records)
        except BadPicture as bad:
            raise RecipeError(f"corpus {self.corpus}: {records.path} cannot be read in place: {bad}") from None
        whole = replace(records.location, offset=span.offset, size=span.size)
        with span.stream, _index(tree, records) as index:
            for location, numbers in recordio.list_records(span.stream, whole, index, tree.listing):
                entry = Entry(decode_path(location.uri), location)
                yield location if location.reason else (entry, self._annotation(numbers, num_people))

    def _annotation(self, numbers: recordio.Labels, num_people: int | None) -> Annotation:
        person = recordio.whole_number(numbers)
        if person is None or (num_people is not None and person >= num_people):
            expected = f"below {num_people}" if num_people is not None else "of a person"
            return Annotation(reason="bad_label", detail=f"expected a number {expected}, found {numbers[0]:g}")
        return Annotation(identity=str(person), labels=self.of_all)


def _beside(tree: Tree, records: Entry, name: str) -> Entry | None:
    """A file of the same pack, or None with a note of what is lost without it."""
    entry = tree.find(f"{records.path.removesuffix('train.rec')}{name}")
    if entry is None:
        tree.listing.notes.append(f"no {name} beside {records.path}: {FaceRecords.files[name]}")
    return entry


def _num_people(tree: Tree, records: Entry) -> int | None:
    """First number of `property`: persons, height, width."""
    entry = _beside(tree, records, "property")
    if entry is None:
        return None
    found = _PROPERTY.fullmatch(text_of(tree, entry))
    if found is None:
        raise RecipeError(f"{entry.path} in {tree.root}: expected persons,height,width such as 10572,112,112")
    return int(found[1])


@contextmanager
def _index(tree: Tree, records: Entry) -> Iterator[Iterable[bytes] | None]:
    """Lines of the .idx beside a .rec, as they are read; None with a note where there are none."""
    entry = _beside(tree, records, "train.idx")
    if entry is None:
        yield None
        return
    try:
        span = tree.span(entry)
    except BadPicture as bad:
        tree.listing.notes.append(f"{entry.path} is not used ({bad}): {FaceRecords.files['train.idx']}")
        yield None
        return
    with span.stream as stream:
        stream.seek(span.offset)
        yield _within(recordio.bounded_lines(stream), span.size)


def _within(lines: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Lines of the first `size` bytes: in a tar something else follows."""
    for line in lines:
        if size <= 0:
            return
        yield line[:size]
        size -= len(line)
