"""What of an output folder is published, and whether it still is what its manifest says.

`state/` and `recipe.yaml` never are: they tell of this machine. Every file is read once before anything leaves, since
a shard that was damaged on its way would be published under the digest of the good one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import manifest as manifests
from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.places import place
from pipelines.storage import sha256_of

MANIFEST = "manifest.json"
REBUILD = "rebuild.json"
"""What stands for the manifest where only the recipe is published."""

SINGLE = ("README.md", "croissant.json", "datasheet.md", "report.html", "tombstones.json", "rebuild.parquet")
FOLDERS = ("attribution", "card", "shards")
"""What a published dataset holds besides its manifest; anything else in such a place is not ours."""

NAMED = 5


@dataclass(frozen=True)
class Item:
    """One file to publish: its path in the dataset, where it is, its bytes and their SHA-256."""

    path: str
    file: Path
    size: int
    sha256: str


@dataclass(frozen=True)
class Contents:
    """A dataset, or the recipe of one, ready to be published.

    Attributes:
        items: all files but the manifest, sorted by path.
        manifest: comes last, since its being there proves the rest.
    """

    name: str
    version: str
    items: tuple[Item, ...]
    manifest: Item

    @property
    def all(self) -> tuple[Item, ...]:
        return (*self.items, self.manifest)


def collect(out: str | Path) -> Contents:
    """Everything of a finished dataset that is published.

    Raises:
        MenderyError: it is not finished, or a shard is not what the manifest says.
    """
    stated, layout = manifests.read(out), Layout(place(out))
    expected: dict[Path, str] = {}
    for shard in stated["shards"]:
        expected[layout.shard(shard["name"])] = shard["sha256"]
        expected[layout.index(shard["name"])] = shard["index_sha256"]
    items = _read(layout.out, [*expected, *_extras(layout.out)])
    faults = [item.path for item in items if expected.get(item.file, item.sha256) != item.sha256]
    if faults:
        more = f" and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
        named = f"{', '.join(faults[:NAMED])}{more} {'is' if len(faults) == 1 else 'are'}"
        raise MenderyError(
            f"{out}: {named} not what the manifest says: nothing was published. Delete the "
            "named files with their records in state/commits and build again"
        )
    return _contents(stated, items, _item(layout.out, layout.manifest))


def collect_folder(folder: Path, manifest: str = REBUILD) -> Contents:
    """Everything in a folder that was made to be published."""
    stated = json.loads((folder / manifest).read_bytes())
    names = [name for name in SINGLE if (folder / name).is_file()]
    files = [folder / name for name in names] + _below(folder, "attribution")
    return _contents(stated, _read(folder, files), _item(folder, folder / manifest))


def is_ours(path: str) -> bool:
    """Whether a published file of this path is one that publishing made, and so may replace and remove."""
    return path in (MANIFEST, REBUILD, *SINGLE) or path.partition("/")[0] in FOLDERS


def _contents(stated: dict[str, Any], items: list[Item], manifest: Item) -> Contents:
    ordered = tuple(sorted(items, key=lambda item: item.path))
    return Contents(stated["name"], stated["version"], ordered, manifest)


def _extras(out: Path) -> Iterator[Path]:
    """Files beside the shards, where they are."""
    yield from (out / name for name in SINGLE if (out / name).is_file())
    for folder in ("attribution", "card"):
        yield from _below(out, folder)


def _below(out: Path, folder: str) -> list[Path]:
    return sorted(path for path in (out / folder).rglob("*") if path.is_file()) if (out / folder).is_dir() else []


def _read(out: Path, files: list[Path]) -> list[Item]:
    missing = [str(path.relative_to(out)) for path in files if not path.is_file()]
    if missing:
        raise MenderyError(f"{out}: {', '.join(missing[:NAMED])} of the manifest missing: nothing was published")
    with ThreadPoolExecutor(4, thread_name_prefix="digest") as pool:
        return list(pool.map(lambda path: _item(out, path), files))


def _item(out: Path, path: Path) -> Item:
    return Item(str(path.relative_to(out)), path, path.stat().st_size, sha256_of(path))


def git_oid(data: bytes) -> str:
    """Git's name of a file of these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
