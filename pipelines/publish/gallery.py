"""The samples that the report shows: few, chosen evenly, and always the same ones.

Every damage in every split is shown. Within such a pair the choice goes evenly over the mask ratios and prefers
pictures not shown yet. Only chosen samples are read from the shards, by byte range.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import chain, pairwise, zip_longest
from typing import Any, NamedTuple

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from PIL import Image

from pipelines.damage.base import Picture
from pipelines.imaging.encode import decode_image, decode_png
from pipelines.layout import Layout
from pipelines.publish.charts import data_uri
from pipelines.publish.montage import FaceView, view
from pipelines.sample import MASK_MEMBER, ORIGINAL_MEMBERS, SPLITS
from pipelines.shards.read import metadata_of, read_members
from pipelines.storage import opened
from pipelines.viewing import overlay

COLUMNS = ("key", "damage", "mask_ratio", "source_sha256")
NUM_CARDS = 60
THUMBNAIL_SIDE = 160
QUALITY = 78

NUM_CANDIDATES = 2000
"""Of each damage, over all shards of a dataset; at least one of each shard is looked at."""


_BY_RATIO = [("mask_ratio", "ascending"), ("key", "ascending")]


class Candidate(NamedTuple):
    """A sample that may be shown; candidates sort by their mask ratio."""

    mask_ratio: float
    key: str
    picture: str
    shard: str


@dataclass(frozen=True)
class Card:
    """One sample as the page shows it.

    Attributes:
        metadata: its `json` member.
        labels: what its corpus declares, name to text.
        pictures: caption to data URI: the original where pictures are aged, image, and damaged and mask where they are
            damaged.
        face: the face it shows, None without one.
    """

    metadata: dict[str, Any]
    labels: dict[str, str]
    pictures: dict[str, str]
    face: FaceView | None = None


class Candidates:
    """Gathers samples to choose from, shard by shard, in bounded memory."""

    def __init__(self, num_shards: int) -> None:
        self._per_shard = max(1, NUM_CANDIDATES // max(num_shards, 1))
        self._found: dict[tuple[str, str], list[Candidate]] = defaultdict(list)

    def add(self, split: str, shard: str, index: pa.Table) -> None:
        """Takes samples of each damage of one shard, evenly over its mask ratios."""
        for damage in sorted(pc.unique(index["damage"]).to_pylist()):
            rows = index.filter(pc.equal(index["damage"], damage)).sort_by(_BY_RATIO)
            self._found[split, damage] += [
                Candidate(row["mask_ratio"], row["key"], row["source_sha256"], shard)
                for row in rows.take(_spread(rows.num_rows, self._per_shard)).to_pylist()
            ]

    def choose(self, num_cards: int = NUM_CARDS) -> list[Candidate]:
        """At most `num_cards`, or one of each pair of split and damage if those are more; the pairs take turns."""
        pairs = sorted(self._found, key=lambda pair: (pair[1], SPLITS.index(pair[0])))
        count = _count_each([len(self._found[pair]) for pair in pairs], num_cards)
        parts = [_parts(sorted(self._found[pair]), count) for pair in pairs]
        shown: Counter[str] = Counter()
        chosen = []
        for part in chain.from_iterable(zip_longest(*parts, fillvalue=())):
            if part:
                chosen.append(min(part, key=lambda one: (shown[one.picture], one.key)))
                shown[chosen[-1].picture] += 1
        return chosen


def cards(layout: Layout, chosen: list[Candidate]) -> list[Card]:
    """Reads the chosen samples, keeping their order."""
    by_key: dict[str, Card] = {}
    for shard in sorted({candidate.shard for candidate in chosen}):
        keys = [candidate.key for candidate in chosen if candidate.shard == shard]
        rows = pq.read_table(
            opened(layout.index(shard)), columns=["key", "members"], filters=[("key", "in", keys)]
        ).to_pylist()
        by_key |= {row["key"]: card(read_members(layout.shard(shard), row["members"])) for row in rows}
    return [by_key[candidate.key] for candidate in chosen]


def card(members: dict[str, bytes]) -> Card:
    """A card from the members of one sample."""
    metadata = metadata_of(members)
    labels = {str(name): str(value) for name, value in json.loads(metadata["labels"]).items()}
    image = decode_image(_member(members, "image."))
    pictures = {}
    if not members.keys().isdisjoint(ORIGINAL_MEMBERS):
        pictures["original"] = _thumbnail(decode_image(_member(members, "original.")))
    pictures["image"] = _thumbnail(image)
    if MASK_MEMBER in members:
        pictures["damaged"] = _thumbnail(decode_image(_member(members, "damaged.")))
        pictures["mask"] = _thumbnail(overlay(image, decode_png(members[MASK_MEMBER])))
    return Card(metadata, labels, pictures, view(image, metadata, members))


def _count_each(sizes: list[int], num_cards: int) -> int:
    """The most cards that each pair may have, so that all together are at most `num_cards`; at least one."""
    return next((count for count in range(num_cards, 1, -1) if sum(min(size, count) for size in sizes) <= num_cards), 1)


def _parts(found: list[Candidate], count: int) -> list[list[Candidate]]:
    """Up to `count` parts of equal size; one card is chosen of each."""
    count = min(count, len(found))
    edges = [number * len(found) // count for number in range(count + 1)]
    return [found[start:end] for start, end in pairwise(edges)]


def _spread(total: int, count: int) -> list[int]:
    """Up to `count` positions out of `total`, evenly, from the middle of equal parts."""
    count = min(total, count)
    return [(2 * number + 1) * total // (2 * count) for number in range(count)]


def _member(members: dict[str, bytes], prefix: str) -> bytes:
    return next(data for name, data in members.items() if name.startswith(prefix))


def _thumbnail(picture: Picture) -> str:
    scale = THUMBNAIL_SIDE / max(picture.shape[:2])
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return data_uri("jpeg", Image.fromarray(picture), quality=QUALITY)
