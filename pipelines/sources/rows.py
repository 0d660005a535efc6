"""Rows of tables that people keep beside pictures: CSV, JSON lines or Parquet, each read once from front to end.

A line that cannot be read is a row too, a text that says why: it is data, and whoever reads the table counts it.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import RecipeError
from pipelines.sources.archive import ArchiveBroken

LONGEST_LINE = 1 << 20
ROWS_AT_A_TIME = 10_000

Row = dict[str, Any] | str
"""Cells by column, or for a line that cannot be read the reason why."""

Table = tuple[Sequence[str], Iterator[Row]]


def read_rows(path: str, stream: BinaryIO, what: str, plain: str = "", ragged: bool = True) -> Table:
    """Names of the columns, () where only the rows tell, and the rows.

    Args:
        path: its end says what kind of table it is.
        what: the table's purpose, for the message when it is none.
        plain: column that the lines of a .txt are; without it a .txt is no table.
        ragged: whether a line of CSV may have more or fewer cells than the header.

    Raises:
        ArchiveBroken: it cannot be read at all; later, by the iterator: beyond this point.
        RecipeError: it is no table.
    """
    name = path.lower()
    if name.endswith(".parquet"):
        return _parquet(stream)
    lines = _lines(gzip.GzipFile(fileobj=stream) if name.endswith(".gz") else stream)
    match name.removesuffix(".gz").rpartition(".")[2]:
        case "csv" | "tsv" as kind:
            return _csv(lines, "\t" if kind == "tsv" else ",", ragged)
        case "jsonl" | "ndjson":
            return (), map(_json_row, _not_blank(lines))
        case "txt" if plain:
            return (plain,), ({plain: line} for line in _not_blank(lines))
        case _:
            kinds = f"{'.txt, ' if plain else ''}.csv, .tsv, .jsonl (each also .gz) or .parquet"
            raise RecipeError(f"{path}: {what} is {kinds}")


def is_table_name(name: str) -> bool:
    """Whether a file of this name can be read as a table with columns."""
    return name.lower().removesuffix(".gz").endswith((".csv", ".tsv", ".jsonl", ".ndjson", ".parquet"))


def _lines(stream: BinaryIO | gzip.GzipFile | io.BufferedReader) -> Iterator[str]:
    """Lines of UTF-8, with or without its mark at the beginning; one that never ends falls into pieces."""
    if isinstance(stream, io.RawIOBase):  # which gives a line byte by byte
        stream = io.BufferedReader(stream, LONGEST_LINE)
    encoding = "utf-8-sig"
    try:
        while line := stream.readline(LONGEST_LINE):
            yield line.decode(encoding, errors="replace")
            encoding = "utf-8"
    except (OSError, EOFError, zlib.error) as error:
        raise ArchiveBroken(f"the list ends early or is damaged: {error}") from None


def _not_blank(lines: Iterable[str]) -> Iterator[str]:
    return (line for line in map(str.strip, lines) if line)


def _csv(lines: Iterator[str], delimiter: str, ragged: bool) -> Table:
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        names = next(reader, [])
    except csv.Error as error:
        raise ArchiveBroken(f"not CSV: {error}") from None

    def rows() -> Iterator[Row]:
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield f"not CSV: {error}"
                continue
            if cells and (ragged or len(cells) == len(names)):
                yield dict(zip(names, cells, strict=False))
            elif cells:
                yield f"{len(cells)} cells where the header has {len(names)}"

    return names, rows()


def _json_row(line: str) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return "not JSON"
    return row if isinstance(row, dict) else "not a JSON object"


def _parquet(stream: BinaryIO) -> Table:
    try:
        file = pq.ParquetFile(stream)
    except (pa.ArrowException, OSError) as error:
        raise ArchiveBroken(f"not a Parquet file, or cut: {error}") from None

    def rows() -> Iterator[Row]:
        try:
            for batch in file.iter_batches(ROWS_AT_A_TIME):
                yield from batch.to_pylist()
        except (pa.ArrowException, OSError) as error:
            raise ArchiveBroken(f"the list cannot be read beyond this point: {error}") from None

    return file.schema_arrow.names, rows()
