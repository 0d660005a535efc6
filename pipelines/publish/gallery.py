"""Samples for the report: chosen evenly over splits and damages, shown small."""

from __future__ import annotations

import base64
import heapq
from collections import defaultdict
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq

from pipelines import seeds
from pipelines.damage.base import Picture
from pipelines.imaging.encode import decode_image, decode_png
from pipelines.layout import Layout
from pipelines.sample import MASK_MEMBER
from pipelines.shards.read import metadata_of, read_members
from pipelines.viewing import overlay

CARDS = 60
THUMBNAIL = 150


def choose_cards(layout: Layout, stated: dict[str, Any]) -> list[dict[str, Any]]:
    """Cards of at most about sixty samples, the same number for every pair of split and damage.

    The choice hashes keys, so it looks random and is always the same.
    """
    groups: dict[tuple[str, str], list[tuple[int, str, str, Any]]] = defaultdict(list)
    for shard in stated["shards"]:
        table = pq.read_table(layout.index(shard["name"]), columns=["key", "damage", "members"])
        ranked = ((seeds.digest(key, "gallery"), key, kind, row) for row, (key, kind) in enumerate(_pairs(table)))
        for rank, key, kind, row in ranked:
            group = groups[shard["split"], kind]
            group.append((rank, key, shard["name"], row))
            groups[shard["split"], kind] = heapq.nsmallest(CARDS, group) if len(group) > 2 * CARDS else group
    share = max(1, CARDS // max(len(groups), 1))
    chosen = [entry for name in sorted(groups) for entry in heapq.nsmallest(share, groups[name])]
    return [_card(layout, stated, shard, row) for _, _, shard, row in chosen]


def _pairs(table: Any) -> Any:
    return zip(table["key"].to_pylist(), table["damage"].to_pylist(), strict=True)


def _card(layout: Layout, stated: dict[str, Any], shard: str, row: int) -> dict[str, Any]:
    ranges = pq.read_table(layout.index(shard), columns=["members"])["members"][row].as_py()
    members = read_members(layout.shard(shard), ranges)
    image = decode_image(next(data for name, data in members.items() if name.startswith("image.")))
    pictures = [("image", image)]
    if MASK_MEMBER in members:
        name, data = next((name, data) for name, data in members.items() if name.startswith("damaged."))
        damaged = decode_png(data) if name.endswith("png") else decode_image(data)
        pictures += [("damaged", damaged), ("mask", overlay(image, decode_png(members[MASK_MEMBER])))]
    return {"data": metadata_of(members), "pictures": [(name, thumbnail(picture)) for name, picture in pictures]}


def thumbnail(picture: Picture) -> str:
    """A small JPEG as a data URI."""
    side = min(THUMBNAIL, picture.shape[0])
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    encoded = cv2.imencode(".jpg", np.ascontiguousarray(small[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 82])[1]
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode()}"
