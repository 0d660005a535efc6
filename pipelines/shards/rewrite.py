"""Shards without some of their samples: for pictures that are removed, and for the part that may be published.

What stays is copied byte by byte, headers and order included, so a shard of which nothing is left out is the same file.
Where a dataset is changed in place, everything is made beside it first (`stage`) and then put in place (`adopt`), file
by file and the manifest last. Who calls them keeps a journal, so that whoever is killed goes on with the same bytes.
"""

from __future__ import annotations

import copy
import shutil
import tarfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines import manifest as manifests
from pipelines.errors import MenderyError
from pipelines.imaging.encode import decode_png
from pipelines.layout import Layout
from pipelines.licences import conflicts
from pipelines.places import place, remove_tree
from pipelines.sample import MASK_MEMBER
from pipelines.shards.compose import HEAT_SIDE
from pipelines.shards.write import INDEX_SCHEMA
from pipelines.storage import digest_of, opened, put, put_bytes, put_json, read_json, sha256_of, sweep

_PIECE = 1 << 20
_UNIT = tarfile.BLOCKSIZE


@dataclass
class Dropped:
    """What was left out, counted for the manifest.

    Attributes:
        samples: of each shard.
        pictures: (source, licence) to the SHA-256 of pictures of which nothing is left.
        heat: (32, 32) sum of what the masks of the left out samples hide, by shard.
    """

    samples: Counter[str] = field(default_factory=Counter)
    pictures: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    heat: dict[str, NDArray[np.int64]] = field(default_factory=dict)

    @property
    def digests(self) -> set[str]:
        return set().union(*self.pictures.values()) if self.pictures else set()


Rows = list[dict[str, Any]]
Leave = Callable[[dict[str, Any]], bool]
"""Whether a sample is left out, by its row in the index."""


def affected(layout: Layout, manifest: dict[str, Any], leave: Leave) -> dict[str, Rows]:
    """Shards that hold samples to be left out, each with all rows of its index."""
    found = {}
    for shard in manifest["shards"]:
        rows = pq.read_table(opened(layout.index(shard["name"]))).to_pylist()
        if any(map(leave, rows)):
            found[shard["name"]] = rows
    return found


def rewrite_shard(source: Path, rows: Rows, leave: Leave, tar: Path, index: Path) -> dict[str, Any]:
    """Writes one shard and its index without some samples; a shard of which nothing is left is not written.

    Args:
        source: the tar as it is.
        rows: its index.
        tar, index: where the new files go.

    Returns:
        `samples`, and `files` as a commit record has them; no files if nothing is left.
    """
    kept = [row for row in rows if not leave(row)]
    if not kept:
        return {"samples": 0, "files": {}}
    with source.open("rb") as old, put(tar) as new:
        moved = [_copy_sample(old, new, row) for row in kept]
        new.write(bytes(2 * _UNIT))
        shard = _described(new)
    with put(index) as file:
        pq.write_table(pa.Table.from_pylist(moved, schema=INDEX_SCHEMA), file, compression="zstd")
        return {"samples": len(kept), "files": {"shard": shard, "index": _described(file)}}


def _copy_sample(old: IO[bytes], new: IO[bytes], row: dict[str, Any]) -> dict[str, Any]:
    """Copies the members of one sample with their headers; gives its row with the new offsets."""
    members = []
    for member in row["members"]:
        members.append(member | {"offset": new.tell() + _UNIT})
        old.seek(member["offset"] - _UNIT)
        left = _UNIT + member["size"] + -member["size"] % _UNIT
        while left:
            piece = old.read(min(left, _PIECE))
            if not piece:
                raise MenderyError(f"{old.name} ends within {row['key']}.{member['name']}: `mendery verify` says more")
            new.write(piece)
            left -= len(piece)
    return row | {"members": members}


def _described(file: IO[bytes]) -> dict[str, Any]:
    file.seek(0)
    return {"sha256": digest_of(file), "bytes": file.tell()}


def count(layout: Layout, shards: dict[str, Rows], leave: Leave) -> Dropped:
    """Counts what would be left out of some shards; reads the masks of these samples."""
    dropped = Dropped()
    for name, rows in shards.items():
        gone = [row for row in rows if leave(row)]
        dropped.samples[name] = len(gone)
        dropped.heat[name] = _heat_of(layout.shard(name), gone)
        # All samples of a picture are in one shard.
        left = {row["source_sha256"] for row in rows if not leave(row)}
        for row in gone:
            if row["source_sha256"] not in left:
                dropped.pictures.setdefault((row["source"], row["licence"]), set()).add(row["source_sha256"])
    return dropped


def _heat_of(tar: Path, rows: Rows) -> NDArray[np.int64]:
    total = np.zeros((HEAT_SIDE, HEAT_SIDE), np.int64)
    with tar.open("rb") as file:
        for row in rows:
            for member in row["members"]:
                if member["name"] == MASK_MEMBER:
                    file.seek(member["offset"])
                    mask = decode_png(file.read(member["size"]))
                    small: NDArray[np.uint8] = cv2.resize(mask, (HEAT_SIDE,) * 2, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
                    total += small
    return total


def refuse_other_bytes(layout: Layout, manifest: dict[str, Any], names: Collection[str]) -> None:
    """Raises MenderyError where a shard that is to be rewritten is not the one of the manifest."""
    for shard in manifest["shards"]:
        if shard["name"] in names and sha256_of(layout.shard(shard["name"])) != shard["sha256"]:
            raise MenderyError(
                f"{layout.manifest} no longer matches shard {shard['name']}: its SHA-256 is another one; "
                "`mendery verify` says what else is wrong"
            )


def manifest_without(
    manifest: dict[str, Any],
    written: dict[str, dict[str, Any]],
    dropped: Dropped,
    reason: str,
    authors: dict[tuple[str, str], list[str]],
    commits: dict[str, dict[str, Any]] | None = None,
    dropped_before: Iterable[tuple[str, str]] = (),
) -> dict[str, Any]:
    """The manifest of a dataset of which some samples were left out.

    Args:
        written: rewritten shards by name, as `rewrite_shard` gives them.
        reason: for which the pictures are dropped now.
        authors: of (source, licence), whom the remaining pictures name; others stay as they are.
        commits: records of all shards before, if they are there: the heat map is then exact, else to four digits.
        dropped_before: source and former reason of pictures that were no part of the dataset, and are now dropped
            for this reason.
    """
    stated = copy.deepcopy(manifest)
    digests = {digest[:20] for digest in dropped.digests}
    lost = [entry for entry in stated["quarantined"] if entry["key"][:20] in digests]
    stated["quarantined"] = [entry for entry in stated["quarantined"] if entry not in lost]
    stated["shards"] = [
        _shard_without(shard, written.get(shard["name"]), dropped.samples[shard["name"]]) for shard in stated["shards"]
    ]
    stated["shards"] = [shard for shard in stated["shards"] if shard["samples"]]
    stated["splits"] = _splits(stated)
    stated["audit"] = _audit_without(stated["audit"], dropped, lost, reason)
    stated["sources"] = [_source_without(source, dropped, reason, authors) for source in stated["sources"]]
    for name, former in dropped_before:
        for entry in (stated["audit"], *(source for source in stated["sources"] if source["name"] == name)):
            moved = Counter(entry["dropped"]) - Counter({former: 1}) + Counter({reason: 1})
            entry["dropped"] = dict(sorted(moved.items()))
    stated["licence_conflicts"] = conflicts(name for source in stated["sources"] for name in source["licences"])
    stated["mask_heat"] = _heat_without(manifest, dropped, commits)
    return stated


def _shard_without(shard: dict[str, Any], written: dict[str, Any] | None, gone: int) -> dict[str, Any]:
    if written is None:
        return shard
    if not written["samples"]:
        return shard | {"samples": 0}
    files = written["files"]
    return shard | {
        "samples": written["samples"],
        "planned": shard["planned"] - gone,
        "bytes": files["shard"]["bytes"],
        "sha256": files["shard"]["sha256"],
        "index_sha256": files["index"]["sha256"],
    }


def _splits(stated: dict[str, Any]) -> dict[str, dict[str, int]]:
    totals = {name: {"shards": 0, "samples": 0, "bytes": 0} for name in stated["splits"]}
    for shard in stated["shards"]:
        of_split = totals[shard["split"]]
        for name, number in (("shards", 1), ("samples", shard["samples"]), ("bytes", shard["bytes"])):
            of_split[name] += number
    return {name: counts for name, counts in totals.items() if counts["samples"]}


def _source_without(
    source: dict[str, Any], dropped: Dropped, reason: str, authors: dict[tuple[str, str], list[str]]
) -> dict[str, Any]:
    gone = {licence: len(found) for (name, licence), found in dropped.pictures.items() if name == source["name"]}
    if not gone:
        return source
    licences = {}
    for name, entry in source["licences"].items():
        left = entry["pictures"] - gone.get(name, 0)
        if left:
            licences[name] = entry | {
                "pictures": left,
                "attribution": authors.get((source["name"], name), entry["attribution"])[:100],
            }
    total = sum(gone.values())
    reasons = Counter(source["dropped"]) + Counter({reason: total})
    return source | {"kept": source["kept"] - total, "dropped": dict(sorted(reasons.items())), "licences": licences}


def _audit_without(audit: dict[str, Any], dropped: Dropped, lost: list[dict[str, str]], reason: str) -> dict[str, Any]:
    total, samples = len(dropped.digests), sum(dropped.samples.values())
    quarantined = Counter(audit["quarantined"]) - Counter(entry["reason"] for entry in lost)
    return audit | {
        "kept": audit["kept"] - total,
        "dropped": dict(sorted((Counter(audit["dropped"]) + Counter({reason: total})).items())),
        "planned": audit["planned"] - samples - len(lost),
        "committed": audit["committed"] - samples,
        "quarantined": dict(sorted(quarantined.items())),
    }


def _heat_without(manifest: dict[str, Any], dropped: Dropped, commits: dict[str, dict[str, Any]] | None) -> list[float]:
    before = manifest["audit"]["committed"]
    if commits is None:
        total = np.array(manifest["mask_heat"]) * 255 * before
    else:
        total = np.sum([np.asarray(commit["heat"], np.float64) for commit in commits.values()], axis=0)
    gone = np.sum([heat.ravel() for heat in dropped.heat.values()], axis=0) if dropped.heat else 0
    left = max(before - sum(dropped.samples.values()), 1)
    return [round(float(min(max(cell, 0.0), 1.0)), 4) for cell in (total - gone) / (255 * left)]


def commits_of(layout: Layout, manifest: dict[str, Any]) -> dict[str, dict[str, Any]] | None:
    """Commit records of all shards, or None where one is missing."""
    names = [shard["name"] for shard in manifest["shards"]]
    there = {path.stem for path in layout.commits.glob("*.json")}
    return {name: read_json(layout.commit(name)) for name in names} if there >= set(names) else None


# --- In place -----------------------------------------------------------------------------------


def stage(layout: Layout, shards: dict[str, Rows], leave: Leave) -> dict[str, dict[str, Any]]:
    """Makes shards without some samples beside the dataset; gives them by name, as `rewrite_shard` does."""
    remove_tree(layout.rewritten)
    return {
        name: rewrite_shard(
            layout.shard(name), rows, leave, layout.rewritten / f"{name}.tar", layout.rewritten / f"{name}.parquet"
        )
        for name, rows in shards.items()
    }


def adopt(layout: Layout, manifest: dict[str, Any], written: dict[str, dict[str, Any]]) -> None:
    """Puts staged shards in place, then the manifest; may be interrupted and done again.

    Args:
        manifest: with these shards.
        written: what `stage` gave.
    """
    for name, made in written.items():
        for staged, target in (
            (layout.rewritten / f"{name}.tar", layout.shard(name)),
            (layout.rewritten / f"{name}.parquet", layout.index(name)),
        ):
            if not made["samples"]:
                target.unlink(missing_ok=True)
            elif staged.is_file():
                staged.replace(target)
    put_json(layout.manifest, manifest)


# --- Into another folder ------------------------------------------------------------------------


def copy_without(
    out: str | Path, to: str | Path, leave: Leave, reason: str, authors: dict[tuple[str, str], list[str]]
) -> dict[str, Any]:
    """Copies a dataset without some samples into another folder; gives the manifest there.

    Continues where it was interrupted: a shard with a commit record is there. What is not the dataset (`state/`, pages)
    is not copied.

    Raises:
        MenderyError: nothing is left, the other folder holds another dataset, or a shard is not that of the manifest.
    """
    layout, target = Layout(place(out).resolve()), Layout(place(to).resolve())
    manifest = manifests.matching(out)
    if target.out == layout.out:
        raise MenderyError(f"{target.out} cannot be copied into itself: name another folder")
    sweep(target.out)
    shards = affected(layout, manifest, leave)
    dropped = count(layout, shards, leave)
    if sum(dropped.samples.values()) == manifest["audit"]["committed"]:
        raise MenderyError(f"nothing of {layout.out} is left to copy")
    made = _made_before(target, manifest) or {
        shard["name"]: _copied(layout, target, shard, shards.get(shard["name"]), leave) for shard in manifest["shards"]
    }
    changed = {name: made[name] for name in shards}
    stated = manifest_without(manifest, changed, dropped, reason, authors, commits_of(layout, manifest))
    if target.manifest.is_file() and read_json(target.manifest) != stated:
        raise MenderyError(f"{target.out} holds another dataset: name another folder")
    if layout.tombstones.is_file():
        put_bytes(target.tombstones, layout.tombstones.read_bytes())
    put_json(target.manifest, stated)
    remove_tree(target.state)
    return stated


def _made_before(target: Layout, manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What a copy that is complete holds, as `rewrite_shard` gives it; nothing where it is not complete."""
    if not target.manifest.is_file():
        return {}
    nothing = {shard["name"]: {"samples": 0, "files": {}} for shard in manifest["shards"]}
    return nothing | {
        shard["name"]: {
            "samples": shard["samples"],
            "files": {
                "shard": {"sha256": shard["sha256"], "bytes": shard["bytes"]},
                "index": {"sha256": shard["index_sha256"]},
            },
        }
        for shard in manifests.matching(target.out)["shards"]
    }


def _copied(layout: Layout, target: Layout, shard: dict[str, Any], rows: Rows | None, leave: Leave) -> dict[str, Any]:
    """One shard in the other folder, made if it is not there; its commit record."""
    name = shard["name"]
    if target.commit(name).is_file():
        made: dict[str, Any] = read_json(target.commit(name))
        return made
    refuse_other_bytes(layout, {"shards": [shard]}, {name})
    if rows is None:
        for source, copied in ((layout.shard(name), target.shard(name)), (layout.index(name), target.index(name))):
            with source.open("rb") as old, put(copied) as new:
                shutil.copyfileobj(old, new, _PIECE)
        made = {"samples": shard["samples"], "files": {}}
    else:
        made = rewrite_shard(layout.shard(name), rows, leave, target.shard(name), target.index(name))
    put_json(target.commit(name), made)
    return made
