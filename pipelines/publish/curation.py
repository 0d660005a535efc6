"""The page of `mendery curate --report`: every measured number beside its threshold, so that a person can set it.

It looks as the report does, but it is for whoever builds the dataset: it shows pictures that are dropped, too. Columns
are read one after the other, so that millions of pictures fit into memory; only the few pictures shown are read again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from markupsafe import Markup
from numpy.typing import NDArray

from pipelines.curate import quality
from pipelines.curate.decide import counts
from pipelines.curate.quality import Quality
from pipelines.engines.rules import Faces
from pipelines.engines.stored import from_json
from pipelines.errors import REASONS
from pipelines.layout import Layout
from pipelines.publish import charts
from pipelines.publish.distribution import Distribution, Look, Number, Threshold, distribution
from pipelines.publish.looks import Seen, Wanted, see
from pipelines.publish.report import FOLDER, environment, to_yaml
from pipelines.recipe import Recipe
from pipelines.storage import opened, put_bytes

LOOKS: dict[str, Look] = {
    "sharpness": "screen",
    "detail_share": "pixels",
    "blockiness": "pixels",
    "jpeg_quality": "pixels",
}
"""How the pictures beside a threshold are shown, where not whole."""

RANGES: dict[str, tuple[float, float] | None] = {"blockiness": None, "jpeg_quality": (0, 100)}
"""Ends of the scales of numbers that are no shares."""

FACES = {
    "score": "How sure the detector is that it is a face; what scores less than min_score is none.",
    "size": "Shorter side of the face's box, in pixels of the original.",
    "yaw": "Degrees turned to either side.",
    "pitch": "Degrees looking up or down.",
    "roll": "Degrees tilted to either side.",
    "sharpness": "Fine detail within the face, as a share of its contrast.",
}


@dataclass(frozen=True)
class Card:
    """A picture beside a threshold."""

    value: float
    seen: Seen


@dataclass(frozen=True)
class Shown:
    """One number, and its examples by the title of their side."""

    chart: Distribution
    sides: dict[str, list[Card]]


def report(recipe: Recipe, layout: Layout) -> Path:
    """Writes OUT/curation.html; the curated table must be there.

    Returns:
        The file.

    Raises:
        SourceVanished: a whole source is gone, so that no picture of it can be shown.
    """
    found = [distribution(number) for number in numbers(recipe, layout)]
    seen = see(recipe, layout, (one for chart in found for one in _wanted(chart)))
    page = render(recipe, counts(layout), [_shown(chart, seen) for chart in found])
    put_bytes(layout.curation_report, page.encode())
    return layout.curation_report


def render(recipe: Recipe, by_reason: dict[str, int], shown: list[Shown]) -> str:
    """The page."""
    return (
        environment()
        .get_template("curation.html.j2")
        .render(
            recipe=recipe,
            curate_yaml=to_yaml({"curate": recipe.model_dump(mode="json")["curate"]}),
            counts=by_reason,
            total=sum(by_reason.values()),
            reasons=REASONS,
            shown=shown,
            chart=charts,
            css=Markup((FOLDER / "report.css").read_text(encoding="utf-8")),  # noqa: S704  # ours, not data
        )
    )


def numbers(recipe: Recipe, layout: Layout) -> Iterator[Number]:
    """Every number that was measured, of all pictures but copies of others; one at a time, for they are large."""
    owners = np.flatnonzero(pc.not_equal(_column(layout, "reason"), "duplicate").to_numpy())
    yield from _sizes(recipe, layout, owners)
    if recipe.curate.quality:
        yield from _qualities(recipe.curate.quality, layout, owners)
    if recipe.curate.faces:
        yield from _faces(recipe.curate.faces, layout, owners)


def _sizes(recipe: Recipe, layout: Layout, owners: NDArray[np.int64]) -> Iterator[Number]:
    width, height = (_column(layout, name).to_numpy()[owners].astype(float) for name in ("width", "height"))
    # A picture that could not be read has no size.
    shorter, longer = (np.where(width > 0, choose(width, height), np.nan) for choose in (np.minimum, np.maximum))
    block = recipe.curate
    least = Threshold("min_side", block.min_side, True, "too_small")
    yield Number("shorter side", "In pixels, before any scaling.", shorter, owners, (least,), log=True)
    most = Threshold("max_aspect", block.max_aspect, False, "aspect_ratio")
    text = "Longer side as so many times the shorter."
    yield Number("aspect ratio", text, longer / shorter, owners, (most,), value_range=None)


def _qualities(block: Quality, layout: Layout, owners: NDArray[np.int64]) -> Iterator[Number]:
    for name, text in quality.NUMBERS.items():
        thresholds = tuple(
            Threshold(f"quality.{limit}", getattr(block, limit), limit.startswith("min_"), reason)
            for reason, limit in quality.LIMITS.items()
            if quality.number_of(limit) == name
        )
        values = _column(layout, name).to_numpy()[owners]
        look, ends = LOOKS.get(name, "whole"), RANGES.get(name, (0, 1))
        yield Number(name, text, values, owners, thresholds, look=look, value_range=ends)


def _faces(block: Faces, layout: Layout, owners: NDArray[np.int64]) -> Iterator[Number]:
    limits = {
        "score": Threshold("faces.min_score", block.min_score, True, "no_face"),
        "size": Threshold("faces.min_size", block.min_size or None, True, "face_too_small"),
        "yaw": Threshold("faces.max_yaw", block.max_yaw, False, "face_turned"),
        "pitch": Threshold("faces.max_pitch", block.max_pitch, False, "face_turned"),
        "roll": Threshold("faces.max_roll", block.max_roll, False, "face_turned"),
        "sharpness": Threshold("faces.min_sharpness", block.min_sharpness, True, "face_blurred"),
    }
    found, boxes, where = _found(layout, owners)
    for column, (name, text) in enumerate(FACES.items()):
        values = found[:, column].copy()
        if name != "score":
            values[found[:, 0] < block.min_score] = np.nan
        shown = Number(f"face {name}", text, values, where, (limits[name],), "faces", "face", boxes, log=name == "size")
        yield shown


def _found(
    layout: Layout, owners: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Numbers of all faces in the order of `FACES`, their boxes, and the positions of their pictures.

    Their text, with all landmarks in it, is read piece by piece.
    """
    rows: list[tuple[float, ...]] = []
    wanted = np.zeros(int(owners.max(initial=-1)) + 1, bool)
    wanted[owners] = True
    for position, text in _texts(layout):
        if text != "[]" and position < len(wanted) and wanted[position]:
            rows += [
                (face.score, min(face.box[2:]), *np.abs(face.pose), face.sharpness, *face.box, position)
                for face in from_json(text)
            ]
    table = np.array(rows, np.float64).reshape(len(rows), len(FACES) + 5)
    return table[:, : len(FACES)], table[:, len(FACES) : -1], table[:, -1].astype(np.int64)


def _texts(layout: Layout) -> Iterator[tuple[int, str]]:
    start = 0
    with pq.ParquetFile(opened(layout.curated)) as file:
        for batch in file.iter_batches(columns=["found"]):
            yield from enumerate(batch["found"].to_pylist(), start)
            start += batch.num_rows


def _column(layout: Layout, name: str) -> pa.ChunkedArray:
    return pq.read_table(opened(layout.curated), columns=[name])[name]


def _wanted(chart: Distribution) -> Iterator[Wanted]:
    for side in chart.sides:
        yield from (Wanted(one.owner, chart.look, one.box) for one in side.examples)


def _shown(chart: Distribution, seen: dict[Wanted, Seen]) -> Shown:
    sides = {
        side.title: [Card(one.value, seen[Wanted(one.owner, chart.look, one.box)]) for one in side.examples]
        for side in chart.sides
    }
    return Shown(chart, sides)
