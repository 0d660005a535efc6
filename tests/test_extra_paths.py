"""A corpus that is joined to another one: paths are settled and checked early, read when building, and told nowhere."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from corpora import test_fmld, test_maskedface_net, test_rmfd
from corpora.miniature import lay

from pipelines import build
from pipelines.errors import RecipeError
from pipelines.layout import Layout
from pipelines.recipe import parse

TEXT = """name: masked
sources:
  - {corpus: maskedface-net, path: masks, ffhq: originals}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lay(tmp_path / "masks", test_maskedface_net.MINIATURE.files)
    lay(tmp_path / "originals", test_maskedface_net.FFHQ)
    return tmp_path


def test_relative_paths_start_at_the_recipe(folder):
    (source,) = parse(TEXT, "r.yaml", folder).sources
    assert source.extra_roots() == {"ffhq": folder / "originals"}


def test_a_missing_folder_is_named_with_its_line(folder):
    text = "name: masked\nsources:\n  - corpus: maskedface-net\n    path: masks\n    ffhq: nowhere\n"
    with pytest.raises(RecipeError, match=r"^r\.yaml:5: no folder .*nowhere.*correct the source's ffhq$"):
        parse(text, "r.yaml", folder)


def test_where_it_lies_does_not_change_the_dataset_but_whether_it_is_there_does(folder):
    (folder / "originals").rename(folder / "elsewhere")
    lay(folder / "originals", test_maskedface_net.FFHQ)
    here, there, without = (
        parse(TEXT.replace(", ffhq: originals", said), "r.yaml", folder).digest()
        for said in (", ffhq: originals", ", ffhq: elsewhere", "")
    )
    assert here == there != without


def test_a_build_reads_both_places_and_names_no_one(ray_here, tmp_path):
    lay(tmp_path / "fmld", test_fmld.FMLD)
    lay(tmp_path / "mafa", test_fmld.MAFA)
    lay(tmp_path / "rmfd", test_rmfd.MINIATURE.files)
    (tmp_path / "r.yaml").write_text(
        "name: masked\nimage: {size: 64}\ncurate: {min_side: 32}\nsplits: {train: 1.0}\nsources:\n"
        "  - {corpus: fmld, path: fmld, mafa: mafa}\n  - {corpus: rmfd, path: rmfd}\n"
    )
    build(tmp_path / "r.yaml", tmp_path / "out", workers=2)
    (shard,) = Layout(tmp_path / "out").shards.glob("*.tar")
    told = [json.loads(data) for name, data in members(shard) if name.endswith(".json")]
    assert len(told) == len(test_fmld.MAFA) + test_rmfd.MINIATURE.num_pictures
    assert {"mafa/test-images/images/test_00000001.jpg", "AFDB_face_dataset/~/0_1.jpg"} <= {
        sample["source_uri"] for sample in told
    }
    written = b"".join(path.read_bytes() for path in Layout(tmp_path / "out").shards.iterdir())
    assert b"zhangsan" not in written
    assert str(tmp_path).encode() not in written


def members(shard: Path) -> list[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(shard.read_bytes())) as archive:
        return [(member.name, archive.extractfile(member).read()) for member in archive]
