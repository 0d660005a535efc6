"""Holes over parts of a face, whoever tells where they are."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from pipelines import mesh_parts
from pipelines.classes import SCHEMES
from pipelines.damage import Context, DamageFailed, Face
from pipelines.damage.base import ClassMap
from pipelines.damage.face_parts import CLASSES, PARTS, FaceParts
from pipelines.landmarks import ibug_68
from pipelines.seeds import generator
from tests.damage.contexts import context

SIZE = 192
PARSINGS = ["celebamask-hq", "helen-11", "lapa-11", "mesh-parts"]


def drawn(part: str, seen: Context, seed: int = 1, **options: object) -> np.ndarray:
    damage = FaceParts(kind="face_parts", parts=(part,), **{"dilation_range": (0, 0), **options})
    return damage.sample(generator(seed), seen).rasterise(seen.height, seen.width)


def mesh_labels() -> np.ndarray:
    labels = np.zeros((SIZE, SIZE), np.uint8)
    mesh_parts.draw_parts(labels, context(SIZE, SIZE).faces[0].points)
    return labels


def parsed(scheme: str) -> Context:
    """The astronaut with a map of a scheme: the parts of the mesh under the scheme's numbers, and hair above."""
    labels = np.zeros((SIZE, SIZE), np.uint8)
    top = cv2.boundingRect(mesh_labels())[1]
    numbers = {name: number for number, name in SCHEMES[scheme].names.items()}
    if "hair" in numbers:
        labels[max(0, top - 25) : top, 60:130] = numbers["hair"]
    for part, names in CLASSES.items():
        own = [number for name, number in numbers.items() if name in names]
        mesh = [number for number, name in SCHEMES["mesh-parts"].names.items() if name in names]
        if own and mesh:
            labels[np.isin(mesh_labels(), mesh)] = own[0]
        assert part == "ears" or own or scheme == "mesh-parts"
    return replace(context(SIZE, SIZE), faces=(), maps={"parsing": ClassMap(labels, scheme)})


def sixty_eight() -> Context:
    face = context(SIZE, SIZE).faces[0]
    return replace(context(SIZE, SIZE), faces=(Face(face.five, "ibug-68", ibug_68(face.scheme, face.points)),))


@pytest.mark.parametrize("scheme", PARSINGS)
@pytest.mark.parametrize("part", ["eyes", "brows", "nose", "mouth", "skin"])
def test_every_parsing_gives_the_part_to_the_pixel(scheme: str, part: str) -> None:
    names = CLASSES[part]
    expected = np.isin(mesh_labels(), [n for n, name in SCHEMES["mesh-parts"].names.items() if name in names])
    assert np.array_equal(drawn(part, parsed(scheme)) > 0, expected)


@pytest.mark.parametrize("part", ["eyes", "brows", "nose", "mouth", "skin", "head"])
def test_sixty_eight_points_find_the_parts_about_where_the_mesh_does(part: str) -> None:
    mesh, points = drawn(part, context(SIZE, SIZE)) > 0, drawn(part, sixty_eight(), head="box") > 0
    if part == "head":
        mesh = drawn(part, context(SIZE, SIZE), head="box") > 0
    overlap = np.count_nonzero(mesh & points) / np.count_nonzero(mesh | points)
    assert overlap > (0.2 if part == "brows" else 0.45), overlap


def test_halves_part_the_face_and_share_next_to_nothing() -> None:
    left, right, upper, lower = (
        drawn("half_face", context(SIZE, SIZE), sides=(side,)) > 0 for side in ("left", "right", "upper", "lower")
    )
    for one, other in ((left, right), (upper, lower)):
        assert not (one & other).any()
        shares = np.count_nonzero(one) / np.count_nonzero(one | other)
        assert 0.25 < shares < 0.75
    columns, rows = np.nonzero(left.any(axis=0))[0], np.nonzero(upper.any(axis=1))[0]
    assert columns.mean() < np.nonzero(right.any(axis=0))[0].mean()
    assert rows.mean() < np.nonzero(lower.any(axis=1))[0].mean()


@pytest.mark.parametrize("head", ["box", "ellipse"])
def test_a_head_covers_the_face_and_its_hair(head: str) -> None:
    seen = parsed("lapa-11")
    covered = drawn("head", seen, head=head) > 0
    labels = seen.maps["parsing"].labels
    assert covered[labels > 0].mean() > 0.97
    assert covered.mean() < 0.8


def test_points_know_no_hair_and_a_parsing_does() -> None:
    hair = FaceParts(kind="face_parts", parts=("hair",))
    assert hair.lacks(context(SIZE, SIZE)) == "hair"
    assert hair.lacks(parsed("mesh-parts")) == "hair"
    assert hair.lacks(parsed("lapa-11")) == ""
    assert FaceParts(kind="face_parts").lacks(context(SIZE, SIZE)) == ""


def test_parts_that_are_not_there_are_never_drawn() -> None:
    damage = FaceParts(kind="face_parts", parts=("hair", "nose"))
    assert {damage.sample(generator(seed), context(SIZE, SIZE)).of for seed in range(10)} == {("nose",)}


def test_every_part_is_drawn_and_told() -> None:
    seen = parsed("lapa-11")
    told = {FaceParts(kind="face_parts").sample(generator(seed), seen).of for seed in range(100)}
    assert told == {(part,) for part in PARTS}


def test_several_parts_are_united() -> None:
    damage = FaceParts(kind="face_parts", parts=("eyes", "mouth"), num_range=(2, 2), dilation_range=(0, 0))
    seen = context(SIZE, SIZE)
    both = damage.sample(generator(1), seen).rasterise(SIZE, SIZE)
    assert np.array_equal(both, drawn("eyes", seen) | drawn("mouth", seen))


def test_a_wider_part_contains_the_narrow_one() -> None:
    narrow, wide = drawn("nose", context(SIZE, SIZE)), drawn("nose", context(SIZE, SIZE), dilation_range=(0.1, 0.1))
    assert (wide[narrow > 0] == 255).all()
    assert np.count_nonzero(wide) > 1.5 * np.count_nonzero(narrow)


def test_of_a_group_the_face_in_the_middle_is_taken() -> None:
    """A parsing of several people, one of whom the face is told of."""
    labels = np.zeros((200, 300), np.uint8)
    for x in (60, 150, 250):
        cv2.ellipse(labels, (x, 100), (25, 35), 0, 0, 360, 1, cv2.FILLED)
        cv2.circle(labels, (x - 10, 90), 4, 4, cv2.FILLED)
    five = np.array([[140, 90], [160, 90], [150, 105], [142, 118], [158, 118.0]])
    seen = Context(200, 300, faces=(Face(five),), maps={"parsing": ClassMap(labels, "lapa-11")})
    assert cv2.boundingRect(drawn("skin", seen))[0] == 125
    assert cv2.boundingRect(drawn("eyes", seen)) == (136, 86, 9, 9)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e12])
def test_points_that_are_no_places_are_no_face(bad: float) -> None:
    face = context(SIZE, SIZE).faces[0]
    points = face.points.copy()
    points[3] = bad
    seen = replace(context(SIZE, SIZE), faces=(replace(face, points=points),))
    assert FaceParts(kind="face_parts").lacks(seen) == "face"


def test_a_face_beyond_the_border_is_cut() -> None:
    face = context(SIZE, SIZE).faces[0]
    seen = replace(context(SIZE, SIZE), faces=(replace(face, points=face.points - (90, 0)),))
    assert FaceParts(kind="face_parts").sample(generator(1), seen).rasterise(SIZE, SIZE).any()
    gone = replace(context(SIZE, SIZE), faces=(replace(face, points=face.points - (900, 0)),))
    assert FaceParts(kind="face_parts").lacks(gone) == "face"


def test_a_face_that_fills_the_picture_leaves_something() -> None:
    labels = np.ones((64, 64), np.uint8)
    seen = Context(64, 64, maps={"parsing": ClassMap(labels, "lapa-11")})
    with pytest.raises(DamageFailed, match="more than 98% of the picture"):
        FaceParts(kind="face_parts", parts=("skin",)).sample(generator(1), seen)


@pytest.mark.parametrize("size", [32, 4096])
def test_very_small_and_very_large_pictures(size: int) -> None:
    for seed in range(3):
        assert FaceParts(kind="face_parts").sample(generator(seed), context(size, size)).rasterise(size, size).any()


def test_a_parsing_of_another_size_is_fitted_to_the_picture() -> None:
    labels = np.zeros((32, 32), np.uint8)
    labels[8:24, 8:24], labels[10:14, 10:14] = 1, 4
    seen = Context(64, 64, maps={"parsing": ClassMap(labels, "lapa-11")})
    assert cv2.boundingRect(drawn("eyes", seen)) == (20, 20, 8, 8)
