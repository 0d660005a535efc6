"""A Hub for tests: the routes that the real clients ask for, over HTTP on a free port of this machine.

What it shares with the real one is the protocol, and that it checks what it is given: tokens, digests, parents of
commits. Rate limits, Xet, real quotas and the pages on which people ask for access are not shown by it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from hub.reading import Reading
from hub.state import Commit, Fault, Files, Hub, Repository, digest, oid
from hub.writing import Writing

__all__ = ["Commit", "Fault", "Files", "Handler", "Hub", "Repository", "digest", "oid", "serving"]


class Handler(Reading, Writing):
    """One request; `hub` is set on a subclass by `serving`."""

    def answer(self) -> None:
        path = unquote(urlsplit(self.path).path).strip("/")
        self.hub.asked[path] += 1
        fault = self.hub.fault(self.command, path)
        if fault and fault.status:
            self.body()
            self.fail(fault.status, "", fault.message)
        elif fault and self.command in ("PUT", "POST"):
            self.body(fault.cut)
            self.cut()
        else:
            self._route(path, fault)

    def _route(self, path: str, fault: Fault | None) -> None:
        parts = path.split("/")
        if parts[:2] == ["api", "whoami-v2"]:
            self.whoami()
        elif self.command in ("POST", "PUT", "DELETE"):
            self.write(parts)
        elif parts[0] == "cdn":
            self.large(parts[1:], fault)
        elif parts[0] == "datasets":
            self.resolve(parts[1:], fault)
        elif parts[:2] == ["api", "datasets"]:
            self.about(parts[2:])
        else:
            self.fail(404, "EntryNotFound")

    def whoami(self) -> None:
        role = self.role()
        if not role:
            self.fail(401, "", "Invalid credentials in Authorization header")
            return
        token = {"displayName": "test", "role": role}
        self.json({"type": "user", "name": self.hub.user, "fullname": "Me", "orgs": [],
                   "auth": {"type": "access_token", "accessToken": token}})  # fmt: skip


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
