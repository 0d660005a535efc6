"""What licences allow, as far as a program may say it.

A short table of the licences that picture corpora use. It decides what `publish` may copy and what
`plan` warns of; it is no legal advice, and an unknown licence counts as "ask first".

Two questions are kept apart. A dataset of many pictures is a collection: each picture keeps its own licence, and any
two that may be passed on may stand side by side. Where several licences hold for the *same* sample (a picture's own,
and that of the corpus it came with), or where all of a dataset is to go out under one licence, they must be
compatible: `combined` says under which one.

Source: the licences' own texts, section 4 of the versions 2.0 and 3.0 and section 3 of 4.0 for what share-alike asks,
and Creative Commons' compatibility chart for remixes.
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
        share_alike: derived works must carry the same licence, or a later version of it.
    """

    redistribute: str
    attribution: bool = False
    share_alike: bool = False


UNKNOWN = Terms("unknown")

# A later version of one family stands after an earlier one: `combined` takes the last.
LICENCES: dict[str, Terms] = {
    "public domain": Terms("yes"),
    "US government work": Terms("yes"),
    "CC0-1.0": Terms("yes"),
    "CC-PDDC": Terms("yes"),
    "MIT": Terms("yes", attribution=True),
    "Apache-2.0": Terms("yes", attribution=True),
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
    "CC-BY-ND-2.0": Terms("no", attribution=True),
    "CC-BY-ND-3.0": Terms("no", attribution=True),
    "CC-BY-ND-4.0": Terms("no", attribution=True),
    "CC-BY-NC-ND-2.0": Terms("no", attribution=True),
    "CC-BY-NC-ND-3.0": Terms("no", attribution=True),
    "CC-BY-NC-ND-4.0": Terms("no", attribution=True),
    "research-only": Terms("no", attribution=True),
    "proprietary": Terms("no"),
}

_ADDRESSES = {
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "MIT": "https://spdx.org/licenses/MIT.html",
    "Apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
    "public domain": "https://creativecommons.org/publicdomain/mark/1.0/",
}


def spdx(name: str) -> str:
    """The identifier that this table has for a licence, however its letters are written; "" for unknown ones."""
    return next((known for known in LICENCES if known.lower() == name.lower()), "")


def terms(licence: str) -> Terms:
    """Terms of a licence by its SPDX identifier; unknown ones are `UNKNOWN`."""
    return LICENCES.get(licence, UNKNOWN)


def address(licence: str) -> str:
    """Where the text of a licence of this table can be read; "" where there is no one place."""
    kind, _, version = licence.removeprefix("CC-").lower().rpartition("-")
    if licence.startswith("CC-BY"):
        return f"https://creativecommons.org/licenses/{kind}/{version}/"
    return _ADDRESSES.get(licence, "")


_STRICTNESS = ("no", "unknown", "noncommercial", "yes")


def strictest(licences: Iterable[str]) -> tuple[str, list[str]]:
    """What may be done with a dataset of pictures under all these licences together.

    Returns:
        "no", "unknown", "noncommercial" or "yes" to passing it on, and the licences that decide it.
    """
    found = sorted(set(licences))
    verdict = min((terms(name).redistribute for name in found), key=_STRICTNESS.index, default="yes")
    return verdict, [name for name in found if terms(name).redistribute == verdict]


def combined(licences: Iterable[str]) -> str:
    """The licence under which something may be passed on for which all of these hold at once.

    Public domain and CC0 ask for nothing. Attribution licences may be taken into any other that keeps the names.
    Share-alike keeps its own kind: BY-SA stays open to commerce, so it cannot meet a non-commercial licence, and what
    is BY-NC-SA stays so; of two versions the later one holds, which both texts allow.

    Returns:
        A name of the table, or "" where no licence does justice to all of them.
    """
    found = set(licences)
    if any(terms(name).redistribute in {"no", "unknown"} for name in found):
        return ""
    noncommercial = {name for name in found if terms(name).redistribute == "noncommercial"}
    alike = {name for name in found if terms(name).share_alike}
    if alike:
        meets = not noncommercial or alike <= noncommercial
        return _latest(alike) if meets else ""
    named = {name for name in found if terms(name).attribution}
    if len(found) > 1 and not named:
        return "public domain"
    return _latest(noncommercial or named or found)


def _latest(licences: set[str]) -> str:
    return max(licences, key=list(LICENCES).index, default="")


def conflicts(licences: Iterable[str]) -> list[str]:
    """Why pictures under these licences cannot all be published, or not under one licence, one sentence each."""
    found = sorted(set(licences))
    sentences = [
        f"'{name}' is not a licence this program knows: ask before publishing"
        for name in found
        if terms(name) is UNKNOWN
    ]
    sentences += [f"'{name}' forbids passing damaged copies on" for name in found if terms(name).redistribute == "no"]
    open_alike = [name for name in found if terms(name).share_alike and terms(name).redistribute == "yes"]
    closed = [name for name in found if terms(name).redistribute == "noncommercial"]
    if open_alike and closed:
        sentences.append(
            f"{', '.join(open_alike)} must stay open to commerce, {', '.join(closed)} forbids it: there is no one "
            "licence for the whole dataset, share-alike and non-commercial pictures each keep their own"
        )
    return sentences
