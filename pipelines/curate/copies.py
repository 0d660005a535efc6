"""Copies among the pictures of a recipe, and of datasets that must stay clean of them: what to drop, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.curate import columns, gathered, near
from pipelines.curate.fingerprints import VIEWS, Hashes
from pipelines.curate.search_jobs import Spread
from pipelines.curate.splits import NONE, components
from pipelines.errors import RecipeError
from pipelines.layout import Layout
from pipelines.places import place
from pipelines.recipe import Recipe
from pipelines.spread import Runner

Positions = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Copies:
    """What is found among the kept pictures.

    Attributes:
        groups: (K,) position, among all pictures, of the one that names the group; -1 where there is no copy.
        dropped: positions of near-duplicates that are not the best of their group.
        contaminated: positions of pictures whose group holds one of the other datasets.
        details: of whom each dropped one is a copy.
    """

    groups: Positions
    dropped: Positions
    contaminated: Positions
    details: dict[int, str]


@dataclass(frozen=True, eq=False)
class _Prints:
    """Fingerprints of pictures, those of the build before those of other datasets.

    Attributes:
        numbers: (N,) of each picture among all that are gathered.
        hashes: (N, V).
        pixels: (N,) digests.
        embeddings: (N, D) where there are any.
    """

    numbers: Positions
    hashes: Hashes
    pixels: NDArray[np.void]
    embeddings: NDArray[np.float32] | None


def recipe_against(path: str, recipe: Recipe) -> Recipe:
    """A recipe that measures another dataset, of ours or a folder of pictures.

    Raises:
        RecipeError: nothing is there.
    """
    found = Layout(place(path))
    if not place(path).is_dir():
        raise RecipeError(f"curate.duplicates.against: no folder {path!r}: name a dataset or a folder of pictures")
    source = {"type": "folder", "path": path}
    if found.manifest.is_file():
        source = {"type": "webdataset", "path": f"{path}/shards/*.tar", "image": _image_member(found)}
    plain: dict[str, Any] = {"name": "against", "sources": [source | {"name": Path(path).name.lower()}]}
    limits = {name: getattr(recipe.curate, name) for name in ("max_pixels", "max_bytes")}
    asked = recipe.curate.duplicates
    network = asked.embeddings.model_dump() if asked and asked.embeddings else None
    return Recipe.model_validate(plain | {"curate": limits | {"min_side": 1, "duplicates": {"embeddings": network}}})


def _image_member(layout: Layout) -> str:
    from pipelines import manifest

    return next(str(name) for name in manifest.read(layout.out)["members"] if name.startswith("image."))


def find(recipe: Recipe, layout: Layout, kept: Positions, measured: pa.Table, run: Runner) -> Copies:
    """Finds copies among kept pictures, given by position.

    Args:
        measured: `sha256`, `width` and `height` of all pictures.
    """
    block = recipe.curate.duplicates
    assert block is not None
    others = [Layout(layout.against(number)) for number in range(len(block.against))]
    for other in others:
        gathered.gather(other, run)
    prints = _prints([layout, *others], kept)
    search = Spread([layout, *others], prints.numbers, run)
    edges = near.edges(prints.hashes, prints.pixels, block, search, prints.embeddings)
    for other in others:
        gathered.forget(other)
    leaders = components(len(prints.hashes), edges)
    foreign = np.zeros(len(leaders), bool)
    foreign[leaders[len(kept) :]] = True
    return _judged(recipe, layout, kept, leaders[: len(kept)], foreign, measured)


def _judged(
    recipe: Recipe,
    layout: Layout,
    kept: Positions,
    leaders: Positions,
    foreign: NDArray[np.bool_],
    measured: pa.Table,
) -> Copies:
    """Verdicts on groups, each named by the position of one of its pictures among the kept ones, or beyond them."""
    block = recipe.curate.duplicates
    assert block is not None
    bad = foreign[leaders]
    sizes = np.bincount(leaders, minlength=len(foreign))
    best = _best(leaders, measured.take(pa.array(kept)), len(foreign))
    surplus = ~bad & (sizes[leaders] > 1) & (best[leaders] != np.arange(len(kept)))
    dropped = kept[surplus] if block.keep == "best" else np.empty(0, np.int64)
    told = columns.of_whom(recipe, layout, kept[best[leaders[surplus]]]) if len(dropped) else []
    details = dict(zip(dropped.tolist(), told, strict=True))
    named = ", ".join(Path(path).name for path in block.against)
    details |= dict.fromkeys(kept[bad].tolist(), f"a near-duplicate stands in {named}")
    groups = np.where((sizes[leaders] > 1) & ~bad, kept[best[leaders]], NONE)
    return Copies(groups, dropped, kept[bad], details)


def _best(leaders: Positions, pictures: pa.Table, num_groups: int) -> Positions:
    """Of every group the picture of most pixels; of several the one of the smallest SHA-256."""
    pixels = np.multiply(pictures["width"].to_numpy(), pictures["height"].to_numpy(), dtype=np.int64)
    ranks = np.empty(len(leaders), np.int64)
    ranks[pc.sort_indices(pictures["sha256"]).to_numpy()] = np.arange(len(leaders))
    order = np.lexsort((ranks, -pixels))[::-1]
    best = np.zeros(num_groups, np.int64)
    best[leaders[order]] = order  # the last one written is the best
    return best


def _prints(layouts: list[Layout], kept: Positions) -> _Prints:
    """Fingerprints of the kept pictures of the first build, then of all pictures of the others that have any."""
    numbers, hashes = [np.empty(0, np.int64)], [np.empty((0, len(VIEWS)), np.uint64)]
    pixels, vectors = [np.empty(0, "V16")], [np.empty(0, np.float32)]
    for places, table in _pictures(layouts, kept):
        numbers.append(places)
        hashes.append(gathered.of_one_size(table["hashes"], np.uint64, len(VIEWS)))
        pixels.append(gathered.of_one_size(table["pixels"], "V16", 1)[:, 0])
        vectors.append(np.frombuffer(b"".join(table["picture_embedding"].to_pylist()), np.float32))
    flat = np.concatenate(vectors)
    together = np.concatenate(numbers)
    embeddings = flat.reshape(len(together), -1) if flat.size else None
    return _Prints(together, np.concatenate(hashes), np.concatenate(pixels), embeddings)


def _pictures(layouts: list[Layout], kept: Positions) -> Iterator[tuple[Positions, pa.Table]]:
    """Numbers of pictures among all that are gathered, and their fingerprints, some at a time."""
    start = 0
    for layout in layouts:
        for table in gathered.groups(layout, ["hashes", "pixels", "picture_embedding"]):
            there = np.flatnonzero(pc.greater(pc.binary_length(table["hashes"]), 0).to_numpy())
            if layout is layouts[0]:
                low, high = np.searchsorted(kept, [start, start + table.num_rows])
                there = kept[low:high] - start
            yield start + there, table.take(pa.array(there))
            start += table.num_rows
