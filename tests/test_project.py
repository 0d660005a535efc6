"""The project keeps its own rules."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.cards import overview
from pipelines.corpora import CORPORA
from pipelines.damage import DAMAGES
from pipelines.errors import REASONS
from pipelines.sample import METADATA_FIELDS
from pipelines.sources import SOURCES

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "pipelines").rglob("*.py"))
README = (ROOT / "README.md").read_text()


def test_data_side_imports_without_torch() -> None:
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in MODULES]
    code = f"import sys\nsys.modules['torch'] = sys.modules['trainers'] = None\nfor name in {names!r}: __import__(name)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("stage", ["sources", "imaging", "damage", "publish"])
def test_stages_do_not_import_ray(stage: str) -> None:
    for path in (ROOT / "pipelines" / stage).glob("*.py"):
        assert "ray" not in _imports(path), path


def _imports(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    found = {alias.name.split(".")[0] for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return found | {node.module.split(".")[0] for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


def test_every_corpus_has_file_and_card() -> None:
    folder = ROOT / "pipelines" / "corpora"
    files = {path.stem.replace("_", "-") for path in folder.glob("*.py")} - {"--init--", "base"}
    assert files == set(CORPORA)
    assert set(CORPORA) <= {path.stem for path in (ROOT / "dataset_cards").glob("*.md")}


def test_table_of_readme_is_that_of_the_cards() -> None:
    rows = ["| " + " | ".join(row) + " |" for row in overview(sorted(CORPORA))]
    assert [row for row in rows if row not in README.splitlines()] == []


def test_every_damage_file_is_registered() -> None:
    homes = {Path(sys.modules[damage.__module__].__file__ or "").stem for damage in DAMAGES.values()}
    shared = {"__init__", "ageing", "base", "holes", "noise", "overlay", "pools", "prints", "relief", "runs"}
    shared |= {"digits", "fonts", "lettering", "logos", "skin", "typesetting", "words", "wrinkles"}
    shared |= {"segments", "shapes", "silhouettes", "textures"}
    files = {path.stem for path in (ROOT / "pipelines" / "damage").glob("*.py")} - shared
    assert homes == files


def test_every_method_is_documented() -> None:
    from trainers.methods import METHODS

    text = (ROOT / "docs" / "training.md").read_text()
    assert [name for name in METHODS if f"| `{name}` |" not in text] == []


def test_nothing_of_the_data_side_imports_trainers_but_the_verbs_of_training() -> None:
    importers = {str(path.relative_to(ROOT)) for path in MODULES if "trainers" in _imports(path)}
    assert importers == {"pipelines/cli/training.py"}


def test_the_loop_knows_no_method() -> None:
    text = (ROOT / "trainers" / "trainer.py").read_text()
    assert re.findall(r"trainers\.methods\S*", text) == ["trainers.methods.base"]


def test_every_source_is_in_the_annotated_recipe() -> None:
    text = (ROOT / "pipelines" / "recipes" / "example.yaml.txt").read_text()
    assert all(f"type: {name}" in text for name in SOURCES)


def test_every_metadata_field_and_reason_is_in_the_reference() -> None:
    text = (ROOT / "pipelines" / "README.md").read_text()
    assert [name for name in [*METADATA_FIELDS, *REASONS] if f"`{name}`" not in text] == []


def test_file_tree_of_readme_is_true() -> None:
    tree = README.split("## What is where")[1].split("```")[1]
    names = re.findall(r"^ *([\w./-]+)", tree, re.MULTILINE)
    missing, folders = [], [""]
    for line, name in zip([line for line in tree.splitlines() if line.strip()], names, strict=True):
        depth = (len(line) - len(line.lstrip())) // 2
        folders[depth:] = [name]
        if not (ROOT / "".join(folders[: depth + 1])).exists():
            missing.append("".join(folders[: depth + 1]))
    assert missing == []


def test_verbs_of_readme_exist() -> None:
    from pipelines.cli import app

    used = set(re.findall(r"^(?:\.venv/bin/)?mendery (\w+)", README, re.MULTILINE))
    assert used == {verb for verb in app if not verb.startswith("-")}


def test_constraints_pin_exactly_and_name_no_registry() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[\w.]+", line) for line in lines)
