"""Every corpus: its miniature is read completely, packed or not; what is missing or broken is counted or named."""

from __future__ import annotations

import importlib
from dataclasses import astuple
from pathlib import Path

import pytest
from corpora.miniature import Listed, Miniature, lay, list_corpus, pack

from pipelines.cards import front_matter
from pipelines.corpora import CORPORA
from pipelines.errors import REASONS, RecipeError
from pipelines.imaging.decode import decode, inspect
from pipelines.licences import LICENCES, terms
from pipelines.sources.base import decode_path


def miniatures() -> list[Miniature]:
    """The MINIATURE, or MINIATURES, of every test file beside this one."""
    found: list[Miniature] = []
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if path.stem != Path(__file__).stem:
            module = importlib.import_module(f"corpora.{path.stem}")
            found += getattr(module, "MINIATURES", None) or [module.MINIATURE]
    return found


MINIATURES = miniatures()
CARD_FIELDS = {
    "name", "title", "homepage", "publisher", "citation", "licence", "redistribute", "consent", "people", "counts",
    "fields", "status", "unverified",
}  # fmt: skip

each = pytest.mark.parametrize(
    "mini", MINIATURES, ids=lambda mini: f"{mini.corpus}{''.join(map(str, mini.options.values()))}"
)


def listed(mini: Miniature, files: dict[str, bytes], folder: Path) -> Listed:
    return list_corpus(mini.corpus, lay(folder / "corpus", files), folder / "indexes", **mini.options)


def told(found: Listed) -> set[tuple[object, ...]]:
    """What is known of every picture, wherever it lies."""
    return {
        (
            decode_path(place.uri).rpartition("/")[2],
            place.split,
            place.labels,
            place.identity,
            place.faces,
            place.reason,
        )
        for place in found.locations
    }


def test_every_corpus_has_a_miniature() -> None:
    assert {mini.corpus for mini in MINIATURES} == set(CORPORA) - {"package-photos"}


@each
def test_is_read_completely(mini, tmp_path):
    found = listed(mini, dict(mini.files), tmp_path)
    assert found.reasons == {}
    assert found.splits == {split: count for split, count in mini.splits.items() if count}
    for location in found.good:
        data = found.read(location)
        assert decode(data, inspect(data, max_pixels=10**7))[0].size > 0


@each
def test_packed_reads_like_unpacked(mini, tmp_path):
    whole = listed(mini, dict(mini.files), tmp_path / "a")
    packed = listed(mini, pack(mini.files, mini.packs), tmp_path / "b")
    assert told(packed) == told(whole)
    assert sorted(map(packed.read, packed.good)) == sorted(map(whole.read, whole.good))


@each
def test_path_may_be_the_archive_itself(mini, tmp_path):
    packed = pack(mini.files, mini.packs)
    archives = [name for name in packed if name not in mini.files]
    if len(archives) != 1 or any("/" in name for name in packed):
        pytest.skip("this corpus does not come as one archive with its other files beside it")
    whole = listed(mini, dict(mini.files), tmp_path / "a")
    lay(tmp_path / "b", packed | {"other.zip": packed[archives[0]], "below/other.txt": b"", "0.png": b"no picture"})
    found = list_corpus(mini.corpus, tmp_path / "b" / archives[0], tmp_path / "i", **mini.options)
    assert told(found) == told(whole)
    assert sorted(map(found.read, found.good)) == sorted(map(whole.read, whole.good))


@each
def test_archives_beside_what_was_unpacked_from_them_count_once(mini, tmp_path):
    found = listed(mini, dict(mini.files) | pack(mini.files, mini.packs), tmp_path)
    assert len(found.good) == mini.num_pictures


@each
def test_folder_above_does_as_well(mini, tmp_path):
    lay(tmp_path / "corpus" / "downloads", mini.files)
    found = list_corpus(mini.corpus, tmp_path / "corpus", tmp_path / "indexes", **mini.options)
    assert len(found.good) == mini.num_pictures


@each
def test_something_else_is_refused_with_what_was_expected(mini, tmp_path):
    with pytest.raises(RecipeError) as caught:
        listed(mini, {"holiday/beach.txt": b"no picture"}, tmp_path)
    assert CORPORA[mini.corpus].expects in str(caught.value)  # type: ignore[attr-defined]


@each
def test_missing_annotations_are_noted_or_named(mini, tmp_path):
    for number, name in enumerate(mini.annotations):
        files = {path: data for path, data in mini.files.items() if path != name}
        try:
            found = listed(mini, files, tmp_path / str(number))
        except RecipeError as error:
            assert name.rpartition("/")[2] in str(error)  # noqa: PT017
        else:
            assert found.notes or found.reasons
            assert set(found.reasons.values()) <= set(REASONS)


@each
@pytest.mark.parametrize("spoil", ["cut", "garbage line", "empty", "binary"])
def test_spoilt_annotations_never_raise_anything_unclear(mini, spoil, tmp_path):
    ways = {
        "cut": lambda data: data[: len(data) // 2],
        "garbage line": lambda data: data + b"\n%%% no such line %%%\n",
        "empty": lambda data: b"",
        "binary": lambda data: bytes(range(256)) * 4,
    }
    for number, name in enumerate(mini.annotations):
        files = dict(mini.files) | {name: ways[spoil](mini.files[name])}
        try:
            found = listed(mini, files, tmp_path / str(number))
        except RecipeError as error:
            assert name.rpartition("/")[2] in str(error)  # noqa: PT017
        else:
            assert set(found.reasons.values()) <= set(REASONS)


@each
def test_annotated_pictures_that_are_not_there_are_counted(mini, tmp_path):
    if not mini.labelled:
        pytest.skip("no file of this corpus lists all its pictures")
    found = listed(mini, dict(mini.files), tmp_path / "a")
    gone = decode_path(found.good[-1].uri)
    files = {path: data for path, data in mini.files.items() if path != gone}
    assert len(files) == len(mini.files) - 1
    again = listed(mini, files, tmp_path / "b")
    assert "no_picture" in again.reasons.values()
    assert len(again.good) == mini.num_pictures - 1


@each
def test_truncated_archive_is_a_counted_reason(mini, tmp_path):
    packed = pack(mini.files, mini.packs)
    name = max((name for name in packed if name not in mini.files), key=lambda name: len(packed[name]))
    try:
        found = listed(mini, packed | {name: packed[name][: len(packed[name]) * 2 // 3]}, tmp_path)
    except RecipeError as error:  # nothing is left, or an annotation file was in it
        assert str(error)  # noqa: PT017
    else:
        assert "archive_broken" in found.reasons.values() or "truncated" in found.reasons.values()


@each
def test_listing_twice_gives_the_same(mini, tmp_path):
    lay(tmp_path / "c", mini.files)
    first, second = (list_corpus(mini.corpus, tmp_path / "c", tmp_path / "i", **mini.options) for _ in range(2))
    assert [astuple(place) for place in first.locations] == [astuple(place) for place in second.locations]


@pytest.mark.parametrize("corpus", sorted(CORPORA))
def test_card_has_what_the_program_reads(corpus):
    card = front_matter(corpus)
    assert card.keys() >= CARD_FIELDS, CARD_FIELDS - card.keys()
    assert card["name"] == corpus
    assert card["redistribute"] in {"yes", "noncommercial", "no"}
    assert card["people"] in {"faces", "some", "none"}
    assert card["status"] in {"miniature-tested", "real-data-tested"}
    if card["licence"] != "per picture":
        assert card["licence"] in LICENCES
        assert terms(card["licence"]).redistribute == card["redistribute"]
