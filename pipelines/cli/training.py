"""Training, and what is done with a trained network; PyTorch is imported when a verb runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from pipelines.cli.screen import INTERRUPTED, app, table
from pipelines.errors import MenderyError


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
        table(header, rows)
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
