from __future__ import annotations

import pytest

from pipelines.damage.facewear.patterns import PRINTS
from pipelines.seeds import generator


@pytest.mark.parametrize("name", PRINTS)
def test_every_print_has_more_than_one_colour(name: str) -> None:
    printed = PRINTS[name](generator(1), 90, 140, ((250, 0, 0), (0, 250, 0), (0, 0, 250)))
    assert printed.shape == (90, 140, 3)
    shares = [(printed[..., channel] > 200).mean() for channel in (0, 1)]
    assert min(shares) > 0.02
