"""Pushing a dataset to the Hugging Face Hub: large files first, then one commit that shows all of it, then a tag.

Nothing is seen of a version before its commit, and a file that arrived stays known to the Hub, so whatever is
interrupted is continued by the same command. The commit states its parent: what somebody else changed in between is
never overwritten.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from pipelines.errors import MenderyError
from pipelines.hub import HubFile, HubPath, api, patiently
from pipelines.places import is_remote
from pipelines.progress import Progress
from pipelines.publish.contents import MANIFEST, REBUILD, Contents, Item, git_oid, is_ours
from pipelines.wording import size

PARALLEL = 8
"""Files that are sent at a time."""
GROUP = 32
"""Files about which the Hub is asked in one request."""

EMPTY = frozenset({".gitattributes"})
"""What a repository holds that was just created."""

_MARK = re.compile(r"^Manifest: sha256:([0-9a-f]{64})$", re.M)

Result = TypeVar("Result")


@dataclass(frozen=True)
class Wish:
    """How a dataset is to be shown.

    Attributes:
        private: None leaves a repository that exists as it is, and creates one as `private_only` says.
        gated: whether people must ask for access; None leaves it as it is.
        tag: name of this version in the repository.
        over: a commit of somebody else's that may be published over.
        private_only: it shows people, or its terms want it so: a person must say --public where others shall see it.
    """

    private: bool | None = None
    gated: bool | None = None
    tag: str = ""
    over: str = ""
    private_only: bool = False


@dataclass(frozen=True)
class Published:
    """What publishing did.

    Attributes:
        place: where the dataset is now. commit, tag: of the Hub, else "".
        sent, sent_bytes: files that were not there yet. kept: files that were. removed: of an earlier version.
        private: whether others cannot see it.
    """

    place: str
    version: str
    commit: str
    tag: str
    sent: int
    sent_bytes: int
    kept: int
    removed: int
    private: bool = False


@dataclass(frozen=True)
class Remote:
    """A repository as it was found.

    Attributes:
        files: by path, the SHA-256 of large files and Git's own name of others.
        manifest: bytes of the published manifest, or b"".
        tags: commit by name.
    """

    head: str
    private: bool
    gated: bool
    files: dict[str, str]
    manifest: bytes
    tags: dict[str, str]


def push(contents: Contents, repo: str, wish: Wish, progress: Progress, dry_run: bool = False) -> Published:
    """Publishes a dataset as a repository of the Hub, or continues to.

    Raises:
        MenderyError: it may not be published there; each refusal says why, and nothing was changed.
    """
    path, user = account(repo)
    remote = _look(path)
    if remote is not None:
        _refuse(contents, path, remote, wish)
    changed = [item for item in contents.all if remote is None or not _is_there(item, remote)]
    gone = [name for name in remote.files if is_ours(name) and name not in _paths(contents)] if remote else []
    kept, sent = len(contents.all) - len(changed), sum(item.size for item in changed)
    private = wish.private if wish.private is not None else remote.private if remote else wish.private_only
    done = Published(str(path), contents.version, "", wish.tag, len(changed), sent, kept, len(gone), private)
    progress.say(f"publish: {len(changed):,} files to send ({size(sent)}), {kept:,} are there, to {path} as {user}")
    if dry_run:
        return done
    if remote is None:
        remote = _create(path, private, user)
    _settle(path, remote, wish)
    commit = remote.head
    if changed or gone:
        with _without_bars():
            additions = _upload(path, changed, progress)
            commit = _commit(contents, path, remote, additions, gone)
    _check(contents, path, commit)
    _tag(path, remote, wish.tag, commit)
    return replace(done, commit=commit)


def account(repo: str) -> tuple[HubPath, str]:
    """A repository, and the name of the user whose token it is.

    Raises:
        MenderyError: it is no name of one, there is no token, or it may only read.
    """
    api()
    from huggingface_hub.errors import LocalTokenNotFoundError

    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo):
        raise MenderyError(f"--repo is OWNER/NAME, found {repo!r}")
    path = HubPath.parse(f"hub:{repo}")
    try:
        # Kept for the process: the Hub limits this question strictly.
        found = _asked(path, lambda: api().whoami(cache=True))
    except LocalTokenNotFoundError:
        raise MenderyError(
            "publishing needs a token of the Hugging Face Hub: run `hf auth login`, or set HF_TOKEN"
        ) from None
    token = found.get("auth", {}).get("accessToken", {})
    if token.get("role") == "read":
        raise MenderyError(
            f"the token {token.get('displayName', '')!r} of {found['name']} may only read: make one that may write at "
            "https://huggingface.co/settings/tokens and run `hf auth login`, or set HF_TOKEN"
        )
    return path, str(found["name"])


def _look(path: HubPath) -> Remote | None:
    """The repository as it is now; None if there is none that this token sees."""
    from huggingface_hub.errors import RepositoryNotFoundError

    def request() -> Any:
        with contextlib.suppress(RepositoryNotFoundError):
            return api().dataset_info(path.repo)
        return None

    about = _asked(path, request)
    if about is None:
        return None
    files = _files(path, about.sha)
    refs = _asked(path, lambda: api().list_repo_refs(path.repo, repo_type="dataset"))
    tags = {tag.name: tag.target_commit for tag in refs.tags}
    return Remote(about.sha, bool(about.private), bool(about.gated), files, _manifest(path, about.sha, files), tags)


def _files(path: HubPath, commit: str) -> dict[str, str]:
    def request() -> list[Any]:
        return list(api().list_repo_tree(path.repo, recursive=True, revision=commit, repo_type="dataset"))

    found = [entry for entry in _asked(path, request) if hasattr(entry, "size")]  # folders have none
    return {entry.path: entry.lfs.sha256 if entry.lfs else entry.blob_id for entry in found}


def _manifest(path: HubPath, commit: str, files: dict[str, str] | None = None) -> bytes:
    """The manifest that a commit holds, b"" for none."""
    files = _files(path, commit) if files is None else files
    name = next((name for name in (MANIFEST, REBUILD) if name in files), "")
    return HubFile(replace(path, key=name), commit).read() if name else b""


def _refuse(contents: Contents, path: HubPath, remote: Remote, wish: Wish) -> None:
    """Refuses what is not ours to change.

    Raises:
        MenderyError: each time with one clear sentence.
    """
    if wish.private_only and not remote.private and wish.private is None:
        raise MenderyError(
            f"{path} is public, and this dataset shows people: add --private, or --public if that is what you mean"
        )
    if wish.over != remote.head:
        _refuse_foreign(contents, path, remote)
    if (commit := remote.tags.get(wish.tag)) and not _same(contents, _manifest(path, commit)):
        raise MenderyError(
            f"{path} has a version {wish.tag} with other contents: raise `version` in the recipe and build again, or "
            "name another with --revision"
        )


def _refuse_foreign(contents: Contents, path: HubPath, remote: Remote) -> None:
    foreign = sorted(set(remote.files) - EMPTY)
    if not foreign:
        return
    anyway = f"to publish over it all the same, add --over {remote.head}"
    if not remote.manifest:
        few = ", ".join(foreign[:3])
        raise MenderyError(f"{path} is taken: it holds {few}, which Mendery did not publish; name another, or {anyway}")
    name = _name(remote.manifest)
    if name != contents.name:
        raise MenderyError(f"{path} is taken: it holds the dataset {name!r}, this one is {contents.name!r}; {anyway}")
    head = _asked(path, lambda: api().list_repo_commits(path.repo, repo_type="dataset", revision=remote.head)[0])
    mark = _MARK.search(head.message or "")
    if mark is None or mark[1] != _sha256(remote.manifest):
        by = ", ".join(head.authors) or "somebody"
        raise MenderyError(
            f"{path} was changed since Mendery last published to it: commit {head.commit_id} by {by}, {head.title!r}; "
            f"look at it, and {anyway}"
        )


def _create(path: HubPath, private: bool, user: str) -> Remote:
    from huggingface_hub.errors import HfHubHTTPError

    def request() -> None:
        try:
            api().create_repo(path.repo, repo_type="dataset", private=private)
        except HfHubHTTPError as error:
            if error.response.status_code == 409:
                raise MenderyError(f"{path} is taken, and its contents are hidden from {user}: name another") from None
            if error.response.status_code in (401, 403):
                told = error.server_message or error
                raise MenderyError(f"{user} may not create {path.repo}: {told}") from None
            raise

    _asked(path, request)
    remote = _look(path)
    if remote is None:
        raise MenderyError(f"{path} was created but cannot be seen: look at its page on the Hub")
    return remote


def _settle(path: HubPath, remote: Remote, wish: Wish) -> None:
    """Sets who sees it, before there is more to see; a repository becomes public only where that is asked for."""
    settings: dict[str, Any] = {}
    if wish.private is not None and wish.private != remote.private:
        settings["private"] = wish.private
    if wish.gated is not None and wish.gated != remote.gated:
        settings["gated"] = "manual" if wish.gated else False
    if settings:
        _asked(path, lambda: api().update_repo_settings(path.repo, repo_type="dataset", **settings))


def _upload(path: HubPath, items: Sequence[Item], progress: Progress) -> list[Any]:
    """Sends large files; gives the additions of the commit to come."""
    additions = [_addition(item) for item in items]
    with progress.count("upload", len(additions), 0, "files") as advance:
        for start in range(0, len(additions), GROUP):
            group = additions[start : start + GROUP]

            _asked(path, partial(_send, path, group))
            advance(len(group))
    return additions


def _send(path: HubPath, group: list[Any]) -> None:
    try:
        api().preupload_lfs_files(path.repo, group, repo_type="dataset", num_threads=PARALLEL, free_memory=False)
    except (RuntimeError, ValueError) as error:
        if error.__cause__ is not None:  # of a file that was refused, or did not arrive: `patiently` looks at that
            raise
        # What the Hub says of single files, or its client for chunks, is no HTTP error.
        raise MenderyError(f"{path}: sending failed: {error}; the same command continues") from None


def _addition(item: Item) -> Any:
    from huggingface_hub import CommitOperationAdd

    if is_remote(item.file):
        return CommitOperationAdd(item.path, io.BufferedReader(item.file.open("rb")))
    addition = CommitOperationAdd(item.path, item.file)
    addition.upload_info.sha256 = bytes.fromhex(item.sha256)  # known already: the file is not read once more for it
    return addition


def _commit(contents: Contents, path: HubPath, remote: Remote, additions: list[Any], gone: list[str]) -> str:
    """The one commit by which the version is seen; gives its id."""
    from huggingface_hub import CommitOperationDelete
    from huggingface_hub.errors import HfHubHTTPError

    operations = additions + [CommitOperationDelete(name) for name in gone]

    def request() -> str:
        try:
            made = api().create_commit(
                path.repo,
                operations,
                commit_message=f"{contents.name} {contents.version}",
                commit_description=f"Manifest: sha256:{contents.manifest.sha256}",
                repo_type="dataset",
                parent_commit=remote.head,
                num_threads=PARALLEL,
            )
        except HfHubHTTPError as error:
            if error.response.status_code != 412:
                raise
            return _overtaken(contents, path)
        return str(made.oid)

    return _asked(path, request)


def _overtaken(contents: Contents, path: HubPath) -> str:
    """The commit that came in between, if it is ours: its answer may have been lost on the way."""
    head = _asked(path, lambda: api().list_repo_commits(path.repo, repo_type="dataset")[0])
    mark = _MARK.search(head.message or "")
    if mark and mark[1] == contents.manifest.sha256:
        return str(head.commit_id)
    by = ", ".join(head.authors) or "somebody"
    raise MenderyError(
        f"{path} was changed while this was sent: commit {head.commit_id} by {by}, {head.title!r}. Nothing of this "
        "version is visible; look at the commit, then publish again: what was sent is not sent again"
    )


def _check(contents: Contents, path: HubPath, commit: str) -> None:
    """Holds the checksums of what the Hub has against the manifest's."""
    files = _files(path, commit)
    there = Remote(commit, False, False, files, b"", {})
    wrong = [item.path for item in contents.all if not _is_there(item, there)]
    if wrong:
        raise MenderyError(
            f"{path} at {commit} has other bytes than were sent of {', '.join(wrong[:5])}: publish again"
        )


def _tag(path: HubPath, remote: Remote, tag: str, commit: str) -> None:
    if tag and tag not in remote.tags:
        _asked(
            path,
            lambda: api().create_tag(path.repo, tag=tag, revision=commit, repo_type="dataset", exist_ok=True),
        )


def _is_there(item: Item, remote: Remote) -> bool:
    there = remote.files.get(item.path)
    return there == item.sha256 or (there is not None and len(there) == 40 and there == git_oid(item.file.read_bytes()))


def _paths(contents: Contents) -> set[str]:
    return {item.path for item in contents.all}


def _same(contents: Contents, manifest: bytes) -> bool:
    return _sha256(manifest) == contents.manifest.sha256


def _sha256(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def _name(manifest: bytes) -> str:
    try:
        return str(json.loads(manifest)["name"])
    except (ValueError, KeyError, TypeError):
        return ""


def _asked(path: HubPath, request: Callable[[], Result]) -> Result:
    """One request, repeated while its failure may pass; faults as `hub.patiently`, but in the words of a writer."""
    return patiently(path, request, _explained)


def _explained(path: HubPath, error: Any) -> str:
    told = error.server_message or str(error)
    match error.response.status_code:
        case 401 if "Repository Not Found" not in str(error):
            return f"the Hub does not know this token: run `hf auth login`, or correct HF_TOKEN ({told})"
        case 403 if "storage" in told.lower() or "quota" in told.lower():
            return (
                f"{path}: the Hub has no room left for it: {told} What was sent stays there; publish again after that"
            )
        case 403:
            return f"{path}: this token may not do that: {told}"
        case 413:
            return f"{path}: the Hub takes no commit or file of this size: {told}"
    return f"{path}: the Hub refuses: {told}"


@contextlib.contextmanager
def _without_bars() -> Iterator[None]:
    """Silences the bars that the Hub's client shows for every file."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    if are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()
