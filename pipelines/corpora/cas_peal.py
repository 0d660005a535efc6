"""CAS-PEAL-R1: 30,900 grey pictures of 1,040 Chinese people, their pose, light and the rest in their names.

A name has twelve fields: `FY_000001_IEU+00_PM+00_EN_A0_D0_T0_BB_M0_R1_S0.tif` is a young woman, person 1, in ambient
light from above at 0 degrees, her head level at 0 degrees, neutral, without accessory, at the first distance, in the
first session, before a blue background.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pipelines.corpora.base import Corpus, Found, Table, bad_line, bad_row, join, lines, merged
from pipelines.labels import Annotation, Face, labels
from pipelines.sources.base import Location
from pipelines.sources.tree import Entry, Tree

SEXES = {"F": "female", "M": "male"}
AGES = {"Y": "young", "M": "middle", "O": "old"}
LIGHTS = {"E": "ambient", "F": "fluorescent", "L": "incandescent"}
ELEVATIONS = {"U": "up", "M": "level", "D": "down"}
EXPRESSIONS = {
    "N": "neutral", "L": "laughing", "F": "frowning", "S": "surprised", "C": "eyes closed", "O": "mouth open",
}  # fmt: skip
ACCESSORIES = ("none", "hat 1", "hat 2", "hat 3", "glasses 1", "glasses 2", "glasses 3")
BACKGROUNDS = {"B": "blue", "R": "red", "D": "dark", "Y": "yellow", "W": "white"}

_NAME = re.compile(
    # One file at least has a D where the others have an R.
    r"([FM])([YMO])_(\d{6})_I([EFL])([UMD])([+-]\d\d)_P([UMD])([+-]\d\d)_E([NLFSCO])_A([0-6])_D(\d)_T(\d)_B([BRDYW])"
    r"_M\d_[RD]\d_S\d\.tiff?"
)
_NUMBER = re.compile(r"-?\d{1,5}(?:\.\d+)?")


class CasPeal(Corpus):
    """CAS-PEAL-R1 (Gao et al., 2008)."""

    corpus: Literal["cas-peal"]
    expects: ClassVar[str] = "FRONTAL/Normal/FY_000001_IEU+00_PM+00_EN_A0_D0_T0_BB_M0_R1_S0.tif"
    picture: ClassVar[re.Pattern[str]] = re.compile(r"([^/]+/[FM][A-Z]_\d[^/]*)\.tiff?")
    files: ClassVar = {"FaceFP_2.txt": "no positions of eyes in the folders that lack it"}

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        for item in join(tree, self.picture, self._eyes(tree)):
            yield (item[0], merged([_told_by(item[0].name), item[1]])) if isinstance(item, tuple) else item

    def _eyes(self, tree: Tree) -> Table | None:
        """Positions of eyes; the same name lies in several folders, so a picture is known by folder and name."""
        table = Table(complete=False)
        for entry, _ in tree.find_all(r"[^/]+/FaceFP_2\.txt"):
            _read(tree, entry, table)
        if not table.rows:
            tree.listing.notes.append(f"no FaceFP_2.txt in {tree.root}: no positions of eyes")
        return table


def _told_by(name: str) -> Annotation:
    found = _NAME.fullmatch(name)
    if found is None:
        detail = f"expected twelve fields as in {CasPeal.expects.rpartition('/')[2]}, found {name!r:.80}"
        return Annotation(reason="bad_label", detail=detail)
    sex, age, person, light, height, azimuth, pose, yaw, expression, accessory, distance, session, ground = (
        found.groups()
    )
    stated = labels(
        group="Chinese",
        group_by="owner",
        sex=SEXES[sex],
        age_group=AGES[age],
        light=LIGHTS[light],
        light_from=ELEVATIONS[height],
        light_azimuth=int(azimuth),
        pose=ELEVATIONS[pose],
        yaw=int(yaw),
        expression=EXPRESSIONS[expression],
        accessory=ACCESSORIES[int(accessory)],
        glasses="eyeglasses" if int(accessory) > 3 else "",
        distance=int(distance),
        session=int(session),
        background=BACKGROUNDS[ground],
    )
    return Annotation(identity=person, labels=stated)


def _read(tree: Tree, entry: Entry, table: Table) -> None:
    folder = entry.path.split("/")[-2]
    for number, line in lines(tree, entry):
        name, *fields = line.split()
        if not re.match(r"[FM][A-Z]_\d", name):
            table.faults.append(bad_line(entry, number, "a picture's name and four numbers", line))
        elif len(fields) != 4 or not all(map(_NUMBER.fullmatch, fields)):
            table.rows[f"{folder}/{name}"] = bad_row(entry, number, "four numbers", " ".join(fields))
        else:
            left, right = (float(fields[0]), float(fields[1])), (float(fields[2]), float(fields[3]))
            table.rows[f"{folder}/{name}"] = Annotation(faces=[Face(scheme="eyes", points=[left, right])])
