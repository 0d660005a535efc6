"""Letters over a picture: exact alpha, a hole that holds outline and shadow, and no font needed to draw them again."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from pipelines.damage import DAMAGES, fonts, lettering, redraw, typesetting
from pipelines.damage.lettering import Band, Block, Lettering, Shadow
from pipelines.damage.overlay import blend
from pipelines.damage.typesetting import Setting, set_lines
from pipelines.errors import RecipeError
from pipelines.seeds import generator
from tests.damage.contexts import context

KINDS = ("text", "caption", "watermark")
every = pytest.mark.parametrize("kind", KINDS)
FACE = fonts.typefaces((), {})[3]


def word(**options) -> Lettering:
    """A word in the middle of 200 x 200 pixels."""
    kind = set_lines(FACE, ["Noon"], Setting(60.0, angle=options.pop("angle", 0.0))).moved(100, 110)
    return Lettering(texts=(), fonts=(), glyphs=kind.glyphs, blocks=(Block(kind.places, (250, 40, 10), **options),))


def grey(level: int = 128) -> np.ndarray:
    return np.full((200, 200, 3), level, np.uint8)


@every
def test_drawing_again_needs_no_font(kind, monkeypatch):
    seen = context(256, 256)
    parameters = [DAMAGES[kind](kind=kind).sample(generator(seed), seen) for seed in range(10)]

    def gone(*_):
        raise RecipeError("no fonts here")

    monkeypatch.setattr(typesetting, "typefaces", gone)
    monkeypatch.setattr(fonts, "_opened", gone)
    for one in parameters:
        again = redraw(kind, one.to_json(), seen.image)
        assert all(np.array_equal(a, b) for a, b in zip(one.draw(seen.image), again, strict=True))


@every
def test_parameters_stay_small_and_name_no_path(kind):
    for seed in range(100):
        told = DAMAGES[kind](kind=kind).sample(generator(seed), context(256, 256)).to_json()
        assert len(told) < 16384
        assert "site-packages" not in told


@every
def test_fonts_are_told_with_their_digests(kind):
    digests = {face.name: face.sha256 for face in fonts.typefaces((), {})}
    for seed in range(20):
        parameters = DAMAGES[kind](kind=kind).sample(generator(seed), context(256, 256))
        assert all(digests[name] == sha256 for _, name, sha256 in parameters.fonts)


@every
def test_parameters_are_json_that_a_person_can_read(kind):
    parameters = DAMAGES[kind](kind=kind).sample(generator(2), context(256, 256))
    assert json.loads(parameters.to_json())["texts"] == list(parameters.texts)


@pytest.mark.parametrize("opacity", [80, 255])
def test_alpha_is_what_happened(opacity):
    damaged, _, alpha = word(opacity=opacity).draw(grey())
    assert alpha.max() == opacity
    assert np.array_equal(damaged, blend(grey(), np.full_like(damaged, (250, 40, 10)), alpha))


def test_an_outline_lies_around_the_letters():
    plain, rimmed = (word(outline=outline, outline_color=(0, 0, 255)).draw(grey()) for outline in (0, 3))
    solid = plain.alpha == 255
    assert np.array_equal(rimmed.damaged[solid], plain.damaged[solid])
    rim = (rimmed.alpha == 255) & (plain.alpha == 0)
    assert (rimmed.damaged[rim] == (0, 0, 255)).all()
    assert rim.sum() > 300


def test_a_shadow_lies_where_it_is_thrown_to():
    plain, shaded = (word(shadow=shadow).draw(grey()) for shadow in ((), (Shadow(30, 0, 0, 200, (0, 0, 0)),)))
    fallen = np.roll(plain.alpha == 255, 30, axis=1) & (plain.alpha == 0)
    assert (shaded.damaged[fallen] < 60).all()
    assert np.array_equal(shaded.damaged[plain.alpha == 255], plain.damaged[plain.alpha == 255])


def test_the_hole_holds_outline_shadow_and_margin():
    block = {"outline": 2, "shadow": (Shadow(5, 5, 40, 255, (0, 0, 0)),)}
    bare, wide = word(**block), dataclasses.replace(word(**block), margin=4)
    damaged, mask, alpha = bare.draw(grey())
    assert np.array_equal(mask == 255, alpha > 0)
    assert np.array_equal(wide.draw(grey()).damaged, damaged)
    rows, columns = np.nonzero(mask)
    wide_rows, wide_columns = np.nonzero(wide.draw(grey()).mask)
    assert (wide_rows.min(), wide_columns.min()) == (rows.min() - 4, columns.min() - 4)


def test_turned_by_a_quarter_is_turned_by_a_quarter():
    kind = set_lines(FACE, ["Noon"], Setting(60.0))
    turned = set_lines(FACE, ["Noon"], Setting(60.0, angle=-np.pi / 2))
    level, upright = (
        lettering.ink(lettering.shapes_of(one.places, one.glyphs), -100, -100, 200, 200).astype(int)
        for one in (kind, turned)
    )
    assert np.abs(np.rot90(level) - upright).mean() < 0.02 * level.mean()


def test_a_bent_line_rises_in_the_middle():
    kind = set_lines(FACE, ["iiiiiiiii"], Setting(20.0, bend=1.5))
    heights = [y for _, _, y, _, _ in kind.places]
    assert min(heights) == heights[4]
    assert heights[0] > heights[2] > heights[4] < heights[6] < heights[8]


def test_copies_are_equal_and_the_last_may_be_cut():
    copied = word(repeats=((-60, -60), (0, 0), (70, 70))).draw(grey()).damaged
    once = word().draw(grey()).damaged
    assert np.array_equal(copied[80:130, 30:130], once[80:130, 30:130]) or (copied != once).any()
    assert np.array_equal(copied[20:60, :100][:, :60], once[80:120, 60:160][:, :60])


def test_a_band_is_as_opaque_as_it_says():
    band = Band(20, 20, 60, 30, 0, 100, (0, 0, 0))
    drawn = Lettering(texts=(), fonts=(), glyphs=(), blocks=(Block((), (0, 0, 0), bands=(band,)),)).draw(grey(255))
    assert np.count_nonzero(drawn.alpha == 100) == 60 * 30 == np.count_nonzero(drawn.mask)
    assert drawn.damaged[30, 30, 0] == 155


def test_rounded_bands_have_round_corners():
    band = Band(20, 20, 60, 30, 10, 255, (0, 0, 0))
    alpha = Lettering(texts=(), fonts=(), glyphs=(), blocks=(Block((), (0, 0, 0), bands=(band,)),)).draw(grey()).alpha
    assert alpha[20, 20] == 0
    assert alpha[35, 21] == alpha[21, 50] == alpha[30, 30] == 255
    assert np.array_equal(alpha[20:50, 20:80], alpha[20:50, 20:80][::-1, ::-1])
