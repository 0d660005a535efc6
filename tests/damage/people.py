"""Everybody who looks at us from the photographs that ship in packages, each in a picture of their own.

`people.json` holds the five points that the offline engine found there, so that placing something needs no engine.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from pipelines.damage import Context, Face
from tests.photographs import ASTRONAUT, FRIENDS, GROUP, HILL, SMILE, STUDIO, photograph

SIZE = 192
AROUND = 4.6
"""Side of a picture, in distances of the eyes or from them to the mouth, whichever is longer."""

_FOUND = json.loads((Path(__file__).parent / "people.json").read_text())
PEOPLE = [
    (where, number)
    for where in (GROUP, ASTRONAUT, *STUDIO.values(), SMILE, HILL, FRIENDS)
    for number in range(len(_FOUND[where[1]]))
]


@cache
def person(where: tuple[str, str], number: int) -> Context:
    """A picture of one person, (SIZE, SIZE), with the face's five points."""
    five = np.array(_FOUND[where[1]][number]["five"])
    eyes, mouth = five[:2].mean(axis=0), five[3:].mean(axis=0)
    side = AROUND * max(np.hypot(*(five[1] - five[0])), np.hypot(*(mouth - eyes)))
    scale = SIZE / side
    x, y = five.mean(axis=0) - side / 2
    matrix = np.array([[scale, 0, -scale * x], [0, scale, -scale * y]])
    image = cv2.warpAffine(photograph(where), matrix, (SIZE, SIZE), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
    image.flags.writeable = False
    return Context(SIZE, SIZE, None, image, (Face((five - (x, y)) * scale),))
