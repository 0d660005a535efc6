"""Wiring through insightface's real class, with graphs that know no faces (`tiny_packs.py`)."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("insightface")

import tiny_packs as packs  # noqa: E402

from pipelines.engines import Faces, open_engine  # noqa: E402
from pipelines.errors import RecipeError  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:`estimate` is deprecated:FutureWarning")  # insightface's own calls


def red_square(left: int, top: int, side: int, width: int, height: int) -> np.ndarray:
    picture = np.zeros((height, width, 3), np.uint8)
    picture[top : top + side, left : left + side, 0] = 255
    return picture


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "models" / "tiny"
    folder.mkdir(parents=True)
    packs.detector(folder / "det.onnx")
    packs.regressor(folder / "2d106.onnx", 192, np.linspace(-0.5, 0.5, 212))
    packs.regressor(folder / "3d68.onnx", 192, frontal_head())
    packs.regressor(folder / "rec.onnx", 112, np.arange(512))
    packs.regressor(folder / "genderage.onnx", 96, np.zeros(3))
    return folder.parent.parent


def frontal_head() -> np.ndarray:
    """3309 numbers of the 3d68 model: insightface's own mean head, turned by 30 degrees to the picture's right."""
    from insightface.data import get_object

    head = get_object("meanshape_68.pkl")
    turned = head @ rotation(30).T
    values = np.zeros((1103, 3))
    values[-68:] = turned * 0.5
    return values


def rotation(yaw: float) -> np.ndarray:
    cos, sin = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
    return np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])


def block(models: Path, **settings: object) -> Faces:
    return Faces(models=str(models), pack="tiny", providers=["CPUExecutionProvider"], **settings)


def test_red_square_is_found_where_it_is(models: Path) -> None:
    with open_engine(block(models)) as engine:
        faces = engine.find([red_square(320, 160, 32, 640, 640), np.zeros((640, 640, 3), np.uint8)])
    assert faces[0] and not faces[1]
    x, y, width, height = faces[0][0].box
    assert x <= 352 and x + width >= 320 and y <= 192 and y + height >= 160


def test_coordinates_are_those_of_the_large_picture(models: Path) -> None:
    with open_engine(block(models)) as engine:
        small = engine.find([red_square(320, 160, 32, 640, 640)])[0][0]
        large = engine.find([red_square(1280, 640, 128, 2560, 2560)])[0][0]
    np.testing.assert_allclose(np.array(large.box) / 4, small.box, atol=1)
    np.testing.assert_allclose(large.five / 4, small.five, atol=1)


def test_nose_to_the_right_is_positive_yaw(models: Path) -> None:
    with open_engine(block(models)) as engine:
        face = engine.find([red_square(320, 160, 32, 640, 640)])[0][0]
    assert face.scheme == "ibug-68"
    assert face.points is not None and face.points.shape == (68, 2)
    assert face.points[30, 0] > face.points[[36, 45], 0].mean(), "the head of the graph looks to the picture's right"
    np.testing.assert_allclose(face.pose, (30, 0, 0), atol=1)


def test_embedding_has_unit_length_and_only_where_asked(models: Path) -> None:
    picture = red_square(320, 160, 32, 640, 640)
    with open_engine(block(models, embeddings=True)) as engine:
        embedding = engine.find([picture])[0][0].embedding
    assert embedding is not None and embedding.dtype == np.float32 and embedding.shape == (512,)
    assert np.linalg.norm(embedding) == pytest.approx(1)
    with open_engine(block(models)) as engine:
        assert engine.find([picture])[0][0].embedding is None


def test_extreme_sizes_are_no_errors(models: Path) -> None:
    with open_engine(block(models)) as engine:
        assert engine.find([np.zeros((*size, 3), np.uint8) for size in ((1, 1), (1, 5000), (5000, 1))]) == [[], [], []]


def test_version_changes_with_the_models(models: Path, tmp_path: Path) -> None:
    other = tmp_path / "tiny"
    other.mkdir()
    packs.detector(other / "det.onnx")
    with open_engine(block(models)) as first, open_engine(block(tmp_path)) as second:
        assert first.version.startswith("tiny-") and first.version != second.version
        assert second.find([red_square(320, 160, 32, 640, 640)])[0][0].points is None


def refusal(settings: Faces) -> str:
    with pytest.raises(RecipeError) as caught:
        open_engine(settings)
    return str(caught.value)


def test_missing_pack_is_one_sentence_and_no_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insightface.utils.storage.download_file", lambda *_, **__: pytest.fail("download"))
    text = refusal(Faces(models=str(tmp_path), pack="buffalo_l"))
    assert str(tmp_path / "models" / "buffalo_l") in text and "non-commercial" in text and "buffalo_l.zip" in text
    assert list(tmp_path.iterdir()) == []


def test_truncated_file_is_named(models: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    folder.mkdir()
    for file in (models / "models" / "tiny").iterdir():
        data = file.read_bytes()
        (folder / file.name).write_bytes(data[: len(data) // 2] if file.name == "3d68.onnx" else data)
    assert f"{folder / '3d68.onnx'} is no model that insightface can load" in refusal(block(tmp_path))


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PK\x03\x04" + bytes(100)])
def test_file_of_another_kind_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "det_10g.onnx").write_bytes(content)
    assert "det_10g.onnx is no model" in refusal(block(tmp_path))


def test_pack_without_detector_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    packs.regressor(tmp_path / "tiny" / "rec.onnx", 112, np.arange(512))
    assert "detects faces (rec.onnx: recognition)" in refusal(block(tmp_path))


def test_onnx_model_of_another_trade_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    packs.regressor(tmp_path / "tiny" / "classifier.onnx", 100, np.arange(10))
    assert "detects faces (classifier.onnx: unknown)" in refusal(block(tmp_path))


def test_detector_without_points_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    packs.detector(tmp_path / "tiny" / "det.onnx", five_points=False)
    assert "no five points" in refusal(block(tmp_path))


def test_embeddings_need_a_recognition_model(tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    packs.detector(tmp_path / "tiny" / "det.onnx")
    assert "no recognition model" in refusal(block(tmp_path, embeddings=True))


def test_pack_nested_as_its_zip_unpacks_is_found(models: Path, tmp_path: Path) -> None:
    nested = tmp_path / "tiny" / "tiny"
    nested.mkdir(parents=True)
    packs.detector(nested / "det.onnx")
    with open_engine(block(tmp_path)) as engine:
        assert engine.find([red_square(320, 160, 32, 640, 640)])[0]


def test_unknown_provider_is_refused(models: Path) -> None:
    settings = Faces(models=str(models), pack="tiny", providers=["WarpExecutionProvider"])
    assert "WarpExecutionProvider" in refusal(settings)


def test_manifest_packs_are_loaded(tmp_path: Path) -> None:
    """raccoon_s and raccoon_l come with a manifest of version 2."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    packs.detector(folder / "find.onnx")
    digest = hashlib.sha256((folder / "find.onnx").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(
        f'{{"manifest_version": 2, "model_id": "tiny", "license": "MODEL.LICENSE", '
        f'"tasks": {{"detection": {{"file": "find.onnx", "sha256": "{digest}"}}}}}}'
    )
    with open_engine(block(tmp_path)) as engine:
        assert engine.find([red_square(320, 160, 32, 640, 640)])[0]
    (folder / "manifest.json").write_text((folder / "manifest.json").read_text().replace(digest, "0" * 64))
    assert "SHA-256 mismatch" in refusal(block(tmp_path))
