"""CelebA: the official file names, count lines, header lines and runs of spaces.

torchvision.datasets.CelebA (source read): it takes the same file names and the same 0, 1, 2 of the partition, and
crosses attribute lines with two header lines. It wants the zip unpacked by itself, checks MD5 sums and refuses what
differs, and joins bounding boxes to aligned pictures, which ours refuses to do.
"""

from __future__ import annotations

import json

import pytest
from corpora.miniature import Miniature, lay, list_corpus, picture

NAMES = ["000001.jpg", "000002.jpg", "000003.jpg"]
ATTRIBUTES = "3\n5_o_Clock_Shadow Eyeglasses Male Young \n" + "".join(
    f"{name}  {values}\n" for name, values in zip(NAMES, ["-1 -1  1  1", " 1  1 -1  1", "-1 -1 -1 -1"], strict=True)
)
ALIGNED = (
    "3\nlefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x rightmouth_y \n"
)
ALIGNED += "".join(f"{name}    9   10   29   10    19   20     11   30     27   30 \n" for name in NAMES)
BOXES = "3\nimage_id x_1 y_1 width height\n" + "".join(f"{name}    95   71  226   313\n" for name in NAMES)
FILES = {
    "list_eval_partition.txt": "".join(f"{name} {split}\n" for split, name in enumerate(NAMES)).encode(),
    "list_attr_celeba.txt": ATTRIBUTES.encode(),
    "identity_CelebA.txt": "".join(
        f"{name} {person}\n" for name, person in zip(NAMES, (2880, 2937, 2880), strict=True)
    ).encode(),
    "list_landmarks_align_celeba.txt": ALIGNED.encode(),
    "list_landmarks_celeba.txt": ALIGNED.encode(),
    "list_bbox_celeba.txt": BOXES.encode(),
}

ALIGNED_ONLY = tuple(FILES)[:4]
WILD_ONLY = (*tuple(FILES)[:3], *tuple(FILES)[4:])

MINIATURES = [
    Miniature(
        corpus="celeba",
        files={f"{folder}/{name}": picture(number) for number, name in enumerate(NAMES)} | FILES,
        splits={"train": 1, "val": 1, "test": 1},
        options=options,
        annotations=annotations,
        labelled=True,
    )
    for folder, options, annotations in (
        ("img_align_celeba", {}, ALIGNED_ONLY),
        ("img_celeba", {"aligned": False}, WILD_ONLY),
    )
]
MINIATURE, WILD = MINIATURES


@pytest.fixture
def found(tmp_path):
    return list_corpus("celeba", lay(tmp_path / "c", MINIATURE.files), tmp_path / "i")


def test_attributes_become_labels(found):
    assert json.loads(found.named("000002.jpg").labels) == {
        "5_o_clock_shadow": True, "glasses": "eyeglasses", "sex": "female", "young": True,
    }  # fmt: skip


def test_identities_are_digests_that_agree(found):
    first, second, third = (found.named(name).identity for name in NAMES)
    assert first == third != second
    assert "2880" not in first


def test_five_points_are_read(found):
    assert json.loads(found.named("000001.jpg").faces)[0]["five"] == [[9, 10], [29, 10], [19, 20], [11, 30], [27, 30]]


def test_boxes_of_wild_pictures_are_refused_for_aligned_ones(found):
    assert "box" not in json.loads(found.named("000001.jpg").faces)[0]
    assert any("list_bbox_celeba.txt is refused" in note for note in found.notes)


def test_wild_pictures_have_box_and_points(tmp_path):
    found = list_corpus("celeba", lay(tmp_path / "c", WILD.files), tmp_path / "i", aligned=False)
    (face,) = json.loads(found.named("000001.jpg").faces)
    assert face["box"] == [95, 71, 226, 313]
    assert len(face["five"]) == 5


def test_attribute_line_with_too_few_fields_is_counted(tmp_path):
    files = dict(MINIATURE.files) | {"list_attr_celeba.txt": ATTRIBUTES.replace("-1 -1  1  1", "-1 -1  1").encode()}
    found = list_corpus("celeba", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {"img_align_celeba/000001.jpg": "bad_label"}
