"""The dataset card: README.md of a built dataset, its data sheet, a picture of samples, and the files of attribution.

The templates are in `dataset_cards/`. What is computed stands between markers and is made anew each time; whatever a
person writes outside of them stays, and a part whose markers a person has deleted does not come back. Equal datasets
have equal cards: nothing says when or where one was written.
"""

from __future__ import annotations

import heapq
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
import numpy as np
import pyarrow.parquet as pq
import yaml
from markupsafe import Markup
from PIL import Image, ImageDraw

import dataset_cards
from pipelines.damage import DAMAGES
from pipelines.damage.base import Picture
from pipelines.errors import MenderyError
from pipelines.imaging.encode import decode_image, decode_png
from pipelines.layout import Layout
from pipelines.licences import terms
from pipelines.places import place
from pipelines.publish import facts as told_facts
from pipelines.publish.facts import Facts, facts
from pipelines.publish.features import features
from pipelines.publish.gallery import COLUMNS, Candidate
from pipelines.publish.gate import file_name, terms_of
from pipelines.publish.report import TYPICAL_RATIO, to_yaml
from pipelines.publish.samples import Kind
from pipelines.sample import MASK_MEMBER, METADATA_FIELDS
from pipelines.shards.read import read_members
from pipelines.storage import opened, put_bytes
from pipelines.viewing import overlay
from pipelines.wording import size

HUB_LICENCES = frozenset(
    (
        "apache-2.0", "mit", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0",
        "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0",
        "cc-by-nc-sa-4.0",
    )
)  # fmt: skip
"""Identifiers of the Hub for licences of our table; others are "other" there, with a name."""

SIZES = (
    (10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"), (10**9, "100M<n<1B"),
)  # fmt: skip
"""Numbers of samples below which the Hub has a name for them."""

GATED_PROMPT = (
    "This dataset shows people who were not asked. By asking for access you agree to use it for repairing pictures "
    "only, to recognise or identify nobody with it, and to delete pictures that are removed from it."
)

NUM_SHOWN, MOST_SHOWN = 6, 12
"""Samples that the picture shows; more than the first where there are more damages."""

_PER_DAMAGE = 64
"""Samples of each damage to choose from."""

_SIDE, _GAP, _LABEL, _BESIDE = 150, 6, 22, 2
_BACK, _INK, _HIDDEN = (255, 255, 255), (60, 60, 60), (236, 232, 226)
_MARK = re.compile(r"<!-- mendery:(?P<edge>begin|end) (?P<name>[a-z-]+) -->")

CONTACT = (
    "Write to whoever published this dataset, or open a discussion on its page, and name the picture by "
    "`source_sha256` or `source_uri` of its `json`. You need not say why."
)


def write(out: str | Path, *, contact: str = "", repo: str = "") -> Path:
    """Writes README.md, datasheet.md, card/samples.jpg and attribution/ of a finished dataset.

    Args:
        contact: whom to ask for removal: an address or a sentence; stands outside the markers, so it is written once.
        repo: `OWNER/NAME` on the Hub, for the examples of how to load it; what the card had by default.

    Returns:
        The card.

    Raises:
        MenderyError: the dataset is not finished, its shards are not those of its manifest, or the markers of a card
            that is there are broken.
    """
    layout, told = Layout(place(out)), facts(out)
    values = _values(told, contact, repo or _repo_of(layout.card))
    for target, template in ((layout.card, "built.md.j2"), (layout.datasheet, "datasheet.md.j2")):
        page = environment().get_template(template).render(values)
        old = target.read_text(encoding="utf-8") if target.is_file() else ""
        put_bytes(target, (merged(page, old, target) if old else page).encode())
    put_bytes(layout.card_pictures / "samples.jpg", _grid(layout, told))
    _write_attribution(layout, told)
    return layout.card


def _repo_of(path: Path) -> str:
    """The repository that a card names already."""
    found = (
        re.search(r'load_dataset\("([\w.-]+/[\w.-]+)"', path.read_text(encoding="utf-8")) if path.is_file() else None
    )
    return found[1] if found and not found[1].startswith("PATH") else ""


def _values(told: Facts, contact: str, repo: str) -> dict[str, Any]:
    """What the templates speak of."""
    return {
        "told": told,
        "facts": told_facts,
        "about": [
            " ".join(text.split()) for text in re.split(r"\n\s*\n", told.recipe.get("about") or "") if text.strip()
        ],
        "front": Markup(front_matter(told)),  # noqa: S704  # YAML, escaped by its writer
        "where": repo or "PATH",
        "repo": repo,
        "image": f"image.{told.recipe['image']['format']}",
        "contact": contact or Markup(CONTACT),  # noqa: S704
        "fields": field_rows(),
        "recipe_yaml": Markup(to_yaml(told.recipe).replace("```", "` ` `")),  # noqa: S704  # cannot end its block
        "shards": {split: told_facts.braces(told.shards_of(split)) for split in told.splits},
        "attribution": {licence: file_name(licence) for licence in told.verdict.attribution},
    }


def _write_attribution(layout: Layout, told: Facts) -> None:
    """Writes the files of attribution, and removes those of licences that are no longer there."""
    wanted = {file_name(licence): text for licence, text in told.verdict.attribution.items()}
    for path in list(layout.attribution.glob("*.txt")) if layout.attribution.is_dir() else []:
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        put_bytes(layout.attribution / name, text.encode())


# --- Text ---------------------------------------------------------------------------------------


def environment() -> jinja2.Environment:
    """Of the templates: whatever is filled in is escaped for Markdown, and every name must be known."""
    environment = jinja2.Environment(  # noqa: S701  # Markdown, escaped by `finalize`
        loader=jinja2.FileSystemLoader(Path(dataset_cards.__path__[0])),
        finalize=escaped,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Any] = {
        "size": size,
        "number": "{:,}".format,
        "percent": lambda share: f"{100 * share:.0f} %",
        "code": code,
        "authored": authored,
        "link": link,
        "prose": Markup,  # sentences of ours, with their own emphasis
    }
    environment.filters |= filters
    return environment


def escaped(value: Any) -> str:
    """Text that Markdown and HTML show as it is, in one line."""
    if isinstance(value, Markup):
        return str(value)
    return re.sub(r"([\\`*_\[\]<>|~])", r"\\\1", re.sub(r"\s+", " ", str(value)))


def code(value: Any) -> Markup:
    """Text as code in a line."""
    text = " ".join(str(value).split()).replace("`", "'").replace("|", "¦")
    return Markup(f"`{text}`")  # noqa: S704


def authored(text: str) -> Markup:
    """A paragraph of a recipe, which is Markdown already, but may hold no HTML and no marker."""
    return Markup(text.replace("<", "\\<"))  # noqa: S704


def link(address: Any, text: Any = "") -> Markup:
    """A link, if the address is one; else the text alone."""
    shown = escaped(text or address)
    if not re.match(r"https?://", str(address)):
        return Markup(shown)  # noqa: S704
    return Markup(f"[{shown}]({quote(str(address), safe=':/?#@!$&+,;=%~-._')})")  # noqa: S704


def merged(new: str, old: str, path: Path) -> str:
    """An old page with its generated parts made anew, and all else kept.

    Raises:
        MenderyError: markers are missing altogether, or one has no counterpart.
    """
    parts = {name: text for name, text in _parts(new, path) if name}
    kept = list(_parts(old, path))
    if not any(name for name, _ in kept):
        raise MenderyError(
            f"{path} has no parts between markers, so it is not ours to change: move it away, or delete it"
        )
    text = "".join(parts.get(name, "") if name else text for name, text in kept)
    if not old.startswith("---\n"):
        return text
    head, body = _front(text, path)
    return f"---\n{_yaml(head | _front(new, path)[0])}---\n{body}"


def _front(text: str, path: Path) -> tuple[dict[str, Any], str]:
    """Front matter of a page and what follows it."""
    try:
        _, head, body = text.split("---\n", 2)
        found = yaml.safe_load(head) or {}
    except (ValueError, yaml.YAMLError) as error:
        raise MenderyError(f"{path}: its front matter cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise MenderyError(f"{path}: its front matter is no mapping")
    return found, body


def _parts(page: str, path: Path) -> Iterator[tuple[str, str]]:
    """Pieces of a page in order: generated ones, markers included, by name; others under no name."""
    start, open_name, begun = 0, "", 0
    for mark in _MARK.finditer(page):
        line = page.count("\n", 0, mark.start()) + 1
        if mark["edge"] == "begin":
            if open_name:
                raise MenderyError(f"{path}:{line}: part {mark['name']!r} begins before {open_name!r} ends")
            yield "", page[start : mark.start()]
            open_name, begun = mark["name"], mark.start()
        elif mark["name"] != open_name:
            raise MenderyError(f"{path}:{line}: part {mark['name']!r} ends, but did not begin")
        else:
            yield open_name, page[begun : mark.end()]
            open_name, start = "", mark.end()
    if open_name:
        raise MenderyError(f"{path}: part {open_name!r} begins and never ends: put its end marker back")
    yield "", page[start:]


# --- Metadata -----------------------------------------------------------------------------------


def front_matter(told: Facts) -> str:
    """YAML that the Hub reads; what a person adds to it is kept."""
    return _yaml(_head(told))


def _yaml(head: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=120)
    return text


def _head(told: Facts) -> dict[str, Any]:
    head: dict[str, Any] = {"pretty_name": told.title, **_licence(told)}
    head["task_categories"] = ["image-to-image"]
    head["tags"] = _tags(told)
    head["size_categories"] = [next((name for limit, name in SIZES if told.samples < limit), "n>1T")]
    if told.verdict.gated:
        head["extra_gated_prompt"] = GATED_PROMPT
    head["configs"] = [
        {
            "config_name": "default",
            "data_files": [{"split": split, "path": f"shards/{split}-*.tar"} for split in told.splits],
        }
    ]
    head["dataset_info"] = {
        "config_name": "default",
        "features": features(told.manifest["members"]),
        "splits": [
            {"name": split, "num_bytes": counts["bytes"], "num_examples": counts["samples"]}
            for split, counts in told.splits.items()
        ],
        "download_size": told.num_bytes,
        "dataset_size": told.num_bytes,
    }
    return head


def _licence(told: Facts) -> dict[str, str]:
    whole = "" if told.verdict.forbidden else told.verdict.licence
    if whole.lower() in HUB_LICENCES:
        return {"license": whole.lower()}
    names = {row.under for row in told.verdict.table}
    name = whole or (names.pop() if len(names) == 1 else "") or "each-picture-its-own"
    if told.verdict.forbidden:
        name = "not-to-be-passed-on"
    found = {"license": "other", "license_name": re.sub(r"[^a-z0-9.]+", "-", name.lower())}
    address = told_facts.link_of(told)
    return found | ({"license_link": address} if address else {})


def _tags(told: Facts) -> list[str]:
    tags = ["image-inpainting", "image-restoration", "mendery", "webdataset"]
    tags += ["faces"] if told.verdict.gated else []
    noncommercial = any(terms(row.under).redistribute == "noncommercial" for row in told.verdict.table)
    return tags + (["non-commercial"] if noncommercial else []) + [one.kind.replace("_", "-") for one in told.damages]


_MEANINGS = {
    "contract_version": "version of the sample contract",
    "key": "name of the sample, unique",
    "split": "train, val or test",
    "corpus": "collection that the photograph comes from",
    "source": "name of the source in the recipe",
    "source_uri": "where in the source; `~` stands where the path names a person or a place",
    "source_sha256": "digest of the source's bytes; by it a picture can be removed",
    "original_width": "pixels of the upright original",
    "original_height": "likewise",
    "licence": "licence of the photograph",
    "licence_url": "where that is stated",
    "redistribute": "yes, noncommercial, no or unknown",
    "attribution": "whom to name",
    "crop": "number of the crop",
    "crop_matrix": "(a, b, c, d, e, f): x' = ax + by + c, y' = dx + ey + f from the original",
    "size": "side in pixels",
    "variant": "number of the damaged variant",
    "ageing": "JSON text: what was done to `original`",
    "damage": "family of the damage",
    "damage_parameters": "JSON text, enough to draw the damage again",
    "damage_seed": "seed of the damage",
    "mask_ratio": "share of missing pixels",
    "mask_ratio_bin": "its bin",
    "mask_ratio_asked": "what was asked for",
    "difficulty": "how far the middle of the hole is from anything known, 0 easy to 1 hard",
    "labels": "JSON text: what the collection declares",
    "labels_by": "who says so",
    "faces": "JSON text: box and five points of each face, in pixels of the crop",
    "guides": "JSON text: schemes of label maps and points",
}


def field_rows() -> list[tuple[str, str, str]]:
    """Fields of `json`: name, type, meaning."""
    names = {int: "integer", float: "number", str: "text", list: "list of numbers"}
    return [(name, names[kind], _MEANINGS[name]) for name, kind in METADATA_FIELDS.items()]  # type: ignore[index]


# --- The picture --------------------------------------------------------------------------------


def _grid(layout: Layout, told: Facts) -> bytes:
    """A JPEG with a sample of each damage: image, damaged, mask; the mask alone where pictures may not be shown."""
    chosen = _chosen(layout, told)
    shown = (
        {(row.source, row.licences) for row in told.verdict.table if row.allowed} if not told.verdict.gated else set()
    )
    rows = [_row(layout, candidate, shown) for candidate in chosen]
    if not rows:
        rows = [("", [_nothing()])]
    step, wide = _SIDE + _GAP, max(len(pictures) for _, pictures in rows)
    beside = min(len(rows), _BESIDE)
    size = (beside * (wide * step + _GAP) + _GAP, -(-len(rows) // beside) * (step + _LABEL) + _GAP)
    sheet = Image.new("RGB", size, _BACK)
    draw = ImageDraw.Draw(sheet)
    for number, (label, pictures) in enumerate(rows):
        left = _GAP + number % beside * (wide * step + _GAP)
        top = _GAP + number // beside * (step + _LABEL)
        draw.text((left, top), label, fill=_INK, font_size=14)
        for column, picture in enumerate(pictures):
            shown_as = Image.fromarray(picture).resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
            sheet.paste(shown_as, (left + column * step, top + _LABEL - 2))
    encoded = io.BytesIO()
    sheet.save(encoded, "JPEG", quality=85, optimize=True)
    return encoded.getvalue()


def _chosen(layout: Layout, told: Facts) -> list[Candidate]:
    """Typical samples of each damage in turn, of different pictures where possible, and such as are allowed first."""
    allowed = {(row.source, row.licences[0]) for row in told.verdict.table if row.allowed}
    found: dict[str, list[tuple[bool, float, Candidate]]] = {}
    for shard in told.manifest["shards"]:
        columns = [*COLUMNS, "source", "licence"]
        for row in pq.read_table(opened(layout.index(shard["name"])), columns=columns).to_pylist():
            one = Candidate(row["mask_ratio"], row["key"], row["source_sha256"], shard["name"])
            rank = ((row["source"], row["licence"]) not in allowed, abs(one.mask_ratio - TYPICAL_RATIO), one)
            found.setdefault(row["damage"], []).append(rank)
        found = {kind: heapq.nsmallest(_PER_DAMAGE, ranked) for kind, ranked in found.items()}
    turns = [found[kind] for kind in sorted(found)]
    chosen: list[Candidate] = []
    while len(chosen) < max(NUM_SHOWN, min(len(turns), MOST_SHOWN)) and any(turns):
        for ranked in turns:
            if ranked and len(chosen) < MOST_SHOWN:
                shown = {one.picture for one in chosen}
                best = min(ranked, key=lambda rank: (rank[0], rank[2].picture in shown, rank))
                ranked.remove(best)
                chosen.append(best[2])
    return chosen[: max(NUM_SHOWN, min(len(turns), MOST_SHOWN))]


def _row(layout: Layout, candidate: Candidate, shown: set[Any]) -> tuple[str, list[Picture]]:
    """Label and pictures of one row."""
    columns = ["damage", "source", "corpus", "licence", "members"]
    filters = [("key", "=", candidate.key)]
    (row,) = pq.read_table(opened(layout.index(candidate.shard)), columns=columns, filters=filters).to_pylist()
    members = read_members(layout.shard(candidate.shard), row["members"])
    label = f"{row['damage']}, {100 * candidate.mask_ratio:.0f} % missing" if row["damage"] in DAMAGES else ""
    kind = Kind(row["source"], row["corpus"], row["licence"])
    mask = decode_png(members[MASK_MEMBER]) if MASK_MEMBER in members else None
    if (kind.source, terms_of(kind)) not in shown:
        return label, [np.repeat(mask[..., None], 3, axis=2) if mask is not None else _nothing()]
    image = decode_image(next(data for name, data in members.items() if name.startswith("image.")))
    if mask is None:
        return label, [image]
    damaged = decode_image(next(data for name, data in members.items() if name.startswith("damaged.")))
    return label, [image, damaged, overlay(image, mask)]


def _nothing() -> Picture:
    return np.full((_SIDE, _SIDE, 3), _HIDDEN, np.uint8)
