"""What a Hub for tests knows: who may do what, repositories with their commits, and what is to go wrong."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from dataclasses import dataclass, field

Files = dict[str, bytes]

LFS = re.compile(r"\.(tar|parquet|zip|jpg|jpeg|png|webp|npy|bin)$")
"""Files that the Hub's .gitattributes keep as large ones; all others are regular, as long as they are small."""
REGULAR_BYTES = 10 << 20


@dataclass
class Commit:
    """A commit: all files, and what its author said."""

    files: Files
    title: str = "initial commit"
    message: str = ""
    author: str = "someone"


@dataclass
class Repository:
    """A dataset: its commits in their order, what each branch and tag names, and the large objects that arrived.

    Attributes:
        objects: by SHA-256, committed or not.
    """

    private: bool = False
    gated: str | bool = False
    commits: dict[str, Commit] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    objects: Files = field(default_factory=dict)

    def add(self, commit: Commit, branch: str = "main") -> str:
        """Puts a commit on a branch; gives its id."""
        told = [len(self.commits), commit.title, sorted((path, oid(data)) for path, data in commit.files.items())]
        sha = hashlib.sha1(json.dumps(told).encode()).hexdigest()
        self.commits[sha], self.refs[branch] = commit, sha
        self.objects |= {digest(data): data for path, data in commit.files.items() if is_lfs(path, len(data))}
        return sha

    def sha(self, revision: str) -> str:
        """Commit that a branch, a tag or an id names; "" for none."""
        found = self.refs.get(revision) or self.tags.get(revision) or revision
        return found if found in self.commits else ""


@dataclass
class Fault:
    """What goes wrong with some requests.

    Attributes:
        method, path: which ones; the path is a regular expression that is searched for.
        after: so many of them go well before. times: so many are hit.
        status: what is answered; 0 cuts the connection, after `cut` bytes of what is received or sent.
    """

    method: str
    path: str
    after: int = 0
    times: int = 1
    status: int = 0
    cut: int = 0
    message: str = ""

    def hits(self, method: str, path: str) -> bool:
        """Whether it is this request's turn."""
        if method != self.method or not re.search(self.path, path):
            return False
        self.after -= 1
        if self.after >= 0 or self.times <= 0:
            return False
        self.times -= 1
        return True


class Hub:
    """The state behind the server.

    Attributes:
        tokens: role ("write" or "read") by token; all are of the user `me`.
        quota: bytes of large objects that private repositories may hold together, if there is a limit.
        asked: requests by path. bytes_sent: bytes of files by path inside the repository.
        stored: how often each large object arrived wholly, by SHA-256; received: bytes of all uploads, whole or cut.
        slowness: seconds that it takes with a large object, or up to four times as many.
        failures: so many of the next requests for files are answered with 503.
    """

    user = "me"

    def __init__(self, token: str = "hf_test") -> None:
        self.token = token
        self.tokens = {token: "write", "hf_read": "read"}
        self.repositories: dict[str, Repository] = {}
        self.quota: int | None = None
        self.asked: Counter[str] = Counter()
        self.bytes_sent: Counter[str] = Counter()
        self.stored: Counter[str] = Counter()
        self.received = 0
        self.failures = 0
        self.slowness = 0.0
        self.faults: list[Fault] = []
        self.lock = threading.RLock()

    def commit(self, name: str, files: Files, private: bool = False, title: str = "initial commit") -> str:
        """Adds a commit to main with exactly these files; gives its id."""
        repository = self.repositories.setdefault(name, Repository(private))
        return repository.add(Commit(dict(files), title))

    def files(self, name: str, revision: str = "main") -> Files:
        """Files of a repository that a reader sees."""
        repository = self.repositories[name]
        return repository.commits[repository.sha(revision)].files

    def used(self) -> int:
        """Bytes of the large objects in private repositories."""
        return sum(len(data) for one in self.repositories.values() if one.private for data in one.objects.values())

    def fault(self, method: str, path: str) -> Fault | None:
        """What is to go wrong with a request."""
        with self.lock:
            return next((fault for fault in self.faults if fault.hits(method, path)), None)


def oid(data: bytes) -> str:
    """Git's name of a file."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def digest(data: bytes) -> str:
    """LFS's name of a file."""
    return hashlib.sha256(data).hexdigest()


def is_lfs(path: str, size: int) -> bool:
    """Whether a file is kept as a large one."""
    return size > 0 and (LFS.search(path) is not None or size > REGULAR_BYTES)
