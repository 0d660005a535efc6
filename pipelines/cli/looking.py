"""Looking: at a finished dataset, at what a recipe or a damage would do, at what this program and machine know."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from pipelines.cli.screen import FAULTY, OK, app, counts_text, table


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
    from pipelines.source_paths import parse_pairs

    findings = check(out, workers, parse_pairs(pool or (), "--pool"))
    if as_json:
        print(to_json(findings))
    else:
        print("".join(f"note: {sentence}\n" for sentence in findings.notes), end="")
        print("\n".join(str(finding) for finding in findings) or f"{out}: every promise is kept")
    sys.exit(FAULTY if findings else OK)


@app.command
def report(out: str) -> None:
    """Write report.html, a page about the dataset that a browser shows offline; of one on the Hub it is written here.

    Args:
        out: Folder of the dataset, s3://bucket/prefix or hub:OWNER/NAME[@REVISION].
    """
    from pipelines import report as write

    print(write(out))


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
        table(["recipe", "what it builds"], [(name, load_anywhere(name).description) for name in ready()])


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
        table(["damage", "what it is"], fields)
        return
    from pipelines import damages as draw

    for path in draw(gallery, images=image or (), kinds=kind or ()):
        print(path)


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
    table(list(OVERVIEW), overview(sorted(CORPORA)))


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
    table(["split", "found", "expected by the card"], [
        (split or "(none)", f"{count:,}", f"{found.expected[split]:,}" if split in found.expected else "")
        for split, count in found.splits.items()
    ])  # fmt: skip
    table(["label", "values"], [(label, counts_text(values)) for label, values in found.labels.items()])
    for what, files in (("found", found.present), ("missing", found.missing)):
        for file, meaning in files.items():
            print(f"{what}: {file}" + (f" ({meaning})" if what == "missing" else ""))
    if found.reasons:
        print(f"not usable: {counts_text(found.reasons)}")
    for note in found.notes:
        print(f"note: {note}")


@app.command
def doctor() -> None:
    """Say what this machine offers: versions, Ray, disk, credentials, models. Exit 1 if a build cannot run."""
    from pipelines import doctor as look

    checks = look()
    marks = {True: "ok", False: "MISSING", None: "-"}
    table(["what", "", "found"], [(check.name, marks[check.ok], check.found) for check in checks])
    sys.exit(FAULTY if any(check.ok is False for check in checks) else OK)
