"""Lists of URLs are read in every format; a line that holds none is a picture with a reason."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import BadPicture, RecipeError
from pipelines.sources.addresses import is_public
from pipelines.sources.base import Listing, Location
from pipelines.sources.politeness import opted_out, retry_after
from pipelines.sources.urls import UrlSource, clean

ROWS = [{"url": f"http://a.example/{number}.jpg", "caption": f"no. {number}", "n": number} for number in range(3)]


def listed(path: Path, **options: Any) -> list[Location]:
    source = UrlSource(path=str(path), **options)
    source.check()
    return list(source.locate(Listing(path.parent)))


def write(path: Path) -> Path:
    """The rows in the format that the name asks for."""
    name = path.name.removesuffix(".gz")
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(ROWS), path)
        return path
    if name.endswith(".jsonl"):
        text = "".join(json.dumps(row) + "\n" for row in ROWS)
    elif name.endswith(".txt"):
        text = "\n".join(str(row["url"]) for row in ROWS) + "\n\n"
    else:
        comma = "," if name.endswith(".csv") else "\t"
        text = "\ufeff" + "".join(comma.join(map(str, row)) + "\r\n" for row in [ROWS[0], *(r.values() for r in ROWS)])
    path.write_bytes(gzip.compress(text.encode()) if path.name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.tsv", "a.jsonl", "a.jsonl.gz", "a.parquet"])
def test_rows_and_labels_of_every_format(tmp_path: Path, name: str) -> None:
    found = listed(write(tmp_path / name), labels=["caption"])
    assert [location.uri for location in found] == [row["url"] for row in ROWS]
    assert [json.loads(location.labels) for location in found] == [{"caption": row["caption"]} for row in ROWS]


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_text_has_one_url_per_line(tmp_path: Path, name: str) -> None:
    assert [location.uri for location in listed(write(tmp_path / name))] == [row["url"] for row in ROWS]


def test_user_and_password_are_for_asking_only(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("https://jane:secret@a.example:8443/x.jpg?size=2#top\n")
    (location,) = listed(tmp_path / "a.txt")
    assert location.uri == "https://a.example:8443/x.jpg?size=2"
    assert location.file == "https://jane:secret@a.example:8443/x.jpg?size=2"


def test_urls_are_plain_ascii_and_what_is_encoded_stays() -> None:
    assert clean("HTTP://Bücher.example/é a".replace(" ", "%20"))[1] == "http://xn--bcher-kva.example/%C3%A9%20a"
    assert clean("http://a.example/%7e?s=%2F%2f")[1] == "http://a.example/%7e?s=%2F%2f"
    assert clean("http://a.example")[1] == "http://a.example/"


@pytest.mark.parametrize(
    "line",
    ["nonsense", "//a.example/x", "ftp://a.example/x", "file:///etc/passwd", "http://", "http://a:99999/", "http://[::1/",
     "http://a.example/x y", "javascript:1", "http://a..b/", "data:image/png;base64,AA", "http://a/\x7f"],
)  # fmt: skip
def test_lines_without_a_url_are_counted(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.txt").write_text(f"http://a.example/1\n{line}\nhttp://a.example/2\n")
    found = listed(tmp_path / "a.txt")
    assert [location.reason for location in found] == ["", "bad_url", ""]
    assert found[1].uri == "a.txt#1"


def test_a_secret_in_a_bad_line_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("http://jane:secret@a.example:port/\nftp://jane:secret@a.example/\n")
    assert all("secret" not in repr(location) and location.reason for location in listed(tmp_path / "a.txt"))


def test_broken_rows_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"url": "http://a.example/1"}\n{"url": \n[1]\n{"other": 2}\n')
    (tmp_path / "a.csv").write_text('n,url\n1\n2,http://a.example/2\n3,"\n')
    assert [location.reason for location in listed(tmp_path / "a.jsonl")] == ["", "bad_url", "bad_url", "bad_url"]
    assert [location.reason for location in listed(tmp_path / "a.csv")] == ["bad_url", "", "bad_url"]


def test_a_list_that_is_cut_is_read_up_to_there(tmp_path: Path) -> None:
    lines = "".join(f"http://a.example/{number * 7919 % 10007}\n" for number in range(9000))
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(lines.encode())[:20_000])
    found = listed(tmp_path / "a.txt.gz")
    assert len(found) > 1000 and found[-1].reason == "archive_broken"
    assert {location.reason for location in found[:-2]} == {""}


def test_a_line_that_never_ends_costs_no_memory(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x" * 3_000_000)
    assert [location.reason for location in listed(tmp_path / "a.txt")] == ["bad_url"] * 3


def test_columns_of_digest_licence_and_attribution(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        f"url,sum,l,who\nhttp://a.example/1,{'AB' * 32},CC0-1.0,Jane\nhttp://a.example/2,xy,,\n"
    )
    options = {"sha256": "sum", "licence_column": "l", "attribution_column": "who"}
    first, second = listed(tmp_path / "a.csv", **options)
    assert (first.etag, first.licence, first.attribution) == (f"sha256:{'ab' * 32}", "CC0-1.0", "Jane")
    assert second.reason == "bad_label"


@pytest.mark.parametrize(
    ("name", "text", "options", "expected"),
    [
        ("a.csv", "x,y\n", {}, "which column holds the URLs"),
        ("a.csv", "url,y\n", {"labels": ["z"]}, "no column 'z'; its columns are url, y"),
        ("a.xls", "", {}, "a list of URLs is .txt"),
    ],
)
def test_wrong_lists_are_refused(tmp_path: Path, name: str, text: str, options: dict[str, Any], expected: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(RecipeError, match=expected):
        listed(tmp_path / name, **options)


PRIVATE = (
    "127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 240.0.0.1 255.255.255.255 "
    "::1 :: fe80::1 fe80::1%eth0 fec0::1 fd00::1 ff02::1 ::ffff:10.0.0.1 64:ff9b::7f00:1 2002:7f00:1:: ::127.0.0.1"
)


@pytest.mark.parametrize("address", PRIVATE.split())
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["noai"], "noai"),
        (["all, NoImageAI"], "noimageai"),
        (["nofollow", "noindex"], "noindex"),
        (["none"], "none"),
        (["otherbot: noai"], ""),
        (["mendery: noai"], "noai"),
        (["*: noimageindex"], "noimageindex"),
        (["otherbot: noai, mendery: nofollow, noindex"], "noindex"),
        (["max-snippet: 0, noai"], "noai"),
        (["nofollow, noarchive"], ""),
        ([], ""),
    ],
)
def test_opt_out_directives(tags: list[str], expected: str) -> None:
    assert opted_out(tags, "mendery/1.0") == expected


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after("7") == 7
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert retry_after("Wed, 21 Oct 2415 07:28:00 GMT") > 1e9
    assert retry_after("soon") == retry_after("") == retry_after("-5") == 0
    assert retry_after("9" * 5000) == float("inf")


def test_clean_never_raises_anything_else() -> None:
    for text in (
        "http://\u2100.example/",
        "http://a.example/\ud800",
        "http://a:b:c/",
        "http://%/",
        "http://" + "a" * 70 + ".b/",
    ):
        try:
            asked, told = clean(text)
        except BadPicture:
            continue
        assert asked.isascii() and told.isascii()
