"""A Hub for tests: the routes that the real clients ask for reading, over HTTP on a free port of this machine.

What it shares with the real one is the protocol; quotas, rate limits, Xet and gating are not shown by it.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Files = dict[str, bytes]


@dataclass
class Repository:
    """A dataset: the files of every commit, and which one each branch or tag names."""

    private: bool = False
    commits: dict[str, Files] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)


class Hub:
    """The state behind the server.

    Attributes:
        asked: requests by path. bytes_sent: bytes of files by path inside the repository.
        failures: so many of the next requests for files are answered with 503.
    """

    def __init__(self, token: str = "hf_test") -> None:
        self.token = token
        self.repositories: dict[str, Repository] = {}
        self.asked: Counter[str] = Counter()
        self.bytes_sent: Counter[str] = Counter()
        self.failures = 0

    def commit(self, name: str, files: Files, private: bool = False) -> str:
        """Adds a commit to main with exactly these files; gives its id."""
        repository = self.repositories.setdefault(name, Repository(private))
        told = json.dumps([len(repository.commits), sorted((path, oid(data)) for path, data in files.items())])
        sha = hashlib.sha1(told.encode()).hexdigest()
        repository.commits[sha] = dict(files)
        repository.refs["main"] = sha
        return sha


def oid(data: bytes) -> str:
    """Git's name of a file."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """One request; `hub` is set on a subclass by `serving`."""

    # HTTP/1.0, so that no connection outlives a test: the clients of a process share their connections.
    hub: Hub

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def do_HEAD(self) -> None:
        self._answer(head=True)

    def do_GET(self) -> None:
        self._answer(head=False)

    def do_POST(self) -> None:
        body = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
        parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        found = self._repository(parts[2:4])
        if found and parts[4] == "paths-info":
            files = self._files(found, parts[5])
            if files is not None:
                self._json([_entry(path, files[path]) for path in body["paths"] if path in files])

    def _answer(self, head: bool) -> None:
        path = unquote(urlsplit(self.path).path).strip("/")
        self.hub.asked[path] += 1
        parts = path.split("/")
        if parts[0] == "datasets":
            self._resolve(parts[1:], head)
        elif parts[:2] == ["api", "datasets"]:
            self._about(parts[2:])
        else:
            self._fail(404, "EntryNotFound")

    def _about(self, parts: list[str]) -> None:
        found = self._repository(parts[:2])
        if found is None:
            return
        kind, revision = (parts[2], parts[3]) if len(parts) > 3 else ("revision", "main")
        files = self._files(found, revision)
        if files is None:
            return
        if kind == "tree":
            self._tree(files, "/".join(parts[4:]))
            return
        sha = found.refs.get(revision, revision)
        siblings = [{"rfilename": name} for name in sorted(files)]
        self._json({"id": "/".join(parts[:2]), "sha": sha, "private": found.private, "siblings": siblings,
                    "tags": [], "downloads": 0, "likes": 0, "cardData": _card(files), "gated": False})  # fmt: skip

    def _tree(self, files: Files, folder: str) -> None:
        below = [name for name in sorted(files) if not folder or name.startswith(f"{folder}/")]
        if folder and not below:
            self._fail(404, "EntryNotFound")
            return
        folders = {name.rpartition("/")[0] for name in below if "/" in name} - {"", folder}
        self._json([{"type": "directory", "path": name, "oid": "0" * 40, "size": 0} for name in sorted(folders)]
                   + [_entry(name, files[name]) for name in below])  # fmt: skip

    def _resolve(self, parts: list[str], head: bool) -> None:
        found = self._repository(parts[:2])
        files = self._files(found, parts[3]) if found else None
        if files is None or found is None:
            return
        name = "/".join(parts[4:])
        if name not in files:
            self._fail(404, "EntryNotFound")
        elif self.hub.failures > 0 and not head:
            self.hub.failures -= 1
            self._fail(503, "")
        else:
            self._file(files[name], name, found.refs.get(parts[3], parts[3]), head)

    def _file(self, data: bytes, name: str, sha: str, head: bool) -> None:
        first, last, wanted = 0, len(data) - 1, self.headers.get("Range", "")
        if wanted.startswith("bytes="):
            begin, _, end = wanted.removeprefix("bytes=").partition("-")
            first, last = int(begin), min(int(end or last), last)
            if first > last:
                self._fail(416, "")
                return
        piece = data[first : last + 1]
        self.send_response(206 if wanted else 200)
        for key, value in {"ETag": f'"{oid(data)}"', "X-Repo-Commit": sha, "Accept-Ranges": "bytes",
                           "Content-Length": str(len(piece)), "X-Linked-Size": str(len(data)),
                           "Content-Range": f"bytes {first}-{last}/{len(data)}"}.items():  # fmt: skip
            self.send_header(key, value)
        self.end_headers()
        if not head:
            self.hub.bytes_sent[name] += len(piece)
            self.wfile.write(piece)

    def _repository(self, parts: list[str]) -> Repository | None:
        found = self.hub.repositories.get("/".join(parts))
        if found is None or (found.private and self.headers.get("Authorization") != f"Bearer {self.hub.token}"):
            self._fail(401 if self.headers.get("Authorization") is None else 404, "RepoNotFound")
            return None
        return found

    def _files(self, found: Repository, revision: str) -> Files | None:
        files = found.commits.get(found.refs.get(revision, revision))
        if files is None:
            self._fail(404, "RevisionNotFound")
        return files

    def _json(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _fail(self, status: int, code: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _entry(name: str, data: bytes) -> dict[str, Any]:
    return {"type": "file", "path": name, "oid": oid(data), "size": len(data)}


def _card(files: Files) -> dict[str, Any]:
    """Front matter of README.md, of which the tests only use plain `key: value` lines."""
    text = files.get("README.md", b"").decode()
    if not text.startswith("---\n"):
        return {}
    import yaml

    plain: dict[str, Any] = yaml.safe_load(text[4:].partition("\n---")[0]) or {}
    return plain


@contextmanager
def serving(hub: Hub, port: int = 0) -> Iterator[str]:
    """Serves for the length of the block; gives the address."""
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Bound", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
