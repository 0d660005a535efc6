"""Masks from a pool: how holes are stored, and how a mask is cut, turned and widened."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipelines.damage import Context, mask_ratio
from pipelines.damage.mask_pool import MaskPool, PooledMask, white_is_hole
from pipelines.damage.pools import Drawn, Pool, PoolRef, item_of
from pipelines.errors import RecipeError
from pipelines.seeds import generator

AS_THEY_ARE = {"crop_range": (1, 1), "rotation_range": (0, 0), "mirror": False, "dilation_range": (0, 0)}


def disc(share: float, side: int = 64) -> np.ndarray:
    """A disc that covers a share of a square."""
    mask = np.zeros((side, side), np.uint8)
    return cv2.circle(mask, (side // 2, side // 2), round(side * (share / np.pi) ** 0.5), 255, cv2.FILLED)


def pool_of(folder: Path, masks: dict[str, np.ndarray]) -> PoolRef:
    for name, mask in masks.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), mask)
    return PoolRef(path=str(folder))


@pytest.mark.parametrize("white", [True, False])
def test_folders_named_by_ratios_tell_how_holes_are_stored(tmp_path: Path, white: bool) -> None:
    shares = {"50%-60%/a.png": 0.55, "60%-70%/b.png": 0.65, "0.7-0.8/c.png": 0.7}
    masks = {name: disc(share) if white else 255 - disc(share) for name, share in shares.items()}
    assert white_is_hole(pool_of(tmp_path / "masks", masks).open()) is white


@pytest.mark.parametrize("white", [True, False])
def test_without_such_names_holes_are_what_there_is_less_of(tmp_path: Path, white: bool) -> None:
    masks = {f"{number}.png": disc(share) if white else 255 - disc(share) for number, share in enumerate((0.1, 0.4))}
    assert white_is_hole(pool_of(tmp_path / "masks", masks).open()) is white


def test_numbered_masks_in_nvidia_s_six_bins_tell_by_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their test masks are mostly known pixels, but 12,000 are not written for this: only names and shares count."""
    pool = Pool("numbered", Drawn({}))
    items = tuple(f"mask/{number:05d}.png" for number in range(12_000))
    monkeypatch.setattr(type(pool), "items", items)
    for white in (True, False):
        holes = {item: 0.05 + 0.1 * (number // 2000) for number, item in enumerate(items)}
        monkeypatch.setattr(type(pool), "share_of", lambda _, item, w=white, h=holes: h[item] if w else 1 - h[item])
        assert white_is_hole.__wrapped__(pool) is white


def test_what_cannot_be_told_must_be_said(tmp_path: Path) -> None:
    half = np.zeros((64, 64), np.uint8)
    half[:32] = 255
    pool = pool_of(tmp_path / "halves", {"a.png": half, "b.png": half.T})
    with pytest.raises(RecipeError, match="pool 'halves', of which 50% is white: say `holes: white`"):
        MaskPool(kind="mask_pool", pool=pool).sample(generator(1), Context(64, 64))
    drawn = MaskPool(kind="mask_pool", pool=pool, holes="black", **AS_THEY_ARE).sample(generator(1), Context(64, 64))
    assert mask_ratio(drawn.rasterise(64, 64)) == 0.5


def test_a_mask_is_taken_as_it_is_where_the_recipe_says_so(tmp_path: Path) -> None:
    stored = disc(0.2)
    stored[3:9, 2:20] = 255
    pool = pool_of(tmp_path / "one", {"a.png": stored})
    drawn = MaskPool(kind="mask_pool", pool=pool, **AS_THEY_ARE).sample(generator(1), Context(64, 64))
    assert np.array_equal(drawn.rasterise(64, 64), stored)


def test_a_mask_is_cut_to_the_shape_of_the_picture_and_not_stretched(tmp_path: Path) -> None:
    pool = pool_of(tmp_path / "one", {"a.png": disc(0.3, 200)})
    drawn = MaskPool(kind="mask_pool", pool=pool, **AS_THEY_ARE).sample(generator(1), Context(50, 100))
    # Half as large: the disc's diameter of 124 is 62 pixels wide, and its middle is cut out.
    assert abs(int(drawn.rasterise(50, 100)[25].astype(bool).sum()) - 62) <= 12


def test_turned_and_mirrored_masks_show_the_same_things(tmp_path: Path) -> None:
    """A small disc is as large after turning; where it is differs."""
    stored = np.zeros((200, 200), np.uint8)
    cv2.circle(stored, (100, 100), 20, 255, cv2.FILLED)
    options = {"crop_range": (1, 1), "dilation_range": (0, 0)}
    damage = MaskPool(kind="mask_pool", pool=pool_of(tmp_path / "one", {"a.png": stored}), **options)
    matrices = set()
    for seed in range(20):
        drawn = damage.sample(generator(seed), Context(100, 100))
        scale = np.hypot(drawn.matrix[0], drawn.matrix[3]) / 4096
        pixels = np.count_nonzero(drawn.rasterise(100, 100))
        assert abs(pixels * scale**2 / np.count_nonzero(stored) - 1) < 0.1
        matrices.add(drawn.matrix)
    assert len(matrices) == 20


def test_widening_adds_so_many_pixels_on_every_side(tmp_path: Path) -> None:
    pool = pool_of(tmp_path / "one", {"a.png": disc(0.05)}).open()
    item = pool.items[0]
    matrix = (4096, 0, 0, 0, 4096, 0)
    plain, wide = (
        PooledMask(pool.name, item, pool.sha256_of(item), True, matrix, pixels).rasterise(64, 64) for pixels in (0, 5)
    )
    assert [b - a for a, b in zip(cv2.boundingRect(plain), cv2.boundingRect(wide), strict=True)] == [-5, -5, 10, 10]


def test_asked_bins_are_met_from_a_pool_that_has_few_of_them(tmp_path: Path) -> None:
    masks = {f"{share}.png": disc(share, 128) for share in (0.05, 0.15, 0.3, 0.45)}
    damage = MaskPool(kind="mask_pool", pool=pool_of(tmp_path / "few", masks), dilation_range=(0.0, 0.05))
    for asked in ((0.01, 0.1), (0.2, 0.3), (0.4, 0.5)):
        for seed in range(10):
            drawn = damage.sample(generator(seed), Context(96, 96, asked))
            assert asked[0] < mask_ratio(drawn.rasterise(96, 96)) <= asked[1]


def test_the_item_is_named_with_its_digest(tmp_path: Path) -> None:
    drawn = MaskPool(kind="mask_pool").sample(generator(1), Context(64, 64))
    assert item_of(drawn.pool, drawn.item, drawn.sha256).grey.shape == (512, 512)


@pytest.mark.parametrize("size", [32, 4096])
def test_very_small_and_very_large_pictures(size: int) -> None:
    drawn = MaskPool(kind="mask_pool", ratio_range=(0.2, 0.4)).sample(generator(1), Context(size, size))
    assert 0.2 < mask_ratio(drawn.rasterise(size, size)) <= 0.4
