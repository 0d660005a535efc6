"""Sorts of occluders: what is drawn for each, where it is held, and what of the face it must find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pipelines.damage.occluders import cup, glasses, hair, hand, hat, microphone, scarf
from pipelines.damage.occluders.parts import Part
from pipelines.damage.occluders.sort import Held

ANY = "any"
"""The sort of cut-outs of which nothing is known."""


@dataclass(frozen=True)
class Cut:
    """How a cut-out of a sort is placed, in units of a head.

    Attributes:
        width: of what is not transparent; where that may be upright or lie, of a square of its area.
        square: whether it may.
        anchor: the point of the cut-out that is placed, 0 to 1 to the right and down.
        out: how far before the face it is.
        turn: degrees by which it may be turned either way.
    """

    width: float
    anchor: tuple[float, float] = (0.5, 0.5)
    out: float = 0.2
    turn: float = 4.0
    square: bool = False


@dataclass(frozen=True)
class Sort:
    """One sort.

    Attributes:
        parts: what is drawn, the farthest first.
        items: shapes.
        places: by name the point of the face that it is before, right and down from between the eyes in units of a
            head; it must lie in the picture.
        farthest: degrees to the side up to which a face may be turned.
        cut: placement of cut-outs.
        words: what folders and files of cut-outs may be called besides.
    """

    parts: Callable[[Held], list[Part]]
    items: tuple[str, ...]
    places: dict[str, tuple[float, float]]
    cut: Cut
    farthest: float = 75.0
    words: tuple[str, ...] = field(default=())


SORTS: dict[str, Sort] = {
    "glasses": Sort(
        glasses.glasses,
        tuple(glasses.LENSES),
        {"eyes": (0.0, 0.05)},
        Cut(2.25, turn=1.0),
        glasses.FARTHEST,
        ("spectacles", "eyeglasses"),
    ),
    "sunglasses": Sort(
        glasses.sunglasses,
        tuple(glasses.LENSES),
        {"eyes": (0.0, 0.07)},
        Cut(2.3, turn=1.0),
        glasses.FARTHEST,
        ("shades",),
    ),
    "hand": Sort(
        hand.hand,
        ("back",),
        {"mouth": (0.1, 1.1), "cheek": (0.7, 0.9), "eyes": (0.05, 0.1)},
        Cut(2.1, turn=40.0, square=True),
        words=("hands",),
    ),
    "hair": Sort(hair.hair, hair.CUTS, {"forehead": (0.0, -0.6)}, Cut(2.1, (0.5, 0.25)), words=("strands", "bangs")),
    "microphone": Sort(
        microphone.microphone,
        microphone.HEADS,
        {"mouth": (0.05, 1.25)},
        Cut(1.75, (0.5, 0.1), 0.5, 15.0, square=True),
        words=("mic", "microphones", "mics"),
    ),
    "cup": Sort(
        cup.cup,
        tuple(cup.BODIES),
        {"mouth": (0.0, 1.1)},
        Cut(1.5, (0.5, 0.08), 0.5, 8.0),
        words=("cups", "mug", "mugs"),
    ),
    "scarf": Sort(
        scarf.scarf, scarf.WEAVES, {"mouth": (0.0, 0.8)}, Cut(2.7, (0.5, 0.0), 0.3), words=("scarves", "scarfs")
    ),
    "hat": Sort(
        hat.hat, hat.KINDS, {"forehead": (0.0, -0.45)}, Cut(3.1, (0.5, 0.94), -0.3), words=("hats", "cap", "caps")
    ),
}
"""Every sort that is placed by a face."""

ANYTHING = Cut(1.4, turn=180.0, square=True)


def sort_of(name: str) -> str:
    """The sort that a cut-out's folders or the beginning of its file's name say, `ANY` if none does."""
    words = {word: sort for sort, known in SORTS.items() for word in (sort, *known.words)}
    *folders, file = name.casefold().replace("!/", "/").split("/")
    start = file.split(".")[0]
    for end, letter in enumerate(start):
        if not letter.isalpha():
            start = start[:end]
            break
    return next((words[part] for part in (*reversed(folders), start) if part in words), ANY)
