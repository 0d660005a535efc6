"""Quality through a whole build: measured once, judged as often as thresholds change."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from edited import PHOTOGRAPHS, as_jpeg, blurred, clean, enlarged
from PIL import Image
from test_urls_build import RECIPE, asked_since
from url_server import UrlServer, answer, serving

from pipelines import build, verify, why
from pipelines.build import curate
from pipelines.curate.quality import NUMBERS
from pipelines.layout import Layout

KEPT = ""


def png(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def server() -> Iterator[UrlServer]:
    """Two photographs, each as it is, blown up and out of focus; a constant; and a JPEG."""
    with serving() as found:
        for number in (0, 4):
            picture = clean(PHOTOGRAPHS[number])
            edits = {"as-it-is": picture, "large": enlarged(picture, 2), "soft": blurred(picture, 4 / 256)}
            found.answers |= {f"/{name}-{number}.": answer(png(pixels)) for name, pixels in edits.items()}
        found.answers |= {
            "/navy.": answer(png(np.full((200, 200, 3), (0, 0, 128), np.uint8))),
            "/jpeg.": answer(as_jpeg(clean(PHOTOGRAPHS[3]), 60)),
        }
        yield found


def recipe(server: UrlServer, folder: Path, block: str) -> Path:
    (folder / "list.txt").write_text("\n".join(server.url(f"{name}jpg") for name in sorted(server.answers)))
    (folder / "quality.yaml").write_text(RECIPE.format(task=8) + block)
    return folder / "quality.yaml"


def test_a_changed_threshold_decides_anew_and_measures_nothing(
    ray_here: None, server: UrlServer, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert curate(recipe(server, tmp_path, "curate: {quality: {}}"), out) == {KEPT: 8}
    assert set(server.asked.values()) == {1}
    before, measured = server.asked.copy(), str(pq.read_table(Layout(out).part(0)).to_pylist())
    stricter = recipe(server, tmp_path, "curate: {quality: {min_detail_share: 0.7}}")
    assert curate(stricter, out, update=True) == {KEPT: 6, "blown_up": 2}
    other = recipe(server, tmp_path, "curate: {quality: {min_sharpness: 0.5, max_one_tone: 0.9, min_jpeg_quality: 61}}")
    assert curate(other, out, update=True) == {KEPT: 4, "blurred": 2, "compressed": 1, "near_constant": 1}
    assert not asked_since(server, before)
    assert str(pq.read_table(Layout(out).part(0)).to_pylist()) == measured


def test_asking_for_quality_later_measures_it(ray_here: None, server: UrlServer, tmp_path: Path) -> None:
    out = tmp_path / "out"
    curate(recipe(server, tmp_path, ""), out)
    assert all(np.isnan(pq.read_table(Layout(out).curated)[name].to_numpy()).all() for name in NUMBERS)
    before = server.asked.copy()
    curate(recipe(server, tmp_path, "curate: {quality: {}}"), out, update=True)
    assert asked_since(server, before).total() == 8


def test_numbers_are_told_and_the_build_keeps_its_promises(ray_here: None, server: UrlServer, tmp_path: Path) -> None:
    out = tmp_path / "out"
    path = recipe(server, tmp_path, "curate: {quality: {min_sharpness: 0.5, max_one_tone: 0.9}}")
    assert build(path, out)["audit"]["dropped"] == {"blurred": 2, "near_constant": 1}
    assert verify(out) == []
    (soft,) = why(out, "soft-0.jpg")
    assert soft.sentence == "dropped as blurred (less sharp than quality.min_sharpness)"
    assert 0 < soft.numbers["sharpness"] < 0.5
    assert "jpeg_quality" not in soft.numbers
    assert why(out, "jpeg.jpg")[0].numbers["jpeg_quality"] == 60
