"""What all sources share about files: finding them by pattern, opening them safely, judging their names."""

from __future__ import annotations

import glob
import json
import math
import os
import re
import stat
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any, BinaryIO

from pipelines.errors import BadPicture, RecipeError, SourceVanished
from pipelines.hub import SCHEME as HUB
from pipelines.places import place
from pipelines.s3 import SCHEME, S3Options
from pipelines.sources.base import OFFICIAL_SPLITS, Location, encode_path

_SCHEME = re.compile(r"pipe:|[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_BRACES = re.compile(r"\{(?:(\d+)\.\.(\d+)|([^{}]*,[^{}]*))\}")
_WILDCARD = re.compile(r"[*?\[]")
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_PATTERN = re.compile(r"[*?\[{]")


def refuse_urls(path: str) -> None:
    """Raises RecipeError for whatever is not a path on this machine."""
    found = _SCHEME.match(path)
    if found is None or path.startswith(HUB):
        return
    scheme = found[0].lower()
    if scheme == SCHEME:
        return
    why = "pipe: runs shell commands" if scheme == "pipe:" else f"{scheme} sources are not read yet"
    raise RecipeError(f"path must name files on this machine, found {path!r}: {why}; copy the files here first")


def expand(path: str, options: S3Options | None = None) -> tuple[Path, list[Path]]:
    """Finds the files that a path, a glob pattern or a brace range such as `{000000..000009}` names.

    Returns:
        The root (see `root_of`), and the files in the order of their encoded names.

    Raises:
        RecipeError: nothing is there, or one file of a range is missing.
    """
    refuse_urls(path)
    if path.startswith(SCHEME):
        return _expand_keys(path, options)
    whole = Path(path)
    if whole.is_dir():
        raise RecipeError(f"path must name a file or a pattern, found the folder {path!r}: give {path.rstrip('/')}/*")
    if os.path.lexists(path):
        return whole.parent, [whole]
    root = root_of(path)
    files = {Path(file) for pattern in _expand_braces(path) for file in _matches(pattern)}
    return root, sorted(files, key=lambda file: encode_path(file.relative_to(root)))


def _expand_keys(path: str, options: S3Options | None) -> tuple[Path, list[Path]]:
    """As `expand`, in a bucket; as in a folder, `*` stops at a slash and `**/` does not."""
    root = root_of(path, options)
    wanted = list(_expand_braces(path))
    plain = [place(one, options) for one in wanted if not _WILDCARD.search(one)]
    missing = [one for one in plain if not one.is_file()]
    patterns = [_regex(one) for one in wanted if _WILDCARD.search(one)]
    keys = [str(key) for key in root.rglob("*")] if patterns else []
    matched = [place(key, options) for key in keys if any(re.fullmatch(pattern, key) for pattern in patterns)]
    if missing or not (plain or matched):
        raise RecipeError(f"no object is called {str(missing[0]) if missing else path!r}: correct the source's path")
    return root, sorted({*plain, *matched}, key=lambda one: encode_path(str(one.relative_to(root))))


def _regex(pattern: str) -> str:
    """What `glob` means by a pattern, as a regular expression."""
    parts = re.split(r"(\*\*/|\*|\?|\[[^\]]+\])", pattern)
    signs = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    return "".join(signs.get(part, part if part.startswith("[") else re.escape(part)) for part in parts)


def root_of(path: str, options: S3Options | None = None) -> Path:
    """The file's folder, for patterns the deepest folder without a wildcard; told without looking for files."""
    if path.startswith(SCHEME):
        bucket, *keys = path.removeprefix(SCHEME).split("/")
        return place("/".join([SCHEME + bucket, *takewhile(lambda key: not _PATTERN.search(key), keys[:-1])]), options)
    whole = Path(path)
    if os.path.lexists(path):
        return whole.parent
    return Path(*takewhile(lambda part: not _PATTERN.search(part), whole.parts[:-1]))


def _expand_braces(pattern: str) -> Iterator[str]:
    found = _BRACES.search(pattern)
    if found is None:
        yield pattern
        return
    for choice in _choices(*found.groups()):
        yield from _expand_braces(pattern[: found.start()] + choice + pattern[found.end() :])


def _choices(first: str | None, last: str | None, listed: str | None) -> Iterator[str]:
    if first is None or last is None:
        yield from (listed or "").split(",")
    else:
        width = len(first) if first.startswith("0") else 0
        yield from (f"{number:0{width}d}" for number in range(int(first), int(last) + 1))


def _matches(pattern: str) -> list[str]:
    if not _WILDCARD.search(pattern):
        found = [pattern] if os.path.lexists(pattern) else []
    else:
        # Not `Path.glob`, which takes no absolute patterns.
        found = [file for file in glob.glob(pattern, recursive=True) if not Path(file).is_dir()]
    if not found:
        raise RecipeError(f"no file is called {pattern!r}, seen from {str(Path.cwd())!r}: correct the source's path")
    return found


def open_regular(path: str | Path) -> tuple[int, os.stat_result]:
    """Opens a regular file, without waiting for a writer if it turns out to be a pipe.

    Raises:
        BadPicture: it is a pipe, a device or a folder.
        OSError: it cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise BadPicture("not_a_file", stat.filemode(status.st_mode))
    return descriptor, status


def refusal(path: str | Path, error: OSError) -> tuple[str, str]:
    """Reason and detail for a file that `error` keeps us from."""
    dangling = Path(path).is_symlink() and not os.access(path, os.F_OK)
    return "link" if dangling else "unreadable", os.strerror(error.errno) if error.errno else str(error)


def check_root(root: Path) -> None:
    """Raises SourceVanished when the folder that holds a whole source is gone or empty.

    An empty folder counts as gone, because that is what a mount point without its disk looks like.
    """
    try:
        with os.scandir(root) as entries:
            found = next(entries, None) is not None
    except OSError:
        found = False
    if not found:
        raise SourceVanished(f"the source {str(root)!r} was there and is gone: mount or restore it, then run again")


def is_unsafe_name(name: str) -> bool:
    """Whether unpacking a member of this name could write outside of the target folder."""
    parts = name.replace("\\", "/").split("/")
    return not parts[0] or ".." in parts or re.match(r"[A-Za-z]:[\\/]", name) is not None


def folder_split(name: str) -> str:
    """Official split that the first telling folder in a path spells, or ""."""
    spelled = (OFFICIAL_SPLITS.get(part.lower(), "") for part in name.split("/")[:-1])
    return next(filter(None, spelled), "")


def archive_split(name: str) -> str:
    """Official split that a folder or a word in an archive's name spells (`train-000000.tar`), or ""."""
    words = re.split(r"[^a-z]+", name.rpartition("/")[2].lower())
    spelled = (OFFICIAL_SPLITS.get(word, "") for word in words)
    return folder_split(name) or next(filter(None, spelled), "")


def count_ignored(ignored: Counter[str], name: str) -> None:
    """Counts a file that is no picture under its suffix."""
    ignored[os.path.splitext(name)[1].lower() or "(none)"] += 1


def labels_json(fields: Mapping[str, Any]) -> str:
    """JSON text of those fields that are single values; nested ones, nulls and NaN are left out."""
    kept = {name: value for name, value in fields.items() if _is_scalar(value)}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"))


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


def zip_data_offset(stream: BinaryIO, location: Location) -> int:
    """Where the data of a zip's member begin, which only its local header tells.

    Raises:
        BadPicture: there is no such header.
    """
    stream.seek(location.offset)
    header = stream.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
        raise BadPicture("corrupt", "no member where the zip's directory says")
    _, name_size, extra_size = _LOCAL_HEADER.unpack(header)
    return location.offset + _LOCAL_HEADER.size + int(name_size) + int(extra_size)
