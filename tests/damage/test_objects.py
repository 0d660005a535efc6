"""Holes in the shape of objects: over those of the picture, and at places by rules."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipelines.damage import Context, DamageFailed, mask_ratio
from pipelines.damage.base import ClassMap
from pipelines.damage.objects import Objects, salient
from pipelines.damage.pools import PoolRef
from pipelines.errors import RecipeError
from pipelines.seeds import generator
from tests.damage.contexts import context

CAR, PERSON, ROAD = 26, 24, 7


def street(size: int = 96) -> Context:
    """A picture whose segments show two cars, a person and the road."""
    labels = np.full((size, size), ROAD, np.uint8)
    labels[10:40, 5:45] = labels[10:40, 55:90] = CAR
    labels[50:90, 60:75] = PERSON
    image = np.full((size, size, 3), 90, np.uint8)
    return Context(size, size, None, image, (), {"segments": ClassMap(labels, "cityscapes")})


def labels(seen: Context) -> np.ndarray:
    return seen.maps["segments"].labels


def test_an_object_of_the_picture_is_covered_wholly_and_nothing_else() -> None:
    seen = street()
    sizes = set()
    for seed in range(20):
        drawn = Objects(kind="objects", over="picture").sample(generator(seed), seen)
        mask = drawn.rasterise(96, 96)
        number = {"car": CAR, "person": PERSON}[drawn.of[0]]
        assert set(labels(seen)[mask > 0]) == {number}
        sizes.add(int(np.count_nonzero(mask)))
    assert sizes == {30 * 40, 30 * 35, 40 * 15}


def test_a_dilated_hole_goes_beyond_the_object() -> None:
    drawn = Objects(kind="objects", over="picture", classes=("person",), dilation=0.05).sample(generator(1), street())
    assert drawn.box == (55, 45, 25, 50)


def test_only_classes_that_are_asked_for_are_taken() -> None:
    for seed in range(10):
        drawn = Objects(kind="objects", over="picture", classes=("car",), num_range=(2, 2)).sample(
            generator(seed), street()
        )
        assert drawn.of == ("car", "car")


def test_pictures_without_segments_or_without_objects_stand_aside() -> None:
    over = Objects(kind="objects", over="picture")
    empty = ClassMap(np.full((96, 96), ROAD, np.uint8), "cityscapes")
    assert over.lacks(Context(96, 96)) == "segments"
    assert over.lacks(Context(96, 96, maps={"segments": empty})) == "objects"
    assert over.lacks(street()) == ""
    assert Objects(kind="objects", over="picture", classes=("bus",)).lacks(street()) == "objects"


def test_only_over_the_picture_segments_are_wanted() -> None:
    assert Objects(kind="objects").wants() == frozenset()
    assert Objects(kind="objects", over="picture").wants() == {"segments"}
    assert Objects(kind="objects", keep_off_same_class=True).wants() == {"segments"}


def test_a_ratio_of_the_picture_s_own_objects_is_refused() -> None:
    with pytest.raises(ValueError, match="as large as they are"):
        Objects(kind="objects", over="picture", ratio_range=(0.1, 0.2))


def test_an_unknown_class_of_the_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="no label map has a class 'unicorn'"):
        Objects(kind="objects", over="picture", classes=("unicorn",))


def test_a_class_that_the_pool_has_not_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"pool 'silhouettes' has nothing of unicorn; its classes are bicycle, bird"):
        Objects(kind="objects", classes=("unicorn",)).sample(generator(1), context(64, 64))


def test_placed_shapes_cover_what_is_asked_and_lie_mostly_within() -> None:
    damage = Objects(kind="objects", area_range=(0.1, 0.2), max_outside=0.0)
    for seed in range(30):
        mask = damage.sample(generator(seed), context(128, 128)).rasterise(128, 128)
        assert 0.05 < mask_ratio(mask) < 0.22


def test_no_shape_lies_over_an_object_of_its_class() -> None:
    seen = street()
    damage = Objects(kind="objects", classes=("car", "person"), keep_off_same_class=True, area_range=(0.02, 0.1))
    for seed in range(30):
        drawn = damage.sample(generator(seed), seen)
        own = {"car": CAR, "person": PERSON}[drawn.of[0].partition("/")[0]]
        assert own not in labels(seen)[drawn.rasterise(96, 96) > 0]


@pytest.mark.parametrize("asked", [(0.0, 0.05), (0.4, 1.0)])
def test_the_share_over_salient_content_is_as_asked(asked: tuple[float, float]) -> None:
    seen = context(128, 128)
    where = salient(seen.image)
    damage = Objects(kind="objects", salient_range=asked, area_range=(0.02, 0.04))
    for seed in range(10):
        mask = damage.sample(generator(seed), seen).rasterise(128, 128)
        assert asked[0] <= np.count_nonzero(mask & where) / np.count_nonzero(mask) <= asked[1]


def test_a_lone_thing_is_salient_and_its_ground_is_not() -> None:
    image = np.full((200, 300, 3), 120, np.uint8)
    cv2.circle(image, (220, 60), 15, (250, 240, 10), cv2.FILLED)
    found = salient(image)
    assert found[60, 220] == 255
    assert 0 < np.count_nonzero(found) < 0.21 * found.size


def test_a_flat_picture_is_no_trouble() -> None:
    flat = Context(64, 64, None, np.full((64, 64, 3), 128, np.uint8))
    assert Objects(kind="objects").sample(generator(1), flat).rasterise(64, 64).any()


def test_what_cannot_be_placed_fails_and_says_what_to_widen() -> None:
    seen = Context(64, 64, None, np.full((64, 64, 3), 128, np.uint8))
    with pytest.raises(DamageFailed, match="placed 0 of 1 objects in 300 tries"):
        Objects(kind="objects", salient_range=(0.99, 1.0)).sample(generator(1), seen)


def test_shapes_come_from_a_folder_of_cut_outs(tmp_path: Path) -> None:
    cutout = np.zeros((40, 60, 4), np.uint8)
    cv2.ellipse(cutout, (30, 20), (28, 18), 0, 0, 360, (10, 20, 30, 255), cv2.FILLED)
    (tmp_path / "hat").mkdir()
    cv2.imwrite(str(tmp_path / "hat" / "a.png"), cutout)
    drawn = Objects(kind="objects", pool=PoolRef(path=str(tmp_path))).sample(generator(2), context(64, 64))
    assert drawn.of == ("hat/a.png",)


@pytest.mark.parametrize("size", [32, 4096])
def test_very_small_and_very_large_pictures(size: int) -> None:
    seen = Context(size, size, (0.2, 0.4), np.full((size, size, 3), 128, np.uint8))
    assert 0.2 < mask_ratio(Objects(kind="objects").sample(generator(1), seen).rasterise(size, size)) <= 0.4


def test_segments_of_another_size_are_fitted_to_the_picture() -> None:
    small = ClassMap(labels(street())[::2, ::2].copy(), "cityscapes")
    seen = Context(96, 96, maps={"segments": small})
    assert Objects(kind="objects", over="picture", classes=("person",)).sample(generator(1), seen).box == (
        60,
        50,
        16,
        40,
    )
