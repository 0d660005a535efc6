"""What all samples of a dataset say of themselves, counted in one pass over their `json` members.

Cards, Croissant and the licence gate speak of the same pass, so that they cannot disagree. Only `json` is read, by the
byte ranges of the indexes; what is kept grows with the number of pictures, not of samples, and is texts alone.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.layout import Layout
from pipelines.places import ahead, is_remote, place
from pipelines.sample import METADATA_FIELDS, METADATA_MEMBER
from pipelines.shards.read import metadata_of, read_members
from pipelines.storage import opened

BIOMETRIC = frozenset({"descriptor", "embedding", "embeddings", "face_id", "identity", "person", "person_id"})
"""Names under which numbers of a person travel; no field, label or face of a sample may be called so."""

GROUPS = frozenset({"age", "glasses", "group", "mask", "scene", "sex"})
"""Labels that are groups however few pictures there are."""

MOST_VALUES = 40
"""Values from which a label is no longer a group but free text, such as a title."""


class Kind(NamedTuple):
    """Samples that are alike to whoever asks what may be done with them."""

    source: str
    corpus: str
    licence: str


class Credit(NamedTuple):
    """Whom a picture names, and under which licence."""

    licence: str
    corpus: str
    attribution: str
    url: str


@dataclass
class Survey:
    """Counts over all samples.

    Attributes:
        samples: of each kind.
        pictures: of each kind, their SHA-256.
        credits: pictures by whom they name, as (source, source_uri).
        authors: SHA-256 of pictures by kind and whom they name.
        labels: pictures by split, label and value; of labels with many values only `MOST_VALUES` and their number.
        labels_by: who states the labels of a corpus.
        faces: samples that show a face as far as anybody looked.
        faces_by: who found them.
        sizes: pictures by the shorter side of the original, in powers of two.
        biometric: (shard, key, name of the field) of samples that hold what may never leave.
    """

    samples: Counter[Kind] = field(default_factory=Counter)
    pictures: defaultdict[Kind, set[str]] = field(default_factory=lambda: defaultdict(set))
    credits: defaultdict[Credit, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    authors: defaultdict[tuple[Kind, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    labels: defaultdict[str, Counter[tuple[str, str]]] = field(default_factory=lambda: defaultdict(Counter))
    labels_by: dict[str, str] = field(default_factory=dict)
    faces: int = 0
    faces_by: Counter[str] = field(default_factory=Counter)
    sizes: Counter[int] = field(default_factory=Counter)
    biometric: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, shard: str, metadata: dict[str, Any]) -> None:
        """Counts one sample."""
        kind = Kind(metadata["source"], metadata["corpus"], metadata["licence"])
        labels, faces = json.loads(metadata["labels"]), json.loads(metadata["faces"])
        self.samples[kind] += 1
        self.faces += bool(faces)
        told = {*metadata, *labels, *(name for face in faces for name in (*face, *face.get("labels", {})))}
        unknown = set(metadata) - set(METADATA_FIELDS)
        self.biometric += [(shard, metadata["key"], name) for name in sorted((told & BIOMETRIC) | unknown)]
        if metadata["source_sha256"] in self.pictures[kind]:
            return
        self.pictures[kind].add(metadata["source_sha256"])
        credit = Credit(kind.licence, kind.corpus, metadata["attribution"], metadata["licence_url"])
        self.authors[kind, metadata["attribution"]].add(metadata["source_sha256"])
        self.credits[credit].add((kind.source, metadata["source_uri"]))
        self.faces_by.update({str(face.get("by", "")).rpartition("-")[0] or "the corpus" for face in faces})
        self.sizes[min(metadata["original_width"], metadata["original_height"]).bit_length() - 1] += 1
        if labels:
            self.labels_by[kind.corpus] = metadata["labels_by"]
        for name, value in labels.items():
            self.labels[name][metadata["split"], str(value)] += 1

    @property
    def num_pictures(self) -> int:
        return sum(len(pictures) for pictures in self.pictures.values())

    def named(self, without: frozenset[str] = frozenset()) -> dict[tuple[str, str], list[str]]:
        """Whom the pictures of each (source, licence) name, sorted.

        Args:
            without: pictures that do not count, by SHA-256.
        """
        found: dict[tuple[str, str], set[str]] = defaultdict(set)
        for (kind, attribution), pictures in self.authors.items():
            if attribution and pictures - without:
                found[kind.source, kind.licence].add(attribution)
        return {pair: sorted(names) for pair, names in found.items()}

    def groups(self) -> dict[str, dict[str, Counter[str]]]:
        """Declared labels with few values: label, value, pictures by split; of many numbers, by tens."""
        found: dict[str, dict[str, Counter[str]]] = {}
        for name, counts in sorted(self.labels.items()):
            values: dict[str, Counter[str]] = defaultdict(Counter)
            shown = _tens if len({value for _, value in counts}) > MOST_VALUES else str
            for (split, value), count in sorted(counts.items(), key=lambda item: (_number(item[0][1]), item[0][1])):
                values[shown(value)][split] += count
            is_group = name in GROUPS or sum(counts.values()) > len(values)
            if len(values) <= MOST_VALUES and is_group and name != "group_by":
                found[name] = dict(values)
        return found


def _number(value: str) -> float:
    """A label's value as a number to sort by; texts come last."""
    try:
        return float(value)
    except ValueError:
        return math.inf


def _tens(value: str) -> str:
    """The ten that a number such as an age lies in: `20 to 29`."""
    number = _number(value)
    if not math.isfinite(number):
        return value
    low = int(number // 10) * 10
    return f"{low} to {low + 9}"


def survey(out: str | Path, manifest: dict[str, Any]) -> Survey:
    """Reads the `json` of every sample; who asks again for the same dataset gets the same answer, not to be changed.

    Args:
        manifest: of the dataset in `out`, which matches its shards.
    """
    return _survey(str(out), tuple((shard["name"], shard["index_sha256"]) for shard in manifest["shards"]))


@lru_cache(maxsize=1)
def _survey(out: str, shards: tuple[tuple[str, str], ...]) -> Survey:
    layout, found = Layout(place(out)), Survey()
    for shard, _ in shards:
        for metadata in metadata_of_shard(layout, shard):
            found.add(shard, metadata)
    return found


def metadata_of_shard(layout: Layout, shard: str) -> list[dict[str, Any]]:
    """The `json` of all samples of one shard, in their order."""
    members = pc.list_flatten(pq.read_table(opened(layout.index(shard)), columns=["members"])["members"])
    spots = members.filter(pc.equal(pc.struct_field(members, "name"), METADATA_MEMBER)).to_pylist()
    tar = layout.shard(shard)
    if is_remote(tar):  # a request each, but many at a time
        return list(ahead(lambda spot: metadata_of(read_members(tar, [spot])), spots))
    found = []
    with tar.open("rb") as file:
        for spot in spots:
            file.seek(spot["offset"])
            found.append(json.loads(file.read(spot["size"])))
    return found
