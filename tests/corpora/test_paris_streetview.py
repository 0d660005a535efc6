"""Paris StreetView: two flat folders; some copies have the test pictures one level deeper, beside ones with a hole."""

from __future__ import annotations

from corpora.miniature import Miniature, lay, list_corpus, picture, zip_of

from pipelines.sources.base import decode_path

MINIATURE = Miniature(
    corpus="paris-streetview",
    files={
        "paris_train_original/48.858298_2.294481_1_-0.1.JPG": picture(1, 94, 54),
        "paris_train_original/48.86 2.30.JPG": picture(2, 94, 54),
        "paris_eval/001_im.png": picture(3, 94, 54, ".png"),
    },
    splits={"train": 2, "test": 1},
)


def test_coordinates_stay_out_of_shards(tmp_path):
    names = {
        "Paris_Train_Original/48.842502_2.344968_90_-004.JPG": "Paris_Train_Original/~.JPG",
        "paris_eval/48.85_2.29.png": "paris_eval/~.png",
        "paris_eval/paris_eval_gt/001_im.png": "paris_eval/paris_eval_gt/001_im.png",
        "paris_train_original/48.86 2.30.JPG": "paris_train_original/~.JPG",
    }
    files = {name: picture(number) for number, name in enumerate(names)}
    found = list_corpus("paris-streetview", lay(tmp_path / "c", files), tmp_path / "i")
    assert {decode_path(place.uri): found.source.public_uri(place.uri) for place in found.good} == names
    zipped = list_corpus("paris-streetview", lay(tmp_path / "z", {"paris.zip": zip_of(files)}), tmp_path / "i")
    assert {zipped.source.public_uri(place.uri) for place in zipped.good} == {
        f"paris.zip!/{name}" for name in names.values()
    }


def test_pictures_with_a_hole_are_not_read(tmp_path):
    files = {
        "paris_train_original/a.JPG": picture(1),
        "paris_eval/paris_eval_gt/001_im.png": picture(2, suffix=".png"),
        "paris_eval/paris_eval_corrupted/001_im.png": picture(3, suffix=".png"),
    }
    found = list_corpus("paris-streetview", lay(tmp_path / "c", files), tmp_path / "i")
    assert [location.uri for location in found.good] == [
        "paris_eval/paris_eval_gt/001_im.png",
        "paris_train_original/a.JPG",
    ]
