"""A dataset that Mendery built, as a source: the same pictures once more, with other damage.

Nothing is found out again. Labels, faces, label maps, licences and splits are those that its samples tell; the picture
is the clean one, which is taken over byte by byte where size and format stay what they are. What its samples do not
tell, such as who is shown, cannot be known here: so its splits are kept, which once were made with that knowledge.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow.parquet as pq
from pydantic import Field

from pipelines.errors import MenderyError, RecipeError
from pipelines.layout import Layout
from pipelines.places import ahead, fixed, is_remote, place
from pipelines.sources.base import Listing, Location, Source
from pipelines.sources.files import refuse_urls
from pipelines.storage import opened

COLUMNS = ["key", "source_sha256", "crop", "variant", "members"]
MAPS = ("parsing", "segments")

Row = dict[str, Any]


class DatasetSource(Source):
    """The clean pictures of a dataset that Mendery built or published, with all that its samples tell of them."""

    type: Literal["dataset"] = "dataset"
    path: str = Field(description="Folder of the dataset, s3://bucket/prefix, or hub:OWNER/NAME[@REVISION].")
    manifest_sha256: str = Field(
        "", description="SHA-256 of its manifest.json: filled in where it is empty; another one is refused."
    )
    as_stored: ClassVar[bool] = True

    def root(self) -> Path:
        return place(self.path, self.s3)

    def check(self) -> None:
        """Finds the dataset and fixes which state of it is meant."""
        refuse_urls(self.path)
        try:
            root = fixed(self.root())
            stated, digest = read_manifest(root)
        except MenderyError as error:
            raise RecipeError(str(error)) from None
        if self.manifest_sha256 not in ("", digest):
            raise RecipeError(
                f"{self.path}: its manifest has SHA-256 {digest[:12]}..., the recipe names {self.manifest_sha256[:12]}"
                f"...: it is another state of {stated['name']!r}"
            )
        self.path, self.manifest_sha256 = str(root), digest

    def lineage(self) -> dict[str, str]:
        """Which dataset, which version, which manifest."""
        stated, digest = read_manifest(self.root())
        return {"source": self.name, "name": stated["name"], "version": stated["version"], "manifest_sha256": digest}

    def image_block(self) -> dict[str, Any]:
        """How its pictures are stored, as a recipe's `image` block says it."""
        return image_block(read_manifest(self.root())[0])

    def locate(self, listing: Listing) -> Iterator[Location]:
        root = fixed(self.root())
        stated, digest = read_manifest(root)
        if self.manifest_sha256 not in ("", digest):
            raise RecipeError(f"{self.path} has changed since the recipe was read: its manifest is another one")
        layout = Layout(root)
        for shard in stated["shards"]:
            yield from self._of_shard(layout, shard, listing)

    def _of_shard(self, layout: Layout, shard: dict[str, Any], listing: Listing) -> Iterator[Location]:
        from pipelines.sources.stores import store_of

        file = f"shards/{shard['name']}.tar"
        opened_file = store_of(layout.out).open(file)
        opened_file.stream.close()
        version = {"mtime_ns": opened_file.mtime_ns, "etag": opened_file.etag}
        rows = list(_firsts(pq.read_table(opened(layout.index(shard["name"])), columns=COLUMNS).to_pylist()))
        tar = layout.shard(shard["name"])

        def read(row: Row) -> Iterator[Location]:
            return self._of_sample(row, tar, file, shard["split"], version, listing)

        # Far away every sample is a request of its own, so many are asked for at once.
        for found in ahead(read, rows) if is_remote(layout.out) else map(read, rows):
            yield from found

    def _of_sample(
        self, row: Row, tar: Path, file: str, split: str, version: dict[str, Any], listing: Listing
    ) -> Iterator[Location]:
        from pipelines.labels import identity_digest

        members = {member["name"]: member for member in row["members"]}
        # An aged picture has its clean one beside it.
        clean = next(name for kind in ("original", "image") for name in members if name.startswith(f"{kind}."))
        with tar.open("rb") as stream:
            told = json.loads(_read(stream, members["json"]))
            faces = json.loads(told["faces"])
            if "landmarks.npy" in members:
                points = np.load(io.BytesIO(_read(stream, members["landmarks.npy"])), allow_pickle=False)
                faces.append({"scheme": "ibug-68", "points": points.astype(float).tolist()})
        yield Location(
            uri=f"{file}!/{row['key']}.{clean}",
            file=file,
            container="tar",
            offset=members[clean]["offset"],
            stored_size=members[clean]["size"],
            size=members[clean]["size"],
            split=self.split or split,
            labels=told["labels"],
            identity=identity_digest("crops of one picture", row["source_sha256"], listing.salt),
            faces=json.dumps(faces, separators=(",", ":")),
            guides=_guides(members, json.loads(told["guides"]), file, version),
            licence=told["licence"],
            licence_url=told["licence_url"],
            attribution=told["attribution"],
            corpus=told["corpus"],
            labels_by=told["labels_by"],
            **version,
        )


def read_manifest(root: Path) -> tuple[dict[str, Any], str]:
    """Manifest of a dataset, and its SHA-256.

    Raises:
        MenderyError: there is none.
    """
    from pipelines import manifest as manifests  # which itself imports the sources

    stated = manifests.read(root)
    return stated, hashlib.sha256(Layout(root).manifest.read_bytes()).hexdigest()


def image_block(manifest: dict[str, Any]) -> dict[str, Any]:
    """How the pictures of a dataset are stored, as a recipe's `image` block says it."""
    image = manifest["recipe"]["image"]
    return {name: image[name] for name in ("size", "format", "quality", "subsampling", "damaged_format")}


def _firsts(rows: list[Row]) -> Iterator[Row]:
    """One sample of every crop: its variants share the clean picture."""
    seen: set[tuple[str, int]] = set()
    for row in rows:
        crop = (row["source_sha256"], row["crop"])
        if crop not in seen:
            seen.add(crop)
            yield row


def _guides(members: dict[str, Row], schemes: dict[str, str], file: str, version: dict[str, Any]) -> str:
    """The label maps that lie beside the picture, as a catalog names them."""
    from pipelines.labels import Guide, dump

    found = {}
    for name in MAPS:
        if (member := members.get(f"{name}.png")) and name in schemes:
            place = {"offset": member["offset"], "stored_size": member["size"], "size": member["size"]}
            location = Location(f"{file}!/{name}", file, "tar", **place, **version)
            found[name] = Guide(schemes[name], {"": location}).to_dict()
    return dump(found)


def _read(stream: Any, member: Row) -> bytes:
    stream.seek(member["offset"])
    data: bytes = stream.read(member["size"])
    return data
