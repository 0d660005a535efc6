"""From the bytes of a source to the clean pictures of a dataset: decode, fit, encode, in one go.

A source is read and decoded once. What comes out is small, so it waits on disk until its shard is planned; a second
read of the source would cost a second decoding and, on a network, a second transfer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipelines import seeds
from pipelines.imaging.decode import Header, decode
from pipelines.imaging.encode import encode_image
from pipelines.imaging.fit import Fit, Matrix, decode_side, fit


@dataclass(frozen=True, slots=True)
class Rendition:
    """One clean picture, encoded as the dataset holds it.

    Attributes:
        data: the bytes of the `image` member.
        matrix: from the upright original to it, see `fit.Matrix`.
    """

    data: bytes
    matrix: Matrix


def render(data: bytes, header: Header, options: Fit, seed: int, sha256: str) -> Iterator[Rendition]:
    """Every crop that a recipe wants of one picture, one at a time.

    Args:
        data, header: the source and what `inspect` said of it.
        options: the recipe's `image` block.
        seed, sha256: random crops follow from the recipe's seed and the digest of the source.

    Raises:
        BadPicture: the picture does not decode completely; raised before the first crop.
    """
    picture, scale = decode(data, header, min_side=decode_side(options))
    for crop in range(options.crops_per_image):
        # Making a generator takes longer than a centred crop, which draws nothing.
        rng = seeds.generator(seed, sha256, crop, "fit") if options.draws else None
        fitted, matrix = fit(picture, scale, options, rng)
        yield Rendition(encode_image(fitted, options), matrix)
