"""Rebuilding a dataset of which only the recipe is published, from one's own copy of its corpora.

    published table -> list the copies -> match by SHA-256 -> the published plan -> shards -> digests

Nothing is curated: which pictures are in it, in which split and shard, was decided when it was built, and a copy that
lacks some must not decide otherwise. What corpora say of their pictures is read from the copy. The rebuilt dataset has
the published manifest, or there is none and every picture that differs is named.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from pipelines import catalog
from pipelines.corpora import CORPORA
from pipelines.curate import numbers, packs
from pipelines.curate.measure import parsed, with_guides
from pipelines.curate.readers import Readers, bytes_of, listed, wanted
from pipelines.damage.pools import SHIPPED, refs
from pipelines.errors import BadPicture, MenderyError, RecipeError
from pipelines.faces import with_five
from pipelines.hub import SCHEME
from pipelines.imaging.decode import inspect
from pipelines.imaging.render import render
from pipelines.layout import Layout
from pipelines.places import fixed, place, remove_tree
from pipelines.progress import Progress, only_one
from pipelines.recipe import Recipe
from pipelines.sources import SOURCES
from pipelines.sources.base import Listing, decode_path
from pipelines.storage import opened, put, put_bytes, put_json, read_json

MATCHED = pa.schema(
    [("sha256", pa.string()), ("format", pa.string()), ("width", pa.int32()), ("height", pa.int32()),
     ("num_bytes", pa.int64()), ("fault", pa.string())]
)  # fmt: skip

NAMED = 10
"""Pictures that a message names; the file beside it has all."""


@dataclass(frozen=True)
class Difference:
    """A picture or sample that is not as published.

    Attributes:
        kind: "missing", "altered", "unreadable" or, of a sample that was made, "differs".
        shard, keys: where its samples stand.
    """

    source: str
    uri: str
    kind: str
    text: str
    shard: str = ""
    keys: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.source}: {decode_path(self.uri)}: {self.text}"


@dataclass(frozen=True)
class MatchJob:
    """One part of the copy's catalog."""

    out: str
    recipe: str
    part: int


def rebuild(
    published: str | Path,
    sources: Mapping[str, str | Path],
    out: str | Path,
    *,
    pools: Mapping[str, str | Path] | None = None,
    partial: bool = False,
    workers: int | None = None,
    address: str | None = None,
    quiet: bool = True,
) -> dict[str, Any]:
    """Makes the published dataset from one's own copy of its corpora, or continues to.

    Args:
        published: "owner/name" on the Hub, `hub:owner/name@revision`, `s3://bucket/prefix` or a folder.
        sources: path by name of the source, or of its corpus; `name.field` for another folder that a source needs.
        out: folder of the dataset.
        pools: folder or archive of each pool that damages are drawn from, by name.
        partial: where the copies lack pictures, make the rest as it was published, with a manifest that says so. The
            same again looks for what was lacking.
        workers, address, quiet: as those of `build`.

    Returns:
        The manifest, which is the published one unless it is partial.

    Raises:
        MenderyError: pictures are missing or differ, or what was made of them does; each is named.
    """
    from pipelines import manifest as manifests
    from pipelines.publish.report import report
    from pipelines.spread import cluster

    layout = Layout(place(out).resolve())
    with only_one(layout), Progress(layout.log, quiet) as progress:
        lacking: list[Difference] = []
        partial = _forget_partial(layout) or partial
        stated, recipe = _begin(layout, _published(published), sources, pools or {}, progress)
        if not layout.manifest.is_file():
            with cluster(workers, address) as num_workers:
                _match(recipe, layout, num_workers, progress)
                lacking = _plan(recipe, layout)
                if lacking and partial:
                    progress.say(f"{len(lacking):,} pictures are not as published; the rest is made")
                else:
                    _refuse(lacking, layout, stated, "your copy of the pictures is not the one it was made of")
                _write_shards(recipe, layout, stated, num_workers, progress)
            _refuse(list(_compare(layout, stated, lacking)), layout, stated, "what was made is not what was published")
            if lacking:
                put_json(layout.manifest, _partial(layout, stated, lacking))
            else:
                put_bytes(layout.manifest, (layout.state / "rebuild.json").read_bytes())
            report(layout.out)
        for folder in (layout.renditions, layout.state / "matched"):
            remove_tree(folder)
    return manifests.read(layout.out)


def _forget_partial(layout: Layout) -> bool:
    """Makes ready to try again where an earlier rebuild lacked pictures; gives whether one did."""
    if not layout.manifest.is_file() or "rebuilt_from" not in read_json(layout.manifest):
        return False
    whole = {shard["name"]: shard["sha256"] for shard in read_json(layout.state / "rebuild.json")["shards"]}
    layout.manifest.unlink()
    for path in (layout.report, layout.catalog):
        path.unlink(missing_ok=True)
    for name, sha256 in whole.items():
        if read_json(layout.commit(name))["files"]["shard"]["sha256"] != sha256:
            layout.commit(name).unlink()
    return True


def _published(text: str | Path) -> Path:
    """The place that holds the recipe; `owner/name` that is no folder here is one on the Hub."""
    on_hub = re.fullmatch(r"[\w.-]+/[\w.-]+(@[\w./-]+)?", str(text)) and not Path(text).exists()
    return fixed(place(f"{SCHEME}{text}" if on_hub else text))


def _begin(
    layout: Layout,
    folder: Path,
    sources: Mapping[str, str | Path],
    pools: Mapping[str, str | Path],
    progress: Progress,
) -> tuple[dict[str, Any], Recipe]:
    """Takes over what is published, and lists the copies.

    Raises:
        MenderyError: no recipe is published there, or `out` holds something else.
    """
    from pipelines.versions import versions

    told = folder / "rebuild.json"
    if not told.is_file():
        full = (folder / "manifest.json").is_file()
        hint = "it holds the dataset itself, which needs no rebuilding" if full else "is the name right?"
        raise MenderyError(f"{folder}: no recipe is published there ({told.name}): {hint}")
    data, kept = told.read_bytes(), layout.state / "rebuild.json"
    if (kept.is_file() and kept.read_bytes() != data) or (layout.begun_with.is_file() and not kept.is_file()):
        raise MenderyError(f"{layout.out} was begun with something else: use another --out")
    if not kept.is_file():
        put_bytes(layout.state / "wanted.parquet", (folder / "rebuild.parquet").read_bytes())
        put_bytes(kept, data)
    stated: dict[str, Any] = read_json(kept)
    put_json(layout.begun_with, stated["recipe"])
    here = versions()
    if other := [f"{name} {here.get(name)} here, {was} there" for name, was in stated["versions"].items()
                 if here.get(name) != was]:  # fmt: skip
        progress.say(f"note: other versions may give other bytes: {'; '.join(other)}")
    recipe = _recipe(stated, sources, pools)
    if not layout.catalog.is_file():
        progress.say(f"listing {len(recipe.sources)} source{'s' if len(recipe.sources) > 1 else ''}")
        everything = recipe.model_copy(deep=True)
        for source in everything.sources:  # which pictures are wanted is known already
            source.where, source.limit, source.sample = "", None, None
        catalog.write(everything, layout.catalog, Listing(layout.gzip_indexes, b"rebuild"))
    return stated, recipe


def _recipe(stated: dict[str, Any], sources: Mapping[str, str | Path], pools: Mapping[str, str | Path]) -> Recipe:
    """The published recipe over one's own copies.

    Raises:
        RecipeError: a source or a pool has no copy, or another one, or none of that name is in the recipe.
    """
    plain, used = copy.deepcopy(stated["recipe"]), set[str]()
    plain.pop("tombstones", None)  # they have done their work
    missing = []
    for source in plain["sources"]:
        # A path that was given is not published; another folder that was not given stands there empty.
        kind = (SOURCES | CORPORA)[source.get("corpus") or source["type"]]
        for field in ("path", *(name for name in kind.extra_paths if name not in source)):
            end = "" if field == "path" else f".{field}"
            names = [f"{name}{end}" for name in (source["name"], source.get("corpus")) if f"{name}{end}" in sources]
            if names:
                source[field] = _absolute(sources[names[0]])
                used.add(names[0])
            else:
                missing.append(f"--source {source['name']}{end}=PATH")
    digests: dict[str, str] = {}
    plain["damage"] = _with_pools(plain["damage"], pools, digests)
    missing += [f"--pool {name}=PATH" for name in digests if name not in pools and name not in SHIPPED]
    if missing:
        raise RecipeError(f"{stated['name']} is made of your own copies: add {' '.join(missing)}")
    if unknown := sorted(set(sources) - used):
        raise RecipeError(f"no source {unknown[0]!r} in it; it has {', '.join(s['name'] for s in plain['sources'])}")
    try:
        recipe = Recipe.model_validate(plain)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        raise RecipeError(f"the published recipe is not of this version of Mendery: {where}: {fault['msg']}") from None
    for ref in refs(recipe.damage):
        if ref.open().sha256 != digests[ref.name]:
            raise RecipeError(f"{ref.path}: the pool {ref.name!r} holds other pictures than the dataset was made with")
    for source in recipe.sources:
        source.check()
        for name in source.extra_paths:
            source.check_extra(name)
    return recipe


def _with_pools(value: Any, pools: Mapping[str, str | Path], digests: dict[str, str]) -> Any:
    """Damages with the places of their pools, of which a published recipe tells names and digests only."""
    if isinstance(value, list):
        return [_with_pools(part, pools, digests) for part in value]
    if not isinstance(value, dict):
        return value
    if {"name", "sha256"} <= value.keys() <= {"name", "sha256", "maps"}:
        name = value["name"]
        digests[name] = value["sha256"]
        return {"path": str(pools.get(name, name)), "name": name, "maps": value.get("maps", "")}
    return {key: _with_pools(part, pools, digests) for key, part in value.items()}


def _absolute(path: str | Path) -> str:
    text = str(path)
    return text if ":" in text.split("/", maxsplit=1)[0] else str(Path(text).expanduser().absolute())


def _match(recipe: Recipe, layout: Layout, workers: int, progress: Progress) -> None:
    """Reads every picture of the copies once; of those that are wanted the crops are made."""
    from pipelines.build import TASK_MEMORY
    from pipelines.spread import spread

    sizes = catalog.part_sizes(layout.catalog)
    missing = [part for part in range(len(sizes)) if not _matched(layout, part).is_file()]
    jobs = [MatchJob(str(layout.out), recipe.model_dump_json(), part) for part in missing]
    with progress.count("match", sum(sizes), sum(sizes) - sum(sizes[part] for part in missing)) as advance:
        for job, _ in spread(match_part, jobs, workers, TASK_MEMORY, lambda job: f"matching part {job.part}"):
            advance(sizes[job.part])


def match_part(job: MatchJob) -> None:
    """Digests the pictures of one part, and makes the crops of those that are wanted."""
    layout, recipe = Layout(place(job.out)), parsed(job.recipe)
    rows = catalog.read_part(layout.catalog, job.part)
    faces = _wanted_faces(job.out)
    with Readers(recipe, layout) as readers, packs.writing(layout, job.part) as pack:
        outcomes = readers.read_all(wanted(rows))
        found = [
            _measure(outcome, recipe, row, number, readers, pack, faces)
            for number, (row, outcome) in enumerate(zip(rows, outcomes, strict=True))
        ]
    with put(_matched(layout, job.part)) as file:
        pq.write_table(pa.Table.from_pylist(found, schema=MATCHED), file, compression="zstd")


def _measure(
    outcome: bytes | BadPicture,
    recipe: Recipe,
    row: dict[str, Any],
    number: int,
    readers: Readers,
    pack: packs.Pack,
    faces: dict[str, str],
) -> dict[str, Any]:
    """What a picture is; if it is wanted, its crops go into the pack."""
    from pipelines.imaging.decode import decode

    told: dict[str, Any] = {"sha256": "", "format": "", "width": 0, "height": 0, "num_bytes": 0, "fault": ""}
    try:
        data = bytes_of(outcome)
        told |= {"sha256": hashlib.sha256(data).hexdigest(), "num_bytes": len(data)}
        header = inspect(data, max_pixels=recipe.curate.max_pixels)
        told |= {"format": header.format, "width": header.width, "height": header.height}
        if told["sha256"] in faces:
            said, known = listed(row, readers), faces[told["sha256"]]
            # As when it was measured: some measurements want the whole picture, which scaled decoding does not give.
            picture = decode(data, header) if numbers.asked(recipe.curate) else None
            declared = with_five(said.faces, known)
            crops = render(data, header, recipe.image, recipe.seed, told["sha256"], declared, picture, said.as_stored)
            pack.add(number, with_guides(crops, recipe, {**told, "found": known}, said))
    except BadPicture as bad:
        told["fault"] = str(bad)
    return told


@lru_cache(maxsize=2)
def _wanted_faces(out: str) -> dict[str, str]:
    """Faces that were found in each picture that is wanted, by its digest."""
    table = pq.read_table(opened(Layout(place(out)).state / "wanted.parquet"), columns=["sha256", "found"])
    digests, found = table["sha256"].to_pylist(), table["found"].to_pylist()
    return {digest.hex(): faces for digest, faces in zip(digests, found, strict=True)}


def _matched(layout: Layout, part: int) -> Path:
    return layout.state / "matched" / f"part-{part:06d}.parquet"


def _plan(recipe: Recipe, layout: Layout) -> list[Difference]:
    """Writes the plan as it was published, over the pictures of the copies; gives those that are not there."""
    from pipelines.shards.plan import SCHEMA

    index, differences = _Copies(recipe, layout), []
    with (
        put(layout.plan) as file,
        pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer,
        pq.ParquetFile(opened(layout.state / "wanted.parquet")) as table,
    ):
        for group in range(table.num_row_groups):
            rows = []
            for row in table.read_row_group(group).to_pylist():
                if (found := index.find(row)) is None:
                    keys = tuple(sample["key"] for sample in row["samples"])
                    differences.append(replace(index.explain(row), shard=row["shard"], keys=keys))
                else:
                    rows.append(found)
            writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), row_group_size=max(1, len(rows)))
    return differences


class _Copies:
    """The pictures of one's copies: by what they are, and by where they stand."""

    def __init__(self, recipe: Recipe, layout: Layout) -> None:
        self._recipe, self._layout = recipe, layout
        # By source too: what a corpus says of a picture is not what another one does that has the same.
        self._by_digest: dict[tuple[int, str], list[tuple[int, int, str]]] = defaultdict(list)
        self._by_name: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
        self._parts = lru_cache(maxsize=8)(self._read)
        for part in range(len(catalog.part_sizes(layout.catalog))):
            rows = catalog.read_part(layout.catalog, part)
            matched = pq.read_table(opened(_matched(layout, part))).to_pylist()
            for number, (row, told) in enumerate(zip(rows, matched, strict=True)):
                uri = recipe.sources[row["source"]].public_uri(row["uri"])
                self._by_digest[row["source"], told["sha256"]].append((part, number, uri))
                self._by_name[row["source"], _base(uri)].append(told | {"uri": uri})

    def _read(self, part: int) -> tuple[list[dict[str, Any]], dict[int, Any]]:
        crops = packs.crops_of(self._layout, part).to_pylist()
        return catalog.read_part(self._layout.catalog, part), {row["row"]: row["renditions"] for row in crops}

    def find(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """A row of the plan; None if no copy of the picture could be used."""
        spots = self._by_digest.get((row["source"], row["sha256"].hex()), [])
        # Of equal pictures at several places the one that stands where it did: others may be labelled otherwise.
        for part, number, _ in sorted(spots, key=lambda spot: (spot[2] != row["uri"], spot)):
            rows, crops = self._parts(part)
            if number in crops:
                told = {name: rows[number][name] for name in _TOLD}
                kept = {name: row[name] for name in ("source", "uri", "split", "width", "height", "found")}
                place = {"part": part, "row": number, "sha256": row["sha256"].hex(), "reason": ""}
                return {**told, **kept, **place, "renditions": crops[number]}
        return None

    def explain(self, row: dict[str, Any]) -> Difference:
        """Why a picture cannot be used: what stands where it stood."""
        name = self._recipe.sources[row["source"]].name
        same = self._by_digest.get((row["source"], row["sha256"].hex()))
        alike = self._by_name.get((row["source"], _base(row["uri"])), [])
        there = next((one for one in alike if one["uri"] == row["uri"]), alike[0] if len(alike) == 1 else None)
        if same:
            return Difference(name, row["uri"], "unreadable", "it is there, and cannot be decoded here")
        if there is None:
            return Difference(name, row["uri"], "missing", "missing")
        if not there["sha256"] or not there["format"]:
            return Difference(name, row["uri"], "unreadable", f"cannot be read: {there['fault']}")
        return Difference(name, row["uri"], "altered", _altered(row, there))


_TOLD = ("labels", "faces", "guides", "licence", "licence_url", "attribution", "corpus", "labels_by")


def _base(uri: str) -> str:
    return uri.rpartition("/")[2]


def _altered(row: dict[str, Any], there: dict[str, Any]) -> str:
    """What is other about a picture of other bytes."""
    was, now = (f"{one['format'].upper()} of {one['width']} x {one['height']}" for one in (row, there))
    counts = f"{there['num_bytes']:,} bytes instead of {row['num_bytes']:,}"
    if was == now:
        return f"other bytes: edited or encoded again ({counts}, {now} as before)"
    if row["format"] == there["format"]:
        return f"other bytes: resized, or another picture ({now} instead of {was})"
    return f"other bytes: encoded again, or another picture ({now} instead of {was})"


def _write_shards(recipe: Recipe, layout: Layout, stated: dict[str, Any], workers: int, progress: Progress) -> None:
    """Writes every shard that has no commit record, as a build does."""
    from pipelines.build import TASK_MEMORY
    from pipelines.shards.write import ShardJob, committed, write_shard
    from pipelines.spread import spread
    from pipelines.versions import versions

    names = {shard["name"]: shard["samples"] for shard in stated["shards"]}
    finished, here = committed(layout, list(names)), tuple(sorted(versions().items()))
    jobs = [
        ShardJob(str(layout.out), recipe.model_dump_json(), name, number, here)
        for number, name in enumerate(names)
        if name not in finished
    ]
    with progress.count("shards", sum(names.values()), sum(names[name] for name in finished), "samples") as advance:
        for job, _ in spread(write_shard, jobs, workers, TASK_MEMORY, lambda job: f"writing {job.shard}"):
            advance(names[job.shard])


def _compare(layout: Layout, stated: dict[str, Any], lacking: list[Difference]) -> Iterator[Difference]:
    """The samples of shards that have other digests than were published, of those shards that lack nothing."""
    from pipelines.shards.write import committed

    cut = {difference.shard for difference in lacking}
    made = committed(layout, [shard["name"] for shard in stated["shards"]])
    table = pq.ParquetFile(opened(layout.state / "wanted.parquet"))
    for group, shard in enumerate(stated["shards"]):
        files = made[shard["name"]]["files"]
        same = (files["shard"]["sha256"], files["index"]["sha256"]) == (shard["sha256"], shard["index_sha256"])
        if same or shard["name"] in cut:
            continue
        layout.commit(shard["name"]).unlink()  # so that it is made again when the cause is mended
        found = list(_samples(layout, stated, shard, table.read_row_group(group).to_pylist()))
        yield from found or [Difference(shard["name"], shard["name"], "differs", "the same samples in another order")]


def _partial(layout: Layout, stated: dict[str, Any], lacking: list[Difference]) -> dict[str, Any]:
    """The manifest of what could be made: what lacks is accounted for as quarantined."""
    from pipelines.manifest import of_commits
    from pipelines.shards.write import committed

    quarantined = [
        {"key": key, "source": one.source, "uri": one.uri, "reason": "lacking", "detail": one.text}
        for one in lacking
        for key in one.keys
    ]
    commits = committed(layout, [shard["name"] for shard in stated["shards"]])
    planned = [shard | {"samples": shard["planned"]} for shard in stated["shards"]]
    found = of_commits(planned, commits)
    audit = copy.deepcopy(stated["audit"])
    audit["committed"] = sum(shard["samples"] for shard in found["shards"])
    audit["quarantined"]["lacking"] = len(quarantined)
    origin = hashlib.sha256((layout.state / "rebuild.json").read_bytes()).hexdigest()
    told = {"audit": audit, "quarantined": stated["quarantined"] + quarantined, "rebuilt_from": origin}
    return stated | found | told


def _samples(
    layout: Layout, stated: dict[str, Any], shard: dict[str, Any], rows: list[dict[str, Any]]
) -> Iterator[Difference]:
    from pipelines.publish.recipe_only import MEMBER_DIGEST, member_digests
    from pipelines.shards.read import iterate

    made = {key: member_digests(members, stated["members"]) for key, members in iterate(layout.shard(shard["name"]))}
    for row in rows:
        for sample in row["samples"]:
            digests = made.get(sample["key"], b"")
            other = [
                name
                for number, name in enumerate(stated["members"])
                if _part(digests, number, MEMBER_DIGEST) != _part(sample["members"], number, MEMBER_DIGEST)
            ]
            if other:
                source = stated["recipe"]["sources"][row["source"]]["name"]
                text = f"sample {sample['key']} of {shard['name']} has another {', '.join(other)}{_cause(other)}"
                yield Difference(source, row["uri"], "differs", text)


def _part(digests: bytes, number: int, size: int) -> bytes:
    return digests[number * size : (number + 1) * size]


def _cause(members: list[str]) -> str:
    if members == ["json"]:
        return ": what your copy says of the picture (labels, faces, licence) differs"
    return ": another version of a library, or another processor"


def _refuse(differences: list[Difference], layout: Layout, stated: dict[str, Any], what: str) -> None:
    """Raises MenderyError if anything differs, naming it, and leaves all of it in a file.

    What was read of the copies is forgotten then: whoever mends them and tries again must be believed.
    """
    from pipelines.versions import versions

    path = layout.state / "differences.json"
    if not differences:
        path.unlink(missing_ok=True)
        return
    layout.catalog.unlink(missing_ok=True)
    for folder in (layout.renditions, layout.state / "matched"):
        remove_tree(folder)
    put_json(path, [asdict(difference) for difference in differences])
    made = differences[0].kind == "differs"
    lines = [f"{what}: {len(differences):,} {'samples differ' if made else 'pictures are not as published'}:"]
    lines += [f"  {difference}" for difference in differences[:NAMED]]
    lines += [f"  and {len(differences) - NAMED:,} more"] if len(differences) > NAMED else []
    here = versions()
    other = [f"{name} {here.get(name)}, not {was}" for name, was in stated["versions"].items() if here.get(name) != was]
    lines += [f"  versions here differ: {', '.join(other)}"] if other else []
    raise MenderyError("\n".join([*lines, f"  all of them: {path}"]))
