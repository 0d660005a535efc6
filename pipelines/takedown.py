"""Taking a picture, or a person, out of a built dataset: `mendery remove`.

Only shards that hold it are written anew. The list of tombstones comes first, so that the wish outlives everything that
may happen then; shards and manifest are made beside the dataset, and a journal says when they are complete; then the
state forgets the picture, and the new files are put in place. Whoever is killed goes on with the same command.

The state keeps, of a removed picture, its place in the catalog under a digest and nothing else, so that measurements
and plan of the others stay in use. What of the state is not known here is deleted: it can be made anew.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import catalog, tombstones
from pipelines import manifest as manifests
from pipelines.curate import decide, measure
from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.places import is_remote, place, remove_tree
from pipelines.progress import Progress, only_one
from pipelines.publish import card, croissant
from pipelines.publish.report import report
from pipelines.publish.samples import survey
from pipelines.shards import rewrite
from pipelines.shards.write import committed
from pipelines.sources.base import LOCATION_FIELDS
from pipelines.storage import opened, put, put_bytes, put_json, read_json, sweep
from pipelines.tombstones import Tombstones

GONE = "of a picture that was removed"
"""What a drop says of a picture that it was a copy of, after that was removed."""

_NEAREST_OF = 50_000
"""Names among which the nearest to an unknown one is looked for."""

_DIGEST = re.compile(r"[0-9a-f]{8,64}")
_PAGE_SUFFIXES = {".html", ".md", ".json", ".txt", ".yaml"}


@dataclass(frozen=True)
class Removed:
    """What was taken out.

    Attributes:
        pictures: how many, of which some may have been dropped before and given no sample.
        samples: how many.
        shards: names of those that were written anew.
        mentions: files that a person wrote, and in which a name of a removed picture still stands.
    """

    pictures: int
    samples: int
    shards: tuple[str, ...]
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Known:
    """A picture as the dataset or its state knows it.

    Attributes:
        uri: as samples tell it, or as the state does.
        part, row: its place in the catalog, -1 where there is no state.
        reason: for which it was dropped, "" for one that is kept.
    """

    source: str
    uri: str
    sha256: str
    identity: str = ""
    part: int = -1
    row: int = -1
    reason: str = ""


def remove(
    out: str | Path,
    *,
    source_id: str | None = None,
    sha256: str | None = None,
    identity: str | None = None,
    quiet: bool = True,
) -> Removed:
    """Takes pictures out of a finished dataset and lists them among its tombstones.

    Without any of the three it goes on with a removal that was interrupted.

    Args:
        source_id: a picture's `source_uri`, with `SOURCE:` before it where several sources have one of this name.
        sha256: of the bytes of a picture, or at least eight of its digits; the beginning of a sample's key will do.
        identity: digest of a person, as `mendery why` tells it; all pictures of that person go.

    Raises:
        MenderyError: the dataset is not finished, holds nothing of that name, or its shards are not those of the
            manifest.
    """
    layout = Layout(place(out).resolve())
    manifests.read(out)
    if sum(given is not None for given in (source_id, sha256, identity)) > 1:
        raise MenderyError("remove one thing at a time: --source-id, --sha256 or --identity")
    with only_one(layout):
        sweep(layout.out)
        if _journal(layout).is_file():
            was_meant = _meant(layout, source_id, sha256, identity)
            done = _finish(layout, quiet)
            if was_meant:
                return done
        manifests.matching(out)
        chosen = _chosen(layout, source_id, sha256, identity)
        people = frozenset({tombstones.person(identity)} if identity else ())
        wanted = Tombstones(frozenset(one.sha256 for one in chosen), people)
        with Progress(layout.log, quiet) as progress:
            _prepare(layout, tombstones.read(layout.tombstones) | wanted, progress)
        return _finish(layout, quiet)


def _journal(layout: Layout) -> Path:
    return layout.rewritten / "journal.json"


def _meant(layout: Layout, source_id: str | None, sha256: str | None, identity: str | None) -> bool:
    """Whether a removal that was interrupted is the one that is asked for."""
    gone = tombstones.read(layout.tombstones)
    if source_id is not None:
        uris = read_json(_journal(layout))["uris"]
        return any(source_id == uri or source_id.endswith(f":{uri}") for uri in uris)
    if sha256 is not None:
        return any(digest.startswith(sha256.lower().partition("-")[0]) for digest in gone.sha256)
    return identity is None or tombstones.person(identity) in gone.people


def _chosen(layout: Layout, source_id: str | None, sha256: str | None, identity: str | None) -> list[Known]:
    """The pictures that are meant."""
    if identity is not None:
        return _by_identity(layout, identity)
    if source_id is not None:
        return _by_name(layout, source_id)
    if sha256 is not None:
        return _by_digest(layout, sha256)
    if not tombstones.read(layout.tombstones):
        raise MenderyError("nothing to remove: name it by --source-id, --sha256 or --identity")
    return []


def _by_name(layout: Layout, name: str) -> list[Known]:
    pictures = [*_in_shards(layout), *_in_state(layout)]
    found = {one.sha256: one for one in pictures if name in (one.uri, f"{one.source}:{one.uri}")}
    if len(found) > 1:
        told = "; ".join(f"{one.source}:{one.uri} is {one.sha256}" for one in list(found.values())[:5])
        raise MenderyError(f"{len(found)} pictures are called {name!r}: give --sha256 of one ({told})")
    if not found:
        names = dict.fromkeys(one.uri for one in pictures)
        raise MenderyError(f"no picture {name!r} in {layout.out}{_nearest(name, names)}{_gone_before(layout)}")
    return list(found.values())


def _by_digest(layout: Layout, text: str) -> list[Known]:
    start = text.strip().lower().partition("-")[0]
    if not _DIGEST.fullmatch(start):
        raise MenderyError(f"expected eight to 64 hexadecimal digits of a SHA-256, found {text!r}")
    pictures = [*_in_shards(layout), *_in_state(layout)]
    found = {one.sha256: one for one in pictures if one.sha256.startswith(start)}
    if len(found) > 1:
        raise MenderyError(f"{len(found)} pictures begin with {start}: {', '.join(sorted(found)[:5])}")
    if not found:
        if any(digest.startswith(start) for digest in tombstones.read(layout.tombstones).sha256):
            raise MenderyError(f"{start} was removed from {layout.out} before: it stands in {layout.tombstones.name}")
        digests = sorted({one.sha256 for one in pictures if one.sha256}, key=lambda one: -_common(one, start))
        nearest = f"; the nearest is {digests[0]}" if digests and _common(digests[0], start) > 3 else ""
        raise MenderyError(f"no picture of SHA-256 {start} in {layout.out}{nearest}{_gone_before(layout)}")
    return list(found.values())


def _by_identity(layout: Layout, identity: str) -> list[Known]:
    if not layout.curated.is_file():
        raise MenderyError(
            f"{layout.state} is not there, and only the state of a build knows identities: remove the pictures by "
            "--source-id or --sha256"
        )
    people = [one for one in _in_state(layout) if one.identity]
    found = {one.sha256: one for one in people if one.identity == identity and one.sha256}
    if not found:
        known = dict.fromkeys(one.identity for one in people)
        hint = _nearest(identity, known) if known else "; no picture of it has a declared identity"
        raise MenderyError(
            f"no identity {identity!r} in {layout.out}{hint}. `mendery why {layout.out} PICTURE` tells a picture's"
        )
    return list(found.values())


def _common(one: str, other: str) -> int:
    """How many digits two digests have in common from the first on."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _nearest(name: str, known: Iterable[str]) -> str:
    """How a message about an unknown name ends."""
    names = list(known)
    if len(names) > _NEAREST_OF:
        tail = name.rpartition("/")[2]
        names = [one for one in names if tail in one or one.rpartition("/")[2] in name][:_NEAREST_OF]
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""


def _gone_before(layout: Layout) -> str:
    gone = len(tombstones.read(layout.tombstones).sha256)
    return f" (removed before: {gone:,}, of which only digests are known)" if gone else ""


def _in_shards(layout: Layout) -> list[Known]:
    """All pictures of the dataset, from its indexes."""
    columns, found = ["source", "source_uri", "source_sha256"], dict[str, Known]()
    for shard in manifests.read(layout.out)["shards"]:
        table = pq.read_table(opened(layout.index(shard["name"])), columns=columns)
        for row in table.group_by(columns).aggregate([]).to_pylist():
            found[row["source_sha256"]] = Known(row["source"], row["source_uri"], row["source_sha256"])
    return list(found.values())


def _in_state(layout: Layout, wanted: Tombstones | None = None) -> list[Known]:
    """All pictures that the state knows, or the wanted ones."""
    if not layout.curated.is_file():
        return []
    names = [source["name"] for source in read_json(layout.begun_with)["sources"]]
    columns = ["source", "uri", "sha256", "identity", "part", "row", "reason"]
    table = pq.read_table(opened(layout.curated), columns=columns)
    if wanted is not None:
        people = pa.array([identity for identity in pc.unique(table["identity"]).to_pylist()
                           if identity and tombstones.person(identity) in wanted.people], pa.string())  # fmt: skip
        digests = pa.array(sorted(wanted.sha256), pa.string())
        table = table.filter(pc.or_(pc.is_in(table["sha256"], digests), pc.is_in(table["identity"], people)))
    return [
        Known(names[row["source"]], row["uri"], row["sha256"], row["identity"], row["part"], row["row"], row["reason"])
        for row in table.to_pylist()
        if row["reason"] != "removed"
    ]


# --- Made beside the dataset --------------------------------------------------------------------


def _prepare(layout: Layout, gone: Tombstones, progress: Progress) -> None:
    """Writes the list, makes everything that will change, and then the journal."""
    manifest, in_state = manifests.read(layout.out), _in_state(layout, gone)
    # A removed person's pictures are listed one by one, for whoever does not know the person.
    gone |= Tombstones(frozenset(one.sha256 for one in in_state if one.sha256))
    leave = _in_list(gone)
    shards = rewrite.affected(layout, manifest, leave)
    rewrite.refuse_other_bytes(layout, manifest, shards)
    dropped = rewrite.count(layout, shards, leave)
    if sum(dropped.samples.values()) == manifest["audit"]["committed"]:
        raise MenderyError(f"nothing would be left of {layout.out}: delete the folder instead")
    tombstones.write(layout.tombstones, gone)
    progress.say(f"remove: writing {len(shards):,} of {len(manifest['shards']):,} shards anew")
    in_shards = _told_in(shards, leave)
    written = rewrite.stage(layout, shards, leave)
    left = survey(layout.out, manifest).named(gone.sha256) if shards else {}
    former = [(one.source, one.reason) for one in in_state if one.reason]
    stated = rewrite.manifest_without(
        manifest, written, dropped, "removed", left, rewrite.commits_of(layout, manifest), former
    )
    salt = layout.salt.read_bytes() if layout.salt.is_file() else b""
    digests = {one.sha256 for one in in_state} | dropped.digests
    put_json(
        _journal(layout),
        {
            "manifest": stated,
            "written": written,
            "rows": [[one.part, one.row, _spot(layout, salt, one)] for one in in_state],
            "uris": sorted({one.uri for one in in_state} | in_shards),
            "plan": _plan_without(layout, digests),
            "commits": _commits_without(layout, digests, written, dropped),
            "sha256": sorted(digests),
            "pictures": len(digests),
            "samples": sum(dropped.samples.values()),
        },
    )


def _plan_without(layout: Layout, digests: set[str]) -> dict[str, Any] | None:
    """The summary of the plan without some pictures; None where there is no plan, or too little to count by."""
    if not layout.plan_summary.is_file():
        return None
    summary: dict[str, Any] = read_json(layout.plan_summary)
    commits = committed(layout, [shard["name"] for shard in summary["shards"]])
    if len(commits) < len(summary["shards"]):
        return None
    shards, pictures, starts = [], 0, tuple(digest[:20] for digest in digests)
    with pq.ParquetFile(opened(layout.plan)) as plan:
        for number, shard in enumerate(summary["shards"]):
            planned = plan.read_row_group(number, columns=["sha256"])["sha256"].to_pylist()
            gone = len(digests.intersection(planned))
            pictures += gone
            if not gone:
                shards.append(shard)
            elif gone < len(planned):
                lost = sum(entry["key"].startswith(starts) for entry in commits[shard["name"]]["quarantined"])
                shards.append(
                    shard | {"samples": shard["samples"] - lost - _samples_of(layout, shard["name"], digests)}
                )
    total = sum(shard["samples"] for shard in shards)
    counts = {"pictures": summary["pictures"] - pictures, "samples": total}
    return summary | {"shards": shards, "cleaned": True} | counts


def _samples_of(layout: Layout, shard: str, digests: set[str]) -> int:
    if not layout.index(shard).is_file():
        return 0
    column = pq.read_table(opened(layout.index(shard)), columns=["source_sha256"])["source_sha256"]
    return int(pc.sum(pc.is_in(column, pa.array(sorted(digests), pa.string()))).as_py() or 0)


def _commits_without(
    layout: Layout, digests: set[str], written: dict[str, dict[str, Any]], dropped: rewrite.Dropped
) -> dict[str, Any]:
    """Commit records that change, by the shard's name; None for one of which nothing is left."""
    starts = tuple(digest[:20] for digest in digests)
    changed: dict[str, Any] = {}
    for path in sorted(layout.commits.glob("*.json")):
        commit = read_json(path)
        left = [entry for entry in commit["quarantined"] if not entry["key"].startswith(starts)]
        if made := written.get(path.stem):
            heat = (np.asarray(commit["heat"], np.int64) - dropped.heat[path.stem].ravel()).tolist()
            new = commit | {"samples": made["samples"], "files": made["files"], "heat": heat, "quarantined": left}
            changed[path.stem] = new if made["samples"] or left else None
        elif len(left) < len(commit["quarantined"]):
            changed[path.stem] = commit | {"quarantined": left} if commit["samples"] or left else None
    return changed


def _in_list(gone: Tombstones) -> Callable[[dict[str, Any]], bool]:
    return lambda row: row["source_sha256"] in gone.sha256


def _told_in(shards: dict[str, Any], leave: Callable[[dict[str, Any]], bool]) -> set[str]:
    return {row["source_uri"] for rows in shards.values() for row in rows if leave(row)}


def _spot(layout: Layout, salt: bytes, one: Known) -> str:
    listed = catalog.read_part(layout.catalog, one.part)[one.row]
    return tombstones.spot(salt, one.source, listed["uri"], listed["offset"])


# --- Put in place -------------------------------------------------------------------------------


def _finish(layout: Layout, quiet: bool) -> Removed:
    """Does what the journal says, and deletes it; done twice, it gives the same."""
    journal = read_json(_journal(layout))
    with Progress(layout.log, quiet) as progress:
        _forget(layout, journal)
        rewrite.adopt(layout, journal["manifest"], journal["written"])
        _renew_pages(layout)
        progress.say(f"remove: {journal['pictures']:,} pictures, {journal['samples']:,} samples")
    _clean_log(layout, journal["uris"])  # which whoever writes it would write again
    mentions = _mentions(layout, journal["uris"])
    remove_tree(layout.rewritten)
    return Removed(journal["pictures"], journal["samples"], tuple(journal["written"]), mentions)


def _forget(layout: Layout, journal: dict[str, Any]) -> None:
    """The state forgets the pictures; what cannot be cleaned is deleted, since it can be made anew."""
    layout.curation_report.unlink(missing_ok=True)
    _delete_the_rest(layout)
    _clean_plan(layout, journal)
    rows = {(part, row): tombstones.anonymous(spot) for part, row, spot in journal["rows"]}
    if rows:
        spots = {spot for *_, spot in journal["rows"]}
        tombstones.write_places(layout.removed, tombstones.read_places(layout.removed) | spots)
        _clean_catalog(layout, rows)
        for part in sorted({part for part, _ in rows}):
            _clean_measured(layout, part, {row for other, row in rows if other == part})
        _clean_curated(layout, rows, set(journal["uris"]))


def _delete_the_rest(layout: Layout) -> None:
    """Deletes what of the state is not cleaned: crops, copies of datasets, indexes of compressed archives and more."""
    kept = {path.name for path in (
        layout.begun_with, layout.salt, layout.removed, layout.rewritten, layout.catalog, layout.measured,
        layout.curated, layout.balance, layout.plan, layout.plan_summary, layout.commits, layout.lock, layout.log,
    )}  # fmt: skip
    there = {str(path.relative_to(layout.state)).partition("/")[0] for path in layout.state.rglob("*")}
    for name in there - kept:
        path = layout.state / name
        remove_tree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _clean_plan(layout: Layout, journal: dict[str, Any]) -> None:
    if journal["plan"] is None:
        layout.plan_summary.unlink(missing_ok=True)
        layout.plan.unlink(missing_ok=True)
        remove_tree(layout.commits)
        return
    digests = pa.array(journal["sha256"], pa.string())
    with (
        pq.ParquetFile(opened(layout.plan)) as plan,
        put(layout.plan) as file,
        pq.ParquetWriter(file, plan.schema_arrow, compression="zstd") as writer,
    ):
        for number in range(plan.num_row_groups):
            rows = plan.read_row_group(number)
            left = rows.filter(pc.invert(pc.is_in(rows["sha256"], digests)))
            if left.num_rows:
                writer.write_table(left, row_group_size=left.num_rows)
    put_json(layout.plan_summary, journal["plan"])
    for name, commit in journal["commits"].items():
        if commit is None:
            layout.commit(name).unlink(missing_ok=True)
        else:
            put_json(layout.commit(name), commit)


def _clean_catalog(layout: Layout, rows: dict[tuple[int, int], str]) -> None:
    with pq.ParquetFile(opened(layout.catalog)) as file:
        metadata = {key: value for key, value in (file.metadata.metadata or {}).items() if key.startswith(b"mendery.")}
    sizes = catalog.part_sizes(layout.catalog)
    with put(layout.catalog) as file, pq.ParquetWriter(file, catalog.SCHEMA, compression="zstd") as writer:
        for parts, table in catalog.groups(layout.catalog, catalog.SCHEMA.names):
            places = [(part, row) for part in parts for row in range(sizes[part])]
            nothing = {name: getattr(catalog.removed(""), name) for name in LOCATION_FIELDS}
            cleaned = _replaced(
                table, {at: nothing | {"uri": rows[spot]} for at, spot in enumerate(places) if spot in rows}
            )
            writer.write_table(cleaned, row_group_size=max(cleaned.num_rows, 1))
        writer.add_key_value_metadata(dict(sorted(metadata.items())))


def _clean_measured(layout: Layout, part: int, rows: set[int]) -> None:
    if not layout.part(part).is_file():
        return
    table = pq.read_table(opened(layout.part(part)))
    nothing = measure.NOTHING | {"fault": "removed"}
    cleaned = _replaced(table, {row: {name: nothing[name] for name in table.column_names} for row in rows})
    with put(layout.part(part)) as file:
        pq.write_table(cleaned, file, compression="zstd")


def _clean_curated(layout: Layout, rows: dict[tuple[int, int], str], uris: set[str]) -> None:
    nothing = dict(_curated_nothing())
    with pq.ParquetFile(opened(layout.curated)) as old:
        groups = [old.read_row_group(number) for number in range(old.num_row_groups)]
    with put(layout.curated) as file, pq.ParquetWriter(file, decide.SCHEMA, compression="zstd") as writer:
        for table in groups:
            places = zip(table["part"].to_pylist(), table["row"].to_pylist(), strict=True)
            changes = {at: nothing | {"uri": rows[spot]} for at, spot in enumerate(places) if spot in rows}
            told = table["detail"].to_pylist()
            copies = {at: {"detail": GONE} for at, text in enumerate(told) if _names(text, uris) and at not in changes}
            writer.write_table(_replaced(table, changes | copies))


def _curated_nothing() -> dict[str, Any]:
    """What the curated table says of a removed picture, but for where it stands."""
    listed = {name: getattr(catalog.removed(""), name) for name in decide.LISTED if name != "source"}
    measured = {name: value for name, value in measure.NOTHING.items() if name in decide.SCHEMA.names}
    return listed | measured | {"reason": "removed", "split": ""}


def _names(detail: str, uris: set[str]) -> bool:
    return detail.startswith("of ") and detail[3:].rpartition(" in source ")[0] in uris


def _replaced(table: pa.Table, changes: dict[int, dict[str, Any]]) -> pa.Table:
    """A table in which some rows have other values."""
    if not changes:
        return table
    rows = table.take(pa.array(sorted(changes))).to_pylist()
    new = pa.Table.from_pylist(
        [row | changes[at] for at, row in zip(sorted(changes), rows, strict=True)], schema=table.schema
    )
    order = np.arange(table.num_rows)
    order[sorted(changes)] = table.num_rows + np.arange(len(changes))
    return pa.concat_tables([table, new]).take(pa.array(order)).combine_chunks()


def _clean_log(layout: Layout, uris: list[str]) -> None:
    """Takes names out of the log, which says what changed in the sources."""
    if not layout.log.is_file() or not uris:
        return
    text = layout.log.read_text(encoding="utf-8")
    pattern = re.compile("|".join(rf"(?<![\w./-]){re.escape(uri)}(?![\w/-])" for uri in uris))
    cleaned = pattern.sub("~", text)
    if cleaned != text:
        put_bytes(layout.log, cleaned.encode())


def _renew_pages(layout: Layout) -> None:
    """Makes the pages anew that were there."""
    report(layout.out)
    if layout.card.is_file():
        card.write(layout.out)
    if layout.croissant.is_file():
        croissant.write(layout.out)


def _mentions(layout: Layout, uris: list[str]) -> tuple[str, ...]:
    """Texts beside the shards in which a name still stands: what a person wrote into a card."""
    if is_remote(layout.out):
        pages = [page for page in (layout.card, layout.datasheet) if page.is_file()]
    else:
        pages = [path for path in sorted(layout.out.iterdir()) if path.suffix in _PAGE_SUFFIXES]
    wanted = [uri.encode() for uri in uris]
    return tuple(page.name for page in pages if any(uri in page.read_bytes() for uri in wanted))
