"""Datasets of the Hugging Face Hub, read in place: which files make up a configuration, `datasets` says.

Its loaders are not used for the pictures themselves: they would download every file whole. What it finds out (the
card's configurations, file name patterns, splits, the kind of files) costs a few small requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import Field, field_validator

from pipelines.errors import RecipeError
from pipelines.hub import SCHEME, Entry, HubFile, HubPath, info, listed
from pipelines.licences import spdx
from pipelines.sources.archive import ArchiveSource
from pipelines.sources.base import OFFICIAL_SPLITS, Listing, Location, Source, decode_path, encode_path, is_picture_name
from pipelines.sources.files import count_ignored
from pipelines.sources.parquet import ParquetSource
from pipelines.sources.parts import BETWEEN
from pipelines.sources.stores import OpenFile, open_parts
from pipelines.sources.tar import TarSource
from pipelines.sources.webdataset import WebDatasetSource
from pipelines.sources.zip import ZipSource

_INSIDE: dict[str, type[ArchiveSource]] = {".parquet": ParquetSource, ".tar": TarSource, ".zip": ZipSource}
"""Files that hold many pictures, by their suffix."""


class HubSource(Source):
    """A dataset of the Hub: Parquet, WebDataset shards, or pictures in folders and archives."""

    type: Literal["hub"] = "hub"
    path: str = Field(description="owner/name of the dataset.")
    revision: str = Field("main", description="Branch, tag or commit; a branch is fixed to its commit when listed.")
    config: str = Field("", description="Configuration of the dataset; its default one when empty.")
    splits: list[str] = Field(default_factory=list, description="Splits of the dataset to take; all when empty.")
    image: str | None = Field(None, description="Column, or member of WebDataset samples, that is the picture.")
    labels: list[str] = Field(default_factory=list, description="Columns to keep as labels.")

    @field_validator("path")
    @classmethod
    def _with_scheme(cls, path: str) -> str:
        try:
            return str(HubPath.parse(path if path.startswith(SCHEME) else SCHEME + path))
        except RecipeError as error:
            raise ValueError(str(error)) from None

    def root(self) -> Path:
        found = HubPath.parse(self.path)
        return cast(Path, found if self.revision == "main" else replace(found, revision=self.revision))

    def check(self) -> None:
        info(cast(HubPath, self.root()))

    def locate(self, listing: Listing) -> Iterator[Location]:
        root = cast(HubPath, self.root())
        about = info(root)
        store = HubStore(HubPath(root.repo, about.sha))
        licence = self._licence(about, listing)
        kind, files = _data_files(root, about.sha, self.config)
        for split, names in self._wanted(files).items():
            for name in sorted(names, key=encode_path):
                for location in self._inside(store, kind, name, split, listing):
                    yield replace(location, licence=location.licence or licence)

    def _wanted(self, files: dict[str, list[str]]) -> dict[str, list[str]]:
        unknown = [split for split in self.splits if split not in files]
        if unknown:
            raise RecipeError(f"{self.path}: no split {unknown[0]!r}; its splits are {', '.join(files)}")
        return {split: names for split, names in files.items() if not self.splits or split in self.splits}

    def _inside(self, store: HubStore, kind: str, name: str, split: str, listing: Listing) -> Iterator[Location]:
        file, suffix = encode_path(name), Path(name).suffix.lower()
        official = self.split or OFFICIAL_SPLITS.get(split.lower(), "")
        if kind == "webdataset":
            source: ArchiveSource = WebDatasetSource(path=name, image=self.image, split=official)
        elif suffix == ".parquet":
            source = ParquetSource(path=name, image=self.image, labels=self.labels, split=official)
        elif suffix in _INSIDE:
            source = _INSIDE[suffix](path=name, split=official)
        elif is_picture_name(name):
            yield Location(file, file, "file", etag=store.commit, split=official)
            return
        else:
            count_ignored(listing.ignored, name)
            return
        whole = Location(file, file, "file", etag=store.commit)
        yield from source.locate_in(store, cast(Path, store.root), whole, listing)

    def _licence(self, about: Any, listing: Listing) -> str:
        """The card's licence, where the recipe states none."""
        if self.licence != "unknown":
            return ""
        stated = (about.card_data or {}).get("license") or "unknown"
        known = spdx(stated if isinstance(stated, str) else "unknown")
        if not known:
            listing.notes.append(f"{self.path}: its card states the licence {stated!r}, of which no terms are known")
        return known


class HubStore:
    """Files of a repository at one commit, which stands in every location."""

    remote = True

    def __init__(self, root: HubPath) -> None:
        self.root = root

    @property
    def commit(self) -> str:
        return self.root.revision

    def check(self) -> None:
        """Nothing: a request about a repository that is gone says so itself."""

    def walk(self, listing: Listing) -> Iterator[Location]:
        yield from self._files(listed(self.root))

    def files(self, folder: str = "") -> Iterator[Location]:
        inside = decode_path(folder.rstrip("/"))
        yield from self._files(listed(self.root / inside if inside else self.root, deep=False))

    def _files(self, entries: Iterator[Entry]) -> Iterator[Location]:
        for name, entry in sorted((self._name(entry), entry) for entry in entries):
            yield Location(uri=name, file=name, container="file", size=entry.size, etag=entry.commit)

    def open(self, file: str, etag: str = "") -> OpenFile:
        if BETWEEN in file:
            return open_parts(self, file, etag)
        stream = HubFile(self._path(file), etag)
        return OpenFile(cast(Any, stream), stream.size, 0, stream.commit)

    def stream(self, file: str, etag: str) -> Any:
        return self.open(file, etag).stream if BETWEEN in file else HubFile(self._path(file), etag)

    def read(self, file: str, etag: str, max_bytes: int) -> bytes:
        # One byte more than allowed tells that there are too many, which the reader judges.
        return HubFile(self._path(file), etag).read(max_bytes + 1)

    def _name(self, entry: Entry) -> str:
        return encode_path(entry.path[len(self.root.key) :].lstrip("/"))

    def _path(self, file: str) -> HubPath:
        return self.root / decode_path(file)


def _data_files(root: HubPath, commit: str, config: str) -> tuple[str, dict[str, list[str]]]:
    """Kind of a configuration's files, and their paths by split.

    Raises:
        RecipeError: there is no such configuration, or no data that can be read without running code.
    """
    try:
        from datasets import DownloadConfig
        from datasets.exceptions import DatasetNotFoundError
        from datasets.load import HubDatasetModuleFactory
    except ImportError:
        raise RecipeError("hub sources need datasets: pip install 'mendery[hub]'") from None
    options = DownloadConfig()
    try:
        module = HubDatasetModuleFactory(root.repo, commit_hash=commit, download_config=options).get_module()
    except (FileNotFoundError, ValueError, DatasetNotFoundError) as error:
        raise RecipeError(f"{root}: no data files that could be read without running its code: {error}") from None
    found = module.builder_configs_parameters
    configs = {each.name: each for each in found.builder_configs or []}
    name = config or found.default_config_name or next(iter(configs))
    if name not in configs:
        raise RecipeError(f"{root}: no configuration {name!r}; it has {', '.join(configs)}")
    chosen, base = configs[name], f"hf://datasets/{root.repo}@{commit}"
    chosen._resolve_data_files(base_path=base, download_config=options)  # the only way to ask
    files = {
        str(split): [str(file).removeprefix(f"{base}/") for file in of_split]
        for split, of_split in chosen.data_files.items()
    }
    return module.module_path.rpartition(".")[2], files
