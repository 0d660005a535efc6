"""FFHQ: folders of a thousand, and the members of ffhq-dataset-v2.json as the owners' README.md lists them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from corpora.miniature import Listed, Miniature, lay, list_corpus, picture

from pipelines.errors import RecipeError
from pipelines.licences import LICENCES

NUMBERS = (0, 1001, 60000)
TERMS = (
    ("Attribution-NonCommercial License", "https://creativecommons.org/licenses/by-nc/2.0/"),
    ("United States Government Work", "http://www.usa.gov/copyright.shtml"),
    ("Public Domain Mark", "https://creativecommons.org/publicdomain/mark/1.0/"),
)
ALIGNED = [[131.62 + step, 453.8 + step] for step in range(68)]
WILD = [[562.0 + step, 697.0 + step] for step in range(68)]


def path(folder: str, number: int) -> str:
    return f"{folder}/{number // 1000 * 1000:05d}/{number:05d}.png"


def file_facts(folder: str, number: int, width: int, height: int) -> dict[str, Any]:
    return {
        "file_url": "https://drive.google.com/uc?id=0", "file_path": path(folder, number), "file_size": 1488194,
        "file_md5": "ddeaeea6ce59569643715759d537fd1b", "pixel_size": [width, height],
        "pixel_md5": "47238b44dfb87644460cbdcc4607e289",
    }  # fmt: skip


def record(number: int, terms: tuple[str, str]) -> dict[str, Any]:
    return {
        "category": "training" if number < 60000 else "validation",
        "metadata": {
            "photo_url": f"https://www.flickr.com/photos/frumkin/{number}/", "photo_title": "DSCF0899.JPG",
            "author": "Jérémy Frumkin", "country": "Taiwan" * (number == 1001), "license": terms[0],
            "license_url": terms[1], "date_uploaded": "2007-08-16", "date_crawled": "2018-10-10",
        },
        "image": file_facts("images1024x1024", number, 1024, 1024) | {"face_landmarks": ALIGNED},
        "thumbnail": file_facts("thumbnails128x128", number, 128, 128),
        "in_the_wild": file_facts("in-the-wild-images", number, 2016, 1512)
        | {
            "face_rect": [667, 410, 1438, 1181],
            "face_landmarks": WILD,
            "face_quad": [[371.0, 455.0], [434.0, 1425.0], [1404.0, 1362.0], [1341.0, 392.0]],
        },
    }  # fmt: skip


def metadata(**changes: Any) -> bytes:
    records = {str(number): record(number, terms) for number, terms in zip(NUMBERS, TERMS, strict=True)}
    return json.dumps(records | changes).encode()


MINIATURES = [
    Miniature(
        corpus="ffhq",
        files={path(folder, number): picture(number, 32, 32, ".png") for number in NUMBERS}
        | {f"{folder}/LICENSE.txt": b"CC BY-NC-SA 4.0", "ffhq-dataset-v2.json": metadata()},
        splits={"train": 2, "val": 1},
        options=options,
        annotations=("ffhq-dataset-v2.json",),
        labelled=True,
        packs={f"{folder}.zip": (folder,)},
    )
    for folder, options in (
        ("images1024x1024", {}),
        ("thumbnails128x128", {"variant": "thumbnails"}),
        ("in-the-wild-images", {"variant": "wild"}),
    )
]


def listed(folder, mini: Miniature, **files: bytes) -> Listed:
    changed = dict(mini.files) | {name.replace("_json", ".json"): data for name, data in files.items()}
    return list_corpus("ffhq", lay(folder / "c", changed), folder / "i", **mini.options)


@pytest.mark.parametrize(
    ("mini", "first"), list(zip(MINIATURES, [(131.62, 453.8), (131.62 / 8, 453.8 / 8), (562, 697)], strict=True))
)
def test_landmarks_are_in_pixels_of_the_picture_that_is_read(mini, first, tmp_path):
    (face,) = json.loads(listed(tmp_path, mini).named("00000.png").faces)
    assert face["points"][0] == pytest.approx(first)
    assert len(face["five"]) == 5


def test_only_wild_pictures_have_a_box(tmp_path):
    boxes = [
        json.loads(listed(tmp_path / str(number), mini).named("00000.png").faces)[0].get("box")
        for number, mini in enumerate(MINIATURES)
    ]
    assert boxes == [None, None, [667, 410, 771, 771]]


def test_each_picture_has_its_own_terms_and_author(tmp_path):
    found = listed(tmp_path, MINIATURES[0])
    assert [location.licence for location in found.good] == ["CC-BY-NC-2.0", "US government work", "public domain"]
    assert {location.licence for location in found.good} <= set(LICENCES)
    assert found.good[0].licence_url == "https://creativecommons.org/licenses/by-nc/2.0/"
    assert found.good[0].attribution == "DSCF0899.JPG by Jérémy Frumkin, https://www.flickr.com/photos/frumkin/0/"


def test_licence_that_is_not_known_is_not_taken_for_that_of_the_dataset(tmp_path):
    strange = record(0, ("No known restrictions", "https://www.flickr.com/commons/usage/"))
    found = list_corpus(
        "ffhq",
        lay(tmp_path / "c", dict(MINIATURES[0].files) | {"ffhq-dataset-v2.json": metadata(**{"0": strange})}),
        tmp_path / "i",
    )
    assert found.named("00000.png").licence == "unknown"


def test_record_with_too_few_landmarks_costs_its_own_picture_only(tmp_path):
    short = record(0, TERMS[0])
    short["image"]["face_landmarks"] = ALIGNED[:67]
    files = dict(MINIATURES[0].files) | {"ffhq-dataset-v2.json": metadata(**{"0": short})}
    found = list_corpus("ffhq", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {"images1024x1024/00000/00000.png": "bad_label"}


def test_country_is_told_where_it_is_known(tmp_path):
    found = listed(tmp_path, MINIATURES[0])
    assert [json.loads(location.labels) for location in found.good] == [{}, {"country": "Taiwan"}, {}]


def test_without_metadata_splits_follow_from_the_numbers_and_terms_from_the_card(tmp_path):
    files = {name: data for name, data in MINIATURES[0].files.items() if not name.endswith(".json")}
    found = list_corpus("ffhq", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.splits == {"train": 2, "val": 1}
    assert found.source.licence == "CC-BY-NC-SA-4.0"
    assert {location.licence for location in found.good} == {""}


def test_cut_metadata_stop_with_the_place(tmp_path):
    files = dict(MINIATURES[0].files) | {"ffhq-dataset-v2.json": metadata()[:9000]}
    with pytest.raises(RecipeError, match=r"ffhq-dataset-v2.json .* after \d members; get it again"):
        list_corpus("ffhq", lay(tmp_path / "c", files), tmp_path / "i")
