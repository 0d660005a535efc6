"""A changed recipe or a grown source: measurements are kept, everything that follows from them is made anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from material import jpeg
from test_urls_build import RECIPE, asked_since, digests
from url_server import UrlServer, answer, serving

from pipelines import begin, build, verify, why
from pipelines.build import curate
from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.storage import read_json

KEPT = ""


@pytest.fixture
def server() -> Iterator[UrlServer]:
    """Thirty pictures of which every third is small."""
    with serving() as found:
        for index in range(30):
            side = 70 if index % 3 == 0 else 100
            found.answers[f"/{index}."] = answer(jpeg(index, side, side))
        yield found


def recipe(server: UrlServer, folder: Path, number: int = 20, extra: str = "") -> Path:
    """A recipe over the first so many of the pictures."""
    (folder / "list.txt").write_text("\n".join(server.url(f"/{index}.jpg") for index in range(number)))
    (folder / "small.yaml").write_text(RECIPE.format(task=8) + extra)
    return folder / "small.yaml"


def test_curate_makes_no_shard_and_build_goes_on(ray_here: None, server: UrlServer, tmp_path: Path) -> None:
    path, out = recipe(server, tmp_path), tmp_path / "out"
    assert curate(path, out) == {KEPT: 20}
    assert not Layout(out).manifest.exists() and not list(out.rglob("*.tar")) and not list(out.rglob("*.bin"))
    build(path, out)
    build(path, tmp_path / "at-once")
    assert digests(out) == digests(tmp_path / "at-once")
    assert verify(out) == []


def test_a_changed_threshold_decides_anew_and_reads_nothing(ray_here: None, server: UrlServer, tmp_path: Path) -> None:
    out = tmp_path / "out"
    curate(recipe(server, tmp_path), out)
    before = server.asked.copy()
    stricter = recipe(server, tmp_path, extra="curate: {min_side: 80}")
    assert curate(stricter, out, update=True) == {KEPT: 13, "too_small": 7}
    assert curate(recipe(server, tmp_path), out, update=True) == {KEPT: 20}
    assert not asked_since(server, before)


def test_a_grown_source_measures_only_what_is_new(ray_here: None, server: UrlServer, tmp_path: Path) -> None:
    out = tmp_path / "out"
    curate(recipe(server, tmp_path, 20), out)
    assert set(server.asked.values()) == {1}
    assert curate(recipe(server, tmp_path, 30), out, update=True) == {KEPT: 30}
    assert server.asked == {f"/{index}.jpg": 1 for index in range(30)}


def test_an_updated_build_has_the_bytes_of_a_new_one(ray_here: None, server: UrlServer, tmp_path: Path) -> None:
    out = tmp_path / "out"
    build(recipe(server, tmp_path, 20, "curate: {min_side: 80}"), out)
    changed = recipe(server, tmp_path, 27)
    build(changed, out, update=True)
    build(changed, tmp_path / "new")
    assert digests(out) == digests(tmp_path / "new")
    assert not Layout(out).known.exists()


def test_changes_are_refused_unless_asked_for(ray_here: None, server: UrlServer, tmp_path: Path) -> None:
    out = tmp_path / "out"
    curate(recipe(server, tmp_path), out)
    with pytest.raises(MenderyError, match=r"(?s)--update keeps what was measured.*curate.min_side: was 64, is 80"):
        curate(recipe(server, tmp_path, extra="curate: {min_side: 80}"), out)
    with pytest.raises(MenderyError, match=r"(?s)--update.*source 'list': 1 added"):
        curate(recipe(server, tmp_path, 21), out)


@pytest.mark.parametrize("step", ["forget", "_list"])
def test_an_update_killed_midway_loses_nothing(
    ray_here: None, server: UrlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    out = tmp_path / "out"
    curate(recipe(server, tmp_path), out)
    before, changed = server.asked.copy(), recipe(server, tmp_path, extra="curate: {min_side: 80}")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(begin, step, killed)
        with pytest.raises(KeyboardInterrupt):
            curate(changed, out, update=True)
    assert curate(changed, out, update=True) == {KEPT: 13, "too_small": 7}
    assert not asked_since(server, before)


def test_what_may_pass_is_asked_again(ray_here: None, server: UrlServer, tmp_path: Path) -> None:
    server.answers["/4."] = answer(b"", "503 Oh")
    out = tmp_path / "out"
    assert curate(recipe(server, tmp_path), out) == {KEPT: 19, "fetch_failed": 1}
    server.answers["/4."] = answer(jpeg(4, 100, 100))
    before = server.asked.copy()
    assert curate(recipe(server, tmp_path, 21), out, update=True) == {KEPT: 21}
    assert asked_since(server, before) == {"/4.jpg": 1, "/20.jpg": 1}


def test_a_raised_limit_measures_what_was_over_it(ray_here: None, server: UrlServer, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert curate(recipe(server, tmp_path, extra="curate: {max_pixels: 9000}"), out) == {"too_many_pixels": 13, KEPT: 7}
    before = server.asked.copy()
    assert curate(recipe(server, tmp_path), out, update=True) == {KEPT: 20}
    assert asked_since(server, before).total() == 13


def test_why_explains_any_picture(ray_here: None, server: UrlServer, tmp_path: Path) -> None:
    server.answers |= {"/5.": answer(jpeg(4, 100, 100)), "/7.": answer(b"<html>")}
    path, out = recipe(server, tmp_path, extra="curate: {min_side: 80}"), tmp_path / "out"
    with pytest.raises(MenderyError, match="holds no verdicts yet"):
        why(out, "3.jpg")
    curate(path, out)
    (kept,) = why(out, "4.jpg")
    assert kept.sentence.startswith("kept for split") and kept.numbers["width"] == 100
    build(path, out)
    (small,) = why(out, server.url("/3.jpg"))
    assert small.sentence == "dropped as too_small (shorter side under curate.min_side)"
    (again,) = why(out, "5.jpg")
    assert again.reason == "duplicate" and again.detail == f"of {server.url('/4.jpg')} in source list"
    (rubbish,) = why(out, "7.jpg")
    assert rubbish.reason == "not_a_picture" and "<html>" in rubbish.sentence
    (written,) = why(out, "8.jpg")
    assert written.keys == [f"{written.sha256[:20]}-00-00"]
    assert written.shard in {shard["name"] for shard in read_json(Layout(out).manifest)["shards"]}
    assert why(out, written.keys[0]) == why(out, written.sha256[:8]) == [written]
    with pytest.raises(MenderyError, match="no picture 'nothing.jpg' among the 20"):
        why(out, "nothing.jpg")
