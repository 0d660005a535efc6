"""BFW: eight folders of group and sex; its table of pairs is a pickle, which is never opened."""

from __future__ import annotations

import json
import pickle

import pytest
from corpora.miniature import Miniature, lay, list_corpus, picture


class Explosive:
    """Unpickling it fails the test."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was opened",)


MINIATURE = Miniature(
    corpus="bfw",
    files={
        "asian_females/n000009/0010_01.jpg": picture(1),
        "asian_females/n000009/0011_01.jpg": picture(2),
        "black_males/n000011/0001_02.jpg": picture(3),
        "indian_males/n000020/0001_01.jpg": picture(4),
        "white_females/n003391/0017_02.jpg": picture(5),
        "bfw-v0.1.5-datatable.pkl": pickle.dumps(Explosive()),
    },
    splits={"": 5},
    packs={"bfw-cropped-aligned.zip": ("asian_", "black_", "indian_", "white_")},
)


@pytest.fixture
def found(tmp_path):
    return list_corpus("bfw", lay(tmp_path / "c", MINIATURE.files), tmp_path / "i")


def test_folders_give_group_sex_and_identity(found):
    assert json.loads(found.named("0010_01.jpg").labels) == {"group": "Asian", "group_by": "folder", "sex": "female"}
    assert found.named("0010_01.jpg").identity == found.named("0011_01.jpg").identity


def test_pickle_is_refused_and_never_opened(found):
    assert any("bfw-v0.1.5-datatable.pkl is a pickle" in note for note in found.notes)
