"""Balance: how many pictures of each cell are kept, and which.

A cell is a combination of values, such as group x sex x age. Counts alone are not enough: where one group's faces are
smaller or more often turned away, equal counts still teach a network the difference. So cells can be matched as well:
within each, pictures are drawn such that measured numbers are spread alike in all of them. The price of both is
pictures: the smallest cell decides, and with matching the smallest bin of any cell.

Source: matching is coarsened exact matching (Iacus, King and Porro, "Causal Inference without Balance Checking", 2012),
by drawing instead of weighting, with more than two groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipelines import seeds
from pipelines.curate.cells import NONE, Axis, Coded, crossed, names_of, text_of
from pipelines.errors import RecipeError, did_you_mean

MAX_CELLS = 1_000_000
"""Combinations of values and bins that are counted."""

MAX_EMPTY_NAMED = 200

Counts = NDArray[np.int64]
Shares = NDArray[np.float64]


class Balance(BaseModel):
    """The `balance:` block of a recipe."""

    model_config = ConfigDict(extra="forbid")

    over: list[Axis] = Field(
        min_length=1, description="Labels and measured numbers; every combination of their values is a cell."
    )
    mode: Literal["equal", "proportions", "cap"] = Field(
        "equal",
        description="equal keeps as many of every cell that has pictures; proportions keeps the shares of `targets`; "
        "cap keeps at most `max_per_cell` of each.",
    )
    targets: dict[str, dict[str, float]] = Field(
        default_factory=dict,
        description="With mode proportions: shares of the values of an axis. What they leave is shared alike by its "
        "other values; an axis without targets is shared alike.",
    )
    total: int | None = Field(
        None, ge=1, description="Pictures to keep in all; when empty, as many as the shares allow."
    )
    max_per_cell: int | None = Field(None, ge=1, description="Most pictures of any cell.")
    min_per_cell: int = Field(
        1, ge=1, description="A cell of fewer pictures holds the others not down; it keeps what it has of its share."
    )
    match: list[Axis] = Field(
        default_factory=list, description="Numbers or labels that are to be spread alike in all cells."
    )
    missing: Literal["error", "drop", "keep"] = Field(
        "error",
        description="Pictures that lack a label or number, or whose copies are labelled differently: stop, drop them, "
        "or keep them beside the balance.",
    )

    @field_validator("targets", mode="before")
    @classmethod
    def _texts(cls, given: Any) -> Any:
        """Values that YAML reads as numbers or truths are meant as they are shown."""
        if not isinstance(given, dict):
            return given
        return {
            name: {text_of(value): share for value, share in shares.items()} if isinstance(shares, dict) else shares
            for name, shares in given.items()
        }

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [axis.name for axis in (*self.over, *self.match)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)} stands there twice: an axis is either in over or in match, once")
        if (self.mode == "proportions") != bool(self.targets):
            raise ValueError("targets and mode: proportions go together: give both or neither")
        if self.mode == "cap" and (self.max_per_cell is None or self.total or self.match or self.min_per_cell > 1):
            raise ValueError("mode: cap needs max_per_cell, and total, match and min_per_cell have no effect with it")
        for name, shares in self.targets.items():
            _check_shares(name, shares, [axis.name for axis in self.over])
        return self


def _check_shares(name: str, shares: Mapping[str, float], axes: Sequence[str]) -> None:
    if name not in axes:
        raise ValueError(f"targets of {name!r}, which is not in over{did_you_mean(name, sorted(axes))}")
    if any(share < 0 for share in shares.values()) or sum(shares.values()) > 1 + 1e-9:
        raise ValueError(f"targets of {name} are shares of 0 to 1 that sum to at most 1, found {dict(shares)}")


@dataclass(frozen=True, eq=False)
class Balanced:
    """What balancing decides.

    Attributes:
        lacking: (N,) pictures to drop because a value of theirs is missing.
        unbalanced: (N,) pictures to drop so that the rest is balanced.
        summary: what was there, wanted and kept, for people; plain JSON.
    """

    lacking: NDArray[np.bool_]
    unbalanced: NDArray[np.bool_]
    summary: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Quotas:
    """How many pictures are to be kept.

    Attributes:
        wanted: (C,) of each cell, by its share.
        kept: (C, S) of each cell and stratum, at most as many as there are.
        notes: what could not be as it was asked, in sentences.
    """

    wanted: Counts
    kept: Counts
    notes: list[str] = field(default_factory=list)


def check_targets(block: Balance, axes: Sequence[Coded]) -> None:
    """Refuses targets for values that no picture has.

    Raises:
        RecipeError: naming what was probably meant.
    """
    known = {axis.name: axis.values for axis in axes}
    for name, shares in block.targets.items():
        for value in shares:
            if value not in known[name]:
                raise RecipeError(f"balance: no picture has {name} {value!r}{did_you_mean(value, sorted(known[name]))}")


def balance(
    block: Balance,
    over: Sequence[Coded],
    match: Sequence[Coded],
    sha256: pa.ChunkedArray,
    kept: NDArray[np.bool_],
    seed: int,
    contradicting: Mapping[str, int] | None = None,
) -> Balanced:
    """Decides which pictures a balanced dataset keeps; the order of rows decides nothing.

    Args:
        over, match: axes of the block, each of (N,) pictures.
        sha256: (N,) digests, different for all pictures that are kept.
        kept: (N,) pictures that no other rule drops.
        contradicting: how many pictures state a label differently, by axis, for the summary.

    Raises:
        RecipeError: pictures lack a value and the block does not say what to do; or no picture would be left.
    """
    check_targets(block, over)
    cells, num_cells = crossed(over)
    strata, num_strata = crossed(match) if match else (np.zeros(len(kept), np.int64), 1)
    if num_cells * num_strata > MAX_CELLS:
        raise RecipeError(
            f"balance: {num_cells * num_strata:,} combinations of values, at most {MAX_CELLS:,} are counted: leave an "
            "axis out, or give it edges"
        )
    lacking = kept & ((cells == NONE) | (strata == NONE))
    _refuse_lacking(block, [*over, *match], kept, lacking, contradicting or {})
    places = np.flatnonzero(kept & ~lacking)
    joint = cells[places] * num_strata + strata[places]
    before = np.bincount(joint, minlength=num_cells * num_strata).reshape(num_cells, num_strata)
    quotas = quotas_of(block, over, before)
    unbalanced = np.zeros(len(kept), bool)
    unbalanced[places[~_drawn(sha256.take(pa.array(places)), joint, quotas.kept.ravel(), seed)]] = True
    summary = _summary(block, over, match, before, quotas)
    summary["pictures"] |= {
        "lacking": int(lacking.sum()),
        "lacking_by": {axis.name: int((kept & (axis.codes == NONE)).sum()) for axis in (*over, *match)},
        "contradicting": {name: count for name, count in (contradicting or {}).items() if count},
    }
    return Balanced(lacking if block.missing == "drop" else np.zeros(len(kept), bool), unbalanced, summary)


def quotas_of(block: Balance, axes: Sequence[Coded], before: Counts) -> Quotas:
    """How many pictures of every cell and stratum are kept.

    Args:
        before: (C, S) pictures there are.

    Raises:
        RecipeError: no picture would be left.
    """
    there = before.sum(axis=1)
    if not there.any():
        raise RecipeError("balance: no picture is left that has all labels and numbers: see `missing`")
    if block.mode == "cap":
        assert block.max_per_cell is not None
        wanted = np.minimum(there, block.max_per_cell)
        return Quotas(wanted, wanted[:, None])
    shares, notes = _shares(block, axes, there)
    spread = _spread(block, shares, before)
    feasible = float(spread.sum())
    total = _total(block, shares, feasible)
    matched = min(total, feasible) if before.shape[1] > 1 else total
    wanted = _whole(shares * total)
    cells = wanted if matched == total else _whole(shares * matched)
    kept = np.array([_whole(count * spread / feasible, count) for count in cells.tolist()])
    kept = np.minimum(kept, before)
    return Quotas(wanted, kept, notes + _few(there))


def _shares(block: Balance, axes: Sequence[Coded], there: Counts) -> tuple[Shares, list[str]]:
    """(C,) share that every cell is to have."""
    if block.mode == "equal":
        return (there > 0) / np.count_nonzero(there), []
    notes: list[str] = []
    shares = np.ones(1)
    for axis in axes:
        targets = block.targets.get(axis.name, {})
        others = [value for value in axis.values if value not in targets]
        rest = 1 - sum(targets.values())
        of_axis = np.array([targets.get(value, rest / max(len(others), 1)) for value in axis.values])
        if not others and rest > 1e-9:
            notes.append(f"targets of {axis.name} sum to {1 - rest:g} and it has no other values: taken as shares of 1")
        shares = np.outer(shares, of_axis.clip(0) / of_axis.sum()).ravel()
    return shares, notes


def _spread(block: Balance, shares: Shares, before: Counts) -> Shares:
    """(S,) the most pictures in all of each stratum with which every cell has its share of it."""
    holding = (shares > 0) & (before.sum(axis=1) >= block.min_per_cell)
    if not holding.any():
        raise RecipeError(
            f"balance: no cell that is wanted has min_per_cell, {block.min_per_cell:,} pictures; the largest has "
            f"{int(before[shares > 0].sum(axis=1).max(initial=0)):,}"
        )
    spread: Shares = (before[holding] / shares[holding, None]).min(axis=0)
    if not spread.any():
        raise RecipeError(
            "balance: match leaves nothing, since no combination of its bins has pictures in every cell: use wider "
            "edges, fewer axes, or min_per_cell, so that small cells do not hold the others down"
        )
    return spread


def _total(block: Balance, shares: Shares, feasible: float) -> float:
    """Pictures wanted in all."""
    total = float(block.total or feasible)
    return total if block.max_per_cell is None else min(total, block.max_per_cell / float(shares.max()))


def _whole(wanted: Shares, total: int | None = None) -> Counts:
    """Whole numbers near to fractions, with their sum, by largest remainder; the first of equals gets more."""
    rounded = np.round(wanted, 6)
    found = np.floor(rounded).astype(np.int64)
    missing = (int(np.floor(rounded.sum() + 1e-6)) if total is None else total) - int(found.sum())
    found[np.argsort(found - rounded, kind="stable")[: max(missing, 0)]] += 1
    return found


def _drawn(sha256: pa.ChunkedArray, joint: NDArray[np.int64], quotas: Counts, seed: int) -> NDArray[np.bool_]:
    """Which pictures are kept: of each cell and stratum so many, those of the smallest seeded digest."""
    order = seeds.order(seeds.digests(seed, sha256, "balance"))
    order = order[np.argsort(joint[order], kind="stable")]
    starts = np.cumsum(np.bincount(joint, minlength=len(quotas))) - np.bincount(joint, minlength=len(quotas))
    ranked = joint[order]
    chosen = np.zeros(len(joint), bool)
    chosen[order] = np.arange(len(order)) - starts[ranked] < quotas[ranked]
    return chosen


def _refuse_lacking(
    block: Balance,
    axes: Sequence[Coded],
    kept: NDArray[np.bool_],
    lacking: NDArray[np.bool_],
    contradicting: Mapping[str, int],
) -> None:
    if block.missing != "error" or not lacking.any():
        return
    by_axis = {axis.name: int((kept & (axis.codes == NONE)).sum()) for axis in axes}
    missing = ", ".join(f"{count:,} have no {name}" for name, count in by_axis.items() if count)
    differ = ", ".join(f"{count:,} in {name}" for name, count in contradicting.items() if count)
    said = f" (of them labelled differently by their copies: {differ})" if differ else ""
    raise RecipeError(
        f"balance: of {int(kept.sum()):,} pictures {missing}{said}; `missing: drop` leaves them out, `missing: keep` "
        "keeps them beside the balance"
    )


def _few(there: Counts) -> list[str]:
    total = int(there.sum())
    if total >= len(there):
        return []
    return [f"there are fewer pictures, {total:,}, than cells, {len(there):,}: use fewer axes or wider edges"]


def _summary(
    block: Balance, over: Sequence[Coded], match: Sequence[Coded], before: Counts, quotas: Quotas
) -> dict[str, Any]:
    there, after = before.sum(axis=1), quotas.kept.sum(axis=1)
    empty = np.flatnonzero(there == 0)
    named = np.flatnonzero((there > 0) | (quotas.wanted > 0)).tolist()
    return {
        "mode": block.mode,
        "axes": [axis.name for axis in over],
        "pictures": {"before": int(there.sum()), "after": int(after.sum()), "missing": block.missing},
        "cells": [
            {
                "values": names_of(over, cell),
                "before": int(there[cell]),
                "wanted": int(quotas.wanted[cell]),
                "after": int(after[cell]),
            }
            for cell in named
        ],
        "num_empty": len(empty),
        "empty": [names_of(over, cell) for cell in empty[:MAX_EMPTY_NAMED].tolist()],
        "match": _spreads(match, before, quotas.kept),
        "notes": quotas.notes,
    }


def _spreads(match: Sequence[Coded], before: Counts, kept: Counts) -> list[dict[str, Any]]:
    """How far cells are apart in each matched axis: the largest difference in the share of a bin."""
    shape = [len(axis.values) for axis in match]
    found = []
    for number, axis in enumerate(match):
        apart = []
        for counts in (before, kept):
            others = tuple(1 + other for other in range(len(match)) if other != number)
            of_axis = counts[kept.sum(axis=1) > 0].reshape(-1, *shape).sum(axis=others)
            shares = of_axis / of_axis.sum(axis=1, keepdims=True)
            apart.append(round(float((shares.max(axis=0) - shares.min(axis=0)).max()), 4))
        found.append({"name": axis.name, "values": list(axis.values), "apart": apart})
    return found


def sentences(summary: Mapping[str, Any]) -> list[str]:
    """What a person must know of a balance that is not as it was asked, the worst first."""
    short = [cell for cell in summary["cells"] if cell["after"] < cell["wanted"]]
    short.sort(key=lambda cell: (cell["after"] - cell["wanted"], cell["values"]))
    said = [
        f"{' x '.join(cell['values'])}: {cell['after']:,} of {cell['wanted']:,} wanted, "
        f"{cell['wanted'] - cell['after']:,} short ({1 - cell['after'] / cell['wanted']:.0%})"
        for cell in short
    ]
    if summary["num_empty"]:
        named = ", ".join(" x ".join(values) for values in summary["empty"][:8])
        more = ", ..." if summary["num_empty"] > 8 else ""
        said.append(f"cells without a picture: {summary['num_empty']:,} ({named}{more})")
    pictures = summary["pictures"]
    if pictures["lacking"]:
        kept = "kept beside the balance" if pictures["missing"] == "keep" else "dropped"
        lacking = ", ".join(f"{count:,} {name}" for name, count in pictures["lacking_by"].items() if count)
        said.append(f"{pictures['lacking']:,} pictures lack a value ({lacking}) and are {kept}")
    if pictures["contradicting"]:
        counted = ", ".join(f"{count:,} in {name}" for name, count in pictures["contradicting"].items())
        said.append(f"pictures whose copies are labelled differently: {counted}")
    spreads = [
        f"{axis['name']}: shares of its bins differed by up to {axis['apart'][0]:.0%} between cells, "
        f"now by {axis['apart'][1]:.0%}"
        for axis in summary["match"]
    ]
    return [*summary["notes"], *said, *spreads]
