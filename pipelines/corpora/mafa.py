"""MAFA: 30,811 pictures of faces behind masks, hands, scarves and whatever else, with the occluder's box.

"Masked" means covered by anything: which occluder is a mask proper, only FMLD's annotations of these pictures say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from pipelines.corpora.base import Corpus, Found, Table, fault, join, optional
from pipelines.errors import BadPicture, RecipeError
from pipelines.labels import Annotation, Box, Face, box_of, labels, labels_of_all
from pipelines.matlab import load_mat
from pipelines.sources.base import Location
from pipelines.sources.tree import Entry, Tree

PICTURE = r"(?:(?:train|test)-images/)?(?:images/)?((?:train|test)_\d{8}\.jpg)"
TRAIN, TEST = "LabelTrainAll.mat", "LabelTestAll.mat"
FIELDS = {TRAIN: ("label_train", "imgName", 21), TEST: ("LabelTest", "name", 18)}
"""Variable, field of the picture's name, and numbers per face."""

OCCLUDERS = {1: "simple", 2: "complex", 3: "human_body"}
POSES = {1: "left", 2: "left_frontal", 3: "frontal", 4: "right_frontal", 5: "right"}
FACE_TYPES = {1: "other", 2: "none", 3: ""}
"""Test faces: masked (by anything), unmasked, invalid."""


class Mafa(Corpus):
    """MAsked FAces (Ge et al., CVPR 2017)."""

    corpus: Literal["mafa"]
    expects: ClassVar[str] = "train-images/images/train_00000001.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(PICTURE)
    files: ClassVar = {
        TRAIN: "training pictures have no boxes",
        TEST: "test pictures have no boxes",
    }

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        for split, name in (("train", TRAIN), ("test", TEST)):
            pattern = PICTURE.replace("train|test", split)
            if next(tree.matching(pattern), None) is None:
                tree.listing.notes.append(f"no {split} pictures of MAFA in {tree.root}: {name} is not used")
                continue
            entry = optional(tree, name, self.files[name])
            yield from join(tree, pattern, _table(tree, entry, name) if entry else None, split=split)


def _table(tree: Tree, entry: Entry, name: str) -> Table:
    table = Table()
    variable, field, width = FIELDS[name]
    for number, row in enumerate(_rows(tree, entry, variable), 1):
        try:
            picture = _text(row[field])
        except (KeyError, TypeError, ValueError):
            place = f"{entry.location.uri}#{number}"
            table.faults.append(fault(place, "bad_label", f"row {number}: no {field} with a picture's name"))
        else:
            table.rows[picture] = _annotation(entry, number, row, width)
    return table


def _rows(tree: Tree, entry: Entry, variable: str) -> Sequence[Any]:
    """The struct array of one file, also where it has a single element."""
    try:
        found = load_mat(tree.read(entry), [variable])
        rows = found[variable]
    except (BadPicture, ValueError) as error:
        raise RecipeError(f"{entry.path} in {tree.root} cannot be read: {error}") from None
    except KeyError:
        raise RecipeError(f"{entry.path} in {tree.root}: expected the variable {variable}") from None
    return [rows] if isinstance(rows, dict) else list(np.ravel(rows))


def _text(value: Any) -> str:
    (text,) = np.ravel(value)
    if not isinstance(text, str) or not text:
        raise ValueError(text)
    return text


def _annotation(entry: Entry, number: int, row: dict[str, Any], width: int) -> Annotation:
    try:
        faces = [_face(numbers) for numbers in np.asarray(row["label"], float).reshape(-1, width)]
    except (KeyError, TypeError, ValueError):
        return Annotation(reason="bad_label", detail=f"{entry.path}, row {number}: expected {width} numbers per face")
    return Annotation(labels=labels_of_all(faces), faces=faces)


def _face(numbers: NDArray[np.float64]) -> Face:
    """A training face (21 numbers, with the eyes) or a test face (18 numbers, with what kind of face it is)."""
    if not np.isfinite(numbers).all():
        raise ValueError("a number is not finite")
    values = [float(number) for number in numbers]
    corner, rest, eyes, mask = values[:4], values[-13:], [], "other"
    if len(values) == 21:
        eyes = values[4:8]
    else:
        mask = FACE_TYPES[int(values[4])]
    box = box_of(*corner)
    invalid = None if mask and box else True
    boxes = {"occluder": _inside(corner, rest[:4]), "glasses": _inside(corner, rest[9:])}
    points = [(eyes[0], eyes[1]), (eyes[2], eyes[3])] if eyes and min(eyes) >= 0 else []
    return Face(
        box,
        "eyes" if points else "",
        points,
        labels(mask=mask, invalid=invalid, **_said(rest[4:9])),
        {name: found for name, found in boxes.items() if found},
    )


def _said(numbers: list[float]) -> dict[str, str | int | None]:
    """Labels from the five codes of a face; -1 stands for what is not stated."""
    kind, degree, gender, race, pose = (int(number) for number in numbers)
    return {
        "occluder": OCCLUDERS.get(kind),
        "occluded_parts": degree if degree >= 0 else None,
        "gender_code": gender if gender >= 0 else None,
        "race_code": race if race >= 0 else None,
        "pose": POSES.get(pose),
    }


def _inside(face: list[float], part: list[float]) -> Box | None:
    """Box of a part in pixels of the picture: the file has it relative to the face."""
    return box_of(face[0] + part[0], face[1] + part[1], part[2], part[3])
