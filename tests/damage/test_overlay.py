from __future__ import annotations

import numpy as np
import pytest

from pipelines.damage.overlay import Layer, blend, lay_over, widened
from pipelines.seeds import generator


def noise(*shape: int) -> np.ndarray:
    return generator("overlay", shape).integers(0, 256, shape, dtype=np.uint8)


def test_blending_is_the_nearest_whole_number_for_every_alpha():
    alpha = np.tile(np.arange(256, dtype=np.uint8), (40, 1))
    under, over = noise(40, 256, 3), noise(41, 256, 3)[:40]
    share = alpha[..., None].astype(np.float64) / 255
    assert np.array_equal(blend(under, over, alpha), np.rint(under * (1 - share) + over * share))


@pytest.mark.parametrize(("alpha", "chosen"), [(0, 0), (255, 1)])
def test_alpha_of_nothing_or_all_gives_one_picture_to_the_bit(alpha, chosen):
    pictures = noise(8, 9, 3), noise(9, 9, 3)[:8]
    assert np.array_equal(blend(*pictures, np.full((8, 9), alpha, np.uint8)), pictures[chosen])


def test_only_the_rectangle_of_the_layer_changes():
    image = noise(30, 40, 3)
    layer = Layer(5, 7, 255 - image[7:17, 5:25], np.full((10, 20), 200, np.uint8))
    damaged, mask, alpha = lay_over(image, layer)
    damaged[7:17, 5:25] = image[7:17, 5:25]
    assert np.array_equal(damaged, image)
    assert np.count_nonzero(mask) == np.count_nonzero(alpha == 200) == 200


def test_the_margin_is_a_disc_in_pixels():
    alpha = np.zeros((21, 21), np.uint8)
    alpha[10, 10] = 1  # the least that covers counts
    rows, columns = np.nonzero(widened(alpha, 4))
    assert np.hypot(rows - 10, columns - 10).max() < 5
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (6, 14, 6, 14)
