"""Verifying: every promise of the sample contract, checked on every sample.

Nothing is taken from memory or from the plan: only what a stranger has who downloaded the dataset,
its shards, indexes and manifest.
"""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import manifest, tombstones
from pipelines.damage import redraw
from pipelines.damage.ageing import Aged
from pipelines.damage.base import difficulty, mask_ratio
from pipelines.damage.pools import PoolMissing, locate, refs
from pipelines.damage.pools import stated as stated_maps
from pipelines.errors import RecipeError
from pipelines.guides import faults as guide_faults
from pipelines.imaging.encode import decode_image, decode_png, encode_image
from pipelines.imaging.fit import Fit
from pipelines.layout import Layout
from pipelines.places import fixed, place
from pipelines.ratios import bin_of
from pipelines.recipe import parse
from pipelines.sample import MASK_MEMBER, METADATA_MEMBER, MISSING, is_key, metadata_faults
from pipelines.shards.read import iterate
from pipelines.spread import cluster, spread
from pipelines.storage import opened, sha256_of

WORTH_RAY = 4000
"""Samples from which several processes beat the seconds that Ray takes to start."""

MEMORY = 2**30

CODEC_ERROR = 1.0
"""Levels by which pictures may differ on the whole between versions of a lossy codec."""


DIFFICULTY_ERROR = 0.01
"""By how much a distance may differ between versions of OpenCV."""


@dataclass(frozen=True)
class Finding:
    """One broken promise.

    Attributes:
        shard: file stem, or "" for the dataset as a whole.
        key: sample, or "" for the shard as a whole.
        kind: short fixed name, for programs.
        text: what was expected and what came, for people.
    """

    shard: str
    key: str
    kind: str
    text: str

    def __str__(self) -> str:
        where = "/".join(part for part in (self.shard, self.key) if part) or "dataset"
        return f"{where}: {self.text}"


@dataclass(frozen=True)
class VerifyJob:
    """One shard to check, with what the manifest says of it and of every sample.

    Attributes:
        stated: the shard's entry in the manifest.
        members: of every sample, in their order.
        ratio_bins: edges of the recipe's bins.
        image: the recipe's `image` block.
        pools, maps: where pools lie, and the kinds of label maps, as `pools.locate` takes them.
    """

    out: str
    stated: dict[str, Any]
    members: list[str]
    ratio_bins: list[float]
    image: Fit
    pools: dict[str, str] = field(default_factory=dict)
    maps: dict[str, str] = field(default_factory=dict)

    @property
    def shard(self) -> str:
        return str(self.stated["name"])


@dataclass(frozen=True)
class ShardFacts:
    """What one shard says, for the checks across shards."""

    findings: tuple[Finding, ...]
    keys: tuple[str, ...]
    pictures: tuple[str, ...]
    unchecked: Counter[str] = field(default_factory=Counter)
    """Masks that were not drawn again, by the pool that is not here."""


class Findings(list[Finding]):
    """Broken promises, and `notes`: sentences on what could not be checked here."""

    notes: tuple[str, ...] = ()


def verify(out: str | Path, workers: int | None = None, pools: Mapping[str, str | Path] | None = None) -> Findings:
    """Checks a finished dataset; an empty list means that every promise is kept.

    Args:
        workers: shards checked at a time, through Ray; None decides by the size of the dataset.
        pools: folder or archive of each pool that damages were drawn from, by name, where the folder of the dataset
            does not tell: only who built it has the recipe with its paths. Masks from a pool that is not here are not
            drawn again, which a note says.

    Raises:
        MenderyError: there is no manifest to check against, or no pool where one is said to be.
    """
    layout = Layout(fixed(place(out)))
    stated = manifest.read(layout.out)
    maps = stated_maps(stated["recipe"]["damage"])
    where = _pools(layout, pools or {}, maps)
    findings = Findings(_check_manifest(stated, layout))
    facts: dict[str, ShardFacts] = {}
    members, ratio_bins = stated["members"], stated["recipe"]["ratio_bins"]
    fit = Fit.model_validate(stated["recipe"]["image"])
    jobs = [VerifyJob(str(layout.out), shard, members, ratio_bins, fit, where, maps) for shard in stated["shards"]]
    for job, found in _run(jobs, workers, sum(shard["samples"] for shard in stated["shards"])):
        facts[job.shard] = found
    splits = {shard["name"]: shard["split"] for shard in stated["shards"]}
    for name in sorted(facts):
        findings += facts[name].findings
    findings += _check_across(facts, splits)
    findings += _check_removed(facts, tombstones.read(layout.tombstones).sha256)
    unchecked = sum((found.unchecked for found in facts.values()), Counter[str]())
    findings.notes = tuple(
        f"pool {name!r} is not here, so {count:,} masks were not drawn again: say where it lies, with --pool "
        f"{name}=PATH"
        for name, count in sorted(unchecked.items())
    )
    return findings


def _pools(layout: Layout, given: Mapping[str, str | Path], maps: Mapping[str, str]) -> dict[str, str]:
    """Where the pools of a dataset lie: as said, else where the recipe beside it says, if they are still there."""
    locate(given, maps)
    found = {name: str(path) for name, path in given.items()}
    if not layout.recipe.is_file():
        return found
    try:
        recipe = parse(layout.recipe.read_bytes().decode(), str(layout.recipe), Path(), None)
    except (RecipeError, OSError, UnicodeDecodeError):
        return found  # of another version, say: nothing here depends on it
    for ref in refs(recipe.damage):
        if ref.name not in found and ref.is_there():
            found[ref.name] = ref.path
    return found


def verify_shard(job: VerifyJob) -> ShardFacts:
    """Checks one shard against the manifest, its index and the contract."""
    layout = Layout(place(job.out))
    path = layout.shard(job.shard)
    if not path.is_file():
        return ShardFacts((Finding(job.shard, "", "missing_shard", f"{path.name} is missing"),), (), ())
    findings = list(_check_digests(layout, job.stated))
    keys: list[str] = []
    pictures: set[str] = set()
    unchecked = Counter[str]()
    locate(job.pools, job.maps)
    try:
        for key, members in iterate(path):
            metadata, faults = _read_metadata(members)
            findings += [Finding(job.shard, key, kind, text) for kind, text in faults]
            if metadata is not None:
                pictures.add(metadata["source_sha256"])
                findings += [
                    Finding(job.shard, key, *fault) for fault in check_sample(key, members, metadata, job, unchecked)
                ]
            keys.append(key)
    except (OSError, ValueError, tarfile.TarError) as error:
        findings.append(Finding(job.shard, "", "broken_tar", f"the tar cannot be read on: {error}"))
    findings += _check_order(job.shard, keys, job.stated["samples"])
    findings += _check_index(layout, job.shard, keys)
    return ShardFacts(tuple(findings), tuple(keys), tuple(sorted(pictures)), unchecked)


def check_sample(
    key: str, members: dict[str, bytes], metadata: dict[str, Any], job: VerifyJob, unchecked: Counter[str]
) -> Iterator[tuple[str, str]]:
    """Faults of one sample, as (kind, text).

    Args:
        unchecked: counts, by pool, a mask that cannot be drawn again without it; changed.
    """
    if not is_key(key):
        yield "key", f"key {key!r} holds more than a-z, 0-9, - and _"
    if list(members) != job.members:
        yield "members", f"members are {list(members)}, expected {job.members}"
        return
    for name, expected in (("key", key), ("split", job.stated["split"])):
        if metadata[name] != expected:
            yield name, f"json says {name} {metadata[name]!r}, expected {expected!r}"
    try:
        image = decode_image(members[_member(job, "image")])
    except Exception as error:  # decoders raise whatever their library raises
        yield "image", f"the image cannot be decoded: {error}"
        return
    size = metadata["size"]
    if image.shape != (size, size, 3):
        yield "image", f"the image is {image.shape}, expected ({size}, {size}, 3)"
    else:
        yield from guide_faults(members, size)
        yield from _check_ageing(image, members, metadata, job)
        if MASK_MEMBER in job.members:
            yield from _check_damage(image, members, metadata, job, unchecked)


def _check_ageing(
    image: np.ndarray[Any, Any], members: dict[str, bytes], metadata: dict[str, Any], job: VerifyJob
) -> Iterator[tuple[str, str]]:
    """Whether the image is what its original becomes: to the bit where it is a PNG, else within `CODEC_ERROR`."""
    name = f"original.{job.image.format}"
    if name not in job.members:
        if metadata["ageing"] != "{}":
            yield "ageing", f"json says how the image was aged, but there is no {name}"
        return
    try:
        original = decode_image(members[name])
        aged = Aged.from_json(metadata["ageing"]).age(original)
        # A lossy image is compared with another one that was encoded the same way.
        expected = aged if metadata["ageing"] == "{}" else decode_image(encode_image(aged, job.image))
    except Exception as error:
        yield "ageing", f"the original cannot be decoded or aged: {error}"
        return
    if original.shape != image.shape:
        yield "ageing", f"the original is {original.shape}, the image {image.shape}"
        return
    difference = float(cv2.absdiff(expected, image).mean())
    if difference > (0 if job.image.format == "png" or metadata["ageing"] == "{}" else CODEC_ERROR):
        yield "ageing", f"the image differs by {difference:.2f} levels from what its original ages to"


def _check_damage(
    image: np.ndarray[Any, Any],
    members: dict[str, bytes],
    metadata: dict[str, Any],
    job: VerifyJob,
    unchecked: Counter[str],
) -> Iterator[tuple[str, str]]:
    try:
        mask = decode_png(members[MASK_MEMBER])
        damaged_member = _member(job, "damaged")
        decode_damaged = decode_png if damaged_member.endswith("png") else decode_image
        damaged = decode_damaged(members[damaged_member])
    except Exception as error:
        yield "decode", f"mask or damaged picture cannot be decoded: {error}"
        return
    if mask.shape != image.shape[:2] or damaged.shape != image.shape:
        yield "shape", f"mask {mask.shape} and damaged {damaged.shape} do not fit the image {image.shape}"
        return
    other = sorted(set(np.unique(mask).tolist()) - {0, MISSING})
    if other:
        yield "mask_values", f"mask must be 0 or {MISSING}, found {other[:5]}"
    changed = np.any(damaged != image, axis=2) & (mask == 0)
    if changed.any():
        row, column = np.argwhere(changed)[0]
        yield "damaged", f"{int(changed.sum())} damaged pixels outside the mask, the first at x {column}, y {row}"
    yield from _check_ratio(mask, metadata, job.ratio_bins)
    try:
        redrawn = redraw(metadata["damage"], metadata["damage_parameters"], image).mask
    except PoolMissing as missing:
        unchecked[missing.name] += 1
        return
    except Exception as error:
        yield "redraw", f"the damage cannot be redrawn from its parameters: {error}"
        return
    if not np.array_equal(redrawn, mask):
        yield "mask", "the mask is not the one that its parameters draw: was it swapped or edited?"


def _check_ratio(mask: np.ndarray[Any, Any], metadata: dict[str, Any], edges: list[float]) -> Iterator[tuple[str, str]]:
    ratio, (low, high) = mask_ratio(mask), metadata["mask_ratio_asked"]
    if ratio != metadata["mask_ratio"]:
        yield "ratio", f"mask ratio is {ratio:.6f}, json says {metadata['mask_ratio']:.6f}"
    if bin_of(ratio, edges) != metadata["mask_ratio_bin"]:
        yield (
            "ratio_bin",
            f"mask ratio {ratio:.6f} lies in bin {bin_of(ratio, edges)}, json says {metadata['mask_ratio_bin']}",
        )
    if not (low < ratio <= high or (low, high) == (0.0, 1.0)):
        yield "ratio_asked", f"mask ratio {ratio:.6f} is outside the asked ({low:g}, {high:g}]"
    if abs(difficulty(mask) - metadata["difficulty"]) > DIFFICULTY_ERROR:
        yield "difficulty", f"difficulty is {difficulty(mask):.4f}, json says {metadata['difficulty']:.4f}"


def _read_metadata(members: dict[str, bytes]) -> tuple[dict[str, Any] | None, list[tuple[str, str]]]:
    """The json member if it can be used, and what is wrong with it."""
    try:
        metadata = json.loads(members[METADATA_MEMBER])
        faults = metadata_faults(metadata)
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        return None, [("json", f"no readable json member: {error!r}")]
    return (None if faults else metadata), [("json", fault) for fault in faults]


def _check_manifest(stated: dict[str, Any], layout: Layout) -> Iterator[Finding]:
    audit = stated["audit"]
    accounted = audit["committed"] + sum(audit["quarantined"].values())
    if audit["planned"] != accounted:
        yield Finding("", "", "audit", f"planned {audit['planned']} samples, accounted for {accounted}")
    listed = {shard["name"] for shard in stated["shards"]}
    if sum(shard["samples"] for shard in stated["shards"]) != audit["committed"]:
        yield Finding("", "", "audit", "the shards' samples do not sum to the committed ones")
    for stray in sorted(path.name for path in layout.shards.glob("*") if path.stem not in listed):
        yield Finding("", "", "stray_file", f"{stray} is not in the manifest")


def _check_digests(layout: Layout, shard: dict[str, Any]) -> Iterator[Finding]:
    for kind, path, expected in (
        ("shard", layout.shard(shard["name"]), shard["sha256"]),
        ("index", layout.index(shard["name"]), shard["index_sha256"]),
    ):
        if not path.is_file():
            yield Finding(shard["name"], "", f"missing_{kind}", f"{path.name} is missing")
        elif (found := sha256_of(path)) != expected:
            yield Finding(
                shard["name"],
                "",
                f"{kind}_sha256",
                f"{path.name} has SHA-256 {found[:12]}..., the manifest {expected[:12]}...",
            )


def _check_order(shard: str, keys: list[str], expected: int) -> Iterator[Finding]:
    for before, after in pairwise(keys):
        if after < before:
            yield Finding(shard, after, "order", f"comes after {before}: samples must be sorted")
    for key, count in Counter(keys).items():
        if count > 1:
            yield Finding(shard, key, "duplicate_key", f"the key stands {count} times in this shard")
    if len(keys) != expected:
        yield Finding(shard, "", "count", f"holds {len(keys)} samples, the manifest says {expected}")


def _check_index(layout: Layout, shard: str, keys: list[str]) -> Iterator[Finding]:
    if not layout.index(shard).is_file():
        return  # reported with the digests
    try:
        indexed = pq.read_table(opened(layout.index(shard)), columns=["key"])["key"].to_pylist()
    except (OSError, pa.ArrowException) as error:
        yield Finding(shard, "", "index", f"the index cannot be read: {error}")
        return
    if indexed != keys:
        yield Finding(
            shard, "", "index", f"the index names {len(indexed)} samples, which are not the {len(keys)} in the tar"
        )


def _check_across(facts: dict[str, ShardFacts], splits: dict[str, str]) -> Iterator[Finding]:
    """Promises that span shards: a key once, a picture in one split only."""
    for kind, what in (("keys", "key"), ("pictures", "picture")):
        seen: dict[str, str] = {}
        for name in sorted(facts):
            for value in sorted(set(getattr(facts[name], kind))):
                first = seen.setdefault(value, name)
                if splits[first] != splits[name]:
                    yield Finding(
                        name,
                        value,
                        f"{what}_in_two_splits",
                        f"{what} is in {splits[first]} ({first}) and in {splits[name]}",
                    )
                elif first != name and kind == "keys":
                    yield Finding(name, value, "duplicate_key", f"the key stands in {first} as well")


def _check_removed(facts: dict[str, ShardFacts], gone: frozenset[str]) -> Iterator[Finding]:
    for name in sorted(facts):
        for sha256 in sorted(gone & set(facts[name].pictures)):
            yield Finding(name, "", "removed", f"picture {sha256[:12]}... was removed, and is still there")


def _member(job: VerifyJob, stem: str) -> str:
    return next(name for name in job.members if name.startswith(f"{stem}."))


def _run(jobs: list[VerifyJob], workers: int | None, samples: int) -> Iterator[tuple[VerifyJob, ShardFacts]]:
    if workers == 1 or (workers is None and samples < WORTH_RAY):
        yield from ((job, verify_shard(job)) for job in jobs)
        return
    with cluster(workers, None) as num_workers:
        yield from spread(verify_shard, jobs, num_workers, MEMORY, lambda job: job.shard)


def to_json(findings: Findings) -> str:
    """Findings for programs."""
    told = {"ok": not findings, "findings": [asdict(finding) for finding in findings], "notes": list(findings.notes)}
    return json.dumps(told, indent=1)
