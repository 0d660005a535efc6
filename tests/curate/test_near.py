"""Planted copies of real photographs are found, and different photographs are not."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.curate.fingerprints import SIDE, VIEWS, fingerprint
from pipelines.curate.near import Duplicates, edges
from pipelines.curate.search import Here
from pipelines.curate.splits import components
from pipelines.seeds import generator
from tests.copies import COPIES
from tests.photographs import FACES, NO_FACES, photograph

PHOTOGRAPHS = [where for where in (*FACES, *NO_FACES) if "mask_" not in where[1]]

FOUND = {"watermark": 0.85}
"""Least share of copies that is found, by kind; 0.9 for the others."""


def prints(pictures: list[np.ndarray]) -> list[dict[str, bytes]]:
    return [fingerprint(np.ascontiguousarray(picture)) for picture in pictures]


def groups(found: list[dict[str, bytes]], **options: object) -> np.ndarray:
    hashes = np.frombuffer(b"".join(each["hashes"] for each in found), np.uint64).reshape(-1, len(VIEWS))
    pixels = np.array([each["pixels"] for each in found], "V16")
    thumbnails = np.frombuffer(b"".join(each["thumbnail"] for each in found), np.uint8).reshape(-1, SIDE, SIDE)
    pairs = edges(hashes, pixels, Duplicates(**options), Here(lambda wanted: thumbnails[wanted]))  # type: ignore[arg-type]
    return components(len(found), pairs)


@pytest.fixture(scope="module")
def originals() -> list[dict[str, bytes]]:
    return prints([photograph(where) for where in PHOTOGRAPHS])


def test_different_photographs_are_no_duplicates(originals):
    assert len(set(groups(originals).tolist())) == len(originals)


@pytest.mark.parametrize("kind", COPIES)
def test_planted_copies_are_found(originals, kind):
    number = len(originals)
    together = groups(originals + prints([COPIES[kind](photograph(where)) for where in PHOTOGRAPHS]))
    found = np.mean(together[:number] == together[number:])
    assert found >= FOUND.get(kind, 0.9)
    # No photograph is drawn to the copy of another one.
    assert len(set(together.tolist())) == number + round((1 - found) * number)


def test_the_order_of_pictures_decides_nothing(originals):
    pictures = originals + prints([COPIES["cropped 5 %, corner"](photograph(where)) for where in PHOTOGRAPHS])
    order = generator("order").permutation(len(pictures))
    before, after = groups(pictures), groups([pictures[place] for place in order])
    same = before[order][:, None] == before[order][None]
    assert np.array_equal(same, after[:, None] == after[None])


def test_mirrored_copies_are_found_only_if_asked(originals):
    copies = prints([photograph(where)[:, ::-1] for where in PHOTOGRAPHS[:5]])
    assert len(set(groups(originals[:5] + copies, mirrored=False).tolist())) == 10
    assert len(set(groups(originals[:5] + copies).tolist())) == 5


def test_constant_pictures_are_kept_apart_unless_their_pixels_are_equal():
    flat = [np.full((64 + shade, 64, 3), shade, np.uint8) for shade in range(30)]
    assert len(set(groups(prints(flat)).tolist())) == 30
    assert len(set(groups(prints([flat[0], flat[0].copy()])).tolist())) == 1


def test_many_different_pictures_of_one_hash_are_all_compared():
    # Equal hashes, made so by hand; the thumbnails tell who is whose copy.
    found = prints([photograph(where) for where in PHOTOGRAPHS[:6]])
    twins = [each | {"hashes": found[0]["hashes"]} for each in [*found, *found]]
    for place, twin in enumerate(twins):
        twin["pixels"] = place.to_bytes(16, "little")
    together = groups(twins)
    assert together[:6].tolist() == together[6:].tolist() == list(range(6))
