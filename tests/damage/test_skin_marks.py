"""Skin marks lie on skin, change nothing else, suit every skin, and follow the folds of a face."""

from __future__ import annotations

import dataclasses
import json

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from pipelines.classes import SCHEMES
from pipelines.damage import DAMAGES, ClassMap, Context, DamageFailed, Face, mask_ratio
from pipelines.damage.skin import frame_of, skin_of
from pipelines.damage.skin_marks import MARKS, MarkedSkin, Patch
from pipelines.damage.wrinkles import FIELDS
from pipelines.faces import seen_faces
from pipelines.landmarks import ibug_68
from pipelines.mesh_parts import draw_parts
from pipelines.seeds import generator
from tests.damage.contexts import context
from tests.photographs import FACES, photograph

NAMES = SCHEMES["mesh-parts"].names
SEEN = context(256, 256)


def sample(seed: int, seen: Context = SEEN, **options) -> MarkedSkin:
    return DAMAGES["skin_marks"](kind="skin_marks", **options).sample(generator(seed, "marks"), seen)


def parts(face: Face, size: int) -> np.ndarray:
    labels = np.zeros((size, size), np.uint8)
    draw_parts(labels, face.points)
    return labels


def with_face(**changes) -> Context:
    return dataclasses.replace(SEEN, faces=(dataclasses.replace(SEEN.faces[0], **changes),))


@pytest.mark.parametrize("mark", MARKS)
def test_marks_lie_on_skin_and_nowhere_else(mark):
    labels = parts(SEEN.faces[0], 256)
    for seed in range(30):
        alpha = sample(seed, marks={mark: 1}).draw(SEEN.image).alpha
        assert alpha.any()
        assert {NAMES[number] for number in np.unique(labels[alpha > 0])} <= {"skin", "nose"}


@pytest.mark.parametrize("mark", MARKS)
def test_nothing_changes_outside_a_hole_that_is_tiny(mark):
    for seed in range(20):
        damaged, mask, alpha = sample(seed, marks={mark: 1}, num_range=(1, 1)).draw(SEEN.image)
        assert np.array_equal(damaged[mask == 0], SEEN.image[mask == 0])
        assert 0 < mask_ratio(mask) < 0.09
        assert not alpha[mask == 0].any()


def test_the_margin_is_as_wide_as_it_says():
    drawn = sample(1, margin=0.02).draw(SEEN.image)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11))
    assert np.array_equal(drawn.mask, cv2.dilate((drawn.alpha > 0).astype(np.uint8) * 255, disc))


def test_marks_are_soft():
    for seed in range(10):
        alpha = sample(seed, marks={"mole": 1, "blemish": 1, "wrinkles": 1}).draw(SEEN.image).alpha
        assert len(np.unique(alpha)) > 20
        steps = np.abs(np.diff(alpha.astype(int), axis=1))
        assert steps.max() < 200


@pytest.mark.parametrize("mark", ["mole", "blemish", "freckles", "age_spot", "stubble"])
@pytest.mark.parametrize("skin", [(235, 205, 190), (160, 115, 90), (75, 48, 38)])
def test_spots_are_darker_on_every_skin(mark, skin):
    image = np.full((256, 256, 3), skin, np.uint8)
    for seed in range(5):
        parameters = sample(seed, marks={mark: 1})
        flat = dataclasses.replace(parameters, patches=tuple(p._replace(relief=()) for p in parameters.patches))
        damaged, _, alpha = flat.draw(image)
        assert (damaged[alpha > 0] <= image[alpha > 0]).all()
        most = np.unravel_index(alpha.argmax(), alpha.shape)
        # As a share of the skin's own colour, the same on all.
        assert damaged[most].mean() < 0.97 * image[most].mean()


def test_a_blemish_is_redder_than_the_skin():
    image = np.full((256, 256, 3), (200, 150, 130), np.uint8)
    for seed in range(10):
        damaged, _, alpha = sample(seed, marks={"blemish": 1}).draw(image)
        strong = alpha > 100
        red, green, _ = (damaged[strong] / image[strong]).mean(axis=0)
        assert red > green + 0.05


def test_a_wrinkle_is_dark_above_and_lit_below():
    line = (((1600, 2048), (2048, 2048), (2496, 2048)), (32, 32), 255)
    wrinkle = Patch("wrinkles", (150, 130, 124), lines=(line,), soft=16, opacity=160, relief=(0, -2, 110))
    damaged = MarkedSkin(patches=(wrinkle,)).draw(np.full((256, 256, 3), 130, np.uint8)).damaged
    across = damaged[120:137, 128, 0].astype(int)
    assert across[:9].min() < 115
    assert across[10:].max() > 134


def test_the_number_of_marks_is_as_asked():
    assert {len(sample(seed, num_range=(4, 6)).patches) for seed in range(30)} == {4, 5, 6}


def test_marks_come_as_often_as_asked():
    drawn = [p.mark for s in range(60) for p in sample(s, marks={"mole": 3, "blemish": 1}, num_range=(5, 5)).patches]
    assert 0.65 < np.mean([mark == "mole" for mark in drawn]) < 0.85


def test_marks_are_sized_by_the_face():
    unit = frame_of(SEEN.faces[0]).unit
    radii = [
        spot[2] / 16 / unit for seed in range(40) for p in sample(seed, marks={"mole": 1}).patches for spot in p.spots
    ]
    assert 0.009 < min(radii) < 0.02
    assert 0.03 < max(radii) < 0.046


def test_a_face_turned_with_the_picture_has_its_wrinkles_turned():
    """Each field draws its lines after the face: turned by a right angle they lie where they lay."""
    face = SEEN.faces[0]
    turned = dataclasses.replace(face, points=np.stack([256 - face.points[:, 1], face.points[:, 0]], axis=1))
    for field in FIELDS:
        level, upright = (field(generator(3), frame_of(one)) for one in (face, turned))
        for one, other in zip(level, upright, strict=True):
            assert np.abs(np.stack([256 - one[:, 1], one[:, 0]], axis=1) - other).max() < 1e-6


def lines_of(name: str) -> list[np.ndarray]:
    field = next(field for field in FIELDS if field.__name__ == name)
    return [line for seed in range(10) for line in field(generator(seed), frame_of(SEEN.faces[0]))]


def test_wrinkles_of_the_forehead_run_across_above_the_brows():
    frame = frame_of(SEEN.faces[0])
    for line in lines_of("_forehead"):
        along = line[-1] - line[0]
        assert abs(along @ frame.down) < 0.2 * abs(along @ frame.across)
        assert frame.height_of(line).max() < -0.2


def test_crow_s_feet_spread_from_the_outer_corners():
    frame = frame_of(SEEN.faces[0])
    for line in lines_of("_crow_feet"):
        corner = min((frame.points[36], frame.points[45]), key=lambda point: np.hypot(*(line[0] - point)))
        distances = np.hypot(*(line - corner).T)
        assert (np.diff(distances) > 0).all()
        assert distances[0] < 0.2 * frame.unit


def test_folds_run_from_the_nose_to_beside_the_mouth():
    frame = frame_of(SEEN.faces[0])
    for line in lines_of("_nasolabial"):
        heights = frame.height_of(line)
        assert 0.3 < heights[0] < 0.7 < heights[-1] < 1.3
        assert (np.diff(heights) > 0).all()


@pytest.mark.parametrize("height", [64, 128, 512, 2048])
def test_faces_of_any_size_are_marked(height):
    seen = context(height, height)
    damage = DAMAGES["skin_marks"](kind="skin_marks")
    if damage.lacks(seen):
        assert height == 64 and frame_of(seen.faces[0]).unit < 20
        return
    drawn = sample(1, seen).draw(seen.image)
    assert 0 < mask_ratio(drawn.mask) < 0.1


def points_of(name: str) -> np.ndarray | None:
    points = SEEN.faces[0].points.copy()
    match name:
        case "missing":
            return None
        case "nan":
            points[7] = np.nan
        case "mirrored":
            points[:, 0] = 256 - points[:, 0]
        case "beyond":
            points += 500
        case "one point":
            points[:] = 100
        case "tiny":
            points *= 0.05
    return points


@pytest.mark.parametrize("name", ["missing", "nan", "mirrored", "beyond", "one point", "tiny"])
def test_a_face_that_cannot_be_marked_is_left_alone(name):
    seen = with_face(points=points_of(name))
    damage = DAMAGES["skin_marks"](kind="skin_marks")
    assert damage.lacks(seen) == "face mesh"
    with pytest.raises(DamageFailed):
        damage.sample(generator(1), seen)


def test_the_next_face_is_marked_where_the_nearest_cannot_be():
    broken = dataclasses.replace(SEEN.faces[0], points=points_of("nan"))
    seen = dataclasses.replace(SEEN, faces=(broken, SEEN.faces[0]))
    assert sample(3, seen) == sample(3)


def test_a_face_at_the_border_is_marked_within_the_picture():
    for move in ((110, 0), (-110, 0), (0, 120), (0, -90)):
        seen = with_face(points=SEEN.faces[0].points + move)
        if DAMAGES["skin_marks"](kind="skin_marks").lacks(seen):
            continue
        for seed in range(10):
            damaged, mask, _ = sample(seed, seen).draw(SEEN.image)
            assert np.array_equal(damaged[mask == 0], SEEN.image[mask == 0])
            assert mask.any()


def test_a_parsing_map_is_believed_over_the_mesh():
    """Half of the face is hair there, so marks lie on the other half."""
    numbers = {name: number for number, name in SCHEMES["lapa-11"].names.items()}
    labels = parts(SEEN.faces[0], 256)
    labels[:, 128:] = numbers["hair"]
    seen = dataclasses.replace(SEEN, maps={"parsing": ClassMap(labels, "lapa-11")})
    for seed in range(20):
        assert not sample(seed, seen).draw(SEEN.image).alpha[:, 128:].any()


def test_the_skin_of_other_faces_in_a_map_is_left_alone():
    skin = next(number for number, name in SCHEMES["lapa-11"].names.items() if name == "skin")
    seen = dataclasses.replace(SEEN, maps={"parsing": ClassMap(np.full((256, 256), skin, np.uint8), "lapa-11")})
    points = SEEN.faces[0].points
    for seed in range(20):
        rows, columns = np.nonzero(sample(seed, seen).draw(SEEN.image).alpha)
        assert points[:, 0].min() < columns.min() < columns.max() < points[:, 0].max()
        assert rows.max() < points[:, 1].max()


def test_68_points_will_do_beside_a_parsing_map():
    face = SEEN.faces[0]
    points = dataclasses.replace(face, scheme="ibug-68", points=ibug_68(face.scheme, face.points))
    bare = dataclasses.replace(SEEN, faces=(points,))
    assert DAMAGES["skin_marks"](kind="skin_marks").lacks(bare) == "face mesh"
    labels = parts(face, 256)
    seen = dataclasses.replace(bare, maps={"parsing": ClassMap(labels, "mesh-parts")})
    for seed in range(20):
        alpha = sample(seed, seen).draw(SEEN.image).alpha
        assert {NAMES[number] for number in np.unique(labels[alpha > 0])} <= {"skin", "nose"}


def test_a_face_whose_skin_is_all_hidden_fails_with_its_reason():
    seen = dataclasses.replace(SEEN, maps={"parsing": ClassMap(np.zeros((256, 256), np.uint8), "lapa-11")})
    with pytest.raises(DamageFailed, match="no skin for"):
        sample(1, seen)


def test_weights_that_are_all_0_are_refused():
    with pytest.raises(ValidationError, match="one of them above 0"):
        sample(1, marks={"mole": 0})


def test_the_region_keeps_away_from_eyes_lips_and_nostrils():
    skin = skin_of(SEEN.faces[0], SEEN)
    points = skin.frame.points
    for apart in (
        points[36:42].mean(axis=0),
        points[42:48].mean(axis=0),
        points[62],
        points[66],
        points[32],
        points[34],
    ):
        assert skin.depths(apart[None])[0] == 0
    cheek = points[[1, 48]].mean(axis=0)
    assert skin.depths(cheek[None])[0] > 0.1


def test_marks_lie_on_the_skin_of_every_face_in_photographs():
    pytest.importorskip("ai_edge_litert")
    from pipelines.engines import Faces, open_engine
    from pipelines.engines.stored import to_json

    marked = 0
    with open_engine(Faces(engine="offline")) as engine:
        for where in FACES:
            image = np.ascontiguousarray(photograph(where))
            for found in json.loads(to_json(engine.find([image])[0], engine.version)):
                seen = _around(image, json.dumps([found]))
                if DAMAGES["skin_marks"](kind="skin_marks").lacks(seen):
                    continue
                marked += 1
                labels = parts(seen.faces[0], 256)
                for seed in range(5):
                    damaged, mask, alpha = sample(seed, seen).draw(seen.image)
                    assert {NAMES[number] for number in np.unique(labels[alpha > 0])} <= {"skin", "nose"}
                    assert np.array_equal(damaged[mask == 0], seen.image[mask == 0])
    assert marked >= 15


def _around(image: np.ndarray, found: str) -> Context:
    """256 pixels around a face."""
    (face,) = seen_faces(found, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), 10**5)
    middle, reach = face.five.mean(axis=0), 4 * np.hypot(*(face.five[1] - face.five[4]))
    scale = 256 / reach
    matrix = (scale, 0.0, 128 - scale * middle[0], 0.0, scale, 128 - scale * middle[1])
    crop = cv2.warpAffine(image, np.reshape(matrix, (2, 3)), (256, 256), borderMode=cv2.BORDER_REFLECT)
    return Context(256, 256, None, crop, seen_faces(found, matrix, 256))
