"""Sources on a real S3 server: what is read equals what is read from a folder."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
from pathlib import Path

import lmdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora.miniature import lay, parts_of, seven_zip_of, tar_of, zip_of
from corpora.test_celeba import MINIATURE as CELEBA
from s3.conftest import BUCKET, Faults, forget_clients, upload

from pipelines.corpora import CORPORA
from pipelines.errors import BadPicture, RecipeError
from pipelines.s3 import S3Options, S3Path
from pipelines.sources import SOURCES, Reader
from pipelines.sources.base import Listing, Location, Source
from tests.sources.conftest import content

NAMES = ["plain.jpg", "two words.JPG", "顔/写真.webp", "deep/er/x.tiff", "a#b!c%20.jpeg", "plus+and&.png"]
FILES = {name: content(name) for name in NAMES}


def parquet_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"image": pa.array(list(files.values()), pa.binary())}), buffer)
    return buffer.getvalue()


def lmdb_of(files: dict[str, bytes]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        with lmdb.open(folder) as environment, environment.begin(write=True) as transaction:
            for name, data in files.items():
                transaction.put(name.encode(), data)
        return Path(folder, "data.mdb").read_bytes()


def shard_of(files: dict[str, bytes]) -> bytes:
    members = {}
    for number, data in enumerate(files.values()):
        members |= {f"{number:04d}.jpg": data, f"{number:04d}.json": json.dumps({"number": number}).encode()}
    return tar_of(members)


CASES = {
    "folder": ("", FILES),
    "lmdb": ("sub/x_train_lmdb", {"sub/x_train_lmdb/data.mdb": lmdb_of(FILES)}),
    "tar": ("*.tar", {"a.tar": tar_of(FILES), "b.tar": tar_of({"z.jpg": content("z")})}),
    "7z": ("sub/x.7z.001", {f"sub/{name}": data for name, data in parts_of("x.7z", seven_zip_of(FILES), 3).items()}),
    "zip": ("sub/{a,b}.zip", {"sub/a.zip": zip_of(FILES), "sub/b.zip": zip_of({"z.jpg": content("z")})}),
    "webdataset": ("train-{000000..000001}.tar", {f"train-00000{n}.tar": shard_of(FILES) for n in (0, 1)}),
    "parquet": ("data/*.parquet", {"data/train-0.parquet": parquet_of(FILES)}),
}


def read(source: Source, indexes: Path) -> list[tuple[str, str, str, bytes]]:
    """Name, split, labels and bytes of every picture."""
    indexes.mkdir(exist_ok=True)
    found = list(source.locate(Listing(indexes, b"salt")))
    with source.reader(indexes, 1 << 22) as reader:
        datas = list(reader.read_all(found))
    assert not any(isinstance(data, BadPicture) for data in datas), datas
    return [(one.uri, one.split, one.labels, bytes(data)) for one, data in zip(found, datas, strict=True)]


@pytest.mark.parametrize("kind", CASES)
def test_reads_as_from_a_folder(kind, bucket, tmp_path):
    pattern, files = CASES[kind]
    local, remote = lay(tmp_path / "c", files), upload(files, bucket)
    here = SOURCES[kind].model_validate({"type": kind, "path": f"{local}/{pattern}".rstrip("/")})
    there = SOURCES[kind].model_validate({"type": kind, "path": f"{remote}/{pattern}".rstrip("/")})
    there.check()
    assert read(there, tmp_path / "i") == read(here, tmp_path / "i")


def test_metadata_beside_pictures_is_read(bucket, tmp_path):
    upload({"a.jpg": content("a.jpg"), "metadata.csv": b"file_name,age\na.jpg,31\n"}, bucket)
    source = SOURCES["folder"].model_validate({"type": "folder", "path": str(bucket), "labels": ["age"]})
    assert read(source, tmp_path / "i") == [("a.jpg", "", '{"age":31}', content("a.jpg"))]


def test_compressed_tar_is_entered_through_its_index(bucket, tmp_path):
    upload({"a.tar.gz": gzip.compress(tar_of(FILES))}, bucket)
    source = SOURCES["tar"].model_validate({"type": "tar", "path": f"{bucket}/a.tar.gz"})
    assert sorted(data for *_, data in read(source, tmp_path / "i")) == sorted(FILES.values())


def test_corpus_is_read_in_its_zip(bucket, tmp_path):
    packed = {"img_align_celeba.zip": zip_of({name: data for name, data in CELEBA.files.items() if "/" in name})}
    files = packed | {name: data for name, data in CELEBA.files.items() if "/" not in name}
    upload(files, bucket)
    here, there = (
        CORPORA["celeba"].model_validate({"corpus": "celeba", "path": str(path)})
        for path in (lay(tmp_path / "c", files), bucket)
    )
    assert read(there, tmp_path / "i") == read(here, tmp_path / "i")


def test_path_of_a_corpus_may_be_an_archive(bucket, tmp_path):
    pictures = {name: data for name, data in CELEBA.files.items() if "/" in name}
    others = {name: data for name, data in CELEBA.files.items() if "/" not in name}
    packed = parts_of("img_align_celeba.7z", seven_zip_of(pictures), 2) | others
    others = {"other.zip": zip_of(pictures), "img_align_celeba/000009.jpg": b"x", "below/list_attr_celeba.txt": b"x"}
    upload(packed | others, bucket / "celeba")
    lay(tmp_path / "c", packed)
    here, there = (
        CORPORA["celeba"].model_validate({"corpus": "celeba", "path": f"{path}/img_align_celeba.7z.001"})
        for path in (tmp_path / "c", bucket / "celeba")
    )
    there.check()
    assert read(there, tmp_path / "i") == read(here, tmp_path / "i")
    missing = CORPORA["celeba"].model_validate({"corpus": "celeba", "path": f"{bucket}/celeba/missing.zip"})
    with pytest.raises(RecipeError, match=r"missing\.zip"):
        missing.check()


def test_prefix_that_is_called_like_an_archive_is_a_folder(bucket, tmp_path):
    upload(dict(CELEBA.files), bucket / "img_celeba.7z")
    source = CORPORA["celeba"].model_validate({"corpus": "celeba", "path": f"{bucket}/img_celeba.7z"})
    source.check()
    assert len(read(source, tmp_path / "i")) == CELEBA.num_pictures


def test_endpoint_and_region_of_the_recipe_count(bucket, server, monkeypatch, tmp_path):
    upload({"a.jpg": b"x"}, bucket)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    options = {"endpoint": server.endpoint, "region": "eu-central-1"}
    source = SOURCES["folder"].model_validate({"type": "folder", "path": str(bucket), "s3": options})
    assert [data for *_, data in read(source, tmp_path / "i")] == [b"x"]


def test_one_member_is_one_small_read(bucket, faults: Faults, monkeypatch, tmp_path):
    big = {f"{number:03d}.jpg": content(str(number), 300_000) for number in range(40)}
    upload({"a.tar": tar_of(big), "a.zip": zip_of(big)}, bucket)
    monkeypatch.setenv("AWS_ENDPOINT_URL", faults.endpoint)
    forget_clients()
    for kind in ("tar", "zip"):
        source = SOURCES[kind].model_validate({"type": kind, "path": f"{bucket}/a.{kind}"})
        location = list(source.locate(Listing(tmp_path)))[20]
        before = faults.fetched
        with source.reader(tmp_path, 1 << 22) as reader:
            (data,) = reader.read_all([location])
        assert data == big["020.jpg"]
        assert faults.fetched - before < 500_000, kind


def test_object_replaced_since_it_was_listed_is_noticed(bucket, tmp_path):
    upload({"a.jpg": b"one", "b.tar": tar_of(FILES)}, bucket)
    sources = [
        SOURCES["folder"].model_validate({"type": "folder", "path": str(bucket)}),
        SOURCES["tar"].model_validate({"type": "tar", "path": f"{bucket}/b.tar"}),
    ]
    found = [next(iter(source.locate(Listing(tmp_path)))) for source in sources]
    upload({"a.jpg": b"two", "b.tar": tar_of(dict(reversed(FILES.items())))}, bucket)
    for source, location in zip(sources, found, strict=True):
        with source.reader(tmp_path, 1 << 22) as reader:
            (outcome,) = reader.read_all([location])
        assert isinstance(outcome, BadPicture)
        assert outcome.reason == "changed"


def test_object_that_is_gone_is_counted(bucket, tmp_path):
    with Reader(bucket, tmp_path, 100) as reader:  # type: ignore[arg-type]
        (outcome,) = reader.read_all([Location("x.jpg", "x.jpg", "file")])
    assert isinstance(outcome, BadPicture)
    assert outcome.reason == "unreadable"


def fault(path: str, **options: object) -> str:
    source = SOURCES["folder"].model_validate({"type": "folder", "path": path, "s3": options})
    with pytest.raises(RecipeError) as caught:
        source.check()
    return str(caught.value)


def test_missing_bucket_is_named(bucket):
    assert "no such bucket" in fault("s3://no-such-bucket-here/x")


def test_empty_prefix_is_named(bucket):
    assert "no folder" in fault(f"s3://{BUCKET}/nothing-below-here")


def test_unknown_key_is_named(bucket, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    forget_clients()
    assert "the access key is not known" in fault(str(bucket))


def test_wrong_secret_is_named_and_not_told(bucket, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "guess-nobody-knows")
    forget_clients()
    said = fault(str(bucket))
    assert "the secret does not belong to the access key" in said
    assert "guess-nobody-knows" not in said


def test_no_credentials_are_named(bucket, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    forget_clients()
    assert "no credentials were found" in fault(str(bucket))


def test_anonymous_reading_is_refused_by_a_private_bucket(bucket):
    assert "may not do this" in fault(str(bucket), anonymous=True)


def test_no_object_of_a_pattern_is_named(bucket):
    upload({"a.tar": b"x"}, bucket)
    source = SOURCES["tar"].model_validate({"type": "tar", "path": f"{bucket}/b-*.tar"})
    with pytest.raises(RecipeError, match="no object is called"):
        source.check()


def test_storm_of_503_is_survived(bucket, faults: Faults, monkeypatch, tmp_path):
    upload(FILES, bucket)
    monkeypatch.setenv("AWS_ENDPOINT_URL", faults.endpoint)
    forget_clients()
    faults.failing, faults.every = 5, 3
    source = SOURCES["folder"].model_validate({"type": "folder", "path": str(bucket)})
    assert sorted(data for *_, data in read(source, tmp_path / "i")) == sorted(FILES.values())


@pytest.mark.parametrize("text", ["s3://", "s3:///key", "http://x/y"])
def test_path_without_a_bucket_is_refused(text):
    with pytest.raises(RecipeError, match="expected s3://bucket/key"):
        S3Path.parse(text)


def test_path_behaves_like_one():
    path = S3Path.parse("s3://b/a/x.tar.gz", S3Options())
    assert (str(path.parent), path.name, path.stem, path.suffix) == ("s3://b/a", "x.tar.gz", "x.tar", ".gz")
    assert str(path.parent / "y" / "z") == "s3://b/a/y/z"
    assert (path.parent / "y").relative_to(path.parent) == "y"
