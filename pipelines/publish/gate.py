"""The licence gate: what may be passed on of a built dataset, sample by sample, and how.

For one sample two terms may hold at once, the picture's own licence and that of the corpus it came with; both count,
the stricter one decides, and where no licence satisfies both the sample is forbidden. A dataset is a collection, so
samples under different licences may stand side by side, each under its own. Nothing is forbidden because of faces, but
a dataset that shows some is private and gated unless a person decides otherwise. No legal advice: the gate refuses
what it knows to be forbidden, and asks about what it does not know.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import manifest as manifests
from pipelines import tombstones
from pipelines.cards import front_matter
from pipelines.corpora import CORPORA
from pipelines.damage import DAMAGES
from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.licences import address, combined, conflicts, terms
from pipelines.places import place
from pipelines.publish.samples import Kind, Survey, survey
from pipelines.shards.rewrite import copy_without
from pipelines.storage import opened

PER_PICTURE = "per picture"
"""What a corpus's card says where every picture has a licence of its own, and the corpus adds no terms."""


@dataclass(frozen=True)
class Row:
    """Samples of one kind, and what may be done with them.

    Attributes:
        licences: all that hold for each of them, the picture's own first.
        under: the licence under which they may be passed on, "" for none.
        allowed: whether they may be published as asked.
        why: what forbids it, "" if nothing does.
    """

    source: str
    corpus: str
    licences: tuple[str, ...]
    under: str
    samples: int
    pictures: int
    allowed: bool
    why: str


@dataclass(frozen=True)
class Verdict:
    """What may be published, and how.

    Attributes:
        allowed: whether all of it may be.
        private_only: it is published privately unless a person says otherwise.
        gated: whoever wants it must ask, unless a person says otherwise.
        people: why it is private or gated, a sentence each.
        table: a row per source and licence; the forbidden ones first.
        licence: one under which all that is allowed may be used, "" where each picture keeps its own.
        notes: what else a person should know.
        attribution: text of `attribution/NAME.txt` by name of the licence: every allowed picture with author and link.
    """

    allowed: bool
    private_only: bool
    gated: bool
    people: tuple[str, ...]
    table: tuple[Row, ...]
    licence: str
    notes: tuple[str, ...]
    attribution: dict[str, str]

    @property
    def forbidden(self) -> tuple[Row, ...]:
        return tuple(row for row in self.table if not row.allowed)

    @property
    def num_allowed(self) -> int:
        return sum(row.samples for row in self.table if row.allowed)


def check(out: str | Path, *, commercial: bool = False) -> Verdict:
    """Works out what the terms of a dataset's samples allow.

    Args:
        out: a finished dataset.
        commercial: whether it is to be published for commercial use too, which non-commercial terms then forbid.

    Raises:
        MenderyError: the dataset is not finished, its manifest does not match its shards, a removed picture is still in
            it, or a sample holds numbers of a person.
    """
    manifest = manifests.matching(out)
    refuse_removed(Layout(place(out)), manifest)
    return judge(manifest, survey(out, manifest), commercial=commercial)


gate = check
"""The same, as the package offers it."""


def publishable(out: str | Path, to: str | Path, *, commercial: bool = False) -> Verdict:
    """Copies the part of a dataset that may be published into another folder; gives the verdict on that.

    Continues where it was interrupted.

    Raises:
        MenderyError: nothing may be published, `to` holds another dataset, or a shard is not that of the manifest.
    """
    manifest = manifests.matching(out)
    refuse_removed(Layout(place(out)), manifest)
    found = survey(out, manifest)
    verdict = judge(manifest, found, commercial=commercial)
    if not verdict.num_allowed:
        raise MenderyError(f"nothing of {out} may be published:\n{render(verdict)}")
    forbidden = {(row.source, row.corpus, row.licences[0]) for row in verdict.forbidden}
    copy_without(
        out,
        to,
        lambda row: (row["source"], row["corpus"], row["licence"]) in forbidden,
        "not_publishable",
        found.named(),
    )
    return check(to, commercial=commercial)


def judge(manifest: dict[str, Any], found: Survey, *, commercial: bool = False) -> Verdict:
    """The verdict on samples that are counted already; errors as `check`, but for files.

    Raises:
        MenderyError: a sample holds numbers of a person.
    """
    if found.biometric:
        shard, key, name = found.biometric[0]
        raise MenderyError(
            f"{len(found.biometric)} samples hold fields that must not leave this machine: {name!r} in {shard}/{key} "
            "is no field of the sample contract; build the dataset anew"
        )
    rows = sorted(rows_of(found, commercial), key=lambda row: (row.allowed, -row.samples, row.source, row.licences))
    people, shown = _people(manifest, found)
    return Verdict(
        allowed=all(row.allowed for row in rows),
        private_only=shown != "none",
        gated=shown == "faces",
        people=people,
        table=tuple(rows),
        licence=combined(row.under for row in rows if row.allowed),
        notes=tuple(conflicts({row.under for row in rows if row.allowed})),
        attribution=_attribution(found, {(row.source, row.licences[0]) for row in rows if row.allowed}),
    )


def refuse_removed(layout: Layout, manifest: dict[str, Any]) -> None:
    """Raises MenderyError where a sample of a removed picture is still there, or a page may still tell of it."""
    if layout.rewritten.is_dir():
        raise MenderyError(f"a removal was interrupted: `mendery remove {layout.out}` goes on with it")
    gone = tombstones.read(layout.tombstones)
    for shard in manifest["shards"] if gone.sha256 else ():
        digests = pq.read_table(opened(layout.index(shard["name"])), columns=["source_sha256"])["source_sha256"]
        if left := gone.sha256 & set(pc.unique(digests).to_pylist()):
            raise MenderyError(
                f"{layout.tombstones} lists a picture that is still in {shard['name']} ({min(left)[:12]}...): `mendery "
                f"remove {layout.out}` takes it out"
            )


def rows_of(found: Survey, commercial: bool = False) -> Iterator[Row]:
    """What may be done with each kind of samples."""
    for kind, samples in found.samples.items():
        licences = terms_of(kind)
        under, why = _under(licences, commercial)
        yield Row(
            kind.source, kind.corpus, licences, under, samples, len(found.pictures[kind]), allowed=not why, why=why
        )


def terms_of(kind: Kind) -> tuple[str, ...]:
    """Licences that hold for samples of one kind: the picture's own, then the known corpus's where it differs.

    A source that merely bears the name of a known corpus is taken for it: it most likely is.
    """
    own = str(front_matter(kind.corpus)["licence"]) if kind.corpus in CORPORA else PER_PICTURE
    return (kind.licence,) if own in (PER_PICTURE, kind.licence) else (kind.licence, own)


def _under(licences: tuple[str, ...], commercial: bool) -> tuple[str, str]:
    """Under which licence a sample may be passed on, and why it may not be."""
    by_terms = {
        answer: [name for name in licences if terms(name).redistribute == answer] for answer in ("no", "unknown")
    }
    if forbid := by_terms["no"]:
        derivatives = any("-ND-" in name for name in forbid)
        reason = "allows no derivatives, and a damaged picture is one" if derivatives else "forbids passing copies on"
        return "", f"{' and '.join(forbid)} {reason}"
    if unknown := by_terms["unknown"]:
        return "", f"{unknown[0]!r} is no licence this program knows: ask its owner, and name it in the recipe"
    under = combined(licences)
    if not under:
        return "", f"{' and '.join(licences)} hold for the same picture, and no licence satisfies both"
    if commercial and terms(under).redistribute == "noncommercial":
        return "", f"{under} forbids commercial use"
    return under, ""


def _people(manifest: dict[str, Any], found: Survey) -> tuple[tuple[str, ...], str]:
    """Sentences on the people in a dataset, and what they come to: faces, unknown or none.

    It is known from what was looked for: the samples' own `faces`, the cards of the corpora, and what the recipe asks
    for. Where nobody looked, nothing is known.
    """
    recipe, sentences, shown = manifest["recipe"], [], "none"
    for corpus in sorted({kind.corpus for kind in found.samples}):
        stated = front_matter(corpus)["people"] if corpus in CORPORA else ""
        if stated == "faces":
            sentences.append(f"{corpus} is a corpus of faces, by its card")
            shown = "faces"
        elif stated == "some":
            sentences.append(f"people may be seen in pictures of {corpus}, by its card")
            shown = "unknown" if shown == "none" else shown
        elif not stated and not recipe["curate"]["faces"]:
            sentences.append(f"nobody looked for faces in {corpus}; `curate: {{faces: {{}}}}` in the recipe would")
            shown = "unknown" if shown == "none" else shown
    if found.faces:
        by = ", ".join(sorted(found.faces_by))
        sentences.append(f"{found.faces:,} of {sum(found.samples.values()):,} samples show a face, found by {by}")
        shown = "faces"
    on_faces = any(map(_on_faces, recipe["damage"]))
    if (recipe["image"]["fit"] == "face" or on_faces) and shown != "faces":
        sentences.append("the recipe crops or damages faces")
        shown = "faces"
    return tuple(sentences), shown


def _on_faces(damage: dict[str, Any]) -> bool:
    """Whether a damage is drawn on faces, by its entry in a manifest, which is no recipe: it has no paths."""
    if damage["kind"] not in DAMAGES or damage.get("place", "face") != "face":
        return False
    return "faces" in DAMAGES[damage["kind"]].looks_at or any(map(_on_faces, damage.get("of") or []))


def _attribution(found: Survey, allowed: set[tuple[str, str]]) -> dict[str, str]:
    """Texts of the attribution files."""
    entries: dict[str, list[str]] = defaultdict(list)
    counts: Counter[str] = Counter()
    for credit, pictures in sorted(found.credits.items()):
        shown = sorted((source, uri) for source, uri in pictures if (source, credit.licence) in allowed)
        if shown:
            counts[credit.licence] += len(shown)
            link = credit.url or "(no link stated)"
            head = f"{credit.attribution or '(author not stated)'}\n    {link}"
            entries[credit.licence].append("\n".join([head, *(f"    {source}: {uri}" for source, uri in shown)]))
    return {
        licence: f"Pictures under {licence}{_at(licence)}: {counts[licence]:,}, by whom they name.\nAll of them were "
        "cropped and scaled, and damaged on purpose.\n\n" + "\n\n".join(entries[licence]) + "\n"
        for licence in sorted(entries)
    }


def _at(licence: str) -> str:
    return f" ({address(licence)})" if address(licence) else ""


def render(verdict: Verdict) -> str:
    """The verdict for a person, as text of several lines."""
    total = sum(row.samples for row in verdict.table)
    lines = []
    if verdict.forbidden:
        lines += [f"{total - verdict.num_allowed:,} of {total:,} samples may not be published:", ""]
        lines += _lines(verdict.forbidden, last="forbidden by")
        lines += ["", f"--only-publishable publishes the other {verdict.num_allowed:,}." if verdict.num_allowed else ""]
    else:
        lines.append(f"all {total:,} samples may be published:")
    lines += ["", *_lines([row for row in verdict.table if row.allowed], last="under")] if verdict.num_allowed else []
    if verdict.num_allowed:
        whole = (
            f"the whole may be used under {verdict.licence}"
            if verdict.licence
            else "there is no one licence for the whole; every sample keeps its own"
        )
        lines += ["", f"licence: {whole}"]
    how = "private and gated" if verdict.gated else "private" if verdict.private_only else "public"
    lines += [f"by default: {how}", *(f"people: {sentence}" for sentence in verdict.people)]
    lines += [f"note: {sentence}" for sentence in verdict.notes]
    return "\n".join(line for number, line in enumerate(lines) if line or (number and lines[number - 1]))


def _lines(rows: Any, last: str) -> list[str]:
    cells = [("source", "samples", "pictures", "licence", last)]
    for row in rows:
        counts = (f"{row.samples:,}", f"{row.pictures:,}")
        cells.append((row.source, *counts, " + ".join(row.licences), row.why or row.under))
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def file_name(licence: str) -> str:
    """Name of the attribution file of a licence."""
    kept = "".join(letter if letter.isalnum() or letter in "-." else "-" for letter in licence)
    return f"{kept.strip('.-') or 'unnamed'}.txt"
