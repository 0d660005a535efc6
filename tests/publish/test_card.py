"""The card says what the dataset is, loads as it says, keeps what a person wrote, and trusts no text."""

from __future__ import annotations

import gc
import io
import json
import os
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from material import jpeg, recipe_text
from PIL import Image
from publish.mixed import mixed_recipe

from pipelines import build, card, manifest
from pipelines.cards import front_matter
from pipelines.corpora import CORPORA
from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.publish import card as cards
from pipelines.publish import facts
from pipelines.publish.features import features
from pipelines.publish.samples import Survey
from pipelines.sample import METADATA_FIELDS


def linked(source: Path, target: Path) -> Path:
    """A dataset as a stranger downloads it: without state."""
    (target / "shards").mkdir(parents=True)
    for file in (source / "shards").iterdir():
        os.link(file, target / "shards" / file.name)
    shutil.copy(source / "manifest.json", target)
    return target


@pytest.fixture(scope="module")
def demo(demo_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = linked(demo_build, tmp_path_factory.mktemp("card") / "demo")
    card(out)
    return out


@pytest.fixture(scope="module")
def mixed_build(ray_here: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixed")
    build(mixed_recipe(folder), folder / "out", workers=2)
    return folder / "out"


@pytest.fixture
def mixed(mixed_build: Path, tmp_path: Path) -> Path:
    return linked(mixed_build, tmp_path / "mixed")


def head_of(out: Path) -> dict[str, Any]:
    head: dict[str, Any] = yaml.safe_load((out / "README.md").read_text().split("---\n", 2)[1])
    return head


def part(out: Path, name: str, page: str = "README.md") -> str:
    text = (out / page).read_text()
    return text[text.index(f"<!-- mendery:begin {name} -->") : text.index(f"<!-- mendery:end {name} -->")]


def table(text: str, first: str) -> dict[str, list[str]]:
    """Rows of the Markdown table whose heading begins with a word, by their first cell."""
    lines = text[text.index(f"| {first} |") :].split("\n\n", maxsplit=1)[0].splitlines()[2:]
    cells = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return {row[0]: row[1:] for row in cells}


# --- What it says -------------------------------------------------------------------------------


def test_splits_are_the_manifest_s(demo: Path) -> None:
    shown = {name: int(cells[0].replace(",", "")) for name, cells in table(part(demo, "splits"), "split").items()}
    assert shown == {name: totals["samples"] for name, totals in manifest.read(demo)["splits"].items()}


def test_damages_are_counted(demo: Path) -> None:
    counts = Counter(
        kind for path in (demo / "shards").glob("*.parquet") for kind in pq.read_table(path)["damage"].to_pylist()
    )
    assert {name: int(cells[1]) for name, cells in table(part(demo, "damage"), "damage").items()} == counts


def test_every_field_of_the_contract_is_explained(demo: Path) -> None:
    assert set(METADATA_FIELDS) <= set(table(part(demo, "fields"), "field"))


def test_every_part_that_was_asked_for_is_there(demo: Path) -> None:
    text = (demo / "README.md").read_text()
    headings = (
        "What it is for", "How to load it", "What a sample holds", "Splits", "How it was made", "Damage",
        "Sources and their terms", "People", "Known limits", "Removal of a picture", "Changelog",
    )  # fmt: skip
    for heading in headings:
        assert f"\n## {heading}\n" in text, heading


def test_equal_datasets_have_equal_cards(demo: Path, demo_build: Path, tmp_path: Path) -> None:
    other = linked(demo_build, tmp_path / "elsewhere")
    card(other)
    for name in ("README.md", "datasheet.md", "croissant.json", "card/samples.jpg", "attribution/CC0-1.0.txt"):
        assert (other / name).read_bytes() == (demo / name).read_bytes(), name


def test_a_card_written_twice_is_the_same(demo: Path) -> None:
    before = (demo / "README.md").read_bytes(), (demo / "datasheet.md").read_bytes()
    card(demo)
    assert ((demo / "README.md").read_bytes(), (demo / "datasheet.md").read_bytes()) == before


def test_nothing_names_this_machine(demo: Path, demo_build: Path) -> None:
    for path in (demo / "README.md", demo / "datasheet.md", demo / "croissant.json"):
        assert not re.search(r"/(home|root|tmp|work)/|localhost", path.read_text()), path


def test_what_forbids_is_said(mixed: Path) -> None:
    card(mixed)
    assert head_of(mixed)["license_name"] == "not-to-be-passed-on"
    assert "research-only forbids passing copies on" in part(mixed, "sources")
    assert "Being passed on as it is" in part(mixed, "uses")


@pytest.mark.parametrize("corpus", sorted(CORPORA))
def test_every_citation_becomes_bibtex(corpus: str) -> None:
    card_of = front_matter(corpus)
    for entry in facts.entries_of(card_of):
        year, title = re.search(r"year = \{(\d{4})\}", entry), re.search(r"title = \{\{(.+?)\}\}", entry)
        assert year and year[1] in card_of["citation"] and title and title[1] in card_of["citation"]
        assert entry.count("{") == entry.count("}")


@pytest.mark.parametrize(
    ("numbers", "written"),
    [
        ([0], "train-000000"),
        ([0, 1, 2], "train-{000000..000002}"),
        ([0, 1, 3, 7, 8], "train-{{000000..000001},000003,{000007..000008}}"),
    ],
)
def test_shards_are_written_in_braces_that_expand_to_them(numbers: list[int], written: str) -> None:
    from braceexpand import braceexpand

    names = [f"train-{number:06d}" for number in numbers]
    assert facts.braces(names) == written and list(braceexpand(written)) == names


def test_declared_groups_are_counted_with_who_says_so(ray_here: None, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for seed in range(9):
        (tmp_path / "photos" / f"{seed}.jpg").write_bytes(jpeg(seed))
    rows = "\n".join(f"{seed}.jpg,{'Asian' if seed % 3 else 'White'}" for seed in range(9))
    (tmp_path / "photos" / "metadata.csv").write_text(f"file_name,group\n{rows}\n")
    source = "{type: folder, path: photos, licence: CC0-1.0, labels: {group: group}}"
    (tmp_path / "recipe.yaml").write_text(recipe_text(source))
    build(tmp_path / "recipe.yaml", tmp_path / "out", workers=2)
    card(tmp_path / "out")
    people = part(tmp_path / "out", "people")
    assert {name: cells[0] for name, cells in table(people, "group").items()} == {"Asian": "6", "White": "3"}
    assert "stated by" in people and "By declared group it is not even: Asian on 6 photographs, White on 3" in part(
        tmp_path / "out", "limits"
    )


def test_ages_are_counted_by_tens() -> None:
    found = Survey()
    for age in range(90):
        found.labels["age"]["train", str(age)] += 1
        found.labels["title"]["train", f"picture {age}"] += 1
    assert list(found.groups()) == ["age"]
    assert {value: counts["train"] for value, counts in found.groups()["age"].items()} == {
        f"{low} to {low + 9}": 10 for low in range(0, 90, 10)
    }


# --- The Hub ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quiet_datasets() -> Any:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    return datasets


@pytest.mark.filterwarnings("ignore")
def test_datasets_loads_it_with_the_declared_features(mixed: Path, quiet_datasets: Any, tmp_path: Path) -> None:
    card(mixed)
    loaded = quiet_datasets.load_dataset(str(mixed), cache_dir=str(tmp_path / "cache"))
    files = {"train": str(mixed / "shards" / "val-*.tar")}
    found = quiet_datasets.load_dataset("webdataset", data_files=files, split="train", streaming=True)
    assert loaded["train"].features == found._resolve_features().features
    assert {split: len(rows) for split, rows in loaded.items()} == {
        split: totals["samples"] for split, totals in manifest.read(mixed)["splits"].items()
    }
    sample = loaded["val"][0]
    outside = np.array(sample["mask.png"]) == 0
    assert np.array_equal(np.array(sample["damaged.png"])[outside], np.array(sample["image.jpg"])[outside])


@pytest.mark.filterwarnings("ignore")
def test_datasets_streams_it_with_the_declared_features(demo: Path, quiet_datasets: Any) -> None:
    streamed = quiet_datasets.load_dataset(str(demo), split="test", streaming=True)
    declared = quiet_datasets.Features._from_yaml_list(features(manifest.read(demo)["members"]))
    assert streamed.features == declared
    first = next(iter(streamed))
    assert set(first) == set(declared) and first["json"]["split"] == "test"


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_loads_it_as_the_card_says(demo: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    (pattern,) = re.findall(r'shards = "PATH/(.+?)"', part(demo, "load"))
    keys = [sample["__key__"] for sample in webdataset.WebDataset(str(demo / pattern), shardshuffle=False)]
    gc.collect()  # it leaves files to the garbage collector
    assert len(set(keys)) == manifest.read(demo)["splits"]["train"]["samples"]


def test_features_of_every_member_are_those_of_the_loader() -> None:
    datasets = pytest.importorskip("datasets")
    members = ["image.jpg", "json", "landmarks.npy", "mask.png"]
    declared = datasets.Features._from_yaml_list(features(members))
    assert declared["landmarks.npy"] == datasets.List(datasets.List(datasets.Value("float32")))
    assert declared["json"]["crop_matrix"] == datasets.List(datasets.Value("float64"))


def test_metadata_for_the_hub_is_valid(demo: Path) -> None:
    hub = pytest.importorskip("huggingface_hub")
    read = hub.DatasetCard.load(demo / "README.md").data.to_dict()
    assert read["license"] == "cc-by-2.0" and read["size_categories"] == ["n<1K"]
    assert read["configs"][0]["data_files"][0] == {"split": "train", "path": "shards/train-*.tar"}


# --- What a person writes -----------------------------------------------------------------------


def test_what_a_person_writes_is_kept(mixed: Path) -> None:
    card(mixed, contact="write to us")
    path = mixed / "README.md"
    text = path.read_text().replace("# Mixed", "# Our own title\n\nWith a word of ours.")
    text = text.replace("- 1.0.0: first card.", "- 1.0.0: first card.\n- 1.0.1: better.")
    text = text.replace("pretty_name: Mixed", "pretty_name: Mixed\nlanguage: en")
    path.write_text(text.replace("| samples |", "| garbage |"))
    card(mixed)
    after = path.read_text()
    assert "# Our own title\n\nWith a word of ours." in after and "- 1.0.1: better." in after and "write to us" in after
    assert head_of(mixed)["language"] == "en"
    assert "| garbage |" not in after and "| samples |" in after


def test_a_part_whose_markers_were_deleted_does_not_come_back(mixed: Path) -> None:
    card(mixed)
    text = (mixed / "README.md").read_text()
    (mixed / "README.md").write_text(
        text.replace(part(mixed, "limits") + "<!-- mendery:end limits -->", "See the paper.")
    )
    card(mixed)
    assert "See the paper." in (mixed / "README.md").read_text()
    assert "mendery:begin limits" not in (mixed / "README.md").read_text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("<!-- mendery:end uses -->", ""), r"README\.md:\d+: part 'load' begins before 'uses' ends"),
        (("<!-- mendery:begin uses -->", ""), r"README\.md:\d+: part 'uses' ends, but did not begin"),
        (("<!-- mendery:end limits -->", ""), "part 'limits' begins and never ends"),
        (("mendery:", "other:"), "no parts between markers"),
        (("license: other", "license: [other"), "front matter cannot be read"),
    ],
)
def test_broken_markers_are_named_and_the_card_is_left_alone(mixed: Path, change: tuple[str, str], said: str) -> None:
    card(mixed)
    path = mixed / "README.md"
    path.write_text(path.read_text().replace(*change))
    before = path.read_bytes()
    with pytest.raises(MenderyError, match=said):
        card(mixed)
    assert path.read_bytes() == before


def test_a_repository_is_remembered(mixed: Path) -> None:
    card(mixed, repo="somebody/mixed")
    card(mixed)
    assert 'load_dataset("somebody/mixed"' in (mixed / "README.md").read_text()


# --- Strangers' texts, and pictures -------------------------------------------------------------


def test_no_text_of_a_stranger_becomes_markup(mixed: Path) -> None:
    stated = manifest.read(mixed)
    stated["sources"][0]["name"] = "<img src=x> | **a** [b](c)"
    stated["description"] = "<script>alert(1)</script>"
    (mixed / "manifest.json").write_text(json.dumps(stated))
    card(mixed)
    prose = "".join(re.split(r"```.*?```", (mixed / "README.md").read_text(), flags=re.DOTALL)).split("---\n", 2)[2]
    assert not re.search(r"(?<!\\)<(?!!-- mendery|/?details|/?summary)", prose)
    assert "(c)" not in prose or r"\[b\](c)" in prose


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "not a link"])
def test_only_web_addresses_become_links(address: str) -> None:
    assert "](" not in cards.link(address, "text")


def test_a_link_cannot_end_early() -> None:
    assert cards.link("https://e.org/a) <b> (c", "t") == "[t](https://e.org/a%29%20%3Cb%3E%20%28c)"


def test_forbidden_pictures_are_not_shown(ray_here: None, tmp_path: Path) -> None:
    build(mixed_recipe(tmp_path, ("closed",)), tmp_path / "out", workers=2)
    card(tmp_path / "out")
    shown = np.array(Image.open(tmp_path / "out" / "card" / "samples.jpg").convert("RGB")).astype(int)
    assert np.ptp(shown, axis=2).max() < 30, "there is a colour, so something besides masks is shown"
    assert "terms forbid showing" in (tmp_path / "out" / "README.md").read_text()


def test_allowed_pictures_are_shown(mixed: Path) -> None:
    card(mixed)
    data = (mixed / "card" / "samples.jpg").read_bytes()
    shown = np.array(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    assert np.ptp(shown, axis=2).max() > 60 and len(data) < 300_000


def test_attribution_files_are_those_of_the_licences_there(mixed: Path) -> None:
    (mixed / "attribution").mkdir()
    (mixed / "attribution" / "CC-BY-SA-4.0.txt").write_text("of an earlier build")
    card(mixed)
    assert {path.name for path in (mixed / "attribution").iterdir()} == {
        "CC0-1.0.txt",
        "CC-BY-4.0.txt",
        "CC-BY-NC-4.0.txt",
    }


def test_an_unfinished_build_is_refused(mixed: Path) -> None:
    Layout(mixed).manifest.unlink()
    with pytest.raises(MenderyError, match="no .*manifest.json"):
        card(mixed)
