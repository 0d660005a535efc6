"""One request to a Hub for tests: who asks, what the body holds, and how answers are sent."""

from __future__ import annotations

import contextlib
import json
import socket
from http.server import BaseHTTPRequestHandler
from typing import Any

from hub.state import Files, Hub, Repository


class Request(BaseHTTPRequestHandler):
    """What reading and writing share."""

    # HTTP/1.0, so that no connection outlives a test: the clients of a process share their connections.
    hub: Hub

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def do_PUT(self) -> None:
        self.answer()

    def do_DELETE(self) -> None:
        self.answer()

    def answer(self) -> None:
        """Answers the request."""
        raise NotImplementedError

    def role(self) -> str:
        """Role of the token that came with the request; "" for none or a wrong one."""
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return self.hub.tokens.get(given, "")

    def may_write(self) -> bool:
        """Whether the token may write; refuses if not."""
        role = self.role()
        if not role:
            self.fail(401, "", "Invalid username or password.")
        elif role == "read":
            self.fail(403, "", "You don't have the required permissions: this token is read-only")
        return role == "write"

    def body(self, limit: int | None = None) -> bytes:
        """The request's body, at most `limit` bytes of it."""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return self._chunks(limit)
        size = int(self.headers.get("Content-Length", 0))
        return self.rfile.read(size if limit is None else min(limit, size))

    def _chunks(self, limit: int | None) -> bytes:
        found = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
            if limit is not None and len(found) >= limit:
                return found
        self.rfile.readline()
        return found

    def repository(self, parts: list[str]) -> Repository | None:
        """The repository `owner/name`; answers as if there were none to those who may not see it."""
        found = self.hub.repositories.get("/".join(parts))
        if found is None or (found.private and not self.role()):
            self.fail(401 if self.headers.get("Authorization") is None else 404, "RepoNotFound")
            return None
        return found

    def files(self, found: Repository, revision: str) -> Files | None:
        sha = found.sha(revision)
        if not sha:
            self.fail(404, "RevisionNotFound")
            return None
        return found.commits[sha].files

    def json(self, value: Any, status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fail(self, status: int, code: str, message: str = "") -> None:
        body = json.dumps({"error": message}).encode()
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        if message:
            self.send_header("X-Error-Message", message)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def cut(self) -> None:
        """Ends the connection without an answer."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True
