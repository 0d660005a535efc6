"""Publishing to a folder or a bucket: shards first, the manifest last.

A file that is there with the same digest is not sent again. A mark, `publishing.json`, tells whose work is unfinished;
while it is there, there is no manifest, so that nobody takes half a version, or two halves, for a dataset.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, cast

from pipelines.errors import BadPicture, MenderyError
from pipelines.hub import HubPath
from pipelines.places import place
from pipelines.progress import Progress
from pipelines.publish.contents import Contents, Item, is_ours
from pipelines.publish.push import Published
from pipelines.s3 import S3Path, call, head
from pipelines.storage import put, sha256_of
from pipelines.wording import size

MARK = "publishing.json"

PARALLEL = 4
"""Files that are sent to a bucket at a time."""

PART = 16 << 20
"""Bytes of a part of a large object; what is no larger goes in one request."""


def deliver(contents: Contents, to: str, progress: Progress, dry_run: bool = False) -> Published:
    """Publishes a dataset to a folder or to `s3://bucket/prefix`, or continues to.

    Raises:
        MenderyError: something else is there, or somebody else publishes there.
    """
    target = place(to)
    if isinstance(target, HubPath):
        raise MenderyError(f"--to is a folder or s3://bucket/prefix, found {to!r}: use --repo {target.repo}")
    _refuse(contents, target)
    there = {path: digest for path in _names(target) if (digest := _digest(target / path))}
    changed = [item for item in contents.items if there.get(item.path) != item.sha256]
    whole = not changed and there.get(contents.manifest.path) == contents.manifest.sha256
    gone = [path for path in there if is_ours(path) and path not in {item.path for item in contents.all}]
    kept, sent = len(contents.all) - len(changed) - (not whole), sum(item.size for item in changed)
    sent += 0 if whole else contents.manifest.size
    progress.say(
        f"publish: {len(changed) + (not whole):,} files to send ({size(sent)}), {kept:,} are there, to {target}"
    )
    done = Published(str(target), contents.version, "", "", len(changed) + (not whole), sent, kept, len(gone))
    if dry_run or (whole and not gone):
        return done
    if not whole:
        _begin(contents, target)
        _send_all(changed, target, progress)
        _finish(contents, target)
    for path in gone:
        (target / path).unlink(missing_ok=True)
    return done


def _refuse(contents: Contents, target: Path) -> None:
    """Refuses a place that holds something else, or an unfinished publish of something else."""
    if (target / MARK).is_file():
        begun = json.loads((target / MARK).read_bytes())
        if begun.get("name") != contents.name:
            raise MenderyError(f"{target}: {begun.get('name')!r} is being published there: name another place")
        if begun.get("manifest") != contents.manifest.sha256:
            raise MenderyError(
                f"{target}: version {begun.get('version')} is being published there; finish that, or, if it was given "
                f"up, delete {target / MARK}"
            )
        return
    manifest = target / contents.manifest.path
    if manifest.is_file():
        name = json.loads(manifest.read_bytes()).get("name")
        if name != contents.name:
            raise MenderyError(
                f"{target} holds the dataset {name!r}, this one is {contents.name!r}: name another place"
            )
    elif found := next(iter(_names(target)), ""):
        raise MenderyError(f"{target} holds {found}, and no dataset of this name: name an empty place")


def _names(target: Path) -> Iterator[str]:
    if target.is_dir():
        yield from sorted(str(path.relative_to(target)) for path in target.rglob("*") if _is_file(path))


def _is_file(path: Path) -> bool:
    return isinstance(path, S3Path) or path.is_file()


def _digest(path: Path) -> str:
    """SHA-256 of a file that is there; of an object what was stated when it was put, "" where nothing was."""
    if not isinstance(path, S3Path):
        return sha256_of(path)
    found = head(path)
    return str(found["Metadata"].get("sha256", "")) if found else ""


def _begin(contents: Contents, target: Path) -> None:
    """Marks the place as unfinished, then takes the old manifest away."""
    told = {"name": contents.name, "version": contents.version, "manifest": contents.manifest.sha256}
    data = json.dumps(told, sort_keys=True).encode()
    if not (target / MARK).is_file():
        _put_new(target / MARK, data)
    (target / contents.manifest.path).unlink(missing_ok=True)


def _finish(contents: Contents, target: Path) -> None:
    _put_new(target / contents.manifest.path, contents.manifest.file.read_bytes())
    (target / MARK).unlink(missing_ok=True)


def _put_new(path: Path, data: bytes) -> None:
    """Writes a small file that must not be there yet: of two who publish at once, one is told.

    Raises:
        MenderyError: it is there.
    """
    try:
        if isinstance(path, S3Path):
            call(path, "put_object", Key=path.key, Body=data, IfNoneMatch="*", **_stated(hashlib.sha256(data)))
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(data)
    except (FileExistsError, BadPicture):
        raise MenderyError(f"{path} appeared meanwhile: somebody else publishes to the same place") from None


def _send_all(items: list[Item], target: Path, progress: Progress) -> None:
    with progress.count("upload", len(items), 0, "files") as advance, ThreadPoolExecutor(PARALLEL) as pool:
        for _ in pool.map(lambda item: _send(item, target / item.path), items):
            advance(1)


def _send(item: Item, path: Path) -> None:
    """Copies one file; what arrives is held against its digest."""
    if isinstance(path, S3Path):
        _send_object(item, path)
        return
    with put(path) as copy, item.file.open("rb") as file:
        shutil.copyfileobj(file, copy, 1 << 20)
        copy.seek(0)
        if hashlib.file_digest(copy, "sha256").hexdigest() != item.sha256:  # type: ignore[arg-type]
            raise MenderyError(f"{path}: what was written is not what was read; is the disk sound?")


def _send_object(item: Item, path: S3Path) -> None:
    with item.file.open("rb") as file:
        if item.size <= PART:
            data = file.read()
            call(path, "put_object", Key=path.key, Body=data, **_stated(hashlib.sha256(data)))
        else:
            _send_parts(item, path, file)
    found = head(path)
    if found is None or found["ContentLength"] != item.size:
        raise MenderyError(f"{path}: the server does not have all {item.size:,} bytes of it: publish again")


def _send_parts(item: Item, path: S3Path, file: IO[bytes]) -> None:
    """A large object part by part; parts that an interrupted publish has left are taken over."""
    upload, there = _unfinished(item, path)
    parts = []
    for number, start in enumerate(range(0, item.size, PART), 1):
        file.seek(start)
        data = file.read(PART)
        etag = f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'
        if there.get(number) != etag:
            etag = call(path, "upload_part", Key=path.key, UploadId=upload, PartNumber=number, Body=data)["ETag"]
        parts.append({"PartNumber": number, "ETag": etag})
    call(path, "complete_multipart_upload", Key=path.key, UploadId=upload, MultipartUpload={"Parts": parts})


def _unfinished(item: Item, path: S3Path) -> tuple[str, dict[int, str]]:
    """An upload of this key that was begun, with the ETags of its parts, else a new one."""
    for begun in call(path, "list_multipart_uploads", Prefix=path.key).get("Uploads", []):
        if begun["Key"] == path.key:
            try:
                parts = call(path, "list_parts", Key=path.key, UploadId=begun["UploadId"]).get("Parts", [])
            except FileNotFoundError:  # it was given up meanwhile
                continue
            return begun["UploadId"], {part["PartNumber"]: part["ETag"] for part in parts}
    metadata = {"sha256": item.sha256}
    made = call(path, "create_multipart_upload", Key=path.key, Metadata=metadata)
    return cast(str, made["UploadId"]), {}


def _stated(digest: Any) -> dict[str, Any]:
    """Arguments that make the server check what it receives, and remember it."""
    return {"ChecksumSHA256": base64.b64encode(digest.digest()).decode(), "Metadata": {"sha256": digest.hexdigest()}}
