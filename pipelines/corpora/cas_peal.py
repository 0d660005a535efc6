"""CAS-PEAL-R1: 30,900 grey pictures of 1,040 Chinese people, their pose, light and the rest in their names.

A name has twelve fields: `FY_000001_IEU+00_PM+00_EN_A0_D0_T0_BB_M0_R1_S0.tif` is a young woman, person 1, in ambient
light from above at 0 degrees, her head level at 0 degrees, neutral, without accessory, at the first distance, in the
first session, before a blue background.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pipelines.corpora.base import Corpus, Found, Table, bad_line, bad_row, join, lines
from pipelines.corpora.readers.paths import also_told
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
        # The same name lies in several folders, so a picture is known by folder and name.
        table, told, untold = Table(complete=False), set(), set()
        for entry, found in tree.find_all(r"([^/]+)/FaceFP_2\.txt"):
            told.add(found[1])
            _read(tree, entry, table)
        for item in also_told(join(tree, self.picture, table), _told_by):
            untold |= {_folder(item[0])} - told if isinstance(item, tuple) else set()
            yield item
        if untold:
            some = ", ".join(sorted(untold)[:3])
            tree.listing.notes.append(f"no FaceFP_2.txt in {len(untold)} folders ({some}): no positions of eyes there")


def _folder(entry: Entry) -> str:
    return entry.path.split("/")[-2]


def _told_by(entry: Entry) -> Annotation:
    found = _NAME.fullmatch(entry.name)
    if found is None:
        detail = f"expected twelve fields as in {CasPeal.expects.rpartition('/')[2]}, found {entry.name!r:.80}"
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
    folder = _folder(entry)
    for number, line in lines(tree, entry):
        name, *fields = line.split()
        if not re.match(r"[FM][A-Z]_\d", name):
            table.faults.append(bad_line(entry, number, "a picture's name and four numbers", line))
        elif len(fields) != 4 or not all(map(_NUMBER.fullmatch, fields)):
            table.rows[f"{folder}/{name}"] = bad_row(entry, number, "four numbers", " ".join(fields))
        else:
            left, right = (float(fields[0]), float(fields[1])), (float(fields[2]), float(fields[3]))
            table.rows[f"{folder}/{name}"] = Annotation(faces=[Face(scheme="eyes", points=[left, right])])
