from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import BadPicture, RecipeError
from pipelines.sources.reading import ParquetRows
from tests.sources.conftest import content

HUB = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def rows(count: int) -> list[bytes]:
    return [content(str(number), 2000) for number in range(count)]


def hub_column(pictures: list[bytes | None]) -> pa.Array:
    return pa.array([{"bytes": picture, "path": "x.jpg"} for picture in pictures], HUB)


def write(path: Path, columns: dict[str, Any], metadata: dict[str, Any] | None = None, **options: Any) -> Path:
    table = pa.table(columns)
    if metadata is not None:
        table = table.replace_schema_metadata({"huggingface": json.dumps(metadata)})
    pq.write_table(table, path, **({"row_group_size": 10} | options))
    return path


@pytest.mark.parametrize(
    "column",
    [hub_column, lambda found: pa.array(found, pa.binary()), lambda found: pa.array(found, pa.large_binary())],
)
@pytest.mark.parametrize("name", ["two words\n#1.parquet", "顔.parquet"])
def test_every_row_reads_back_its_bytes(tmp_path, listed, column: Callable[[list[bytes]], pa.Array], name):
    write(tmp_path / name, {"image": column(rows(25)), "label": list(range(25))})
    listing = listed("parquet", tmp_path / "*.parquet")
    assert listing.read_all() == rows(25)


def test_rows_are_read_in_any_order(tmp_path, listed):
    write(tmp_path / "a.parquet", {"image": hub_column(rows(90))}, row_group_size=45)
    listing = listed("parquet", tmp_path / "a.parquet")
    order = [44, 0, 43, 44, 89, 45, 2]
    expected = [rows(90)[number] for number in order]
    assert [listing.reader.read(listing.locations[number]) for number in order] == expected


def test_uris_of_rows_differ(tmp_path, listed):
    write(tmp_path / "a.parquet", {"image": hub_column(rows(20))})
    found = listed("parquet", tmp_path / "a.parquet").locations
    assert len({location.uri for location in found}) == 20


def test_labels_are_the_classes_names(tmp_path, listed):
    features = {"group": {"names": ["East Asian", "White"], "_type": "ClassLabel"}}
    columns = {"image": hub_column(rows(3)), "group": [1, 0, 1], "age": ["3-9", None, "x"], "other": [1, 2, 3]}
    write(tmp_path / "a.parquet", columns, {"info": {"features": features}})
    found = listed("parquet", tmp_path / "a.parquet", labels=["group", "age"]).locations
    expected = [{"group": "White", "age": "3-9"}, {"group": "East Asian"}, {"group": "White", "age": "x"}]
    assert [json.loads(location.labels) for location in found] == expected


def test_a_class_that_is_not_known_is_no_label(tmp_path, listed):
    features = {"group": {"names": ["East Asian", "White"], "_type": "ClassLabel"}}
    write(tmp_path / "a.parquet", {"image": hub_column(rows(1)), "group": [-1]}, {"info": {"features": features}})
    assert [found.labels for found in listed("parquet", tmp_path / "a.parquet", labels=["group"]).locations] == ["{}"]


@pytest.mark.parametrize(
    ("columns", "image", "message"),
    [
        (["label"], None, "no column holds pictures.*label"),
        (["image", "mask"], None, r"several columns may hold pictures \(image, mask\)"),
        (["image"], "picture", "no column 'picture'.*image"),
        (["image", "label"], "label", "'label' holds int64"),
    ],
)
def test_a_column_that_cannot_be_told_is_the_recipes_fault(tmp_path, listed, columns, image, message):
    made = {"image": hub_column(rows(1)), "mask": hub_column(rows(1)), "label": [1]}
    write(tmp_path / "a.parquet", {name: made[name] for name in columns})
    with pytest.raises(RecipeError, match=message):
        listed("parquet", tmp_path / "a.parquet", image=image)


def test_the_named_column_is_read(tmp_path, listed):
    write(tmp_path / "a.parquet", {"mask": hub_column([b"m"]), "image": hub_column([b"i"])})
    assert listed("parquet", tmp_path / "a.parquet", image="image").read_all() == [b"i"]


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99])
def test_a_file_without_its_footer_is_counted_and_the_next_is_read(tmp_path, listed, keep):
    whole = write(tmp_path / "b.parquet", {"image": hub_column(rows(3))}).read_bytes()
    (tmp_path / "a.parquet").write_bytes(whole[: int(len(whole) * keep)])
    listing = listed("parquet", tmp_path / "*.parquet")
    assert listing.reasons == {"a.parquet": "archive_broken"}
    assert listing.read_all() == rows(3)


def damaged(path: Path) -> Path:
    """Three row groups, the second of which has flipped bytes in the middle of its pictures and labels."""
    write(
        path,
        {"image": pa.array(rows(30), pa.binary()), "label": [content(str(n)).hex() for n in range(30)]},
        write_page_checksum=True,
        use_dictionary=False,
    )
    raw = bytearray(path.read_bytes())
    for column in range(2):
        chunk = pq.read_metadata(path).row_group(1).column(column)
        middle = chunk.data_page_offset + chunk.total_compressed_size // 2
        raw[middle : middle + 64] = bytes(byte ^ 0xFF for byte in raw[middle : middle + 64])
    path.write_bytes(raw)
    return path


def test_a_damaged_row_group_costs_only_its_own_rows(tmp_path, listed):
    listing = listed("parquet", damaged(tmp_path / "a.parquet"))
    for number, location in enumerate(listing.locations):
        if location.row_group == 1:
            with pytest.raises(BadPicture, match="unreadable"):
                listing.reader.read(location)
        else:
            assert listing.reader.read(location) == rows(30)[number]


def test_one_wrong_byte_inside_a_picture_is_found_by_the_pages_checksum(tmp_path, listed):
    column = pa.array(rows(3), pa.binary())
    # Without statistics, whose copy of a picture would be found first.
    options = {"write_page_checksum": True, "use_dictionary": False, "compression": "none", "write_statistics": False}
    path = write(tmp_path / "a.parquet", {"image": column}, **options)
    raw = bytearray(path.read_bytes())
    raw[raw.index(rows(3)[1]) + 1000] ^= 1
    path.write_bytes(raw)
    with pytest.raises(BadPicture, match="unreadable"):
        listed("parquet", path).read_all()


def test_labels_of_a_damaged_row_group_are_empty(tmp_path, listed):
    found = listed("parquet", damaged(tmp_path / "a.parquet"), labels=["label"]).locations
    assert {location.row_group for location in found if location.labels == "{}"} == {1}
    assert len(found) == 30


def test_rows_behind_damage_do_not_read_the_group_again(tmp_path, listed, monkeypatch):
    listing = listed("parquet", damaged(tmp_path / "a.parquet"))
    started = []
    start = ParquetRows._rows
    monkeypatch.setattr(ParquetRows, "_rows", lambda *given: started.append(1) or start(*given))
    for location in listing.locations[10:20]:
        with pytest.raises(BadPicture):
            listing.reader.read(location)
    assert len(started) == 1


@pytest.mark.parametrize("value", [None, {"bytes": None, "path": "x.jpg"}])
def test_a_row_without_bytes_is_unreadable(tmp_path, listed, value):
    write(tmp_path / "a.parquet", {"image": pa.array([value, {"bytes": b"x", "path": None}], HUB)})
    listing = listed("parquet", tmp_path / "a.parquet")
    with pytest.raises(BadPicture, match="unreadable"):
        listing.reader.read(listing.locations[0])
    assert listing.reader.read(listing.locations[1]) == b"x"


@pytest.mark.parametrize(
    ("name", "split"),
    [("train-00000-of-00005.parquet", "train"), ("validation/0000.parquet", "val"), ("0000.parquet", "")],
)
def test_official_split_comes_from_names(tmp_path, listed, name, split):
    (tmp_path / "s" / name).parent.mkdir(parents=True)
    write(tmp_path / "s" / name, {"image": hub_column(rows(1))})
    found = listed("parquet", tmp_path / "s" / "**" / "*.parquet").locations
    assert [location.split for location in found] == [split]
