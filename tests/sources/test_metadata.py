"""Metadata files beside pictures: rows become labels, splits, identities and terms of the pictures they name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from pipelines.errors import RecipeError
from pipelines.sources.folder import FolderSource
from tests.sources.conftest import content

ROWS: list[dict[str, Any]] = [
    {"file_name": "a.jpg", "age": 31, "sex": "female", "who": "p1", "terms": "CC0-1.0"},
    {"file_name": "deep/b.jpg", "age": 7, "sex": "male", "who": "p2", "terms": "CC-BY-4.0"},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "pictures"
    (root / "deep").mkdir(parents=True)
    for name in ("a.jpg", "deep/b.jpg"):
        (root / name).write_bytes(content(name))
    return root


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    lines = [",".join(rows[0])] + [",".join(map(str, row.values())) for row in rows]
    path.with_suffix(".csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    path.with_suffix(".jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    pq.write_table(pa.Table.from_pylist(rows), path.with_suffix(".parquet"))


def labels(listing: Any) -> dict[str, dict[str, Any]]:
    return {location.uri: json.loads(location.labels) for location in listing.good}


@pytest.mark.parametrize("write", [write_csv, write_jsonl, write_parquet])
def test_rows_become_labels_whatever_the_format(folder, listed, write: Callable[..., None]):
    write(folder / "metadata", ROWS)
    found = labels(listed("folder", folder, labels=["age", "sex"]))
    assert found == {"a.jpg": {"age": 31, "sex": "female"}, "deep/b.jpg": {"age": 7, "sex": "male"}}


def test_pictures_still_read_back_their_bytes(folder, listed):
    write_csv(folder / "metadata", ROWS)
    assert listed("folder", folder).read_all() == [content("a.jpg"), content("deep/b.jpg")]


def test_columns_say_identity_and_terms(folder, listed):
    write_csv(folder / "metadata", ROWS)
    listing = listed("folder", folder, labels=[], identity="who", licence_column="terms")
    assert [location.licence for location in listing.good] == ["CC0-1.0", "CC-BY-4.0"]
    assert len({location.identity for location in listing.good} - {"", "p1", "p2"}) == 2
    assert set(labels(listing)["a.jpg"]) == set()


def test_a_column_may_have_another_name_as_label(folder, listed):
    write_jsonl(folder / "metadata", [{"file_name": "a.jpg", "race": "East Asian"}])
    assert labels(listed("folder", folder, labels={"race": "group"}))["a.jpg"] == {
        "group": "East Asian",
        "group_by": "owner",
    }


def test_splits_come_from_a_column(folder, listed):
    rows = [{"file_name": "a.jpg", "part": "validation"}, {"file_name": "deep/b.jpg", "part": "train"}]
    write_jsonl(folder / "metadata", rows)
    listing = listed("folder", folder, labels=[], split_column="part")
    assert [location.split for location in listing.good] == ["val", "train"]


def test_splits_come_from_folders_without_metadata(tmp_path, listed):
    for name in ("train/x.jpg", "test/y.jpg"):
        (tmp_path / "s" / name).parent.mkdir(parents=True)
        (tmp_path / "s" / name).write_bytes(content(name))
    assert {location.uri: location.split for location in listed("folder", tmp_path / "s").good} == {
        "test/y.jpg": "test",
        "train/x.jpg": "train",
    }


def test_the_folder_s_name_may_be_the_scene(tmp_path, listed):
    for name in ("train/beach/x.jpg", "train/y.jpg"):
        (tmp_path / "s" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "s" / name).write_bytes(content(name))
    found = labels(listed("folder", tmp_path / "s", label_from="folder"))
    assert found == {"train/beach/x.jpg": {"scene": "beach"}, "train/y.jpg": {}}


def test_names_begin_at_the_folder_of_the_metadata(folder, listed):
    write_jsonl(folder / "deep" / "metadata", [{"file_name": "b.jpg", "age": 40}])
    assert labels(listed("folder", folder)) == {"a.jpg": {}, "deep/b.jpg": {"age": 40}}


def test_a_row_without_its_picture_is_counted_by_name(folder, listed):
    write_csv(folder / "metadata", [*ROWS, {**ROWS[0], "file_name": "lost.jpg"}])
    assert listed("folder", folder).reasons == {"lost.jpg": "no_picture"}


def test_a_picture_without_a_row_is_counted(folder, listed):
    write_csv(folder / "metadata", ROWS[:1])
    assert listed("folder", folder).reasons == {"deep/b.jpg": "no_label"}


def test_equal_rows_of_one_picture_are_one(folder, listed):
    write_csv(folder / "metadata", [*ROWS, ROWS[0]])
    assert labels(listed("folder", folder, labels=["age"]))["a.jpg"] == {"age": 31}


def test_a_label_on_which_rows_differ_is_left_out_with_a_note(folder, listed):
    write_jsonl(folder / "metadata", [*ROWS, {**ROWS[0], "age": 99}])
    listing = listed("folder", folder, labels=["age", "sex"])
    assert labels(listing)["a.jpg"] == {"sex": "female"}
    assert any("different things of 'age'" in note for note in listing.notes)


def test_rows_that_differ_on_who_is_shown_drop_the_picture(folder, listed):
    write_jsonl(folder / "metadata", [*ROWS, {**ROWS[0], "who": "p9"}])
    assert listed("folder", folder, labels=[], identity="who").reasons == {"a.jpg": "bad_label"}


@pytest.mark.parametrize(
    "line", ['{"file_name": "a.jpg", ', "[1, 2]", '{"file_name": 5}', '{"file_name": "../up.jpg"}']
)
def test_a_bad_line_is_a_counted_row(folder, listed, line):
    write_jsonl(folder / "metadata", ROWS)
    with (folder / "metadata.jsonl").open("a") as file:
        file.write(line + "\n")
    listing = listed("folder", folder)
    assert list(listing.reasons.values()) == ["bad_label"]
    assert len(listing.good) == 2


def test_numbers_of_a_csv_are_numbers_and_leading_zeros_stay_text(folder, listed):
    write_csv(folder / "metadata", [{"file_name": "a.jpg", "age": 31, "code": "007"}, {**ROWS[1], "code": "100"}])
    assert labels(listed("folder", folder, labels=["age", "code"]))["a.jpg"] == {"age": 31, "code": "007"}


def test_metadata_of_another_name_is_asked_for(folder, listed):
    write_csv(folder / "list", ROWS)
    assert labels(listed("folder", folder))["a.jpg"] == {}
    assert labels(listed("folder", folder, metadata="list.csv", labels=["age"]))["a.jpg"] == {"age": 31}


def test_metadata_that_is_missing_is_named(folder, listed):
    with pytest.raises(RecipeError, match=r"no list\.csv below"):
        listed("folder", folder, metadata="list.csv")


def test_a_column_that_is_missing_is_named_with_those_there(folder, listed):
    write_csv(folder / "metadata", ROWS)
    with pytest.raises(RecipeError, match=r"no column 'agee'.*age, sex, who, terms"):
        listed("folder", folder, labels=["agee"])


def test_a_file_without_file_names_is_no_metadata(folder, listed):
    write_csv(folder / "metadata", [{"path": "a.jpg", "age": 3}])
    listing = listed("folder", folder)
    assert labels(listing) == {"a.jpg": {}, "deep/b.jpg": {}}
    assert any("not used as metadata" in note for note in listing.notes)


@pytest.mark.parametrize(
    "options",
    [
        {"metadata": "none", "labels": ["age"]},
        {"metadata": "../up.csv"},
        {"metadata": "list.txt"},
        {"labels": ["who"], "identity": "who"},
        {"labels": {"race": "Group!"}},
    ],
)
def test_settings_that_contradict_themselves_are_refused(options):
    with pytest.raises(ValidationError):
        FolderSource(path="x", **options)


def test_without_metadata_it_is_a_file_like_others(folder, listed):
    write_csv(folder / "metadata", ROWS)
    listing = listed("folder", folder, metadata="none")
    assert labels(listing)["a.jpg"] == {}
    assert listing.ignored == {".csv": 1}
