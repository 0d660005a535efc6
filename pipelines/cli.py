"""The command `mendery`: one thin function per verb; the work is in the Python functions of the same names.

Nothing heavy is imported before a verb runs, so that help answers at once.
"""

from __future__ import annotations

import json
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from cyclopts import App, Parameter

from pipelines.errors import REASONS, MenderyError
from pipelines.wording import duration, size

app = App(
    name="mendery",
    suppress_keyboard_interrupt=False,
    help="Build the datasets that teach networks to mend pictures.",
    version=lambda: __import__("importlib.metadata").metadata.version("mendery"),
)

OK, FAULTY, INTERRUPTED = 0, 1, 130

MAX_CELLS_SHOWN = 60
"""Rows of a balance on the screen; its file has all."""


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
        command = ["mendery", "build", recipe, "--out", str(out)]
        command += [part for given in source or () for part in ("--source", given)]
        command += ["--workers", str(workers)] if workers else []
        command += ["--address", address] if address else []
        command += ["--retry", retry] if retry else []
        print(f"\n{_progress_of(out)}. Nothing is lost; continue with:\n  {shlex.join(command)}", file=sys.stderr)
        sys.exit(INTERRUPTED)
    _summarise(manifest, out)


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
        command = ["mendery", "curate", recipe, "--out", str(out)]
        command += [part for given in source or () for part in ("--source", given)]
        command += ["--workers", str(workers)] if workers else []
        command += ["--address", address] if address else []
        command += ["--report"] if report else []
        print(f"\n{_progress_of(out)}. Nothing is lost; continue with:\n  {shlex.join(command)}", file=sys.stderr)
        sys.exit(INTERRUPTED)
    rows = [("dropped: " + reason if reason else "kept", count) for reason, count in counts.items()]
    meanings = [REASONS.get(reason, "pictures") for reason in counts]
    _table(["", "", ""], [(name, f"{count:,}", text) for (name, count), text in zip(rows, meanings, strict=True)])
    _say_balance(out)
    if report:
        print(f"report  {out.rstrip('/')}/curation.html")


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
            _counts(one.licences),
        )
        for one in found.sources
    ]
    _table(["source", "pictures", "samples ~", "bytes ~", "one core ~", "licences"], rows)
    for one in found.sources:
        if one.dropped:
            print(f"{one.name}: of {one.looked_at} looked at, dropped {_counts(one.dropped)}")
    if found.ignored:
        print(f"passed over: {_counts(found.ignored)}")
    for sentence in found.notes:
        print(f"note: {sentence}")
    print(f"about {found.samples:,} samples in {found.shards:,} shards, {size(found.bytes)}, ", end="")
    print(f"{duration(found.seconds)} on this machine")
    for sentence in found.licence_conflicts:
        print(f"licences: {sentence}")
    print(f"passing the whole on: {found.redistribute}, decided by {', '.join(found.strictest)}")


@app.command
def corpora(name: str | None = None) -> None:
    """List the corpora that this program knows, or show the card of one.

    Args:
        name: A corpus, such as celeba.
    """
    from pipelines.cards import OVERVIEW, overview, text_of
    from pipelines.corpora import CORPORA

    if name is not None:
        print(text_of(name))
        return
    _table(list(OVERVIEW), overview(sorted(CORPORA)))


@app.command
def inspect(path: str, *, corpus: str | None = None) -> None:
    """Say which corpus a folder or archive looks like, what is complete and what is missing.

    Args:
        path: A download, unpacked or not.
        corpus: Take it for this corpus instead of finding out.
    """
    from pipelines import inspect as look

    found = look(path, corpus)
    others = [f"{other} ({count:,} pictures)" for other, count in found.candidates.items() if other != found.corpus]
    print(f"{path} looks like {found.corpus}" + (f"; possible too: {', '.join(others[:4])}" if others else ""))
    _table(["split", "found", "expected by the card"], [
        (split or "(none)", f"{count:,}", f"{found.expected[split]:,}" if split in found.expected else "")
        for split, count in found.splits.items()
    ])  # fmt: skip
    _table(["label", "values"], [(label, _counts(values)) for label, values in found.labels.items()])
    for what, files in (("found", found.present), ("missing", found.missing)):
        for file, meaning in files.items():
            print(f"{what}: {file}" + (f" ({meaning})" if what == "missing" else ""))
    if found.reasons:
        print(f"not usable: {_counts(found.reasons)}")
    for note in found.notes:
        print(f"note: {note}")


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


@app.command
def verify(
    out: str,
    *,
    as_json: Annotated[bool, Parameter("--json", negative="")] = False,
    workers: int | None = None,
    pool: list[str] | None = None,
) -> None:
    """Check every promise of the sample contract on every sample; exit 1 if one is broken.

    Args:
        out: Folder of the dataset, s3://bucket/prefix or hub:OWNER/NAME[@REVISION].
        as_json: Print findings as JSON.
        workers: Shards checked at a time.
        pool: NAME=PATH of a pool that damages were drawn from, where it is not where the build had it.
    """
    from pipelines import verify as check
    from pipelines.shards.verify import to_json

    findings = check(out, workers, _pairs(pool or []))
    if as_json:
        print(to_json(findings))
    else:
        print("".join(f"note: {sentence}\n" for sentence in findings.notes), end="")
        print("\n".join(str(finding) for finding in findings) or f"{out}: every promise is kept")
    sys.exit(FAULTY if findings else OK)


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
    from pipelines.source_paths import parse

    given = parse(source)
    target = out or published.rstrip("/").rpartition("/")[2].partition("@")[0]
    options: dict[str, Any] = {
        "pools": _pairs(pool or []),
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
def report(out: str) -> None:
    """Write report.html, a page about the dataset that a browser shows offline; of one on the Hub it is written here.

    Args:
        out: Folder of the dataset, s3://bucket/prefix or hub:OWNER/NAME[@REVISION].
    """
    from pipelines import report as write

    print(write(out))


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


@app.command
def show(out: str, key: str, *, folder: Annotated[Path | None, Parameter(["--folder", "-o"])] = None) -> None:
    """Take one sample out of its shard: members to a folder, metadata to the screen.

    Args:
        out: Folder of the dataset, s3://bucket/prefix or hub:OWNER/NAME[@REVISION].
        key: The sample's key.
        folder: Where its members are written; a folder of the key's name by default.
    """
    from pipelines import show as take

    target = folder or Path(key)
    metadata = take(out, key, target)
    print(json.dumps(metadata, indent=2, ensure_ascii=False))
    print(f"members are in {target}", file=sys.stderr)


@app.command
def preview(
    recipe: str, *, image: Path, folder: Annotated[Path, Parameter(["--folder", "-o"])], seeds: int = 4
) -> None:
    """Do to one picture what a recipe would: per damage a sheet of image, damaged, mask, a row per seed.

    Args:
        recipe: A YAML file, or the name of a ready recipe.
        image: A picture file.
        folder: Where the sheets are written.
        seeds: Rows per sheet.
    """
    from pipelines import preview as draw

    for sheet in draw(recipe, image, folder, seeds, say=lambda sentence: print(sentence, file=sys.stderr)):
        print(sheet)


@app.command
def recipes(
    *,
    schema: Annotated[bool, Parameter(negative="")] = False,
    example: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """List the ready recipes, or document what a recipe may hold.

    Args:
        schema: Print the JSON Schema of a recipe: every field with its meaning.
        example: Print an annotated recipe to start from.
    """
    from pipelines.recipe import example as annotated
    from pipelines.recipe import json_schema, load_anywhere, ready

    if schema:
        print(json.dumps(json_schema(), indent=2))
    elif example:
        print(annotated(), end="")
    else:
        _table(["recipe", "what it builds"], [(name, load_anywhere(name).description) for name in ready()])


@app.command
def damages(
    *,
    gallery: Path | None = None,
    image: list[Path] | None = None,
    kind: list[str] | None = None,
) -> None:
    """List the damages, or draw a contact sheet of each over real photographs.

    Args:
        gallery: Folder for the sheets, one PNG for each damage.
        image: Photographs to draw on; those that ship in packages by default.
        kind: Damages to draw; all by default.
    """
    from pipelines.damage import DAMAGES

    if gallery is None:
        fields = [(name, family.model_fields["kind"].description or "") for name, family in DAMAGES.items()]
        _table(["damage", "what it is"], fields)
        return
    from pipelines import damages as draw

    for path in draw(gallery, images=image or (), kinds=kind or ()):
        print(path)


@app.command
def doctor() -> None:
    """Say what this machine offers: versions, Ray, disk, credentials, models. Exit 1 if a build cannot run."""
    from pipelines import doctor as look

    checks = look()
    marks = {True: "ok", False: "MISSING", None: "-"}
    _table(["what", "", "found"], [(check.name, marks[check.ok], check.found) for check in checks])
    sys.exit(FAULTY if any(check.ok is False for check in checks) else OK)


@app.command
def train(
    method: str,
    *,
    data: str,
    run: str,
    steps: int | None = None,
    workers: str = "1",
    gpus: Annotated[bool, Parameter(negative="")] = False,
    size: int | None = None,
    settings: Annotated[list[str] | None, Parameter("--set", negative="")] = None,
    address: str | None = None,
    debug: Annotated[bool, Parameter(negative="")] = False,
    without_perceptual: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Train a method on a dataset, or continue to; the same command goes on where a run has stopped.

    Args:
        method: Such as aot_gan or lama; an unknown one lists them.
        data: Folder of a finished dataset, or s3://bucket/prefix.
        run: Folder of the run, or s3://bucket/prefix; on a cluster every node must see it.
        steps: Optimiser steps in all.
        workers: Training processes, or the fewest and the most such as 1:4.
        gpus: Train on GPUs, one for each process.
        size: Side of pictures in pixels.
        settings: Further settings as key=value, such as train.batch=16; config.json in the run's folder has them all.
        address: A running Ray cluster; without it Ray starts on this machine.
        debug: Small widths, 64 pixels, no losses over pretrained networks: ends in two minutes.
        without_perceptual: Leave out the losses that need weights of pretrained networks.
    """
    try:
        from trainers.config import parse
        from trainers.train import parse_workers
        from trainers.train import train as run_training
    except ModuleNotFoundError as error:
        raise MenderyError(f"training needs {error.name}: pip install 'mendery[train]'") from None
    try:
        done = run_training(
            method, data, run, steps=steps, workers=parse_workers(workers), gpus=gpus, size=size,
            settings=parse(settings or []), address=address, debug=debug,
            perceptual=not without_perceptual, quiet=False,
        )  # fmt: skip
    except KeyboardInterrupt:
        print("\nstopped; the same command continues from the last checkpoint", file=sys.stderr)
        sys.exit(INTERRUPTED)
    print(f"run {done.folder}\nstep {done.step:,}")
    for note in done.notes:
        print(f"note: {note}")


@app.command
def evaluate(
    what: str | None = None,
    *,
    data: str,
    split: str = "test",
    by: str = "bin,damage,group",
    compare: tuple[str, str] | None = None,
    out: str | None = None,
    size: int | None = None,
    limit: int | None = None,
    step: int | None = None,
    weights: list[str] | None = None,
    faces: Annotated[bool, Parameter(negative="")] = False,
    face_models: str = "",
    device: str | None = None,
    as_json: Annotated[bool, Parameter("--json", negative="")] = False,
) -> None:
    """Measure a run or a baseline on a split, by bin of missing area, damage and declared group, with intervals.

    Args:
        what: Folder of a run, or a baseline: mean, navier-stokes or telea.
        data: A finished dataset.
        split: Of the dataset.
        by: Tables to make, with commas between: bin, damage, difficulty, corpus, or a label such as group, sex, age,
            scene.
        compare: Two runs or baselines instead of one: by how much they differ, for whom, with intervals.
        out: Folder of the result; in the run's own by default.
        size: Side of pictures in pixels; the dataset's own by default.
        limit: Only the first so many samples.
        step: Of the run's checkpoint; the newest by default.
        weights: NAME=PATH of pretrained networks: alexnet and lpips for LPIPS, inception for FID, KID, P-IDS and U-IDS.
        faces: Compare faces too: identity, landmarks, tone of skin.
        face_models: Folder of insightface's packs for that; models that ship in packages by default.
        device: Such as cuda:1; a GPU where there is one by default.
        as_json: Print the tables as JSON.
    """
    try:
        from trainers import evaluate as measure
    except ModuleNotFoundError as error:
        raise MenderyError(f"evaluation needs {error.name}: pip install 'mendery[train]'") from None
    from pipelines.engines import Faces
    from pipelines.source_paths import parse_pairs

    options: dict[str, Any] = {
        "split": split,
        "by": [axis.strip() for axis in by.split(",") if axis.strip()],
        "out": out,
    }
    options |= {"size": size, "limit": limit, "step": step, "device": device}
    options["weights"] = parse_pairs(weights or (), "--weights")
    options["faces"] = Faces(models=face_models, embeddings=True) if faces or face_models else None
    say = (lambda _: None) if as_json else print
    if (what is None) == (compare is None):
        raise MenderyError("evaluate takes one run or baseline, or --compare with two of them")
    if compare is not None:
        found = measure.compare(*compare, data, say=say, **options)
        tables, page = found.tables["differences"], "comparison.html"
    else:
        assert what is not None
        found = measure.evaluate(what, data, say=say, **options)
        tables, page = found.tables["tables"], "report.html"
    if as_json:
        print(json.dumps(found.tables, indent=1))
        return
    from trainers.pages import text_tables

    for header, rows in text_tables(tables):
        _table(header, rows)
    for note in found.tables["notes"]:
        print(f"note: {note}")
    print(f"page    {found.folder / page}")


@app.command
def inpaint(
    what: str,
    image: Path,
    *,
    mask: Path,
    out: Annotated[Path, Parameter(["--out", "-o"])],
    step: int | None = None,
    limit: int | None = None,
    device: str | None = None,
) -> None:
    """Fill the holes of a picture, or of all pictures of a folder; known pixels stay as they are.

    Args:
        what: Folder of a run, or a baseline: mean, navier-stokes or telea.
        image: A picture of any size, or a folder of them.
        mask: Where it is missing, brighter than mid-grey; for a folder a folder with masks of the same names, or one
            mask for all.
        out: A file (.png keeps known pixels exactly), for a folder a folder.
        step: Of the run's checkpoint; the newest by default.
        limit: Longer side in pixels above which a picture is filled in overlapping tiles.
        device: Such as cuda:1; a GPU where there is one by default.
    """
    try:
        from trainers import inpaint as filling
    except ModuleNotFoundError as error:
        raise MenderyError(f"inpainting needs {error.name}: pip install 'mendery[train]'") from None
    options: dict[str, Any] = {"limit": limit} if limit is not None else {}
    for written in filling.inpaint(what, image, mask, out, step=step, device=device, say=print, **options):
        print(written)


@app.command
def export(
    run: str,
    *,
    out: Annotated[Path, Parameter(["--out", "-o"])],
    size: int | None = None,
    step: int | None = None,
) -> None:
    """Write a run's networks as TorchScript (.pt) or ONNX (.onnx), checked against the run.

    Args:
        run: Folder of a run.
        out: The file; its suffix says the format.
        size: Side of pictures in pixels; the run's own by default.
        step: Of the run's checkpoint; the newest by default.
    """
    try:
        from trainers.export import export as write
    except ModuleNotFoundError as error:
        raise MenderyError(f"export needs {error.name}: pip install 'mendery[train]'") from None
    for name, value in write(run, out, size=size, step=step).items():
        print(f"{name}: {value}")
    print(out)


def main() -> None:
    """Runs the command: errors a person can mend are one text without a traceback."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app()
    except MenderyError as error:
        print(f"mendery: {error}", file=sys.stderr)
        sys.exit(FAULTY)
    except BrokenPipeError:  # `mendery recipes --schema | head`
        sys.stderr.close()
        sys.exit(OK)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


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
    _table(["", "", ""], [(name, f"{count:,}", text) for name, count, text in rows])
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
    _table([*summary["axes"], "before", "wanted", "kept"], rows)
    if more := len(summary["cells"]) - len(cells):
        print(f"and {more:,} cells more, in {layout.balance}")
    for sentence in sentences(summary)[:MAX_CELLS_SHOWN]:
        print(f"balance: {sentence}")


def _table(header: list[str], rows: Sequence[tuple[str, ...]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*header, box=box.SIMPLE_HEAD, show_header=any(header), pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    # Files and pipes get lines as long as they are.
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(table)


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = dict(text.partition("=")[::2] for text in texts)
    for name, value in pairs.items():
        if not name or not value:
            raise MenderyError(f"expected NAME=PATH, found {name!r}")
    return pairs


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))


__all__ = ["app", "main"]

if __name__ == "__main__":
    main()
