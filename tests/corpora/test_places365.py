"""Places365: classes by letter, flat validation archives, lists with and without a number.

torchvision.datasets.Places365 (source read): it takes the same lists and MD5 sums of archives, renames `data_256` to
`data_256_standard` after unpacking, and has no test split; ours understands both names and reads the test pictures.
"""

from __future__ import annotations

import json

from corpora.miniature import Miniature, lay, list_corpus, picture, tar_of

TRAIN = ["/a/airfield/00000001.jpg", "/c/canal/natural/00000001.jpg"]
LISTS = {
    "categories_places365.txt": b"/a/airfield 0\n/c/canal/natural 1\n",
    "places365_train_standard.txt": f"{TRAIN[0]} 0\n{TRAIN[1]} 1\n".encode(),
    "places365_val.txt": b"Places365_val_00000001.jpg 1\nPlaces365_val_00000002.jpg 0\n",
    "places365_test.txt": b"Places365_test_00000001.jpg\nPlaces365_test_00000002.jpg\n",
}

MINIATURE = Miniature(
    corpus="places365",
    files={f"data_256{name}": picture(number) for number, name in enumerate(TRAIN)}
    | {f"val_256/Places365_val_0000000{number}.jpg": picture(number + 10) for number in (1, 2)}
    | {f"test_256/Places365_test_0000000{number}.jpg": picture(number + 20) for number in (1, 2)}
    | LISTS,
    splits={"train": 2, "val": 2, "test": 2},
    annotations=tuple(LISTS),
    labelled=True,
    packs={
        "train_256_places365standard.tar": ("data_256/",),
        "val_256.tar": ("val_256/",),
        "test_256.tar": ("test_256/",),
    },
)


def test_scenes_come_from_folders_and_lists(tmp_path):
    found = list_corpus("places365", lay(tmp_path / "c", MINIATURE.files), tmp_path / "i")
    assert json.loads(found.named(TRAIN[1]).labels) == {"scene": "canal/natural"}
    assert json.loads(found.named("val_00000001.jpg").labels) == {"scene": "canal/natural"}


def test_flat_archives_and_renamed_folders_are_understood(tmp_path):
    val = {f"Places365_val_0000000{number}.jpg": picture(number + 10) for number in (1, 2)}
    files = {f"data_256_standard{name}": picture(number) for number, name in enumerate(TRAIN)}
    found = list_corpus("places365", lay(tmp_path / "c", files | LISTS | {"val_256.tar": tar_of(val)}), tmp_path / "i")
    assert found.splits == {"train": 2, "val": 2}
    assert found.reasons == {}


def test_large_and_small_are_kept_apart(tmp_path):
    files = dict(MINIATURE.files) | {f"data_large{TRAIN[0]}": picture(30)}
    lay(tmp_path / "c", files)
    large = list_corpus("places365", tmp_path / "c", tmp_path / "i", size="large")
    assert [location.uri for location in large.good] == [f"data_large{TRAIN[0]}"]


def test_number_of_no_category_is_counted(tmp_path):
    files = dict(MINIATURE.files) | {"places365_val.txt": LISTS["places365_val.txt"].replace(b" 1\n", b" 999\n")}
    found = list_corpus("places365", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {"val_256/Places365_val_00000001.jpg": "bad_label"}


def test_line_that_names_no_test_picture_is_counted(tmp_path):
    files = dict(MINIATURE.files) | {"places365_test.txt": LISTS["places365_test.txt"] + b"test/1.jpg\n"}
    found = list_corpus("places365", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {"places365_test.txt#3": "bad_label"}
