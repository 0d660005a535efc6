"""Writing a shard: the headers are those that tarfile would write."""

from __future__ import annotations

import io
import tarfile

import pytest

from pipelines.shards.write import tar_header


@pytest.mark.parametrize("name", ["k.json", "0123456789abcdef0123-00-00.damaged.png", "x" * 100])
@pytest.mark.parametrize("size", [0, 1, 511, 512, 24_680, 8**11 - 1])
def test_header_equals_the_one_of_tarfile(name: str, size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size = size
    assert tar_header(name, size) == member.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")


def test_header_reads_back() -> None:
    archive = tar_header("a.json", 3) + b"abc".ljust(512, b"\0") + bytes(1024)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        assert [(member.name, member.size) for member in tar] == [("a.json", 3)]


def test_name_that_does_not_fit_is_refused() -> None:
    with pytest.raises(AssertionError):
        tar_header("x" * 101, 1)
