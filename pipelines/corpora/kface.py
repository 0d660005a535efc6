"""K-Face: a thousand Koreans under thirty lights, twenty cameras, six accessories and three expressions.

Pictures that were taken without accessories in four of the lights have a text file beside them: seven points (nose,
eyes, corners of the mouth, ears; a hidden one is estimated), then five to seven boxes, the face's first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from pipelines.corpora.base import Corpus, Found, lines, numbers
from pipelines.corpora.readers.paths import told_by_path
from pipelines.errors import RecipeError
from pipelines.labels import Annotation, Face, labels
from pipelines.sources.tree import Entry, Tree

ACCESSORIES = {
    "S001": ("none", ""),
    "S002": ("glasses", "eyeglasses"),
    "S003": ("horn-rimmed glasses", "eyeglasses"),
    "S004": ("sunglasses", "sunglasses"),
    "S005": ("hat", ""),
    "S006": ("hat and horn-rimmed glasses", "eyeglasses"),
}
"""What is worn, and the glasses that it says are worn."""

EXPRESSIONS = {"E01": "neutral", "E02": "broad smile", "E03": "frown"}
LUX = (
    1000, 400, 200, 150, 100, 40, 0, 400, 200, 100, 40, 400, 200, 100, 40,
    400, 200, 100, 400, 200, 100, 400, 200, 100, 400, 200, 100, 400, 200, 100,
)  # fmt: skip
YAWS = (*range(90, -91, -15), 45, 15, 0, -15, -45, 30, -30)
PITCHES = (0,) * 13 + (30,) * 5 + (-15,) * 2
"""Degrees of the cameras C1 to C20: positive to the right and from above, as the owner's table says."""

NUM_POINTS = 7
_PATH = r"(\d{8})/(S\d{3})/L(\d{1,2})/(E\d{2})/C(\d{1,2})"
_ANNOTATED = re.compile(r"/S001/L[1367]/E\d{2}/C\d{1,2}\.jpg$")
"""Pictures that should have a text file beside them."""
_OTHERS = {
    "high": r"(?<!Middle_Resolution/)(?<!Low_Resolution/)",
    "middle": r"(?<!High_Resolution/)(?<!Low_Resolution/)",
    "low": r"(?<!High_Resolution/)(?<!Middle_Resolution/)",
}


class KFace(Corpus):
    """K-Face (Choi et al., 2021): every picture comes in three sizes, of which one is read."""

    corpus: Literal["kface"]
    resolution: Literal["high", "middle", "low"] = Field("high", description="Which of the three sizes is read.")

    expects: ClassVar[str] = "High_Resolution/19062421/S001/L1/E01/C1.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(rf"{_PATH}\.jpg")

    def pictures(self, tree: Tree) -> Iterator[Found]:
        texts = self._texts(tree)
        without = 0
        for entry, annotation in told_by_path(tree, rf"{_OTHERS[self.resolution]}{_PATH}\.jpg", _told_by):
            text = texts.get(_stem(entry))
            if text is not None and not annotation.reason:
                yield entry, _with_face(tree, text, annotation)
                continue
            without += _ANNOTATED.search(entry.path) is not None
            yield entry, annotation
        if without:
            tree.listing.notes.append(
                f"kface: {without} pictures without accessories lack their text file: no box, no points"
            )

    def _texts(self, tree: Tree) -> dict[str, Entry]:
        found = tree.find_all(rf"{_OTHERS[self.resolution]}{_PATH}\.txt")
        # Of an unpacked one and the archive's, the unpacked comes first and wins.
        return {_stem(entry): entry for entry, _ in reversed(found)}


def _stem(entry: Entry) -> str:
    """Person, accessory, light, expression and camera."""
    return "/".join(entry.path.rpartition(".")[0].split("/")[-5:])


def _told_by(found: re.Match[str]) -> Annotation:
    person, accessory, light, expression, camera = found.groups()
    light, camera = int(light), int(camera)
    good = accessory in ACCESSORIES and expression in EXPRESSIONS and 1 <= light <= len(LUX) and 1 <= camera <= 20
    if not good:
        return Annotation(reason="bad_label", detail=f"expected S001/L1/E01/C1 to S006/L30/E03/C20, found {found[0]}")
    worn, glasses = ACCESSORIES[accessory]
    stated = labels(
        group="Korean",
        group_by="owner",
        accessory=worn,
        glasses=glasses,
        light=light,
        lux=LUX[light - 1],
        expression=EXPRESSIONS[expression],
        camera=camera,
        yaw=YAWS[camera - 1],
        pitch=PITCHES[camera - 1],
    )
    return Annotation(identity=person, labels=stated)


def _with_face(tree: Tree, text: Entry, annotation: Annotation) -> Annotation:
    """The annotation with the points and the face's box of the file beside the picture."""
    try:
        rows = [numbers(re.split(r"[\s,;]+", line.strip())) for _, line in lines(tree, text)]
        points = [(x, y) for x, y in rows[:NUM_POINTS]]
        x, y, width, height = rows[NUM_POINTS]
    except (ValueError, IndexError, RecipeError) as error:
        detail = f"{text.path}: expected seven points and the face's box: {error}"
        return Annotation(reason="bad_label", detail=detail)
    face = Face(box=(x, y, width, height), scheme="kface-7", points=points)
    return Annotation(identity=annotation.identity, labels=annotation.labels, faces=[face])
