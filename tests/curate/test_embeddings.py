"""Embeddings by a network in ONNX; the one here averages 8 x 8 fields, which is tiny and still tells pictures apart."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from pipelines.build import curate
from pipelines.curate.embeddings import Embeddings, embed
from pipelines.curate.identities import alike
from pipelines.errors import RecipeError
from pipelines.seeds import generator
from tests.photographs import ASTRONAUT, NO_FACES, photograph

SIZE = 64


def network(path: Path, size: int | str = SIZE) -> Path:
    node = helper.make_node("AveragePool", ["x"], ["y"], kernel_shape=[8, 8], strides=[8, 8])
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, size, size])
    found = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3, None, None])
    model = helper.make_model(
        helper.make_graph([node], "mean", [given], [found]), opset_imports=[helper.make_opsetid("", 13)]
    )
    model.ir_version = 8
    onnx.save(model, path)
    return path


@pytest.fixture
def block(tmp_path: Path) -> Embeddings:
    return Embeddings(model=str(network(tmp_path / "mean.onnx")), size=SIZE, threshold=0.9)


def test_a_vector_is_of_unit_length_and_as_the_network_says(block):
    vector = embed(photograph(ASTRONAUT), block)
    assert vector.shape == (3 * 8 * 8,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_copies_are_nearer_than_other_pictures(block):
    picture = photograph(ASTRONAUT)
    copy = cv2.resize(picture, (300, 200), interpolation=cv2.INTER_AREA)
    one, same, other = (embed(each, block) for each in (picture, copy, photograph(NO_FACES[2])))
    assert one @ same > 0.99 > 0.8 > one @ other


def test_pairs_are_those_of_trying_all():
    vectors = generator("alike").normal(size=(300, 24)).astype(np.float32)
    vectors[200:] = vectors[:100] + 0.2 * vectors[100:200]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    tried = {tuple(pair) for pair in np.argwhere(np.triu(vectors @ vectors.T >= 0.9, 1)).tolist()}
    assert {tuple(sorted(pair)) for pair in alike(vectors, 0.9).T.tolist()} == tried


@pytest.mark.parametrize("content", [None, b"", b"not ONNX at all"])
def test_what_is_no_network_is_one_sentence(ray_here, tmp_path, content):
    if content is not None:
        (tmp_path / "n.onnx").write_bytes(content)
    with pytest.raises(RecipeError, match=r"duplicates\.embeddings: .*n\.onnx"):
        curate(_recipe(tmp_path, "n.onnx"), tmp_path / "out")


def test_a_network_of_another_size_is_one_sentence(ray_here, tmp_path):
    network(tmp_path / "n.onnx", 48)
    with pytest.raises(RecipeError, match=r"takes no pictures of \(1, 3, 64, 64\)"):
        curate(_recipe(tmp_path, "n.onnx"), tmp_path / "out")


def test_a_network_finds_what_hashes_miss(ray_here, tmp_path):
    network(tmp_path / "n.onnx")
    # A fifth is cut off at the right and at the bottom.
    assert curate(_recipe(tmp_path, "n.onnx"), tmp_path / "out") == {"": 1, "near_duplicate": 1}
    text = _recipe(tmp_path, "n.onnx").read_text()
    (tmp_path / "r.yaml").write_text(text.replace("threshold: 0.9", "threshold: 0.9999"))
    assert curate(tmp_path / "r.yaml", tmp_path / "out", update=True) == {"": 2}


def _recipe(folder: Path, model: str) -> Path:
    (folder / "p").mkdir(exist_ok=True)
    picture = photograph(ASTRONAUT)
    height, width = picture.shape[:2]
    Image.fromarray(picture).save(folder / "p" / "a.png")
    Image.fromarray(picture[: height * 4 // 5, : width * 4 // 5]).save(folder / "p" / "b.png")
    embeddings = f"{{model: {model}, size: {SIZE}, threshold: 0.9, mean: [0, 0, 0], std: [1, 1, 1]}}"
    (folder / "r.yaml").write_text(
        f"name: x\nsources: [{{type: folder, path: {folder / 'p'}}}]\nimage: {{size: 64}}\n"
        f"curate: {{duplicates: {{near: 4, embeddings: {embeddings}}}}}\ndamage: [{{kind: box}}]\n"
    )
    return folder / "r.yaml"
