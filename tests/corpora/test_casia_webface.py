"""CASIA-WebFace: RecordIO as insightface's face2rec2 writes it, beside it the index and `property`."""

from __future__ import annotations

import pytest
from corpora.miniature import Miniature, lay, list_corpus, picture, tar_of, zip_of
from record_writer import face_pack, pack, write

from pipelines.errors import RecipeError

FOLDER = "faces_webface_112x112"
REC, IDX = face_pack([[picture(1, 112, 112), picture(2, 112, 112)], [picture(3, 112, 112)]])
FILES = {
    f"{FOLDER}/train.rec": REC,
    f"{FOLDER}/train.idx": IDX,
    f"{FOLDER}/property": b"2,112,112",
    f"{FOLDER}/lfw.bin": b"a pickle that must not be opened",
}

MINIATURE = Miniature(
    corpus="casia-webface",
    files=FILES,
    splits={"": 3},
    annotations=(f"{FOLDER}/train.idx", f"{FOLDER}/property"),
    packs={f"{FOLDER}.tar": (f"{FOLDER}/",)},
)


def test_numbers_of_persons_become_identities(tmp_path):
    found = list_corpus("casia-webface", lay(tmp_path / "c", FILES), tmp_path / "i")
    first, second, other = (location.identity for location in found.good)
    assert first == second != other
    assert found.ignored["(record without a picture)"] == 3


def test_pictures_are_read_from_a_stored_member_of_a_zip(tmp_path):
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in FILES.items():
            archive.writestr(name, data)
    found = list_corpus("casia-webface", lay(tmp_path / "c", {"faces.zip": buffer.getvalue()}), tmp_path / "i")
    assert [found.read(location) for location in found.good] == [picture(number, 112, 112) for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("name", "make"), [("faces.zip", zip_of), ("faces.tar.gz", lambda files: tar_of(files, "w:gz"))]
)
def test_compressed_records_are_refused_with_what_to_do(tmp_path, name, make):
    with pytest.raises(RecipeError, match=r"train\.rec cannot be read in place.*unpack that archive"):
        list_corpus("casia-webface", lay(tmp_path / "c", {name: make(FILES)}), tmp_path / "i")


def test_person_beyond_property_is_counted(tmp_path):
    found = list_corpus(
        "casia-webface", lay(tmp_path / "c", FILES | {f"{FOLDER}/property": b"1,112,112"}), tmp_path / "i"
    )
    assert list(found.reasons.values()) == ["bad_label"]
    assert len(found.good) == 2


@pytest.mark.parametrize("label", [-1.0, 0.5, float("nan"), (float("inf"), 1.0)])
def test_label_that_is_no_number_of_a_person_is_counted(tmp_path, label):
    rec, _ = write({1: pack(label, picture(1)), 2: pack(0.0, picture(2))})
    found = list_corpus("casia-webface", lay(tmp_path / "c", {f"{FOLDER}/train.rec": rec}), tmp_path / "i")
    assert found.reasons == {f"{FOLDER}/train.rec#0": "bad_label"}


def test_record_cut_by_the_end_of_the_file_is_counted(tmp_path):
    found = list_corpus(
        "casia-webface", lay(tmp_path / "c", FILES | {f"{FOLDER}/train.rec": REC[:-3000]}), tmp_path / "i"
    )
    assert set(found.reasons.values()) == {"truncated"}
    assert len(found.good) == 2


def test_own_pack_is_chosen_among_several(tmp_path):
    other, _ = face_pack([[picture(9)]])
    found = list_corpus("casia-webface", lay(tmp_path / "c", FILES | {"a/train.rec": other}), tmp_path / "i")
    assert len(found.good) == 3
