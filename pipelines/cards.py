"""Corpus cards: what is known of a corpus, as data beside the code.

A card is Markdown for people with a YAML front matter for the program; `dataset_cards/` holds one per corpus.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

import dataset_cards
from pipelines.errors import MenderyError, did_you_mean


@cache
def front_matter(corpus: str) -> dict[str, Any]:
    """Facts of a corpus from its card.

    Raises:
        MenderyError: there is no such card, or it has no front matter.
    """
    facts: dict[str, Any] = yaml.safe_load(_parts(corpus)[1])
    return facts


OVERVIEW = ("corpus", "pictures", "groups", "licence", "passing on", "status")


def overview(corpora: Iterable[str]) -> list[tuple[str, ...]]:
    """A row of text for every corpus, under the heads of `OVERVIEW`."""
    return [_row(front_matter(name)) for name in corpora]


def _row(card: dict[str, Any]) -> tuple[str, ...]:
    groups = card.get("groups", "")
    told = ", ".join(map(str, groups)) if isinstance(groups, list) else str(groups)
    pictures = f"{sum(card['counts'].values()):,}"
    return (card["name"], pictures, told, card["licence"], card["redistribute"], card["status"])


def text_of(corpus: str) -> str:
    """The whole card, as it is written; faults as `front_matter`."""
    return "---\n".join(_parts(corpus)).strip()


def _parts(corpus: str) -> list[str]:
    folder = Path(dataset_cards.__path__[0])
    path = folder / f"{corpus}.md"
    if not path.is_file():
        known = sorted(card.stem for card in folder.glob("*.md"))
        raise MenderyError(f"no card for corpus {corpus!r}{did_you_mean(corpus, known)}")
    parts = path.read_text(encoding="utf-8").split("---\n", 2)
    if len(parts) != 3 or parts[0]:
        raise MenderyError(f"{path}: a card begins with a front matter between two lines of '---'")
    return parts
