"""How a build begins: anew, where it was left, or, asked to, from what an earlier recipe has left behind.

An output folder belongs to one recipe and one state of its sources. What was measured of a picture stays true when the
recipe changes, so `update` keeps that and forgets the rest.
"""

from __future__ import annotations

import os

from pipelines import catalog, changes, tombstones
from pipelines.curate import known
from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.places import remove_tree
from pipelines.progress import Progress
from pipelines.recipe import Recipe, differences
from pipelines.sources.base import Listing
from pipelines.storage import put_bytes, put_json, read_json, sweep
from pipelines.tombstones import Places

ADVICE = "--update keeps what was measured and makes the rest anew; or use another --out, or --fresh to begin again"


def begin(recipe: Recipe, layout: Layout, fresh: bool, update: bool, progress: Progress) -> None:
    """Lists the sources, and refuses to continue what was begun with something else, unless asked to update it.

    Raises:
        MenderyError: the recipe or its sources are not those with which the folder was begun.
    """
    if fresh:
        forget(layout)
        remove_tree(layout.known)
        if not layout.tombstones.is_file():  # places of removed pictures, and people, are digested with it
            layout.salt.unlink(missing_ok=True)
    sweep(layout.out)
    changed = _changes(recipe, layout, progress)
    if changed and not update:
        raise MenderyError("\n  ".join([f"{layout.out} was begun with something else; {ADVICE}:", *changed]))
    if changed:
        progress.say("\n  ".join(["update:", *changed]))
        known.remember(layout)
        forget(layout)
    _forget_cleaned_plan(layout, progress)
    _list(recipe, layout, progress)


def _forget_cleaned_plan(layout: Layout, progress: Progress) -> None:
    """Makes way for a new plan where pictures were taken out of the old one and the manifest was lost since.

    A cleaned plan tells of the shards that are there, but can make none: its crops lie elsewhere in packs made anew.
    """
    if layout.manifest.is_file() or not layout.plan_summary.is_file():
        return
    if read_json(layout.plan_summary).get("cleaned"):
        progress.say("pictures were removed, and the manifest is gone: planning anew")
        for file in (layout.plan_summary, layout.plan):
            file.unlink(missing_ok=True)
        for folder in (layout.commits, layout.shards):
            remove_tree(folder)


def forget(layout: Layout) -> None:
    """Removes what builds leave in an output folder, and nothing else that lies there.

    The manifest goes first, so that nothing half passes for complete, and the recipe last, so that a folder in which
    this was interrupted is still known for what it was.
    """
    for file in (layout.manifest, layout.report, layout.curation_report, layout.plan_summary, layout.plan):
        file.unlink(missing_ok=True)
    folders = (layout.shards, layout.commits, layout.measured, layout.gathered, layout.renditions, layout.gzip_indexes)
    for folder in folders:
        remove_tree(folder)
    for file in (layout.curated, layout.balance, layout.catalog, layout.recipe, layout.begun_with):
        file.unlink(missing_ok=True)


def _changes(recipe: Recipe, layout: Layout, progress: Progress) -> list[str]:
    """What is not as it was when the folder was begun, a line each; lists the sources for that."""
    if not layout.begun_with.is_file():
        return []
    if differs := differences(read_json(layout.begun_with), recipe.portable()):
        return [f"recipe: {line}" for line in differs]
    if not layout.catalog.is_file():
        return []
    now = layout.state / "catalog-now.parquet"
    progress.say("listing the sources again")
    catalog.write(recipe, now, _listing(recipe, layout))
    found = changes.between(layout.catalog, now, [source.name for source in recipe.sources])
    now.unlink()
    return found


def _list(recipe: Recipe, layout: Layout, progress: Progress) -> None:
    put_json(layout.begun_with, recipe.portable())
    put_bytes(layout.recipe, recipe.to_yaml().encode())
    for note in dict.fromkeys(note for damage in recipe.damage for note in damage.notes()):
        progress.say(f"note: {note}")
    if layout.catalog.is_file():
        return
    progress.say(f"listing {len(recipe.sources)} source{'s' if len(recipe.sources) > 1 else ''}")
    catalog.write(recipe, layout.catalog, _listing(recipe, layout))
    for note in catalog.notes(layout.catalog):
        progress.say(f"note: {note}")


def _listing(recipe: Recipe, layout: Layout) -> Listing:
    salt = _salt(layout)
    gone = tombstones.of(recipe.tombstones, layout.tombstones)
    places = Places(salt, tombstones.read_places(layout.removed), gone.people)
    return Listing(layout.gzip_indexes, salt, places)


def _salt(layout: Layout) -> bytes:
    """Secret of this output; nothing that is published depends on it."""
    if not layout.salt.is_file():
        put_bytes(layout.salt, os.urandom(16))
    return layout.salt.read_bytes()
