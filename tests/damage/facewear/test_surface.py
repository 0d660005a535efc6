"""From a surface's points to its outline and to where its cloth lies."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.damage.facewear.surface import FULL, Place, laid, outline, refined


def rectangle(x: int, y: int, width: int, height: int) -> np.ndarray:
    """A flat surface of 5 x 5 points, all in pixels."""
    across, down = np.meshgrid(np.linspace(x, x + width, 5), np.linspace(y, y + height, 5))
    return np.rint(np.stack([across * 16, down * 16, np.full((5, 5), FULL)], axis=2)).astype(np.int32)


def test_refining_keeps_a_flat_surface_and_its_border() -> None:
    fine = refined(rectangle(10, 20, 64, 32))
    assert fine.shape == (9, 9, 3)
    assert np.array_equal(fine[::2, ::2][[0, -1]][:, [0, -1]], rectangle(10, 20, 64, 32)[[0, -1]][:, [0, -1]])
    assert (fine[..., 2] == FULL).all()


@pytest.mark.parametrize("place", [Place(0, 0, 100, 80), Place(5, 11, 90, 60)])
def test_an_outline_covers_its_area_wherever_its_rectangle_begins(place: Place) -> None:
    drawn = outline(rectangle(20, 20, 40, 30), place)
    assert drawn.shape == (place.height, place.width)
    assert drawn.sum() / 255 == pytest.approx(40 * 30, rel=0.03)
    assert drawn[35 - place.y, 40 - place.x] == 255


def test_what_is_turned_away_has_no_outline() -> None:
    assert not outline(rectangle(20, 20, 40, 30)[:, ::-1], Place(0, 0, 80, 60)).any()


def test_a_cloth_lies_as_its_surface_does() -> None:
    cloth = np.zeros((30, 40, 3), np.uint8)
    cloth[:, 20:] = 200
    cloth[15:, :, 1] = 100
    colours = laid(rectangle(20, 20, 40, 30), Place(0, 0, 80, 70), cloth, left_is_near=True)
    assert colours[25, 30].tolist() == [0, 0, 0]
    assert colours[25, 50].tolist() == [200, 200, 200]
    assert colours[45, 30].tolist() == [0, 100, 0]
    assert colours[60, 70].tolist() == [200, 100, 200]


@pytest.mark.parametrize("left_is_near", [True, False])
def test_of_what_lies_over_each_other_the_nearer_side_is_seen(left_is_near: bool) -> None:
    grid = rectangle(20, 20, 40, 30)
    # The last column of pieces goes on where the first one lies; both show their outer side.
    grid[:, 3, 0], grid[:, 4, 0] = 20 * 16, 30 * 16
    cloth = np.zeros((30, 40, 3), np.uint8)
    cloth[:, 20:] = 200
    shown = laid(grid, Place(0, 0, 80, 70), cloth, left_is_near=left_is_near)[35, 25, 0]
    assert (shown < 60) == left_is_near
