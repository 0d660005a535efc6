"""Objects of segmentations as items of a pool: COCO, Cityscapes' instances, label maps."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from pipelines.damage import runs, segments
from pipelines.damage.pools import Pool, PoolRef
from pipelines.errors import RecipeError

SQUARE = [[10.0, 10.0, 40.0, 10.0, 40.0, 50.0, 10.0, 50.0]]
MASK = np.zeros((60, 80), np.uint8)
MASK[5:45, 20:60] = 255


def coco(tmp_path: Path, *annotations: dict, name: str = "instances_tiny.json") -> Pool:
    told = [{"id": number, "category_id": 1, "iscrowd": 0, **entry} for number, entry in enumerate(annotations)]
    path = tmp_path / name
    info = {"description": 'a text with "annotations": [ in it'}
    categories = [{"id": 1, "name": "Männchen"}]
    path.write_text(json.dumps({"info": info, "annotations": told, "categories": categories}, ensure_ascii=False))
    return PoolRef(path=str(path)).open()


def test_polygons_and_both_kinds_of_runs_give_the_object_cut_out(tmp_path: Path) -> None:
    raw = runs.from_text(runs.encode(MASK)).tolist()
    pool = coco(
        tmp_path,
        {"segmentation": SQUARE},
        {"segmentation": {"size": [60, 80], "counts": runs.encode(MASK)}},
        {"segmentation": {"size": [60, 80], "counts": raw}},
    )
    assert pool.items == ("Männchen/0", "Männchen/1", "Männchen/2")
    assert pool.item("Männchen/0").grey.mean() > 250
    assert np.abs(np.array(pool.item("Männchen/0").grey.shape) - (40, 30)).max() <= 1
    assert np.array_equal(pool.item("Männchen/1").grey, np.full((40, 40), 255))
    assert np.array_equal(pool.item("Männchen/2").grey, pool.item("Männchen/1").grey)


def test_crowds_and_specks_are_left_out_and_broken_ones_are_skipped_by_reason(tmp_path: Path) -> None:
    pool = coco(
        tmp_path,
        {"segmentation": SQUARE, "iscrowd": 1},
        {"segmentation": SQUARE, "bbox": [10, 10, 5, 5]},
        {"segmentation": {"size": [60, 80], "counts": "rubbish"}},
        {"segmentation": [[1, 2, 3]]},
        {"segmentation": SQUARE},
    )
    assert pool.items == ("Männchen/4",)
    assert sorted(pool.skipped) == ["Männchen/2", "Männchen/3"]


def test_a_file_is_read_across_its_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "_CHUNK", 97)
    pool = coco(tmp_path, *({"segmentation": SQUARE} for _ in range(40)), name="in_pieces.json")
    assert len(pool.items) == 40


@pytest.mark.parametrize("text", ["[]", "{}", '{"categories": [], "annotations": [{"id": 1,', '{"annotations": 3}', ""])
def test_other_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(RecipeError, match=r"other\.json' holds no instances"):
        _ = PoolRef(path=str(tmp_path / "other.json")).open().names


def test_cityscapes_instances_are_told_apart_and_stuff_is_no_object(tmp_path: Path) -> None:
    labels = np.full((80, 120), 7, np.uint16)  # road
    labels[10:40, 10:40] = 26_000  # a car
    labels[10:40, 35:70] = 26_001  # another, touching it
    labels[50:70, 10:60] = 24_000
    (tmp_path / "maps").mkdir()
    Image.fromarray(labels).save(tmp_path / "maps" / "a_instanceIds.png")
    pool = PoolRef(path=str(tmp_path / "maps"), maps="cityscapes-instances").open()
    assert [item.rpartition("-")[0] for item in pool.items] == [
        "car/a_instanceIds-26000", "car/a_instanceIds-26001", "person/a_instanceIds-24000",
    ]  # fmt: skip
    assert pool.item(pool.items[0]).grey.shape == (30, 25)


def test_connected_parts_of_any_label_map_are_items(tmp_path: Path) -> None:
    labels = np.zeros((80, 120), np.uint8)
    labels[5:30, 5:30] = labels[5:30, 60:90] = 3
    labels[50:75, 5:60] = 9
    labels[0, 0] = 200  # a speck
    (tmp_path / "maps").mkdir()
    cv2.imwrite(str(tmp_path / "maps" / "one.png"), labels)
    (tmp_path / "maps" / "rubbish.png").write_bytes(b"rubbish")
    pool = PoolRef(path=str(tmp_path / "maps"), maps="any").open()
    assert pool.items == ("class 3/one-3-0", "class 3/one-3-1", "class 9/one-9-0")
    assert pool.skipped["rubbish.png"].startswith("bad_guide")
