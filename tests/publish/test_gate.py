"""The gate lets out what the terms of every sample allow, says what forbids the rest, and keeps people's numbers in."""

from __future__ import annotations

import base64
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from material import jpeg, recipe_text
from publish.mixed import LICENCES, mixed_recipe

from pipelines import build, card, manifest, verify
from pipelines.cards import front_matter
from pipelines.corpora import CORPORA
from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.licences import LICENCES as KNOWN
from pipelines.licences import combined, terms
from pipelines.publish import gate
from pipelines.publish.samples import Credit, Kind, Survey, survey
from pipelines.shards.read import iterate, metadata_of
from pipelines.storage import sha256_of

DEFAULTS: dict[str, Any] = {"curate": {"faces": None}, "image": {"fit": "crop"}, "damage": []}


@pytest.fixture(scope="module")
def built(ray_here: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gate")
    build(mixed_recipe(folder), folder / "out", workers=2)
    return folder / "out"


@pytest.fixture
def out(built: Path, tmp_path: Path) -> Path:
    shutil.copytree(built, tmp_path / "out")
    return tmp_path / "out"


def surveyed(*kinds: tuple[str, str], faces: int = 0) -> Survey:
    """A survey of one sample of each (corpus, licence)."""
    found = Survey()
    for number, (corpus, licence) in enumerate(kinds):
        kind = Kind(f"s{number}", corpus, licence)
        found.samples[kind] += 1
        found.pictures[kind].add(f"{number:064x}")
        found.credits[Credit(licence, corpus, "A", "https://example.org")].add((kind.source, "a.jpg"))
    found.faces = faces
    return found


def judged(*kinds: tuple[str, str], commercial: bool = False, **recipe: Any) -> gate.Verdict:
    return gate.judge({"recipe": DEFAULTS | recipe}, surveyed(*kinds), commercial=commercial)


# --- Terms --------------------------------------------------------------------------------------


def test_what_is_forbidden_is_in_the_table_with_numbers(built: Path) -> None:
    verdict = gate.check(built)
    per_source = Counter(row["source"] for row in index_of(built))
    forbidden = {row.source: (row.samples, row.pictures, row.why) for row in verdict.forbidden}
    assert not verdict.allowed and set(forbidden) == {"closed", "odd"}
    assert forbidden["closed"] == (per_source["closed"], 4, "research-only forbids passing copies on")
    assert "who-knows" in forbidden["odd"][2] and "no licence this program knows" in forbidden["odd"][2]
    assert verdict.num_allowed == sum(per_source[name] for name in ("free", "named", "nc"))


def test_commercial_use_forbids_the_noncommercial(built: Path) -> None:
    why = {row.source: row.why for row in gate.check(built, commercial=True).forbidden}
    assert why["nc"] == "CC-BY-NC-4.0 forbids commercial use" and set(why) == {"closed", "odd", "nc"}


@pytest.mark.parametrize("licence", sorted(KNOWN))
def test_alone_every_licence_allows_what_its_terms_say(licence: str) -> None:
    verdict = judged(("photos", licence))
    assert verdict.allowed == (terms(licence).redistribute in {"yes", "noncommercial"})
    if verdict.allowed:
        assert verdict.licence == licence
        assert judged(("photos", licence), commercial=True).allowed == (terms(licence).redistribute == "yes")


@pytest.mark.parametrize("corpus", sorted(CORPORA))
def test_a_corpus_s_terms_hold_beside_those_of_its_pictures(corpus: str) -> None:
    own = front_matter(corpus)["licence"]
    for licence in KNOWN:
        held = [licence] if own == gate.PER_PICTURE else [licence, own]
        (row,) = judged((corpus, licence)).table
        assert (row.allowed, row.under) == (bool(combined(held)), combined(held)), licence
        assert row.allowed or row.why, licence


@pytest.mark.parametrize("corpus", sorted(CORPORA))
def test_of_two_corpora_each_goes_out_as_its_card_says(corpus: str) -> None:
    """May the whole be published, only a part, or none of it; and under which licence."""
    for other in CORPORA:
        cards = {name: front_matter(name) for name in (corpus, other)}
        licences = {name: "CC0-1.0" if name == "package-photos" else card["licence"] for name, card in cards.items()}
        verdict = judged(*licences.items())
        assert {row.corpus: row.allowed for row in verdict.table} == {
            name: card["redistribute"] != "no" for name, card in cards.items()
        }
        free = {licence for name, licence in licences.items() if cards[name]["redistribute"] != "no"}
        assert verdict.allowed == (len(free) == len(set(licences.values())))
        assert verdict.licence == (combined(free) if free else "")


def test_pictures_under_different_licences_stand_side_by_side() -> None:
    verdict = judged(("a", "CC-BY-SA-4.0"), ("b", "CC-BY-NC-SA-4.0"))
    assert verdict.allowed and verdict.licence == ""
    assert "no one licence" in verdict.notes[0]


def test_one_picture_under_both_is_forbidden() -> None:
    verdict = judged(("ffhq", "CC-BY-SA-4.0"))
    assert not verdict.allowed and "no licence satisfies both" in verdict.table[0].why


def test_a_flickr_picture_of_ffhq_goes_out_as_ffhq_does() -> None:
    assert judged(("ffhq", "CC-BY-2.0"), ("ffhq", "CC-BY-NC-2.0")).licence == "CC-BY-NC-SA-4.0"


def test_no_derivatives_is_said() -> None:
    assert "no derivatives" in judged(("a", "CC-BY-ND-4.0")).table[0].why


def test_the_text_names_forbidden_and_allowed(built: Path) -> None:
    said = gate.render(gate.check(built))
    assert "may not be published" in said and "research-only forbids" in said and "--only-publishable" in said
    assert "CC0-1.0" in said and "by default: private" in said


# --- Attribution --------------------------------------------------------------------------------


def test_every_picture_that_may_go_out_is_attributed(built: Path) -> None:
    texts = gate.check(built).attribution
    assert set(texts) == {"CC0-1.0", "CC-BY-4.0", "CC-BY-NC-4.0"}
    for name in ("free", "named", "nc"):
        for row in index_of(built):
            if row["source"] == name:
                assert f"    {name}: {row['source_uri']}\n" in texts[LICENCES[name]]
    assert "https://example.org/a b" in texts["CC-BY-4.0"] and "<script>" in texts["CC-BY-4.0"]
    assert "https://creativecommons.org/licenses/by-nc/4.0/" in texts["CC-BY-NC-4.0"]


def test_file_names_hold_no_path() -> None:
    assert gate.file_name("../../etc/x y") == "etc-x-y.txt" and gate.file_name("") == "unnamed.txt"


# --- The part that may go out -------------------------------------------------------------------


def test_only_the_publishable_part_is_copied(out: Path, tmp_path: Path) -> None:
    verdict = gate.publishable(out, tmp_path / "part")
    assert verdict.allowed and verify(tmp_path / "part") == []
    assert {row["source"] for row in index_of(tmp_path / "part")} == {"free", "named", "nc"}
    stated = manifest.read(tmp_path / "part")
    assert stated["audit"]["dropped"] == {"not_publishable": 8}
    assert {source["name"]: source["kept"] for source in stated["sources"]}["closed"] == 0
    assert stated["licence_conflicts"] == []


def test_samples_of_the_part_have_their_bytes(out: Path, tmp_path: Path) -> None:
    gate.publishable(out, tmp_path / "part")
    before = {key: members for _, key, members in samples_of(out)}
    after = list(samples_of(tmp_path / "part"))
    assert after and all(before[key] == members for _, key, members in after)
    assert [key for _, key, _ in after] == [key for _, key, _ in samples_of(out) if key in {key for _, key, _ in after}]


def test_nothing_of_what_is_forbidden_is_in_the_part(out: Path, tmp_path: Path) -> None:
    gate.publishable(out, tmp_path / "part")
    card(tmp_path / "part")
    closed = [members["image.jpg"] for _, _, members in samples_of(out) if metadata_of(members)["source"] == "closed"]
    digests = {row["source_sha256"].encode() for row in index_of(out) if row["source"] == "closed"}
    for path in tmp_path.joinpath("part").rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        assert not any(needle in data for needle in (*closed, *digests)), path


def test_interrupted_and_continued_gives_the_same(out: Path, tmp_path: Path) -> None:
    gate.publishable(out, tmp_path / "whole")
    for moment in (1, 1, 4):
        with pytest.MonkeyPatch.context() as patch:
            stop_after(patch, moment)
            with pytest.raises(KeyboardInterrupt):
                gate.publishable(out, tmp_path / "part")
        assert not Layout(tmp_path / "part").manifest.exists()
    gate.publishable(out, tmp_path / "part")
    assert digests(tmp_path / "part") == digests(tmp_path / "whole")
    gate.publishable(out, tmp_path / "part")
    assert digests(tmp_path / "part") == digests(tmp_path / "whole")


def test_another_dataset_is_not_written_over(out: Path, tmp_path: Path) -> None:
    gate.publishable(out, tmp_path / "part")
    with pytest.raises(MenderyError, match="holds another dataset"):
        gate.publishable(out, tmp_path / "part", commercial=True)
    with pytest.raises(MenderyError, match="into itself"):
        gate.publishable(out, out)


def test_nothing_publishable_is_said(ray_here: None, tmp_path: Path) -> None:
    build(mixed_recipe(tmp_path, ("closed",)), tmp_path / "out", workers=2)
    with pytest.raises(MenderyError, match="nothing of"):
        gate.publishable(tmp_path / "out", tmp_path / "part")


# --- People -------------------------------------------------------------------------------------


def test_a_corpus_of_faces_is_gated() -> None:
    verdict = judged(("fairface", "CC-BY-4.0"))
    assert verdict.allowed and verdict.private_only and verdict.gated
    assert "fairface is a corpus of faces" in verdict.people[0]


def test_things_are_public() -> None:
    verdict = judged(("cmp-facade", "CC-BY-SA-4.0"))
    assert verdict.allowed and not verdict.private_only and not verdict.gated


def test_where_nobody_looked_it_is_private_and_says_so() -> None:
    verdict = judged(("photos", "CC0-1.0"))
    assert verdict.private_only and not verdict.gated and "nobody looked for faces" in verdict.people[0]


def test_where_somebody_looked_and_found_none_it_is_public() -> None:
    assert not judged(("photos", "CC0-1.0"), curate={"faces": {"engine": "offline"}}).private_only


def test_a_sample_that_shows_a_face_gates() -> None:
    verdict = gate.judge({"recipe": DEFAULTS}, surveyed(("photos", "CC0-1.0"), faces=1))
    assert verdict.gated and "1 of 1 samples show a face" in " ".join(verdict.people)


def test_crops_of_faces_are_gated() -> None:
    assert judged(("photos", "CC0-1.0"), image={"fit": "face"}).gated


@pytest.mark.parametrize("field", ["identity", "embedding", "anything_new"])
def test_fields_beyond_the_contract_are_refused(field: str, built: Path) -> None:
    found = Survey()
    ((_, _, members),) = list(samples_of(built))[:1]
    found.add("train-000000", metadata_of(members) | {field: "x"})
    with pytest.raises(MenderyError, match=f"must not leave.*{field}"):
        gate.judge({"recipe": DEFAULTS}, found)


def test_embeddings_and_identities_are_in_no_published_byte(ray_here: None, tmp_path: Path) -> None:
    """Numbers of people are put into the state, as an engine would, before shards are made."""
    from pipelines.build import curate
    from pipelines.curate import measure

    (tmp_path / "photos").mkdir()
    for seed in range(6):
        (tmp_path / "photos" / f"{seed}.jpg").write_bytes(jpeg(seed))
    rows = "\n".join(f"{seed}.jpg,Zebulon-{seed % 2}" for seed in range(6))
    (tmp_path / "photos" / "metadata.csv").write_text(f"file_name,who\n{rows}\n")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(recipe_text("{type: folder, path: photos, licence: CC0-1.0, identity: who}"))
    layout = Layout(tmp_path / "out")
    curate(recipe, layout.out, workers=2)
    embedding = np.random.default_rng(5).normal(size=128).astype(np.float32)
    for part in layout.measured.glob("part-*.parquet"):
        table = pq.read_table(part).to_pylist()
        measure.write_part(part, [row | {"embeddings": embedding.tobytes()} for row in table])
    build(recipe, layout.out, workers=2)
    card(layout.out)
    identities = set(pq.read_table(layout.curated)["identity"].to_pylist())
    assert len(identities) == 2 and gate.check(layout.out).allowed
    needles = [embedding.tobytes()[:32], base64.b64encode(embedding.tobytes())[:32], b"Zebulon", b"embedding\"",
               *(one.encode() for one in identities), f"{embedding[0]:.6f}".encode()]  # fmt: skip
    assert needles[0] in b"".join(row["embeddings"] for row in pq.read_table(part).to_pylist())
    published = [path for path in layout.out.rglob("*") if path.is_file() and layout.state not in path.parents]
    assert len(published) > 10
    for path in published:
        data = path.read_bytes()
        if path.suffix == ".parquet":
            data += json.dumps(pq.read_table(path).to_pylist()).encode()
        assert [needle for needle in needles if needle in data] == [], path


# --- Bad input ----------------------------------------------------------------------------------


def test_a_shard_that_was_changed_is_named(out: Path) -> None:
    with Layout(out).shard("train-000001").open("ab") as file:
        file.write(b"more")
    with pytest.raises(MenderyError, match="no longer matches shard train-000001"):
        gate.check(out)


def test_a_missing_index_is_named(out: Path) -> None:
    Layout(out).index("train-000000").unlink()
    with pytest.raises(MenderyError, match=r"train-000000\.parquet is missing"):
        gate.check(out)


def test_an_unfinished_build_is_refused(out: Path) -> None:
    Layout(out).manifest.unlink()
    with pytest.raises(MenderyError, match="not complete"):
        gate.check(out)


def test_the_survey_counts_every_sample(built: Path) -> None:
    stated = manifest.read(built)
    found = survey(built, stated)
    assert sum(found.samples.values()) == stated["audit"]["committed"]
    assert found.num_pictures == stated["audit"]["kept"]


def index_of(out: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(Layout(out).shards.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def samples_of(out: Path) -> list[tuple[str, str, dict[str, bytes]]]:
    return [(path.stem, *sample) for path in sorted(Layout(out).shards.glob("*.tar")) for sample in iterate(path)]


def digests(out: Path) -> dict[str, str]:
    return {str(path.relative_to(out)): sha256_of(path) for path in out.rglob("*") if path.is_file()}


def stop_after(patch: pytest.MonkeyPatch, moment: int) -> None:
    """Lets so many files be put in place."""
    replace, left = Path.replace, iter(range(moment))

    def failing(self: Path, target: Path) -> Path:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return replace(self, target)

    patch.setattr(Path, "replace", failing)
