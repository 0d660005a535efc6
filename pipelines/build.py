"""The build, from a recipe to a verified dataset, on one screen.

    sources -> catalog -> curate -> plan -> damage + shards -> manifest -> report

Every stage leaves files and skips what is already there, so the same command continues whatever was
interrupted. The stages do not know each other; only this module composes them. They are imported
inside the functions, because `from pipelines import build` must not cost `mendery --help` a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pipelines.layout import Layout
    from pipelines.progress import Progress
    from pipelines.recipe import Recipe

TASK_MEMORY = 1500 * 2**20
"""Bytes that a task declares to Ray: room for the largest picture the defaults let in, decoded twice."""


def build(
    recipe: str | Path | Recipe,
    out: str | Path,
    *,
    sources: Mapping[str, str | Path] | None = None,
    workers: int | None = None,
    address: str | None = None,
    fresh: bool = False,
    update: bool = False,
    retry: Literal["transient"] | None = None,
    quiet: bool = True,
) -> dict[str, Any]:
    """Builds a dataset, or continues building it.

    Args:
        recipe: a YAML file, the name of a ready recipe, or a loaded recipe.
        out: folder of the dataset; on a cluster every node must see it.
        sources: where the recipe's sources are, by name or corpus, for those whose path it leaves empty.
        workers: tasks at a time; all processors when None.
        address: a running Ray cluster; None starts Ray on this machine.
        fresh: forget an earlier build in `out`.
        update: where `out` was begun with another recipe or other sources, keep what was measured of pictures that are
            still there, and make everything else anew.
        retry: "transient" first reads again what failed for reasons that may pass (time-outs, HTTP 5xx and 429, broken
            connections), and nothing else. If anything comes of it, the splits, the plan and every shard of `out` are
            made anew, of a complete build too, since they follow from the complete table; if not, `out` stays as it is.
        quiet: say nothing on the screen.

    Returns:
        The manifest.

    Raises:
        RecipeError: the recipe cannot be followed; nothing was started.
        MenderyError: `out` holds another build, or the run cannot go on.
    """
    from pipelines import manifest
    from pipelines.begin import begin
    from pipelines.curate.retry import adopt
    from pipelines.errors import MenderyError
    from pipelines.layout import Layout
    from pipelines.places import place
    from pipelines.progress import Progress, only_one
    from pipelines.publish.report import report
    from pipelines.recipe import load
    from pipelines.shards.write import committed
    from pipelines.spread import cluster

    if retry not in (None, "transient"):
        raise MenderyError(f"retry must be 'transient' or nothing, found {retry!r}")
    recipe, layout = load(recipe, sources), Layout(place(out).resolve())
    with only_one(layout), Progress(layout.log, quiet) as progress:
        begin(recipe, layout, fresh, update, progress)
        adopt(layout)
        if retry:
            _retry(recipe, layout, workers, address, progress)
        if not layout.manifest.is_file():
            with cluster(workers, address) as num_workers:
                _curate(recipe, layout, num_workers, progress)
                _fill_packs(recipe, layout, num_workers, progress)
                plan = _plan(recipe, layout, progress)
                _write_shards(recipe, layout, plan, num_workers, progress)
            manifest.write(recipe, layout, plan, committed(layout, [shard["name"] for shard in plan["shards"]]))
        if not layout.report.is_file():
            report(layout.out)
        _drop_renditions(layout, progress)
        progress.say(f"{layout.out} is complete")
    return manifest.read(layout.out)


def _retry(recipe: Recipe, layout: Layout, workers: int | None, address: str | None, progress: Progress) -> None:
    """Reads again what failed for reasons that may pass; whatever follows from the table goes if anything came."""
    from pipelines.curate.measure import MeasureJob
    from pipelines.curate.retry import adopt, retry_part, transient
    from pipelines.errors import MenderyError
    from pipelines.spread import cluster, spread

    if layout.manifest.is_file() and not layout.measured.is_dir():
        raise MenderyError(f"{layout.state} does not say any more what failed: use another --out, or --fresh")
    waiting = transient(layout)
    jobs = [MeasureJob(str(layout.out), recipe.model_dump_json(), number) for number in waiting]
    progress.say(f"retry: {sum(waiting.values()):,} pictures failed for reasons that may pass")
    if not jobs:
        return
    came = 0
    with cluster(workers, address) as num_workers, progress.count("retry", sum(waiting.values())) as advance:
        for job, number in spread(retry_part, jobs, num_workers, TASK_MEMORY, lambda job: f"retrying part {job.part}"):
            advance(waiting[job.part])
            came += number
    adopt(layout)
    progress.say(f"retry: {came:,} of them are settled" + ("" if came else "; nothing is made anew"))


def curate(
    recipe: str | Path | Recipe,
    out: str | Path,
    *,
    sources: Mapping[str, str | Path] | None = None,
    workers: int | None = None,
    address: str | None = None,
    fresh: bool = False,
    update: bool = False,
    report: bool = False,
    quiet: bool = True,
) -> dict[str, int]:
    """Measures and judges every picture of a recipe, and makes no shard; `build` in the same folder goes on from there.

    Arguments and errors are those of `build`; `report` writes a page that shows the numbers beside their thresholds.

    Returns:
        Number of pictures by reason; "" is for those kept.
    """
    from pipelines.begin import begin
    from pipelines.curate.decide import counts
    from pipelines.curate.retry import adopt
    from pipelines.layout import Layout
    from pipelines.places import place
    from pipelines.progress import Progress, only_one
    from pipelines.publish.curation import report as write_report
    from pipelines.recipe import load
    from pipelines.spread import cluster

    recipe, layout = load(recipe, sources), Layout(place(out).resolve())
    with only_one(layout), Progress(layout.log, quiet) as progress:
        begin(recipe, layout, fresh, update, progress)
        adopt(layout)
        if not layout.curated.is_file():
            with cluster(workers, address) as num_workers:
                _curate(recipe, layout, num_workers, progress, crops=False)
        if report:
            progress.say("curate: reading a few pictures again for the report")
            write_report(recipe, layout)
    return counts(layout)


def _curate(recipe: Recipe, layout: Layout, workers: int, progress: Progress, crops: bool = True) -> None:
    """Measures what is not measured yet, then decides on every picture."""
    from pipelines import catalog
    from pipelines.curate import columns, known
    from pipelines.curate.decide import decide
    from pipelines.curate.measure import MeasureJob, measure_part
    from pipelines.spread import runner, spread

    columns.check(recipe, layout)
    if remembered := known.recall(recipe, layout):
        progress.say(f"curate: {remembered:,} pictures are measured already")
    parts = catalog.part_sizes(layout.catalog)
    missing = [number for number in range(len(parts)) if not layout.part(number).is_file()]
    total, done = sum(parts), sum(parts) - sum(parts[number] for number in missing)
    jobs = [MeasureJob(str(layout.out), recipe.model_dump_json(), number, crops) for number in missing]
    with progress.count("curate", total, done) as advance:
        name, gpus = lambda job: f"measuring part {job.part}", _gpus(recipe)
        for _, measured in spread(measure_part, jobs, workers, TASK_MEMORY, name, gpus):
            advance(measured)
    if not layout.curated.is_file():
        _measure_against(recipe, layout, workers, progress)
        reasons = decide(recipe, layout, runner(workers, TASK_MEMORY))
        progress.say(
            "curate: " + ", ".join(f"{count:,} {reason or 'kept'}" for reason, count in sorted(reasons.items()))
        )


def _gpus(recipe: Recipe) -> float:
    """GPUs of a measuring task; its worker process stays, and with it the models that it has loaded."""
    return recipe.curate.faces.gpus if recipe.curate.faces else 0


def _measure_against(recipe: Recipe, layout: Layout, workers: int, progress: Progress) -> None:
    """Measures the datasets whose copies must not enter; what is known of them is not measured again."""
    from pipelines import catalog
    from pipelines.begin import begin
    from pipelines.curate import known
    from pipelines.curate.copies import recipe_against
    from pipelines.curate.measure import MeasureJob, measure_part
    from pipelines.layout import Layout
    from pipelines.spread import spread

    paths = recipe.curate.duplicates.against if recipe.curate.duplicates else []
    for number, path in enumerate(paths):
        other, inner = recipe_against(path, recipe), Layout(layout.against(number))
        begin(other, inner, False, True, progress)
        known.recall(other, inner)
        parts = catalog.part_sizes(inner.catalog)
        missing = [part for part in range(len(parts)) if not inner.part(part).is_file()]
        jobs = [MeasureJob(str(inner.out), other.model_dump_json(), part, False) for part in missing]
        with progress.count(f"against {Path(path).name}", sum(parts), sum(parts) - len(missing)) as advance:
            for job, _ in spread(measure_part, jobs, workers, TASK_MEMORY, lambda job: f"measuring part {job.part}"):
                advance(parts[job.part])


def _fill_packs(recipe: Recipe, layout: Layout, workers: int, progress: Progress) -> None:
    """Makes the crops that measuring has not left: those of pictures that were let in later."""
    from pipelines.curate.decide import kept_rows
    from pipelines.curate.packs import lacking

    if layout.plan_summary.is_file():
        return
    kept = kept_rows(layout)
    _make_packs(recipe, layout, [part for part, rows in kept.items() if lacking(layout, part, rows)], workers, progress)


def _plan(recipe: Recipe, layout: Layout, progress: Progress) -> dict[str, Any]:
    """The plan, made once and then read."""
    from pipelines.shards import plan
    from pipelines.shards.trial import samples_per_shard
    from pipelines.storage import read_json

    if not layout.plan_summary.is_file():
        plan.write(recipe, layout, samples_per_shard(recipe, layout))
    summary: dict[str, Any] = read_json(layout.plan_summary)
    progress.say(
        f"plan: {summary['pictures']:,} pictures, {summary['samples']:,} samples, {len(summary['shards']):,} shards"
    )
    return summary


def _write_shards(recipe: Recipe, layout: Layout, plan: dict[str, Any], workers: int, progress: Progress) -> None:
    """Writes every planned shard that has no commit record."""
    from pipelines.shards.write import ShardJob, committed, write_shard
    from pipelines.spread import spread

    planned = {shard["name"]: shard["samples"] for shard in plan["shards"]}
    finished = committed(layout, list(planned))
    jobs = [
        ShardJob(str(layout.out), recipe.model_dump_json(), name, number, tuple(sorted(plan["versions"].items())))
        for number, name in enumerate(planned)
        if name not in finished
    ]
    _restore_packs(recipe, layout, [job.row_group for job in jobs], workers, progress)
    done = sum(planned[name] for name in finished)
    with progress.count("shards", plan["samples"], done, "samples") as advance:
        for job, _ in spread(write_shard, jobs, workers, TASK_MEMORY, lambda job: f"writing {job.shard}"):
            advance(planned[job.shard])


def _restore_packs(recipe: Recipe, layout: Layout, shards: list[int], workers: int, progress: Progress) -> None:
    """Makes crops again that a finished build has thrown away, for shards that were lost since."""
    from pipelines.shards.plan import parts_of

    parts = [number for number in parts_of(layout, shards) if not layout.pack(number).is_file()]
    _make_packs(recipe, layout, parts, workers, progress)


def _make_packs(recipe: Recipe, layout: Layout, parts: list[int], workers: int, progress: Progress) -> None:
    """Makes the packs of parts that are measured."""
    from pipelines.curate.measure import MeasureJob, measure_part
    from pipelines.spread import spread

    if not parts:
        return
    progress.say(f"reading {len(parts)} parts of the catalog again, for the crops")
    jobs = [MeasureJob(str(layout.out), recipe.model_dump_json(), number) for number in parts]
    with progress.count("crops", len(jobs), 0, "parts") as advance:
        for _ in spread(measure_part, jobs, workers, TASK_MEMORY, lambda job: f"reading part {job.part}"):
            advance(1)


def _drop_renditions(layout: Layout, progress: Progress) -> None:
    """The crops stand in the shards now; only a retry, which makes all shards anew, would still need them."""
    from pipelines.curate.retry import transient
    from pipelines.places import remove_tree

    if layout.renditions.is_dir() and (left := sum(transient(layout).values())):
        progress.say(
            f"{left:,} pictures failed for reasons that may pass: --retry transient asks for them again. "
            f"{layout.renditions} is kept for that; without it they are lost, nothing else"
        )
        return
    remove_tree(layout.renditions)
