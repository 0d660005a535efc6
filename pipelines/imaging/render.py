"""From the bytes of a source to the clean pictures of a dataset: decode, fit, encode, in one go.

A source is read and decoded once. What comes out is small, so it waits on disk until its shard is planned; a second
read of the source would cost a second decoding and, on a network, a second transfer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pipelines import seeds
from pipelines.imaging.align import warp
from pipelines.imaging.colour import Picture
from pipelines.imaging.decode import Header, decode
from pipelines.imaging.encode import encode_image
from pipelines.imaging.face_crops import FaceCrops, decode_side_for, face_crops
from pipelines.imaging.fit import Fit, Matrix, decode_side, fit

UNMOVED: Matrix = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)

COVERED = "covered"
"""Name beside the guides of the picture whose original is the clean one, encoded as that is; no member of a sample."""


@dataclass(frozen=True, slots=True)
class Rendition:
    """One clean picture, encoded as the dataset holds it.

    Attributes:
        data: the bytes of the `image` member.
        matrix: from the upright original to it, see `fit.Matrix`.
        guides: bytes of members that belong to it, by name.
    """

    data: bytes
    matrix: Matrix
    guides: Mapping[str, bytes] = field(default_factory=dict)


def render(
    data: bytes,
    header: Header,
    options: Fit,
    seed: int,
    sha256: str,
    faces: str = "[]",
    decoded: tuple[Picture, float] | None = None,
    as_stored: bool = False,
) -> Iterator[Rendition]:
    """Every crop that a recipe wants of one picture, one at a time.

    Args:
        data, header: the source and what `inspect` said of it.
        options: the recipe's `image` block.
        seed, sha256: random crops follow from the recipe's seed and the digest of the source.
        faces: JSON list of the picture's faces; without any, `fit: face` gives no crop.
        decoded: what `decode` gave, where it was called already.
        as_stored: it is the clean picture of a dataset: where it fits, its bytes are taken over, since another
            generation of a lossy format would only lose.

    Raises:
        BadPicture: the picture does not decode completely; raised before the first crop.
    """
    if as_stored and _fits(header, options):
        _ = decoded or decode(data, header)
        yield Rendition(data, UNMOVED)
        return
    if options.fit == "face":
        crops = face_crops(faces, header.width, header.height, options)
        if crops.matrices:
            side = decode_side_for(crops, header.width, header.height)
            yield from _faces(*(decoded or decode(data, header, min_side=side)), options, crops)
        return
    picture, scale = decoded or decode(data, header, min_side=decode_side(options))
    for crop in range(options.crops_per_image):
        # Making a generator takes longer than a centred crop, which draws nothing.
        rng = seeds.generator(seed, sha256, crop, "fit") if options.draws else None
        fitted, matrix = fit(picture, scale, options, rng)
        yield Rendition(encode_image(fitted, options), matrix)


def _fits(header: Header, options: Fit) -> bool:
    """Whether a picture has the size and the format that are asked for, and nothing is to be cut from it."""
    formats = {"jpg": "jpeg", "png": "png", "webp": "webp"}
    return (
        options.fit != "face"
        and not options.draws
        and (header.width, header.height) == (options.size, options.size)
        and header.format == formats[options.format]
        and header.orientation == 1
    )


def _faces(picture: Picture, scale: float, options: Fit, crops: FaceCrops) -> Iterator[Rendition]:
    for matrix in crops.matrices:
        yield Rendition(encode_image(warp(picture, scale, matrix, options.size), options), matrix)
