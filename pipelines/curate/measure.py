"""Measuring: every picture is read and decoded once; what was found is written down, and its crops beside it.

A task measures one part of the catalog. A bad picture is a row like any other, with its fault,
so that a restart repeats nothing, dropped pictures included.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import catalog, mesh_parts
from pipelines.curate import known, numbers, packs
from pipelines.curate.packs import Pack
from pipelines.curate.readers import Listed, Readers, bytes_of, listed, wanted
from pipelines.curate.rules import KEEP, judge
from pipelines.errors import BadPicture, MenderyError
from pipelines.faces import all_faces, with_five
from pipelines.guides import cropped, drawn_parts
from pipelines.imaging.align import warp
from pipelines.imaging.decode import check, decode, inspect
from pipelines.imaging.encode import encode_image
from pipelines.imaging.face_crops import face_crops
from pipelines.imaging.render import COVERED, Rendition, render
from pipelines.layout import Layout
from pipelines.places import place
from pipelines.recipe import Recipe
from pipelines.storage import opened, put

HEADER_SCHEMA = pa.schema(
    [
        ("format", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("mode", pa.string()),
    ]
)
SCHEMA = pa.schema(
    [
        ("sha256", pa.string()),
        ("num_bytes", pa.int64()),
        *HEADER_SCHEMA,
        ("fault", pa.string()),
        ("detail", pa.string()),
        # The fault may pass: `--retry transient` reads the picture again.
        ("transient", pa.bool_()),
        *numbers.SCHEMA,
    ]
)
NOTHING: dict[str, Any] = (
    dict.fromkeys(("sha256", "format", "mode", "fault", "detail"), "")
    | dict.fromkeys(("num_bytes", "width", "height"), 0)
    | {"transient": False}
    | numbers.NOTHING
)
"""Measurements of a picture of which nothing is known."""


@dataclass(frozen=True)
class MeasureJob:
    """One part of the catalog.

    Attributes:
        crops: whether to make the crops as well, while the pictures are decoded.
    """

    out: str
    recipe: str
    part: int
    crops: bool = True


def measure_part(job: MeasureJob) -> int:
    """Measures one part of the catalog into its own file, its crops into a pack; gives the number of pictures.

    Where pictures are measured already, they are only read if the pack must be made.

    Raises:
        MenderyError: a picture is not what it was when it was measured.
    """
    layout, recipe = Layout(place(job.out)), parsed(job.recipe)
    rows = catalog.read_part(layout.catalog, job.part)
    if layout.part(job.part).is_file():
        _make_pack(recipe, layout, job.part, rows)
        return len(rows)
    before = known.of_part(layout, job.part)
    # A pack is for all pictures of a part, so where some are known it is made later, for those that are kept.
    crops = packs.writing(layout, job.part) if job.crops and not before else nullcontext()
    with Readers(recipe, layout) as readers, crops as pack:
        outcomes = readers.read_all(wanted(row for number, row in enumerate(rows) if number not in before))
        found = [
            before.get(number) or measure(next(outcomes), recipe, pack, number, listed(row, readers))
            for number, row in enumerate(rows)
        ]
    write_part(layout.part(job.part), found)
    return len(rows)


def write_part(path: Path, found: list[dict[str, Any]]) -> None:
    """Writes the measurements of one part."""
    with put(path) as file:
        pq.write_table(pa.Table.from_pylist(found, schema=SCHEMA), file, compression="zstd")


def _make_pack(recipe: Recipe, layout: Layout, part: int, rows: list[dict[str, Any]]) -> None:
    """Makes the crops of a part that is measured; pictures that a rule drops are not read."""
    before = pq.read_table(opened(layout.part(part))).to_pylist()
    kept = [
        number
        for number, (row, was) in enumerate(zip(rows, before, strict=True))
        if verdict(was, recipe, row["faces"], row["guides"])[0] == KEEP
    ]
    with Readers(recipe, layout) as readers, packs.writing(layout, part) as pack:
        outcomes = readers.read_all(wanted(rows[number] for number in kept))
        found = [
            measure(outcome, recipe, pack, number, listed(rows[number], readers))
            for number, outcome in zip(kept, outcomes, strict=True)
        ]
        _refuse_changes(
            [
                rows[number]["uri"]
                for number, now in zip(kept, found, strict=True)
                if before[number]["sha256"] != now["sha256"]
            ]
        )


def _refuse_changes(changed: list[str]) -> None:
    if changed:
        named = ", ".join(changed[:3]) + (", ..." if len(changed) > 3 else "")
        raise MenderyError(
            f"{named}: other bytes than when this build was begun; use another --out, or --fresh to begin again"
        )


def measure(
    outcome: bytes | BadPicture, recipe: Recipe, pack: Pack | None, number: int, told: Listed
) -> dict[str, Any]:
    """One row of measurements; a picture that cannot be used has its fault in it.

    Args:
        outcome: bytes of a picture, or why there are none.
        pack: takes the crops of a picture that no rule drops, under its number; None makes none.
        told: what the catalog says of it.
    """
    row = dict(NOTHING)
    try:
        data = bytes_of(outcome)
        row |= {"sha256": hashlib.sha256(data).hexdigest(), "num_bytes": len(data)}
        header = inspect(data, max_pixels=recipe.curate.max_pixels)
        row |= {name: getattr(header, name) for name in HEADER_SCHEMA.names}
        picture = decode(data, header) if numbers.asked(recipe.curate) else None
        if picture is not None:
            row |= numbers.measure(picture[0], header, recipe.curate)
        if pack is not None and verdict(row, recipe, told.faces, told.guides)[0] == KEEP:
            faces = with_five(told.faces, row["found"])
            crops = render(data, header, recipe.image, recipe.seed, row["sha256"], faces, picture, told.as_stored)
            pack.add(number, with_guides(crops, recipe, row, told))
        elif picture is None:
            check(data, header)  # a picture that is small and cut counts as cut
    except BadPicture as bad:
        row |= {"fault": bad.reason, "detail": bad.detail, "transient": bad.transient}
    return row


def with_guides(crops: Iterator[Rendition], recipe: Recipe, row: dict[str, Any], told: Listed) -> Iterator[Rendition]:
    """Crops with all that the recipe asks for beside them."""
    return _paired(_guided(crops, recipe, row, told), recipe, row, told)


def _guided(crops: Iterator[Rendition], recipe: Recipe, row: dict[str, Any], told: Listed) -> Iterator[Rendition]:
    """Crops with the label maps that the recipe asks for, and those that its damages look at where there are any."""
    faces = all_faces(told.faces, row["found"]) if recipe.guides.parsing else "[]"
    schemes = {name: recipe.guides.scheme_of(name, told.guides, faces) for name in recipe.maps()}
    maps = {name: told.label_map(name) for name, scheme in schemes.items() if scheme not in ("", mesh_parts.SCHEME)}
    for crop in crops:
        shape = (row["width"], row["height"], recipe.image.size)
        guides = {
            f"{name}.png": cropped(labels, crop.matrix, *shape, scheme) for name, (labels, scheme) in maps.items()
        }
        if schemes.get("parsing") == mesh_parts.SCHEME:
            guides["parsing.png"] = drawn_parts(faces, crop.matrix, recipe.image.size)
        yield replace(crop, guides=guides)


def _paired(crops: Iterator[Rendition], recipe: Recipe, row: dict[str, Any], told: Listed) -> Iterator[Rendition]:
    """Crops with the original for the picture, and the picture for what covers it, where a damage asks for pairs."""
    data = told.original() if recipe.wants_pairs() else None
    if data is None:
        yield from crops
        return
    original, _ = decode(data, inspect(data, max_pixels=recipe.curate.max_pixels))
    for crop in crops:
        # The two show the same, and may be of different sizes.
        fitted = warp(original, original.shape[1] / row["width"], crop.matrix, recipe.image.size)
        yield replace(crop, data=encode_image(fitted, recipe.image), guides={**crop.guides, COVERED: crop.data})


def verdict(row: dict[str, Any], recipe: Recipe, faces: str, guides: str) -> tuple[str, str]:
    """Keep ("") or the reason that a picture's own numbers give, and what is to be said of it.

    What depends on other pictures is decided later.

    Args:
        row: its row of the measured table.
        faces, guides: JSON of the catalog.
    """
    reason, detail = judge(row, recipe.curate), ""
    if not reason and recipe.image.fit == "face":
        reason = face_crops(with_five(faces, row["found"]), row["width"], row["height"], recipe.image).reason
    if not reason and (detail := recipe.guides.lacks(guides, all_faces(faces, row["found"]))):
        reason = "no_guide"
    return reason, detail


@lru_cache(maxsize=2)
def parsed(recipe: str) -> Recipe:
    """Recipe from the JSON that travels with a job."""
    return Recipe.model_validate_json(recipe)
