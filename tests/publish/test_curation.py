"""The page of `mendery curate --report`: what it says, and that it is safe to open."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from edited import PHOTOGRAPHS, as_jpeg, blurred, clean, enlarged
from pages import HOSTILE, LOADING, Page, browse
from PIL import Image

from pipelines.build import curate
from pipelines.cli import building
from pipelines.curate.quality import LIMITS, NUMBERS
from pipelines.layout import Layout
from pipelines.publish.charts import LIGHT_HUE

RECIPE = {
    "name": "look",
    "sources": [{"type": "folder", "path": "photos"}],
    "image": {"size": 64},
    "curate": {"quality": {"min_sharpness": 0.5, "min_detail_share": 0.7}, "faces": {"max_yaw": 30}},
}


def photos_in(folder: Path) -> Path:
    """Four photographs, each as it is, blown up, out of focus and as JPEG; a copy; and rubbish."""
    folder.mkdir()
    for number in (0, 4, 9, 19):
        picture = clean(PHOTOGRAPHS[number])
        edits = {"": picture, "-large": enlarged(picture, 2), "-soft": blurred(picture, 2 / 256)}
        for name, pixels in edits.items():
            Image.fromarray(pixels).save(folder / f"{number}{name}.png")
        (folder / f"{number}-fine.jpg").write_bytes(as_jpeg(picture, 95))
    shutil.copy(folder / "0.png", folder / "copy.png")
    (folder / "rubbish.jpg").write_bytes(b"<html>")
    return folder


def write_recipe(folder: Path, **changes: object) -> Path:
    (folder / "look.yaml").write_text(json.dumps(RECIPE | changes))
    return folder / "look.yaml"


@pytest.fixture(scope="module")
def out(ray_here: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("curation")
    photos_in(folder / "photos")
    curate(write_recipe(folder), folder / "out", report=True)
    return folder / "out"


@pytest.fixture(scope="module")
def html(out: Path) -> str:
    return Layout(out).curation_report.read_text(encoding="utf-8")


def section(html: str, name: str) -> str:
    start = html.index(f'<section id="{name}">')
    return html[start : html.index("</section>", start)]


def test_every_number_has_a_chart(html: str) -> None:
    for name in [*NUMBERS, "shorter-side", "aspect-ratio", "face-score", "face-size", "face-yaw", "face-sharpness"]:
        assert 'role="img"' in section(html, name), name


def test_reasons_are_counted(html: str) -> None:
    text = re.sub(r"\s+", " ", Page(section(html, "verdicts")).text)
    assert re.search(r"not_a_picture 1 bytes of no picture", text)
    assert re.search(r"duplicate 1 the same bytes", text)
    assert re.search(r"blurred \d+ less sharp", text)


def test_only_thresholds_that_are_set_are_drawn(html: str) -> None:
    drawn = {limit for limit in LIMITS.values() if f"<title>quality.{limit}: " in html}
    assert drawn == {"min_sharpness", "min_detail_share"}
    assert '<line class="threshold"' not in section(html, "contrast")
    assert "No threshold is set" in section(html, "contrast")


def test_pictures_stand_on_their_side_of_the_threshold(html: str) -> None:
    found = section(html, "sharpness")
    sides = re.split("<h3>", found)[1:]
    assert [side.split("<")[0] for side in sides] == [
        "just beyond quality.min_sharpness 0.5",
        "just within quality.min_sharpness 0.5",
    ]
    beyond, within = ([float(value) for value in re.findall(r"<figcaption><b>([\d.]+)</b>", side)] for side in sides)
    assert len(beyond) == len(within) == 4
    assert max(beyond) < 0.5 <= min(within)
    assert "-soft.png" in sides[0] and "-soft.png" not in sides[1]


def test_pictures_are_those_they_are_called(html: str, out: Path) -> None:
    figure = re.search(r'<img src="data:image/webp;base64,([^"]*)" alt="0-large.png">', section(html, "detail_share"))
    assert figure
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(figure[1]))).convert("RGB"))
    whole = np.asarray(Image.open(out.parent / "photos" / "0-large.png"))
    corners = np.argwhere((whole[:-159, :-159] == shown[0, 0]).all(axis=2))
    assert any(np.array_equal(whole[top : top + 160, left : left + 160], shown) for top, left in corners)


def test_a_copy_of_a_picture_is_not_counted_twice(html: str) -> None:
    assert "<b>16 pictures</b>" in section(html, "contrast")
    assert 'alt="copy.png"' not in html


def test_faces_are_shown_by_themselves(html: str) -> None:
    assert "faces</b>" in section(html, "face-yaw")
    assert "faces.max_yaw: 30" in section(html, "face-yaw")
    assert section(html, "face-size").count("<img") >= 2


def test_loads_and_runs_nothing(html: str) -> None:
    for tag, attributes in Page(html).elements:
        assert tag != "script"
        for name, value in attributes.items():
            assert name not in LOADING or value.startswith("data:")
            assert name != "href" or value.startswith(("data:", "#"))
    policy = next(attributes["content"] for _, attributes in Page(html).elements if "http-equiv" in attributes)
    assert "default-src 'none'" in policy


def test_equal_builds_have_equal_pages(html: str, ray_here: None, tmp_path: Path) -> None:
    photos_in(tmp_path / "photos")
    curate(write_recipe(tmp_path), tmp_path / "other", report=True)
    assert Layout(tmp_path / "other").curation_report.read_text(encoding="utf-8") == html


def test_without_quality_it_says_how_to_measure_it(ray_here: None, photos: Path, tmp_path: Path) -> None:
    curate(write_recipe(tmp_path, curate={}), tmp_path / "out", report=True)
    html = Layout(tmp_path / "out").curation_report.read_text(encoding="utf-8")
    assert "curate: {quality: {}}" in html
    assert '<section id="sharpness">' not in html and '<section id="shorter-side">' in html


def test_when_every_picture_is_bad(ray_here: None, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"rubbish")
    counts = curate(write_recipe(tmp_path), tmp_path / "out", report=True)
    assert counts == {"not_a_picture": 1}
    assert "Known of no picture" in Layout(tmp_path / "out").curation_report.read_text(encoding="utf-8")


def test_a_picture_that_went_away_is_said_to(ray_here: None, photos: Path, tmp_path: Path) -> None:
    path = write_recipe(tmp_path, curate={"quality": {}})
    curate(path, tmp_path / "out", report=True)
    before = (photos / "003.jpg").stat()
    (photos / "003.jpg").write_bytes(bytes(before.st_size))
    os.utime(photos / "003.jpg", ns=(before.st_atime_ns, before.st_mtime_ns))
    curate(path, tmp_path / "out", report=True)
    html = Layout(tmp_path / "out").curation_report.read_text(encoding="utf-8")
    assert "cannot be read now: not_a_picture" in html


def test_hostile_names_are_texts(ray_here: None, photos: Path, tmp_path: Path) -> None:
    (photos / "000.jpg").rename(photos / "<script>alert(0)<.jpg")
    path = write_recipe(
        tmp_path, curate={"quality": {}}, sources=[{"type": "folder", "path": "photos", "name": HOSTILE}]
    )
    curate(path, tmp_path / "out", report=True)
    html = Layout(tmp_path / "out").curation_report.read_text(encoding="utf-8")
    assert all(tag != "script" and "onerror" not in attributes for tag, attributes in Page(html).elements)


def test_the_command_says_where_the_page_is(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Layout(out).curation_report.unlink()
    building.curate(str(out.parent / "look.yaml"), out=str(out), report=True)
    assert capsys.readouterr().out.endswith(f"report  {out}/curation.html\n")
    assert Layout(out).curation_report.is_file()


def test_screenshot(out: Path, tmp_path: Path) -> None:
    shot = tmp_path / "shot.png"
    options = ("--blink-settings=preferredColorScheme=1", "--window-size=1280,3000", f"--screenshot={shot}")
    browse(tmp_path / "profile", Layout(out).curation_report.as_uri(), *options)
    pixels = np.array(Image.open(shot).convert("RGB"))
    assert (pixels == LIGHT_HUE).all(axis=2).sum() > 2000, "the columns are not painted"
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20_000, "no photographs are shown"
