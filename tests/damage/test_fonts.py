"""Fonts: outlines are those that a font rasteriser fills, and what cannot be used is said."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from pipelines.damage.fonts import EM, SHIPPED, Typeface, decoded, encoded, typefaces
from pipelines.damage.lettering import ink, placed
from pipelines.errors import RecipeError

FACES = typefaces((), {})
BY_NAME = {face.name: face for face in FACES}
SIZE = 160


def filled(face: Typeface, letter: str) -> np.ndarray:
    """A letter as we draw it, its baseline at y = 200."""
    glyph, _ = face.glyph(letter)
    return ink([placed(glyph, (0, 40 * 16, 200 * 16, SIZE * 16, 0))], 0, 0, 260, 260)


def freetype(name: str, letter: str) -> np.ndarray:
    """The same as Pillow draws it."""
    path = next((font.file() for font in SHIPPED if font.name == name), None)
    source = path or io.BytesIO(ImageFont.load_default(20).font_bytes)
    image = Image.new("L", (260, 260))
    loaded = ImageFont.truetype(source, SIZE, layout_engine=ImageFont.Layout.BASIC)
    ImageDraw.Draw(image).text((40, 200), letter, fill=255, font=loaded, anchor="ls")
    return np.asarray(image)


@pytest.mark.parametrize("name", BY_NAME)
def test_letters_are_those_of_freetype(name: str) -> None:
    face = BY_NAME[name]
    for letter in "ABOegi@8&%漢語回한ぬ":
        if face.covers(letter):
            ours, theirs = filled(face, letter).astype(int), freetype(name, letter).astype(int)
            # FreeType moves edges to whole pixels, which thin strokes feel most.
            assert np.minimum(ours, theirs).sum() / np.maximum(ours, theirs).sum() > 0.84, letter


def test_contours_wind_either_way() -> None:
    outer = np.array([(0, 0), (900, 0), (900, 900), (0, 900)])
    inner = np.array([(300, 300), (600, 300), (600, 600), (300, 600)])
    rings = [encoded([outer, inner[::-1]]), encoded([inner, outer[::-1]])]
    for ring in rings:
        drawn = ink([placed(ring, (0, 0, 0, EM * 16 // 10, 0))], 0, 0, 100, 100)
        assert drawn[10, 10] == 255
        assert drawn[45, 45] == 0


def test_contours_that_overlap_are_filled_both() -> None:
    bars = encoded(
        [np.array([(0, 300), (900, 300), (900, 600), (0, 600)]), np.array([(300, 0), (600, 0), (600, 900), (300, 900)])]
    )
    drawn = ink([placed(bars, (0, 0, 0, EM * 16 // 10, 0))], 0, 0, 100, 100)
    assert drawn[45, 45] == drawn[45, 10] == drawn[10, 45] == 255


def test_outlines_read_back() -> None:
    triangle = np.array([(0, 0), (500, -20), (3, 700)])
    ((points, is_filled),) = decoded(encoded([triangle]))
    assert np.array_equal(points, triangle)
    assert is_filled


def test_a_glyph_without_area_is_a_blank() -> None:
    assert encoded([np.array([(0, 0), (5, 5)])]) == ""
    assert decoded("") == ()


def test_fonts_know_what_they_can_write() -> None:
    assert BY_NAME["Lato-Bold.ttf"].covers("Über 9 €")
    assert not BY_NAME["Lato-Bold.ttf"].covers("漢")
    assert BY_NAME["NotoSansCJKjp-Regular.otf"].covers("这湖あ안 漢 A")


def test_scripts_that_must_be_shaped_are_refused() -> None:
    assert not any(face.covers(text) for face in FACES for text in ("مرحبا", "नमस्ते", "שלום", "สวัสดี"))


def test_a_file_that_is_no_font_is_refused(tmp_path: Path) -> None:
    for number, data in enumerate((b"", b"\0\1\0\0" + bytes(50), SHIPPED[1].file().read_bytes()[:3000])):
        path = tmp_path / f"{number}.ttf"
        path.write_bytes(data)
        with pytest.raises(RecipeError, match=f"{number}.ttf is no font that can be read"):
            typefaces((str(path),), {})


def test_a_folder_without_fonts_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(RecipeError, match="holds no font"):
        typefaces((str(tmp_path),), {})


def test_fonts_of_a_folder_are_sorted(tmp_path: Path) -> None:
    for name, font in (("b.ttf", SHIPPED[1]), ("a.ttf", SHIPPED[2])):
        (tmp_path / name).write_bytes(font.file().read_bytes())
    assert [face.name for face in typefaces((str(tmp_path),), {})] == ["a.ttf", "b.ttf"]


def test_a_font_that_was_planned_with_and_is_gone_is_named() -> None:
    with pytest.raises(RecipeError, match=r"Gone.ttf is missing, with which this was planned: pip install"):
        typefaces((), {"Gone.ttf": "0" * 64})


def test_another_font_than_planned_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"Lato-Bold.ttf is another font"):
        typefaces((), {"Lato-Bold.ttf": "0" * 64})


def test_only_the_fonts_of_the_plan_are_used() -> None:
    planned = {"Lato-Bold.ttf": BY_NAME["Lato-Bold.ttf"].sha256}
    assert [face.name for face in typefaces((), planned)] == ["Lato-Bold.ttf"]


def test_a_shipped_font_of_other_bytes_is_refused() -> None:
    with pytest.raises(RecipeError, match="is not the font of font-lato 0.1.0"):
        dataclasses.replace(SHIPPED[2], sha256="0" * 64).check(BY_NAME["Lato-Regular.ttf"])


def test_a_shipped_font_that_is_not_installed_is_none() -> None:
    assert dataclasses.replace(SHIPPED[2], package="no-such-package").file() is None


def test_of_a_collection_the_first_font_is_taken(tmp_path: Path) -> None:
    from fontTools.ttLib import TTCollection, TTFont

    collection = TTCollection()
    collection.fonts = [TTFont(SHIPPED[number].file()) for number in (1, 2)]
    collection.save(str(tmp_path / "two.ttc"))
    (face,) = typefaces((str(tmp_path),), {})
    assert face.family == "Fredoka One"
    assert face.covers("Aa")
