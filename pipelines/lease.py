"""One process at a time: a locked file here, and in a bucket, where no file can be locked, a lease that is renewed.

The lease is an object that is only written if it is not there, or not what another one has written since it was read.
A build that dies leaves it behind; after `STALE_SECONDS` without renewal the next build takes it over.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.errors import BadPicture, MenderyError
from pipelines.s3 import S3Path, call, head, read_object

RENEW_SECONDS = 10.0
STALE_SECONDS = 45.0


@contextlib.contextmanager
def alone(lock: Path, busy: str) -> Iterator[None]:
    """Holds a lock, here or in a bucket; here the system lets go of it however the process ends.

    Args:
        lock: a file, which is made with its folder.
        busy: what is said where another process holds it.

    Raises:
        MenderyError: another process does.
    """
    if isinstance(lock, S3Path):
        with held(lock):
            yield
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise MenderyError(f"{busy} ({file.read().strip()})") from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield


@contextlib.contextmanager
def held(path: S3Path) -> Iterator[None]:
    """Holds the lease for the length of the block.

    Raises:
        MenderyError: another build holds it.
    """
    lease = _Lease(path)
    lease.take()
    try:
        yield
    finally:
        lease.release()


def is_held(path: S3Path) -> bool:
    """Whether a build has renewed the lease lately, by the server's clock."""
    found = head(path)
    return found is not None and _age(found) < STALE_SECONDS


def _age(found: dict[str, Any]) -> float:
    """Seconds since an object was written; both times are the server's."""
    from email.utils import parsedate_to_datetime

    headers = found["ResponseMetadata"]["HTTPHeaders"]
    passed: float = (parsedate_to_datetime(headers["date"]) - found["LastModified"]).total_seconds()
    return passed


class _Lease:
    def __init__(self, path: S3Path) -> None:
        self._path, self._etag = path, ""
        self._owner = f"process {os.getpid()} on {socket.gethostname()}"
        self._name = uuid.uuid4().hex
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def take(self) -> None:
        found = head(self._path)
        if found is not None and _age(found) < STALE_SECONDS:
            raise MenderyError(self._refusal())
        condition = {"IfNoneMatch": "*"} if found is None else {"IfMatch": str(found["ETag"])}
        try:
            self._write(**condition)
        except BadPicture:  # another build was quicker
            raise MenderyError(self._refusal()) from None
        self._thread.start()

    def release(self) -> None:
        self._over.set()
        self._thread.join()
        self._path.unlink()

    def _refusal(self) -> str:
        try:
            owner = json.loads(read_object(self._path)[0])["owner"]
        except (FileNotFoundError, ValueError, KeyError):
            owner = "unknown"
        place = self._path.parent.parent
        return f"another build is at work in {place} ({owner}); if it died, wait {STALE_SECONDS:.0f} s"

    def _write(self, **condition: str) -> None:
        body = json.dumps({"owner": self._owner, "name": self._name, "time": time.time()}).encode()
        self._etag = call(self._path, "put_object", Key=self._path.key, Body=body, **condition)["ETag"]

    def _renew(self) -> None:
        while not self._over.wait(RENEW_SECONDS):
            # A server that is away is met by the build itself; here it only means that the lease grows old.
            with contextlib.suppress(MenderyError, BadPicture, FileNotFoundError):
                self._write()
