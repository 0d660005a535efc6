"""Damage to old prints: each looks like what it is called, in numbers."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from pipelines.damage import DAMAGES, Context, mask_ratio
from pipelines.damage.cracks import CrackLines
from pipelines.damage.dust import DustFlecks
from pipelines.damage.folds import FoldLines
from pipelines.damage.halftone import HalftoneArea
from pipelines.damage.prints import Area, AreaDamage, LineDamage
from pipelines.damage.scratches import ScratchLines
from pipelines.damage.stains import StainArea
from pipelines.damage.torn import TornArea
from pipelines.seeds import generator
from tests.damage.contexts import context

LINES = [kind for kind, family in DAMAGES.items() if issubclass(family, LineDamage) and "faces" not in family.looks_at]
AREAS = [kind for kind, family in DAMAGES.items() if issubclass(family, AreaDamage)]


def drawn(kind: str, seed: int, size: int = 256, **options: Any) -> Any:
    return DAMAGES[kind](kind=kind, **options).sample(generator(seed), Context(size, size))  # type: ignore[arg-type]


def grey(level: int, size: int = 256) -> np.ndarray:
    return np.full((size, size, 3), level, np.uint8)


@pytest.mark.parametrize("kind", LINES + AREAS)
@pytest.mark.parametrize(("height", "width"), [(32, 32), (32, 500), (2048, 2048)])
def test_smallest_and_large_pictures_are_damaged(kind: str, height: int, width: int) -> None:
    image = np.full((height, width, 3), 128, np.uint8)
    parameters = DAMAGES[kind](kind=kind).sample(generator(1), Context(height, width))  # type: ignore[call-arg]
    damaged, mask, alpha = parameters.draw(image)
    assert (damaged != image).any()
    assert (damaged[mask == 0] == 128).all()
    assert not alpha[mask == 0].any()


@pytest.mark.parametrize("kind", LINES + AREAS)
def test_damage_looks_alike_at_all_sizes(kind: str) -> None:
    small, large = (
        np.mean([mask_ratio(drawn(kind, seed, size).draw(grey(128, size)).mask) for seed in range(40)])
        for size in (192, 512)
    )
    # A fleck of dust that is smaller than a pixel, and its margin, still take whole ones.
    assert 0.6 < small / large < (2.6 if kind == "dust" else 1.7)


@pytest.mark.parametrize("kind", LINES + AREAS)
def test_nobody_sees_less_than_the_least_alpha(kind: str) -> None:
    for seed in range(10):
        alpha = drawn(kind, seed).draw(grey(128)).alpha
        assert alpha[alpha > 0].min() >= 8


@pytest.mark.parametrize("kind", LINES)
def test_a_wider_margin_widens_the_hole_only(kind: str) -> None:
    narrow, wide = (drawn(kind, 3, margin=margin).draw(grey(128)) for margin in (0.0, 0.02))
    assert np.array_equal(narrow.damaged, wide.damaged)
    assert mask_ratio(narrow.mask) < mask_ratio(wide.mask)


@pytest.mark.parametrize("kind", LINES)
def test_parameters_stay_small(kind: str) -> None:
    assert max(len(drawn(kind, seed, 512).to_json()) for seed in range(100)) < 8192


@pytest.mark.parametrize("kind", AREAS)
def test_an_area_covers_its_share(kind: str) -> None:
    for seed in range(10):
        area: Area = drawn(kind, seed, area_range=(0.05, 0.3))
        assert 0.05 <= area.share <= 0.3
        assert abs(mask_ratio(area.draw(grey(128)).mask) - area.share) < 0.003


@pytest.mark.parametrize("kind", LINES)
def test_lines_take_no_ratio(kind: str) -> None:
    with pytest.raises(ValidationError, match="takes no ratio_range"):
        DAMAGES[kind](kind=kind, ratio_range=(0.1, 0.2))


@pytest.mark.parametrize(("probability", "image"), [(0.0, 0), (1.0, 255)])
def test_scratches_are_light_or_dark(probability: float, image: int) -> None:
    for seed in range(10):
        damaged = drawn("scratches", seed, dark_probability=probability).draw(grey(image)).damaged
        assert abs(damaged.astype(int) - image).max() > 100


def test_scratches_are_thin_at_both_ends() -> None:
    parameters: ScratchLines = drawn("scratches", 1, num_range=(10, 10))
    assert all(max(widths[0], widths[-1]) < max(widths) for _, widths, _ in parameters.lines if len(widths) == 8)


def test_no_net_of_cracks_unless_there_is_one() -> None:
    branched: CrackLines = drawn("cracks", 1, net_probability=0)
    netted: CrackLines = drawn("cracks", 1, net_probability=1)
    assert (branched.cell, bool(branched.branches)) == (0, True)
    assert netted.cell


def test_a_net_of_cracks_stays_in_its_part_of_the_picture() -> None:
    ends = {"num_range": (1, 1), "net_probability": 1.0, "cell_range": (0.03, 0.03)}
    small, large = (
        np.mean([
            mask_ratio(CrackLines(**{**vars(drawn("cracks", seed, net_range=(s, s), **ends)), "branches": ()}).draw(
                grey(128)
            ).mask)
            for seed in range(10)
        ])
        for s in (0.1, 0.5)
    )  # fmt: skip
    assert 2.5 < large / small < 7


def test_branches_of_a_crack_begin_on_it_and_are_thinner() -> None:
    parameters: CrackLines = drawn("cracks", 4, num_range=(1, 1), net_probability=0)
    trunk, *branches = parameters.branches
    taken = [point for points, _, _ in parameters.branches for point in points]
    assert branches
    assert all(taken.count(points[0]) > 1 for points, _, _ in branches)
    assert all(np.mean(widths) < np.mean(trunk[1]) for _, widths, _ in branches)


def test_a_fold_is_light_on_one_side_and_dark_on_the_other() -> None:
    for band in (160, -160):
        fold = FoldLines(
            creases=((((2048, -16), (2048, 4112)), (16,), band, 160),), color=(240, 240, 240), seed=1, wear=0
        )
        damaged = fold.draw(grey(128)).damaged.astype(int).mean(axis=(0, 2))
        left, right = damaged[118:125].mean(), damaged[132:139].mean()
        assert (left - 128) * np.sign(band) < -5 < 5 < (right - 128) * np.sign(band)


def test_a_worn_fold_shows_paper() -> None:
    crease = ((((2048, -16), (2048, 4112)), (48,), 160, 160),)
    shown = [
        (FoldLines(creases=crease, color=(255, 255, 255), seed=1, wear=wear).draw(grey(0)).damaged > 250).sum()
        for wear in (0, 150, 300)
    ]
    assert shown[0] < shown[1] < shown[2]


def test_dust_is_light_and_dark_as_asked() -> None:
    light: DustFlecks = drawn("dust", 1, dark_probability=0)
    dark: DustFlecks = drawn("dust", 1, dark_probability=1)
    assert not light.dark_specks and not light.dark_hairs
    assert (light.draw(grey(128)).damaged >= 128).all()
    assert (dark.draw(grey(128)).damaged <= 128).all()


def test_specks_lie_where_they_are_said_to() -> None:
    dust = DustFlecks(light_specks=((1600, 800, 64, 255), (3200, 3200, 64, 255)), seed=1)
    rows, columns = np.nonzero(dust.draw(grey(0)).alpha)
    near = np.minimum(np.hypot(columns - 100, rows - 50), np.hypot(columns - 200, rows - 200))
    assert near.max() < 4 * 3.2
    assert dust.draw(grey(0)).alpha[50, 100] == 255


def test_a_stain_is_darkest_at_its_rim() -> None:
    stain = StainArea(
        seed=1, share=0.3, pools=((0, 0, 1200, 100),), color=(80, 60, 40), strength=60, rim=160, tides=0
    )  # fmt: skip
    alpha, height = stain.draw(grey(255)).alpha, stain.inside(256, 256)
    assert alpha[(height > 60) & (height < 110)].mean() > 1.4 * alpha[height > 500].mean()


def test_pools_lie_where_they_are_said_to() -> None:
    stain = StainArea(
        seed=1, share=0.05, pools=((1024, -1024, 400, 100),), color=(80, 60, 40), strength=60, rim=160, tides=0
    )  # fmt: skip
    rows, columns = np.nonzero(stain.draw(grey(255)).mask)
    assert abs(columns.mean() - 192) < 20
    assert abs(rows.mean() - 64) < 20


def test_a_torn_corner_shows_paper_before_the_ground() -> None:
    torn = TornArea(
        seed=2, share=0.2, tears=((-2048, -2048, 785, 0),), fringe=200, paper=(255, 255, 255), ground=(0, 0, 200)
    )  # fmt: skip
    damaged, mask, alpha = torn.draw(grey(128))
    assert mask[0, 0] == 255 and not mask[128:, 128:].any()
    assert np.array_equal(damaged[0, 0], (0, 0, 200))
    inside = torn.inside(256, 256)
    fringe = damaged[(inside > 40) & (inside < 60)].astype(int)
    assert (fringe[:, 0] > 150).mean() > 0.5
    assert (alpha[inside > 32] == 255).all()


def test_mould_is_thickest_in_the_middle_of_its_spots() -> None:
    parameters = drawn("mould", 1)
    alpha, height = parameters.draw(grey(255)).alpha, parameters.inside(256, 256)
    assert alpha[height > 1200].mean() > 2 * alpha[(height > 0) & (height < 200)].mean()


def halftone(**options: Any) -> HalftoneArea:
    whole = {"x": 0, "y": 0, "turn": 0, "across": 2048, "down": 2048, "angle": 0, "opacity": 255, "is_color": False}
    return HalftoneArea(
        **{"seed": 1, "share": 0.5, "period": 128, "paper": (255, 255, 255), "ink": (0, 0, 0), **whole, **options}
    )


def test_darker_tones_give_larger_dots() -> None:
    inside = halftone().inside(256, 256) > 64
    inks = [(halftone().draw(grey(level)).damaged[inside] < 128).mean() for level in (230, 180, 128, 80, 30)]
    assert all(after > before + 0.05 for before, after in itertools.pairwise(inks))
    assert abs(inks[2] - 0.5) < 0.05


def test_dots_repeat_with_their_period() -> None:
    damaged = halftone(angle=-785).draw(grey(128)).damaged[100:156, 100:156, 0].astype(int)
    assert abs(damaged[:, 8:] - damaged[:, :-8]).mean() < 0.3 * abs(damaged[:, 4:] - damaged[:, :-4]).mean()


def test_a_print_in_colour_keeps_hues() -> None:
    image = np.broadcast_to(np.array([200, 90, 40], np.uint8), (256, 256, 3)).copy()
    inside = halftone().inside(256, 256) > 64
    red, green, blue = halftone(is_color=True).draw(image).damaged[inside].mean(axis=0)
    assert red > green > blue


def test_area_ranges_hold_without_a_ratio() -> None:
    ratios = [mask_ratio(drawn("torn", seed).draw(context(256, 256).image).mask) for seed in range(30)]
    assert 0.02 < min(ratios) < max(ratios) < 0.26
