"""What balance and identities look at, read from the catalog and the measurements: a few columns of all pictures."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines import catalog
from pipelines.curate import cells, embeddings, gathered, identities
from pipelines.curate.balance import Balance, Balanced, balance, check_targets
from pipelines.curate.main_face import MainFaces
from pipelines.layout import Layout
from pipelines.recipe import Recipe
from pipelines.storage import opened, read_table


def listed(layout: Layout, name: str) -> pa.ChunkedArray:
    """A column of the catalog, in one piece."""
    return pq.read_table(opened(layout.catalog), columns=[name]).combine_chunks()[name]


def check(recipe: Recipe, layout: Layout) -> None:
    """Refuses a balance over labels or values that no listed picture has, and a network that cannot embed, before
    hours of measuring.

    Raises:
        RecipeError: naming what was probably meant.
    """
    if recipe.curate.duplicates and recipe.curate.duplicates.embeddings:
        embeddings.check(recipe.curate.duplicates.embeddings)
    if recipe.balance is not None:
        axes = [axis for axis in (*recipe.balance.over, *recipe.balance.match) if axis.label]
        coded = cells.of_labels(listed(layout, "labels"), axes)
        names = {axis.name for axis in coded}
        labels_only = {name: shares for name, shares in recipe.balance.targets.items() if name in names}
        check_targets(recipe.balance.model_copy(update={"targets": labels_only}), coded)


def balanced(recipe: Recipe, layout: Layout, sha256: pa.ChunkedArray, kept: NDArray[np.bool_]) -> Balanced:
    """Balances the pictures that no other rule drops; see `balance`."""
    block = recipe.balance
    assert block is not None
    coded, contradicting = _axes(recipe, layout, block, sha256)
    over, match = coded[: len(block.over)], coded[len(block.over) :]
    return balance(block, over, match, sha256, kept, recipe.seed, contradicting)


def people(recipe: Recipe, layout: Layout, sha256: pa.ChunkedArray, kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(N,) number of the person whom each kept picture shows, found by its main face; -1 where a corpus names them.

    Pictures of a declared identity take no part: their corpus knows better, and one wrong pair would join two of its
    people with all their pictures.
    """
    faces = recipe.curate.faces
    found = np.full(len(kept), identities.NONE, np.int64)
    if faces is None or faces.identities is None:
        return found
    declared = listed(layout, "identity")
    unnamed = kept & pc.equal(declared, "").to_numpy()
    rows, vectors = _embeddings(layout, faces.min_score, unnamed)
    # In the order of the digests, so that the order of sources decides nothing.
    order = pc.sort_indices(sha256.take(pa.array(rows))).to_numpy().astype(np.int64)
    groups = identities.clusters(vectors[order], faces.identities.threshold or identities.THRESHOLDS[faces.chosen])
    together = groups != identities.NONE
    found[rows[order][together]] = rows[order][groups[together]]
    return found


def of_whom(recipe: Recipe, layout: Layout, places: NDArray[np.int64]) -> list[str]:
    """What a copy's drop says of the picture that is kept, given by position."""
    order, start, told = np.argsort(places), 0, [""] * len(places)
    for _, table in catalog.groups(layout.catalog, ["uri", "source"]):
        low, high = np.searchsorted(places, [start, start + table.num_rows], sorter=order)
        here = order[low:high]
        for place, row in zip(here.tolist(), table.take(pa.array(places[here] - start)).to_pylist(), strict=True):
            told[place] = f"of {row['uri']} in source {recipe.sources[row['source']].name}"
        start += table.num_rows
    return told


def _embeddings(
    layout: Layout, min_score: float, wanted: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows of pictures whose main face has an embedding, and these, part by part."""
    rows, vectors, start = [np.empty(0, np.int64)], [], 0
    for part in range(len(catalog.part_sizes(layout.catalog))):
        table = read_table(layout.part(part), ["face_numbers", "embeddings"])
        there, found = MainFaces(table["face_numbers"], min_score).embeddings(table["embeddings"])
        asked = wanted[start + there]
        rows.append(start + there[asked])
        vectors += [found[asked]] if asked.any() else []
        start += table.num_rows
    return np.concatenate(rows), np.concatenate(vectors) if vectors else np.empty((0, 1), np.float32)


def _axes(
    recipe: Recipe, layout: Layout, block: Balance, sha256: pa.ChunkedArray
) -> tuple[list[cells.Coded], dict[str, int]]:
    """Axes of a balance, and of how many pictures copies state each label differently."""
    axes = [*block.over, *block.match]
    coded = {
        axis.name: axis for axis in cells.of_labels(listed(layout, "labels"), [axis for axis in axes if axis.label])
    }
    settled = {name: cells.without_contradictions(axis, sha256) for name, axis in coded.items()}
    numbers = _numbers(recipe, layout, [axis.measure for axis in axes if axis.measure])
    found = [settled[axis.name][0] if axis.label else cells.of_numbers(numbers[axis.measure], axis) for axis in axes]
    return found, {name: count for name, (_, count) in settled.items()}


def _numbers(recipe: Recipe, layout: Layout, names: list[str]) -> dict[str, NDArray[np.float32]]:
    """Measured numbers by name, those of the main face by way of all faces."""
    plain = [name for name in names if not name.startswith(cells.FACE)]
    table = gathered.read(layout, plain) if plain else pa.table({})
    found = {name: table[name].to_numpy().astype(np.float32) for name in plain}
    if of_face := [name for name in names if name.startswith(cells.FACE)]:
        assert recipe.curate.faces is not None
        column = gathered.read(layout, ["face_numbers"])["face_numbers"]
        faces = MainFaces(column, recipe.curate.faces.min_score)
        found |= {name: faces.numbers(name.removeprefix(cells.FACE)) for name in of_face}
    return found
