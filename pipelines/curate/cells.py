"""Axes along which pictures are counted: labels that corpora declare, and numbers that were measured.

A table of ten million pictures states few different labels, so each text of labels is parsed once and the rest is
columns of whole numbers: `codes` of an axis are positions in its `values`, -1 where a picture has none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.curate import main_face
from pipelines.errors import RecipeError, did_you_mean
from pipelines.unions import or_text

NONE = -1

Codes = NDArray[np.int32]

FACE = "face_"
MEASURES = ("width", "height", "num_bytes", *(f"{FACE}{name}" for name in main_face.FIELDS))
"""Numbers that an axis may be made of; those of a face are of the main one."""


class Axis(BaseModel):
    """What a picture is counted by: a label, or a measured number in bins. A text alone is a label."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=or_text)

    label: str = Field("", description="Name of a label that the corpus declares, such as group, sex, age or scene.")
    measure: str = Field("", description=f"Name of a measured number instead: {', '.join(MEASURES)}.")
    edges: list[float] | None = Field(
        None,
        min_length=1,
        description="Edges of bins, rising: under the first, from each up to the next, from the last on. For numbers.",
    )

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, given: Any) -> Any:
        return {"label": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _check(self) -> Self:
        if bool(self.label) == bool(self.measure):
            raise ValueError("an axis is either a label or a measure")
        if self.measure and self.measure not in MEASURES:
            raise ValueError(f"unknown measure {self.measure!r}{did_you_mean(self.measure, sorted(MEASURES))}")
        if self.measure and self.edges is None:
            raise ValueError(f"measure {self.measure} needs edges, for example [0, 1]: every number is another value")
        if self.edges is not None and self.edges != sorted(set(self.edges)):
            raise ValueError(f"edges must rise, found {self.edges}")
        return self

    @property
    def name(self) -> str:
        return self.label or self.measure


@dataclass(frozen=True, eq=False)
class Coded:
    """An axis and where every picture stands on it.

    Attributes:
        values: texts of its values, or of its bins.
        codes: (N,) position of each picture's value, -1 where it has none.
    """

    name: str
    values: tuple[str, ...]
    codes: Codes


def of_labels(labels: pa.ChunkedArray, axes: Sequence[Axis]) -> list[Coded]:
    """Axes of labels.

    Args:
        labels: (N,) JSON of the catalog.

    Raises:
        RecipeError: no picture has a label, or one with edges is no number.
    """
    texts, positions = _encoded(labels)
    stated: list[dict[str, Any]] = [json.loads(text) for text in texts.to_pylist()]
    return [_coded(axis, stated, positions) for axis in axes]


def of_numbers(numbers: NDArray[np.floating[Any]], axis: Axis) -> Coded:
    """An axis of a measured number.

    Args:
        numbers: (N,), NaN where a picture has none.
    """
    assert axis.edges is not None
    return Coded(axis.name, _bins(axis.edges), _binned(numbers, axis.edges))


def without_contradictions(coded: Coded, sha256: pa.ChunkedArray) -> tuple[Coded, int]:
    """The axis without values that copies of one picture state differently, and of how many pictures these are.

    Nobody can tell which copy is right, so all of them count as having no value.

    Args:
        sha256: (N,) of the pictures, "" where it is not known.
    """
    digests, copies = _encoded(sha256)
    known = coded.codes != NONE
    lowest = np.full(len(digests), len(coded.values), np.int32)
    highest = np.full(len(digests), NONE, np.int32)
    np.minimum.at(lowest, copies[known], coded.codes[known])
    np.maximum.at(highest, copies[known], coded.codes[known])
    # Pictures that could not be read have no digest, and are no copies of each other.
    differ = (lowest < highest) & pc.not_equal(digests, "").to_numpy(zero_copy_only=False)
    unclear = differ[copies] & known
    return Coded(coded.name, coded.values, np.where(unclear, np.int32(NONE), coded.codes)), int(differ.sum())


def crossed(axes: Sequence[Coded]) -> tuple[NDArray[np.int64], int]:
    """Number of every picture's cell, -1 where a value of it is missing, and how many cells there are."""
    number, cells = 1, np.zeros(len(axes[0].codes) if axes else 0, np.int64)
    there = np.ones(len(cells), bool)
    for axis in axes:
        cells = cells * len(axis.values) + axis.codes
        there &= axis.codes != NONE
        number *= len(axis.values)
    return np.where(there, cells, NONE), number


def names_of(axes: Sequence[Coded], cell: int) -> list[str]:
    """Values of a cell, axis by axis."""
    places = np.unravel_index(cell, [len(axis.values) for axis in axes])
    return [axis.values[int(place)] for axis, place in zip(axes, places, strict=True)]


def text_of(value: Any) -> str:
    """A value of a label as it is shown and asked for."""
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _encoded(texts: pa.ChunkedArray) -> tuple[pa.Array, Codes]:
    """The different texts of a column, and the position of each row's text among them."""
    encoded = pa.chunked_array(texts.chunks, pa.string()).dictionary_encode().unify_dictionaries()
    if not encoded.num_chunks:
        return pa.array([], pa.string()), np.empty(0, np.int32)
    return encoded.chunk(0).dictionary, np.concatenate([chunk.indices.to_numpy() for chunk in encoded.chunks])


def _coded(axis: Axis, stated: list[dict[str, Any]], positions: NDArray[np.int32]) -> Coded:
    if not any(axis.label in labels for labels in stated):
        known = {name for labels in stated for name in labels}
        raise RecipeError(f"balance: no picture has the label {axis.label!r}{did_you_mean(axis.label, sorted(known))}")
    if axis.edges is not None:
        numbers = np.array([_number(axis.label, labels) for labels in stated])
        return Coded(axis.name, _bins(axis.edges), _binned(numbers, axis.edges)[positions])
    texts = [text_of(labels[axis.label]) if axis.label in labels else None for labels in stated]
    values = tuple(sorted({text for text in texts if text is not None}, key=_numbers_first))
    places = {value: place for place, value in enumerate(values)} | {None: NONE}
    return Coded(axis.name, values, np.array([places[text] for text in texts], np.int32)[positions])


def _number(name: str, labels: Mapping[str, Any]) -> float:
    """A label that is a number; the middle where the corpus states a range of it, as `age` up to `age_to`."""
    value, upper = labels.get(name, np.nan), labels.get(f"{name}_to")
    if isinstance(value, str):
        raise RecipeError(f"balance: label {name} is text, such as {value!r}, and edges are for numbers: remove edges")
    return float(value) if upper is None or isinstance(upper, str) else (float(value) + float(upper)) / 2


def _binned(numbers: NDArray[np.floating[Any]], edges: Sequence[float]) -> Codes:
    found = np.searchsorted(np.asarray(edges, np.float64), numbers, side="right")
    return np.where(np.isnan(numbers), NONE, found).astype(np.int32)


def _bins(edges: Sequence[float]) -> tuple[str, ...]:
    between = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    return (f"under {edges[0]:g}", *between, f"{edges[-1]:g} and over")


def _numbers_first(text: str) -> tuple[bool, float, str]:
    """Numbers in their order, then texts in theirs."""
    try:
        return False, float(text), text
    except ValueError:
        return True, 0.0, text
