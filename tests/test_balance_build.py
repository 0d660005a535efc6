"""Balance through a whole build: what is kept, what is said of it, and what stops before anything is measured."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from material import jpeg

from pipelines import build, manifest, verify, why
from pipelines.build import curate
from pipelines.cli import building
from pipelines.errors import RecipeError
from pipelines.layout import Layout
from pipelines.storage import read_json

RECIPE = """
name: balanced
sources: [{{type: parquet, path: faces.parquet, image: image, labels: [group, sex]}}]
image: {{size: 64}}
splits: {{train: 0.5, val: 0.5}}
balance: {balance}
"""


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Thirty pictures of two groups, of which the smaller has no women; one is there twice, labelled otherwise."""
    stated = [("Asian", "male")] * 8 + [("White", "male")] * 12 + [("White", "female")] * 10
    rows: list[dict[str, Any]] = [
        {"image": jpeg(number), "group": group, "sex": sex} for number, (group, sex) in enumerate(stated)
    ]
    rows.append(rows[-1] | {"sex": "male"})
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "faces.parquet")
    return tmp_path


def recipe(folder: Path, balance: str) -> Path:
    (folder / "balanced.yaml").write_text(RECIPE.format(balance=balance))
    return folder / "balanced.yaml"


def kept(out: Path) -> Counter[str]:
    rows = pq.read_table(Layout(out).curated, columns=["labels", "reason"]).to_pylist()
    return Counter(json.loads(row["labels"])["group"] for row in rows if not row["reason"])


def test_a_balanced_build_is_told_in_manifest_and_report(ray_here: None, faces: Path) -> None:
    out = faces / "out"
    audit = build(recipe(faces, "{over: [group, sex], missing: drop}"), out)["audit"]
    assert audit["dropped"] == {"duplicate": 1, "no_balance_label": 1, "unbalanced": 5} and verify(out) == []
    told = manifest.read(out)["balance"]
    assert {tuple(cell["values"]): (cell["before"], cell["after"]) for cell in told["cells"]} == {
        ("Asian", "male"): (8, 8),
        ("White", "female"): (9, 8),
        ("White", "male"): (12, 8),
    }
    assert told["empty"] == [["Asian", "female"]] and told["pictures"]["contradicting"] == {"sex": 1}
    page = Layout(out).report.read_text()
    assert 'id="balance"' in page and "cells without a picture: 1 (Asian x female)" in page
    rows = pq.read_table(Layout(out).curated, columns=["uri", "reason"]).to_pylist()
    surplus = next(row["uri"] for row in rows if row["reason"] == "unbalanced")
    assert "more of its kind" in why(out, surplus)[0].sentence


def test_curate_prints_what_was_wanted_and_kept(
    ray_here: None, faces: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    building.curate(str(recipe(faces, "{over: [group], total: 40}")), out=str(faces / "out"))
    said = capsys.readouterr().out
    assert "balance: Asian: 8 of 20 wanted, 12 short (60%)" in said
    assert kept(faces / "out") == {"Asian": 8, "White": 20}


@pytest.mark.parametrize(
    ("balance", "said"),
    [
        ("{over: [grup]}", "no picture has the label 'grup'; did you mean 'group'"),
        ("{over: [group], mode: proportions, targets: {group: {Asia: 0.5}}}", "no picture has group 'Asia'; did you"),
    ],
)
def test_what_no_picture_has_is_refused_before_measuring(ray_here: None, faces: Path, balance: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        build(recipe(faces, balance), faces / "out")
    assert not list(faces.rglob("part-*.parquet"))


def test_a_label_that_pictures_lack_stops_and_can_be_settled_without_measuring(ray_here: None, faces: Path) -> None:
    out = faces / "out"
    with pytest.raises(RecipeError, match=r"of 30 pictures 1 have no sex \(of them labelled differently.*1 in sex"):
        curate(recipe(faces, "{over: [group, sex]}"), out)
    assert curate(recipe(faces, "{over: [group, sex], missing: keep}"), out, update=True)[""] == 25
    assert read_json(Layout(out).balance)["pictures"]["lacking"] == 1


def test_a_recipe_without_balance_forgets_the_table(ray_here: None, faces: Path) -> None:
    out = faces / "out"
    curate(recipe(faces, "{over: [group]}"), out)
    assert curate(recipe(faces, "null"), out, update=True)[""] == 30 and not Layout(out).balance.exists()
