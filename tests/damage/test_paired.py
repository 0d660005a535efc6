from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from pipelines.damage import Context, DamageFailed, Paired, mask_ratio
from pipelines.seeds import generator
from tests.damage.contexts import context

PAIRED = Paired(kind="paired")


def drawn(seen: Context) -> tuple[np.ndarray, np.ndarray]:
    damaged, mask, _ = PAIRED.sample(generator(1), seen).draw(seen.image)
    return damaged, mask


def test_the_hole_is_what_lies_over_the_original() -> None:
    seen = context(256, 256)
    disc = cv2.circle(np.zeros((256, 256), np.uint8), (128, 170), 51, 255, cv2.FILLED)
    _, mask = drawn(seen)
    assert not (disc & ~mask).any()
    assert mask_ratio(mask & ~disc) < 0.03


def test_damaged_is_the_covered_picture_inside() -> None:
    seen = context(256, 256)
    damaged, mask = drawn(seen)
    assert np.array_equal(damaged[mask > 0], seen.covered[mask > 0])


def test_a_picture_without_a_pair_lacks_one() -> None:
    assert PAIRED.lacks(dataclasses.replace(context(64, 64), covered=None)) == "pair"
    assert PAIRED.lacks(context(64, 64)) == ""


@pytest.mark.parametrize("change", [lambda image: image, lambda image: 255 - image], ids=["equal", "another"])
def test_what_is_no_pair_fails_with_its_share(change) -> None:
    seen = context(128, 128)
    with pytest.raises(DamageFailed, match=r"differ in \d"):
        PAIRED.sample(generator(1), dataclasses.replace(seen, covered=change(seen.image)))


def test_specks_of_compression_are_no_hole() -> None:
    seen = context(256, 256)
    lossy = cv2.imdecode(cv2.imencode(".jpg", seen.covered, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR)
    clean, compressed = drawn(seen)[1], drawn(dataclasses.replace(seen, covered=lossy))[1]
    assert mask_ratio(clean ^ compressed) < 0.02
