"""Metadata files: tables with a row for each picture, which names the picture by its path.

The layout is that of `imagefolder` of the library `datasets`. It departs from it where a folder that somebody keeps
would not load at all: a row without a picture and a picture without a row are counted, and several files may have
different columns. Only the columns that the recipe names are kept: a table may well hold names of people, and labels
go into shards. Rows wait in memory, because a row may name a picture that was listed long before.
"""

from __future__ import annotations

import json
import math
import posixpath
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.errors import BadPicture, RecipeError, did_you_mean
from pipelines.sources.archive import ArchiveBroken
from pipelines.sources.base import OFFICIAL_SPLITS, Location, encode_path
from pipelines.sources.files import is_unsafe_name
from pipelines.sources.rows import Row, read_rows
from pipelines.sources.tree import Entry, Tree

if TYPE_CHECKING:
    from pipelines.labels import Annotation

USUAL = r"metadata\.(?:csv|jsonl|parquet)"
"""Names by which `imagefolder` knows metadata."""

_IS_CSV = re.compile(r"\.[ct]sv(?:\.gz)?$", re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?(?:0|[1-9]\d{0,17})")
_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d{0,17})?\.\d+(?:[eE][+-]?\d{1,3})?")


@dataclass(frozen=True)
class Columns:
    """Which column says what.

    Attributes:
        image: the picture's path.
        labels: label by column.
        terms: column by field of `Annotation`: `identity`, `split`, `licence`, `licence_url`, `attribution`.
    """

    image: str
    labels: Mapping[str, str]
    terms: Mapping[str, str]

    def names(self) -> set[str]:
        return {self.image, *self.labels, *self.terms.values()}


@dataclass(slots=True)
class _Line:
    """A row that names a picture.

    Attributes:
        file, number: where it stands.
        says: JSON text of the fields of an `Annotation`.
        other: number of a row that says something else of the same picture, or 0.
        used: whether the picture is there.
    """

    file: str
    number: int
    says: str
    other: int = 0
    used: bool = False


class Metadata:
    """Rows of the metadata files of a tree, by the pictures that they name."""

    def __init__(self, tree: Tree, pattern: str, columns: Columns) -> None:
        """Reads them.

        Args:
            pattern: how their paths end; where the match begins, the paths in them begin.

        Raises:
            RecipeError: one cannot be read, or a column is in none of them.
        """
        self._columns = columns
        self._names: dict[str, None] = {}
        self._lines: dict[str, _Line] = {}
        self._faults: list[Location] = []
        self._left_out: Counter[str] = Counter()
        files = tree.find_all(pattern)
        for entry, found in files:
            self._read(tree, entry, entry.path.removesuffix(found[0].lstrip("/")))
        for column in sorted(columns.names() - self._names.keys()) if files else ():
            among = ", ".join(entry.path for entry, _ in files[:3])
            raise RecipeError(f"no column {column!r} in {among} in {tree.root}{did_you_mean(column, self._names)}")

    def annotation(self, path: str) -> Annotation:
        """What is said of the picture at a path of the tree."""
        from pipelines.labels import Annotation  # which itself imports this package

        line = self._lines.get(_key(path))
        if line is None:
            return Annotation(reason="no_label", detail="no row of the metadata names it")
        line.used = True
        if line.other:
            detail = f"rows {line.number} and {line.other} of {line.file} say different things of it"
            return Annotation(reason="bad_label", detail=detail)
        return Annotation(**json.loads(line.says))

    def faults(self) -> Iterator[Location]:
        """Rows that cannot be read, and those whose picture `annotation` was not asked for."""
        yield from self._faults
        for key, line in self._lines.items():
            if not line.used:
                yield _fault(key, "no_picture", f"named in {line.file}, row {line.number}, and not there")

    def notes(self) -> Iterator[str]:
        for label, count in sorted(self._left_out.items()):
            yield f"{label!r} of {count} rows is not as the normal form of labels has it, and left out"

    def _read(self, tree: Tree, entry: Entry, folder: str) -> None:
        try:
            with tree.open(entry) as stream:
                names, rows = read_rows(entry.path, stream, "metadata", ragged=False)
                self._names |= dict.fromkeys(names)
                for number, row in enumerate(rows, 1):
                    self._take(entry, folder, number, row)
        except (BadPicture, ArchiveBroken) as error:
            raise RecipeError(f"{entry.path} in {tree.root} cannot be read: {error}") from None

    def _take(self, entry: Entry, folder: str, number: int, row: Row) -> None:
        try:
            if isinstance(row, str):
                raise BadPicture("bad_label", row)
            self._names |= dict.fromkeys(row)
            _check_texts(row, self._columns.names())
            key = _key(folder + _path(row.get(self._columns.image)))
            line = _Line(entry.path, number, self._says(row, _IS_CSV.search(entry.path) is not None))
        except BadPicture as bad:
            self._faults.append(_fault(f"{entry.location.uri}#{number}", bad.reason, f"row {number}: {bad.detail}"))
            return
        first = self._lines.setdefault(key, line)
        if first.says != line.says:
            first.other = number

    def _says(self, row: Mapping[str, Any], is_csv: bool) -> str:
        from pipelines.labels import sifted

        stated = {label: _value(row.get(column), is_csv) for column, label in self._columns.labels.items()}
        if stated.get("group") is not None:
            stated = {"group_by": "owner", **stated}
        labels, foreign = sifted(stated)
        self._left_out.update(foreign)
        terms = {term: _word(row.get(column)) for term, column in self._columns.terms.items()}
        if "split" in terms:
            terms["split"] = OFFICIAL_SPLITS.get(terms["split"].lower(), "")
        return json.dumps({"labels": labels, **terms})


def _fault(uri: str, reason: str, detail: str) -> Location:
    return Location(uri=uri, file="", container="file", reason=reason, detail=detail)


def _check_texts(row: Mapping[str, Any], columns: Iterable[str]) -> None:
    """Raises BadPicture where a text was not UTF-8, or has half a character, as only JSON can."""
    for column in columns:
        text = str(row.get(column))
        if re.search("[\ud800-\udfff\ufffd]", text):
            raise BadPicture("bad_label", f"{column} is not UTF-8: {text.encode('ascii', 'replace').decode()!r:.80}")


def _path(cell: object) -> str:
    """The path that a cell holds; a table of Windows has backslashes in it."""
    path = posixpath.normpath(cell.replace("\\", "/")) if isinstance(cell, str) and cell else ".."
    if is_unsafe_name(path):
        raise BadPicture("bad_label", f"expected the path of a picture below the metadata's folder, found {cell!r:.80}")
    return path


def _key(path: str) -> str:
    """A path as all spellings of it have it: macOS writes accents as letters of their own."""
    return encode_path(unicodedata.normalize("NFC", path))


def _value(cell: Any, is_csv: bool) -> str | int | float | None:
    """What a cell means as a label. In CSV everything is text, but age >= 18 needs a number; 007 stays a text."""
    if not isinstance(cell, str | int | float):
        return None
    if not is_csv or not isinstance(cell, str):
        return cell
    cell = cell.strip()
    if _WHOLE.fullmatch(cell):
        return int(cell)
    return float(cell) if _NUMBER.fullmatch(cell) else cell


def _word(cell: Any) -> str:
    """A cell as a text; 7.0 is 7, which is what programs make of whole numbers where some are missing."""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else "" if math.isnan(cell) else str(cell)
    return "" if cell is None else str(cell).strip()
