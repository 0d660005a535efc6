"""Where a recipe's sources are, said when it is used."""

from __future__ import annotations

from pathlib import Path

import pytest
from corpora.miniature import lay
from corpora.test_fairface import MINIATURE as FAIRFACE

from pipelines.errors import RecipeError
from pipelines.recipe import load, load_anywhere, parse
from pipelines.source_paths import parse as parse_options

TEXT = """
name: two
sources:
  - {corpus: fairface, path: "", optional: true}
  - {corpus: maskedface-net, path: "", optional: true, name: masked}
"""


@pytest.fixture
def fairface(tmp_path: Path) -> Path:
    return lay(tmp_path / "fairface", FAIRFACE.files)


def test_a_source_is_found_by_its_corpus(fairface: Path, tmp_path: Path) -> None:
    recipe = parse(TEXT, "r", tmp_path, {"fairface": fairface})
    assert [(source.name, source.path) for source in recipe.sources] == [("fairface", str(fairface))]


def test_a_given_path_starts_where_the_command_runs(
    fairface: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = parse(TEXT, "r", tmp_path / "elsewhere", {"fairface": "fairface"})
    assert recipe.sources[0].path == str(fairface)


def test_a_corpus_it_is_joined_to_is_given_by_field(fairface: Path, tmp_path: Path) -> None:
    recipe = parse(TEXT, "r", tmp_path, {"masked": fairface, "masked.ffhq": fairface})
    assert recipe.sources[0].ffhq == str(fairface)


def test_nothing_given_lists_what_may_be(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="at least one of: --source fairface=PATH --source masked=PATH"):
        parse(TEXT, "r", tmp_path)


def test_a_source_that_is_not_optional_must_be_given(fairface: Path, tmp_path: Path) -> None:
    text = TEXT.replace('path: "", optional: true, name: masked', 'path: "", name: masked')
    with pytest.raises(RecipeError, match="it needs: --source masked=PATH"):
        parse(text, "r", tmp_path, {"fairface": fairface})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"fairfaces": "x"}, "did you mean 'fairface'"),
        ({"fairface.ffhq": "x"}, "has no path called 'ffhq'"),
        ({"fairface": "nowhere"}, "r:4: .*nowhere"),
    ],
)
def test_what_cannot_be_given_is_named(given: dict[str, str], expected: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=expected):
        parse(TEXT, "r", tmp_path, given)


def test_whether_a_path_was_given_or_written_does_not_decide_the_dataset(fairface: Path, tmp_path: Path) -> None:
    given = parse("name: a\nsources:\n  - {corpus: fairface, path: ''}", "r", tmp_path, {"fairface": fairface})
    written = parse(f"name: a\nsources:\n  - {{corpus: fairface, path: {fairface}}}", "r", tmp_path)
    assert given.digest() == written.digest()


def test_a_loaded_recipe_takes_no_paths(tmp_path: Path) -> None:
    recipe = parse(TEXT, "r", tmp_path, None)
    with pytest.raises(RecipeError, match="loaded already"):
        load(recipe, {"fairface": tmp_path})


def test_sources_need_not_be_here_to_be_read_about(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(TEXT)
    assert len(load_anywhere(tmp_path / "r.yaml").sources) == 2


@pytest.mark.parametrize("text", ["fairface", "=x", "fairface="])
def test_an_option_is_name_and_path(text: str) -> None:
    with pytest.raises(RecipeError, match="NAME=PATH"):
        parse_options([text])


def test_a_path_may_hold_an_equals_sign() -> None:
    assert parse_options(["a=/x=y", "b=s3://c/d"]) == {"a": "/x=y", "b": "s3://c/d"}


def test_an_option_given_twice_is_refused() -> None:
    with pytest.raises(RecipeError, match="twice"):
        parse_options(["a=x", "a=y"])
