"""Class lists of label maps: which value, or which mask's name, means what in the corpora that have them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ClassList:
    """Classes of a label map.

    Attributes:
        names: class by pixel value; for corpora with one mask per class, by the number they get when merged, in
            this order, later over earlier.
        ignore: pixel value that means "not labelled", or None.
        source: where the list is published.
    """

    names: dict[int, str]
    ignore: int | None = None
    source: str = ""


SCHEMES: dict[str, ClassList] = {}
