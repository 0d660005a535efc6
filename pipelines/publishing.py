"""Publishing, on one screen: gate, card, metadata, push.

The gate decides what may leave; card and metadata are written anew, so that they tell of what is published; then
everything is held against the manifest and sent.
"""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.places import place
from pipelines.progress import Progress
from pipelines.publish.push import Published


def publish(
    out: str | Path,
    *,
    repo: str | None = None,
    to: str | Path | None = None,
    private: bool | None = None,
    gated: bool | None = None,
    revision: str | None = None,
    recipe_only: bool = False,
    only_publishable: bool = False,
    over: str = "",
    dry_run: bool = False,
    quiet: bool = True,
) -> Published:
    """Publishes a finished dataset, or continues to.

    Args:
        out: folder of the dataset.
        repo: "owner/name" on the Hugging Face Hub.
        to: a folder, or `s3://bucket/prefix`, instead.
        private: whether others cannot see it; None: a new repository is as the gate says, another stays as it is.
        gated: whether people must ask for access; None leaves that to the licence gate.
        revision: tag of this version; `v` and its number by default.
        recipe_only: publish what rebuilds it from everybody's own copy of the corpora, and no pixel.
        only_publishable: leave out the samples whose terms forbid to pass them on.
        over: commit of somebody else's that may be published over.
        dry_run: say what would be sent, and send nothing.
        quiet: say nothing on the screen.

    Raises:
        MenderyError: it may not be published, or not there; nothing of it can be seen.
    """
    from pipelines import manifest as manifests
    from pipelines.publish import deliver, push
    from pipelines.publish.contents import collect

    if (repo is None) == (to is None):
        raise MenderyError("publish needs one place: --repo OWNER/NAME, or --to a folder or s3://bucket/prefix")
    layout = Layout(place(out))
    manifests.read(layout.out)  # refuses what is no finished dataset before anything is written beside it
    if repo is not None:
        push.account(repo)  # and a token that will not do, before terabytes are read
    with Progress(layout.log, quiet) as progress:
        if recipe_only:
            from pipelines.publish import recipe_only as recipes

            contents, private_only, asks = recipes.write(layout, progress), False, False
        else:
            whole, private_only, asks = _passed(layout, only_publishable, repo or "", progress)
            contents = collect(whole)
        if to is not None:
            return deliver.deliver(contents, str(to), progress, dry_run)
        assert repo is not None
        gated = gated if gated is not None else (asks or None)
        tag = revision or f"v{contents.version}"
        return push.push(contents, repo, push.Wish(private, gated, tag, over, private_only), progress, dry_run)


def _passed(layout: Layout, only_publishable: bool, repo: str, progress: Progress) -> tuple[Path, bool, bool]:
    """Passes the gate and writes card and metadata.

    Returns:
        The folder to publish, and whether it is to be private, and gated.
    """
    from pipelines.publish import card, croissant, gate

    out = layout.out
    if only_publishable and not gate.check(out).allowed:
        out = layout.publishable
        verdict = gate.publishable(layout.out, out)
    else:
        verdict = gate.check(out)
    progress.say(gate.render(verdict))
    if not verdict.allowed:
        raise MenderyError(
            f"{out} holds samples that may not be passed on, see the table: --only-publishable leaves them out, "
            "--recipe-only publishes how to rebuild it and no picture"
        )
    card.write(out, repo=repo)
    croissant.write(out, url=f"https://huggingface.co/datasets/{repo}" if repo else "")
    return out, verdict.private_only, verdict.gated
