"""A folder of pictures, with everything below it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pipelines.places import place
from pipelines.sources.base import Listing, Location, Source, decode_path, is_picture_name
from pipelines.sources.files import count_ignored, folder_split, refuse_urls
from pipelines.sources.stores import store_of


class FolderSource(Source):
    """Pictures in a folder; links are followed, and a folder reached twice is listed once."""

    type: Literal["folder"] = "folder"

    def root(self) -> Path:
        return place(self.path, self.s3)

    def check(self) -> None:
        refuse_urls(self.path)
        super().check()

    def locate(self, listing: Listing) -> Iterator[Location]:
        for location in store_of(self.root()).walk(listing):
            name = decode_path(location.uri)
            if location.uri.endswith("/") or is_picture_name(name):
                yield replace(location, split=self.split or folder_split(location.uri))
            else:
                count_ignored(listing.ignored, name)
