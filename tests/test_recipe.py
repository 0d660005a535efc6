"""A recipe says exactly what it means, and every fault in it is named with its line."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from pipelines.damage import DAMAGES
from pipelines.errors import RecipeError
from pipelines.recipe import Recipe, differences, example, json_schema, load, parse, ready


def fault(text: str, folder: Path) -> str:
    with pytest.raises(RecipeError) as raised:
        parse(text, "r.yaml", folder)
    return str(raised.value)


SOURCE = "sources:\n  - {type: folder, path: .}\n"


def test_name_and_sources_are_enough(tmp_path: Path) -> None:
    recipe = parse(f"name: a\n{SOURCE}", "r.yaml", tmp_path)
    assert recipe.image.size == recipe.curate.min_side == 256


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"name: a\n{SOURCE}curate: {{min_sied: 3}}\n",
            "r.yaml:4: unknown key 'min_sied' in curate; did you mean 'min_side'?",
        ),
        (f"name: a\n{SOURCE}sede: 3\n", "r.yaml:4: unknown key 'sede' in the recipe; did you mean 'seed'?"),
        (
            f"name: a\n{SOURCE}damage:\n  - kind: brush\n    wieght: 2\n",
            "r.yaml:6: unknown key 'wieght' in damage.0; did you mean 'weight'?",
        ),
        (
            "name: a\nsources:\n  - {type: foldr, path: .}\n",
            "r.yaml:3: sources.0: unknown 'foldr'; did you mean 'folder'?",
        ),
        ("name: a\nsources:\n  - {path: .}\n", "r.yaml:3: sources.0 says no type or corpus"),
        ("name: a\nsources:\n  - {corpus: celeb, path: .}\n", "r.yaml:3: sources.0: unknown 'celeb'"),
        (f"{SOURCE}", "r.yaml:1: name is missing"),
        (f"name: a\n{SOURCE}seed: many\n", "r.yaml:4: seed: input should be a valid integer"),
        (
            f"name: a\n{SOURCE}image:\n  size: 32\n",
            "r.yaml:5: image.size: input should be greater than or equal to 64, found 32",
        ),
        (f"name: a\n{SOURCE}splits: {{train: 0.9}}\n", "r.yaml:4: splits"),
        (
            f"name: a\n{SOURCE}damage:\n  - kind: box\n    ratio_range: [0.5, 0.2]\n",
            "ratio_range must be two numbers with 0 <= low < high <= 1",
        ),
        (f"name: a\n{SOURCE}variants: 3\n", "variants has no effect without damage"),
        (f"name: a\nname: b\n{SOURCE}", "r.yaml:2: key 'name' is given twice, first in line 1"),
        (f"name: a\n{SOURCE}image: {{size: 64\n", "not valid YAML"),
        ("", "the file is empty"),
        ("- a\n", "a recipe is a mapping"),
        ("name: a\nsources:\n  - type: folder\n    path: nowhere\n", "r.yaml:4:"),
        ("name: a\nsources:\n  - type: webdataset\n    path: 'pipe:cat x.tar'\n", "r.yaml:4:"),
        ("name: A b\n" + SOURCE, "r.yaml:1: name: a name is lower-case letters, digits and dashes, found 'A b'"),
    ],
)
def test_fault_names_line_and_remedy(text: str, expected: str, tmp_path: Path) -> None:
    assert expected in fault(text, tmp_path)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    assert len(fault(f"name: A\n{SOURCE}seed: x\nvariant: 3\n", tmp_path).splitlines()) == 3


def test_unsafe_yaml_tags_are_refused(tmp_path: Path) -> None:
    assert "r.yaml:1" in fault("name: !!python/object/apply:os.system ['true']\n", tmp_path)


def test_missing_file_lists_ready_recipes() -> None:
    with pytest.raises(RecipeError, match="ready recipes are .*demo"):
        load("nowhere.yaml")


def test_relative_path_starts_at_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "r.yaml").write_text("name: a\nsources:\n  - {type: folder, path: pictures}\n")
    assert load(tmp_path / "r.yaml").sources[0].path == str(tmp_path / "pictures")


def test_sources_get_names_of_their_own(tmp_path: Path) -> None:
    for name in ("a", "b/a"):
        (tmp_path / name).mkdir(parents=True)
    text = "name: x\nsources:\n  - {type: folder, path: a}\n  - {type: folder, path: b/a}\n"
    assert [source.name for source in parse(text, "r", tmp_path).sources] == ["a", "a-2"]


def test_where_sources_lie_does_not_decide_the_dataset(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = (
        parse(f"name: x\nsources:\n  - {{type: folder, path: {folder}, name: s}}\n", "r", tmp_path) for folder in "ab"
    )
    assert first.digest() == second.digest()


def test_resolved_recipe_reads_back_equal(tmp_path: Path) -> None:
    recipe = load("demo")
    assert parse(recipe.to_yaml(), "resolved", tmp_path) == recipe


def test_json_round_trip_keeps_every_block() -> None:
    recipe = load("demo")
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_differences_name_the_setting(tmp_path: Path) -> None:
    old, new = (parse(f"name: a\n{SOURCE}seed: {seed}\n", "r", tmp_path).portable() for seed in (1, 2))
    assert differences(old, new) == ["seed: was 1, is 2"]


def test_an_empty_block_differs_from_none(tmp_path: Path) -> None:
    old, new = (parse(f"name: a\n{SOURCE}{more}", "r", tmp_path).portable() for more in ("", "curate: {quality: {}}"))
    assert differences(old, new) == ["curate.quality: was None, is 'given'"]
    assert differences(new, old) == ["curate.quality: was 'given', is None"]


def test_every_field_is_documented() -> None:
    schema = json_schema()
    blocks = [schema, *schema["$defs"].values()]
    bare = [
        f"{block.get('title')}.{name}"
        for block in blocks
        for name, field in block.get("properties", {}).items()
        if "description" not in field and name not in ("type", "kind", "corpus")
    ]
    assert bare == []


@pytest.mark.parametrize("name", sorted(ready()))
def test_ready_recipe_satisfies_the_schema(name: str) -> None:
    jsonschema.validate(yaml.safe_load(ready()[name].read_text()), json_schema())


def test_annotated_example_is_a_recipe_and_shows_every_block(tmp_path: Path) -> None:
    for path in (
        "photos/x",
        "archives/a.zip",
        "archives/old.tar.gz",
        "archives/faces.7z.001",
        "lsun/church_outdoor_train_lmdb/data.mdb",
        "digits/train_32x32.mat",
        "faces/train.rec",
        "hub/data/a.parquet",
        "lists/photos.csv",
        "scenes/train-000000.tar",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    for number in range(1, 4):
        (tmp_path / f"scenes/train-{number:06d}.tar").touch()
    recipe = parse(example(), "example", tmp_path)
    assert yaml.safe_load(example()).keys() == Recipe.model_fields.keys()
    assert {damage.kind for damage in recipe.damage} == set(DAMAGES)
