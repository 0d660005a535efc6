"""The manifest: what a finished dataset is, written last.

It holds what decides the dataset and what was found about it, and nothing of when, where and by whom
it was built: two builds of the same recipe from the same bytes have the same manifest.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import catalog
from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.licences import conflicts, terms
from pipelines.places import place
from pipelines.recipe import Recipe
from pipelines.sample import CONTRACT_VERSION, MASK_MEMBER, METADATA_MEMBER
from pipelines.shards.compose import HEAT_SIDE
from pipelines.sources.dataset import DatasetSource
from pipelines.storage import opened, put_json, read_json, sha256_of


def write(recipe: Recipe, layout: Layout, plan: dict[str, Any], commits: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Audits the commits against the plan and writes the manifest; gives it."""
    curated = pq.read_table(
        opened(layout.curated), columns=["source", "reason", "licence", "attribution", "licence_url"]
    )
    shards = [_shard(planned, commits[planned["name"]]) for planned in plan["shards"]]
    quarantined = [entry for planned in plan["shards"] for entry in commits[planned["name"]]["quarantined"]]
    sources = [_source(number, recipe, curated) for number in range(len(recipe.sources))]
    manifest = {
        "contract_version": CONTRACT_VERSION,
        "name": recipe.name,
        "version": recipe.version,
        "description": recipe.description,
        "recipe": recipe.portable(),
        "recipe_sha256": recipe.digest(),
        "versions": plan["versions"],
        "members": members(recipe),
        "sources": sources,
        "lineage": [source.lineage() for source in recipe.sources if isinstance(source, DatasetSource)],
        "licence_conflicts": conflicts(licence for source in sources for licence in source["licences"]),
        "balance": read_json(layout.balance) if recipe.balance else {},
        "audit": _audit(plan, curated, shards, quarantined, layout),
        "quarantined": quarantined,
        **of_commits(plan["shards"], commits),
    }
    audit = manifest["audit"]
    if audit["planned"] != audit["committed"] + sum(audit["quarantined"].values()):
        raise MenderyError(f"the audit does not add up: {audit}; delete {layout.commits} and build again")
    put_json(layout.manifest, manifest)
    return manifest


def of_commits(planned: list[dict[str, Any]], commits: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What a manifest says of the shards that were written.

    Args:
        planned: `name`, `split` and planned `samples` of each.
    """
    shards = [_shard(shard, commits[shard["name"]]) for shard in planned]
    kept = [shard for shard in shards if shard["samples"]]
    return {"splits": _splits(shards), "shards": kept, "mask_heat": _heat(commits)}


def read(out: str | Path) -> dict[str, Any]:
    """Manifest of a finished build.

    Raises:
        MenderyError: there is none, or it is of a newer program.
    """
    layout = Layout(place(out))
    if not layout.manifest.is_file():
        hint = (
            "the build is not complete; `mendery status` says how far it is"
            if layout.state.is_dir()
            else f"only its recipe is published; `mendery rebuild {out}` makes it from your copy of the corpora"
            if (layout.out / "rebuild.json").is_file()
            else "is this a dataset?"
        )
        raise MenderyError(f"no {layout.manifest}: {hint}")
    try:
        manifest: dict[str, Any] = read_json(layout.manifest)
    except ValueError as error:
        raise MenderyError(f"{layout.manifest} is not a manifest: {error}") from None
    if not isinstance(manifest, dict) or manifest.get("contract_version") != CONTRACT_VERSION:
        raise MenderyError(f"{layout.manifest} is not of contract version {CONTRACT_VERSION}, which this program reads")
    return manifest


def matching(out: str | Path) -> dict[str, Any]:
    """Manifest of a finished build whose files are there as it states them: sizes of shards, digests of indexes.

    Shards themselves are not read; `mendery verify` does.

    Raises:
        MenderyError: naming the first shard that is not as stated.
    """
    manifest, layout = read(out), Layout(place(out))
    for shard in manifest["shards"]:
        if fault := _mismatch(layout, shard):
            interrupted = layout.rewritten.is_dir()
            todo = (
                f"a removal was interrupted: `mendery remove {out}` goes on with it"
                if interrupted
                else "was it changed by hand? `mendery verify` says what else is wrong"
            )
            raise MenderyError(f"{layout.manifest} no longer matches shard {shard['name']}: {fault}; {todo}")
    return manifest


def _mismatch(layout: Layout, shard: dict[str, Any]) -> str:
    """How the files of one shard differ from what is stated of them; "" where they do not."""
    tar, index = layout.shard(shard["name"]), layout.index(shard["name"])
    for path in (tar, index):
        if not path.is_file():
            return f"{path.name} is missing"
    if (size := tar.stat().st_size) != shard["bytes"]:
        return f"{tar.name} has {size:,} bytes instead of {shard['bytes']:,}"
    if sha256_of(index) != shard["index_sha256"]:
        return f"{index.name} has another SHA-256"
    return ""


def members(recipe: Recipe) -> list[str]:
    """Members of every sample, in their order."""
    names = [f"image.{recipe.image.format}", METADATA_MEMBER, *recipe.guides.members()]
    if recipe.ageing:
        names.append(f"original.{recipe.image.format}")
    if recipe.damage:
        names += [f"damaged.{recipe.image.damaged_format}", MASK_MEMBER]
    return sorted(names)


def _shard(planned: dict[str, Any], commit: dict[str, Any]) -> dict[str, Any]:
    files = commit["files"]
    return {
        "name": planned["name"],
        "split": planned["split"],
        "samples": commit["samples"],
        "planned": planned["samples"],
        "bytes": files["shard"]["bytes"],
        "sha256": files["shard"]["sha256"],
        "index_sha256": files["index"]["sha256"],
    }


def _source(number: int, recipe: Recipe, curated: pa.Table) -> dict[str, Any]:
    """What came of one source: counts, and whom its kept pictures name."""
    source = recipe.sources[number]
    rows = curated.filter(pa.compute.equal(curated["source"], number)).to_pylist()
    kept = [row for row in rows if not row["reason"]]
    licences: dict[str, dict[str, Any]] = {}
    credit: dict[str, set[str]] = defaultdict(set)
    for row in kept:
        name = row["licence"] or source.licence
        entry = licences.setdefault(name, {"pictures": 0, "redistribute": terms(name).redistribute})
        entry["pictures"] += 1
        credit[name].add(row["attribution"] or source.attribution)
    for name, entry in licences.items():
        # Millions of photographs have as many authors; those stand in the samples.
        entry["attribution"] = sorted(credit[name] - {""})[:100]
    return {
        "name": source.name,
        "corpus": source.corpus_name(),
        "found": len(rows),
        "kept": len(kept),
        "dropped": dict(sorted(Counter(row["reason"] for row in rows if row["reason"]).items())),
        "licences": dict(sorted(licences.items())),
    }


def _splits(shards: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    splits: dict[str, dict[str, int]] = {}
    for shard in shards:
        totals = splits.setdefault(shard["split"], {"shards": 0, "samples": 0, "bytes": 0})
        totals["shards"] += bool(shard["samples"])
        totals["samples"] += shard["samples"]
        totals["bytes"] += shard["bytes"] if shard["samples"] else 0
    return splits


def _audit(
    plan: dict[str, Any],
    curated: pa.Table,
    shards: list[dict[str, Any]],
    quarantined: list[dict[str, str]],
    layout: Layout,
) -> dict[str, Any]:
    reasons = Counter(curated["reason"].to_pylist())
    kept = reasons.pop("", 0)
    return {
        "ignored_files": catalog.ignored_files(layout.catalog),
        "found": curated.num_rows,
        "kept": kept,
        "dropped": dict(sorted(reasons.items())),
        "planned": plan["samples"],
        "committed": sum(shard["samples"] for shard in shards),
        "quarantined": dict(sorted(Counter(entry["reason"] for entry in quarantined).items())),
    }


def _heat(commits: dict[str, dict[str, Any]]) -> list[float]:
    """Share of the samples in which each cell of a 32 x 32 grid is missing, row by row."""
    total = np.sum([np.asarray(commit["heat"], np.int64) for commit in commits.values()], axis=0)
    samples = sum(commit["samples"] for commit in commits.values())
    assert total.shape == (HEAT_SIDE * HEAT_SIDE,)
    return [round(float(cell), 4) for cell in total / (255 * max(samples, 1))]
