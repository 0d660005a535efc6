"""PASCAL VOC XML: objects come out with their boxes; what is no annotation, or would harm, is refused with why."""

from __future__ import annotations

import pytest

from pipelines.corpora.readers.voc import MAX_BYTES, face_of, parse_voc

BOMB = (
    '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;">]>'
    "<annotation><filename>&y;</filename></annotation>"
)
BOX = "<bndbox><xmin>{}</xmin><ymin>2</ymin><xmax>7.5</xmax><ymax>9</ymax></bndbox>"
HEAD = "<annotation><filename>a.jpg</filename><source><database> MAFA </database></source>"
ONE = f"{HEAD}<object><name>masked_face</name>{BOX}"


def thing(left="1", more=""):
    (found,) = parse_voc(f"{ONE.format(left)}{more}</object></annotation>".encode()).things
    return found


def test_box_is_corner_and_size():
    assert thing().box == (1, 2, 6.5, 7)


def test_box_without_area_is_none_and_its_face_invalid():
    face = face_of(thing("8"), {"masked_face": "correct"})
    assert (face.box, face.labels) == (None, {"invalid": True, "mask": "correct"})


def test_what_is_unspecified_is_left_out():
    assert thing(more="<pose>Unspecified</pose><gender>male</gender><parts/>").said == {
        "name": "masked_face", "gender": "male"
    }  # fmt: skip


def test_fields_of_the_whole_picture_are_found_by_path():
    said = parse_voc(f"{ONE.format(1)}</object></annotation>".encode()).said
    assert said == {"filename": "a.jpg", "source/database": "MAFA"}


def test_flags_become_booleans():
    assert face_of(thing(more="<difficult>1</difficult>"), {"masked_face": ""}).labels == {"difficult": True}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_before_they_are_expanded(encoding):
    with pytest.raises(ValueError, match="document type declaration"):
        parse_voc(BOMB.encode(encoding))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not XML"),
        (b"<html></html>", "expected <annotation>"),
        (b"<annotation><object><name/></object></annotation>", "without a name"),
        (f"{ONE.format('nan')}</object></annotation>".encode(), "four numbers"),
        (f"{ONE.format('left')}</object></annotation>".encode(), "four numbers"),
        (b"<annotation>" + b" " * MAX_BYTES + b"</annotation>", "bytes"),
    ],
    ids=["empty", "another root", "no name", "not finite", "no number", "huge"],
)
def test_what_is_no_annotation_is_refused_with_why(data, said):
    with pytest.raises(ValueError, match=said):
        parse_voc(data)
