"""Corpus cards: what is known of a corpus, as data beside the code.

A card is Markdown for people with a YAML front matter for the program; `dataset_cards/` holds one per corpus.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

import dataset_cards
from pipelines.errors import MenderyError


def front_matter(corpus: str) -> dict[str, Any]:
    """Facts of a corpus from its card.

    Raises:
        MenderyError: there is no such card, or it has no front matter.
    """
    path = Path(dataset_cards.__path__[0]) / f"{corpus}.md"
    if not path.is_file():
        raise MenderyError(f"no card for corpus {corpus!r}: expected {path}")
    parts = path.read_text(encoding="utf-8").split("---\n", 2)
    if len(parts) != 3 or parts[0]:
        raise MenderyError(f"{path}: a card begins with a front matter between two lines of '---'")
    facts: dict[str, Any] = yaml.safe_load(parts[1])
    return facts
