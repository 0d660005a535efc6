"""A prefix in a bucket as a store of files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from pipelines.errors import BadPicture
from pipelines.s3 import S3File, S3Path, listed, read_object
from pipelines.sources.base import Listing, Location, decode_path, encode_path
from pipelines.sources.parts import BETWEEN
from pipelines.sources.stores import OpenFile, open_parts


class BucketStore:
    """Objects below a prefix; the version of each is the one that was listed."""

    remote = True

    def __init__(self, root: S3Path) -> None:
        self.root = root

    def check(self) -> None:
        """Nothing: a request about a bucket that is gone says so itself."""

    def walk(self, listing: Listing) -> Iterator[Location]:
        yield from self._files(listed(self.root))

    def files(self, folder: str = "") -> Iterator[Location]:
        yield from self._files(listed(self._path(folder.rstrip("/")), deep=False))

    def _files(self, entries: Iterator[dict[str, Any]]) -> Iterator[Location]:
        # By encoded name, as folders are listed, and not by key: else the same pictures would make another build here.
        found = sorted((self._name(entry["Key"]), entry["Size"], entry["ETag"]) for entry in entries)
        for name, size, etag in found:
            yield Location(uri=name, file=name, container="file", size=size, etag=etag)

    def _name(self, key: str) -> str:
        return encode_path(key[len(self.root.key) :].lstrip("/"))

    def open(self, file: str, etag: str = "") -> OpenFile:
        if BETWEEN in file:
            return open_parts(self, file, etag)
        stream = S3File(self._path(file), etag)
        return OpenFile(cast(BinaryIO, stream), stream.size, 0, stream.etag)

    def stream(self, file: str, etag: str) -> BinaryIO:
        if BETWEEN in file or not etag:
            return self.open(file, etag).stream
        return cast(BinaryIO, S3File(self._path(file), etag))

    def read(self, file: str, etag: str, max_bytes: int) -> bytes:
        data, _ = read_object(self._path(file), etag)
        if len(data) > max_bytes:
            raise BadPicture("too_many_bytes", f"{len(data)} bytes, at most {max_bytes}")
        return data

    def _path(self, file: str) -> S3Path:
        return S3Path(self.root.bucket, f"{self.root.key}/{decode_path(file)}".strip("/"), self.root.options)
