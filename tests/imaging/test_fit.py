import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from pipelines.imaging.decode import decode, inspect
from pipelines.imaging.encode import encode_image
from pipelines.imaging.fit import Fit, decode_side, fit


def picture(width, height, dot=None):
    pixels = np.zeros((height, width, 3), np.uint8)
    if dot:
        cv2.circle(pixels, dot, 6, (255, 255, 255), -1)
    return pixels


def centroid(pixels):
    """Centre of brightness, where a picture reaches from 0 to its width."""
    weights = pixels[..., 0].astype(float)
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    return ((x + 0.5) * weights).sum() / weights.sum(), ((y + 0.5) * weights).sum() / weights.sum()


def rng(seed=0):
    return np.random.default_rng(seed)


MODES = [
    Fit(size=128),
    Fit(size=128, crop_range=(0.6, 0.6)),
    Fit(size=128, crop_range=(0.8, 0.9), position="random"),
    Fit(size=128, fit="letterbox"),
    Fit(size=128, fit="exact"),
]


@pytest.mark.parametrize("options", MODES, ids=lambda o: f"{o.fit}-{o.crop_range[0]}-{o.position}")
@pytest.mark.parametrize("min_side", [0, 1, 128, 160], ids=lambda side: f"from{side}")
@pytest.mark.parametrize("size", [(611, 417), (300, 520), (90, 70)], ids=str)
def test_matrix_leads_from_the_original_to_the_fitted_picture(options, min_side, size):
    spot = (size[0] // 2 + 7, size[1] // 2 - 5)
    original = picture(*size, dot=spot)
    data = encode_image(original, Fit())
    decoded, scale = decode(data, inspect(data, max_pixels=10**6), min_side=min_side)
    fitted, (a, b, c, d, e, f) = fit(decoded, scale, options, rng())
    x, y = spot[0] + 0.5, spot[1] + 0.5
    assert np.allclose(centroid(fitted), (a * x + b * y + c, d * x + e * y + f), atol=1)


@pytest.mark.parametrize("options", MODES, ids=lambda o: f"{o.fit}-{o.crop_range[0]}-{o.position}")
@pytest.mark.parametrize("size", [(128, 128), (1, 1), (7, 500), (129, 128), (1000, 300)], ids=str)
def test_result_is_a_contiguous_square(options, size):
    fitted, _ = fit(picture(*size), 1.0, options, rng())
    assert fitted.shape == (128, 128, 3)
    assert fitted.dtype == np.uint8
    assert fitted.flags.c_contiguous


def test_crop_of_the_asked_size_is_not_resampled():
    pixels = rng().integers(0, 256, (128, 200, 3), np.uint8)
    fitted, _ = fit(pixels, 1.0, Fit(size=128), rng())
    assert np.array_equal(fitted, pixels[:, 36:164])


def test_picture_is_not_changed():
    pixels = rng().integers(0, 256, (140, 200, 3), np.uint8)
    before = pixels.copy()
    for options in MODES:
        fit(pixels, 1.0, options, rng())
    assert np.array_equal(pixels, before)


RANDOM = Fit(size=64, position="random", crop_range=(0.3, 0.9), crops_per_image=3)


def test_random_crops_repeat_by_seed():
    assert fit(picture(300, 200), 1.0, RANDOM, rng(5))[1] == fit(picture(300, 200), 1.0, RANDOM, rng(5))[1]


def test_random_crops_of_one_generator_differ():
    generator = rng()
    assert len({fit(picture(300, 200), 1.0, RANDOM, generator)[1] for _ in range(20)}) == 20


def test_random_crops_reach_every_edge():
    generator = rng()
    matrices = [fit(picture(80, 70), 1.0, Fit(size=64, position="random"), generator)[1] for _ in range(200)]
    lefts = {round(-c / a) for a, _, c, _, _, _ in matrices}
    assert lefts == set(range(11))


def test_centre_crop_needs_no_randomness():
    generator = rng()
    fit(picture(300, 200), 1.0, Fit(), generator)
    assert generator.integers(1000) == rng().integers(1000)


def test_crop_is_never_enlarged_when_the_picture_has_the_pixels():
    generator = rng()
    options = Fit(size=128, crop_range=(0.1, 1.0), position="random")
    assert max(fit(picture(300, 140), 1.0, options, generator)[1][0] for _ in range(50)) <= 1


def test_small_picture_is_cut_at_its_shorter_side():
    assert fit(picture(90, 50), 1.0, Fit(size=100, crop_range=(0.5, 0.5)), rng())[1][0] == 2.0


def test_letterbox_centres_over_the_background():
    fitted, _ = fit(
        np.full((50, 100, 3), 200, np.uint8), 1.0, Fit(size=100, fit="letterbox", background=(1, 2, 3)), rng()
    )
    assert (fitted[:25] == (1, 2, 3)).all()
    assert (fitted[25:75] == 200).all()
    assert (fitted[75:] == (1, 2, 3)).all()


def test_exact_keeps_the_corners():
    pixels = np.zeros((100, 300, 3), np.uint8)
    pixels[50:, 150:] = 255
    fitted, _ = fit(pixels, 1.0, Fit(size=64, fit="exact"), rng())
    assert fitted[-1, -1].min() == 255
    assert fitted[0, 0].max() == fitted[-1, 0].max() == fitted[0, -1].max() == 0


def test_enlarging_stays_within_range():
    fitted, _ = fit((rng().integers(0, 2, (40, 40, 3)) * 255).astype(np.uint8), 1.0, Fit(size=100), rng())
    assert fitted.min() == 0
    assert fitted.max() == 255


def test_decode_side_leaves_the_smallest_crop_its_pixels():
    assert decode_side(Fit(size=100, crop_range=(0.3, 1.0))) == 334


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"crop_range": (0.0, 1.0)}, "0 < low <= high <= 1"),
        ({"crop_range": (0.9, 0.5)}, "0 < low <= high <= 1"),
        ({"crops_per_image": 2}, "add position: random"),
        ({"fit": "letterbox", "crop_range": (0.5, 1.0)}, "crop_range has no effect with fit: letterbox"),
        ({"fit": "exact", "position": "random"}, "position has no effect with fit: exact"),
        ({"fit": "exact", "crops_per_image": 2}, "crops_per_image has no effect"),
        ({"background": (9, 9, 9)}, "background has no effect with fit: crop"),
        ({"format": "png", "quality": 80}, "quality has no effect with format: png"),
        ({"format": "webp", "subsampling": "420"}, "subsampling has no effect with format: webp"),
        ({"background": (0, 0, 256), "fit": "letterbox"}, "less than or equal to 255"),
        ({"size": 63}, "greater than or equal to 64"),
        ({"sise": 256}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings, words):
    with pytest.raises(ValidationError, match=words):
        Fit(**settings)


def test_resolved_settings_are_accepted_again():
    for options in MODES:
        assert Fit(**options.model_dump()) == options


def test_every_setting_is_described():
    assert all(field.description for field in Fit.model_fields.values())
