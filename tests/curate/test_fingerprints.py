from __future__ import annotations

import numpy as np
import pytest

from pipelines.curate.fingerprints import SIDE, VIEWS, fingerprint, likeness, mirrored
from tests.copies import COPIES, cropped
from tests.photographs import ASTRONAUT, NO_FACES, photograph


def hashes(picture: np.ndarray) -> np.ndarray:
    return np.frombuffer(fingerprint(np.ascontiguousarray(picture))["hashes"], np.uint64)


def thumbnail(picture: np.ndarray) -> np.ndarray:
    data = fingerprint(np.ascontiguousarray(picture))["thumbnail"]
    return np.frombuffer(data, np.uint8).reshape(1, SIDE, SIDE)


def test_the_hash_of_the_mirrored_picture_follows_from_the_hash():
    picture = photograph(ASTRONAUT)
    apart = np.bitwise_count(mirrored(hashes(picture)[0]) ^ hashes(picture[:, ::-1])[0])
    assert apart <= 1
    assert np.bitwise_count(hashes(picture)[0] ^ hashes(picture[:, ::-1])[0]) > 12


@pytest.mark.parametrize(("view", "left", "top"), [("middle", 0.5, 0.5), ("lower right", 1, 1), ("upper right", 1, 0)])
def test_a_crop_is_a_view_of_the_whole(view, left, top):
    picture = photograph(ASTRONAUT)
    seen = hashes(picture)[list(VIEWS).index(view)]
    assert np.bitwise_count(seen ^ hashes(cropped(picture, left, top))[0]) <= 4
    assert likeness(thumbnail(cropped(picture, left, top)), thumbnail(picture), view, False)[0] > 0.97


def test_the_lowest_bit_is_free_for_marks():
    assert not (hashes(photograph(ASTRONAUT)) & np.uint64(1)).any()


def test_equal_pixels_have_equal_digests_and_other_shapes_have_not():
    picture = photograph(ASTRONAUT)
    assert fingerprint(picture.copy())["pixels"] == fingerprint(picture)["pixels"]
    assert fingerprint(picture.reshape(256, 1024, 3))["pixels"] != fingerprint(picture)["pixels"]


@pytest.mark.parametrize("kind", COPIES)
def test_copies_look_alike_and_other_pictures_do_not(kind):
    picture, other = photograph(ASTRONAUT), photograph(NO_FACES[2])
    copy = thumbnail(COPIES[kind](picture))
    like = max(likeness(copy, thumbnail(picture), view, flip)[0] for view in VIEWS for flip in (False, True))
    unlike = max(likeness(copy, thumbnail(other), view, flip)[0] for view in VIEWS for flip in (False, True))
    assert like > 0.9 > 0.6 > unlike


def test_constant_pictures_are_like_nothing():
    flat = thumbnail(np.full((64, 64, 3), 90, np.uint8))
    assert likeness(flat, flat, "whole", False)[0] < 0.1


@pytest.mark.parametrize("shape", [(1, 1), (3, 2000), (2000, 3)])
def test_any_shape_has_a_fingerprint(shape):
    found = fingerprint(np.zeros((*shape, 3), np.uint8))
    assert (len(found["hashes"]), len(found["thumbnail"]), len(found["pixels"])) == (8 * len(VIEWS), SIDE * SIDE, 16)
