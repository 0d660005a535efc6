"""A folder of pictures, with everything below it.

Listed one folder at a time, so memory grows with the largest folder and not with the source. A file is
never opened here: a pipe with a picture's name would make a listing wait for ever.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pipelines.errors import RecipeError
from pipelines.sources.base import Location, Source, decode_path, encode_path, is_picture_name
from pipelines.sources.files import check_root, count_ignored, folder_split, refusal, refuse_urls


class FolderSource(Source):
    """Pictures in a folder; links are followed, and a folder reached twice is listed once."""

    type: Literal["folder"] = "folder"

    def root(self) -> Path:
        return Path(self.path)

    def check(self) -> None:
        refuse_urls(self.path)
        super().check()

    def locate(self, ignored: Counter[str], index_dir: Path) -> Iterator[Location]:
        refuse_urls(self.path)
        if not self.root().is_dir():
            raise RecipeError(f"path must name a folder, found none at {self.path!r}: correct the source's path")
        seen: set[tuple[int, int]] = set()
        # A stack, because recursion would end at a thousand nested folders.
        pending = ["/"]
        while pending:
            name = pending.pop()
            if not name.endswith("/"):
                yield from self._file(name, ignored)
                continue
            try:
                pending += reversed(self._entries(name, seen, ignored))
            except OSError as error:
                yield self._refused(name, error)

    def _path(self, name: str) -> str:
        return os.path.join(self.path, decode_path(name.strip("/")))

    def _entries(self, name: str, seen: set[tuple[int, int]], ignored: Counter[str]) -> list[str]:
        """Names in a folder in the order of the final uris: a folder sorts with its slash."""
        path = self._path(name)
        status = os.stat(path)
        identity = (status.st_dev, status.st_ino)
        if identity in seen:
            ignored["(folder listed before)"] += 1
            return []
        seen.add(identity)
        prefix = name.lstrip("/")
        with os.scandir(path) as entries:
            return sorted(prefix + encode_path(entry.name) + "/" * _is_folder(entry) for entry in entries)

    def _file(self, name: str, ignored: Counter[str]) -> Iterator[Location]:
        plain = decode_path(name)
        if not is_picture_name(plain):
            count_ignored(ignored, plain)
            return
        try:
            status = os.stat(self._path(name))
        except OSError as error:
            yield self._refused(name, error)
            return
        if not stat.S_ISREG(status.st_mode):
            detail = stat.filemode(status.st_mode)
            yield self._location(name, reason="not_a_file", detail=detail)
            return
        yield self._location(name, size=status.st_size, mtime_ns=status.st_mtime_ns)

    def _refused(self, name: str, error: OSError) -> Location:
        check_root(self.root())
        reason, detail = refusal(self._path(name), error)
        return self._location(name, reason=reason, detail=detail)

    def _location(self, name: str, size: int = -1, mtime_ns: int = 0, reason: str = "", detail: str = "") -> Location:
        return Location(
            uri=name,
            file=name,
            container="file",
            size=size,
            mtime_ns=mtime_ns,
            neighbourhood=name,
            split=self.split or folder_split(name),
            reason=reason,
            detail=detail,
        )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False
