"""Card, gate and takedown of a dataset in a bucket do what they do on a disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from material import jpeg, recipe_text
from s3.conftest import upload

from pipelines import build, card, gate, remove, verify, why
from pipelines.layout import Layout
from pipelines.s3 import S3Path


@pytest.fixture(scope="module")
def local(ray_here: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("takedown")
    (folder / "photos").mkdir()
    for seed in range(12):
        (folder / "photos" / f"p{seed:02d}.jpg").write_bytes(jpeg(seed))
    (folder / "recipe.yaml").write_text(recipe_text("{type: folder, path: photos, licence: CC0-1.0}"))
    build(folder / "recipe.yaml", folder / "out", workers=2)
    card(folder / "out")
    return folder / "out"


def contents(out: Path | S3Path) -> dict[str, str]:
    """SHA-256 of everything but what names times."""
    paths = [path for path in out.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path.name not in ("log.txt", "lock")
    }


def test_the_same_as_on_a_disk(local: Path, bucket: S3Path) -> None:
    files = {str(path.relative_to(local)): path.read_bytes() for path in local.rglob("*") if path.is_file()}
    del files["state/lock"]
    files["state/log.txt"] += b"1 added (p07.jpg)\n"
    out = upload(files, bucket / "out")
    assert gate(str(out)).allowed
    done = remove(str(out), source_id="p07.jpg")
    remove(local, source_id="p07.jpg")
    assert done.pictures == 1 and contents(out) == contents(local)
    assert b"p07.jpg" not in (out / "state" / "log.txt").read_bytes()
    assert verify(str(out)) == []
    assert "removed" in why(str(out), hashlib.sha256(jpeg(7)).hexdigest())[0].sentence
    assert Layout(out).card.is_file()  # type: ignore[arg-type]
