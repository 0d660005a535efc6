"""Exported networks give what the run gives, in programs that know nothing of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from pipelines.errors import MenderyError
from tests.trainers.runs import made
from trainers.checkpoint import load_method
from trainers.export import TOLERANCE, example, export
from trainers.methods.base import Batch

METHODS = ("aot_gan", "lama")


@pytest.fixture(scope="module")
def runs(demo_build: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    return {method: made(method, demo_build, folder / method) for method in METHODS}


def expected(run: Path, pair: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    method, _, _ = load_method(run)
    with torch.no_grad():
        return method.inpaint(Batch(*pair))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("ignore:`torch.jit.load` is deprecated")
def test_torchscript_gives_what_the_run_gives_at_other_sizes_too(method: str, runs, tmp_path: Path) -> None:
    facts = export(str(runs[method]), tmp_path / "network.pt")
    extra = {"mendery.json": ""}
    network = torch.jit.load(str(tmp_path / "network.pt"), _extra_files=extra)
    pair = example(96, 64, 7, 3)
    assert (network(*pair) - expected(runs[method], pair)).abs().max() <= TOLERANCE
    assert json.loads(extra["mendery.json"])["step"] == facts["step"] == 3


@pytest.mark.parametrize("method", METHODS)
def test_onnx_gives_what_the_run_gives(method: str, runs, tmp_path: Path) -> None:
    facts = export(str(runs[method]), tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "network.onnx"), providers=["CPUExecutionProvider"])
    pair = example(facts["size"], facts["size"], 7)
    (found,) = session.run(None, {"image": pair[0].numpy(), "mask": pair[1].numpy()})
    assert np.abs(found - expected(runs[method], pair).numpy()).max() <= TOLERANCE
    properties = {prop.key: prop.value for prop in onnx.load(str(tmp_path / "network.onnx")).metadata_props}
    assert json.loads(properties["mendery"])["method"] == method


@pytest.mark.parametrize(
    ("run", "name", "options", "message"),
    [
        ("lama", "network.bin", {}, "export writes .pt, .ts, .onnx"),
        ("lama", "network.pt", {"size": 65}, "multiple of 8"),
        ("telea", "network.pt", {}, "no networks to export"),
    ],
)
def test_what_cannot_be_exported_is_named(run: str, name: str, options, message: str, runs, tmp_path: Path) -> None:
    with pytest.raises(MenderyError, match=message):
        export(str(runs.get(run, run)), tmp_path / name, **options)
