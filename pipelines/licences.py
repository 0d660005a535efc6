"""What licences allow, as far as a program may say it.

A short table of the licences that picture corpora use. It decides what `publish` may copy and what
`plan` warns of; it is no legal advice, and an unknown licence counts as "ask first".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Terms:
    """Terms of one licence.

    Attributes:
        redistribute: "yes", "noncommercial", "no" or "unknown".
        attribution: the author must be named.
        share_alike: derived works must carry the same licence.
    """

    redistribute: str
    attribution: bool = False
    share_alike: bool = False


UNKNOWN = Terms("unknown")

LICENCES: dict[str, Terms] = {
    "public domain": Terms("yes"),
    "US government work": Terms("yes"),
    "CC0-1.0": Terms("yes"),
    "CC-PDDC": Terms("yes"),
    "CC-BY-2.0": Terms("yes", attribution=True),
    "CC-BY-3.0": Terms("yes", attribution=True),
    "CC-BY-4.0": Terms("yes", attribution=True),
    "CC-BY-SA-2.0": Terms("yes", attribution=True, share_alike=True),
    "CC-BY-SA-3.0": Terms("yes", attribution=True, share_alike=True),
    "CC-BY-SA-4.0": Terms("yes", attribution=True, share_alike=True),
    "CC-BY-NC-2.0": Terms("noncommercial", attribution=True),
    "CC-BY-NC-3.0": Terms("noncommercial", attribution=True),
    "CC-BY-NC-4.0": Terms("noncommercial", attribution=True),
    "CC-BY-NC-SA-2.0": Terms("noncommercial", attribution=True, share_alike=True),
    "CC-BY-NC-SA-3.0": Terms("noncommercial", attribution=True, share_alike=True),
    "CC-BY-NC-SA-4.0": Terms("noncommercial", attribution=True, share_alike=True),
    # A damaged picture is an adapted one, which "no derivatives" forbids to pass on.
    "CC-BY-ND-4.0": Terms("no", attribution=True),
    "CC-BY-NC-ND-4.0": Terms("no", attribution=True),
    "MIT": Terms("yes", attribution=True),
    "Apache-2.0": Terms("yes", attribution=True),
    "research-only": Terms("no", attribution=True),
    "proprietary": Terms("no"),
}


def spdx(name: str) -> str:
    """The identifier that this table has for a licence, however its letters are written; "" for unknown ones."""
    return next((known for known in LICENCES if known.lower() == name.lower()), "")


def terms(licence: str) -> Terms:
    """Terms of a licence by its SPDX identifier; unknown ones are `UNKNOWN`."""
    return LICENCES.get(licence, UNKNOWN)


_STRICTNESS = ("no", "unknown", "noncommercial", "yes")


def strictest(licences: Iterable[str]) -> tuple[str, list[str]]:
    """What may be done with a dataset of pictures under all these licences together.

    Returns:
        "no", "unknown", "noncommercial" or "yes" to passing it on, and the licences that decide it.
    """
    found = sorted(set(licences))
    verdict = min((terms(name).redistribute for name in found), key=_STRICTNESS.index, default="yes")
    return verdict, [name for name in found if terms(name).redistribute == verdict]


def conflicts(licences: Iterable[str]) -> list[str]:
    """Why pictures under these licences cannot all be published as one dataset, one sentence each."""
    found = sorted(set(licences))
    sentences = [
        f"'{name}' is not a licence this program knows: ask before publishing"
        for name in found
        if terms(name) is UNKNOWN
    ]
    sentences += [f"'{name}' forbids passing damaged copies on" for name in found if terms(name).redistribute == "no"]
    alike = [name for name in found if terms(name).share_alike]
    if len(alike) > 1:
        sentences.append(f"{' and '.join(alike)} each ask that derived works carry their own licence only")
    if any(terms(name).redistribute == "noncommercial" for name in found) and any(
        terms(name).share_alike and terms(name).redistribute == "yes" for name in found
    ):
        sentences.append("a share-alike licence that allows commercial use is mixed with a non-commercial one")
    return sentences
