"""Rows of metadata files, joined to the pictures that they name: the layout that `imagefolder` of `datasets` reads.

A metadata file concerns the files below its own folder, which a column such as `file_name` names. Rows wait in a
temporary database on disk, so that memory grows by no more than a bit with each of them.

Source: datasets 5.2, `packaged_modules/folder_based_builder/folder_based_builder.py`. It departs from it where a folder
that somebody keeps would not load at all: metadata may be of several kinds and have different columns, a picture may
have several rows, and a row without a picture is a counted fault.
"""

from __future__ import annotations

import json
import math
import posixpath
import re
import sqlite3
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from pipelines.errors import BadPicture, RecipeError
from pipelines.sources.archive import ArchiveBroken
from pipelines.sources.base import Location, encode_path
from pipelines.sources.columns import ColumnKinds
from pipelines.sources.files import is_unsafe_name
from pipelines.sources.rows import Row, read_rows
from pipelines.sources.tree import Entry, Tree

USUAL = r"metadata\.(?:csv|jsonl|parquet)"
"""Names by which `imagefolder` knows metadata."""

_HEAD = 100
"""Rows whose keys tell the columns of JSON lines."""

_FILE_COLUMN = re.compile(r"(?:.*_)?file_names?", re.DOTALL)
_IS_CSV = re.compile(r"\.[ct]sv(?:\.gz)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Stated:
    """What rows say of one picture.

    Attributes:
        cells: values by column.
        disputed: columns of which its rows say different things.
        beside: where no row means it as a picture, the column that names it as what belongs to one; else "".
        missing: no row names it, though it lies below the folder of a metadata file.
    """

    cells: dict[str, Any]
    disputed: frozenset[str] = frozenset()
    beside: str = ""
    missing: bool = False


NOTHING, NO_ROW = Stated({}), Stated({}, missing=True)


@dataclass(frozen=True)
class _File:
    """A metadata file, the folder where its names begin, and for CSV what its columns hold."""

    entry: Entry
    folder: str
    kinds: ColumnKinds | None
    column: str


@dataclass
class Metadata:
    """Rows by picture; a context manager, because it keeps a file.

    Attributes:
        image: column that names the pictures; None for `file_name` and what is like it.
        wanted: columns to keep; None for all.
        texts: columns whose cells are never made numbers.
        columns: names of all columns that were seen, other than those that name files.
        num_outside: pictures that lie below no folder with a metadata file.
    """

    image: str | None
    wanted: Collection[str] | None
    texts: Collection[str]
    columns: dict[str, None] = field(default_factory=dict)
    num_outside: int = 0

    def __post_init__(self) -> None:
        self._files: list[_File] = []
        self._folders: set[str] = set()
        self._seen = bytearray()
        # Without a name, so that its file is gone when this process is, however that ends.
        self._rows = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("CREATE TABLE rows (place TEXT, file INTEGER, number INTEGER, cells TEXT)")

    def __enter__(self) -> Metadata:
        return self

    def __exit__(self, *error: object) -> None:
        self._rows.close()

    def read(self, tree: Tree, entry: Entry, folder: str) -> bool:
        """Takes up the rows of a metadata file, if it has a column that names pictures.

        Args:
            folder: where the names in it begin: a path below the tree's root, with a slash at its end, or "".

        Raises:
            RecipeError: it cannot be read, or several of its columns may name the pictures.
        """
        try:
            with tree.open(entry) as stream:
                names, rows = read_rows(entry.path, stream, "metadata", ragged=False)
                head = list(islice(rows, _HEAD))
                names = names or list(dict.fromkeys(name for row in head if isinstance(row, dict) for name in row))
                column = self._picture_column(entry, names)
                if column is None:
                    return False
                kinds = ColumnKinds() if _IS_CSV.search(entry.path) else None
                self._take(_File(entry, folder, kinds, column), chain(head, rows))
        except (BadPicture, ArchiveBroken) as error:
            raise RecipeError(f"{entry.path} in {tree.root} cannot be read: {error}") from None
        return True

    @property
    def num_files(self) -> int:
        """Metadata files that have rows of pictures."""
        return len(self._files)

    def index(self) -> None:
        """Makes rows known by what they name; to be called when all are read."""
        self._rows.execute("CREATE INDEX places ON rows (place)")
        (last,) = self._rows.execute("SELECT COALESCE(MAX(rowid), 0) FROM rows").fetchone()
        self._seen = bytearray(last // 8 + 1)

    def of(self, path: str) -> Stated:
        """What rows say of the picture at a path of the tree."""
        if stated := self._at(_key(path)):
            return stated
        folders = (path[: found.end()] for found in re.finditer("/", path))
        if "" in self._folders or any(folder in self._folders for folder in folders):
            return NO_ROW
        self.num_outside += 1
        return NOTHING

    def notes(self) -> Iterator[str]:
        """What a person should know of the pictures that `of` was asked for."""
        if self.num_outside:
            yield f"{self.num_outside} pictures lie in no folder with metadata, and have no labels of it"

    def faults(self) -> Iterator[Location]:
        """Rows that cannot be read, then rows whose picture `of` was not asked for."""
        for file, number, detail in self._rows.execute(
            "SELECT file, number, cells FROM rows WHERE place IS NULL ORDER BY rowid"
        ):
            uri = f"{self._files[file].entry.location.uri}#{number}"
            yield _fault(uri, "bad_label", f"row {number}: {detail}")
        last = None
        for row, place in self._rows.execute("SELECT rowid, place FROM rows WHERE place NOT NULL ORDER BY place"):
            if place != last and not self._seen[row >> 3] & 1 << (row & 7):
                yield from self._absent(row, place)
            last = place

    def _picture_column(self, entry: Entry, names: Sequence[str]) -> str | None:
        if self.image:
            return self.image if self.image in names else None
        found = list(filter(_FILE_COLUMN.fullmatch, names))
        usual = [name for name in ("file_name", "file_names") if name in found] or found
        if len(usual) > 1 and usual[0] != "file_name":
            several = ", ".join(usual)
            raise RecipeError(f"{entry.path}: name the column of the pictures with `image`: one of {several}")
        return usual[0] if usual else None

    def _take(self, file: _File, rows: Iterator[Row]) -> None:
        number = len(self._files)
        self._files.append(file)
        self._folders.add(file.folder)
        records = (record for count, row in enumerate(rows, 1) for record in self._records(file, count, row))
        self._rows.execute("BEGIN")
        self._rows.executemany(f"INSERT INTO rows VALUES (?, {number}, ?, ?)", records)  # noqa: S608  # a number
        self._rows.execute("COMMIT")

    def _records(self, file: _File, number: int, row: Row) -> Iterator[tuple[str | None, int, str]]:
        """For each file that a row names, where that is and what is said of it; or what is wrong with the row."""
        try:
            if isinstance(row, str):
                raise BadPicture("bad_label", row)
            kept = self._kept(row, file.column)
            pictures = [(_place(file.folder, name), number, _text(kept)) for name in _names(row, file.column)]
            if not pictures:
                raise BadPicture("bad_label", f"{file.column} is empty")
            others = [name for name in row if name != file.column and _FILE_COLUMN.fullmatch(name)]
            beside = [
                (_place(file.folder, name), number, _text(other)) for other in others for name in _names(row, other)
            ]
        except BadPicture as bad:
            yield None, number, bad.detail
            return
        self.columns.update(dict.fromkeys(name for name in row if name != file.column and name not in others))
        if file.kinds:
            file.kinds.learn(kept)
        yield from pictures
        yield from beside

    def _kept(self, row: dict[str, Any], column: str) -> dict[str, Any]:
        return {
            name: value
            for name, value in row.items()
            if (self.wanted is None or name in self.wanted) and name != column and not _FILE_COLUMN.fullmatch(name)
            if isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
        }

    def _at(self, place: str) -> Stated | None:
        cells: dict[str, Any] = {}
        disputed, beside, count = set(), "", 0
        for row, file, text in self._rows.execute("SELECT rowid, file, cells FROM rows WHERE place = ?", (place,)):
            self._seen[row >> 3] |= 1 << (row & 7)
            said = json.loads(text)
            if isinstance(said, str):
                beside = said
                continue
            count += 1
            for name, value in self._values(self._files[file], said):
                if cells.setdefault(name, value) != value:
                    disputed.add(name)
        return Stated(cells, frozenset(disputed), "" if count else beside) if count or beside else None

    def _values(self, file: _File, said: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        for name, cell in said.items():
            value = file.kinds.value(name, cell) if file.kinds and name not in self.texts else cell
            if value is not None:
                yield name, value

    def _absent(self, row: int, place: str) -> Iterator[Location]:
        file, number, text = self._rows.execute(
            "SELECT file, number, cells FROM rows WHERE rowid = ?", (row,)
        ).fetchone()
        if text.startswith("{"):
            detail = f"named in {self._files[file].entry.path}, row {number}, and not there"
            yield _fault(place, "no_picture", detail)


def _fault(uri: str, reason: str, detail: str) -> Location:
    return Location(uri=uri, file="", container="file", reason=reason, detail=detail)


def _names(row: dict[str, Any], column: str) -> list[str]:
    """Names in a cell: one, or a list of them."""
    value = row.get(column)
    names = [name for name in (value if isinstance(value, list) else [value]) if name not in (None, "")]
    if not all(isinstance(name, str) for name in names):
        raise BadPicture("bad_label", f"{column} is {value!r:.80}, not the name of a file")
    return names


def _place(folder: str, name: str) -> str:
    """The file that a row names, as all spellings of its path have it: macOS writes accents as letters of their own."""
    path = posixpath.normpath(name.replace("\\", "/"))
    if "://" in name or path == "." or is_unsafe_name(path):
        raise BadPicture("bad_label", f"{name!r:.80} is no path below the folder of the metadata")
    return _key(folder + _sound(path))


def _key(path: str) -> str:
    return encode_path(unicodedata.normalize("NFC", path))


def _text(value: Any) -> str:
    return _sound(json.dumps(value, ensure_ascii=False))


def _sound(text: str) -> str:
    """The text.

    Raises:
        BadPicture: it was not UTF-8, or has half a character.
    """
    with suppress(UnicodeEncodeError):
        if "\ufffd" not in text and text.encode():
            return text
    raise BadPicture("bad_label", f"not UTF-8: {text.encode('ascii', 'replace').decode()!r:.80}")
