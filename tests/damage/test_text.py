from __future__ import annotations

import numpy as np

from pipelines.damage import DAMAGES, mask_ratio
from pipelines.damage.lettering import shapes_of
from pipelines.seeds import generator
from tests.damage.contexts import context


def sampled(number: int, size: int = 256, **options):
    damage = DAMAGES["text"](kind="text", **options)
    return [damage.sample(generator(seed, "text"), context(size, size)) for seed in range(number)]


def test_text_lies_within_the_picture():
    for parameters in sampled(60):
        for block in parameters.blocks:
            points = np.concatenate([p for shape in shapes_of(block.places, parameters.glyphs) for p, _ in shape]) / 16
            assert points.min() > -2
            assert points.max() < 258


def test_there_are_as_many_texts_as_asked():
    assert {len(one.texts) for one in sampled(20, num_range=(2, 2))} == {2}


def test_text_is_as_high_as_asked():
    for one in sampled(30, size_range=(0.1, 0.1), num_lines_range=(1, 3)):
        ems = [np.hypot(x, y) / 16 for block in one.blocks for _, _, _, x, y in block.places]
        assert max(ems) < 26.6


def test_letters_stand_level_where_nothing_is_turned_or_bent():
    for one in sampled(20, turned_probability=0, curved_probability=0):
        assert {y for block in one.blocks for *_, y in block.places} == {0}


def test_letters_of_a_turned_text_share_its_turn():
    angles = [
        np.degrees(np.arctan2(block.places[0][4], block.places[0][3]))
        for one in sampled(60, turned_probability=1, curved_probability=0, max_turn=20)
        for block in one.blocks
    ]
    assert max(np.abs(angles)) < 21
    assert np.std(angles) > 5


def test_opaque_text_hides_what_it_covers():
    for one in sampled(10, opacity_range=(1.0, 1.0)):
        assert one.draw(context(256, 256).image).alpha.max() == 255


def test_text_stands_out_from_the_picture():
    for level in (20, 235):
        image = np.full((128, 128, 3), level, np.uint8)
        from pipelines.damage import Context

        for seed in range(20):
            damaged = (
                DAMAGES["text"](kind="text").sample(generator(seed), Context(128, 128, None, image)).draw(image).damaged
            )
            assert np.abs(damaged.astype(int) - level).max() > 60


def test_text_looks_alike_at_all_sizes():
    small, large = (
        np.mean([mask_ratio(one.draw(context(size, size).image).mask) for one in sampled(40, size)])
        for size in (192, 512)
    )
    assert 0.7 < small / large < 1.5
