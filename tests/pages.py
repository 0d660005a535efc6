"""Reading a page as a program, and looking at it in a real browser."""

from __future__ import annotations

import os
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

HOSTILE = "\"><script>alert('x')</script><img src=x onerror=alert(1)>"
LOADING = {"src", "srcset", "data", "poster", "background", "action", "formaction", "ping"}
FLAGS = (
    "headless", "no-sandbox", "disable-gpu", "hide-scrollbars", "disable-quic", "no-first-run",
    "disable-background-networking", "disable-component-update", "disable-sync",
)  # fmt: skip


class Page(HTMLParser):
    """Elements of a page in order, each with its attributes, and its visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._skip = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._skip = tag in {"style", "script"}

    def handle_endtag(self, tag: str) -> None:
        self._skip = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._skip else data

    def cards(self) -> list[dict[str, str]]:
        return [attributes for _, attributes in self.elements if attributes.get("class") == "card"]


def browse(profile: Path, address: str, *options: str) -> str:
    """Shows a page in headless Chromium and gives its standard output."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is not installed: apt-get install chromium")
        pytest.skip("chromium is not installed: apt-get install chromium")
    command = [chromium, *(f"--{flag}" for flag in FLAGS), f"--user-data-dir={profile}", *options, address]
    return subprocess.run(command, check=True, capture_output=True, timeout=120, text=True).stdout
