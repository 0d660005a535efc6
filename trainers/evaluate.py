"""Evaluation: what fills holes is measured on a split, and told by bin of missing area, by damage and by declared
group.

The same samples in the same order every time, 8-bit pictures, holes as they are stored. Every figure comes with the
number of pictures it is of and an interval; what a network was trained with, and who said which person belongs to which
group, stands beside the figures.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import manifest as manifests
from pipelines.engines import Faces
from pipelines.errors import MenderyError
from pipelines.places import place
from pipelines.storage import put, put_bytes, put_json
from trainers import tables
from trainers.inpainters import BASELINES, Inpainter, Mask, Picture, masks, open_inpainter, pictures
from trainers.judges import Judges
from trainers.loader import once
from trainers.metrics import METRICS, measure
from trainers.run import Run

AXES = ("bin", "damage", "group")

METADATA = frozenset({"json"})

Say = Callable[[str], None]


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        folder: where `samples.parquet`, `tables.json` and `report.html` lie.
        tables: what `tables.json` holds.
    """

    folder: Path
    tables: Mapping[str, Any]


@dataclass
class Measured:
    """Figures of samples, in the order of the split, and of the whole.

    Attributes:
        rows: of every sample `key`, `picture`, its axes, and its figures.
        samples: their `json`.
        whole: figures that only a set has, such as FID, with why others are not told.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    samples: list[Mapping[str, Any]] = field(default_factory=list)
    whole: dict[str, Any] = field(default_factory=dict)


def evaluate(
    what: str,
    data: str | Path,
    *,
    split: str = "test",
    by: Sequence[str] = AXES,
    out: str | Path | None = None,
    size: int | None = None,
    limit: int | None = None,
    batch: int = 8,
    step: int | None = None,
    weights: Mapping[str, str] | None = None,
    faces: Faces | None = None,
    device: str | None = None,
    say: Say = lambda _: None,
) -> Evaluation:
    """Measures a run or a baseline on a split of a dataset.

    Args:
        what: folder of a run, or one of `BASELINES`.
        data: a finished dataset, here or in a bucket.
        by: axes of tables: `bin`, `damage`, `difficulty`, `corpus`, or a label that the corpora declare, such as
            `group`, `sex`, `age`, `scene`. Of the default axes those that no sample has are left out; others must be
            there.
        out: folder of the result; in the run's own when None, for a baseline `evaluation/BASELINE-DATASET-SPLIT` here.
        size: side of pictures; the dataset's own when None.
        limit: only the first so many samples.
        weights: files of pretrained networks by name, see `judges.Judges`; without one its figures are not told.
        faces: the face engine with which identity, landmarks and skin are compared; None leaves them out.
        step: of a run's checkpoint.
        say: takes sentences for the screen.

    Raises:
        MenderyError: no such run, split or axis, or the dataset is not complete.
    """
    stated = manifests.read(data)
    inpainter = open_inpainter(what, device, step)
    folder = place(out) if out is not None else _folder(what, stated["name"], split)
    side = size or int(stated["recipe"]["image"]["size"])
    judges = Judges(weights or {}, faces, device)
    found = _measure(inpainter, data, split, side, batch, limit, judges, say)
    axes = _axes(by, found.samples)
    for row, sample in zip(found.rows, found.samples, strict=True):
        row |= {axis: tables.axis_of(sample, axis) for axis in axes}
    result = _tables(inpainter, stated, split, side, found, axes, judges)
    _write(folder, found, result)
    from trainers.pages import evaluation_page

    shown = _cases(inpainter, data, split, side, found.rows)
    put_bytes(folder / "report.html", evaluation_page(result, shown).encode())
    return Evaluation(folder, result)


def _measure(
    inpainter: Inpainter,
    data: str | Path,
    split: str,
    size: int,
    batch: int,
    limit: int | None,
    judges: Judges,
    say: Say,
) -> Measured:
    found = Measured()
    for part in once(str(data), split, size, batch, inpainter.needs | METADATA):
        images, holes = list(pictures(part.image)), list(masks(part.mask))
        filled = inpainter.fill(part)
        judged = judges.judge(images, filled, holes)
        for number, (image, made, hole) in enumerate(zip(images, filled, holes, strict=True)):
            sample = part.metadata[number]
            found.samples.append(sample)
            found.rows.append(
                {
                    "key": part.keys[number],
                    "picture": sample["source_sha256"],
                    "mask_ratio": sample["mask_ratio"],
                    **measure(image, made, hole),
                    **judged[number],
                }
            )
        if limit is not None and len(found.rows) >= limit:
            break
        if len(found.rows) % (batch * 32) < batch:
            say(f"{len(found.rows):,} samples measured")
    if limit is not None:
        del found.rows[limit:], found.samples[limit:]
    found.whole = judges.whole()
    return found


def _axes(by: Sequence[str], samples: Sequence[Mapping[str, Any]]) -> list[str]:
    if tuple(by) != AXES:
        tables.check_axes(by, samples)
        return list(dict.fromkeys(by))
    return [axis for axis in AXES if any(tables.axis_of(sample, axis) for sample in samples)]


def metrics_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Figures that any sample has, in their order."""
    named = {"key", "picture", "mask_ratio"}
    return [name for name, value in rows[0].items() if name not in named and isinstance(value, float)]


def _tables(
    inpainter: Inpainter,
    stated: Mapping[str, Any],
    split: str,
    size: int,
    found: Measured,
    axes: Sequence[str],
    judges: Judges,
) -> dict[str, Any]:
    metrics = metrics_of(found.rows)
    draws = tables.Draws([row["picture"] for row in found.rows])
    labelled = sorted({sample["labels_by"] for sample in found.samples if sample["labels_by"]})
    return {
        "what": {"name": inpainter.name, **inpainter.about, "notes": list(inpainter.notes)},
        "data": {
            "name": stated["name"],
            "version": stated["version"],
            "recipe_sha256": stated["recipe_sha256"],
            "split": split,
            "samples": len(found.rows),
            "pictures": draws.num_pictures,
            "size": size,
        },
        "labels_by": labelled,
        "metrics": {name: METRICS[name].meaning for name in METRICS} | judges.meanings(),
        "notes": judges.notes(),
        "clipped": {name: int(sum(row[name] >= 100 for row in found.rows)) for name in ("psnr", "hole_psnr")},
        "whole": found.whole,
        "tables": [tables.table(found.rows, axis, metrics, draws) for axis in tables.merged(axes)],
    }


def _write(folder: Path, found: Measured, result: Mapping[str, Any]) -> None:
    with put(folder / "samples.parquet") as file:
        pq.write_table(pa.Table.from_pylist(found.rows), file, compression="zstd")
    put_json(folder / "tables.json", dict(result))


def _folder(what: str, dataset: str, split: str) -> Path:
    name = f"{dataset}-{split}"
    if what in BASELINES:
        return Path("evaluation") / f"{what}-{name}"
    return Run.at(what).evaluation / name


@dataclass(frozen=True)
class Case:
    """One sample of a page: picture with its hole, what was made, and the truth."""

    title: str
    row: Mapping[str, Any]
    image: Picture
    filled: Picture
    mask: Mask


def _cases(
    inpainter: Inpainter, data: str | Path, split: str, size: int, rows: Sequence[Mapping[str, Any]], each: int = 4
) -> list[Case]:
    """The best, median and worst samples by PSNR of the hole, of different pictures where there are enough."""
    wanted = dict(_chosen(rows, each))
    found: dict[int, Case] = {}
    position = 0
    for part in once(str(data), split, size, 8, inpainter.needs | METADATA):
        here = [position + number for number in range(len(part))]
        if wanted.keys() & set(here):
            filled = inpainter.fill(part)
            images, holes = pictures(part.image), masks(part.mask)
            found |= {
                place: Case(wanted[place], rows[place], images[number], filled[number], holes[number])
                for number, place in enumerate(here)
                if place in wanted
            }
        position += len(part)
        if len(found) == len(wanted):
            break
    return [found[place] for place in wanted]


def _chosen(rows: Sequence[Mapping[str, Any]], each: int) -> Iterator[tuple[int, str]]:
    known = [number for number, row in enumerate(rows) if not np.isnan(row["hole_psnr"])]
    ranked = sorted(known, key=lambda number: (-rows[number]["hole_psnr"], rows[number]["key"]))
    middle = len(ranked) // 2
    around = sorted(range(len(ranked)), key=lambda place: (abs(place - middle), place))
    taken: set[int] = set()
    orders = {"best": ranked, "median": [ranked[place] for place in around], "worst": ranked[::-1]}
    for title, order in orders.items():
        for number in _of_different_pictures([one for one in order if one not in taken], rows)[:each]:
            taken.add(number)
            yield number, title


def _of_different_pictures(order: Sequence[int], rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """The same samples, the first of each picture before all others."""
    first: dict[str, int] = {}
    for number in order:
        first.setdefault(rows[number]["picture"], number)
    leading = set(first.values())
    return [*first.values(), *(number for number in order if number not in leading)]


def compare(
    one: str,
    other: str,
    data: str | Path,
    *,
    split: str = "test",
    by: Sequence[str] = AXES,
    out: str | Path | None = None,
    say: Say = lambda _: None,
    **options: Any,
) -> Evaluation:
    """Evaluates two runs or baselines on the same samples, and tells by how much they differ, and for whom.

    It answers, with intervals, whether a network that was trained on some people serves others worse than another does:
    the difference of the two for each group, and by how much that is another difference than that for everybody else.

    Arguments and errors are those of `evaluate`.
    """
    from trainers.pages import comparison_page

    dataset = manifests.read(data)["name"]
    folder = place(out) if out is not None else Path("evaluation") / f"{_name(one)}-{_name(other)}-{dataset}-{split}"
    first, second = (
        # A run keeps its figures; those of a baseline lie beside the comparison.
        evaluate(what, data, split=split, by=by, out=folder / what if what in BASELINES else None, say=say, **options)
        for what in (one, other)
    )
    rows, others = (pq.read_table(result.folder / "samples.parquet").to_pylist() for result in (first, second))
    if [row["key"] for row in rows] != [row["key"] for row in others]:
        raise MenderyError(f"{data} has changed between the two evaluations: run them again")
    draws = tables.Draws([row["picture"] for row in rows])
    metrics = [name for name in metrics_of(rows) if name in others[0]]
    axes = [table["axis"] for table in first.tables["tables"] if table["axis"] != "all"]
    result = {
        "one": first.tables["what"],
        "other": second.tables["what"],
        "data": first.tables["data"],
        "labels_by": first.tables["labels_by"],
        "metrics": first.tables["metrics"],
        "notes": sorted({*first.tables["notes"], *second.tables["notes"]}),
        "differences": [
            {"axis": axis or "all", "rows": tables.differences(rows, others, axis, metrics, draws)}
            for axis in tables.merged(axes)
        ],
    }
    put_json(folder / "comparison.json", result)
    put_bytes(folder / "comparison.html", comparison_page(result).encode())
    return Evaluation(folder, result)


def _name(what: str) -> str:
    """How a run or a baseline is called."""
    return what if what in BASELINES else Run.at(what).folder.name


def read_tables(folder: Path) -> Iterable[Mapping[str, Any]]:
    """Finished evaluations in a folder such as a run's, sorted by name."""
    for path in sorted(folder.glob("*/tables.json")):
        yield json.loads(path.read_text(encoding="utf-8"))
