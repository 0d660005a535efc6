"""CelebA: the official file names, count lines, header lines and runs of spaces.

torchvision.datasets.CelebA (source read): it takes the same file names and the same 0, 1, 2 of the partition, and
crosses attribute lines with two header lines. It wants the zip unpacked by itself, checks MD5 sums and refuses what
differs, and joins bounding boxes to aligned pictures, which ours refuses to do.
"""

from __future__ import annotations

import json

import pytest
from corpora.miniature import Miniature, lay, list_corpus, parts_of, picture, seven_zip_of

from pipelines.errors import RecipeError

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
        packs=packs,
    )
    for folder, options, annotations, packs in (
        ("img_align_celeba", {}, ALIGNED_ONLY, {"img_align_celeba.zip": ("img_align_celeba/",)}),
        ("img_celeba", {"aligned": False}, WILD_ONLY, {"img_celeba.7z": ("img_celeba/",)}),
    )
]
MINIATURE, WILD = MINIATURES
WILD_PARTS = parts_of(
    "Img/img_celeba.7z/img_celeba.7z",
    seven_zip_of({name: data for name, data in WILD.files.items() if name not in FILES}),
    3,
)
"""As the owner's drive has it: a folder that is called like an archive, and in it the parts of the archive."""
PNG_FILES = {
    f"img_align_celeba_png/{name[:-4]}.png": picture(number, suffix=".png") for number, name in enumerate(NAMES)
}


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


def test_wild_pictures_are_read_out_of_a_7z_archive_in_parts(tmp_path):
    files = WILD_PARTS | {f"Anno/{name}": data for name, data in FILES.items()}
    found = list_corpus("celeba", lay(tmp_path / "c", files), tmp_path / "i", aligned=False)
    assert found.reasons == {}
    assert found.splits == WILD.splits
    assert {found.read(place) for place in found.good} == {WILD.files[f"img_celeba/{name}"] for name in NAMES}


@pytest.mark.parametrize("gone", [1, 2, 3])
def test_missing_part_of_the_7z_archive_is_named(tmp_path, gone):
    files = dict(WILD_PARTS)
    del files[f"Img/img_celeba.7z/img_celeba.7z.{gone:03d}"]
    with pytest.raises(RecipeError, match=r"img_celeba\.7z is broken: .*missing"):
        list_corpus("celeba", lay(tmp_path / "c", files), tmp_path / "i", aligned=False)


def test_aligned_png_pictures_are_read_out_of_a_7z_archive(tmp_path):
    files = parts_of("img_align_celeba_png.7z", seven_zip_of(PNG_FILES), 2) | FILES
    found = list_corpus("celeba", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {}
    assert [found.read(place) for place in found.good] == list(PNG_FILES.values())
    assert found.splits == MINIATURE.splits


def test_path_may_be_the_first_part_of_an_archive(tmp_path):
    parts = {name.rpartition("/")[2]: data for name, data in WILD_PARTS.items()}
    lay(tmp_path / "c", parts | FILES | {"img_celeba/000009.jpg": picture(9)})
    found = list_corpus("celeba", tmp_path / "c" / "img_celeba.7z.001", tmp_path / "i", aligned=False)
    assert found.reasons == {}
    assert found.splits == WILD.splits


def test_attribute_line_with_too_few_fields_is_counted(tmp_path):
    files = dict(MINIATURE.files) | {"list_attr_celeba.txt": ATTRIBUTES.replace("-1 -1  1  1", "-1 -1  1").encode()}
    found = list_corpus("celeba", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {"img_align_celeba/000001.jpg": "bad_label"}
