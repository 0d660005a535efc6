"""Labels in one normal form: what corpora say of their pictures, under names that all of them share.

| label | meaning |
|---|---|
| `group` | group of the person, in the corpus's own words; never guessed by a model |
| `group_by` | who stated it: `annotators`, `owner`, `filename`, `folder` |
| `age`, `age_to` | years; both ends of the corpus's age bin, or twice the same number |
| `sex` | `female` or `male`, as the corpus states it |
| `mask` | wearing: `none`, `correct`, `incorrect`, `other` (some other occluder) |
| `yaw`, `pitch`, `roll` | degrees; `pose` is the corpus's word where it gives no angles |
| `glasses` | `none`, `eyeglasses`, `sunglasses` |
| `num_faces` | faces that the corpus annotates, where pictures show several |
| `invalid` | true for a face that the corpus marks as not to be used, or whose box has no area |
| `scene` | class of a scene, texture or object |

What else a corpus says keeps the corpus's own names, in lower case with underscores. A label that a corpus does
not state is absent, never guessed. Identities are no labels: only their digest is kept, and never in a shard.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pipelines.landmarks import five_points
from pipelines.sources.base import Location

SEXES = ("female", "male")
MASKS = ("none", "correct", "incorrect", "other")
GROUP_BY = ("annotators", "owner", "filename", "folder")
GLASSES = ("none", "eyeglasses", "sunglasses")
_CLOSED = {"sex": SEXES, "mask": MASKS, "group_by": GROUP_BY, "glasses": GLASSES}

Labels = dict[str, str | int | float | bool]
Box = tuple[float, float, float, float]
Points = Sequence[tuple[float, float]]


def labels(**stated: Any) -> Labels:
    """Labels of one picture; None, empty texts and NaN are left out.

    Raises:
        AssertionError: a value that the normal form does not have, or a group without who stated it; adapters
            translate the words of their corpus before.
    """
    kept: Labels = {}
    for name, value in stated.items():
        if value is None or value == "" or (isinstance(value, float) and not math.isfinite(value)):
            continue
        assert _is_name(name), name
        assert name not in _CLOSED or value in _CLOSED[name], f"{name} is {value!r}"
        kept[name] = value
    assert ("group" in kept) == ("group_by" in kept), "a group needs who stated it"
    return kept


def sifted(stated: Mapping[str, Any]) -> tuple[Labels, list[str]]:
    """Labels from a table that no adapter translates, and the names of those that the normal form does not have so."""
    spelled = {name: _spelled(name, value) for name, value in stated.items()}
    foreign = [name for name, value in spelled.items() if value not in ("", None, *_CLOSED.get(name, [value]))]
    return labels(**{name: value for name, value in spelled.items() if name not in foreign}), foreign


def _spelled(name: str, value: Any) -> Any:
    """The value of a closed set as the normal form spells it; tables write sexes as `F`, `Male` and so on."""
    if name not in _CLOSED or not isinstance(value, str):
        return value
    word = value.strip().lower()
    return {"f": "female", "m": "male"}.get(word, word) if name == "sex" else word


@cache
def _is_name(name: str) -> bool:
    return re.fullmatch(r"[a-z0-9_]+", name) is not None


@dataclass(frozen=True)
class Face:
    """A face as the corpus annotates it, in pixels of the stored picture (x right, y down, pixel centres at 0.5).

    Attributes:
        box: x, y, width, height, or None where the corpus's box has no area.
        boxes: further boxes that belong to the face, by what they hold: `occluder`, `glasses`.
        scheme: name of the landmark scheme, one of `landmarks.SCHEMES`, or "".
        points: (n, 2) landmarks in that scheme; the five points of `faces` are derived from them.
        labels: labels of this face, where a picture shows several.
    """

    box: Box | None = None
    scheme: str = ""
    points: Points = ()
    labels: Labels = field(default_factory=dict)
    boxes: Mapping[str, Box] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """What the catalog keeps; absent parts are left out."""
        found: dict[str, Any] = {}
        if self.box is not None:
            found["box"] = [float(number) for number in self.box]
        if self.points:
            found["scheme"] = self.scheme
            found["points"] = [[float(x), float(y)] for x, y in self.points]
            five = five_points(self.scheme, self.points)
            if five is not None:
                found["five"] = five
        if self.labels:
            found["labels"] = self.labels
        if self.boxes:
            found["boxes"] = {name: [float(number) for number in box] for name, box in self.boxes.items()}
        return found


def box_of(x: float, y: float, width: float, height: float) -> Box | None:
    """A box, or None where it has no area: corpora hold a few that were never drawn."""
    return (x, y, width, height) if width > 0 and height > 0 else None


def labels_of_all(faces: Sequence[Face]) -> Labels:
    """Labels of a picture of several faces: how many they are, and what is said alike of each that is valid."""
    valid = [face.labels for face in faces if not face.labels.get("invalid")]
    alike = (
        {name: value for name, value in valid[0].items() if all(_states(said, name, value) for said in valid)}
        if valid
        else {}
    )
    if "group" not in alike:
        alike.pop("group_by", None)
    return labels(num_faces=len(faces), **alike)


def _states(said: Labels, name: str, value: object) -> bool:
    return name in said and said[name] == value


@dataclass(frozen=True)
class Guide:
    """Files that belong to a picture and are made for its pixels: a label map, one mask per class, or its pair.

    Attributes:
        scheme: name of the class list, one of `classes.SCHEMES`; `pair` for the same picture otherwise.
        files: location of the label map or pair under the name "", or of each class's own mask under the class's name.
    """

    scheme: str
    files: Mapping[str, Location]

    def to_dict(self) -> dict[str, Any]:
        return {"scheme": self.scheme, "files": {name: _compact(location) for name, location in self.files.items()}}


def guide_of(stored: Mapping[str, Any]) -> Guide:
    """Gives the guide back that `Guide.to_dict` wrote."""
    return Guide(stored["scheme"], {name: Location(**fields) for name, fields in stored["files"].items()})


@dataclass(frozen=True)
class Annotation:
    """All that a corpus says of one picture.

    Attributes:
        identity: whom it shows, in the corpus's words; only a salted digest of it is kept.
        guides: by the name of the sample member they may become: `parsing`, `segments`, or for pairs `original`.
        licence, licence_url, attribution: where they differ from the corpus's own terms.
        reason, detail: why the picture cannot be used although it is there, else "".
    """

    split: str = ""
    labels: Labels = field(default_factory=dict)
    identity: str = ""
    faces: Sequence[Face] = ()
    guides: Mapping[str, Guide] = field(default_factory=dict)
    licence: str = ""
    licence_url: str = ""
    attribution: str = ""
    reason: str = ""
    detail: str = ""


def annotated(location: Location, annotation: Annotation, corpus: str, salt: bytes, split: str = "") -> Location:
    """The location with everything that is known of its picture; `split` is the recipe's word, which wins."""
    return dataclasses.replace(
        location,
        split=split or annotation.split or location.split,
        labels=dump(annotation.labels),
        identity=identity_digest(corpus, annotation.identity, salt),
        faces=dump([face.to_dict() for face in annotation.faces]),
        guides=dump({name: guide.to_dict() for name, guide in annotation.guides.items()}),
        licence=annotation.licence or location.licence,
        licence_url=annotation.licence_url or location.licence_url,
        attribution=annotation.attribution or location.attribution,
        reason=location.reason or annotation.reason,
        detail=location.detail or annotation.detail,
    )


def identity_digest(corpus: str, identity: str, salt: bytes) -> str:
    """Digest by which pictures of one person are kept together; without the salt it tells nothing."""
    if not identity:
        return ""
    return hmac.digest(salt, f"{corpus}\0{identity}".encode(), hashlib.sha256).hex()[:24]


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def dump(value: Any) -> str:
    """JSON text, equal for equal values."""
    return _ENCODER.encode(value)


_DEFAULTS = {entry.name: entry.default for entry in dataclasses.fields(Location)}


def _compact(location: Location) -> dict[str, Any]:
    values = {name: getattr(location, name) for name in _DEFAULTS}
    return {name: value for name, value in values.items() if value != _DEFAULTS[name]}
