"""Lists of URLs: text, CSV, JSON lines or Parquet, one picture per line or row.

Listing reads the lists only, in their own order; the pictures are fetched while they are measured, once. What may
be fetched belongs to the source; how fast and how patiently stands in `fetch`, which decides no bytes and so may
change while a build is continued.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import SplitResult, quote, urlsplit

from pydantic import Field

from pipelines.errors import BadPicture, RecipeError
from pipelines.sources.archive import Archive, ArchiveSource
from pipelines.sources.base import Listing, Location, OpenSource
from pipelines.sources.files import labels_json
from pipelines.sources.politeness import Fetch
from pipelines.sources.rows import Row, read_rows

LONGEST_URL = 8192

_HEX_DIGITS = {"sha256": 64, "md5": 32}


class UrlSource(ArchiveSource):
    """One picture per URL."""

    type: Literal["urls"] = "urls"
    url: str | None = Field(None, description="Column of the URLs; found out when empty. A .txt has one URL per line.")
    labels: list[str] = Field(default_factory=list, description="Columns to keep as labels.")
    sha256: str | None = Field(None, description="Column of SHA-256 digests that the pictures must have.")
    md5: str | None = Field(None, description="Column of MD5 digests that the pictures must have.")
    licence_column: str | None = Field(None, description="Column of each picture's licence, as an SPDX identifier.")
    attribution_column: str | None = Field(None, description="Column of whom to credit for each picture.")
    honour_opt_out: bool = Field(
        True, description="Drop pictures whose X-Robots-Tag says noai, noimageai, noindex, noimageindex or none."
    )
    allow_private: bool = Field(False, description="Fetch from addresses that are not of the public internet too.")
    fetch: Fetch = Field(
        default_factory=Fetch, description="How fast and how patiently; may change while a build is continued."
    )
    container: ClassVar[str] = "url"

    def check(self) -> None:
        super().check()
        try:
            import aiohttp  # noqa: F401
        except ImportError:
            raise RecipeError("lists of URLs need aiohttp: pip install 'mendery[urls]'") from None

    def rows_per_task(self) -> int:
        return self.fetch.urls_per_task

    def reader(self, index_dir: Path, max_bytes: int) -> OpenSource:
        from pipelines.sources.fetching import UrlReader

        return UrlReader(self.fetch, max_bytes, self.honour_opt_out, self.allow_private)

    def pictures(self, archive: Archive, listing: Listing) -> Iterator[Location]:
        names, rows = read_rows(archive.path, archive.stream, "a list of URLs", plain="url")
        wanted = [name for name in self._columns(archive, names).values() if name] + self.labels
        if missing := [name for name in wanted if names and name not in names]:
            raise RecipeError(f"{archive.path}: no column {missing[0]!r}; its columns are {', '.join(names)}")
        columns = self._columns(archive, names)
        for number, row in enumerate(rows):
            try:
                yield self._location(archive, row, columns)
            except BadPicture as bad:
                # Without an address a line is told by its number; what it says may be a secret.
                uri = f"{archive.file}#{number}"
                yield Location(uri, archive.file, self.container, reason=bad.reason, detail=bad.detail)

    def _columns(self, archive: Archive, names: Sequence[str]) -> dict[str, str | None]:
        """Columns by what they hold."""
        return {
            "url": self.url or _url_column(archive, names),
            "sha256": self.sha256,
            "md5": self.md5,
            "licence": self.licence_column,
            "attribution": self.attribution_column,
        }

    def _location(self, archive: Archive, row: Row, columns: dict[str, str | None]) -> Location:
        if isinstance(row, str):
            raise BadPicture("bad_url", row)
        cells = {kind: str(row.get(name) or "").strip() for kind, name in columns.items() if name}
        asked, told = clean(cells["url"])
        return Location(
            uri=told,
            file=asked,
            container=self.container,
            etag=_digest(cells),
            split=archive.split,
            labels=labels_json({name: row.get(name) for name in self.labels}),
            licence=cells.get("licence", ""),
            attribution=cells.get("attribution", ""),
        )


def clean(text: str) -> tuple[str, str]:
    """A URL as it is asked for, and as it is told to others: without user name and password.

    Non-ASCII text is percent-encoded; what is encoded already stays as it is, because signatures depend on it.

    Raises:
        BadPicture: bad_url; its detail does not repeat the URL.
    """
    if len(text) > LONGEST_URL or any(ord(sign) <= 32 or ord(sign) == 127 or sign == "\ufffd" for sign in text):
        raise BadPicture("bad_url", "too long, or blanks and control characters in it")
    try:
        parts = urlsplit(text)
        if parts.scheme.lower() not in ("http", "https"):
            raise BadPicture("bad_url", f"scheme {parts.scheme[:20]!r}, expected http or https")
        place, user = _place(parts), quote(parts.netloc.rpartition("@")[0], safe="%:")
        path = quote(parts.path or "/", safe="%/:@!$&'()*+,;=~-._")
        query = "?" + quote(parts.query, safe="%/?:@!$&'()*+,;=~-._[]|") if parts.query else ""
    except ValueError as error:  # ports, brackets, international names, lone surrogates
        raise BadPicture("bad_url", f"not a URL: {type(error).__name__}") from None
    scheme, told = parts.scheme.lower(), f"{place}{path}{query}"
    return f"{scheme}://{user}{'@' if user else ''}{told}", f"{scheme}://{told}"


def _place(parts: SplitResult) -> str:
    """Host and port in plain ASCII; raises ValueError where there is none."""
    host = parts.hostname or ""
    if not host:
        raise ValueError("no host")
    host = f"[{host}]" if ":" in host else host.encode("idna").decode("ascii")
    return host if parts.port is None else f"{host}:{parts.port}"


def _digest(cells: dict[str, str]) -> str:
    """The digest that a row states, as `kind:digits`, or "".

    Raises:
        BadPicture: bad_label, where it is none.
    """
    for kind, digits in _HEX_DIGITS.items():
        stated = cells.get(kind, "").lower()
        if stated and (len(stated) != digits or set(stated) - set("0123456789abcdef")):
            raise BadPicture("bad_label", f"column of {kind}: not {digits} hexadecimal digits")
        if stated:
            return f"{kind}:{stated}"
    return ""


def _url_column(archive: Archive, names: Sequence[str]) -> str:
    """The column called url in whatever case, else the only one whose name ends so."""
    if not names:
        return "url"
    for found in ([name for name in names if name.lower() == "url"], [n for n in names if n.lower().endswith("url")]):
        if len(found) == 1:
            return found[0]
    raise RecipeError(f"{archive.path}: which column holds the URLs? Name it with `url`; it has {', '.join(names)}")
