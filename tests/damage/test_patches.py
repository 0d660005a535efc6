"""What is particular to patches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from pipelines.damage import Patches, redraw
from pipelines.damage.textures import TEXTURES, Texture, textured
from pipelines.seeds import generator
from tests.damage.contexts import context


def patches(**options) -> Patches:
    return Patches(kind="patches", **options)


def shares(damage: Patches, count: int = 40) -> list[float]:
    seen = context(96, 96)
    return [(damage.sample(generator(seed), seen).draw(seen.image).mask > 0).mean() for seed in range(count)]


def test_without_a_ratio_the_area_range_holds():
    assert all(0.1 < share <= 0.2 for share in shares(patches(area_range=(0.1, 0.2))))


def test_so_many_patches_as_asked():
    seen = context(64, 64)
    counts = {len(patches(num_range=(2, 4)).sample(generator(seed), seen).patches) for seed in range(40)}
    assert counts == {2, 3, 4}


def test_one_polygon_has_few_corners_and_an_ellipse_is_smooth():
    seen = context(64, 64)
    for shapes, corners in ((("polygon",), range(3, 9)), (("ellipse",), [40])):
        found = patches(shapes=shapes).sample(generator(1), seen).patches
        assert all(len(patch[0]) in corners for patch in found)


def test_an_ellipse_is_convex_and_a_blob_seldom_is():
    import cv2

    seen = context(128, 128)
    filled = {}
    for shape in ("ellipse", "blob"):
        ratios = []
        for seed in range(30):
            outline = np.array(patches(shapes=[shape], num_range=(1, 1)).sample(generator(seed), seen).patches[0][0])
            area = cv2.contourArea(outline.astype(np.float32))
            ratios.append(area / cv2.contourArea(cv2.convexHull(outline.astype(np.float32))))
        filled[shape] = ratios
    assert min(filled["ellipse"]) > 0.995
    assert np.median(filled["blob"]) < 0.97


@pytest.mark.parametrize("kind", sorted(TEXTURES))
def test_textures_show_both_colours_and_their_seed(kind):
    colors = (10, 20, 200), (220, 180, 30)
    one, again, other = (textured(Texture(kind, seed, 9.0, 400, colors), 60, 80) for seed in (1, 1, 2))
    assert one.shape == (60, 80, 3) and np.array_equal(one, again)
    assert not np.array_equal(one, other)
    if kind != "plain":
        assert np.ptp(one[..., 0]) > 60


def test_stripes_are_as_wide_as_said():
    picture = textured(Texture("stripes", 1, 20.0, 0, ((0, 0, 0), (255, 255, 255))), 1, 200)[0, :, 0] > 127
    assert np.count_nonzero(np.diff(picture.astype(int))) == 20


def test_the_picture_s_light_is_matched():
    dark = replace(context(96, 96), image=np.full((96, 96, 3), 30, np.uint8))
    light = replace(context(96, 96), image=np.full((96, 96, 3), 220, np.uint8))
    means = []
    for seen in (dark, light):
        drawn = [patches(harmonise=1).sample(generator(seed), seen).draw(seen.image) for seed in range(20)]
        means.append(np.mean([one.damaged[one.alpha == 255].mean() for one in drawn]))
    assert means[1] > means[0] + 40


def test_a_grey_picture_gets_grey_patches():
    seen = replace(context(96, 96), image=np.repeat(context(96, 96).image[..., :1], 3, axis=2))
    damaged = patches().sample(generator(1), seen).draw(seen.image).damaged.astype(int)
    assert (damaged.max(axis=2) - damaged.min(axis=2)).max() <= 2


def test_alpha_is_that_of_the_shapes():
    seen = context(96, 96)
    work = patches().sample(generator(2), seen)
    assert np.array_equal(work.draw(seen.image).alpha, work.rasterise(96, 96))


def test_parts_of_a_pool_s_pictures_are_taken(tmp_path):
    # Green, which no texture is drawn in by chance.
    Image.new("RGB", (60, 40), (0, 255, 0)).save(tmp_path / "green.png")
    seen = context(96, 96)
    work = patches(pool=str(tmp_path), pool_probability=1, raised_probability=0, harmonise=0).sample(generator(1), seen)
    damaged, _, alpha = drawn = work.draw(seen.image)
    assert (damaged[alpha == 255] == (0, 255, 0)).all()
    assert str(tmp_path) not in work.to_json()
    again = redraw("patches", work.to_json(), seen.image)
    assert all(np.array_equal(one, other) for one, other in zip(drawn, again, strict=True))


def test_a_changed_picture_of_a_pool_is_noticed(tmp_path):
    from pipelines.errors import MenderyError

    Image.new("RGB", (60, 40), (0, 255, 0)).save(tmp_path / "green.png")
    work = patches(pool={"path": str(tmp_path), "name": "greens"}, pool_probability=1).sample(
        generator(1), context(64, 64)
    )
    wrong = work.to_json().replace(work.patches[0][4], "0" * 64)
    with pytest.raises(MenderyError, match="expected"):
        redraw("patches", wrong, context(64, 64).image)


@pytest.mark.parametrize("options", [{"shapes": []}, {"textures": ["fur"]}, {"num_range": (0, 2)}, {"harmonise": 2}])
def test_bad_settings_are_refused(options):
    with pytest.raises(ValidationError):
        patches(**options)
