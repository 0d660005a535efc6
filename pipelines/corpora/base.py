"""What all known corpora share, so that each file beside this one says only what is particular to its layout.

An adapter says how a picture's path ends, and what the annotation files say of it. Finding the files, packed or
unpacked, at whatever depth, joining them, and counting what does not fit, is done here once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from pipelines.cards import front_matter
from pipelines.errors import BadPicture, RecipeError
from pipelines.labels import Annotation, Face, annotated
from pipelines.places import place
from pipelines.sources.base import Listing, Location, Source
from pipelines.sources.files import refuse_urls
from pipelines.sources.tree import Download, Entry, Tree, is_refused_archive

Found = tuple[Entry, Annotation]


@dataclass
class Table:
    """What annotation files say, by the name under which the corpus knows a picture.

    Attributes:
        rows: annotation of each picture; one with a `reason` where its line cannot be read.
        faults: locations of lines that cannot even be tied to a picture.
        complete: whether every picture should be in `rows`, so that one which is not lacks its label.
        details: what else is said of a picture, asked for when the picture comes: of landmarks in files of their
            own, holding all at once would take memory that grows with the number of pictures.
    """

    rows: dict[str, Annotation] = field(default_factory=dict)
    faults: list[Location] = field(default_factory=list)
    complete: bool = True
    details: Callable[[str], Annotation] | None = None


class Corpus(Source):
    """A known corpus, read as it was downloaded: unpacked, packed or both.

    Attributes:
        expects: path of one picture as the corpus has it, for messages: `img_align_celeba/000001.jpg`.
        picture: how the paths of pictures end; begins at a folder's or file's name.
        files: annotation files by how their path ends, with what is lost without each.
        names: where paths name people, or the place of the camera: its groups are what no shard may tell.
    """

    corpus: str
    path: str = Field(
        description="The folder of the download, at any level; its archives may stay packed. Or one archive (of one in "
        "parts: a part), with the annotation files that lie beside it. An empty one is to be given when the recipe is "
        "used: --source NAME=PATH."
    )

    expects: ClassVar[str]
    picture: ClassVar[re.Pattern[str]]
    files: ClassVar[Mapping[str, str]] = {}
    names: ClassVar[re.Pattern[str] | None] = None

    def root(self) -> Path:
        return self.download().root

    def download(self) -> Download:
        """What the path names."""
        return Download.at(place(self.path, self.s3))

    def check(self) -> None:
        refuse_urls(self.path)
        self.download().check()

    @model_validator(mode="after")
    def _take_terms(self) -> Self:
        """Terms come from the card, where the recipe states none of its own."""
        if self.licence == "unknown":
            card = self.card()
            self.licence = str(card["licence"])
            self.licence_url = self.licence_url or str(card.get("licence_url", ""))
            self.attribution = self.attribution or str(card.get("attribution", ""))
        return self

    def public_uri(self, uri: str) -> str:
        found = self.names.search(uri) if self.names else None
        if found is None:
            return uri
        # From the last to the first, so that positions stay true.
        spans = (found.span(number) for number in range(found.re.groups, 0, -1) if found[number])
        for start, end in spans:
            uri = f"{uri[:start]}~{uri[end:]}"
        return uri

    def labels_by(self) -> str:
        return str(self.card().get("labels_by", self.corpus))

    def card(self) -> dict[str, object]:
        """Facts of the corpus, from its card."""
        return front_matter(self.corpus)

    def pictures(self, tree: Tree) -> Iterator[Entry | Found | Location]:
        """Every picture with its annotation; bare locations are faults.

        Raises:
            RecipeError: what is there is not this corpus.
        """
        raise NotImplementedError

    def locate(self, listing: Listing) -> Iterator[Location]:
        any_picture = False
        refused: set[str] = set()
        with Tree(self.download(), listing) as tree:
            for found in self.pictures(tree):
                entry, annotation = found if isinstance(found, tuple) else (found, Annotation())
                location = entry if isinstance(entry, Location) else entry.location
                any_picture |= not isinstance(entry, Location)
                refused |= {location.uri} if is_refused_archive(location) else set()
                yield self._finish(location, annotation, listing)
            if not any_picture:
                raise RecipeError(self.nothing(tree, self.expects))
            for entry in tree.broken():
                if entry.location.uri not in refused:
                    yield self._finish(entry.location, Annotation(), listing)

    def _finish(self, location: Location, annotation: Annotation, listing: Listing) -> Location:
        return annotated(location, annotation, self.corpus, listing.salt, self.split)

    def other_tree(self, name: str, tree: Tree) -> Tree:
        """The tree at one of `extra_paths`, which the caller closes."""
        return Tree(self.extra_roots()[name], tree.listing, name, tree.broken())

    def nothing(self, tree: Tree, expects: str) -> str:
        """What was expected and what is there instead: most often a folder level too many or too few."""
        seen = [entry.path for entry, _ in zip(tree.pictures(), range(3), strict=False)]
        seen = seen or [entry.path for entry in tree.others()[:3]] or ["nothing"]
        wanted, deeper = expects.split("/"), ""
        for level in range(1, len(wanted)):
            if self.picture.pattern and any(
                re.search(_shape(wanted[level:]) + "$", path) and path.count("/") < len(wanted) - 1 for path in seen
            ):
                deeper = f"; it looks as if the path is {level} level{'s' if level > 1 else ''} too deep"
                break
        broken = "".join(f"; {entry.path} is broken: {entry.location.detail}" for entry in tree.broken()[:3])
        return (
            f"corpus {self.corpus}: expected pictures such as {expects!r} below {tree.place}, "
            f"found {', '.join(map(repr, seen))}{deeper}{broken}"
        )


def _shape(parts: list[str]) -> str:
    """Pattern of paths like this one: digits and letters may differ, the folders' depth may not."""
    return "(^|/)" + "/".join(
        re.sub(r"\\\.\w+$", r"\\.\\w+", re.sub(r"\d+", r"\\d+", re.escape(part))) for part in parts
    )


def once(
    tree: Tree,
    picture: str | re.Pattern[str],
    key: Callable[[re.Match[str]], str] = lambda found: found[1],
    seen: set[str] | None = None,
) -> Iterator[tuple[Entry, re.Match[str]]]:
    """Pictures whose path ends as the pattern says, each once, though its archive lies beside what was unpacked of it.

    Args:
        key: from the match to the name by which the corpus knows the picture.
        seen: takes up the names.
    """
    seen = set() if seen is None else seen
    for entry, found in tree.matching(picture):
        if key(found) in seen:
            tree.listing.ignored["(also unpacked)"] += 1
        else:
            seen.add(key(found))
            yield entry, found


def join(
    tree: Tree,
    picture: str | re.Pattern[str],
    table: Table | None,
    key: Callable[[re.Match[str]], str] = lambda found: found[1],
    split: str = "",
) -> Iterator[Found | Location]:
    """Pictures with what a table says of them, then what the table says of pictures that are not there.

    Args:
        picture: how a picture's path ends.
        table: None when the annotation file is missing: then pictures carry nothing.
        key: from the match to the name by which the table knows the picture.
        split: official split of the pictures of which the table states none.
    """
    seen: set[str] = set()
    for entry, found in once(tree, picture, key, seen):
        name = key(found)
        annotation = _row(table, name) if table else Annotation()
        yield entry, replace(annotation, split=annotation.split or split)
    if table:
        yield from table.faults
        for name in table.rows:
            if name not in seen:
                yield fault(name, "no_picture", "annotated, but neither unpacked nor in an archive")


def _row(table: Table, name: str) -> Annotation:
    """What a table says of one picture."""
    row = table.rows.get(name)
    if row is None and table.complete:
        return Annotation(reason="no_label", detail="no annotation file names it")
    row = row or Annotation()
    return row if row.reason or table.details is None else merged([row, table.details(name)])


def fault(uri: str, reason: str, detail: str) -> Location:
    """A location that stands for something that is not there or cannot be read."""
    return Location(uri=uri, file="", container="file", reason=reason, detail=detail)


def text_of(tree: Tree, entry: Entry) -> str:
    """Text of an annotation file.

    Raises:
        RecipeError: it cannot be read, or is no text.
    """
    try:
        return tree.read(entry).decode("utf-8-sig")
    except BadPicture as bad:
        raise RecipeError(f"{entry.path} in {tree.root} cannot be read: {bad}") from None
    except UnicodeDecodeError as error:
        raise RecipeError(f"{entry.path} in {tree.root} is no UTF-8 text: {error}") from None


def optional(tree: Tree, name: str, without: str) -> Entry | None:
    """An annotation file, or None with a note of what is lost without it."""
    entry = tree.find(name)
    if entry is None:
        note = f"no {name} in {tree.root}: {without}"
        if note not in tree.listing.notes:
            tree.listing.notes.append(note)
    return entry


def required(tree: Tree, name: str, why: str) -> Entry:
    """An annotation file without which the corpus cannot be read.

    Raises:
        RecipeError: it is not there.
    """
    entry = tree.find(name)
    if entry is None:
        raise RecipeError(f"no {name} below {tree.root}: {why}")
    return entry


def lines(tree: Tree, entry: Entry) -> Iterator[tuple[int, str]]:
    """Numbered lines of an annotation file that hold something."""
    for number, line in enumerate(text_of(tree, entry).splitlines(), 1):
        if line.strip():
            yield number, line


def numbers(fields: Iterable[str]) -> list[float]:
    """Finite numbers from text.

    Raises:
        ValueError: one is none; infinity and NaN are none.
    """
    found = [float(field) for field in fields]
    if not all(map(math.isfinite, found)):
        raise ValueError("a number is not finite")
    return found


def bad_line(entry: Entry, number: int, expected: str, line: str) -> Location:
    """The fault of a line that cannot be read and names no picture."""
    return fault(
        f"{entry.location.uri}#{number}", "bad_label", f"line {number}: expected {expected}, found {line!r:.80}"
    )


def bad_row(entry: Entry, number: int, expected: str, line: str) -> Annotation:
    """The annotation of a picture whose line cannot be read."""
    detail = f"{entry.path}, line {number}: expected {expected}, found {line!r:.80}"
    return Annotation(reason="bad_label", detail=detail)


def bad_file(entry: Entry, error: Exception) -> Annotation:
    """The annotation of a picture whose own annotation file cannot be read."""
    return Annotation(reason="bad_label", detail=f"{entry.path}: {error}")


_STATED_LAST = ("split", "identity", "licence", "licence_url", "attribution", "reason", "detail")


def merged(annotations: Iterable[Annotation]) -> Annotation:
    """One annotation from what several files say: labels and guides together, of the rest whatever is stated last."""
    last: dict[str, Any] = {}
    together: dict[str, Any] = {"labels": {}, "guides": {}, "faces": ()}
    for part in annotations:
        last |= {name: value for name in _STATED_LAST if (value := getattr(part, name))}
        together["labels"] |= part.labels
        together["guides"] |= part.guides
        together["faces"] = _one_face(together["faces"], part.faces)
    return Annotation(**last, **together)


def _one_face(before: Sequence[Face], after: Sequence[Face]) -> Sequence[Face]:
    """A box from one file and landmarks from another are of one face, where a picture shows one."""
    if len(before) != 1 or len(after) != 1:
        return after or before
    one, other = before[0], after[0]
    return [
        Face(
            other.box or one.box,
            other.scheme or one.scheme,
            other.points or one.points,
            one.labels | other.labels,
            {**one.boxes, **other.boxes},
        )
    ]
