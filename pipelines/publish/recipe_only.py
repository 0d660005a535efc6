"""A dataset as a recipe: all that makes its bytes again from everybody's own copy of the corpora, and no pixel.

Besides the manifest, whose digests the rebuilt shards must have, there is a table with a row for every picture: its
digest, where it stood, its split, where faces were found, its crops, and the damage of each of its samples. So nothing
that was decided from all pictures together (splits, balance, duplicates) has to be decided again. What a corpus says of
its pictures is not in it: that stands beside everybody's own copy.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import manifest as manifests
from pipelines.damage import DAMAGES
from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.progress import Progress
from pipelines.publish import gate
from pipelines.publish.contents import REBUILD, Contents, collect, collect_folder
from pipelines.shards.read import iterate, metadata_of
from pipelines.storage import opened, put, put_bytes, read_json

INDEX = "rebuild.parquet"

MEMBER_DIGEST = 4
"""Bytes of a member's SHA-256 that are kept: they only say which member differs, the shard's digest proves it."""

SAMPLE = pa.struct(
    [
        ("key", pa.string()),
        ("crop", pa.int32()),
        ("variant", pa.int32()),
        ("ageing", pa.string()),
        ("damage", pa.string()),
        ("damage_parameters", pa.string()),
        ("damage_seed", pa.string()),
        ("mask_ratio", pa.float64()),
        # The first bytes of each member's SHA-256, in the order of the manifest's members.
        ("members", pa.binary()),
    ]
)
SCHEMA = pa.schema(
    [
        ("shard", pa.string()),
        ("split", pa.string()),
        ("source", pa.int32()),
        ("uri", pa.string()),
        ("sha256", pa.binary(32)),
        ("format", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("num_bytes", pa.int64()),
        # JSON of the faces that an engine found, from which crops and damages follow.
        ("found", pa.string()),
        # How each crop lies in the upright original, see `fit.Matrix`.
        ("crops", pa.list_(pa.list_(pa.float64()))),
        ("samples", pa.list_(SAMPLE)),
    ]
)
_PLANNED = ["source", "sha256", "format", "width", "height", "num_bytes", "found", "renditions"]


def write(layout: Layout, progress: Progress) -> Contents:
    """Writes what is published instead of pictures into `state/recipe-only`.

    Raises:
        MenderyError: the dataset is not finished or not what its manifest says, or its plan was deleted.
    """
    stated = manifests.read(layout.out)
    gate.refuse_removed(layout, stated)
    if not layout.plan.is_file():
        raise MenderyError(
            f"{layout.plan} is gone, which knows where each picture comes from: build again into another folder"
        )
    collect(layout.out)  # refuses shards that are not the manifest's
    if dense := needs_points(stated["recipe"]):
        progress.say("note: the table holds the dense points of every face, which its guides or damages need")
    groups = {shard["name"]: number for number, shard in enumerate(read_json(layout.plan_summary)["shards"])}
    with (
        put(layout.recipe_only / INDEX) as file,
        pq.ParquetWriter(file, SCHEMA, compression="zstd", compression_level=9) as writer,
        pq.ParquetFile(opened(layout.plan)) as plan,
        progress.count("recipe", len(stated["shards"]), 0, "shards") as advance,
    ):
        for shard in stated["shards"]:
            planned = plan.read_row_group(groups[shard["name"]], columns=_PLANNED).to_pylist()
            for row in planned:
                row["found"] = row["found"] if dense else without_points(row["found"])
            rows = list(_rows(layout, stated, shard, {row["sha256"]: row for row in planned}))
            writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), row_group_size=len(rows))
            advance(1)
    put_bytes(layout.recipe_only / REBUILD, layout.manifest.read_bytes())
    put_bytes(layout.recipe_only / "README.md", card(stated).encode())
    return collect_folder(layout.recipe_only)


def needs_points(recipe: dict[str, Any]) -> bool:
    """Whether the dense points of faces decide the bytes of a dataset; if not, they must not leave this machine.

    Args:
        recipe: as the manifest tells it.
    """
    guides = recipe["guides"]
    return bool(guides["landmarks"] or guides["parsing"]) or any(map(_looks_at_faces, recipe["damage"]))


def _looks_at_faces(damage: dict[str, Any]) -> bool:
    """Whether a damage, as the manifest tells it, may look at faces."""
    return "faces" in DAMAGES[damage["kind"]].looks_at or any(map(_looks_at_faces, damage.get("of", [])))


def without_points(found: str) -> str:
    """Faces that an engine found, JSON, without the dense points: from hundreds of them a person might be told."""
    faces = json.loads(found)
    return json.dumps([{name: face[name] for name in face if name not in ("scheme", "points")} for face in faces])


def member_digests(members: dict[str, bytes], names: list[str]) -> bytes:
    """The first bytes of each member's SHA-256, one after the other."""
    return b"".join(hashlib.sha256(members.get(name, b"")).digest()[:MEMBER_DIGEST] for name in names)


def card(manifest: dict[str, Any]) -> str:
    """README.md of a dataset of which only the recipe is published."""
    folder = Path(__file__).parent
    environment = jinja2.Environment(  # noqa: S701  # Markdown of our own manifest, and names that recipes check
        loader=jinja2.FileSystemLoader(folder), undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template("recipe_only.md.j2").render(manifest=manifest, index=INDEX)


def _rows(
    layout: Layout, stated: dict[str, Any], shard: dict[str, Any], planned: dict[str, dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The pictures of one shard that have samples, in the order of their digests."""
    rows: dict[str, dict[str, Any]] = {}
    for _, members in iterate(layout.shard(shard["name"])):
        told = metadata_of(members)
        sha256 = told["source_sha256"]
        if sha256 not in rows:
            row = planned[sha256]
            rows[sha256] = {name: row[name] for name in ("source", "format", "width", "height", "num_bytes", "found")}
            rows[sha256] |= {
                "shard": shard["name"],
                "split": shard["split"],
                "uri": told["source_uri"],
                "sha256": bytes.fromhex(sha256),
                "crops": [crop["matrix"] for crop in row["renditions"]],
                "samples": [],
            }
        sample = {name: told[name] for name in SAMPLE_FIELDS}
        rows[sha256]["samples"].append(sample | {"members": member_digests(members, stated["members"])})
    yield from rows.values()


SAMPLE_FIELDS = tuple(SAMPLE.field(number).name for number in range(SAMPLE.num_fields - 1))
