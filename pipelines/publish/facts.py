"""What dataset card, data sheet and Croissant say of a built dataset: one set of figures and sentences for all three.

Every number comes from the manifest, the indexes or the samples, every fact about a source from its card. Nothing says
when or where it was written.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipelines import manifest as manifests
from pipelines import tombstones
from pipelines.cards import front_matter
from pipelines.corpora import CORPORA
from pipelines.damage import DAMAGES
from pipelines.errors import REASONS
from pipelines.layout import Layout
from pipelines.licences import address, terms
from pipelines.places import place
from pipelines.publish.figures import COLUMNS, Figures
from pipelines.publish.gate import PER_PICTURE, Verdict, judge
from pipelines.publish.samples import Survey, survey
from pipelines.sample import SPLITS
from pipelines.storage import opened
from pipelines.wording import size

REUSED = 20
"""Samples of one picture from which it is worth saying that there are more samples than pictures."""

_ENOUGH = 100
"""Samples from which it means something where masks lie."""

_FORMATS = {"jpg": "JPEG", "png": "PNG", "webp": "WebP"}

_SKEWED = 5.0
"""How many times as often the middle is damaged as the rim, from which it is worth saying."""


@dataclass(frozen=True)
class DamageFacts:
    """One family of damage: what it is, and how much of it there is."""

    kind: str
    what: str
    samples: int
    mean_ratio: float
    by_split: dict[str, int]


@dataclass(frozen=True)
class SourceFacts:
    """One source: what the manifest counted, what its samples say, what its card states.

    Attributes:
        card: front matter of the corpus, empty where it is none that is known.
        licences: licence to pictures.
        samples: how many came of it.
        dropped: reason to pictures.
    """

    name: str
    corpus: str
    card: dict[str, Any]
    found: int
    kept: int
    samples: int
    licences: dict[str, int]
    dropped: dict[str, int]

    @property
    def title(self) -> str:
        return str(self.card.get("title", self.name))


@dataclass(frozen=True)
class Facts:
    """All that is to be said.

    Attributes:
        sources: those of which there are samples.
        groups: declared labels: label, value, pictures by split.
        removed: pictures that were removed on request.
    """

    manifest: dict[str, Any]
    found: Survey
    verdict: Verdict
    damages: tuple[DamageFacts, ...]
    sources: tuple[SourceFacts, ...]
    groups: dict[str, dict[str, Counter[str]]]
    removed: int

    @property
    def recipe(self) -> dict[str, Any]:
        recipe: dict[str, Any] = self.manifest["recipe"]
        return recipe

    @property
    def samples(self) -> int:
        return int(self.manifest["audit"]["committed"])

    @property
    def pictures(self) -> int:
        return self.found.num_pictures

    @property
    def splits(self) -> dict[str, dict[str, int]]:
        return {name: self.manifest["splits"][name] for name in SPLITS if name in self.manifest["splits"]}

    @property
    def shows_people(self) -> bool:
        return self.verdict.private_only

    @property
    def num_bytes(self) -> int:
        return sum(shard["bytes"] for shard in self.manifest["shards"])

    @property
    def title(self) -> str:
        name = str(self.manifest["name"])
        return name[:1].upper() + name[1:].replace("-", " ")

    def shards_of(self, split: str) -> list[str]:
        return [shard["name"] for shard in self.manifest["shards"] if shard["split"] == split]


def facts(out: str | Path) -> Facts:
    """Reads a finished dataset.

    Raises:
        MenderyError: it is not finished, or its shards are not those of its manifest.
    """
    layout, manifest = Layout(place(out)), manifests.matching(out)
    found, figures = survey(out, manifest), Figures()
    for shard in manifest["shards"]:
        figures.add(shard["split"], pq.read_table(opened(layout.index(shard["name"])), columns=list(COLUMNS)))
    return Facts(
        manifest,
        found,
        judge(manifest, found),
        _damages(figures),
        tuple(one for source in manifest["sources"] if (one := _source(source, found)).samples),
        found.groups(),
        len(tombstones.read(layout.tombstones).sha256),
    )


def _damages(figures: Figures) -> tuple[DamageFacts, ...]:
    counted = [(figures.samples(kind), kind) for kind in figures.damages if kind != "none"]
    return tuple(
        DamageFacts(
            kind,
            (DAMAGES[kind].model_fields["kind"].description or "") if kind in DAMAGES else "",
            samples,
            figures.ratio_sum[kind] / samples,
            {split: figures.by_split[split, kind] for split in SPLITS},
        )
        for samples, kind in sorted(counted, key=lambda one: (-one[0], one[1]))
    )


def _source(source: dict[str, Any], found: Survey) -> SourceFacts:
    name, corpus = source["name"], source["corpus"]
    return SourceFacts(
        name,
        corpus,
        front_matter(corpus) if corpus in CORPORA else {},
        source["found"],
        source["kept"],
        sum(samples for kind, samples in found.samples.items() if kind.source == name),
        {licence: entry["pictures"] for licence, entry in source["licences"].items()},
        source["dropped"],
    )


# --- Sentences ----------------------------------------------------------------------------------


def summary(told: Facts) -> str:
    """What the dataset is, in three sentences."""
    recipe = told.recipe
    kinds = ", ".join(one.kind for one in told.damages)
    what = (
        f"Each is a photograph, the same photograph damaged on purpose ({kinds}), and the exact mask of the damage."
        if told.damages
        else "Each is a photograph, cropped and scaled."
    )
    described = f"{told.manifest['description'].rstrip('.')}. " if told.manifest["description"] else ""
    return (
        f"{described}{told.samples:,} samples of {told.pictures:,} {_plural(told.pictures, 'photograph')} at "
        f"{recipe['image']['size']} × {recipe['image']['size']} pixels, {size(told.num_bytes)}. {what}"
    )


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"


def uses(told: Facts) -> list[str]:
    """What it is for."""
    if not told.damages:
        return ["Training and evaluating networks on photographs of one size."]
    return [
        "Training networks that fill missing or damaged parts of photographs (inpainting, image restoration).",
        "Evaluating them by kind of damage and by share of missing pixels: every sample states both.",
    ]


def misuses(told: Facts) -> list[str]:
    """What it must not be used for."""
    sentences = []
    if told.shows_people:
        sentences += [
            "Recognising, identifying or tracking people, or training networks that do: nobody was asked for that.",
            "Guessing group, age, sex, health or character of a person from a picture.",
            "Changing pictures of real people in order to deceive.",
        ]
    if "group" in told.groups:
        sentences.append(
            "Treating the declared groups as what people are: they are what somebody stated of pictures, see below."
        )
    if any(terms(row.under).redistribute == "noncommercial" for row in told.verdict.table):
        share = _share(told, lambda under: terms(under).redistribute == "noncommercial")
        sentences.append(f"Commercial use, which the licences of {share} of the samples forbid.")
    if told.verdict.forbidden:
        count = told.samples - told.verdict.num_allowed
        sentences.append(f"Being passed on as it is: the terms of {count:,} of {told.samples:,} samples forbid that.")
    sentences.append(
        "Evidence of any kind: what a network fills in is invented, however right it looks."
        if told.damages
        else "Anything that the licences of its pictures forbid."
    )
    return sentences


def _share(told: Facts, asked: Any) -> str:
    count = sum(row.samples for row in told.verdict.table if row.under and asked(row.under))
    return f"{100 * count / max(told.samples, 1):.0f} %"


def limits(told: Facts) -> list[str]:
    """Known limits, each from a figure or from a source's card."""
    sentences = []
    per_picture = told.samples / max(told.pictures, 1)
    if per_picture >= REUSED:
        sentences.append(
            f"{told.samples:,} samples come from only {told.pictures:,} {_plural(told.pictures, 'photograph')}, about "
            f"{per_picture:.0f} of each: crops and damages vary, what they show does not."
        )
    asked = told.recipe["image"]["size"]
    small = sum(count for power, count in told.found.sizes.items() if 2 ** (power + 1) <= asked)
    if small:
        sentences.append(f"{small:,} photographs are smaller than {asked} pixels and were enlarged.")
    if told.damages:
        sentences.append("All damage is drawn by a program; real damage differs from it.")
        if told.samples >= _ENOUGH and (skew := _skew(told.manifest["mask_heat"])) >= _SKEWED:
            sentences.append(f"The middle of a picture is damaged {skew:.0f} times as often as its rim.")
    for label, values in told.groups.items():
        if label in {"group", "sex"} and len({sum(by_split.values()) for by_split in values.values()}) > 1:
            sentences.append(_uneven(label, values))
    for source in told.sources:
        sentences += [f"{source.title}: not verified: {fact}." for fact in source.card.get("unverified", [])]
    return sentences


def _skew(heat: list[float]) -> float:
    side = math.isqrt(len(heat))
    cells = {(row, column): heat[row * side + column] for row in range(side) for column in range(side)}
    rim = [
        cell for (row, column), cell in cells.items() if not min(row, column, side - 1 - row, side - 1 - column) >= 2
    ]
    middle = [cells[row, column] for row in (side // 2 - 1, side // 2) for column in (side // 2 - 1, side // 2)]
    return (sum(middle) / len(middle)) / max(sum(rim) / len(rim), 0.01)


def _uneven(label: str, values: dict[str, Counter[str]]) -> str:
    counts = {value: sum(by_split.values()) for value, by_split in values.items()}
    most, least = max(counts, key=lambda value: counts[value]), min(counts, key=lambda value: counts[value])
    return f"By declared {label} it is not even: {most} on {counts[most]:,} photographs, {least} on {counts[least]:,}."


def made(told: Facts) -> list[str]:
    """How it was made, step by step."""
    audit, recipe = told.manifest["audit"], told.recipe
    fit, splits, sources = recipe["image"], recipe["splits"], len(told.manifest["sources"])
    dropped = ", ".join(f"{count:,} {reason}" for reason, count in audit["dropped"].items())
    steps = [
        f"**Found** {audit['found']:,} pictures in {sources} {_plural(sources, 'source')}.",
        f"**Kept** {audit['kept']:,}" + (f"; dropped: {dropped}." if dropped else "; none was dropped."),
        f"**Cut** to {fit['size']} × {fit['size']} pixels (`fit: {fit['fit']}`"
        + (f", {fit['crops_per_image']} crops each" if fit["crops_per_image"] > 1 else "")
        + f"), upright, in sRGB, as {_FORMATS[fit['format']]}; EXIF and GPS are gone.",
    ]
    if recipe["ageing"]:
        steps.append("**Aged** as a whole; `original` is the picture before.")
    if told.damages:
        steps.append(
            f"**Damaged** {recipe['variants']} {_plural(recipe['variants'], 'time')} each, drawn by weight; "
            "outside the mask the damaged picture equals the clean one to the bit."
        )
    how = "as the sources declare" if splits["mode"] == "official" else f"by {splits['mode']} shares"
    alike = ", all near-duplicates of it" if recipe["curate"]["duplicates"] else ""
    steps.append(f"**Split** {how}: all samples of a picture{alike} and all of a declared person are in one split.")
    return steps


def from_recipe(told: Facts) -> str:
    """How the dataset follows from its recipe."""
    left_out = [reason for reason in ("not_publishable", "removed") if reason in told.manifest["audit"]["dropped"]]
    if left_out:
        return "less what was left out of its result since, see above; what is here has the bytes that it had there"
    return "the same recipe, sources and versions give the same bytes"


def reasons(told: Facts) -> dict[str, tuple[int, str]]:
    """Why pictures were dropped: how many, and what it means."""
    return {reason: (count, REASONS.get(reason, "")) for reason, count in told.manifest["audit"]["dropped"].items()}


def sensitive(told: Facts) -> list[str]:
    """What of it concerns people."""
    if not told.shows_people:
        return ["No picture is known to show a person."]
    sentences = [f"{sentence[:1].upper()}{sentence[1:]}." for sentence in told.verdict.people]
    consents = {source.title: source.card["consent"] for source in told.sources if source.card.get("people") != "none"
                and source.card}  # fmt: skip
    sentences += [f"{title}, on consent: {consent}." for title, consent in consents.items()]
    sentences += [f"Declared labels: {', '.join(told.groups)}."] if told.groups else []
    return [*sentences, "It holds no face embeddings, no identities, no names of people in paths, no EXIF and no GPS."]


def provenance(told: Facts) -> list[str]:
    """Who says what people are."""
    return [f"{corpus}: stated by {by}." for corpus, by in sorted(told.found.labels_by.items())]


def licence_text(told: Facts) -> str:
    """The licence in a sentence."""
    names = sorted({row.under for row in told.verdict.table if row.allowed})
    if told.verdict.forbidden:
        return (
            f"The terms of {told.samples - told.verdict.num_allowed:,} of {told.samples:,} samples do not allow "
            "passing them on, so this dataset as a whole must stay where it was built."
        )
    if len(names) == 1:
        return f"All samples are under {names[0]}."
    whole = (
        f"Whoever keeps to {told.verdict.licence} keeps to all of them."
        if told.verdict.licence
        else "There is no one licence that satisfies all of them."
    )
    return f"Every sample keeps the licence of its picture (`licence` in `json`): {', '.join(names)}. {whole}"


def link_of(told: Facts) -> str:
    """Where the licence of the whole can be read, "" where there is no one place."""
    if told.verdict.licence and not told.verdict.forbidden:
        return address(told.verdict.licence)
    links = {str(source.card.get("licence_url", "")) for source in told.sources}
    return links.pop() if len(links) == 1 else ""


# --- Citations ----------------------------------------------------------------------------------


def bibtex(told: Facts) -> str:
    """Entries for the dataset's sources, as their cards cite them."""
    entries = [entry for source in told.sources if source.card for entry in entries_of(source.card)]
    return "\n\n".join(dict.fromkeys(entries))


def entries_of(card: dict[str, Any]) -> list[str]:
    """BibTeX of what a card cites: `Authors: Title. Venue Year`, several parted by semicolons or full stops."""
    pieces = re.split(r"; (?:and )?|(?<=\d{4})\. ", str(card["citation"]))
    return [_entry(f"{card['name']}{number or ''}", piece) for number, piece in enumerate(pieces)]


def _entry(key: str, citation: str) -> str:
    authors, _, rest = citation.partition(": ") if ": " in citation else ("", "", citation)
    title, year = rest[:-4].rstrip(" ,"), rest[-4:]
    title, venue = [*re.split(r"(?<=[.?]) (?!.*[.?] )", title, maxsplit=1), ""][:2]
    names = re.split(r", | and ", authors.replace(" et al.", " and others"))
    fields = {"author": " and ".join(name for name in names if name), "title": f"{{{title.rstrip('.')}}}"}
    return _fields(key, fields | {"howpublished": venue, "year": year})


def _fields(key: str, fields: dict[str, str]) -> str:
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
    return f"@misc{{{key},\n{lines}\n}}"


def braces(names: Iterable[str]) -> str:
    """Shard names as WebDataset expands them: `train-{000000..000003}`; gaps are told."""
    stem, runs = "", list[list[str]]()
    for name in sorted(names):
        stem, _, number = name.rpartition("-")
        if runs and int(number) == int(runs[-1][-1]) + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = [run[0] if len(run) == 1 else f"{{{run[0]}..{run[-1]}}}" for run in runs]
    return f"{stem}-{parts[0]}" if len(parts) == 1 else f"{stem}-{{{','.join(parts)}}}"


def adds_terms(card: dict[str, Any]) -> bool:
    """Whether a corpus has terms of its own besides those of its pictures."""
    return bool(card) and card["licence"] != PER_PICTURE
