"""The report: one page about a finished dataset that a person can read, keep and pass on.

A single HTML file that loads nothing, so that it can be read offline and sent by mail. Everything in it comes from the
manifest, the indexes and some samples, never from `state/`, and nothing says when or where it was written: equal
datasets have equal reports. Texts come from strangers' files, so the template escapes all of them, and the page forbids
its browser to run or load anything but what is written here.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import jinja2
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from markupsafe import Markup

from pipelines import manifest as manifests
from pipelines.errors import REASONS, MenderyError
from pipelines.hub import HubPath
from pipelines.layout import Layout
from pipelines.places import fixed, place
from pipelines.publish import charts, gallery, montage
from pipelines.publish.figures import COLUMNS, Figures
from pipelines.ratios import bin_name
from pipelines.sample import SPLITS
from pipelines.storage import opened, put_bytes
from pipelines.wording import size

FOLDER = Path(__file__).parent
NUM_QUARANTINED = 50
NUM_SHARDS = 200
TYPICAL_RATIO = 0.3

REDISTRIBUTE = {
    "yes": "may be passed on",
    "noncommercial": "non-commercial use only",
    "no": "must not be passed on",
    "unknown": "unknown: ask first",
}
"""What `licences.Terms.redistribute` means, for people."""

_FIRST = ("name", "corpus", "type", "kind")


@dataclass(frozen=True)
class Dropped:
    """Pictures or samples lost for one reason."""

    stage: str
    reason: str
    text: str
    count: int


def report(out: str | Path) -> Path:
    """Writes OUT/report.html; of a dataset on the Hub NAME-report.html in the folder where one is.

    Args:
        out: a finished dataset.

    Returns:
        The file.

    Raises:
        MenderyError: there is no manifest, or a shard's index is missing.
    """
    layout = Layout(fixed(place(out)))
    manifest = manifests.read(layout.out)
    figures, candidates = Figures(), gallery.Candidates(len(manifest["shards"]))
    for shard, index in _indexes(layout, manifest):
        figures.add(shard["split"], index)
        candidates.add(shard["split"], shard["name"], index)
    page = render(manifest, figures, gallery.cards(layout, candidates.choose()))
    target = Path(f"{manifest['name']}-report.html") if isinstance(layout.out, HubPath) else layout.report
    put_bytes(target, page.encode())
    return target


def render(manifest: dict[str, Any], figures: Figures, cards: list[gallery.Card]) -> str:
    """The page."""
    recipe, damaged = manifest["recipe"], bool(manifest["recipe"]["damage"])
    script = (FOLDER / "report.js").read_text(encoding="utf-8")
    template = environment().get_template("report.html.j2")
    return template.render(
        manifest=manifest,
        recipe=recipe,
        recipe_yaml=to_yaml(recipe),
        audit=manifest["audit"],
        splits=[name for name in SPLITS if name in manifest["splits"]],
        num_bytes=sum(shard["bytes"] for shard in manifest["shards"]),
        dropped=_dropped(manifest["audit"]),
        quarantined=manifest["quarantined"][:NUM_QUARANTINED],
        shards=manifest["shards"][:NUM_SHARDS],
        figures=figures,
        damaged=damaged,
        bins=_bins(recipe["ratio_bins"]),
        histograms=charts.histograms(figures, recipe) if damaged else [],
        heat=charts.heat(manifest["mask_heat"]) if damaged else None,
        chart=charts,
        cards=cards,
        one_per_damage=_one_per_damage(cards),
        in_cards=_in_cards(cards),
        faces=_faces(cards),
        balance=charts.balance(manifest.get("balance") or {}),
        redistribute=REDISTRIBUTE,
        css=Markup((FOLDER / "report.css").read_text(encoding="utf-8")),  # noqa: S704  # ours, not data
        script=Markup(script),  # noqa: S704
        script_sha256=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def to_yaml(recipe: dict[str, Any]) -> str:
    """A recipe as a person would write it: names first, short lists in one line."""
    text: str = yaml.dump(_ordered(recipe), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text


class _Dumper(yaml.SafeDumper):
    """Writes lists of plain values in one line."""


def _represent_list(dumper: _Dumper, values: list[Any]) -> yaml.Node:
    nested = any(isinstance(value, dict | list) for value in values)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=not nested)


_Dumper.add_representer(list, _represent_list)


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        names = [name for name in _FIRST if name in value]
        names += [name for name in value if name not in names]
        return {name: _ordered(value[name]) for name in names}
    return [_ordered(part) for part in value] if isinstance(value, list) else value


def environment() -> jinja2.Environment:
    """Of the pages: every text is escaped, every name must be known."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"size": size, "number": "{:,}".format, "percent": charts.percent}
    return environment


def _indexes(layout: Layout, manifest: dict[str, Any]) -> Iterator[tuple[dict[str, Any], pa.Table]]:
    columns = sorted({*COLUMNS, *gallery.COLUMNS})
    for shard in manifest["shards"]:
        path = layout.index(shard["name"])
        try:
            yield shard, pq.read_table(opened(path), columns=columns)
        except (OSError, pa.ArrowException) as error:
            raise MenderyError(f"{path} cannot be read: {error}; `mendery verify` says what else is wrong") from None


def _dropped(audit: dict[str, Any]) -> list[Dropped]:
    stages = {"curate": audit["dropped"], "shards": audit["quarantined"]}
    return [
        Dropped(stage, reason, REASONS.get(reason, ""), count)
        for stage, reasons in stages.items()
        for reason, count in reasons.items()
    ]


def _bins(edges: list[float]) -> dict[str, str]:
    """Bins of the recipe by name, and how the page writes them; the unit stands in the headings."""
    return {bin_name(low, high): f"{100 * low:g}–{100 * high:g}" for low, high in pairwise(edges)}


def _one_per_damage(cards: list[gallery.Card]) -> list[gallery.Card]:
    """What a visitor sees first: a typical card of each damage, of different pictures where possible."""
    chosen: list[gallery.Card] = []
    for damage in sorted({card.metadata["damage"] for card in cards}):
        shown = {card.metadata["source_sha256"] for card in chosen}
        of_damage = [card.metadata for card in cards if card.metadata["damage"] == damage]
        best = min(of_damage, key=lambda one: (one["source_sha256"] in shown, abs(one["mask_ratio"] - TYPICAL_RATIO)))
        chosen += [card for card in cards if card.metadata is best]
    return chosen


def _faces(cards: list[gallery.Card]) -> list[gallery.Card]:
    """Cards with a face, of different pictures."""
    of_picture: dict[str, gallery.Card] = {}
    for card in cards:
        if card.face is not None:
            of_picture.setdefault(card.metadata["source_sha256"], card)
    return list(of_picture.values())[: montage.NUM_FACES]


def _in_cards(cards: list[gallery.Card]) -> dict[str, Counter[str]]:
    """How many cards each value of each filter leaves."""
    fields = {"split": "split", "damage": "damage", "bin": "mask_ratio_bin"}
    return {name: Counter(card.metadata[field] for card in cards) for name, field in fields.items()}
