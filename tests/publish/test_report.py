"""The report says what the manifest says, runs in a real browser, and trusts no text."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
from collections import Counter
from html import unescape
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pages import HOSTILE, LOADING, Page, browse
from PIL import Image

from pipelines import build, manifest
from pipelines.errors import REASONS, MenderyError
from pipelines.layout import Layout
from pipelines.publish.charts import LIGHT_HUE
from pipelines.publish.gallery import NUM_CARDS, THUMBNAIL_SIDE, Candidates
from pipelines.publish.report import report

CHARTS_HEIGHT, GALLERY_HEIGHT = 3200, 1000


def rows_of(html: str, label: str) -> list[list[str]]:
    """Cells of the table in the region called `label`, row by row."""
    region = html[html.index(f'aria-label="{label}"') :]
    rows = re.findall(r"<tr>(.*?)</tr>", region[: region.index("</table>")], re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in row] for row in cells]


def copy_of(build_dir: Path, folder: Path, changes: dict[str, Any] | None = None) -> Path:
    """A dataset as a stranger downloads it, without state, and with a changed manifest."""
    layout = Layout(folder)
    layout.shards.mkdir(parents=True)
    for file in Layout(build_dir).shards.iterdir():
        os.link(file, layout.shards / file.name)
    layout.manifest.write_text(json.dumps(manifest.read(build_dir) | (changes or {})))
    return folder


@pytest.fixture(scope="module")
def dataset(demo_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo without its state, reported."""
    folder = copy_of(demo_build, tmp_path_factory.mktemp("report") / "demo")
    report(folder)
    return folder


@pytest.fixture(scope="module")
def html(dataset: Path) -> str:
    return Layout(dataset).report.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def index(dataset: Path) -> list[dict[str, Any]]:
    columns = ["key", "split", "damage", "mask_ratio", "mask_ratio_bin", "source_sha256"]
    files = sorted(Layout(dataset).shards.glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file, columns=columns).to_pylist()]


# --- What it says -------------------------------------------------------------------------------


def test_build_writes_the_same_report(demo_build: Path, html: str) -> None:
    assert Layout(demo_build).report.read_text(encoding="utf-8") == html


def test_equal_bytes_wherever_it_is_written(demo_build: Path, html: str, tmp_path: Path) -> None:
    assert report(copy_of(demo_build, tmp_path / "elsewhere")).read_text(encoding="utf-8") == html


def test_small_enough_to_send(dataset: Path) -> None:
    assert Layout(dataset).report.stat().st_size < 3_000_000


def test_headline_numbers(html: str, dataset: Path, index: list[dict[str, Any]]) -> None:
    stated = manifest.read(dataset)
    numbers = dict(re.findall(r"<dt>([^<]*)</dt><dd>([\d,]+)</dd>", html[: html.index("<nav")]))
    assert numbers["samples"] == f"{stated['audit']['committed']:,}"
    assert numbers["shards"] == f"{len(stated['shards']):,}"
    assert numbers["pictures"] == f"{len({row['source_sha256'] for row in index}):,}"
    assert f"{sum(shard['bytes'] for shard in stated['shards']):,} bytes" in html


def test_splits_are_the_manifest_s(html: str, dataset: Path) -> None:
    stated = manifest.read(dataset)["splits"]
    shown = {row[0]: row for row in rows_of(html, "Splits")[1:-1]}
    assert {name: (row[1], row[4]) for name, row in shown.items()} == {
        name: (f"{totals['samples']:,}", f"{totals['shards']:,}") for name, totals in stated.items()
    }


def test_damage_by_bin(html: str, index: list[dict[str, Any]], dataset: Path) -> None:
    header, *rows, total = rows_of(html, "Samples per damage and bin")
    edges = manifest.read(dataset)["recipe"]["ratio_bins"]
    counts = Counter((row["damage"], row["mask_ratio_bin"]) for row in index)
    bins = [f"{low:g}-{high:g}" for low, high in pairwise(edges)]
    assert len(header) == len(bins) + 2
    for damage, *cells, of_damage in rows:
        assert [int(cell) for cell in cells] == [counts[damage, name] for name in bins]
        assert int(of_damage) == sum(map(int, cells))
    assert int(total[-1]) == len(index) == sum(int(row[-1]) for row in rows)


def test_damage_by_split(html: str, index: list[dict[str, Any]]) -> None:
    header, *rows = rows_of(html, "Samples per damage and split")
    counts = Counter((row["damage"], row["split"]) for row in index)
    shown = {(row[0], split): int(cell) for row in rows for split, cell in zip(header[1:-2], row[1:-2], strict=True)}
    assert Counter(shown) == counts  # a damage that a split lacks is shown as 0


def test_histograms_hold_every_sample(html: str, index: list[dict[str, Any]]) -> None:
    charts = re.findall(r'<figure class="histogram">(.*?)</figure>', html, re.DOTALL)
    in_columns = [sum(int(count) for count in re.findall(r": (\d+) samples?</title>", chart)) for chart in charts]
    by_damage = Counter(row["damage"] for row in index)
    assert in_columns == [len(index), *(by_damage[damage] for damage in sorted(by_damage))]


def test_every_chart_has_a_sentence(html: str) -> None:
    page = Page(html)
    texts = [attributes["aria-label"] for tag, attributes in page.elements if tag == "svg"]
    texts += [text for _, attributes in page.elements if "Heat map" in (text := attributes.get("alt", ""))]
    assert len(texts) >= 3
    assert all(len(text) > 40 and "%" in text for text in texts)


def test_licences_and_authors(html: str, dataset: Path) -> None:
    text = Page(html).text
    for source in manifest.read(dataset)["sources"]:
        for licence, facts in source["licences"].items():
            assert licence in text
            assert all(author in text for author in facts["attribution"])


def test_losses_are_explained(demo_build: Path, tmp_path: Path) -> None:
    uris = [f"folder/{number:03d}.jpg" for number in range(60)]
    lost = [{"key": "k", "source": "one", "uri": uri, "reason": "damage_failed", "detail": "tried"} for uri in uris]
    audit = manifest.read(demo_build)["audit"]
    audit |= {"found": 15, "dropped": {"too_small": 3}, "planned": 780, "quarantined": {"damage_failed": 60}}
    audit |= {"ignored_files": {".txt": 7}}
    changes = {"audit": audit, "quarantined": lost, "licence_conflicts": ["two licences disagree"]}
    page = report(copy_of(demo_build, tmp_path / "lossy", changes)).read_text(encoding="utf-8")
    text = Page(page).text
    assert REASONS["too_small"] in text
    assert REASONS["damage_failed"] in text
    assert [uri in text for uri in uris] == [True] * 50 + [False] * 10
    assert "and 10 more" in text
    assert "7 .txt" in text
    assert "two licences disagree" in text


# --- The gallery --------------------------------------------------------------------------------


def test_gallery_covers_every_split_and_damage(html: str, index: list[dict[str, Any]]) -> None:
    cards = Page(html).cards()
    shown = Counter((card["data-split"], card["data-damage"]) for card in cards)
    assert set(shown) == {(row["split"], row["damage"]) for row in index}
    assert max(shown.values()) - min(shown.values()) <= 1
    assert len(cards) <= max(NUM_CARDS, len(shown))


def test_cards_are_samples_of_the_dataset(html: str, index: list[dict[str, Any]]) -> None:
    by_key = {row["key"]: row for row in index}
    cards = Page(html).cards()
    assert len({card["id"] for card in cards}) == len(cards)
    for card in cards:
        row = by_key[card["id"]]
        assert card["data-split"] == row["split"]
        assert card["data-damage"] == row["damage"]
        assert card["data-bin"] == row["mask_ratio_bin"]


def test_card_shows_image_damage_and_hole(html: str) -> None:
    first = html[html.index('<figure class="card"') :]
    uris = re.findall(r'<img src="data:image/jpeg;base64,([^"]*)"', first[: first.index("</button>")])
    image, damaged, hole = (np.array(Image.open(io.BytesIO(base64.b64decode(uri)))).astype(int) for uri in uris)
    assert image.shape == damaged.shape == hole.shape == (THUMBNAIL_SIDE, THUMBNAIL_SIDE, 3)
    is_missing = np.abs(image - hole).sum(axis=2) > 90
    assert 0.01 < is_missing.mean() < 0.9
    assert np.abs(image - damaged)[is_missing].mean() > 4 * np.abs(image - damaged)[~is_missing].mean()


def test_more_pairs_than_cards_are_all_shown(index: list[dict[str, Any]]) -> None:
    table = pa.Table.from_pylist(index)
    candidates = Candidates(num_shards=3)
    for split in ("train", "val", "test"):
        candidates.add(split, f"{split}-000000", table)
    pairs = 3 * len({row["damage"] for row in index})
    assert len(candidates.choose(num_cards=4)) == pairs


# --- What it is safe from -----------------------------------------------------------------------


def test_loads_nothing(html: str) -> None:
    for tag, attributes in Page(html).elements:
        for name, value in attributes.items():
            assert name not in LOADING or value.startswith("data:"), (tag, name, value[:80])
            assert tag == "a" or name != "href" or value.startswith("data:"), (tag, value[:80])
            assert not re.match(r"on[a-z]+", name), (tag, name)
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style
    assert not re.search(r"url\(|@import|@font-face", style[1])


def test_browser_is_told_to_run_only_our_script(html: str) -> None:
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    policy = next(attributes["content"] for _, attributes in Page(html).elements if "http-equiv" in attributes)
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy


def test_says_nothing_of_where_it_was_written(html: str, dataset: Path) -> None:
    for secret in (dataset, Path.home(), Path.cwd()):
        assert str(secret) not in html


def test_hostile_texts_are_texts(ray_here: None, photos: Path, tmp_path: Path) -> None:
    (photos / "000.jpg").rename(photos / "<script>alert(0)<.jpg")
    recipe = {
        "name": "hostile",
        "description": HOSTILE,
        "sources": [
            {
                "type": "folder",
                "path": str(photos),
                "name": HOSTILE,
                "licence": HOSTILE,
                "licence_url": "javascript:alert(1)",
                "attribution": HOSTILE,
            }
        ],
        "image": {"size": 64},
        "damage": [{"kind": "box"}],
    }
    (tmp_path / "hostile.yaml").write_text(json.dumps(recipe))
    build(tmp_path / "hostile.yaml", tmp_path / "out", workers=2)
    html = Layout(tmp_path / "out").report.read_text(encoding="utf-8")
    page = Page(html)
    assert page.text.count(HOSTILE) > 5
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert all("onerror" not in attributes for _, attributes in page.elements)
    assert 'href="javascript:' not in html
    test_loads_nothing(html)


def test_without_damage_there_are_no_masks(ray_here: None, photos: Path, tmp_path: Path) -> None:
    recipe = {"name": "clean", "sources": [{"type": "folder", "path": str(photos)}], "image": {"size": 64}}
    (tmp_path / "clean.yaml").write_text(json.dumps(recipe))
    build(tmp_path / "clean.yaml", tmp_path / "out", workers=2)
    html = Layout(tmp_path / "out").report.read_text(encoding="utf-8")
    assert "<svg" not in html
    assert "Heat map" not in html
    assert html.count('alt="image"') == len(Page(html).cards()) == 20


def test_without_samples(demo_build: Path, tmp_path: Path) -> None:
    stated = manifest.read(demo_build)
    empty = {"shards": [], "splits": {}, "mask_heat": [0.0] * len(stated["mask_heat"])}
    empty["audit"] = stated["audit"] | {"committed": 0, "quarantined": {"damage_failed": stated["audit"]["planned"]}}
    assert report(copy_of(demo_build, tmp_path / "empty", empty)).is_file()


def test_unfinished_build_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MenderyError, match=r"manifest\.json"):
        report(tmp_path)


def test_missing_index_is_named(demo_build: Path, tmp_path: Path) -> None:
    folder = copy_of(demo_build, tmp_path / "torn")
    (Layout(folder).shards / "val-000000.parquet").unlink()
    with pytest.raises(MenderyError, match="val-000000.parquet"):
        report(folder)


# --- In a browser -------------------------------------------------------------------------------


def visible(dom: str) -> list[dict[str, str]]:
    return [card for card in Page(dom).cards() if "hidden" not in card]


@pytest.mark.parametrize("wanted", [{"split": "val", "damage": "box"}, {"bin": "0.2-0.3"}, {}])
def test_filters_from_the_address(dataset: Path, html: str, tmp_path: Path, wanted: dict[str, str]) -> None:
    address = Layout(dataset).report.as_uri() + "#" + "&".join(f"{name}={value}" for name, value in wanted.items())
    shown = visible(browse(tmp_path, address, "--dump-dom"))
    asked = {f"data-{name}": value for name, value in wanted.items()}
    matching = [card["id"] for card in Page(html).cards() if asked.items() <= card.items()]
    assert matching
    assert [card["id"] for card in shown] == matching


def test_screenshot(dataset: Path, tmp_path: Path) -> None:
    """Frames, because a headless screenshot shows a page from its top: all charts first, then the filtered gallery."""
    address = Layout(dataset).report.as_uri()
    frames = "".join(
        f'<iframe src="{address}{place}" style="border: 0; display: block; width: 1280px; height: {height}px"></iframe>'
        for place, height in (("", CHARTS_HEIGHT), ("#split=train", GALLERY_HEIGHT))
    )
    (tmp_path / "frames.html").write_text(f'<!doctype html><body style="margin: 0">{frames}')
    light = ["--blink-settings=preferredColorScheme=1", "--force-device-scale-factor=1", "--virtual-time-budget=3000"]
    shot, size = tmp_path / "shot.png", f"--window-size=1280,{CHARTS_HEIGHT + GALLERY_HEIGHT}"
    browse(tmp_path / "profile", (tmp_path / "frames.html").as_uri(), *light, size, f"--screenshot={shot}")
    pixels = np.array(Image.open(shot).convert("RGB"))
    charts, samples = pixels[:CHARTS_HEIGHT], pixels[CHARTS_HEIGHT:]
    assert (charts == LIGHT_HUE).all(axis=2).sum() > 10_000, "the histograms' columns are not painted"
    assert len(np.unique(samples.reshape(-1, 3), axis=0)) > 20_000, "the gallery shows no photographs"
