"""How a dataset is made: planned, measured, built, and what became of each picture."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated, Any, Literal, NoReturn

from cyclopts import Parameter

from pipelines.cli.screen import INTERRUPTED, app, counts_text, table
from pipelines.errors import REASONS, MenderyError
from pipelines.wording import duration, size

MAX_CELLS_SHOWN = 60
"""Rows of a balance on the screen; its file has all."""


@app.command
def plan(recipe: str, *, source: list[str] | None = None) -> None:
    """Say what a recipe would make, without making it: pictures, samples, shards, bytes, time, licences.

    Args:
        recipe: A YAML file, or the name of a ready recipe.
        source: NAME=PATH, where a source of the recipe is on this machine; for each whose path the recipe leaves empty.
    """
    from pipelines import plan as estimate
    from pipelines.source_paths import parse

    found = estimate(recipe, parse(source or ()))
    rows = [
        (
            one.name,
            f"{one.pictures:,}",
            f"{one.samples:,}",
            size(one.bytes),
            duration(one.seconds),
            counts_text(one.licences),
        )
        for one in found.sources
    ]
    table(["source", "pictures", "samples ~", "bytes ~", "one core ~", "licences"], rows)
    for one in found.sources:
        if one.dropped:
            print(f"{one.name}: of {one.looked_at} looked at, dropped {counts_text(one.dropped)}")
    if found.ignored:
        print(f"passed over: {counts_text(found.ignored)}")
    for sentence in found.notes:
        print(f"note: {sentence}")
    print(f"about {found.samples:,} samples in {found.shards:,} shards, {size(found.bytes)}, ", end="")
    print(f"{duration(found.seconds)} on this machine")
    for sentence in found.licence_conflicts:
        print(f"licences: {sentence}")
    print(f"passing the whole on: {found.redistribute}, decided by {', '.join(found.strictest)}")


@app.command
def curate(
    recipe: str,
    *,
    out: str,
    source: list[str] | None = None,
    workers: int | None = None,
    address: str | None = None,
    fresh: Annotated[bool, Parameter(negative="")] = False,
    update: Annotated[bool, Parameter(negative="")] = False,
    report: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Measure and judge every picture, and make no shard; `build` in the same folder goes on from there.

    Args:
        recipe: A YAML file, or the name of a ready recipe.
        out: Folder of the dataset, or s3://bucket/prefix.
        source: NAME=PATH, where a source of the recipe is on this machine; for each whose path the recipe leaves empty.
        workers: Tasks at a time; all processors by default.
        address: A running Ray cluster; without it Ray starts on this machine.
        fresh: Forget an earlier build in this folder.
        update: Where the folder was begun with another recipe or other sources, keep what was measured of pictures that
            are still there, and decide anew.
        report: Write curation.html too, a page that shows every measured number beside its threshold, and pictures on
            either side of it.
    """
    from pipelines.build import curate as run
    from pipelines.source_paths import parse

    options: dict[str, Any] = {"fresh": fresh, "update": update, "report": report, "quiet": False}
    try:
        counts = run(recipe, out, sources=parse(source or ()), workers=workers, address=address, **options)
    except KeyboardInterrupt:
        _stopped("curate", recipe, out, source, workers, address, ["--report"] if report else [])
    rows = [("dropped: " + reason if reason else "kept", count) for reason, count in counts.items()]
    meanings = [REASONS.get(reason, "pictures") for reason in counts]
    table(["", "", ""], [(name, f"{count:,}", text) for (name, count), text in zip(rows, meanings, strict=True)])
    _say_balance(out)
    if report:
        print(f"report  {out.rstrip('/')}/curation.html")


@app.command
def build(
    recipe: str,
    *,
    out: str,
    source: list[str] | None = None,
    workers: int | None = None,
    address: str | None = None,
    fresh: Annotated[bool, Parameter(negative="")] = False,
    update: Annotated[bool, Parameter(negative="")] = False,
    retry: Literal["transient"] | None = None,
) -> None:
    """Build a dataset, or continue building it.

    Args:
        recipe: A YAML file, or the name of a ready recipe.
        out: Folder of the dataset, or s3://bucket/prefix; on a cluster every node must see it.
        source: NAME=PATH, where a source of the recipe is on this machine; for each whose path the recipe leaves empty.
        workers: Tasks at a time; all processors by default.
        address: A running Ray cluster; without it Ray starts on this machine.
        fresh: Forget an earlier build in this folder.
        update: Where the folder was begun with another recipe or other sources, keep what was measured of pictures that
            are still there, and make everything else anew.
        retry: "transient" reads again what failed for reasons that may pass (time-outs, HTTP 5xx and 429, broken
            connections), and nothing else. If anything comes of it, splits, plan and shards are made anew, also those
            of a complete build, since they follow from the complete table.
    """
    from pipelines import build as run
    from pipelines.source_paths import parse

    try:
        manifest = run(
            recipe,
            out,
            sources=parse(source or ()),
            workers=workers,
            address=address,
            fresh=fresh,
            update=update,
            retry=retry,
            quiet=False,
        )
    except KeyboardInterrupt:
        _stopped("build", recipe, out, source, workers, address, ["--retry", retry] if retry else [])
    _summarise(manifest, out)


@app.command
def why(out: str, picture: str) -> None:
    """Say what became of a picture: kept or dropped, and why, and where its samples are.

    Args:
        out: Folder of the dataset.
        picture: The end of its path, the key of one of its samples, or eight digits of its SHA-256.
    """
    from pipelines import why as look

    for fate in look(out, picture):
        print(f"{fate.uri} in source {fate.source}\n  {fate.sentence}")
        print(f"  sha256 {fate.sha256 or '(never read)'}")
        for name, value in fate.numbers.items():
            print(f"  {name}: {value}")
        for key in fate.keys:
            print(f"  sample {key}")


@app.command
def status(out: str) -> None:
    """Say how far a build is, running or stopped.

    Args:
        out: Folder of the dataset, s3://bucket/prefix or hub:OWNER/NAME[@REVISION].
    """
    from pipelines import status as look

    found = look(out)
    state = "complete" if found.stage == "complete" else "running" if found.running else "stopped"
    counted = f", {found.done:,} of {found.total:,} {found.unit}" if found.total else ""
    print(f"{state}: stage {found.stage}{counted}")
    if found.last:
        print(f"last: {found.last}")


def _stopped(
    verb: str,
    recipe: str,
    out: str,
    source: list[str] | None,
    workers: int | None,
    address: str | None,
    more: list[str],
) -> NoReturn:
    """Says how far it came and which command continues, and ends."""
    command = ["mendery", verb, recipe, "--out", out]
    command += [part for given in source or () for part in ("--source", given)]
    command += ["--workers", str(workers)] if workers else []
    command += ["--address", address] if address else []
    print(f"\n{_progress_of(out)}. Nothing is lost; continue with:\n  {shlex.join(command + more)}", file=sys.stderr)
    sys.exit(INTERRUPTED)


def _progress_of(out: str) -> str:
    from pipelines import status as look

    try:
        found = look(out)
    except MenderyError:
        return "stopped before anything was written"
    return f"stopped in stage {found.stage}: {found.done:,} of {found.total:,} {found.unit} are done"


def _summarise(manifest: dict[str, Any], out: str) -> None:
    """The table at the end of a build."""
    audit = manifest["audit"]
    rows = [("found", audit["found"], "pictures"), ("kept", audit["kept"], "pictures")]
    rows += [(f"dropped: {reason}", count, REASONS[reason]) for reason, count in audit["dropped"].items()]
    rows += [(f"quarantined: {reason}", count, REASONS[reason]) for reason, count in audit["quarantined"].items()]
    rows += [
        (split, totals["samples"], f"samples in {totals['shards']} shards")
        for split, totals in manifest["splits"].items()
    ]
    table(["", "", ""], [(name, f"{count:,}", text) for name, count, text in rows])
    print(f"dataset {out}\nreport  {out.rstrip('/')}/report.html")


def _say_balance(out: str) -> None:
    """The table of a balance, where the recipe asks for one."""
    from pipelines.curate.balance import sentences
    from pipelines.layout import Layout
    from pipelines.places import place
    from pipelines.storage import read_json

    layout = Layout(place(out))
    if not layout.balance.is_file():
        return
    summary = read_json(layout.balance)
    cells = summary["cells"][:MAX_CELLS_SHOWN]
    rows = [(*cell["values"], *(f"{cell[name]:,}" for name in ("before", "wanted", "after"))) for cell in cells]
    table([*summary["axes"], "before", "wanted", "kept"], rows)
    if more := len(summary["cells"]) - len(cells):
        print(f"and {more:,} cells more, in {layout.balance}")
    for sentence in sentences(summary)[:MAX_CELLS_SHOWN]:
        print(f"balance: {sentence}")
