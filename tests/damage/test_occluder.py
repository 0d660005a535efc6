"""What is particular to things before a face."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from pipelines.damage import Context, DamageFailed, Face, Occluder, mask_ratio, redraw
from pipelines.damage.occluders import SORTS, sort_of
from pipelines.damage.occluders.head import head_of
from pipelines.errors import RecipeError
from pipelines.seeds import generator
from tests.damage.contexts import context
from tests.damage.people import PEOPLE, person

everybody = pytest.mark.parametrize(("where", "number"), PEOPLE, ids=lambda value: str(value).split("/")[-1])

EYES = ((-0.5, 0.0), (0.5, 0.0))
MOUTH, CHIN, FOREHEAD, NOSE = (0.0, 1.12), (0.0, 1.75), (0.0, -0.7), (0.0, 0.68)


def occluder(sort: str, **options) -> Occluder:
    return Occluder(kind="occluder", sorts={sort: 1}, **options)


def drawn(sort: str, seen: Context, seed: int = 0, **options):
    return occluder(sort, **options).sample(generator(sort, seed), seen).draw(seen.image)


def covered(mask: np.ndarray, seen: Context, spot: tuple[float, float], out: float = 0.15) -> bool:
    """Whether a point of the face lies in the hole."""
    ((x, y),) = head_of(seen.faces[0]).at(*spot, out) / 16
    return bool(mask[int(y), int(x)])


@everybody
@pytest.mark.parametrize("sort", ["glasses", "sunglasses"])
def test_glasses_cover_both_eyes_and_not_the_mouth(sort, where, number):
    seen = person(where, number)
    for seed in range(3):
        mask = drawn(sort, seen, seed).mask
        (left, right) = np.floor(seen.faces[0].five[:2]).astype(int)
        assert mask[left[1], left[0]] and mask[right[1], right[0]]
        assert not covered(mask, seen, MOUTH)


@everybody
@pytest.mark.parametrize("sort", ["cup", "scarf"])
def test_cups_and_scarves_cover_the_mouth_and_not_the_eyes(sort, where, number):
    seen = person(where, number)
    for seed in range(3):
        mask = drawn(sort, seen, seed).mask
        assert covered(mask, seen, MOUTH)
        assert not any(covered(mask, seen, eye) for eye in EYES)


@everybody
def test_scarves_cover_the_chin(where, number):
    seen = person(where, number)
    assert all(covered(drawn("scarf", seen, seed).mask, seen, CHIN, 0.05) for seed in range(3))


@everybody
def test_microphones_are_before_the_mouth_or_the_chin_and_come_from_below(where, number):
    seen = person(where, number)
    for seed in range(3):
        mask = drawn("microphone", seen, seed).mask
        assert covered(mask, seen, (0.0, 1.3), 0.4)
        assert not any(covered(mask, seen, eye) for eye in EYES)
        assert mask[-1].any()


@everybody
def test_hats_cover_the_forehead_and_not_nose_or_mouth(where, number):
    seen = person(where, number)
    for seed in range(3):
        mask = drawn("hat", seen, seed, margin=0).mask
        assert covered(mask, seen, FOREHEAD)
        assert not covered(mask, seen, MOUTH)
        assert not covered(mask, seen, NOSE, 0.6)


@everybody
def test_hair_falls_from_the_forehead(where, number):
    seen = person(where, number)
    head = head_of(seen.faces[0])
    for seed in range(3):
        mask = drawn("hair", seen, seed).mask
        x, y = (head.at(np.linspace(-1, 1, 41), -0.7, 0.2) / 16).T
        inside = (x >= 0) & (x < 192) & (y >= 0) & (y < 192)
        assert mask[y[inside].astype(int), x[inside].astype(int)].any()


@everybody
def test_hands_cover_what_they_are_said_to_be_before(where, number):
    seen = person(where, number)
    for seed in range(4):
        parameters = occluder("hand").sample(generator("hand", seed), seen)
        mask, (x, y) = parameters.draw(seen.image).mask, SORTS["hand"].places[parameters.place]
        assert covered(mask, seen, (parameters.side * x, y), 0.2), parameters.place


def test_glasses_lean_with_the_head():
    seen = person(*PEOPLE[6])
    five = seen.faces[0].five
    turn = np.radians(25)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    leaning = replace(seen, faces=(Face((five - 96) @ matrix.T + 96),))
    upright, leant = (
        occluder("sunglasses", harmonise=0, match_detail=False).sample(generator(1), one) for one in (seen, leaning)
    )
    leant = replace(leant, seen=upright.seen)
    around = cv2.getRotationMatrix2D((95.5, 95.5), -25, 1)
    turned = cv2.warpAffine(upright.draw(seen.image).mask, around, (192, 192), flags=cv2.INTER_NEAREST)
    both, either = (
        np.count_nonzero(f(turned > 0, leant.draw(seen.image).mask > 0)) for f in (np.logical_and, np.logical_or)
    )
    assert both > 0.9 * either


def test_only_the_nearer_temple_is_seen_on_a_turned_head():
    where, number = PEOPLE[9]  # its nose points to the picture's left
    seen = person(where, number)
    parameters = replace(occluder("glasses").sample(generator(2), seen), seen=(1.0, 1.0))
    alpha = parameters.draw(seen.image).alpha
    left, right = np.nonzero(alpha.any(axis=0))[0][[0, -1]]
    five = seen.faces[0].five
    assert right - five[1, 0] > 2 * (five[0, 0] - left)


def test_sunglasses_are_dark_and_glasses_are_not():
    seen = person(*PEOPLE[6])
    x, y = np.floor(seen.faces[0].five[0]).astype(int)
    dark, clear = (
        np.mean([drawn(sort, seen, seed).alpha[y, x] for seed in range(5)]) for sort in ("sunglasses", "glasses")
    )
    assert dark > 220
    assert 5 < clear < 90


@pytest.mark.parametrize("sort", sorted(SORTS))
def test_the_hole_holds_the_shadow_and_a_margin(sort):
    seen = context(256, 256)
    parameters = occluder(sort, margin=0.02).sample(generator(3), seen)
    assert parameters.margin == 5
    damaged, mask, alpha = parameters.draw(seen.image)
    rim = cv2.dilate(alpha, np.ones((3, 3), np.uint8))
    assert not rim[mask == 0].any()
    assert np.array_equal(damaged[mask == 0], seen.image[mask == 0])
    # A contact shadow: partly covered pixels, blacker than before.
    faint = (alpha > 0) & (alpha < 100)
    assert (damaged[faint].sum(axis=1) <= seen.image[faint].sum(axis=1).astype(int) + 60).mean() > 0.5


@pytest.mark.parametrize("sort", sorted(SORTS))
def test_whatever_is_drawn_does_not_look_at_the_picture_again(sort):
    seen = context(128, 128)
    parameters = occluder(sort).sample(generator(4), seen)
    one, other = (parameters.draw(np.full((128, 128, 3), level, np.uint8)) for level in (0, 255))
    opaque = one.alpha == 255
    assert np.array_equal(one.damaged[opaque], other.damaged[opaque])


def test_parameters_tell_what_is_where_and_how_it_is_matched():
    told = json.loads(occluder("hand").sample(generator(5), context(128, 128)).to_json())
    assert told["sort"] == "hand" and told["item"] in SORTS["hand"].items and told["place"] in SORTS["hand"].places
    assert len(told["head"]) == 6 and told["strength"] == 0.6
    assert {"mean", "spread", "blur", "noise", "light", "skin", "hair"} <= set(told)


def test_a_hand_has_the_colour_of_the_face():
    pale, dark = context(128, 128), context(128, 128)
    dark = replace(dark, image=(dark.image * 0.4).astype(np.uint8))
    levels = [drawn("hand", seen, 1).damaged[drawn("hand", seen, 1).alpha == 255].mean() for seen in (pale, dark)]
    assert levels[1] < 0.65 * levels[0]


def test_a_grey_photograph_gets_grey_things():
    seen = context(128, 128)
    grey = np.repeat(seen.image.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    seen = replace(seen, image=grey)
    for sort in SORTS:
        damaged = drawn(sort, seen, 2).damaged.astype(int)
        assert (damaged.max(axis=2) - damaged.min(axis=2)).max() <= 6, sort


def test_harmony_draws_colours_towards_the_picture():
    seen = context(128, 128)
    blue = replace(seen, image=np.clip(seen.image * (0.5, 0.8, 1.3), 0, 255).astype(np.uint8))
    tints = []
    for harmonise in (0.0, 1.0):
        damaged, _, alpha = drawn("cup", blue, 3, harmonise=harmonise)
        tints.append(np.diff(damaged[alpha == 255].mean(axis=0)[[0, 2]])[0])
    assert tints[1] > tints[0] + 5


def test_a_blurred_photograph_gets_blurred_things():
    seen = context(256, 256)
    blurred = replace(seen, image=cv2.GaussianBlur(seen.image, (0, 0), 4))
    slopes = []
    for one in (seen, blurred):
        alpha = drawn("microphone", one, 4).alpha.astype(np.float32)
        slopes.append(np.abs(np.diff(alpha, axis=1)).max())
    assert slopes[1] < 0.5 * slopes[0]


def test_a_grainy_photograph_gets_grainy_things():
    seen = context(256, 256)
    noise = generator("grain").normal(0, 14, seen.image.shape)
    grainy = replace(seen, image=np.clip(seen.image + noise, 0, 255).astype(np.uint8))
    rough = []
    for one in (seen, grainy):
        damaged, _, alpha = drawn("hand", one, 5)
        fine = np.abs(cv2.Laplacian(damaged.astype(np.float32), cv2.CV_32F))
        rough.append(np.median(fine[cv2.erode(alpha, np.ones((9, 9), np.uint8)) == 255]))
    assert rough[1] > 2 * rough[0]


@pytest.mark.parametrize(
    ("move", "reason"),
    [
        (lambda five: np.where(np.arange(5)[:, None] == 1, np.nan, five), "not all known"),
        (lambda five: five[[1, 0, 2, 4, 3]], "mirrored"),
        (lambda five: np.full((5, 2), 50.0), "too small"),
        (lambda five: 50 + (five - 50) * 0.05, "too small"),
        (lambda five: np.outer(np.arange(5), (9.0, 9.0)), "not those of a face"),
        (lambda five: five + 500, "beyond the picture"),
        (lambda five: five * (0.1, 1), "turned too far"),
    ],
)
def test_what_cannot_be_placed_fails_with_its_reason(move, reason):
    seen = context(256, 256)
    face = Face(move(seen.faces[0].five))
    with pytest.raises(DamageFailed, match=reason):
        Occluder(kind="occluder").sample(generator(1), replace(seen, faces=(face,)))


def test_a_face_turned_too_far_for_glasses_is_told():
    five = np.array([(100, 100), (125, 100), (84, 122), (100, 150), (120, 150)], np.float64)
    with pytest.raises(DamageFailed, match=r"turned \d+ degrees to the side, too far for glasses"):
        occluder("glasses").sample(generator(1), replace(context(256, 256), faces=(Face(five),)))
    occluder("hand").sample(generator(1), replace(context(256, 256), faces=(Face(five),)))


def test_the_next_face_is_taken_where_the_first_will_not_do():
    seen = context(256, 256)
    bad = Face(np.full((5, 2), np.nan))
    occluder("cup").sample(generator(1), replace(seen, faces=(bad, *seen.faces)))


def test_broken_dense_points_do_no_harm():
    seen = context(128, 128)
    face = replace(seen.faces[0], points=np.full_like(seen.faces[0].points, np.nan))
    for sort in SORTS:
        assert drawn(sort, replace(seen, faces=(face,))).mask.any()


@pytest.mark.parametrize(("right", "down"), [(90, 0), (-90, 0), (0, 100), (0, -60), (80, 80)])
def test_a_face_at_the_border_gets_a_hole_or_none_is_promised(right, down):
    seen = context(256, 256)
    seen = replace(seen, faces=(Face(seen.faces[0].five + np.array([right, down])),))
    masks = []
    for seed in range(20):
        with contextlib.suppress(DamageFailed):
            masks.append(Occluder(kind="occluder").sample(generator(seed), seen).draw(seen.image).mask)
    assert masks and all(mask.any() for mask in masks)


@pytest.mark.parametrize("size", [32, 1600])
def test_small_and_large_pictures(size):
    seen = context(size, size)
    for sort in SORTS:
        damaged, mask, alpha = drawn(sort, seen)
        assert 0 < mask_ratio(mask) < 1
        assert damaged.shape == seen.image.shape and alpha.max() > 100


def test_large_pictures_are_not_drawn_pixel_by_pixel():
    small, large = context(512, 512), context(2048, 2048)
    seconds = []
    for seen in (small, large):
        parameters = occluder("hand").sample(generator(1), seen)
        start = time.process_time()
        parameters.layer(seen.image)
        seconds.append(time.process_time() - start)
    assert seconds[1] < 12 * seconds[0]  # of sixteen times as many pixels


def test_without_a_face_it_stands_aside():
    seen = replace(context(64, 64), faces=())
    assert Occluder(kind="occluder").lacks(seen) == "face"
    assert Occluder(kind="occluder", place="anywhere").lacks(seen) == ""


@pytest.mark.parametrize("ratio_range", [(0.05, 0.1), (0.2, 0.3), (0.4, 0.5)])
def test_anywhere_meets_a_ratio_without_a_face(ratio_range):
    seen = replace(context(128, 192, ratio_range), faces=())
    for seed in range(8):
        damage = Occluder(kind="occluder", place="anywhere", sorts={"hand": 1, "cup": 1})
        low, high = ratio_range
        assert low < mask_ratio(damage.sample(generator(seed), seen).draw(seen.image).mask) <= high


def test_a_ratio_can_be_asked_of_anywhere_only():
    with pytest.raises(ValidationError, match="takes no ratio_range"):
        Occluder(kind="occluder", ratio_range=(0.1, 0.2))
    assert Occluder(kind="occluder", place="anywhere", ratio_range=(0.1, 0.2)).can_be_asked()


@pytest.mark.parametrize("sorts", [{}, {"cup": 0}, {"cup": -1}, {"umbrella": 1}])
def test_bad_sorts_are_refused(sorts):
    with pytest.raises(ValidationError):
        Occluder(kind="occluder", sorts=sorts)


def test_sorts_come_as_often_as_they_weigh():
    damage, seen = Occluder(kind="occluder", sorts={"cup": 3, "hat": 1}), context(64, 64)
    sorts = [damage.sample(generator(seed), seen).sort for seed in range(200)]
    assert 125 < sorts.count("cup") < 175


# --- cut-outs of a pool -------------------------------------------------------------------------------------------


def cutout(path, height=40, width=80, color=(200, 30, 30), inset=4):
    """A rectangle with a transparent rim."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[inset : height - inset, inset : width - inset] = (*color, 255)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def pool(tmp_path):
    cutout(tmp_path / "things" / "glasses" / "red.png")
    cutout(tmp_path / "things" / "hand_01.png", 80, 40)
    cutout(tmp_path / "things" / "odd.png", 50, 50)
    return tmp_path / "things"


@pytest.mark.parametrize(
    ("name", "sort"),
    [
        ("glasses/a.png", "glasses"),
        ("Glasses/x/7.png", "glasses"),
        ("hand_01.png", "hand"),
        ("Hands-2.webp", "hand"),
        ("mic.png", "microphone"),
        ("scarves/b.png", "scarf"),
        ("cup3.png", "cup"),
        ("handle.png", "any"),
        ("umbrella/1.png", "any"),
    ],
)
def test_names_say_the_sort(name, sort):
    assert sort_of(name) == sort


def test_cut_outs_are_placed_by_their_sort(pool):
    seen = person(*PEOPLE[6])
    parameters = occluder("glasses", pool=str(pool)).sample(generator(1), seen)
    assert parameters.item == "glasses/red.png" and len(parameters.sha256) == 64
    mask = parameters.draw(seen.image).mask
    assert all(covered(mask, seen, eye) for eye in EYES) and not covered(mask, seen, MOUTH)


def test_parameters_hold_no_path_and_redraw(pool):
    seen = person(*PEOPLE[6])
    parameters = Occluder(kind="occluder", pool=str(pool)).sample(generator(2), seen)
    assert str(pool.parent) not in parameters.to_json()
    drawn = parameters.draw(seen.image), redraw("occluder", parameters.to_json(), seen.image)
    assert all(np.array_equal(one, other) for one, other in zip(*drawn, strict=True))


def test_only_cut_outs_of_unknown_sorts_need_no_face(pool):
    seen = replace(context(64, 64), faces=())
    assert occluder("glasses", pool=str(pool)).lacks(seen) == "face"
    damage = Occluder(kind="occluder", pool=str(pool))
    assert damage.lacks(seen) == ""
    assert {damage.sample(generator(seed), seen).sort for seed in range(10)} == {"any"}


def test_a_cut_out_without_transparency_is_passed_over_and_told_where_there_is_no_other(pool):
    Image.new("RGB", (50, 50)).save(pool / "cup.png")
    with pytest.raises(DamageFailed, match=r"'cup\.png' has no transparency"):
        occluder("cup", pool=str(pool)).sample(generator(1), context(64, 64))
    cutout(pool / "cup2.png")
    assert (
        occluder("cup", pool={"path": str(pool), "name": "more"}).sample(generator(1), context(64, 64)).item
        == "cup2.png"
    )


def test_a_corrupt_cut_out_is_passed_over(pool):
    (pool / "cup.png").write_bytes(b"\x89PNG\r\n\x1a\n rubbish")
    with pytest.raises(DamageFailed, match="no cut-out of the pool is of the asked sorts: cup"):
        occluder("cup", pool=str(pool)).sample(generator(1), context(64, 64))


def test_an_empty_pool_is_told(tmp_path):
    with pytest.raises(RecipeError, match="no usable picture"):
        Occluder(kind="occluder", pool=str(tmp_path)).sample(generator(1), context(64, 64))


def test_transparent_pixels_lend_no_colour(pool):
    """Cut-outs are white where they are transparent, more often than not."""
    path = pool / "glasses" / "red.png"
    pixels = np.array(Image.open(path))
    pixels[pixels[..., 3] == 0, :3] = 255
    Image.fromarray(pixels).save(path)
    seen = replace(context(256, 256), image=np.zeros((256, 256, 3), np.uint8))
    damaged, _, alpha = occluder("glasses", pool=str(pool), harmonise=0).sample(generator(1), seen).draw(seen.image)
    assert (damaged[alpha > 0][:, 1:] <= 60).all()
