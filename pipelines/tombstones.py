"""Tombstones: digests of pictures that were removed from a dataset, and must not come back.

The list is public and goes with the dataset, so that whoever has an earlier copy can find what was taken out of it by
`source_sha256`; it holds digests only. A list of an earlier dataset may be named in a recipe (`tombstones:`), and the
one that lies in an output folder holds there in any case. A person is listed as a digest of the digest that the build
knows, which is salted: it holds in that folder only, and nobody else can tell who it is.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import MenderyError
from pipelines.places import place
from pipelines.storage import put_json, read_json

VERSION = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PLACE_DIGITS = 24


@dataclass(frozen=True)
class Tombstones:
    """What was removed.

    Attributes:
        sha256: of the source bytes of pictures.
        people: digests of identities, see `person`.
    """

    sha256: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()

    def __or__(self, other: Tombstones) -> Tombstones:
        return Tombstones(self.sha256 | other.sha256, self.people | other.people)

    def __bool__(self) -> bool:
        return bool(self.sha256 or self.people)

    def digest(self) -> str:
        """One digest of all, by which a recipe knows them."""
        text = json.dumps([sorted(self.sha256), sorted(self.people)])
        return hashlib.sha256(text.encode()).hexdigest()


def read(path: Path) -> Tombstones:
    """A list; an empty one where there is none.

    Raises:
        MenderyError: it is not a list of tombstones.
    """
    if not path.is_file():
        return Tombstones()
    try:
        stated = read_json(path)
        found = Tombstones(frozenset(stated["sha256"]), frozenset(stated["people"]))
    except (ValueError, TypeError, KeyError) as error:
        raise MenderyError(f"{path} is no list of tombstones: {error!r}") from None
    if bad := [text for text in (*found.sha256, *found.people) if not _is_digest(text)]:
        raise MenderyError(f"{path} is no list of tombstones: {bad[0]!r} is no SHA-256")
    return found


def write(path: Path, removed: Tombstones) -> None:
    """Writes a list; equal lists are equal bytes."""
    what = "SHA-256 of the source bytes of pictures that were removed and must not be used; 'people' are salted digests"
    put_json(
        path, {"version": VERSION, "what": what, "sha256": sorted(removed.sha256), "people": sorted(removed.people)}
    )


def all_of(paths: Iterable[str | Path]) -> Tombstones:
    """All lists together; each must be there.

    Raises:
        MenderyError: one is not there, or is none.
    """
    found = Tombstones()
    for path in paths:
        if not place(path).is_file():
            raise MenderyError(f"no list of tombstones {str(path)!r}")
        found |= read(place(path))
    return found


def of(paths: Iterable[str | Path], own: Path) -> Tombstones:
    """What holds for a build: the lists that its recipe names, and the one in its output folder."""
    return all_of(paths) | read(own)


def person(identity: str) -> str:
    """What a list says of a person: a digest of the salted digest of the build."""
    return hashlib.sha256(f"identity {identity}".encode()).hexdigest()


def spot(salt: bytes, source: str, uri: str, offset: int) -> str:
    """What the state remembers of the place of a removed picture, so that it is not even listed again.

    Args:
        source: name of the source.
        offset: in its archive, since an archive may hold several members of one name.
    """
    return hmac.digest(salt, f"{source}\0{uri}\0{offset}".encode(), hashlib.sha256).hex()[:_PLACE_DIGITS]


@dataclass(frozen=True)
class Places:
    """Places of removed pictures in one output folder, digested with its salt.

    Attributes:
        people: digests as the list has them, for pictures of a removed person that turn up later.
    """

    salt: bytes = b""
    spots: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()

    def name_of(self, source: str, uri: str, offset: int, identity: str) -> str:
        """URI under which a removed picture is listed; "" for any other picture."""
        if not self.spots and not self.people:
            return ""
        digest = spot(self.salt, source, uri, offset)
        gone = digest in self.spots or (identity and person(identity) in self.people)
        return anonymous(digest) if gone else ""


def anonymous(digest: str) -> str:
    """The URI of a removed picture in the state: nothing but that it was there."""
    return f"removed/{digest}"


def read_places(path: Path) -> frozenset[str]:
    return frozenset(read_json(path)["places"]) if path.is_file() else frozenset()


def write_places(path: Path, spots: Iterable[str]) -> None:
    put_json(path, {"places": sorted(spots)})


def _is_digest(text: Any) -> bool:
    return isinstance(text, str) and _SHA256.fullmatch(text) is not None
