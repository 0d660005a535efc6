"""The Hugging Face Hub as a place: repositories of datasets, read by ranges at one fixed commit.

Nothing is downloaded whole and nothing is run: what `datasets` would load by a script is refused. A token is taken from
where the Hub's own client looks for it (`HF_TOKEN`, `hf auth login`), and written nowhere.
"""

from __future__ import annotations

import fnmatch
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import IO, Any, TypeVar

from pipelines.errors import MenderyError, RecipeError
from pipelines.ranged import RangedFile

SCHEME = "hub:"

PATIENCE_SECONDS = 120.0
"""So long the Hub may fail or be away before a build stops; the same command continues."""

_COMMIT = re.compile("[0-9a-f]{40}")
_PASSING = (408, 429, 500, 502, 503, 504)

Result = TypeVar("Result")


@dataclass(frozen=True)
class HubPath:
    """Answers that part of `pathlib.Path` that a source uses, for a file or folder of a dataset's repository.

    Attributes:
        repo: "owner/name".
        revision: branch, tag or commit.
        key: path inside it, without slashes at its ends.
    """

    repo: str
    revision: str = "main"
    key: str = ""

    @classmethod
    def parse(cls, text: str) -> HubPath:
        """Path from `hub:owner/name`, `hub:owner/name@revision` or either with `/path/inside`.

        Raises:
            RecipeError: it names no repository.
        """
        owner, _, rest = text.removeprefix(SCHEME).partition("/")
        name, _, key = rest.partition("/")
        name, _, revision = name.partition("@")
        if not text.startswith(SCHEME) or not owner or not name:
            raise RecipeError(f"expected hub:owner/name, found {text!r}")
        return cls(f"{owner}/{name}", revision or "main", key.strip("/"))

    def __str__(self) -> str:
        revision = "" if self.revision == "main" else f"@{self.revision}"
        return f"{SCHEME}{self.repo}{revision}/{self.key}".rstrip("/")

    def __truediv__(self, name: object) -> HubPath:
        return HubPath(self.repo, self.revision, f"{self.key}/{name}".strip("/"))

    @property
    def parent(self) -> HubPath:
        return HubPath(self.repo, self.revision, self.key.rpartition("/")[0])

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix

    def __lt__(self, other: HubPath) -> bool:
        return (self.repo, self.revision, self.key) < (other.repo, other.revision, other.key)

    def pinned(self) -> HubPath:
        """The same at the commit that the revision means now: a branch may move while it is read."""
        return HubPath(self.repo, commit_of(self), self.key)

    def relative_to(self, other: HubPath) -> str:
        assert str(self).startswith(str(other)), (self, other)
        return self.key[len(other.key) :].strip("/")

    def resolve(self) -> HubPath:
        return self

    def is_file(self) -> bool:
        return bool(self.key) and file_size(self, self.commit()) is not None

    def is_dir(self) -> bool:
        return next(iter(listed(self)), None) is not None

    def exists(self) -> bool:
        return self.is_file() or self.is_dir()

    def stat(self) -> SimpleNamespace:
        return SimpleNamespace(st_size=HubFile(self).size, st_mtime_ns=0)

    def open(self, mode: str = "rb") -> IO[bytes]:
        assert mode == "rb", mode
        return HubFile(self)  # type: ignore[return-value]

    def read_bytes(self) -> bytes:
        return HubFile(self).read()

    def read_text(self, encoding: str = "utf-8") -> str:
        return self.read_bytes().decode(encoding)

    def commit(self) -> str:
        """The commit at which it is read."""
        return self.revision if _COMMIT.fullmatch(self.revision) else commit_of(self)

    def glob(self, pattern: str) -> Iterator[HubPath]:
        """Files right below whose name fits."""
        for entry in listed(self, deep=False):
            path = HubPath(self.repo, self.revision, entry.path)
            if fnmatch.fnmatchcase(path.name, pattern):
                yield path

    def rglob(self, pattern: str) -> Iterator[HubPath]:
        for entry in listed(self):
            path = HubPath(self.repo, self.revision, entry.path)
            if fnmatch.fnmatchcase(path.name, pattern):
                yield path


@dataclass(frozen=True)
class Entry:
    """One file of a repository: its path in it, its bytes, and the commit at which it was listed."""

    path: str
    size: int
    commit: str


def commit_of(path: HubPath) -> str:
    """The commit that a revision means now; faults as `patiently`."""
    return str(info(path).sha)


def file_size(path: HubPath, commit: str) -> int | None:
    """Bytes of a file at a commit, None if there is none; faults as `patiently`."""

    def request() -> list[Any]:
        found: list[Any] = api().get_paths_info(path.repo, [path.key], revision=commit, repo_type="dataset")
        return found

    found = patiently(path, request)
    size: int | None = getattr(found[0], "size", None) if found else None  # a folder has none
    return size


def info(path: HubPath) -> Any:
    """What the Hub says of a repository; faults as `patiently`."""
    return patiently(path, lambda: api().dataset_info(path.repo, revision=path.revision))


def listed(folder: HubPath, deep: bool = True) -> Iterator[Entry]:
    """Files below a folder, or right in it alone; nothing where there is no such folder."""
    from huggingface_hub.errors import EntryNotFoundError

    commit = folder.commit()

    def request() -> list[Any]:
        found = api().list_repo_tree(
            folder.repo, folder.key or None, recursive=deep, revision=commit, repo_type="dataset"
        )
        return list(found)

    try:
        entries = patiently(folder, request)
    except EntryNotFoundError:
        return
    for entry in entries:
        if hasattr(entry, "size"):  # folders have none
            yield Entry(entry.path, entry.size, commit)


class HubFile(RangedFile):
    """A file of a repository as a stream.

    Args:
        commit: the one at which it was listed.
    """

    def __init__(self, path: HubPath, commit: str = "") -> None:
        super().__init__()
        self._path, self._commit, self._size = path, commit, -1

    @property
    def size(self) -> int:
        if self._size < 0:
            found = file_size(self._path, self.commit)
            if found is None:
                raise FileNotFoundError(2, "no such file", str(self._path))
            self._size = found
        return self._size

    @property
    def commit(self) -> str:
        if not self._commit:
            self._commit = self._path.commit()
        return self._commit

    def fetch(self, first: int, size: int) -> bytes:
        if self._size >= 0 and first >= self._size:
            return b""
        return patiently(self._path, lambda: self._range(first, first + size - 1))

    def _range(self, first: int, last: int) -> bytes:
        from huggingface_hub import hf_hub_url
        from huggingface_hub.utils._headers import build_hf_headers
        from huggingface_hub.utils._http import get_session, hf_raise_for_status

        url = hf_hub_url(self._path.repo, self._path.key, repo_type="dataset", revision=self.commit)
        headers = build_hf_headers(headers={"Range": f"bytes={first}-{last}"})
        answer = get_session().get(url, headers=headers, follow_redirects=True, timeout=60)
        if answer.status_code == 416:  # nothing is there any more
            return b""
        hf_raise_for_status(answer)
        if answer.status_code == 200:  # a server that does not know ranges
            return answer.content[first : last + 1]
        self._size = int(answer.headers["Content-Range"].rpartition("/")[2])
        return answer.content


@lru_cache(maxsize=1)
def api() -> Any:
    """The Hub's own client; its address comes from the environment (`HF_ENDPOINT`), as everywhere.

    Raises:
        RecipeError: its package is missing.
    """
    try:
        from huggingface_hub import HfApi
    except ImportError:
        raise RecipeError("hub: sources need huggingface_hub: pip install 'mendery[hub]'") from None
    return HfApi()


def patiently(
    path: HubPath, request: Callable[[], Result], explained: Callable[[HubPath, Any], str] | None = None
) -> Result:
    """Repeats a request with growing pauses while its failure may pass.

    Args:
        explained: what a refusal means; by default in the words of a reader.

    Raises:
        RecipeError: there is no such repository or revision, or one may not read it.
        MenderyError: the Hub failed for too long.
    """
    api()
    from httpx2 import HTTPError
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

    deadline, pause = time.monotonic() + PATIENCE_SECONDS, 0.2
    while True:
        try:
            return _unwrapped(request)
        except EntryNotFoundError:
            raise
        except HfHubHTTPError as error:
            if error.response.status_code not in _PASSING:
                raise RecipeError((explained or _explained)(path, error)) from None
            failure: Exception = error
        except (HTTPError, ConnectionError, TimeoutError) as error:
            failure = error
        if time.monotonic() > deadline:
            text = (
                f"{path}: the Hub failed for {PATIENCE_SECONDS:.0f} s, at last with: {failure}; the same "
                "command continues"
            )
            raise MenderyError(text) from None
        time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  # spreads out many waiting workers
        pause = min(2 * pause, 10)


def _unwrapped(request: Callable[[], Result]) -> Result:
    """What a request gives; of a failure that the client wraps, as it does for uploads, the failure itself."""
    try:
        return request()
    except RuntimeError as error:
        if isinstance(error.__cause__, Exception):
            raise error.__cause__ from None
        raise


def _explained(path: HubPath, error: Any) -> str:
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, GatedRepoError):
        return f"{path}: this dataset is gated: accept its terms on its page of the Hub, then log in (hf auth login)"
    if isinstance(error, RevisionNotFoundError):
        return f"{path}: {path.repo} has no revision {path.revision!r}"
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"{path}: no dataset {path.repo} on the Hub, or it is private and the token may not read it: check the "
            "name, or log in (hf auth login, or HF_TOKEN)"
        )
    return f"{path}: the Hub refuses: {error}"
