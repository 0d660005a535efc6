"""What the families of lettering share: words, lines, fonts and text files of a recipe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines import environment
from pipelines.damage import DAMAGES, DamageFailed
from pipelines.damage.fonts import SHIPPED, ShippedFont, forget, typefaces
from pipelines.damage.typesetting import broken, shortened
from pipelines.damage.words import LANGUAGES, PHRASES
from pipelines.errors import RecipeError
from pipelines.recipe import Recipe, parse
from pipelines.seeds import generator
from tests.damage.contexts import context


def recipe(folder: Path, entry: str) -> Recipe:
    return parse(f"name: x\nsources: [{{corpus: package-photos}}]\ndamage:\n  - {entry}\n", "r.yaml", folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "none").mkdir()
    (tmp_path / "bad.ttf").write_bytes(b"\0\1\0\0 this is no font")
    (tmp_path / "amatic.ttf").write_bytes(SHIPPED[0].file().read_bytes())
    (tmp_path / "blank.txt").write_text(" \n\n")
    (tmp_path / "latin.txt").write_bytes("café".encode("latin-1"))
    (tmp_path / "arabic.txt").write_text("مرحبا\n")
    (tmp_path / "mixed.txt").write_text("\ufeffHello  there\n\nمرحبا\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{kind: text, fonts: none}", "holds no font"),
        ("{kind: text, fonts: gone}", "gone cannot be read: No such file"),
        ("{kind: text, fonts: [amatic.ttf, bad.ttf]}", "bad.ttf is no font that can be read"),
        ("{kind: text, fonts: amatic.ttf, languages: [ja]}", "no font has the letters of ja"),
        ("{kind: text, font_digests: {Lato-Bold.ttf: abc}}", "Lato-Bold.ttf is another font"),
        ("{kind: text, font_digests: {Gone.ttf: abc}}", "Gone.ttf is missing"),
        ("{kind: caption, texts: blank.txt}", "blank.txt holds no text"),
        ("{kind: caption, texts: latin.txt}", "latin.txt is not UTF-8: byte 3 is 0xe9"),
        ("{kind: caption, texts: gone.txt}", "gone.txt cannot be read"),
        ("{kind: watermark, texts: arabic.txt}", "no font has the letters of any line"),
        ("{kind: watermark, texts: mixed.txt, texts_digest: abc}", "mixed.txt is another file"),
        ("{kind: watermark, logos: none}", "is empty"),
        ("{kind: several, of: [{kind: dust}, {kind: text, fonts: none}]}", "holds no font"),
        ("{kind: caption, styles: {subtitle: 0}}", "one of them above 0"),
    ],
)
def test_what_cannot_be_used_is_said_when_the_recipe_is_read(folder, entry, said):
    with pytest.raises(RecipeError) as raised:
        recipe(folder, entry)
    assert str(raised.value).count("\n") == 0
    assert str(raised.value).startswith("r.yaml:4: damage.0")
    assert said in str(raised.value)


def test_digests_decide_and_paths_do_not(folder):
    here = recipe(folder, "{kind: text, fonts: amatic.ttf, texts: mixed.txt}")
    told = here.portable()["damage"][0]
    assert told["font_digests"] == {"amatic.ttf": SHIPPED[0].sha256}
    assert len(told["texts_digest"]) == 64
    assert str(folder) not in str(told)
    assert Recipe.model_validate_json(here.model_dump_json()).digest() == here.digest()


def test_a_recipe_built_in_python_has_the_same_digest(folder):
    plain = {
        "name": "x",
        "sources": [{"corpus": "package-photos", "name": "package-photos"}],
        "damage": [{"kind": "text"}],
    }
    read, built = recipe(folder, "{kind: text}"), Recipe.model_validate(plain)
    assert built.portable()["damage"] == read.portable()["damage"]


def test_another_font_of_the_same_name_changes_the_digest(folder):
    before = recipe(folder, "{kind: text, fonts: amatic.ttf}").digest()
    (folder / "amatic.ttf").write_bytes(SHIPPED[1].file().read_bytes())
    assert recipe(folder, "{kind: text, fonts: amatic.ttf}").digest() != before


@pytest.fixture
def bare(monkeypatch):
    """A machine without the fonts of the extra."""
    monkeypatch.setattr(ShippedFont, "file", lambda self: None)
    forget()
    yield
    forget()


def test_without_the_extra_the_font_of_pillow_writes_what_it_can(folder, bare):
    damage = recipe(folder, "{kind: text}").damage[0]
    assert list(damage.font_digests) == ["Aileron-Regular.ttf"]
    assert damage.notes()[0].startswith("text: texts in de, es, fr, ja, ko, zh stand aside")
    assert damage.sample(generator(1), context(128, 128)).fonts[0][0] == "Aileron"


def test_a_recipe_that_was_planned_with_the_extra_is_refused_without(folder, request):
    planned = recipe(folder, "{kind: text}").damage[0].font_digests
    request.getfixturevalue("bare")
    with pytest.raises(RecipeError, match=r"AmaticSC-Bold.ttf is missing, with which this was planned: pip install"):
        recipe(folder, f"{{kind: text, font_digests: {json.dumps(planned)}}}")


def test_doctor_says_what_fonts_can_write(bare):
    (check,) = environment._fonts()
    assert check.ok is None
    assert "they write en; none writes de, es, fr, ja, ko, zh: pip install" in check.found


def test_texts_are_those_of_the_file_that_a_font_can_write(folder):
    damage = recipe(folder, "{kind: text, texts: mixed.txt}").damage[0]
    for seed in range(10):
        assert set(damage.sample(generator(seed), context(128, 128)).texts) == {"Hello there"}


def test_languages_that_no_font_writes_stand_aside_and_are_told(folder):
    damage = recipe(folder, "{kind: text, fonts: amatic.ttf}").damage[0]
    assert damage.notes() == [
        "text: texts in ja, ko, zh stand aside, since no font has their letters: pip install 'mendery[fonts]'"
    ]
    for seed in range(20):
        assert damage.sample(generator(seed), context(128, 128)).fonts[0][1] == "amatic.ttf"


def test_nothing_is_told_where_all_languages_can_be_written(folder):
    assert recipe(folder, "{kind: several, of: [{kind: text}, {kind: dust}]}").damage[0].notes() == []


def test_a_text_that_no_font_writes_fails_with_its_reason(folder):
    damage = DAMAGES["text"](kind="text", texts=str(folder / "arabic.txt"))
    with pytest.raises(DamageFailed, match="no font has the letters of 'مرحبا'"):
        damage.sample(generator(1), context(64, 64))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_that_ships_can_be_written(language):
    for text in PHRASES[language]:
        assert any(face.covers(text) and face.covers(text.upper()) for face in typefaces((), {})), text


@pytest.mark.parametrize(
    ("text", "num_lines", "lines"),
    [
        ("one two three", 1, ["one two three"]),
        ("one two three", 2, ["one two", "three"]),
        ("one two three", 9, ["one", "two", "three"]),
        ("@handle_1", 3, ["@handle_1"]),
        ("写真を撮ろう", 2, ["写真を", "撮ろう"]),
    ],
)
def test_lines_break_between_words(text, num_lines, lines):
    assert broken(text, num_lines) == lines


@pytest.mark.parametrize(
    ("text", "letters", "short"),
    [
        ("one two", 7, "one two"),
        ("one two three", 9, "one two"),
        ("一二三四五", 3, "一二三"),
        ("incomprehensible x", 6, "incomp"),
    ],
)
def test_texts_are_cut_between_words(text, letters, short):
    assert shortened(text, letters) == short


@pytest.mark.parametrize("kind", ["text", "caption", "watermark"])
def test_long_texts_are_written_within_the_picture(tmp_path, kind):
    (tmp_path / "long.txt").write_text("It was a long way down to the sea, and nobody spoke. " * 20)
    damage = DAMAGES[kind](kind=kind, texts=str(tmp_path / "long.txt"))
    for seed in range(10):
        parameters = damage.sample(generator(seed), context(256, 256))
        assert all(len(text) <= 200 for text in parameters.texts)
        assert parameters.draw(context(256, 256).image).mask.any()
