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
    assert listed("folder", folder, labels=["age"]).read_all() == [content("a.jpg"), content("deep/b.jpg")]


def test_nothing_is_kept_that_the_recipe_does_not_name(folder, listed):
    write_csv(folder / "metadata", ROWS)
    listing = listed("folder", folder)
    assert labels(listing) == {"a.jpg": {}, "deep/b.jpg": {}}
    assert listing.ignored == {".csv": 1}
    assert "metadata.csv" in listing.notes[0] and "names no column of it" in listing.notes[0]


def test_columns_say_identity_and_terms(folder, listed):
    write_csv(folder / "metadata", [{**row, "by": "Jane Doe", "url": "https://x.example/"} for row in ROWS])
    columns = {"licence_column": "terms", "licence_url_column": "url", "attribution_column": "by"}
    listing = listed("folder", folder, identity="who", **columns)
    assert [location.licence for location in listing.good] == ["CC0-1.0", "CC-BY-4.0"]
    assert {(location.licence_url, location.attribution) for location in listing.good} == {
        ("https://x.example/", "Jane Doe")
    }
    assert len({location.identity for location in listing.good} - {"", "p1", "p2"}) == 2
    assert labels(listing)["a.jpg"] == {}


def test_a_person_is_the_same_whether_a_table_says_7_or_7_0(folder, listed):
    write_jsonl(folder / "metadata", [{"file_name": "a.jpg", "who": 7}])
    write_jsonl(folder / "deep" / "metadata", [{"file_name": "b.jpg", "who": 7.0}])
    assert len({location.identity for location in listed("folder", folder, identity="who").good}) == 1


def test_who_is_not_known_has_no_identity(folder, listed):
    write_parquet(folder / "metadata", [{**ROWS[0], "who": float("nan")}, {**ROWS[1], "who": None}])
    assert {location.identity for location in listed("folder", folder, identity="who").good} == {""}


def test_a_column_may_have_another_name_as_label(folder, listed):
    write_jsonl(folder / "metadata", [{"file_name": "a.jpg", "Race": "East Asian"}])
    found = labels(listed("folder", folder, labels={"Race": "group"}))
    assert found == {"a.jpg": {"group": "East Asian", "group_by": "owner"}}


def test_a_value_that_the_normal_form_lacks_is_left_out_with_a_note(folder, listed):
    write_jsonl(folder / "metadata", [{"file_name": "a.jpg", "sex": "F"}, {"file_name": "deep/b.jpg", "sex": "robot"}])
    listing = listed("folder", folder, labels=["sex"])
    assert labels(listing) == {"a.jpg": {"sex": "female"}, "deep/b.jpg": {}}
    assert "'sex' of 1 rows" in listing.notes[0]


def test_splits_come_from_a_column(folder, listed):
    rows = [{"file_name": "a.jpg", "part": "validation"}, {"file_name": "deep/b.jpg", "part": "unlabelled"}]
    write_jsonl(folder / "metadata", rows)
    assert [location.split for location in listed("folder", folder, split_column="part").good] == ["val", ""]


def test_splits_come_from_folders_too(tmp_path, listed):
    for name in ("train/x.jpg", "test/y.jpg"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(content(name))
        write_csv(tmp_path / name.partition("/")[0] / "metadata", [{"file_name": name[-5:], "age": 3}])
    found = listed("folder", tmp_path, labels=["age"])
    assert {location.uri: location.split for location in found.good} == {"test/y.jpg": "test", "train/x.jpg": "train"}


@pytest.mark.parametrize("with_metadata", [False, True])
def test_the_folder_s_name_may_be_the_scene(tmp_path, listed, with_metadata):
    root, names = tmp_path / "s", ("train/beach/x.jpg", "train/y.jpg")
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content(name))
    write_csv(root / "metadata", [{"file_name": name, "age": 3} for name in names])
    found = labels(listed("folder", root, label_from="folder", labels=["age"] if with_metadata else []))
    age = {"age": 3} if with_metadata else {}
    assert found == {"train/beach/x.jpg": {"scene": "beach", **age}, "train/y.jpg": age}


def test_paths_begin_at_the_folder_of_the_metadata(folder, listed):
    write_jsonl(folder / "deep" / "metadata", [{"file_name": "b.jpg", "age": 40}])
    listing = listed("folder", folder, labels=["age"])
    assert labels(listing) == {"deep/b.jpg": {"age": 40}}
    assert listing.reasons == {"a.jpg": "no_label"}


@pytest.mark.parametrize("spelled", ["deep\\caf\u00e9.jpg", "./deep/cafe\u0301.jpg"])
def test_paths_of_windows_and_accents_of_macos_are_found(folder, listed, spelled):
    (folder / "deep" / "cafe\u0301.jpg").write_bytes(b"x")
    write_jsonl(folder / "metadata", [*ROWS, {"file_name": spelled, "age": 3}])
    assert listed("folder", folder, labels=["age"]).reasons == {}


def test_a_row_without_its_picture_is_counted_by_name(folder, listed):
    write_csv(folder / "metadata", [*ROWS, {**ROWS[0], "file_name": "lost.jpg"}])
    assert listed("folder", folder, labels=["age"]).reasons == {"lost.jpg": "no_picture"}


def test_a_picture_without_a_row_is_counted(folder, listed):
    write_csv(folder / "metadata", ROWS[:1])
    assert listed("folder", folder, labels=["age"]).reasons == {"deep/b.jpg": "no_label"}


def test_rows_that_say_the_same_of_a_picture_are_one(folder, listed):
    write_jsonl(folder / "metadata", [*ROWS, {**ROWS[0], "sex": "male"}])
    assert labels(listed("folder", folder, labels=["age"]))["a.jpg"] == {"age": 31}


@pytest.mark.parametrize("options", [{"labels": ["age"]}, {"identity": "who"}])
def test_rows_that_differ_drop_their_picture(folder, listed, options):
    write_jsonl(folder / "metadata", [*ROWS, {**ROWS[0], "age": 99, "who": "p9"}])
    listing = listed("folder", folder, **options)
    assert listing.reasons == {"a.jpg": "bad_label"}
    assert listing.locations[0].detail == "rows 1 and 3 of metadata.jsonl say different things of it"


@pytest.mark.parametrize(
    "line",
    [
        '{"file_name": "a.jpg", ',
        "[1, 2]",
        '{"age": 5}',
        '{"file_name": 5}',
        '{"file_name": "../up.jpg"}',
        '{"file_name": "/etc/a.jpg"}',
        '{"file_name": "a.jpg", "who": "\\ud800"}',
    ],
)
def test_a_bad_line_is_a_counted_row(folder, listed, line):
    write_jsonl(folder / "metadata", ROWS)
    with (folder / "metadata.jsonl").open("a") as file:
        file.write(line + "\n")
    listing = listed("folder", folder, labels=["age"], identity="who")
    assert listing.reasons == {"metadata.jsonl#3": "bad_label"}
    assert len(listing.good) == 2


def test_a_line_of_csv_that_is_not_utf8_is_a_counted_row(folder, listed):
    (folder / "metadata.csv").write_bytes(b"file_name,age\na.jpg,1\ndeep/b.jpg,2\n\xe9.jpg,3\nc.jpg,4,5\n")
    reasons = listed("folder", folder, labels=["age"]).reasons
    assert reasons == {"metadata.csv#3": "bad_label", "metadata.csv#4": "bad_label"}


def test_numbers_of_a_csv_are_numbers_and_leading_zeros_stay_text(folder, listed):
    (folder / "metadata.csv").write_text("file_name,age,code,share\na.jpg,31,007,-.5\ndeep/b.jpg,,1e5,1.25\n")
    found = labels(listed("folder", folder, labels=["age", "code", "share"]))
    assert found == {"a.jpg": {"age": 31, "code": "007", "share": -0.5}, "deep/b.jpg": {"code": "1e5", "share": 1.25}}


def test_metadata_of_another_name_is_asked_for(folder, listed):
    write_csv(folder / "list", ROWS)
    assert labels(listed("folder", folder, metadata="list.csv", labels=["age"]))["a.jpg"] == {"age": 31}


def test_paths_begin_where_the_path_of_the_metadata_does(folder, listed):
    (folder / "annotations").mkdir()
    write_csv(folder / "annotations" / "list", [{"path": row["file_name"], "age": row["age"]} for row in ROWS])
    options = {"metadata": "annotations/list.csv", "image": "path", "labels": ["age"]}
    assert listed("folder", folder, **options).reasons == {}


@pytest.mark.parametrize(("name", "said"), [("list.csv", r"no list\.csv below"), ("", r"no metadata\.csv, \.jsonl or")])
def test_metadata_that_is_missing_is_named(folder, listed, name, said):
    with pytest.raises(RecipeError, match=said):
        listed("folder", folder, metadata=name, labels=["age"])


def test_metadata_that_cannot_be_read_is_named(folder, listed):
    (folder / "metadata.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(RecipeError, match=r"metadata\.parquet in .* cannot be read: .*not a Parquet file"):
        listed("folder", folder, labels=["age"])


@pytest.mark.parametrize("write", [write_csv, write_jsonl, write_parquet])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"labels": ["agee"]}, r"no column 'agee' in metadata\.\w+ .*did you mean 'age'\?"),
        ({"licence_column": "origin"}, r"no column 'origin' .*known: file_name, age, sex, who, terms"),
        ({"image": "filename", "labels": ["age"]}, r"no column 'filename' .*did you mean 'file_name'\?"),
    ],
)
def test_a_column_that_is_missing_is_named_with_the_nearest(folder, listed, write, options, said):
    write(folder / "metadata", ROWS)
    with pytest.raises(RecipeError, match=said):
        listed("folder", folder, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"metadata": "list.csv"},
        {"metadata": "../up.csv", "labels": ["age"]},
        {"metadata": "list.txt", "labels": ["age"]},
        {"labels": ["who"], "identity": "who"},
        {"labels": {"race": "Group!"}},
        {"labels": ["Hair colour"]},
    ],
)
def test_settings_that_make_no_sense_are_refused(options):
    with pytest.raises(ValidationError):
        FolderSource(path="x", **options)
