"""Pools: pictures that damages draw from - masks, silhouettes, cut-outs, logos, templates.

A pool is a folder or an archive of a user's, or one that ships with the program, and has a name. Parameters never hold
where it lies: they hold its name, the name of an item and the item's SHA-256, so that the same pool anywhere draws
the same, and another one is noticed. The price: whoever draws again needs the pool too.

An entry of a recipe has a field of type `PoolRef`, which opens the pool; drawing asks for an item by what its
parameters say:

    pool = self.pool.open()                       # in `sample`
    item = pool.items[integer(rng, 0, len(pool.items) - 1)]
    return Parameters(pool=pool.name, item=item, sha256=pool.sha256_of(item))

    item_of(self.pool, self.item, self.sha256).grey    # in `draw`
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import tempfile
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, SerializationInfo, ValidationInfo, model_serializer, model_validator

from pipelines.classes import SCHEMES
from pipelines.damage.base import Mask
from pipelines.errors import BadPicture, MenderyError, RecipeError
from pipelines.unions import or_text

if TYPE_CHECKING:
    from pipelines.sources.base import Location
    from pipelines.sources.reading import Reader

Cutout = NDArray[np.uint8]
"""(H, W, 4) RGBA, not premultiplied."""

MAP_SCHEMES = ("any", "cityscapes-instances", *sorted(set(SCHEMES) - {"cityscapes-instances"}))
"""Kinds of label maps: "any" takes every number but 0 for a class of its own."""

MAX_PIXELS = 1 << 25
MAX_SIDE = (1 << 15) - 1
MAX_BYTES = 64 << 20
"""Of one item, decoded and encoded."""

CACHED_BYTES = 96 << 20
"""Of decoded items of all pools, in one process."""

WORTH_REMEMBERING = 500
"""Items from which the outcome of checking a pool is kept in the user's cache."""


class PoolMissing(MenderyError):
    """A pool is asked for that is not here, so what was drawn from it cannot be drawn again."""

    def __init__(self, name: str) -> None:
        super().__init__(f"pool {name!r} is not here: say where it lies, with --pool {name}=PATH")
        self.name = name


@dataclass(frozen=True, eq=False)
class Item:
    """One picture of a pool; not to be written to.

    Attributes:
        pixels: (H, W) uint8 of a grey picture, (H, W, 4) of any other.
    """

    name: str
    sha256: str
    pixels: NDArray[np.uint8]

    @cached_property
    def has_alpha(self) -> bool:
        return self.pixels.ndim == 3 and bool((self.pixels[..., 3] < 255).any())

    @cached_property
    def grey(self) -> Mask:
        """(H, W) uint8: alpha where anything is transparent, else brightness."""
        if self.pixels.ndim == 2:
            return self.pixels
        if self.has_alpha:
            return np.ascontiguousarray(self.pixels[..., 3])
        return cv2.cvtColor(self.pixels, cv2.COLOR_RGBA2GRAY)  # type: ignore[return-value]

    @cached_property
    def rgba(self) -> Cutout:
        """(H, W, 4) uint8; alpha is 255 where the picture has none."""
        return self.pixels if self.pixels.ndim == 3 else cv2.cvtColor(self.pixels, cv2.COLOR_GRAY2RGBA)  # type: ignore[return-value]


class Store(Protocol):
    """What holds the items of a pool."""

    def names(self) -> Iterator[str]:
        """Every item, usable or not."""

    def read(self, name: str) -> tuple[str, NDArray[np.uint8]]:
        """SHA-256 and pixels of an item, (H, W) or (H, W, 4).

        Raises:
            BadPicture: it cannot be used.
        """

    def state(self) -> str:
        """Digest of what tells without reading whether items changed, "" if nothing does."""


class Pool:
    """Pictures to draw from, sorted by name.

    Attributes:
        name: by which parameters and samples know it.
    """

    def __init__(self, name: str, store: Store) -> None:
        self.name, self._store = name, store

    @cached_property
    def names(self) -> frozenset[str]:
        """Every item, unread; some may turn out not to be usable."""
        return frozenset(self._store.names())

    @cached_property
    def items(self) -> tuple[str, ...]:
        """Usable items, sorted. The first access reads and checks the whole pool.

        Raises:
            RecipeError: there is none.
        """
        usable = tuple(sorted(self._checked[0]))
        if not usable:
            found = "; ".join(f"{name}: {reason}" for name, reason in sorted(self.skipped.items())[:3])
            raise RecipeError(f"pool {self.name!r} holds no usable picture" + (f" ({found})" if found else ""))
        return usable

    @property
    def skipped(self) -> dict[str, str]:
        """Items that cannot be used, with their reasons."""
        return self._checked[1]

    @cached_property
    def sha256(self) -> str:
        """Digest of all usable items and their names."""
        told = [(name, self.sha256_of(name)) for name in self.items]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def sha256_of(self, name: str) -> str:
        """Digest of a usable item."""
        return self._checked[0][name][0]

    def share_of(self, name: str) -> float:
        """Mean of a usable item's `grey`, from 0 to 1: of a mask, how much of it is white."""
        return self._checked[0][name][1]

    def item(self, name: str, sha256: str = "") -> Item:
        """An item, decoded.

        Args:
            sha256: what it must be; "" takes whatever is there.

        Raises:
            MenderyError: there is none of this name, it cannot be read, or it is another one than asked for.
        """
        found = _CACHE.get((id(self), name))
        if found is None:
            found = _CACHE.put((id(self), name), self._read(name))
        if sha256 and found.sha256 != sha256:
            raise MenderyError(
                f"item {name!r} of pool {self.name!r} has SHA-256 {found.sha256[:12]}..., expected {sha256[:12]}...: "
                "this is not the pool that was drawn from, or the item was changed"
            )
        return found

    def _read(self, name: str) -> Item:
        if name not in self.names:
            raise MenderyError(f"pool {self.name!r} has no item {name!r}: is it the pool that was drawn from?")
        try:
            sha256, pixels = self._store.read(name)
        except BadPicture as bad:
            raise MenderyError(f"item {name!r} of pool {self.name!r} cannot be read: {bad}") from None
        pixels.flags.writeable = False
        return Item(name, sha256, pixels)

    @cached_property
    def _checked(self) -> tuple[dict[str, tuple[str, float]], dict[str, str]]:
        """Digest and share of the items that can be used, and reasons of the others."""
        state = self._store.state() if len(self.names) >= WORTH_REMEMBERING else ""
        remembered = recall(state)
        if remembered is not None and self.names == remembered[0].keys() | remembered[1].keys():
            return remembered[0], remembered[1]
        usable: dict[str, tuple[str, float]] = {}
        skipped: dict[str, str] = {}
        for name in sorted(self.names):
            try:
                item = Item(name, *self._store.read(name))
            except BadPicture as bad:
                skipped[name] = str(bad)
                continue
            usable[name] = item.sha256, round(float(item.grey.mean()) / 255, 4)
        remember(state, [usable, skipped])
        return usable, skipped


class PoolRef(BaseModel):
    """A pool as a recipe names it: a path or the name of a shipped one, or both fields.

    Beside a recipe's file (context `folder`) relative paths start there; with `check` in the context an absent or empty
    pool is refused. Dumped with the context `portable`, the digest stands in the path's place.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=or_text)

    path: str = Field(
        description="Folder, zip or tar of pictures, instances in COCO's JSON, or the name of a pool that ships."
    )
    name: str = Field("", description="What samples call the pool; by default how the folder or file is called.")
    maps: Literal["", *MAP_SCHEMES] = Field(  # type: ignore[valid-type]
        "", description="Take the pictures for label maps of this kind, each connected part of a class for an item."
    )

    @model_validator(mode="before")
    @classmethod
    def _take_text(cls, value: Any, info: ValidationInfo) -> Any:
        fields = {"path": value} if isinstance(value, str) else value
        if not isinstance(fields, dict) or not isinstance(fields.get("path"), str):
            return fields
        path = fields["path"]
        if path not in SHIPPED and ":" not in path.split("/", maxsplit=1)[0]:
            path = str(Path((info.context or {}).get("folder") or Path.cwd()) / Path(path).expanduser())
        return {**fields, "path": path, "name": fields.get("name") or _stem(path)}

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> Self:
        if not self.name or "=" in self.name:
            raise ValueError(f"a pool's name must not be empty or hold '=', found {self.name!r}: give it a name")
        if (info.context or {}).get("check"):
            # Whoever reads a recipe again may have changed its pools.
            _OPEN.pop((self.path, self.name, self.maps), None)
            try:
                names = self.open().names
            except MenderyError as error:
                raise ValueError(str(error)) from None
            if not names:
                raise ValueError(f"pool {self.name!r} is empty: no picture in {self.path!r}")
        return self

    @model_serializer(mode="wrap")
    def _dump(self, dump: Callable[[Any], dict[str, Any]], info: SerializationInfo) -> dict[str, Any]:
        if not (info.context or {}).get("portable"):
            return dump(self)
        return {"name": self.name, "maps": self.maps, "sha256": self.open().sha256}

    def is_there(self) -> bool:
        """Whether something is where it says."""
        try:
            return bool(self.open())
        except MenderyError:
            return False

    def open(self) -> Pool:
        """The pool, which from now on is found by its name; listed once in a process.

        Raises:
            RecipeError: nothing is there.
        """
        key = (self.path, self.name, self.maps)
        pool = _OPEN.get(key)
        if pool is None:
            pool = _OPEN[key] = Pool(self.name, _store_at(self.path, self.maps))
        _LOCATED[self.name] = pool
        return pool


def refs(model: object) -> Iterator[PoolRef]:
    """Every pool that a model of a recipe names, at any depth."""
    if isinstance(model, PoolRef):
        yield model
    elif isinstance(model, BaseModel):
        yield from refs([getattr(model, name) for name in type(model).model_fields])
    elif isinstance(model, list | tuple):
        for part in model:
            yield from refs(part)


def check_names(model: object) -> None:
    """Raises ValueError where two pools of a recipe have one name, by which samples could not tell them apart."""
    paths: dict[str, str] = {}
    for ref in refs(model):
        if paths.setdefault(ref.name, ref.path) != ref.path:
            raise ValueError(
                f"two pools are called {ref.name!r}: give one of them a name, {{path: {ref.path}, name: NAME}}"
            )


def notes(model: object) -> list[str]:
    """What a person should know of the pools of a recipe: items that cannot be used.

    Raises:
        RecipeError: a pool has no usable item.
    """
    said = []
    for ref in {ref.name: ref for ref in refs(model)}.values():
        pool = ref.open()
        told = f"pool {pool.name}: {len(pool.items):,} usable pictures, {len(pool.skipped):,} skipped"
        examples = "".join(f"; {name}: {reason}" for name, reason in sorted(pool.skipped.items())[:3])
        said += [told + examples] if ref.path not in SHIPPED else []
    return said


def stated(portable: object) -> dict[str, str]:
    """Kind of label maps of every pool that a portable recipe names, by the pool's name."""
    if isinstance(portable, dict):
        if {"name", "maps", "sha256"} == portable.keys():
            return {portable["name"]: portable["maps"]}
        portable = list(portable.values())
    found: dict[str, str] = {}
    for part in portable if isinstance(portable, list) else []:
        found |= stated(part)
    return found


def locate(pools: Mapping[str, str | Path], maps: Mapping[str, str] | None = None) -> None:
    """Makes pools known by name, for drawing again what was drawn from them.

    Args:
        pools: folder or archive by name.
        maps: of those whose items are parts of label maps, of which kind these are.

    Raises:
        RecipeError: nothing is there.
    """
    for name, path in pools.items():
        PoolRef(path=str(path), name=name, maps=(maps or {}).get(name, "")).open()


def item_of(pool: str, item: str, sha256: str) -> Item:
    """The item that parameters name.

    Raises:
        PoolMissing: no pool of this name was opened or located in this process, nor ships.
        MenderyError: its item is missing or another one.
    """
    if pool not in _LOCATED and pool in SHIPPED:
        PoolRef(path=pool).open()
    if pool not in _LOCATED:
        raise PoolMissing(pool)
    return _LOCATED[pool].item(item, sha256)


class Drawn:
    """Items that code draws: a function without arguments by name, giving (H, W) or (H, W, 4)."""

    def __init__(self, functions: Mapping[str, Callable[[], NDArray[np.uint8]]]) -> None:
        self._functions = functions

    def names(self) -> Iterator[str]:
        yield from self._functions

    def read(self, name: str) -> tuple[str, NDArray[np.uint8]]:
        drawn = self._functions[name]()
        return hashlib.sha256(repr(drawn.shape).encode() + drawn.tobytes()).hexdigest(), drawn

    def state(self) -> str:
        return ""


class Stored:
    """Items in a folder or an archive, here or in a bucket; read one by one, and never unpacked.

    Args:
        starts: of the names of items; others are passed over.
    """

    def __init__(self, path: str, starts: str = "") -> None:
        from pipelines.places import place
        from pipelines.sources.tree import Download

        self._path, self._starts = path, starts
        self._download = Download.at(place(path))
        try:
            self._download.check()
        except RecipeError as error:
            raise RecipeError(str(error).replace("the source's path", "the path of the pool")) from None
        # Made when the seek index of a compressed tar is put there, and never otherwise.
        self._scratch = Path(tempfile.gettempdir()) / f"mendery-pool-{secrets.token_hex(8)}"
        weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)
        self._locations: dict[str, Location] = {}

    @cached_property
    def _reader(self) -> Reader:
        from pipelines.sources.reading import Reader

        reader = Reader(self._download.root, self._scratch, MAX_BYTES)
        weakref.finalize(self, reader.__exit__)
        return reader

    def names(self) -> Iterator[str]:
        from pipelines.sources.base import Listing
        from pipelines.sources.tree import Tree

        with Tree(self._download, Listing(self._scratch)) as tree:
            for entry in tree.pictures():
                if entry.location.container == "7z":
                    raise RecipeError(
                        f"{self._path!r} is a 7z archive, of which single items cannot be read: unpack it"
                    )
                # How an archive is called says nothing of what is in it.
                name = entry.path.partition("!/")[2] if self._download.archive else entry.path
                if not name.startswith(self._starts):
                    continue
                if self._locations.setdefault(name, entry.location) is entry.location:
                    yield name

    def read(self, name: str) -> tuple[str, NDArray[np.uint8]]:
        from pipelines.imaging.decode import decode_cutout, inspect

        data = self.bytes_of(name)
        header = inspect(data, max_pixels=MAX_PIXELS)
        if max(header.width, header.height) > MAX_SIDE:
            raise BadPicture("too_many_pixels", f"{header.width} x {header.height}, at most {MAX_SIDE} either way")
        return hashlib.sha256(data).hexdigest(), decode_cutout(data, header)

    def bytes_of(self, name: str) -> bytes:
        """An item as it is stored.

        Raises:
            BadPicture: it cannot be read.
            MenderyError: the whole pool is gone.
        """
        from pipelines.errors import SourceVanished

        location = self._locations[name]
        if location.reason:
            raise BadPicture(location.reason, location.detail)
        try:
            return self._reader.read(location)
        except SourceVanished as error:
            raise MenderyError(f"the pool {self._path!r} is gone: {error}") from None

    def state(self) -> str:
        told = [
            (name, found.size, found.offset, found.mtime_ns, found.etag, found.crc)
            for name, found in sorted(self._locations.items())
        ]
        return hashlib.sha256(json.dumps([self._path, told]).encode()).hexdigest()


def _store_at(path: str, maps: str) -> Store:
    from pipelines.damage.segments import CocoStore, MapStore

    if path in SHIPPED:
        return SHIPPED[path]()
    if path.endswith(".json"):
        return CocoStore(path)
    return MapStore(Stored(path), maps) if maps else Stored(path)


def _stem(path: str) -> str:
    name = Path(path).name
    for suffix in (".zip", ".tar", ".tgz", ".tar.gz", ".json"):
        name = name.removesuffix(suffix)
    return name


def recall(state: str) -> Any:
    """What `remember` kept, None if there is nothing."""
    if not state:
        return None
    try:
        return json.loads(_cache_file(state).read_text())
    except (OSError, ValueError):
        return None


def remember(state: str, found: Any) -> None:
    """Keeps what was found of a pool in this state: every worker of a build would look at all its pictures again."""
    from pipelines.storage import put_bytes

    if not state:
        return
    try:
        put_bytes(_cache_file(state), json.dumps(found).encode())
    except OSError:
        return  # a machine without a home folder looks again each time


def _cache_file(state: str) -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "mendery" / "pools" / f"{state}.json"


class _Cache:
    """Items that were used last, up to a number of bytes."""

    def __init__(self, limit: int) -> None:
        self._limit, self._bytes = limit, 0
        self._items: OrderedDict[tuple[int, str], Item] = OrderedDict()

    def get(self, key: tuple[int, str]) -> Item | None:
        if key in self._items:
            self._items.move_to_end(key)
        return self._items.get(key)

    def put(self, key: tuple[int, str], item: Item) -> Item:
        self._items[key] = item
        self._bytes += item.pixels.nbytes
        while self._bytes > self._limit and len(self._items) > 1:
            self._bytes -= self._items.popitem(last=False)[1].pixels.nbytes
        return item


_CACHE = _Cache(CACHED_BYTES)
_OPEN: dict[tuple[str, str, str], Pool] = {}
_LOCATED: dict[str, Pool] = {}


def _silhouettes() -> Store:
    from pipelines.damage.silhouettes import SILHOUETTES

    return Drawn(SILHOUETTES)


def _streaks() -> Store:
    from pipelines.damage.mask_pool import STREAKS

    return Drawn(STREAKS)


def _insightface() -> Store:
    from importlib.util import find_spec

    spec = find_spec("insightface")
    if spec is None or spec.origin is None:
        raise RecipeError("the pool insightface is in a package that is not installed: pip install 'mendery[faces]'")
    return Stored(str(Path(spec.origin).parent / "data" / "images"), starts="mask_")


SHIPPED: dict[str, Callable[[], Store]] = {
    "insightface": _insightface,
    "silhouettes": _silhouettes,
    "streaks": _streaks,
}
"""Pools that need no path, by name: pictures drawn by code, or files that ship, as `Stored`."""
