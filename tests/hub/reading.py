"""What a Hub for tests answers to those who read."""

from __future__ import annotations

from typing import Any

import yaml
from hub.request import Request
from hub.state import Fault, Files, Repository, digest, is_lfs, oid


class Reading(Request):
    """Routes of readers."""

    def about(self, parts: list[str]) -> None:
        """`OWNER/NAME[/KIND[/REVISION[/PATH]]]`: what is known of a repository."""
        found = self.repository(parts[:2])
        if found is None:
            return
        kind, revision = (parts[2], parts[3]) if len(parts) > 3 else ("revision", "main")
        if parts[2:] == ["refs"]:
            self._refs(found)
            return
        files = self.files(found, revision)
        if files is None:
            return
        if kind == "tree":
            self._tree(files, "/".join(parts[4:]))
        elif kind == "commits":
            self._commits(found, found.sha(revision))
        else:
            self._repository("/".join(parts[:2]), found, files, found.sha(revision))

    def _repository(self, name: str, found: Repository, files: Files, sha: str) -> None:
        siblings = [{"rfilename": path} for path in sorted(files)]
        self.json({"id": name, "sha": sha, "private": found.private, "siblings": siblings, "gated": found.gated,
                   "tags": [], "downloads": 0, "likes": 0, "cardData": _card(files)})  # fmt: skip

    def _refs(self, found: Repository) -> None:
        branches, tags = (
            [{"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": sha} for name, sha in sorted(refs.items())]
            for kind, refs in (("heads", found.refs), ("tags", found.tags))
        )
        self.json({"branches": branches, "tags": tags, "converts": []})

    def _commits(self, found: Repository, until: str) -> None:
        shas = list(found.commits)
        shas = shas[: shas.index(until) + 1][::-1]
        self.json([
            {"id": sha, "title": commit.title, "message": commit.message, "date": "2026-01-01T00:00:00.000Z",
             "authors": [{"user": commit.author}]}
            for sha, commit in ((sha, found.commits[sha]) for sha in shas)
        ])  # fmt: skip

    def _tree(self, files: Files, folder: str) -> None:
        below = [name for name in sorted(files) if not folder or name.startswith(f"{folder}/")]
        if folder and not below:
            self.fail(404, "EntryNotFound")
            return
        if "recursive=true" not in self.path.lower():
            start = len(folder) + 1 if folder else 0
            right_in = [name for name in below if "/" not in name[start:]]
            folders = {name[: name.index("/", start)] for name in below if "/" in name[start:]}
            below = right_in
        else:
            folders = {name.rpartition("/")[0] for name in below if "/" in name} - {"", folder}
        self.json([{"type": "directory", "path": name, "oid": "0" * 40, "size": 0} for name in sorted(folders)]
                  + [entry(name, files[name]) for name in below])  # fmt: skip

    def resolve(self, parts: list[str], fault: Fault | None) -> None:
        """`OWNER/NAME/resolve/REVISION/PATH`: a file; a large one is elsewhere, as on the real Hub."""
        found = self.repository(parts[:2])
        if found is None or parts[2] != "resolve":
            return
        files = self.files(found, parts[3])
        if files is None:
            return
        name, head = "/".join(parts[4:]), self.command == "HEAD"
        if name not in files:
            self.fail(404, "EntryNotFound")
        elif self.hub.failures > 0 and not head:
            self.hub.failures -= 1
            self.fail(503, "")
        else:
            data, sha = files[name], found.sha(parts[3])
            headers = {"X-Repo-Commit": sha, "ETag": f'"{oid(data)}"'}
            if is_lfs(name, len(data)):
                linked = {"X-Linked-Size": str(len(data)), "X-Linked-ETag": f'"{digest(data)}"'}
                self._elsewhere(f"/cdn/{'/'.join(parts[:2])}/{digest(data)}/{name}", headers | linked)
            else:
                self._file(data, name, headers, fault)

    def _elsewhere(self, address: str, headers: dict[str, str]) -> None:
        self.send_response(302)
        # Another host, or clients would take the answer there for the one of the Hub.
        host = self.headers.get("Host", "").replace("127.0.0.1", "localhost")
        for key, value in {**headers, "Location": f"http://{host}{address}", "Content-Length": "0"}.items():
            self.send_header(key, value)
        self.end_headers()

    def large(self, parts: list[str], fault: Fault | None) -> None:
        """`OWNER/NAME/SHA256/PATH`: a large file, whose address alone is the permission, as a signed URL is."""
        data = self.hub.repositories["/".join(parts[:2])].objects[parts[2]]
        self._file(data, "/".join(parts[3:]), {"ETag": f'"{parts[2]}"'}, fault)

    def _file(self, data: bytes, name: str, headers: dict[str, str], fault: Fault | None) -> None:
        first, last, wanted = 0, len(data) - 1, self.headers.get("Range", "")
        if wanted.startswith("bytes="):
            begin, _, end = wanted.removeprefix("bytes=").partition("-")
            first, last = int(begin), min(int(end or last), last)
            if first > last:
                self.fail(416, "")
                return
        piece = data[first : last + 1]
        self.send_response(206 if wanted else 200)
        ranges = {"Content-Range": f"bytes {first}-{last}/{len(data)}"} if wanted else {}
        for key, value in {**headers, **ranges, "Accept-Ranges": "bytes", "Content-Length": str(len(piece))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        piece = piece if fault is None else piece[: fault.cut]
        self.hub.bytes_sent[name] += len(piece)
        self.wfile.write(piece)


def entry(name: str, data: bytes) -> dict[str, Any]:
    """A file as trees and path lists tell it."""
    large = {"lfs": {"oid": digest(data), "size": len(data), "pointerSize": 134}} if is_lfs(name, len(data)) else {}
    return {"type": "file", "path": name, "oid": oid(data), "size": len(data), **large}


def _card(files: Files) -> dict[str, Any]:
    """Front matter of README.md."""
    text = files.get("README.md", b"").decode()
    if not text.startswith("---\n"):
        return {}
    plain: dict[str, Any] = yaml.safe_load(text[4:].partition("\n---")[0]) or {}
    return plain
