"""A large JSON object, member by member."""

from __future__ import annotations

import io
import json
import tracemalloc
from typing import Any

import pytest

from pipelines.corpora.readers import json_object
from pipelines.corpora.readers.json_object import json_members

OBJECTS: list[dict[str, Any]] = [
    {},
    {"a": 1},
    {"a": [1, {"b": None}], 'ä"\\': "} , {", "": -1.5e3, "t": True, "long": "x" * 5000},
]


@pytest.mark.parametrize("chunk", [1, 7, 64, 1 << 20])
@pytest.mark.parametrize("value", OBJECTS)
@pytest.mark.parametrize("indent", [None, 200])
def test_reads_what_json_reads_however_it_is_cut(value, chunk, indent, monkeypatch):
    monkeypatch.setattr(json_object, "_CHUNK", chunk)
    data = json.dumps(value, ensure_ascii=False, indent=indent).encode()
    assert dict(json_members(io.BytesIO(data))) == value


def test_number_at_the_end_of_a_chunk_goes_on(monkeypatch):
    monkeypatch.setattr(json_object, "_CHUNK", 1)
    assert dict(json_members(io.BytesIO(b'{"a":12345,"b":0.25}'))) == {"a": 12345, "b": 0.25}


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b'{"a"', b'{"a":1', b'{"a":1,}', b'{"a":1} {', b"{1:2}", b'{"a":1 "b":2}', b"\xff\xfe{}"]
)
def test_anything_else_is_refused_with_the_place(data):
    with pytest.raises(ValueError, match=r"after \d members"):
        list(json_members(io.BytesIO(data)))


def test_value_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(json_object, "MAX_MEMBER", 1000)
    monkeypatch.setattr(json_object, "_CHUNK", 100)
    with pytest.raises(ValueError, match="after 0 members"):
        list(json_members(io.BytesIO(b'{"a": "' + b"x" * 100_000 + b'"}')))


def test_memory_does_not_grow_with_the_file():
    data = json.dumps({str(number): {"points": [1.5] * 1000} for number in range(5000)}).encode()
    tracemalloc.start()
    try:
        assert sum(1 for _ in json_members(io.BytesIO(data))) == 5000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(data) > 25_000_000 > 2 * peak
