"""A Hub with nothing in it, at the address that the real clients of this process use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from hub.server import Hub, serving


@pytest.fixture
def port() -> int:
    return int(urlsplit(os.environ["HF_ENDPOINT"]).port or 0)


@pytest.fixture
def hub(port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    from pipelines import hub as place

    monkeypatch.setattr(place, "PATIENCE_SECONDS", 3.0)
    found = Hub()
    with serving(found, port):
        yield found
