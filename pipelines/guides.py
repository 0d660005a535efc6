"""Guides: what a sample tells a network besides its pixels - landmarks, parsing, segments, edges.

Label maps come from the corpus and are cropped by the picture's own matrix, or are drawn from a face's mesh; landmarks
are moved by it; edges are drawn from the finished crop. A picture that lacks what the recipe asks for is dropped, since
every sample has every member.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines import mesh_parts
from pipelines.classes import SCHEMES, ClassList
from pipelines.damage.base import Picture
from pipelines.errors import BadPicture
from pipelines.imaging.align import moved, warp_labels
from pipelines.imaging.encode import png
from pipelines.imaging.fit import Matrix
from pipelines.landmarks import ibug_68

LabelMap = NDArray[np.uint8]
"""(H, W), class numbers of the scheme."""

GUIDE_MEMBERS = frozenset({"landmarks.npy", "parsing.png", "segments.png", "edges.png", "alpha.png"})

MAPS: tuple[Literal["parsing", "segments"], ...] = ("parsing", "segments")


class Edges(BaseModel):
    """Canny's edge detector over the clean crop."""

    model_config = ConfigDict(extra="forbid")

    low: float = Field(100, ge=0, description="Gradient from which an edge is followed on.")
    high: float = Field(200, ge=0, description="Gradient from which an edge begins.")
    sigma: float = Field(0.0, ge=0, description="Gaussian blur before, in pixels; 0 for none.")

    @model_validator(mode="after")
    def _check(self) -> Edges:
        if self.low > self.high:
            raise ValueError(f"low must not be above high, found {self.low} and {self.high}")
        return self


class Guides(BaseModel):
    """The recipe's `guides:` block: optional members of every sample."""

    model_config = ConfigDict(extra="forbid")

    landmarks: bool = Field(False, description="68 landmarks (iBUG) of the face nearest to the middle, landmarks.npy.")
    parsing: bool | Literal["corpus", "mesh"] = Field(
        False,
        description="Parts of the face, parsing.png: as the corpus labels them, else drawn from the mesh of a found "
        "face; 'corpus' or 'mesh' for one of the two only.",
    )
    segments: bool = Field(False, description="Classes of a scene as the corpus labels them, segments.png.")
    edges: Edges | None = Field(None, description="Edges of the clean picture, edges.png.")
    alpha: bool = Field(False, description="How much of each pixel the damage hides, 0 to 255, alpha.png.")

    def members(self) -> list[str]:
        """Names of the members that samples get."""
        names = [f"{name}.png" for name in MAPS if getattr(self, name)]
        made = {"landmarks.npy": self.landmarks, "edges.png": self.edges is not None, "alpha.png": self.alpha}
        return names + [name for name, asked in made.items() if asked]

    def maps(self) -> list[str]:
        """Guides that are label maps."""
        return [name for name in MAPS if getattr(self, name)]

    def scheme_of(self, name: str, guides: str, faces: str) -> str:
        """Scheme of a picture's label map: the corpus's, or that of what is drawn in its place; "" if there is none.

        Args:
            guides: JSON of the catalog.
            faces: JSON list of the picture's faces, found ones too.
        """
        there = json.loads(guides)
        if name in there and not (name == "parsing" and self.parsing == "mesh"):
            return str(there[name]["scheme"])
        drawable = name == "parsing" and self.parsing in (True, "mesh")
        return mesh_parts.SCHEME if drawable and any(map(mesh_parts.has_mesh, json.loads(faces))) else ""

    def lacks(self, guides: str, faces: str) -> str:
        """What a picture does not have, "" if it has everything.

        Args:
            guides, faces: as `scheme_of` takes them.
        """
        missing = [name for name in self.maps() if not self.scheme_of(name, guides, faces)]
        if self.landmarks and not any(_sixty_eight(face) is not None for face in json.loads(faces)):
            missing.append("landmarks")
        return ", ".join(missing)


def label_map(files: Mapping[str, bytes], scheme: str) -> LabelMap:
    """A label map from the files in which a corpus keeps it.

    Args:
        files: the map itself under the name "", or masks by class.
        scheme: one of `classes.SCHEMES`, whose order or probabilities decide where masks overlap.

    Returns:
        (H, W) uint8 class numbers.

    Raises:
        BadPicture: bad_guide.
    """
    if "" in files:
        return _indices(files[""])
    known = SCHEMES[scheme]
    numbers = {name: number for number, name in known.names.items()}
    masks = sorted((numbers[name], _indices(data)) for name, data in files.items() if name in numbers)
    sizes = {mask.shape for _, mask in masks}
    if len(sizes) != 1:
        raise BadPicture("bad_guide", f"masks of one picture must be of one size, found {sorted(sizes)}")
    return _merged(masks, known)


def cropped(labels: LabelMap, matrix: Matrix, width: int, height: int, size: int, scheme: str) -> bytes:
    """A label map as a sample holds it: a PNG of one channel, in the place of the crop.

    Args:
        labels: of any size; it covers the whole picture of width x height.
        matrix: from the picture to the crop.
    """
    across, down = width / labels.shape[1], height / labels.shape[0]
    a, b, c, d, e, f = matrix
    return png(
        warp_labels(labels, (a * across, b * down, c, d * across, e * down, f), size, SCHEMES[scheme].ignore or 0)
    )


def drawn_parts(faces: str, matrix: Matrix, size: int) -> bytes:
    """parsing.png of a picture whose corpus has none."""
    return png(mesh_parts.drawn(faces, matrix, size))


def landmarks_member(faces: str, matrix: Sequence[float], size: int) -> bytes:
    """landmarks.npy: (68, 2) float32, x and y in pixels of the crop, of the face nearest to its middle."""
    found = [points for face in json.loads(faces) if (points := _sixty_eight(face)) is not None]
    in_crop = [moved(points, cast(Matrix, tuple(matrix))) for points in found]
    nearest = min(in_crop, key=lambda points: float(np.hypot(*(points.mean(axis=0) - size / 2))))
    file = io.BytesIO()
    np.save(file, nearest.astype(np.float32), allow_pickle=False)
    return file.getvalue()


def edges_member(image: Picture, edges: Edges) -> bytes:
    """edges.png: 255 on an edge, else 0.

    Source: Canny, "A computational approach to edge detection", 1986; OpenCV's, with a 3 x 3 Sobel operator.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if edges.sigma:
        grey = cv2.GaussianBlur(grey, (0, 0), edges.sigma)
    return png(cast(LabelMap, cv2.Canny(grey, edges.low, edges.high)))


def faults(members: Mapping[str, bytes], size: int) -> Iterator[tuple[str, str]]:
    """What is wrong with the guides of a sample, as (kind, text)."""
    for name in sorted(GUIDE_MEMBERS & members.keys()):
        wanted: tuple[tuple[int, ...], str] = ((68, 2), "float32") if name.endswith("npy") else ((size, size), "uint8")
        try:
            array = _decoded(name, members[name])
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            yield "guide", f"{name} cannot be read: {error}"
            continue
        if (array.shape, str(array.dtype)) != wanted:
            yield "guide", f"{name} is {array.shape} {array.dtype}, expected {wanted[0]} {wanted[1]}"
        elif not np.isfinite(array).all():
            yield "guide", f"{name} holds numbers that are not finite"


def _decoded(name: str, data: bytes) -> NDArray[Any]:
    if name.endswith("npy"):
        return cast(NDArray[Any], np.load(io.BytesIO(data), allow_pickle=False))
    return np.array(Image.open(io.BytesIO(data), formats=("PNG",)))


def told(block: Guides, guides: str, faces: str) -> str:
    """What a sample's `json` says of its guides: by member the scheme, or how it was made.

    Args:
        guides, faces: as `Guides.scheme_of` takes them.
    """
    said: dict[str, Any] = {name: block.scheme_of(name, guides, faces) for name in block.maps()}
    if block.landmarks:
        said["landmarks"] = "ibug-68"
    if block.edges:
        said["edges"] = block.edges.model_dump()
    if block.alpha:
        said["alpha"] = "of the damage, 0 to 255"
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


def _merged(masks: Iterable[tuple[int, LabelMap]], known: ClassList) -> LabelMap:
    numbers, planes = zip(*masks, strict=True)
    if known.probabilities:
        best = np.argmax(np.stack(planes), axis=0)
        return cast(LabelMap, np.array(numbers, np.uint8)[best])
    merged = np.zeros(planes[0].shape, np.uint8)
    for number, plane in zip(numbers, planes, strict=True):
        merged[plane > 0] = number
    return merged


def _indices(data: bytes) -> LabelMap:
    """Pixel values of a label map as they are stored: indices of a palette, not its colours."""
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "BMP", "GIF", "TIFF")) as image:
            stored = np.array(image)
    except Exception as error:  # noqa: BLE001  # Pillow's plugins raise whatever goes wrong on rubbish
        raise BadPicture("bad_guide", f"a label map cannot be read: {type(error).__name__}: {error}") from None
    if stored.ndim == 3 and (stored == stored[..., :1]).all(axis=2).all():
        stored = stored[..., 0]
    if stored.ndim != 2 or stored.min(initial=0) < 0 or stored.max(initial=0) > 255:
        raise BadPicture("bad_guide", f"a label map has one channel of at most 255, found {stored.shape}")
    return stored.astype(np.uint8)


def _sixty_eight(face: Mapping[str, Any]) -> NDArray[np.float64] | None:
    if not face.get("points"):
        return None
    return cast("NDArray[np.float64] | None", ibug_68(face["scheme"], np.asarray(face["points"], np.float64)))
