"""Places365: classes by letter, flat validation archives, lists with and without a number.

torchvision.datasets.Places365 (source read): it takes the same lists and MD5 sums of archives, renames `data_256` to
`data_256_standard` after unpacking, and has no test split; ours understands both names and reads the test pictures.
"""

from __future__ import annotations

import json

import pytest
from corpora.miniature import Miniature, lay, list_corpus, picture, tar_of

TRAIN = ["/a/airfield/00000001.jpg", "/c/canal/natural/00000001.jpg"]
LISTS = {
    "categories_places365.txt": b"/a/airfield 0\n/c/canal/natural 1\n",
    "places365_train_standard.txt": f"{TRAIN[0]} 0\n{TRAIN[1]} 1\n".encode(),
    "places365_val.txt": b"Places365_val_00000001.jpg 1\nPlaces365_val_00000002.jpg 0\n",
    "places365_test.txt": b"Places365_test_00000001.jpg\nPlaces365_test_00000002.jpg\n",
}

STANDARD = Miniature(
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


CHALLENGE_LIST = {"places365_train_challenge.txt": f"{TRAIN[0]} 0\n{TRAIN[1]} 1\n".encode()}
CHALLENGE = Miniature(
    corpus="places365",
    files={f"data_large{name}": picture(number + 40) for number, name in enumerate(TRAIN)}
    | {f"val_large/Places365_val_0000000{number}.jpg": picture(number + 50) for number in (1, 2)}
    | {f"test_large/Places365_test_0000000{number}.jpg": picture(number + 60) for number in (1, 2)}
    | {name: data for name, data in LISTS.items() if "standard" not in name}
    | CHALLENGE_LIST,
    splits={"train": 2, "val": 2, "test": 2},
    options={"size": "large", "training": "challenge"},
    annotations=("categories_places365.txt", *CHALLENGE_LIST, "places365_val.txt", "places365_test.txt"),
    labelled=True,
    packs={
        "train_large_places365challenge.tar": ("data_large/",),
        "val_large.tar": ("val_large/",),
        "test_large.tar": ("test_large/",),
    },
)
MINIATURES = [STANDARD, CHALLENGE]
LETTERS = {f"{name[1]}.tar": tar_of({name[1:]: picture(number)}) for number, name in enumerate(TRAIN)}


@pytest.mark.parametrize(
    ("size", "files"),
    [
        ("large", {"train_large_places365challenge.tar": tar_of(LETTERS)}),
        ("small", {"train_256_places365challenge.tar": tar_of(LETTERS)}),
        ("large", {f"train_large_split/{name}": data for name, data in LETTERS.items()}),
        ("large", LETTERS),
    ],
    ids=["large", "small", "split", "letters"],
)
def test_archives_by_letter_are_read(tmp_path, size, files):
    lay(tmp_path / "c", files | CHALLENGE_LIST)
    found = list_corpus("places365", tmp_path / "c", tmp_path / "i", size=size, training="challenge")
    assert found.reasons == {}
    assert [json.loads(place.labels) for place in found.good] == [{"scene": "airfield"}, {"scene": "canal/natural"}]
    assert [found.read(place) for place in found.good] == [picture(0), picture(1)]


def test_letters_of_the_small_challenge_are_not_taken_for_large_ones(tmp_path):
    files = {"train_256_places365challenge.tar": tar_of(LETTERS)} | CHALLENGE.files
    lay(tmp_path / "c", files)
    found = list_corpus("places365", tmp_path / "c", tmp_path / "i", size="large", training="challenge")
    assert [found.read(place) for place in found.good if place.split == "train"] == [picture(40), picture(41)]


def test_scenes_come_from_folders_and_lists(tmp_path):
    found = list_corpus("places365", lay(tmp_path / "c", STANDARD.files), tmp_path / "i")
    assert json.loads(found.named(TRAIN[1]).labels) == {"scene": "canal/natural"}
    assert json.loads(found.named("val_00000001.jpg").labels) == {"scene": "canal/natural"}


def test_flat_archives_and_renamed_folders_are_understood(tmp_path):
    val = {f"Places365_val_0000000{number}.jpg": picture(number + 10) for number in (1, 2)}
    files = {f"data_256_standard{name}": picture(number) for number, name in enumerate(TRAIN)}
    found = list_corpus("places365", lay(tmp_path / "c", files | LISTS | {"val_256.tar": tar_of(val)}), tmp_path / "i")
    assert found.splits == {"train": 2, "val": 2}
    assert found.reasons == {}


def test_large_and_small_are_kept_apart(tmp_path):
    files = dict(STANDARD.files) | {f"data_large{TRAIN[0]}": picture(30)}
    lay(tmp_path / "c", files)
    large = list_corpus("places365", tmp_path / "c", tmp_path / "i", size="large")
    assert [location.uri for location in large.good] == [f"data_large{TRAIN[0]}"]


def test_number_of_no_category_is_counted(tmp_path):
    files = dict(STANDARD.files) | {"places365_val.txt": LISTS["places365_val.txt"].replace(b" 1\n", b" 999\n")}
    found = list_corpus("places365", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {"val_256/Places365_val_00000001.jpg": "bad_label"}


def test_line_that_names_no_test_picture_is_counted(tmp_path):
    files = dict(STANDARD.files) | {"places365_test.txt": LISTS["places365_test.txt"] + b"test/1.jpg\n"}
    found = list_corpus("places365", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {"places365_test.txt#3": "bad_label"}
