"""Class lists of label maps: which value, or which mask's name, means what in the corpora that have them."""

from __future__ import annotations

from dataclasses import dataclass

BACKGROUND = frozenset({"background", "unlabelled", "unlabeled"})


@dataclass(frozen=True)
class ClassList:
    """Classes of a label map.

    Attributes:
        names: class by pixel value; for corpora with one mask per class, by the number they get when merged, in
            this order, later over earlier.
        ignore: pixel value that means "not labelled", or None.
        source: where the list is published.
        things: classes that are objects, which one may want to take out of a picture; of other lists all but `ignore`
            and the background are.
        probabilities: whether masks of single classes hold probabilities, 0 to 255: then the highest wins in each
            pixel, whatever the order.
    """

    names: dict[int, str]
    ignore: int | None = None
    source: str = ""
    probabilities: bool = False
    things: frozenset[str] = frozenset()

    def objects(self) -> dict[int, str]:
        """Classes of things, by their number."""
        things = self.things or frozenset(self.names.values()) - BACKGROUND
        return {number: name for number, name in self.names.items() if name in things and number != self.ignore}


def _numbered(names: str) -> dict[int, str]:
    """Classes from 0, parted by commas."""
    return dict(enumerate(names.split(", ")))


SCHEMES: dict[str, ClassList] = {
    "cityscapes": ClassList(
        _numbered(
            "unlabeled, ego vehicle, rectification border, out of roi, static, dynamic, ground, road, sidewalk, "
            "parking, rail track, building, wall, fence, guard rail, bridge, tunnel, pole, polegroup, traffic light, "
            "traffic sign, vegetation, terrain, sky, person, rider, car, truck, bus, caravan, trailer, train, "
            "motorcycle, bicycle"
        ),
        ignore=0,
        source="cityscapesScripts, helpers/labels.py (ids)",
        things=frozenset(
            {
                *("person", "rider", "car", "truck", "bus", "caravan", "trailer", "train", "motorcycle", "bicycle"),
                *("pole", "traffic light", "traffic sign"),
            }
        ),
    ),
    # 16 bits: a class's number, or a thousand times it plus the number of the thing.
    "cityscapes-instances": ClassList({}, ignore=0, source="cityscapesScripts, README (instanceIds)"),
    "cmp-facade": ClassList(
        _numbered(
            "unlabelled, background, facade, window, door, cornice, sill, balcony, blind, deco, molding, pillar, shop"
        ),
        ignore=0,
        source="CMP Facade, label_names.txt",
        things=frozenset(
            {"window", "door", "cornice", "sill", "balcony", "blind", "deco", "molding", "pillar", "shop"}
        ),
    ),
    # Masks of 512 x 512, one per part, for pictures of 1024 x 1024.
    "celebamask-hq": ClassList(
        _numbered(
            "background, skin, nose, eye_g, l_eye, r_eye, l_brow, r_brow, l_ear, r_ear, mouth, u_lip, l_lip, hair, "
            "hat, ear_r, neck_l, neck, cloth"
        ),
        source="CelebAMask-HQ, face_parsing/README.md and Data_preprocessing/g_mask.py (same order)",
    ),
    "helen-11": ClassList(
        _numbered(
            "background, face skin, left eyebrow, right eyebrow, left eye, right eye, nose, upper lip, inner mouth, "
            "lower lip, hair"
        ),
        source="Smith et al., CVPR 2013, README.txt of the supplement to Helen",
        probabilities=True,
    ),
    # Left and right as seen in the picture.
    "lapa-11": ClassList(
        _numbered(
            "background, skin, left eyebrow, right eyebrow, left eye, right eye, nose, upper lip, inner mouth, "
            "lower lip, hair"
        ),
        source="LaPa, labelmap.txt",
    ),
    # The numbers of LaPa for the parts that a mesh knows: all but hair. Left and right as seen in the picture.
    "mesh-parts": ClassList(
        _numbered(
            "background, skin, left eyebrow, right eyebrow, left eye, right eye, nose, upper lip, inner mouth, "
            "lower lip"
        ),
        source="pipelines/mesh_parts.py: drawn from the face mesh of an engine, not labelled by anybody",
    ),
}
