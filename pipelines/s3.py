"""S3 and what speaks its protocol: paths, streams over ranged reads, and patience with servers.

An object is read by ranges and only in the version that was listed: every read states the ETag, so that an object
replaced under a build is noticed. Credentials come from where boto3 looks for them, and are written nowhere.
"""

from __future__ import annotations

import fnmatch
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import IO, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from pipelines.errors import BadPicture, MenderyError, RecipeError
from pipelines.ranged import RangedFile

SCHEME = "s3://"

PATIENCE_SECONDS = 120.0
"""So long a server may fail or be away before a build stops; the same command continues."""

CONNECTIONS = 32
_MAKING = threading.Lock()
_PASSING = {
    "SlowDown",
    "ServiceUnavailable",
    "InternalError",
    "RequestTimeout",
    "Throttling",
    "500",
    "502",
    "503",
    "504",
}
_ABSENT = {"NoSuchKey", "404", "NotFound"}
_EXPLAINED = {
    "NoSuchBucket": "there is no such bucket",
    "InvalidAccessKeyId": "the access key is not known there",
    "SignatureDoesNotMatch": "the secret does not belong to the access key",
    "AccessDenied": "these credentials may not do this",
    "403": "these credentials may not do this, or there are none",
    "ExpiredToken": "the session token has expired",
}

Result = TypeVar("Result")


class S3Options(BaseModel):
    """The `s3:` block of a source: how its bucket is reached. What is not set comes from the environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str = Field("", description="URL of a server that is not Amazon's, such as http://127.0.0.1:9000.")
    region: str = Field("", description="Region of the bucket.")
    anonymous: bool = Field(False, description="Read without credentials, as public buckets allow.")
    requester_pays: bool = Field(False, description="Agree to pay for the transfer from the bucket.")


@dataclass(frozen=True)
class S3Path:
    """Answers that part of `pathlib.Path` that a build uses, for a key or a prefix in a bucket.

    Attributes:
        bucket, key: the key without slashes at its ends; "" is the bucket's root.
    """

    bucket: str
    key: str
    options: S3Options = field(default_factory=S3Options)

    @classmethod
    def parse(cls, text: str, options: S3Options | None = None) -> S3Path:
        """Path from `s3://bucket/key`.

        Raises:
            RecipeError: it names no bucket.
        """
        bucket, _, key = text.removeprefix(SCHEME).partition("/")
        if not text.startswith(SCHEME) or not bucket:
            raise RecipeError(f"expected s3://bucket/key, found {text!r}")
        return cls(bucket, key.strip("/"), options or S3Options())

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"

    def __truediv__(self, name: object) -> S3Path:
        return S3Path(self.bucket, f"{self.key}/{name}".strip("/"), self.options)

    def __lt__(self, other: S3Path) -> bool:
        return (self.bucket, self.key) < (other.bucket, other.key)

    @property
    def parent(self) -> S3Path:
        return S3Path(self.bucket, self.key.rpartition("/")[0], self.options)

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix

    def relative_to(self, other: S3Path) -> str:
        assert str(self).startswith(str(other)), (self, other)
        return self.key[len(other.key) :].strip("/")

    def resolve(self) -> S3Path:
        return self

    def mkdir(self, **_: bool) -> None:
        """Nothing: a prefix needs no making."""

    def is_file(self) -> bool:
        return head(self) is not None

    def is_dir(self) -> bool:
        return next(listed(self, 1), None) is not None

    def exists(self) -> bool:
        return self.is_file() or self.is_dir()

    def stat(self) -> SimpleNamespace:
        found = head(self)
        if found is None:
            raise FileNotFoundError(2, "no such object", str(self))
        return SimpleNamespace(st_size=found["ContentLength"], st_mtime_ns=0)

    def open(self, mode: str = "rb") -> IO[bytes]:
        assert mode == "rb", mode
        return S3File(self)  # type: ignore[return-value]

    def read_bytes(self) -> bytes:
        return read_object(self)[0]

    def read_text(self, encoding: str = "utf-8") -> str:
        return self.read_bytes().decode(encoding)

    def unlink(self, missing_ok: bool = False) -> None:  # noqa: ARG002  # deleting what is not there is no fault in S3
        call(self, "delete_object", Key=self.key)

    def replace(self, target: S3Path) -> None:
        """Copies to the target and deletes: S3 cannot rename."""
        call(target, "copy_object", Key=target.key, CopySource={"Bucket": self.bucket, "Key": self.key})
        self.unlink()

    def glob(self, pattern: str) -> Iterator[S3Path]:
        """Objects right below whose name fits."""
        for path in self.rglob(pattern):
            if path.parent == self:
                yield path

    def rglob(self, pattern: str) -> Iterator[S3Path]:
        for entry in listed(self):
            path = S3Path(self.bucket, entry["Key"], self.options)
            if fnmatch.fnmatchcase(path.name, pattern):
                yield path


CLIENTS: dict[S3Options, Any] = {}


def client(options: S3Options) -> Any:
    """A client of boto3, one a process: making one takes longer than a request."""
    with _MAKING:
        if options not in CLIENTS:
            CLIENTS[options] = _client(options)
    return CLIENTS[options]


def _client(options: S3Options) -> Any:
    try:
        import boto3
        from botocore import UNSIGNED
        from botocore.config import Config
    except ImportError:
        raise RecipeError("S3 needs boto3: pip install 'mendery[s3]'") from None
    endpoint = options.endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    config = Config(
        connect_timeout=10,
        read_timeout=60,
        retries={"mode": "standard", "max_attempts": 3},
        max_pool_connections=CONNECTIONS,
        # Servers other than Amazon's rarely have a host name per bucket.
        s3={"addressing_style": "path"} if endpoint else {},
        **({"signature_version": UNSIGNED} if options.anonymous else {}),
    )
    region = options.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    # A session of its own: the default one keeps the credentials it has once found.
    return boto3.session.Session().client("s3", endpoint_url=endpoint, region_name=region, config=config)


def call(path: S3Path, operation: str, **arguments: Any) -> Any:
    """One request about a bucket, repeated while the server fails.

    Raises:
        FileNotFoundError: there is no such object.
        BadPicture: the object is not the version asked for.
        RecipeError: the bucket or the credentials are not right.
        MenderyError: the server failed for too long.
    """
    pays = {"RequestPayer": "requester"} if path.options.requester_pays else {}
    return patiently(path, lambda: getattr(client(path.options), operation)(Bucket=path.bucket, **pays, **arguments))


def patiently(path: S3Path, request: Callable[[], Result]) -> Result:
    """Repeats a request with growing pauses while its failure may pass; faults as `call`."""
    from botocore.exceptions import BotoCoreError, ClientError
    from urllib3.exceptions import HTTPError

    deadline, pause = time.monotonic() + PATIENCE_SECONDS, 0.2
    while True:
        try:
            return request()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code not in _PASSING:
                raise _fault(path, code, error) from None
            failure: Exception = error
        except (BotoCoreError, HTTPError, ConnectionError, TimeoutError) as error:
            if type(error).__name__ in ("NoCredentialsError", "PartialCredentialsError"):
                advice = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or s3: {anonymous: true}"
                raise RecipeError(f"{path}: no credentials were found: {advice}") from None
            failure = error
        if time.monotonic() > deadline:
            text = f"{path}: the server failed for {PATIENCE_SECONDS:.0f} s, at last with: {failure}"
            raise MenderyError(text) from None
        time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  # spreads out many waiting workers
        pause = min(2 * pause, 10)


def _fault(path: S3Path, code: str, error: Exception) -> Exception:
    if code in _ABSENT:
        return FileNotFoundError(2, "no such object", str(path))
    if code in ("InvalidRange", "416"):
        return EOFError(str(path))
    if code in ("PreconditionFailed", "412"):
        return BadPicture("changed", "the object was replaced since it was listed")
    return RecipeError(f"{path}: {_EXPLAINED.get(code, error)} ({code})")


def head(path: S3Path) -> dict[str, Any] | None:
    """What the server says of an object; None if there is none."""
    try:
        found: dict[str, Any] = call(path, "head_object", Key=path.key)
    except FileNotFoundError:
        return None
    return found


def listed(prefix: S3Path, limit: int = 1000, *, deep: bool = True) -> Iterator[dict[str, Any]]:
    """Objects below a prefix, sorted by key: `Key`, `Size` and `ETag` of each.

    Args:
        deep: those with further slashes in their names too.
    """
    begin = f"{prefix.key}/" if prefix.key else ""
    more: dict[str, str] = {} if deep else {"Delimiter": "/"}
    while True:
        page = call(prefix, "list_objects_v2", Prefix=begin, MaxKeys=limit, **more)
        for entry in page.get("Contents", []):
            if not entry["Key"].endswith("/"):  # what some tools leave for a folder
                yield entry
        if not page.get("IsTruncated"):
            return
        more |= {"ContinuationToken": page["NextContinuationToken"]}


def read_object(path: S3Path, etag: str = "") -> tuple[bytes, str]:
    """All bytes of an object, and its ETag; faults as `call`."""
    only = {"IfMatch": etag} if etag else {}

    def request() -> tuple[bytes, str]:
        pays = {"RequestPayer": "requester"} if path.options.requester_pays else {}
        answer = client(path.options).get_object(Bucket=path.bucket, Key=path.key, **pays, **only)
        return answer["Body"].read(), answer["ETag"]

    return patiently(path, request)


class S3File(RangedFile):
    """An object as a stream."""

    def __init__(self, path: S3Path, etag: str = "", size: int = -1) -> None:
        super().__init__()
        self._path, self._etag, self._size = path, etag, size

    @property
    def size(self) -> int:
        if self._size < 0:
            found = head(self._path)
            if found is None:
                raise FileNotFoundError(2, "no such object", str(self._path))
            self._size, self._etag = int(found["ContentLength"]), self._etag or str(found["ETag"])
        return self._size

    @property
    def etag(self) -> str:
        return self._etag

    def fetch(self, first: int, size: int) -> bytes:
        if self._size >= 0 and first >= self._size:
            return b""
        only = {"RequestPayer": "requester"} if self._path.options.requester_pays else {}
        only |= {"IfMatch": self._etag} if self._etag else {}

        def request() -> tuple[bytes, str, int]:
            answer = client(self._path.options).get_object(
                Bucket=self._path.bucket, Key=self._path.key, Range=f"bytes={first}-{first + size - 1}", **only
            )
            return answer["Body"].read(), answer["ETag"], int(answer["ContentRange"].rpartition("/")[2])

        try:
            data, self._etag, self._size = patiently(self._path, request)
        except EOFError:
            return b""
        return data
