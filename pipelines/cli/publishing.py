"""Publishing: cards, licences, the Hub, and what is taken out again."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated, Any

from cyclopts import Parameter

from pipelines.cli.screen import FAULTY, INTERRUPTED, OK, app
from pipelines.wording import size


@app.command
def card(out: str, *, contact: str = "", repo: str = "") -> None:
    """Write the dataset card: README.md, data sheet, picture of samples, attribution files and Croissant metadata.

    What stands between markers is made anew each time; what a person writes outside of them is kept.

    Args:
        out: Folder of the dataset.
        contact: Whom to ask for the removal of a picture; an address or a sentence.
        repo: OWNER/NAME on the Hub, for the examples of how to load it.
    """
    from pipelines import card as write

    for path in write(out, contact=contact, repo=repo):
        print(path)


@app.command
def gate(
    out: str,
    *,
    commercial: Annotated[bool, Parameter(negative="")] = False,
    only_publishable: str | None = None,
) -> None:
    """Say what the licences of a dataset's pictures allow; exit 1 if some of it must not be passed on.

    Args:
        out: Folder of the dataset.
        commercial: Whether it is to be published for commercial use, too.
        only_publishable: Copy the part that may be passed on into this folder.
    """
    from pipelines import gate as check
    from pipelines.publish.gate import publishable, render

    verdict = check(out, commercial=commercial)
    print(render(verdict))
    if only_publishable is not None:
        part = publishable(out, only_publishable, commercial=commercial)
        print(f"{part.num_allowed:,} samples are in {only_publishable}")
        sys.exit(OK)
    sys.exit(OK if verdict.allowed else FAULTY)


@app.command
def publish(
    out: str,
    *,
    repo: str | None = None,
    to: str | None = None,
    private: Annotated[bool | None, Parameter(negative="--public")] = None,
    gated: Annotated[bool | None, Parameter(negative="--not-gated")] = None,
    revision: str | None = None,
    recipe_only: Annotated[bool, Parameter(negative="")] = False,
    only_publishable: Annotated[bool, Parameter(negative="")] = False,
    over: str = "",
    dry_run: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Publish a finished dataset, or continue to: to the Hugging Face Hub, a bucket or a folder.

    Args:
        out: Folder of the dataset.
        repo: OWNER/NAME on the Hub.
        to: s3://bucket/prefix or a folder, instead.
        private: Whether others see it; without either a new repository is as the gate says, another stays as it is.
        gated: People must ask for access; by default as the licence gate says.
        revision: Tag of this version; v and its number by default.
        recipe_only: Publish what rebuilds it from everybody's own copy of the corpora, and no pixel.
        only_publishable: Leave out the samples whose terms forbid to pass them on.
        over: Publish over this commit, which somebody else made.
        dry_run: Say what would be sent, and send nothing.
    """
    from pipelines.publishing import publish as send

    options: dict[str, Any] = {"private": private, "gated": gated, "revision": revision, "recipe_only": recipe_only}
    options |= {"only_publishable": only_publishable, "over": over, "dry_run": dry_run}
    try:
        done = send(out, repo=repo, to=to, quiet=False, **options)
    except KeyboardInterrupt:
        print(
            "\nNothing is visible yet, and what was sent is not sent again: the same command continues", file=sys.stderr
        )
        sys.exit(INTERRUPTED)
    verb = "would send" if dry_run else "sent"
    print(f"{verb} {done.sent:,} files ({size(done.sent_bytes)}), {done.kept:,} were there, {done.removed:,} removed")
    if not dry_run:
        at = f" at {done.commit[:12]}, tag {done.tag}" if done.commit else ""
        print(f"version {done.version} is in {done.place}{at}{', private' if done.private else ''}")


@app.command
def rebuild(
    published: str,
    *,
    source: list[str],
    pool: list[str] | None = None,
    out: str | None = None,
    partial: Annotated[bool, Parameter(negative="")] = False,
    workers: int | None = None,
    address: str | None = None,
) -> None:
    """Make a dataset of which only the recipe is published from your own copy of its corpora: the same bytes.

    Args:
        published: OWNER/NAME on the Hub, hub:OWNER/NAME@REVISION, s3://bucket/prefix or a folder.
        source: NAME=PATH for each source, such as celeba=/data/celeba; NAME.FIELD=PATH for what it is joined to.
        pool: NAME=PATH of each pool that damages are drawn from.
        out: Folder of the dataset; the name of the published one by default.
        partial: Where your copies lack pictures, make the rest as it was published.
        workers: Tasks at a time; all processors by default.
        address: A running Ray cluster; without it Ray starts on this machine.
    """
    from pipelines.rebuilding import rebuild as run
    from pipelines.source_paths import parse, parse_pairs

    given = parse(source)
    target = out or published.rstrip("/").rpartition("/")[2].partition("@")[0]
    options: dict[str, Any] = {
        "pools": parse_pairs(pool or (), "--pool"),
        "partial": partial,
        "workers": workers,
        "address": address,
        "quiet": False,
    }
    try:
        manifest = run(published, given, target, **options)
    except KeyboardInterrupt:
        print("\nNothing is lost: the same command continues", file=sys.stderr)
        sys.exit(INTERRUPTED)
    shards, lacking = len(manifest["shards"]), manifest["audit"]["quarantined"].get("lacking", 0)
    proof = f"{lacking:,} samples lack their picture" if lacking else "each with the published SHA-256"
    print(f"dataset {target}: {shards:,} shards, {proof}")


@app.command
def remove(out: str, *, source_id: str | None = None, sha256: str | None = None, identity: str | None = None) -> None:
    """Take a picture, or all pictures of a person, out of a finished dataset, for good.

    Only shards that hold it are written anew. Its digest is listed in tombstones.json, and later builds in this folder,
    or with a recipe that names the list, leave it out. Without an option, goes on with what was interrupted.

    Args:
        out: Folder of the dataset.
        source_id: `source_uri` of the picture, as its samples and `mendery why` tell it.
        sha256: `source_sha256` of the picture, eight digits or more, or the key of a sample.
        identity: Digest of a person, as `mendery why` tells it.
    """
    from pipelines import remove as take_out

    try:
        done = take_out(out, source_id=source_id, sha256=sha256, identity=identity, quiet=False)
    except KeyboardInterrupt:
        print(f"\nNothing is half removed; go on with:\n  mendery remove {shlex.quote(out)}", file=sys.stderr)
        sys.exit(INTERRUPTED)
    print(f"removed {done.pictures:,} pictures, {done.samples:,} samples, from {len(done.shards):,} shards")
    for name in done.mentions:
        print(f"note: {name} still names a removed picture, in words that a person wrote: edit it")
