"""Versions of everything that decides the bytes of a build."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import version

DECIDING = (
    *("mendery", "fonttools", "indexed-gzip", "isal", "numpy", "opencv-python", "pillow", "pyarrow", "pydantic"),
    "simplejpeg",
)


@cache
def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that decide the bytes, by name."""
    major_minor = ".".join(platform.python_version_tuple()[:2])
    return {"python": major_minor} | {name: version(name) for name in DECIDING}
