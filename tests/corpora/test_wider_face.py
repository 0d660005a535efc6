"""WIDER FACE: names, count lines, the line of zeros below a count of 0, the blank at the end of each line of numbers.

torchvision.datasets.WIDERFace (source read): it wants the four zips unpacked, reads the same three text files, and
turns the line of zeros into a face without area, which ours leaves out. It names the last three numbers occlusion,
pose, invalid; the corpus's readme says invalid, occlusion, pose, and lines such as `494 251 75 110 0 0 0 0 2 0` show
the readme right, because only occlusion reaches 2. Ours follows the readme.
"""

from __future__ import annotations

import json

import pytest
from corpora.miniature import Miniature, lay, list_corpus, picture

NAMES = ("0--Parade/0_Parade_marchingband_1_849.jpg", "0--Parade/0_Parade_Parade_0_452.jpg")
TRAIN = f"{NAMES[0]}\n2\n4 3 12 14 0 0 0 0 2 0 \n20 5 0 9 2 1 1 0 0 1 \n{NAMES[1]}\n0\n0 0 0 0 0 0 0 0 0 0 \n"
VAL = "6--Funeral/6_Funeral_Funeral_6_315.jpg\n1\n2 2 9 9 1 0 0 1 1 0 \n"
TEST = "7--Cheering/7_Cheering_Cheering_7_1.jpg\n7--Cheering/7_Cheering_Cheering_7_2.jpg\n"
GT = "wider_face_split/wider_face_train_bbx_gt.txt"

MINIATURE = Miniature(
    corpus="wider-face",
    files={
        f"WIDER_train/images/{NAMES[0]}": picture(1),
        f"WIDER_train/images/{NAMES[1]}": picture(2),
        "WIDER_val/images/6--Funeral/6_Funeral_Funeral_6_315.jpg": picture(3),
        "WIDER_test/images/7--Cheering/7_Cheering_Cheering_7_1.jpg": picture(4),
        "WIDER_test/images/7--Cheering/7_Cheering_Cheering_7_2.jpg": picture(5),
        GT: TRAIN.encode(),
        "wider_face_split/wider_face_val_bbx_gt.txt": VAL.encode(),
        "wider_face_split/wider_face_test_filelist.txt": TEST.encode(),
        "wider_face_split/readme.txt": b"",
    },
    splits={"train": 2, "val": 1, "test": 2},
    annotations=(GT, "wider_face_split/wider_face_val_bbx_gt.txt", "wider_face_split/wider_face_test_filelist.txt"),
    labelled=True,
)


def listed(tmp_path, train=TRAIN, without="nothing"):
    files = dict(MINIATURE.files) | {GT: train.encode()}
    files = {name: data for name, data in files.items() if not name.startswith(without)}
    return list_corpus("wider-face", lay(tmp_path / "c", files), tmp_path / "i")


def test_attributes_are_words_in_the_order_of_the_readme(tmp_path):
    face, _ = json.loads(listed(tmp_path).named("1_849.jpg").faces)
    assert face["box"] == [4, 3, 12, 14]
    assert face["labels"] == {
        "blur": "clear", "expression": "typical", "illumination": "normal", "invalid": False, "occlusion": "heavy",
        "pose": "typical",
    }  # fmt: skip


def test_a_box_without_area_is_an_invalid_face(tmp_path):
    _, face = json.loads(listed(tmp_path).named("1_849.jpg").faces)
    assert "box" not in face
    assert face["labels"]["invalid"] is True


def test_a_count_of_zero_is_followed_by_a_line_of_zeros(tmp_path):
    found = listed(tmp_path).named("0_452.jpg")
    assert (found.faces, json.loads(found.labels)) == ("[]", {"event": "Parade", "num_faces": 0})


@pytest.mark.parametrize(
    "spoilt",
    [
        TRAIN.replace("\n2\n", "\n3\n"),
        TRAIN.replace("\n2\n", "\ntwo\n"),
        TRAIN.replace("4 3 12 14 0", "4 3 12 14"),
        TRAIN.replace("0 2 0 \n", "0 7 0 \n"),
    ],
    ids=["count too large", "no count", "nine numbers", "unknown occlusion"],
)
def test_malformed_lines_cost_their_own_picture_only(spoilt, tmp_path):
    assert spoilt != TRAIN
    assert listed(tmp_path, spoilt).reasons == {f"WIDER_train/images/{NAMES[0]}": "bad_label"}


def test_a_part_that_was_not_downloaded_is_a_note(tmp_path):
    found = listed(tmp_path, without="WIDER_val/")
    assert found.reasons == {}
    assert any("no pictures of WIDER_val" in note for note in found.notes)
