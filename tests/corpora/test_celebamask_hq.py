"""CelebAMask-HQ: masks per part in fifteen folders, the mapping to CelebA, attributes and poses by index.

torchvision has no loader for it. Others (and the owners' g_partition.py) compare `orig_idx`, which counts from 0, with
CelebA's numbers, which count from 1; the name in the third column is used here, so that splits are CelebA's own.
"""

from __future__ import annotations

import json

import pytest
from corpora.miniature import Miniature, label_map, lay, list_corpus, picture

from pipelines.classes import SCHEMES
from pipelines.labels import guide_of

INDEXES = (0, 1, 2000, 29999)
ORIGINALS = (119614, 162770, 162771, 182638)  # the last two of train and the first of val and test
MAPPING = "idx     orig_idx     orig_file\n" + "".join(
    f"{index:<12}{number - 1:<12}{number:06d}.jpg\n" for index, number in zip(INDEXES, ORIGINALS, strict=True)
)
ATTRIBUTES = "4\n5_o_Clock_Shadow Eyeglasses Male Young\n" + "".join(f"{index}.jpg  -1  1 -1  1\n" for index in INDEXES)
POSES = "4\nYaw Pitch Raw\n" + "".join(f"{index}.jpg 1.50 -3.25 0.75\n" for index in INDEXES)
PARTS = {0: ("skin", "hair", "l_eye"), 1: ("skin",), 2000: ("eye_g", "skin"), 29999: ()}
CELEBA = {
    "list_eval_partition.txt": "".join(f"{n:06d}.jpg {s}\n" for n, s in zip(ORIGINALS, (0, 0, 1, 2), strict=True)),
    "identity_CelebA.txt": "".join(f"{n:06d}.jpg {p}\n" for n, p in zip(ORIGINALS, (7, 8, 7, 9), strict=True)),
}
TEXTS = {
    "CelebA-HQ-to-CelebA-mapping.txt": MAPPING,
    "CelebAMask-HQ-attribute-anno.txt": ATTRIBUTES,
    "CelebAMask-HQ-pose-anno.txt": POSES,
} | CELEBA
MINIATURE = Miniature(
    corpus="celebamask-hq",
    files={f"CelebA-HQ-img/{index}.jpg": picture(index) for index in INDEXES}
    | {
        f"CelebAMask-HQ-mask-anno/{index // 2000}/{index:05d}_{part}.png": label_map([0, 255], 20, 24)
        for index, parts in PARTS.items()
        for part in parts
    }
    | {name: text.encode() for name, text in TEXTS.items()},
    splits={"train": 2, "val": 1, "test": 1},
    annotations=tuple(TEXTS),
    labelled=True,
    packs={"CelebAMask-HQ.zip": ("CelebA-HQ-img/", "CelebAMask-HQ-mask-anno/", *list(TEXTS)[:3])},
)


def listed(folder, **changes: str | None):
    files = dict(MINIATURE.files) | {f"{name}.txt": text.encode() for name, text in changes.items() if text is not None}
    for name, text in changes.items():
        if text is None:
            del files[f"{name}.txt"]
    return list_corpus("celebamask-hq", lay(folder / "c", files), folder / "i")


def test_attributes_and_pose_become_labels(tmp_path):
    assert json.loads(listed(tmp_path).named("/0.jpg").labels) == {
        "5_o_clock_shadow": False, "glasses": "eyeglasses", "sex": "female", "young": True,
        "yaw": 1.5, "pitch": -3.25, "roll": 0.75,
    }  # fmt: skip


def test_masks_of_the_parts_that_are_there_become_one_guide(tmp_path):
    found = listed(tmp_path)
    guide = guide_of(json.loads(found.named("/0.jpg").guides)["parsing"])
    assert set(guide.files) == {"skin", "hair", "l_eye"}
    assert guide.files["hair"].uri.endswith("0/00000_hair.png")
    assert found.named("/29999.jpg").guides == "{}"


def test_classes_are_merged_in_the_owners_order():
    names = SCHEMES["celebamask-hq"].names
    assert [names[number] for number in (0, 1, 13, 18)] == ["background", "skin", "hair", "cloth"]
    assert len(names) == 19


def test_persons_are_those_of_celeba(tmp_path):
    first, second, third, fourth = (listed(tmp_path).named(f"/{index}.jpg").identity for index in INDEXES)
    assert first == third
    assert len({first, second, fourth}) == 3


def test_without_the_partition_splits_follow_from_celebas_numbers(tmp_path):
    found = listed(tmp_path, list_eval_partition=None)
    assert [found.named(f"/{index}.jpg").split for index in INDEXES] == ["train", "train", "val", "test"]


def test_without_the_mapping_there_are_neither_splits_nor_persons(tmp_path):
    found = listed(tmp_path, **{"CelebA-HQ-to-CelebA-mapping": None})
    assert found.splits == {"": 4}
    assert {location.identity for location in found.good} == {""}
    assert any("CelebA-HQ-to-CelebA-mapping.txt" in note for note in found.notes)


@pytest.mark.parametrize("pose", ["1 2", "1 2 left"])
def test_malformed_pose_costs_its_own_picture_only(pose, tmp_path):
    spoilt = POSES.replace("1.jpg 1.50 -3.25 0.75", f"1.jpg {pose}")
    found = listed(tmp_path, **{"CelebAMask-HQ-pose-anno": spoilt})
    assert found.reasons == {"CelebA-HQ-img/1.jpg": "bad_label"}
