"""The plan is the same however many rows are sorted at a time, and every kept picture is in it once."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from material import recipe_text

from pipelines import build
from pipelines.layout import Layout
from pipelines.recipe import load
from pipelines.shards import plan


@pytest.fixture
def built(ray_here: None, photos: Path, tmp_path: Path) -> tuple[Path, Layout]:
    recipe = tmp_path / "small.yaml"
    recipe.write_text(recipe_text("{type: folder, path: photos}"))
    layout = Layout(tmp_path / "out")
    build(recipe, layout.out)
    return recipe, layout


def test_every_kept_picture_is_planned_once_in_its_split(built: tuple[Path, Layout]) -> None:
    _, layout = built
    planned, curated = pq.ParquetFile(layout.plan), pq.read_table(layout.curated)
    names = [
        f"{split}-{number:06d}" for split, total in (("train", 4), ("val", 1), ("test", 1)) for number in range(total)
    ]
    assert planned.num_row_groups == len(names)
    for number, name in enumerate(names):
        assert set(planned.read_row_group(number)["split"].to_pylist()) == {name.split("-")[0]}
    assert sorted(planned.read()["sha256"].to_pylist()) == sorted(curated["sha256"].to_pylist())


@pytest.mark.parametrize("bucket", [1, 7, 1000])
def test_rows_sorted_at_a_time_do_not_matter(
    built: tuple[Path, Layout], monkeypatch: pytest.MonkeyPatch, bucket: int
) -> None:
    recipe, layout = built
    # The crops are gone with the finished build; where they lay stands in the plan.
    table = pq.read_table(layout.plan)
    places = {(row["part"], row["row"]): row["renditions"] for row in table.to_pylist()}
    monkeypatch.setattr(plan, "num_crops", lambda recipe, layout, kept: plan.np.ones(kept.num_rows, int))
    monkeypatch.setattr(plan, "with_crops", lambda layout, rows: rows.append_column(
        "renditions", plan.pa.array([places[row["part"], row["row"]] for row in rows.to_pylist()], plan.packs.CROPS)
    ))  # fmt: skip
    monkeypatch.setattr(plan, "BUCKET", bucket)
    before = [str(pq.ParquetFile(layout.plan).read_row_group(number).to_pylist()) for number in range(6)]
    plan.write(load(recipe), layout, 10)
    assert [str(pq.ParquetFile(layout.plan).read_row_group(number).to_pylist()) for number in range(6)] == before
