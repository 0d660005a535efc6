"""A download is recognised by its files, and held against its corpus's card."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from corpora.miniature import Miniature, lay, pack, parts_of, seven_zip_of, zip_of

from pipelines import inspect
from pipelines.errors import MenderyError

CELEBA: Miniature = importlib.import_module("corpora.test_celeba").MINIATURE
FAIRFACE: Miniature = importlib.import_module("corpora.test_fairface").MINIATURE
WIDER: Miniature = importlib.import_module("corpora.test_wider_face").MINIATURE


@pytest.mark.parametrize("mini", [CELEBA, FAIRFACE, WIDER], ids=lambda mini: mini.corpus)
@pytest.mark.parametrize("packed", [False, True], ids=["unpacked", "packed"])
def test_a_complete_download_is_recognised(mini: Miniature, packed: bool, tmp_path: Path) -> None:
    found = inspect(lay(tmp_path / "c", pack(mini.files, mini.packs) if packed else mini.files))
    assert found.corpus == mini.corpus
    assert found.splits == {split: count for split, count in sorted(mini.splits.items()) if count}
    assert found.missing == {} and found.reasons == {}


@pytest.mark.parametrize("name", ["img_align_celeba.zip", "img_align_celeba.7z.002"])
def test_an_archive_is_recognised_with_the_files_beside_it(name: str, tmp_path: Path) -> None:
    files = {path: data for path, data in CELEBA.files.items() if "/" in path}
    packed = {"img_align_celeba.zip": zip_of(files)} | parts_of("img_align_celeba.7z", seven_zip_of(files), 2)
    folder = lay(tmp_path / "c", packed | {path: data for path, data in CELEBA.files.items() if "/" not in path})
    found = inspect(folder / name)
    assert (found.corpus, found.splits) == ("celeba", dict(sorted(CELEBA.splits.items())))
    assert found.missing == {} and found.reasons == {}


@pytest.mark.parametrize("name", ["missing.zip", "list_attr_celeba.txt", "missing"])
def test_what_is_no_download_is_one_clear_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(MenderyError, match=f"{name}'"):
        inspect(lay(tmp_path / "c", CELEBA.files) / name)


def test_missing_files_are_named_with_what_is_lost(tmp_path: Path) -> None:
    files = {name: data for name, data in CELEBA.files.items() if name != "list_attr_celeba.txt"}
    found = inspect(lay(tmp_path / "c", files))
    assert found.corpus == "celeba"
    assert found.missing == {"list_attr_celeba.txt": "no attributes"}


def test_labels_are_counted_by_value(tmp_path: Path) -> None:
    found = inspect(lay(tmp_path / "c", FAIRFACE.files))
    assert found.labels["sex"] == {"female": 2, "male": 1}
    assert found.expected == {"train": 86744, "val": 10954}


def test_something_unknown_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(MenderyError, match="looks like no known corpus"):
        inspect(lay(tmp_path / "c", {"holiday/beach.txt": b"sand"}))


def test_unknown_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MenderyError, match="unknown corpus 'celebb'"):
        inspect(tmp_path, "celebb")


def test_commands_show_table_card_and_inspection(tmp_path: Path) -> None:
    def said(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "pipelines.cli", *words], capture_output=True, text=True, check=True
        )
        return done.stdout

    assert "celebamask-hq" in said("corpora")
    assert "Labels" in said("corpora", "celeba") or "labels_by" in said("corpora", "celeba")
    assert "looks like fairface" in said("inspect", str(lay(tmp_path / "c", FAIRFACE.files)))
    archive = lay(tmp_path / "z", {"fairface.zip": zip_of(FAIRFACE.files)}) / "fairface.zip"
    assert "looks like fairface" in said("inspect", str(archive))
