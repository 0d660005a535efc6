"""From the bytes of a sample to arrays of one size: decode, damage anew if asked, move.

All that chance decides depends on (seed, epoch, key), so a sample is the same whichever process makes it, and however
many there are.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from pipelines import seeds
from pipelines.damage import DAMAGES, Context, Damage, DamageFailed
from pipelines.errors import MenderyError, did_you_mean
from pipelines.sample import DAMAGED_MEMBERS, IMAGE_MEMBERS, MASK_MEMBER, METADATA_MEMBER
from trainers import augment, masks

GUIDES: dict[str, tuple[str, ...]] = {
    "alpha": ("alpha.png",),
    "damaged": DAMAGED_MEMBERS,
    "edges": ("edges.png",),
    "landmarks": ("landmarks.npy",),
    "parsing": ("parsing.png",),
    "segments": ("segments.png",),
}
"""Members that may hold each guide."""

_HINTS = {
    "landmarks": "guides: {landmarks: true}",
    "parsing": "guides: {parsing: true}",
    "segments": "guides: {segments: true}",
    "edges": "guides: {edges: {}}",
    "alpha": "guides: {alpha: true}",
    "damaged": "damage:",
}
TRIES = 8
"""Draws of fresh holes before the damage is said to be impossible."""

Arrays = dict[str, NDArray[Any]]
"""`image` (S, S, 3) uint8, `mask` (S, S) uint8 0 or 1, and guides as they are stored, moved."""


@dataclass(frozen=True)
class LoaderSettings:
    """How samples come to a network.

    Attributes:
        split: of the dataset.
        mix: shards whose samples are mixed with each other; 0 reads them as they stand.
        mirror: every second sample is mirrored.
        area_range: share of the picture's area that a crop takes.
        aspect_range: width by height of a crop.
        rotate: degrees by which a crop is turned to either side.
        jitter: share by which brightness, contrast, saturation and hue change.
        fresh: damages as a recipe has them; their holes are drawn anew each epoch in place of the stored ones.
        workers: processes that load, for each training process; 0 loads in a thread of it, -1 decides by the machine.
        cache: folder for shards that are fetched, and for notes of what was verified.
        cache_gigabytes: what fetched shards may take.
    """

    split: str = "train"
    mix: int = 16
    mirror: bool = False
    area_range: tuple[float, float] = (1.0, 1.0)
    aspect_range: tuple[float, float] = (1.0, 1.0)
    rotate: float = 0.0
    jitter: float = 0.0
    fresh: tuple[dict[str, Any], ...] = ()
    workers: int = -1
    cache: str = ""
    cache_gigabytes: float = 20.0

    def moves(self) -> bool:
        """Whether chance moves pictures at all."""
        whole = self.area_range == self.aspect_range == (1.0, 1.0)
        return self.mirror or bool(self.rotate) or not whole


@dataclass(frozen=True)
class Maker:
    """Makes samples of a dataset.

    Attributes:
        members: of the dataset's samples.
        size: side of what comes out, in pixels.
        needs: guides that come along; `json` for the metadata.
        settings: what chance may do; None for nothing, as in evaluation.
    """

    members: tuple[str, ...]
    size: int
    seed: int = 0
    needs: frozenset[str] = frozenset()
    settings: LoaderSettings | None = None
    wanted: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "wanted", self._wanted())

    def _wanted(self) -> dict[str, str]:
        """Member by what it is wanted for.

        Raises:
            MenderyError: the dataset has none.
        """
        wanted = {"image": _first(self.members, IMAGE_MEMBERS)}
        if not self._fresh():
            if MASK_MEMBER not in self.members:
                raise MenderyError(
                    "the dataset has no masks, since its recipe names no damage: draw holes while training, such as "
                    "with --set 'loader.fresh=[{kind: brush, ratio_range: [0.1, 0.4]}]'"
                )
            wanted["mask"] = MASK_MEMBER
        for name in sorted(self.needs - {"json"}):
            wanted[name] = _first(self.members, GUIDES[name])
            if not wanted[name]:
                raise MenderyError(f"the method needs {name}, and the dataset has none: build it with {_HINTS[name]}")
        if self.needs & {"json", "parsing", "segments"}:
            wanted["json"] = METADATA_MEMBER
        return wanted

    def _fresh(self) -> tuple[dict[str, Any], ...]:
        return self.settings.fresh if self.settings else ()

    @cached_property
    def damages(self) -> tuple[Damage, ...]:
        return parse_damages(self._fresh())

    def make(self, key: str, epoch: int, data: Sequence[bytes]) -> tuple[Arrays, dict[str, Any]]:
        """One sample and its metadata, which is empty unless it is wanted.

        Args:
            data: members in the order of `wanted`.
        """
        given = dict(zip(self.wanted, data, strict=True))
        metadata: dict[str, Any] = json.loads(given["json"]) if "json" in given else {}
        move, picture = self._picture(key, epoch, given["image"])
        arrays: Arrays = {"image": picture}
        arrays["mask"] = self._mask(key, epoch, given, move, picture)
        for name in self.needs - {"json"}:
            arrays[name] = self._guide(name, given[name], move, metadata)
        return arrays, metadata

    def _picture(self, key: str, epoch: int, data: bytes) -> tuple[augment.Move, NDArray[np.uint8]]:
        settings = self.settings
        height, width = _shape(data)
        if settings is None or not settings.moves():
            move = augment.whole(height, width, self.size)
        else:
            rng = seeds.generator(self.seed, "augment", epoch, key)
            move = augment.draw(
                rng, height, width, self.size, mirror=settings.mirror, area_range=settings.area_range,
                aspect_range=settings.aspect_range, rotate=settings.rotate,
            )  # fmt: skip
        # Beside `damaged` the picture must be reduced in the same way as that, pixel for pixel.
        pixels = _decode(data, move, reduced="damaged" not in self.needs)
        scale = pixels.shape[1] / width, pixels.shape[0] / height
        picture = augment.move_picture(pixels, move, scale)
        if settings is not None and settings.jitter:
            picture = augment.recolour(picture, seeds.generator(self.seed, "colour", epoch, key), settings.jitter)
        return move, picture

    def _mask(
        self, key: str, epoch: int, given: Mapping[str, bytes], move: augment.Move, picture: NDArray[np.uint8]
    ) -> NDArray[np.uint8]:
        if self.damages:
            return np.right_shift(self._holes(key, epoch, picture), 7, dtype=np.uint8)
        try:
            stored = masks.decode(given["mask"])
        except ValueError:
            text = f"mask.png of sample {key} cannot be read: `mendery verify` says what else is wrong"
            raise MenderyError(text) from None
        return np.right_shift(augment.move_labels(stored, move), 7, dtype=np.uint8)

    def _holes(self, key: str, epoch: int, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A mask drawn for this key in this epoch."""
        weights = np.cumsum([damage.weight for damage in self.damages])
        failure = ""
        for attempt in range(TRIES):
            rng = seeds.generator(self.seed, "holes", epoch, key, attempt)
            damage = self.damages[int(np.searchsorted(weights, rng.random() * weights[-1], side="right"))]
            context = Context(self.size, self.size, damage.ratio_range, picture)
            try:
                parameters = damage.sample(rng, context)
            except DamageFailed as error:
                failure = str(error)
                continue
            if hasattr(parameters, "rasterise"):
                return np.asarray(parameters.rasterise(self.size, self.size), np.uint8)
            return parameters.draw(picture).mask
        raise MenderyError(f"loader.fresh: no hole could be drawn for sample {key} in {TRIES} tries: {failure}")

    def _guide(self, name: str, data: bytes, move: augment.Move, metadata: Mapping[str, Any]) -> NDArray[Any]:
        if name == "landmarks":
            return augment.move_points(np.load(io.BytesIO(data), allow_pickle=False), move)
        if name == "damaged":
            return augment.move_picture(_rgb(data), move)
        moved = augment.move_labels(masks.decode(data), move)
        if move.mirrored and name in ("parsing", "segments"):
            return augment.swapped(moved, json.loads(metadata["guides"]).get(name, ""))
        return moved


def parse_damages(entries: Sequence[Mapping[str, Any]]) -> tuple[Damage, ...]:
    """Damages as a recipe has them.

    Raises:
        MenderyError: one that there is not, or that cannot be drawn while training.
    """
    found = []
    for entry in entries:
        kind = str(entry.get("kind", ""))
        if kind not in DAMAGES:
            raise MenderyError(f"loader.fresh: no damage {kind!r}{did_you_mean(kind, DAMAGES)}")
        try:
            damage = TypeAdapter(DAMAGES[kind]).validate_python(dict(entry))
        except ValidationError as error:
            fault = error.errors()[0]
            raise MenderyError(f"loader.fresh: {kind}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None
        if missing := damage.wants() - {"image"}:
            raise MenderyError(
                f"loader.fresh: {kind} looks at {', '.join(sorted(missing))}, which is not known while training: store "
                "it in the dataset instead"
            )
        found.append(damage)
    return tuple(found)


def _first(members: Sequence[str], names: Sequence[str]) -> str:
    return next((name for name in names if name in members), "")


def _shape(data: bytes) -> tuple[int, int]:
    if data.startswith(b"\xff\xd8"):
        height, width, *_ = simplejpeg.decode_jpeg_header(data)
        return height, width
    return _rgb(data).shape[:2]


def _decode(data: bytes, move: augment.Move, reduced: bool) -> NDArray[np.uint8]:
    """(h, w, 3): at least as many pixels as the move needs; JPEG in an eighth, a quarter or a half costs less."""
    if not data.startswith(b"\xff\xd8"):
        return _rgb(data)
    height, width, *_ = simplejpeg.decode_jpeg_header(data)
    if not reduced:
        return np.asarray(simplejpeg.decode_jpeg(data), np.uint8)
    least_height = min(height, -(-height * move.size // move.box[3]))
    least_width = min(width, -(-width * move.size // move.box[2]))
    decoded = simplejpeg.decode_jpeg(data, min_height=least_height, min_width=least_width, min_factor=2)
    return np.asarray(decoded, np.uint8)


def _rgb(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)
