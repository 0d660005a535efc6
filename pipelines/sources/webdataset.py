"""Pictures in WebDataset shards: members that share a name up to the first dot are one sample."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any, ClassVar, Literal

from pydantic import Field

from pipelines.sources.archive import Archive, ArchiveBroken, ArchiveSource
from pipelines.sources.base import OFFICIAL_SPLITS, Listing, Location, is_picture_name
from pipelines.sources.files import count_ignored, labels_json
from pipelines.sources.tar import member_location, open_tar, tar_members

PREFERRED = ("jpg", "jpeg", "image.jpg", "image.jpeg", "png", "image.png", "webp", "image.webp")
"""Which member is the picture when the recipe does not say, first choice first."""

PICKLES = frozenset({"pyd", "pickle", "pkl", "pth", "pt"})
"""Members that run code when they are loaded: never read."""

MAX_JSON_BYTES = 1 << 20


class WebDatasetSource(ArchiveSource):
    """Samples of WebDataset shards, .tar or .tar.gz."""

    type: Literal["webdataset"] = "webdataset"
    image: str | None = Field(None, description="Extension of the member that is the picture; found out when empty.")
    container: ClassVar[str] = "tar"

    def pictures(self, archive: Archive, listing: Listing) -> Iterator[Location]:
        broken: list[ArchiveBroken] = []
        with open_tar(archive, listing.index_dir) as tar:
            found = _until_broken(tar, listing, broken)
            for key, group in groupby(found, key=lambda member: _split_name(member.name)[0]):
                members = [member for member in group if not member.isdir()]
                # The sample in which the archive ends may lack members; one that has its picture is kept.
                if members:
                    yield self._locate_sample(tar, key, members, listing)
        if broken:
            raise broken[0]

    def _locate_sample(self, tar: Archive, key: str, members: list[tarfile.TarInfo], listing: Listing) -> Location:
        by_extension = {_split_name(member.name)[1].lower(): member for member in members}
        picture = self._choose(by_extension)
        for extension, member in by_extension.items():
            suffix = extension.rpartition(".")[2]
            if suffix in PICKLES:
                listing.ignored[f"pickle refused (.{suffix})"] += 1
            elif member is not picture and extension != "json":
                count_ignored(listing.ignored, member.name)
        if picture is None:
            found = ", ".join(sorted(by_extension))
            return tar.location(key, reason="incomplete_sample", detail=f"its members are {found}")
        fields = _read_json(tar, by_extension.get("json"))
        location = member_location(tar, picture, labels=labels_json(fields))
        split = OFFICIAL_SPLITS.get(str(fields.get("split", "")).lower(), "")
        return replace(location, split=self.split or split or location.split)

    def _choose(self, by_extension: dict[str, tarfile.TarInfo]) -> tarfile.TarInfo | None:
        if self.image is not None:
            return by_extension.get(self.image.lower().lstrip("."))
        pictures = [
            extension
            for extension in by_extension
            if is_picture_name(f"x.{extension}") and "mask" not in extension and "damaged" not in extension
        ]
        ranked = [extension for extension in PREFERRED if extension in pictures] + sorted(pictures)
        return by_extension[ranked[0]] if ranked else None


def _until_broken(tar: Archive, listing: Listing, broken: list[ArchiveBroken]) -> Iterator[tarfile.TarInfo]:
    """The members that can be read; what ended them is left in `broken`, so that the last sample is not lost."""
    try:
        yield from tar_members(tar, listing)
    except ArchiveBroken as error:
        broken.append(error)


def _split_name(name: str) -> tuple[str, str]:
    """Key and extension: the first dot after the last slash parts them."""
    folder, slash, base = name.rpartition("/")
    stem, _, extension = base.partition(".")
    return f"{folder}{slash}{stem}", extension


def _read_json(tar: Archive, member: tarfile.TarInfo | None) -> dict[str, Any]:
    if member is None or not member.isreg() or member.size > MAX_JSON_BYTES:
        return {}
    tar.stream.seek(member.offset_data)
    try:
        fields = json.loads(tar.stream.read(member.size))
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}
