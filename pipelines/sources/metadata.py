"""Metadata files: tables with a row for each picture, which the row names by its path.

The layout is that of `imagefolder` of the library `datasets`. It departs from it where a folder that somebody keeps
would not load at all: a row without a picture and a picture without a row are counted faults, and the columns of
several files may differ. Only columns that the recipe names are kept: a table may well hold names of people.
Rows wait in memory as texts, some 500 bytes each.
"""

from __future__ import annotations

import json
import posixpath
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.errors import BadPicture, RecipeError, did_you_mean
from pipelines.sources.archive import ArchiveBroken
from pipelines.sources.base import OFFICIAL_SPLITS, Location, encode_path
from pipelines.sources.files import is_unsafe_name, labels_json
from pipelines.sources.rows import Row, read_rows
from pipelines.sources.tree import Entry, Tree

if TYPE_CHECKING:
    from pipelines.labels import Annotation

USUAL = r"metadata\.(?:csv|jsonl|parquet)"
"""Names by which `imagefolder` knows metadata."""

_IS_CSV = re.compile(r"\.[ct]sv(?:\.gz)?$", re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?(?:0|[1-9]\d{0,17})")
_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d{0,17})?\.\d+(?:[eE][+-]?\d{1,3})?")
_ARCHIVE = re.compile(r"[^/]+!/")


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
    """A row that can be read.

    Attributes:
        file, number: where it stands.
        says: JSON text of the annotation's fields.
        other: number of a row that says something else of the same picture, or 0.
        used: whether its picture is there.
    """

    file: str
    number: int
    says: str
    other: int = 0
    used: bool = False


class Metadata:
    """Rows of all metadata files of a tree, by the picture that they name."""

    def __init__(self, tree: Tree, name: str, columns: Columns) -> None:
        """Reads them.

        Args:
            name: path by which the recipe names them, at which the paths in them begin; "" for the usual names.

        Raises:
            RecipeError: there is none, one cannot be read, or a column is nowhere.
        """
        self._columns, self._found = columns, dict[str, None]()
        self._lines: dict[str, _Line] = {}
        self._faults: list[Location] = []
        files = tree.find_all(re.escape(name) if name else USUAL)
        if not files:
            wanted = name or "metadata.csv, metadata.jsonl or metadata.parquet"
            raise RecipeError(f"no {wanted} below {tree.place}: correct the source's metadata")
        for entry, found in files:
            self._read(tree, entry, entry.path.removesuffix(found[0].lstrip("/")))
        for column in sorted(columns.names() - self._found.keys()):
            hint = did_you_mean(column, list(self._found))
            raise RecipeError(f"no column {column!r} in {files[0][0].path} in {tree.place}{hint}")

    def annotation(self, path: str) -> Annotation:
        """What is said of the picture at a path of the tree."""
        from pipelines.labels import Annotation  # which itself imports this package

        # A table beside an archive names pictures as they would lie unpacked.
        line = self._lines.get(_key(path)) or self._lines.get(_key(_ARCHIVE.sub("", path)))
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

    def _read(self, tree: Tree, entry: Entry, folder: str) -> None:
        try:
            with tree.open(entry) as stream:
                names, rows = read_rows(entry.path, stream, "metadata", ragged=False)
                self._found |= dict.fromkeys(names)
                for number, row in enumerate(rows, 1):
                    self._take(entry, folder, number, row)
        except (BadPicture, ArchiveBroken) as error:
            raise RecipeError(f"{entry.path} in {tree.place} cannot be read: {error}") from None

    def _take(self, entry: Entry, folder: str, number: int, row: Row) -> None:
        try:
            if isinstance(row, str):
                raise BadPicture("bad_label", row)
            self._found |= dict.fromkeys(row)
            key = _key(folder + _path(row.get(self._columns.image)))
            line = _Line(entry.path, number, self._says(row, _IS_CSV.search(entry.path) is not None))
        except BadPicture as bad:
            self._faults.append(_fault(f"{entry.location.uri}#{number}", bad.reason, f"row {number}: {bad.detail}"))
            return
        first = self._lines.setdefault(key, line)
        if first.says != line.says:
            first.other = number

    def _says(self, row: Mapping[str, Any], is_csv: bool) -> str:
        labels = {label: row.get(column) for column, label in self._columns.labels.items()}
        labels = {label: _value(cell) if is_csv else cell for label, cell in labels.items()}
        kept = json.loads(labels_json(labels))
        if "group" in kept:
            kept.setdefault("group_by", "owner")
        terms = {term: _word(row.get(column)) for term, column in self._columns.terms.items()}
        if "split" in terms:
            terms["split"] = OFFICIAL_SPLITS.get(terms["split"].lower(), "")
        return json.dumps({"labels": kept, **terms}, ensure_ascii=False)


def _fault(uri: str, reason: str, detail: str) -> Location:
    return Location(uri=uri, file="", container="file", reason=reason, detail=detail)


def _path(cell: object) -> str:
    """The path that a cell holds; a table of Windows has backslashes in it."""
    if not isinstance(cell, str) or not cell:
        raise BadPicture("bad_label", f"no path of a picture, but {cell!r:.80}")
    path = posixpath.normpath(cell.replace("\\", "/"))
    if "\ufffd" in cell or is_unsafe_name(path):
        raise BadPicture("bad_label", f"{cell!r:.80} is no path below the folder of the metadata, in UTF-8")
    return path


def _key(path: str) -> str:
    """A path as all spellings of it have it: macOS writes accents as letters of their own."""
    return encode_path(unicodedata.normalize("NFC", path))


def _value(cell: str | None) -> str | int | float | None:
    """What a cell of CSV means: age >= 18 needs a number. 007 stays a text."""
    if cell is None or not cell.strip():
        return None
    cell = cell.strip()
    if _WHOLE.fullmatch(cell):
        return int(cell)
    return float(cell) if _NUMBER.fullmatch(cell) else cell


def _word(cell: object) -> str:
    """A cell as a text; 7.0 is 7, which is what programs make of whole numbers where some are missing."""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else "" if cell != cell else str(cell)
    return "" if cell is None else str(cell).strip()
