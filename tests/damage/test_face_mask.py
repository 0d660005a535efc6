"""Face masks: where they sit, what they hide, what lies over them, and which faces get none."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from pipelines import recipe
from pipelines.damage import ClassMap, Context, DamageFailed, Drawn, Face, FaceMask, pools, redraw
from pipelines.damage.face_mask import FaceMasks
from pipelines.damage.facewear.head import _NUMBERS, HEAD
from pipelines.damage.facewear.shapes import WEARINGS
from pipelines.errors import RecipeError
from pipelines.faces import seen_faces
from pipelines.landmarks import ibug_68
from pipelines.seeds import generator
from tests.damage.contexts import context
from tests.photographs import ASTRONAUT, FRIENDS, GROUP, HILL, SMILE, STUDIO, photograph

NOSE_TIP, LIPS, CHIN, EYES = 4, (61, 291, 0, 17), 152, (159, 145, 386, 374)
MOUTH = (13, 14, 0)
SHAPELY = ("surgical", "kn95", "n95")
"""Kinds of which each has a shape of its own; cloth has the surgical one's."""


def damage(**options: object) -> FaceMask:
    return FaceMask(kind="face_mask", **options)


def worn(style: str, wearing: str, **options: object) -> FaceMask:
    return damage(styles={style: 1}, wearing={wearing: 1}, **options)


def drawn(of: FaceMask, seen: Context, seed: int = 1) -> tuple[FaceMasks, Drawn]:
    parameters = of.sample(generator(seed), seen)
    return parameters, parameters.draw(seen.image)


def at(mask: np.ndarray, points: np.ndarray) -> np.ndarray:
    x, y = np.floor(points).astype(int).T
    return mask[y, x]


@pytest.fixture(scope="module")
def engine() -> Iterator[object]:
    from pipelines.engines import Faces, open_engine

    for module in ("onnx", "onnxruntime", "ai_edge_litert"):
        pytest.importorskip(module)
    with open_engine(Faces(engine="offline")) as opened:
        yield opened


@pytest.fixture(scope="module")
def photographed(engine: object) -> dict[tuple[str, str], list[Context]]:
    """Every face with a mesh of our photographs, as a crop of 256 pixels sees it."""
    return {where: crops(engine, where) for where in (GROUP, ASTRONAUT, *STUDIO.values(), SMILE, HILL, FRIENDS)}


def crops(engine: object, where: tuple[str, str]) -> list[Context]:
    from pipelines.engines.stored import to_json

    picture = photograph(where)
    found = json.loads(to_json(engine.find([picture])[0], engine.version))
    return [crop(picture, face) for face in found if face.get("points")]


def crop(picture: np.ndarray, face: dict, size: int = 256) -> Context:
    x, y, width, height = face["box"]
    scale = size / (2 * max(width, height))
    matrix = (scale, 0, size / 2 - scale * (x + width / 2), 0, scale, size / 2 - scale * (y + height / 2))
    image = cv2.warpAffine(picture, np.array(matrix).reshape(2, 3), (size, size), flags=cv2.INTER_AREA)
    return Context(size, size, None, image, seen_faces(json.dumps([face]), matrix, size))


@cache
def turned(yaw: float, pitch: float = 0, roll: float = 0, size: int = 256) -> Context:
    """The neutral head, turned, before noise: what no photograph of ours shows beyond 45 degrees."""
    a, b, c = np.radians([yaw, pitch, roll])
    across = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    up = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    x, y, _ = (HEAD @ (across @ up).T).T * size / 36
    flat = np.stack([x * np.cos(c) + y * np.sin(c), x * np.sin(c) - y * np.cos(c)], axis=1) + size / 2
    points = np.full((468, 2), np.nan)
    points[_NUMBERS] = flat
    image = generator("turned").integers(80, 160, (size, size, 3), dtype=np.uint8)
    return Context(size, size, None, image, (Face(np.zeros((5, 2)), "mediapipe-468", points, score=1.0),))


def points_of(seen: Context) -> np.ndarray:
    return seen.faces[0].points


@pytest.mark.parametrize("style", SHAPELY)
def test_worn_right_it_hides_nose_mouth_and_chin_and_no_eye_on_every_photograph(photographed, style: str) -> None:
    assert sum(map(len, photographed.values())) == 17
    for seen in (seen for crops in photographed.values() for seen in crops):
        _, (_, _, alpha) = drawn(worn(style, "right"), seen)
        hidden = at(alpha, points_of(seen)[[NOSE_TIP, *LIPS, CHIN]])
        assert (hidden > 200).all(), hidden
        assert not at(alpha, points_of(seen)[list(EYES)]).any()


@pytest.mark.parametrize("style", SHAPELY)
def test_worn_below_the_nose_its_tip_is_out_and_the_mouth_is_not(photographed, style: str) -> None:
    for seen in (seen for crops in photographed.values() for seen in crops):
        _, (_, _, alpha) = drawn(worn(style, "nose"), seen)
        assert at(alpha, points_of(seen)[[NOSE_TIP]]).max() < 128
        assert (at(alpha, points_of(seen)[[17, CHIN]]) > 240).all()


@pytest.mark.parametrize("style", SHAPELY)
@pytest.mark.parametrize("wearing", ["mouth", "chin"])
def test_worn_lower_the_mouth_is_out_and_the_chin_is_not(photographed, style: str, wearing: str) -> None:
    for seen in (seen for crops in photographed.values() for seen in crops):
        _, (_, _, alpha) = drawn(worn(style, wearing), seen)
        assert not at(alpha, points_of(seen)[[NOSE_TIP, *MOUTH]]).any()
        assert at(alpha, points_of(seen)[[CHIN]]).min() > 240


def test_each_way_of_wearing_hides_less_of_the_face_than_the_one_before() -> None:
    shares = [drawn(worn("surgical", wearing), context(256, 256))[0].worn[0].coverage for wearing in WEARINGS]
    assert shares == sorted(shares, reverse=True)
    assert 0.4 < shares[0] < 0.65


def test_the_hole_holds_straps_shadow_and_what_lies_below_the_chin() -> None:
    seen = context(256, 256)
    parameters, (_, mask, alpha) = drawn(worn("surgical", "right"), seen)
    assert len(parameters.worn[0].straps) == 4
    for (points, _, _), _ in parameters.worn[0].straps:
        assert at(mask, np.array(points) / 16).all()
    chin_x, chin_y = points_of(seen)[CHIN]
    assert mask[int(chin_y) + 3, int(chin_x)] == 255
    faint = (alpha > 0) & (alpha < 64)
    assert mask[faint].all()
    assert faint.any()


def test_the_hole_is_wider_than_what_changes_by_the_margin() -> None:
    parameters, (_, mask, alpha) = drawn(damage(margin=0.02), context(256, 256))
    assert parameters.margin == 5
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11))
    assert np.array_equal(mask, cv2.dilate(((alpha > 0) * 255).astype(np.uint8), disc))


def test_on_a_turned_face_only_the_near_side_has_straps() -> None:
    for yaw in (-50, 50):
        straps = drawn(worn("surgical", "right"), turned(yaw))[0].worn[0].straps
        # The nose points to one side, the straps run to the other.
        assert len(straps) == 2
        assert all((line[0][-1][0] - line[0][0][0]) * yaw < 0 for line, _ in straps)


@pytest.mark.parametrize("yaw", [-60, -45, -20, 0, 20, 45, 60])
@pytest.mark.parametrize("style", SHAPELY)
def test_it_follows_a_head_to_sixty_degrees(yaw: int, style: str) -> None:
    seen = turned(yaw)
    parameters, (_, _, alpha) = drawn(worn(style, "right"), seen)
    assert abs(parameters.worn[0].yaw - yaw) < 3
    assert (at(alpha, points_of(seen)[[NOSE_TIP, 17, CHIN]]) > 240).all()
    # In profile it stands out over the nose, and the far side has hardly any width.
    columns = np.nonzero(alpha.max(axis=0) == 255)[0]
    nose = points_of(seen)[NOSE_TIP, 0]
    beyond = nose - columns.min() if yaw < 0 else columns.max() - nose
    assert beyond < (60 if abs(yaw) < 30 else 16)


@pytest.mark.parametrize("roll", [-170, -90, -35, 35, 90])
def test_it_follows_a_tilted_head(roll: int) -> None:
    seen = turned(15, 0, roll)
    _, (_, _, alpha) = drawn(worn("surgical", "right"), seen)
    assert (at(alpha, points_of(seen)[[NOSE_TIP, 17, CHIN]]) > 240).all()


def test_the_yaw_of_a_photograph_taken_at_45_degrees_is_told(photographed) -> None:
    (seen,) = photographed[STUDIO[45]]
    assert -50 < drawn(damage(), seen)[0].worn[0].yaw < -38


def test_sixty_eight_points_give_nearly_the_same_hole(photographed) -> None:
    for crops in photographed.values():
        for seen in crops:
            face = seen.faces[0]
            other = dataclasses.replace(face, scheme="ibug-68", points=ibug_68(face.scheme, face.points))
            one, two = (
                drawn(worn("cloth", "right"), dataclasses.replace(seen, faces=(f,)))[1].mask for f in (face, other)
            )
            assert (one & two).sum() / (one | two).sum() > 0.9


@pytest.mark.parametrize(("scheme", "number"), [("celebamask-hq", 13), ("celebamask-hq", 3), ("lapa-11", 10)])
def test_hair_and_glasses_of_a_parsing_map_stay_above(scheme: str, number: int) -> None:
    seen = context(256, 256)
    x, y = points_of(seen)[NOSE_TIP].astype(int)
    labels = np.zeros((256, 256), np.uint8)
    labels[y - 40 : y + 60, x + 5 : x + 100] = number
    parsed = dataclasses.replace(seen, maps={"parsing": ClassMap(labels, scheme)})
    _, (damaged, _, alpha) = drawn(worn("surgical", "right"), parsed)
    inside = slice(y - 34, y + 54), slice(x + 11, x + 94)
    assert not alpha[inside].any()
    assert np.array_equal(damaged[inside], seen.image[inside])
    assert alpha[y + 20, x - 10] == 255


def test_skin_of_a_parsing_map_does_not() -> None:
    seen = context(256, 256)
    parsed = dataclasses.replace(seen, maps={"parsing": ClassMap(np.ones((256, 256), np.uint8), "lapa-11")})
    assert drawn(damage(), parsed)[0] == drawn(damage(), seen)[0]


def test_a_blurred_face_gets_a_blurred_mask() -> None:
    seen = context(256, 256)
    blurred = dataclasses.replace(seen, image=cv2.GaussianBlur(seen.image, (0, 0), 4))
    sharp, soft = (drawn(worn("patterned", "right"), each) for each in (seen, blurred))
    assert soft[0].worn[0].blur > 2 * sharp[0].worn[0].blur
    inside = (sharp[1].alpha == 255) & (soft[1].alpha == 255)
    edges = [np.abs(cv2.Laplacian(each[1].damaged, cv2.CV_32F))[inside].mean() for each in (sharp, soft)]
    assert edges[1] < edges[0] / 2


def test_a_noisy_face_gets_a_noisy_mask() -> None:
    seen = context(256, 256)
    noisy = np.clip(seen.image + generator(1).normal(0, 12, (256, 256, 1)), 0, 255).astype(np.uint8)
    assert drawn(damage(), dataclasses.replace(seen, image=noisy))[0].worn[0].grain > 16 * 8


def test_a_grey_photograph_gets_a_grey_mask() -> None:
    seen = context(256, 256)
    grey = cv2.cvtColor(cv2.cvtColor(seen.image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    _, (damaged, _, _) = drawn(worn("patterned", "right"), dataclasses.replace(seen, image=grey))
    assert np.ptp(damaged.astype(int), axis=2).max() <= 3


def test_warm_light_makes_a_white_mask_warm() -> None:
    seen = context(256, 256)
    warm = (seen.image * (1.0, 0.85, 0.6)).astype(np.uint8)
    white = worn("surgical", "right", colours=((255, 255, 255),))
    reds = [
        np.divide(*drawn(white, dataclasses.replace(seen, image=each))[0].worn[0].white[::2])
        for each in (seen.image, warm)
    ]
    assert reds[1] > 1.05 * reds[0]


def test_light_from_one_side_falls_on_the_mask_too() -> None:
    seen = context(256, 256)
    ramp = np.linspace(1, 0.35, 256)[None, :, None]
    lit = dataclasses.replace(seen, image=(seen.image * ramp).astype(np.uint8))
    _, (damaged, _, alpha) = drawn(worn("surgical", "right", colours=((220, 220, 220),)), lit)
    rows, columns = np.nonzero(alpha == 255)
    level = damaged[rows, columns].mean(axis=1)
    left, right = columns < np.quantile(columns, 0.3), columns > np.quantile(columns, 0.7)
    assert level[left].mean() > 1.15 * level[right].mean()


def test_the_colours_asked_for_are_worn() -> None:
    parameters, _ = drawn(worn("cloth", "right", colours=((10, 200, 30),)), context(96, 96))
    assert parameters.worn[0].colours == ((10, 200, 30),)


def test_kinds_and_ways_come_as_often_as_their_weights_say() -> None:
    asked = damage(styles={"kn95": 3, "cloth": 1, "n95": 0}, wearing={"right": 1, "nose": 1})
    found = [asked.sample(generator(seed), context(64, 64)).worn[0] for seed in range(200)]
    assert 120 < sum(one.style == "kn95" for one in found) < 180
    assert {one.style for one in found} == {"kn95", "cloth"}
    assert {one.wearing for one in found} == {"right", "nose"}


@pytest.mark.parametrize(
    "options", [{"styles": {}}, {"wearing": {"right": 0}}, {"styles": {"gas": 1}}, {"max_yaw": 90}]
)
def test_what_makes_no_sense_is_refused(options: dict) -> None:
    with pytest.raises(ValidationError):
        damage(**options)


def moved(seen: Context, points: np.ndarray, **changes: object) -> Context:
    return dataclasses.replace(seen, faces=(dataclasses.replace(seen.faces[0], points=points, **changes),))


FAILURES = {
    "landmarks_missing": lambda seen: moved(seen, points_of(seen) * np.nan),
    "landmarks_mirrored": lambda seen: moved(seen, points_of(seen) * (-1, 1) + (256, 0)),
    "landmarks_misfit: 2": lambda seen: moved(seen, points_of(seen) + generator(1).normal(0, 12, (468, 2))),
    "landmarks_misfit: as of": lambda seen: moved(seen, points_of(seen) * (1, 0.3)),
    "landmarks_unsure": lambda seen: moved(seen, points_of(seen), score=0.4),
    "face_small": lambda seen: moved(seen, points_of(seen) / 10 + 100),
    "face_turned": lambda seen: turned(72),
    "face_tilted": lambda seen: turned(0, 50),
    "mask_outside": lambda seen: moved(seen, points_of(seen) + np.array((300, 0))),
}


@pytest.mark.parametrize("reason", FAILURES)
def test_what_cannot_be_done_well_fails_with_its_reason(reason: str) -> None:
    with pytest.raises(DamageFailed, match=f"^{reason}"):
        damage().sample(generator(1), FAILURES[reason](context(256, 256)))


@pytest.mark.parametrize(
    ("move", "outcome"),
    [
        *(((120, 0), ""), ((-60, 0), ""), ((0, 60), ""), ((80, 60), "")),
        *(((1e5, 1e5), "mask_outside"), ((0, -190), "mask_outside"), ((np.inf, 0), "landmarks_missing")),
    ],
)
def test_a_face_at_the_border_gets_a_mask_and_one_beyond_it_a_reason(move: tuple[float, float], outcome: str) -> None:
    seen = context(256, 256)
    at_border = moved(seen, points_of(seen) + move)
    if not outcome:
        _, (damaged, mask, _) = drawn(damage(), at_border)
        assert np.array_equal(damaged[mask == 0], seen.image[mask == 0])
        assert mask.any()
        return
    with pytest.raises(DamageFailed, match=f"^{outcome}"):
        damage().sample(generator(1), at_border)


def test_a_few_points_that_are_no_numbers_do_not_matter() -> None:
    seen = context(256, 256)
    points = points_of(seen).copy()
    points[[NOSE_TIP, CHIN]] = np.nan
    one, other = (drawn(worn("kn95", "right"), each)[1].mask for each in (seen, moved(seen, points)))
    assert (one & other).sum() / (one | other).sum() > 0.95


@pytest.mark.parametrize(("height", "width"), [(32, 32), (40, 300), (1500, 1200)])
def test_pictures_of_any_size(height: int, width: int) -> None:
    seen = context(height, width)
    _, (damaged, mask, _) = drawn(damage(min_size=8), seen)
    assert 0.03 < mask.mean() / 255 * height * width / min(height, width) ** 2 < 0.3
    assert np.array_equal(damaged[mask == 0], seen.image[mask == 0])


def test_faces_with_five_points_only_are_lacking() -> None:
    seen = context(64, 64)
    bare = dataclasses.replace(seen, faces=(Face(seen.faces[0].five),))
    assert damage().lacks(bare) == "face with 468 or 68 points"
    assert damage().lacks(dataclasses.replace(seen, faces=())) == "face with 468 or 68 points"
    assert damage().lacks(seen) == ""


def test_one_mask_or_one_for_each_face_that_can_have_one() -> None:
    seen = context(256, 256)
    left, right = (moved(seen, points_of(seen) / 2 + (x, 60)).faces[0] for x in (0, 128))
    small = moved(seen, points_of(seen) / 20).faces[0]
    group = dataclasses.replace(seen, faces=(left, small, right))
    counts = [len(drawn(damage(faces=faces), group)[0].worn) for faces in ("nearest", "all")]
    assert counts == [1, 2]


def test_everybody_in_a_group_photograph_gets_a_mask(engine) -> None:
    from pipelines.engines.stored import to_json

    picture = photograph(FRIENDS)
    height, width = picture.shape[:2]
    faces = seen_faces(to_json(engine.find([picture])[0], engine.version), (1, 0, 0, 0, 1, 0), width)
    parameters, (damaged, mask, _) = drawn(damage(faces="all"), Context(height, width, None, picture, faces))
    assert len(parameters.worn) == 5
    assert cv2.connectedComponents(mask)[0] >= 4
    assert np.array_equal(damaged[mask == 0], picture[mask == 0])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One mask that is opaque, and one that is transparent in its right half."""
    made = tmp_path / "templates"
    made.mkdir()
    cv2.imwrite(str(made / "red.png"), np.full((60, 100, 3), (30, 20, 200), np.uint8))
    half = np.full((60, 100, 4), (200, 20, 30, 255), np.uint8)
    half[:, 50:, 3] = 0
    cv2.imwrite(str(made / "half.png"), half)
    return made


def test_a_template_is_worn_and_known_by_name_and_digest(folder: Path) -> None:
    seen = context(256, 256)
    parameters, (damaged, mask, alpha) = drawn(damage(templates=str(folder), template_probability=1), seen)
    one = parameters.worn[0]
    assert one.style == "surgical"
    assert one.template[:2] == ("templates", one.template[1])
    assert str(folder) not in parameters.to_json()
    again = redraw("face_mask", parameters.to_json(), seen.image)
    assert np.array_equal(again.damaged, damaged)
    assert np.array_equal(again.mask, mask)
    assert alpha.any()


def test_a_transparent_half_shows_the_face_and_the_hole_is_whole(folder: Path) -> None:
    seen = context(256, 256)
    asked = worn("surgical", "right", templates=str(folder), template_probability=1)
    by_name = {}
    for seed in range(12):
        parameters = asked.sample(generator(seed), seen)
        name = parameters.worn[0].template[1]
        by_name.setdefault(name, (parameters, parameters.draw(seen.image)))
    x, y = points_of(seen)[17].astype(int)
    opaque, half = (by_name[name][1] for name in ("red.png", "half.png"))
    assert opaque.alpha[y, x + 12] == 255
    assert half.alpha[y, x - 12] == 255
    assert half.alpha[y, x + 12] < 128
    assert half.mask[y, x + 12] == 255
    assert not half.alpha[half.mask == 0].any()


def test_the_textures_of_insightface_are_templates() -> None:
    pytest.importorskip("insightface")
    asked = damage(templates="insightface", template_probability=1)
    names = {asked.sample(generator(seed), context(64, 64)).worn[0].template[1] for seed in range(40)}
    assert names == {f"mask_{colour}.jpg" for colour in ("white", "blue", "black", "green")}


@pytest.mark.parametrize("content", [None, b"no picture"])
def test_an_empty_or_corrupt_folder_is_one_error_before_anything_is_drawn(tmp_path: Path, content) -> None:
    (tmp_path / "templates").mkdir()
    if content:
        (tmp_path / "templates" / "a.png").write_bytes(content)
    text = "name: x\nsources: [{corpus: package-photos}]\ndamage: [{kind: face_mask, templates: templates}]\n"
    with pytest.raises(RecipeError, match="templates"):
        pools.notes(recipe.parse(text, "x.yaml", tmp_path))
