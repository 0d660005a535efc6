"""Everything that is written beside a dataset for those who find it: card, data sheet, attribution, Croissant."""

from __future__ import annotations

from pathlib import Path

from pipelines.layout import Layout
from pipelines.places import place
from pipelines.publish import card as cards
from pipelines.publish import croissant


def card(out: str | Path, *, contact: str = "", repo: str = "") -> list[Path]:
    """Writes README.md, datasheet.md, card/, attribution/ and croissant.json of a finished dataset.

    Args:
        contact: whom to ask for the removal of a picture.
        repo: `OWNER/NAME` on the Hub.

    Returns:
        The card, the data sheet and the Croissant file.

    Raises:
        MenderyError: the dataset is not finished, its shards are not those of its manifest, or a card that is there
            cannot be merged with.
    """
    url = f"https://huggingface.co/datasets/{repo}" if repo else ""
    return [
        cards.write(out, contact=contact, repo=repo),
        Layout(place(out)).datasheet,
        croissant.write(out, url=url),
    ]
