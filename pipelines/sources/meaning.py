"""What the columns of metadata mean: which are labels and under what name, which says who is shown or on what terms.

Nobody wrote an adapter for these columns. So what the normal form of labels does not have is left out and counted, and
of what decides more than a label, such as who is shown, the rows of a picture must say one thing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pipelines.errors import RecipeError
from pipelines.sources.base import OFFICIAL_SPLITS
from pipelines.sources.metadata import Stated

if TYPE_CHECKING:
    from pipelines.labels import Annotation


@dataclass(frozen=True)
class Meaning:
    """Meaning of columns.

    Attributes:
        labels: labels by column.
        terms: columns by what they say: `identity`, `split`, `licence`, `licence_url`, `attribution`.
        group_by: who stated the label `group`, where no column says so.
        scene_of_folder: whether the name of a picture's folder is its label `scene`.
        left_out: pictures by what was left out, in words.
    """

    labels: Mapping[str, str]
    terms: Mapping[str, str]
    group_by: str
    scene_of_folder: bool
    left_out: Counter[str] = field(default_factory=Counter)

    def annotation(self, path: str, stated: Stated) -> Annotation:
        """What is known of the picture at a path."""
        from pipelines.labels import Annotation, sifted  # which itself imports this package

        if stated.missing:
            return Annotation(reason="no_label", detail="no row of the metadata names it")
        if torn := sorted(stated.disputed & set(self.terms.values())):
            return Annotation(reason="bad_label", detail=f"rows of this picture say different things of {torn[0]!r}")
        labels, foreign = sifted(self._labels(path, stated))
        self.left_out.update(f"{name!r} is not as the normal form of labels has it" for name in foreign)
        said: Any = {kind: _word(stated.cells.get(column)) for kind, column in self.terms.items()}
        return replace(Annotation(labels=labels, **said), split=self._split(said.get("split", "")))

    def notes(self) -> Iterator[str]:
        """What was left out, a sentence each."""
        yield from (f"{what}: left out of {count} pictures" for what, count in sorted(self.left_out.items()))

    def _labels(self, path: str, stated: Stated) -> dict[str, Any]:
        from pipelines.labels import GROUP_BY

        disputed = stated.disputed & self.labels.keys()
        self.left_out.update(f"rows of one picture say different things of {column!r}" for column in disputed)
        cells = ((column, value) for column, value in stated.cells.items() if column not in disputed)
        labels = {self.labels[column]: value for column, value in cells if column in self.labels}
        if self.scene_of_folder:
            labels.setdefault("scene", _folder_name(path))
        if labels.get("group") in (None, ""):
            labels.pop("group_by", None)
        elif labels.get("group_by") not in GROUP_BY:
            labels["group_by"] = self.group_by
        return labels

    def _split(self, word: str) -> str:
        split = OFFICIAL_SPLITS.get(word.lower(), "")
        if word and not split:
            self.left_out["the split is none of train, val and test"] += 1
        return split


def label_columns(asked: Collection[str] | Mapping[str, str] | None, columns: Collection[str]) -> dict[str, str]:
    """Labels by column.

    Args:
        asked: columns that are labels, perhaps with the label that each is; None for all.

    Raises:
        RecipeError: two columns would be one label, or one that is asked for has no name as a label.
    """
    chosen = columns if asked is None else asked
    named = chosen if isinstance(chosen, Mapping) else {column: label_name(column) for column in chosen}
    found: dict[str, str] = {}
    for column, label in named.items():
        if not label and asked is not None:
            raise RecipeError(f"column {column!r} needs the name of a label: write labels: {{{column}: NAME}}")
        if label and label in found.values():
            first = next(other for other, taken in found.items() if taken == label)
            raise RecipeError(
                f"columns {first!r} and {column!r} are both the label {label!r}: say with labels which is"
            )
        if label:
            found[column] = label
    return found


def label_name(column: str) -> str:
    """A column's name as a label: lower case, with underscores; "" where nothing is left of it."""
    return re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")


def _word(value: Any) -> str:
    """A cell as a text; 7.0 is 7, which is what programs make of whole numbers where some are missing."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()


def _folder_name(path: str) -> str:
    """Name of a picture's folder; "" where it lies at the top, or in a folder that is named after a split."""
    folder = path.rpartition("/")[0].rpartition("/")[2]
    return "" if folder.lower() in OFFICIAL_SPLITS else folder
