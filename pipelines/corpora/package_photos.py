"""Photographs that ship inside Python packages: what the demo is built from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pydantic import Field

from pipelines.cards import front_matter
from pipelines.errors import RecipeError
from pipelines.sources.base import Listing, Location, Source, encode_path


class PackagePhotos(Source):
    """The photographs listed in the corpus's card, read where pip has put them."""

    corpus: Literal["package-photos"]
    path: str = Field("", description="Not needed: the packages are found where they are installed.")

    def root(self) -> Path:
        for package in ("skimage", "sklearn"):
            if find_spec(package) is None:
                raise RecipeError(f"corpus package-photos needs {package}: pip install 'mendery[demo]'")
        spec = find_spec("skimage")
        assert spec is not None
        assert spec.origin is not None
        return Path(spec.origin).parent.parent

    def locate(self, listing: Listing) -> Iterator[Location]:
        root = self.root()
        for picture in front_matter("package-photos")["pictures"]:
            status = (root / picture["file"]).stat()
            yield Location(
                uri=encode_path(picture["file"]),
                file=encode_path(picture["file"]),
                container="file",
                offset=0,
                stored_size=status.st_size,
                size=status.st_size,
                mtime_ns=status.st_mtime_ns,
                split=self.split,
                labels=json.dumps({"title": picture["title"]}),
                licence=picture["licence"],
                licence_url=picture["licence_url"],
                attribution=picture["attribution"],
            )
