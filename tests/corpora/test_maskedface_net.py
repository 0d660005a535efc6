"""MaskedFace-Net: names as the owners' issue 9 quotes them, paired with FFHQ's by number."""

from __future__ import annotations

import json

import pytest
from corpora.miniature import Miniature, lay, list_corpus, picture, zip_of

from pipelines.errors import RecipeError
from pipelines.labels import guide_of

MINIATURE = Miniature(
    corpus="maskedface-net",
    files={
        "CMFD/02000/02231_Mask.jpg": picture(1),
        "CMFD/60000/60000_Mask.jpg": picture(2),
        "IMFD/02000/02231_Mask_Mouth_Chin.jpg": picture(3),
        "IMFD/59000/59999_Mask_Chin.jpg": picture(4),
        "IMFD/69000/69619_Mask_Nose_Mouth.jpg": picture(5),
    },
    splits={"train": 3, "val": 2},
)
NUMBERS = ("02231", "59999", "60000", "69619")
FFHQ = {f"images1024x1024/{number[:2]}000/{number}.png": picture(int(number), suffix=".png") for number in NUMBERS}
CREDIT = {
    "photo_title": "Fair",
    "author": "Jane",
    "photo_url": "https://flickr.example/1",
    "license_url": "https://cc/",
}
METADATA = json.dumps({str(int(number)): {"metadata": CREDIT} for number in NUMBERS}).encode()


@pytest.fixture
def corpus(tmp_path):
    return lay(tmp_path / "c", MINIATURE.files)


def paired(corpus, ffhq):
    return list_corpus("maskedface-net", corpus, corpus.parent / "i", ffhq=str(lay(corpus.parent / "ffhq", ffhq)))


def test_the_name_says_how_the_mask_is_worn(corpus):
    found = list_corpus("maskedface-net", corpus, corpus.parent / "i")
    said = [json.loads(found.named(name).labels) for name in ("02231_Mask.jpg", "69619_Mask_Nose_Mouth.jpg")]
    assert said == [{"mask": "correct"}, {"mask": "incorrect", "mask_covers": "nose_mouth"}]


def test_both_versions_of_a_face_are_one_identity(corpus):
    found = list_corpus("maskedface-net", corpus, corpus.parent / "i")
    well, badly, other = (
        found.named(name).identity for name in ("02231_Mask.jpg", "02231_Mask_Mouth_Chin.jpg", "60000_Mask.jpg")
    )
    assert well == badly != other


@pytest.mark.parametrize("packed", [False, True], ids=["unpacked", "packed"])
def test_original_is_read_from_the_other_folder(corpus, packed):
    found = paired(corpus, {"ffhq.zip": zip_of(FFHQ)} if packed else FFHQ)
    guide = guide_of(json.loads(found.named("02231_Mask_Mouth_Chin.jpg").guides)["original"])
    assert guide.scheme == "pair"
    assert found.read(guide.files[""]) == FFHQ["images1024x1024/02000/02231.png"]


def test_no_guide_tells_a_path_of_this_machine(corpus):
    assert str(corpus.parent) not in paired(corpus, FFHQ).named("02231_Mask.jpg").guides


def test_a_picture_without_original_is_counted(corpus):
    ffhq = {name: data for name, data in FFHQ.items() if "60000" not in name}
    assert paired(corpus, ffhq).reasons == {"CMFD/60000/60000_Mask.jpg": "no_picture"}


def test_author_and_licence_of_the_photograph_are_told(corpus):
    told = paired(corpus, FFHQ | {"ffhq-dataset-v2.json": METADATA}).named("02231_Mask.jpg").attribution
    assert "Fair by Jane, https://flickr.example/1, https://cc/" in told


@pytest.mark.parametrize(
    "data", [METADATA[:40], b"[]", b"\xff\xfe", b'{"1": {}}'], ids=["cut", "list", "binary", "bare"]
)
def test_damaged_metadata_is_named(corpus, data):
    with pytest.raises(RecipeError, match=r"ffhq-dataset-v2\.json"):
        paired(corpus, FFHQ | {"ffhq-dataset-v2.json": data})


def test_an_option_that_names_the_wrong_folder_is_refused(corpus):
    with pytest.raises(RecipeError, match="option ffhq: .*images1024x1024/00000/00000.png"):
        paired(corpus, {"thumbnails128x128/00000/00000.png": picture(1, suffix=".png")})
