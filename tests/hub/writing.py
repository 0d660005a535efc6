"""What a Hub for tests takes from those who write, and what it checks of it."""

from __future__ import annotations

import base64
import json
import time
from typing import Any
from urllib.parse import parse_qs

from hub.reading import entry
from hub.request import Request
from hub.state import Commit, Repository, digest, is_lfs, oid

COMMIT_BYTES = 8 << 20
"""A commit may not be larger."""

FULL = "Private repository storage limit reached, please upgrade your plan to increase your private storage limit."


class Writing(Request):
    """Routes of writers, and questions that are too long for an address."""

    def write(self, parts: list[str]) -> None:
        match parts:
            case ["api", "datasets", owner, name, "paths-info", revision]:
                self._paths(owner, name, revision)
            case ["api", "validate-yaml"]:
                self.body()
                self.json({"errors": [], "warnings": []})
            case ["api", "repos", "create"]:
                self._create(json.loads(self.body()))
            case ["api", "datasets", owner, name, kind, *rest]:
                self._change(owner, name, kind, "/".join(rest))
            case ["datasets", owner, repository, "info", "lfs", "objects", "batch"]:
                self._batch(owner, repository.removesuffix(".git"))
            case ["lfs", owner, name, what, sha256]:
                self._large(owner, name, what, sha256)
            case _:
                self.body()
                self.fail(404, "EntryNotFound")

    def _paths(self, owner: str, name: str, revision: str) -> None:
        body = parse_qs(self.body().decode())
        found = self.repository([owner, name])
        files = self.files(found, revision) if found else None
        if files is not None:
            self.json([entry(path, files[path]) for path in body["paths"] if path in files])

    def _create(self, asked: dict[str, Any]) -> None:
        if not self.may_write():
            return
        owner = asked.get("organization") or self.hub.user
        name = f"{owner}/{asked['name']}"
        if owner != self.hub.user:
            self.fail(403, "", f'You don\'t have the rights to create a dataset under the namespace "{owner}"')
        elif name in self.hub.repositories:
            self.fail(409, "", "You already created this dataset repo")
        else:
            self.hub.repositories[name] = Repository(asked.get("visibility") == "private" or bool(asked.get("private")))
            self.hub.repositories[name].add(Commit({".gitattributes": b"*.tar filter=lfs\n"}))
            self.json({"url": f"/datasets/{name}", "name": name, "id": name})

    def _change(self, owner: str, name: str, kind: str, revision: str) -> None:
        body = self.body()
        found = self.repository([owner, name])
        if found is None or not self.may_write():
            return
        if kind == "settings":
            asked = json.loads(body)
            found.gated = asked.get("gated", found.gated)
            found.private = asked.get("visibility", "private" if found.private else "public") == "private"
            self.json({})
        elif kind == "preupload":
            self._preupload(found, json.loads(body), revision)
        elif kind == "commit":
            self._commit(found, body, revision, f"{owner}/{name}")
        elif kind == "tag":
            self._tag(found, json.loads(body)["tag"], revision)
        elif kind == "branch":
            found.refs[revision] = found.sha(json.loads(body).get("startingPoint") or "main")
            self.json({})

    def _tag(self, found: Repository, tag: str, revision: str) -> None:
        if tag in found.tags:
            self.fail(409, "", f"Tag {tag} already exists")
        elif not found.sha(revision):
            self.fail(404, "RevisionNotFound")
        else:
            found.tags[tag] = found.sha(revision)
            self.json({})

    def _preupload(self, found: Repository, asked: dict[str, Any], revision: str) -> None:
        files = self.files(found, revision)
        if files is None:
            return
        told = []
        for file in asked["files"]:
            path, mode = file["path"], "lfs" if is_lfs(file["path"], file["size"]) else "regular"
            known = (digest if mode == "lfs" else oid)(files[path]) if path in files else None
            told.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": known})
        self.json({"files": told})

    def _batch(self, owner: str, name: str) -> None:
        asked = json.loads(self.body())
        found = self.repository([owner, name])
        if found is None or not self.may_write():
            return
        new = [one for one in asked["objects"] if one["oid"] not in found.objects]
        more = sum(one["size"] for one in new)
        if found.private and self.hub.quota is not None and self.hub.used() + more > self.hub.quota:
            self.fail(403, "", FULL)
            return
        base = f"http://{self.headers['Host']}/lfs/{owner}/{name}"
        self.json({"transfer": "basic", "objects": [
            dict(one) | ({"actions": {
                "upload": {"href": f"{base}/put/{one['oid']}"}, "verify": {"href": f"{base}/verify/{one['oid']}"}
            }} if one in new else {})
            for one in asked["objects"]
        ]})  # fmt: skip

    def _large(self, owner: str, name: str, what: str, sha256: str) -> None:
        body, found = self.body(), self.hub.repositories[f"{owner}/{name}"]
        if what == "verify":
            self.json({}) if sha256 in found.objects else self.fail(404, "", "no such object")
            return
        self.hub.received += len(body)
        time.sleep(self.hub.slowness * (1 + int(sha256[0], 16) % 4))
        if "Content-Length" in self.headers and len(body) < int(self.headers["Content-Length"]):
            self.cut()  # whoever sent it has died
        elif digest(body) != sha256:
            self.fail(400, "", "the object is not what its digest says")
        else:
            with self.hub.lock:
                found.objects[sha256] = body
                self.hub.stored[sha256] += 1
            self.json({})

    def _commit(self, found: Repository, body: bytes, branch: str, name: str) -> None:
        if len(body) > COMMIT_BYTES:
            self.fail(413, "", "Payload too large")
            return
        lines = [json.loads(line) for line in body.splitlines() if line.strip()]
        header, operations = lines[0]["value"], lines[1:]
        with self.hub.lock:
            parent = found.refs[branch]
            if header.get("parentCommit") not in (None, parent):
                self.fail(412, "", "A commit has happened since. Please refresh and try again.")
                return
            files = dict(found.commits[parent].files)
            for operation in operations:
                if not self._apply(found, files, operation["key"], operation["value"]):
                    return
            sha = found.add(Commit(files, header["summary"], header.get("description", ""), self.hub.user), branch)
        url = f"http://{self.headers['Host']}/datasets/{name}/commit/{sha}"
        self.json({"success": True, "commitOid": sha, "commitUrl": url})

    def _apply(self, found: Repository, files: dict[str, bytes], key: str, value: dict[str, Any]) -> bool:
        """Applies one operation of a commit; refuses what cannot be."""
        path = value["path"]
        if key == "file":
            files[path] = base64.b64decode(value["content"])
        elif key == "lfsFile" and value["oid"] in found.objects:
            files[path] = found.objects[value["oid"]]
        elif key == "deletedFile" and path in files:
            del files[path]
        elif key == "deletedFolder":
            for below in [name for name in files if name.startswith(path)]:
                del files[below]
        else:
            self.fail(400 if key == "lfsFile" else 404, "", f"{key} {path}: there is no such object or file")
            return False
        return True
