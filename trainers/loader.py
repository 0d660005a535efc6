"""From shards to batches: what position of the line comes next (`order`), its bytes (`store`), its arrays (`samples`).

Workers are processes that get positions and answer whole batches of bytes (uint8); pictures become floats once, on the
device. What a worker makes depends on the positions alone, so neither the number of workers nor of training processes
changes a sample.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from pipelines import manifest as manifests
from pipelines.errors import MenderyError, did_you_mean
from pipelines.layout import Layout
from pipelines.places import place
from trainers.methods.base import Batch
from trainers.order import Order
from trainers.samples import LoaderSettings, Maker
from trainers.store import Store, default_cache

__all__ = ["Loader", "LoaderSettings", "Source", "once", "spread"]

AHEAD = 2
"""Batches that each worker has ready."""

PICTURES = ("image", "damaged")
CLASSES = ("parsing", "segments")

Item = TypeVar("Item")


@dataclass(frozen=True)
class Raw:
    """A batch as a worker makes it; `fault` in place of everything else where that was impossible."""

    tensors: dict[str, torch.Tensor]
    keys: tuple[str, ...] = ()
    metadata: tuple[dict[str, Any], ...] = ()
    fault: str = ""


class Source(Dataset[Raw]):
    """A split of a finished dataset as a line of samples.

    Args:
        data: folder of the dataset, or s3://bucket/prefix.
        size: side of pictures in pixels.
        seed: of order, augmentation and fresh holes.
        needs: guides, and `json`.
        chance: whether samples are mixed, moved and damaged anew, as the settings say; else they come as they stand.

    Raises:
        MenderyError: the dataset is not complete, has no such split, or lacks what is needed.
    """

    def __init__(
        self,
        data: str | os.PathLike[str],
        settings: LoaderSettings,
        size: int,
        seed: int = 0,
        needs: frozenset[str] = frozenset(),
        chance: bool = True,
    ) -> None:
        layout = Layout(place(data))
        manifest = manifests.read(os.fspath(data))
        shards = [shard for shard in manifest["shards"] if shard["split"] == settings.split and shard["samples"]]
        if not shards:
            hint = did_you_mean(settings.split, manifest["splits"])
            raise MenderyError(f"{data} has no samples in split {settings.split!r}{hint}")
        self.digest = hashlib.sha256(layout.manifest.read_bytes()).hexdigest()
        self.maker = Maker(tuple(manifest["members"]), size, seed, needs, settings if chance else None)
        _ = self.maker.damages  # faults show now, and not in a worker
        self.order = Order(tuple(int(shard["samples"]) for shard in shards), seed, settings.mix if chance else 0)
        cache = Path(settings.cache) if settings.cache else default_cache()
        cache_bytes = int(settings.cache_gigabytes * 1e9)
        self.store = Store(layout, shards, list(self.maker.wanted.values()), cache, cache_bytes)
        self._bytes = sum(int(shard["bytes"]) for shard in shards) / len(shards)
        self._cache_bytes, self._ahead = cache_bytes, -1

    def __len__(self) -> int:
        return self.order.total

    def notes(self) -> list[str]:
        """What a person should know about how this will be read."""
        window = 2 * min(max(self.order.mix, 1), len(self.order.sizes)) * self._bytes
        if self.store._remote and window > self._cache_bytes:  # two halves of one thing
            return [
                f"loader.cache_gigabytes={self._cache_bytes / 1e9:g} holds fewer shards than are mixed at a time, so "
                f"some will be fetched more than once: {window / 1e9:.1f} would do, or a smaller loader.mix"
            ]
        return []

    def __getitem__(self, position: int) -> Raw:
        return self.__getitems__([position])

    def __getitems__(self, positions: Sequence[int]) -> Raw:
        """A batch of positions; PyTorch's loader asks so for all of it at once."""
        try:
            return self._batch(positions)
        except MenderyError as error:
            return Raw({}, fault=str(error))

    def _batch(self, positions: Sequence[int]) -> Raw:
        if positions[0] > self._ahead:
            self.store.fetch_ahead(self.order.needed(positions[0]))
            self._ahead = positions[0] + 64
        made, keys = [], []
        for position in positions:
            spot = self.order.at(position)
            shard = self.store.open(spot.shard)
            keys.append(shard.keys[spot.row])
            made.append(self.maker.make(keys[-1], spot.epoch, shard.read(spot.row)))
        arrays = {name: torch.from_numpy(np.stack([sample[name] for sample, _ in made])) for name in made[0][0]}
        return Raw(arrays, tuple(keys), tuple(metadata for _, metadata in made if metadata))


class Loader:
    """Batches for one of several training processes.

    Args:
        source: what is loaded.
        batch: samples of a batch over all processes.
        rank, ranks: of this process.
        workers: processes that load; 0 loads in a thread of this one.
        device: where batches are wanted.
        channels_last: order of memory of pictures there.

    Raises:
        MenderyError: the split holds fewer samples than there are processes, or the batch cannot be divided among them.
    """

    def __init__(
        self,
        source: Source,
        batch: int,
        rank: int = 0,
        ranks: int = 1,
        workers: int = 0,
        device: torch.device | str = "cpu",
        channels_last: bool = False,
    ) -> None:
        if len(source) < ranks:
            raise MenderyError(
                f"the split has {len(source)} samples, fewer than the {ranks} processes that would train on it"
            )
        if batch % ranks:
            raise MenderyError(f"a batch of {batch} cannot be divided among {ranks} processes in equal parts")
        self.source, self.batch = source, batch
        self._part, self._first = batch // ranks, rank * (batch // ranks)
        self._workers, self._device, self._channels_last = workers, torch.device(device), channels_last

    def batches(self, position: int = 0) -> Iterator[Batch]:
        """This process's part of batch after batch, without end, from a position of the line on.

        After each of them the line has moved by the whole batch.
        """
        starts = count(position + self._first, self.batch)
        return self._read(range(start, start + self._part) for start in starts)

    def _read(self, wanted: Iterable[Sequence[int]]) -> Iterator[Batch]:
        raws = self._in_processes(wanted) if self._workers else _in_thread(self.source.__getitems__, wanted)
        for raw in raws:
            if raw.fault:
                raise MenderyError(raw.fault)
            yield to_batch(raw, self._device, self._channels_last)

    def _in_processes(self, wanted: Iterable[Sequence[int]]) -> Iterator[Raw]:
        # Forked copies of a process with threads, as Ray's workers and CUDA's are, may hang: a clean process forks.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["trainers.loader"])
        loader = DataLoader(
            self.source, batch_sampler=_Endless(wanted), num_workers=self._workers, collate_fn=_as_it_is,
            prefetch_factor=AHEAD, multiprocessing_context=context, pin_memory=self._device.type == "cuda",
            worker_init_fn=_one_thread,
        )  # fmt: skip
        yield from loader


def once(
    data: str | os.PathLike[str],
    split: str,
    size: int,
    batch: int = 8,
    needs: frozenset[str] = frozenset(),
    device: torch.device | str = "cpu",
    settings: LoaderSettings | None = None,
) -> Iterator[Batch]:
    """Every sample of a split once, as it stands in the shards, the same whenever asked; the last batch may be short.

    Args:
        needs: guides; with `json` batches hold their metadata.
        settings: whose cache is used; nothing else of them counts.
    """
    kept = LoaderSettings(
        split,
        mix=0,
        cache=settings.cache if settings else "",
        cache_gigabytes=(settings or LoaderSettings()).cache_gigabytes,
    )
    source = Source(data, kept, size, needs=needs, chance=False)
    try:
        for start in range(0, len(source), batch):
            raw = source.__getitems__(range(start, min(start + batch, len(source))))
            if raw.fault:
                raise MenderyError(raw.fault)
            yield to_batch(raw, torch.device(device), channels_last=False)
    finally:
        source.store.close()


def spread(data: str | os.PathLike[str], split: str, size: int, number: int, settings: LoaderSettings) -> Batch:
    """So many samples, evenly spaced over a split, as they stand in the shards."""
    source = Source(data, replace(settings, split=split, fresh=()), size, chance=False)
    number = min(number, len(source))
    raw = source.__getitems__([index * len(source) // number for index in range(number)])
    source.store.close()
    if raw.fault:
        raise MenderyError(raw.fault)
    return to_batch(raw, torch.device("cpu"), channels_last=False)


def to_batch(raw: Raw, device: torch.device, channels_last: bool) -> Batch:
    """Bytes to what a method sees, on the device."""
    moved = {name: tensor.to(device, non_blocking=True) for name, tensor in raw.tensors.items()}
    shaped = {name: _shaped(name, tensor, channels_last) for name, tensor in moved.items()}
    return Batch(shaped.pop("image"), shaped.pop("mask"), raw.keys, shaped, raw.metadata)


def _shaped(name: str, tensor: torch.Tensor, channels_last: bool) -> torch.Tensor:
    if name == "landmarks":
        return tensor
    if name in CLASSES:
        return tensor.long()
    if name in PICTURES:
        # Pixels of a picture lie together, which is what channels-last means.
        picture = tensor.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
        return picture if channels_last else picture.contiguous()
    scale = 1 if name == "mask" else 255
    return tensor[:, None].float().div_(scale)


def workers_here(settings: LoaderSettings, on_gpu: bool, ranks_here: int) -> int:
    """Processes that load for one training process; on CPUs none, which would only take processors from training."""
    if settings.workers >= 0:
        return settings.workers
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(8, cores // max(ranks_here, 1) - 1)) if on_gpu else 0


def _one_thread(_: int) -> None:
    """Workers are as many as there are processors for them."""
    import cv2

    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def _as_it_is(made: Any) -> Any:
    return made


class _Endless:
    """What PyTorch's loader iterates over to learn which samples make a batch."""

    def __init__(self, wanted: Iterable[Sequence[int]]) -> None:
        self._wanted = wanted

    def __iter__(self) -> Iterator[list[int]]:
        return (list(positions) for positions in self._wanted)


def _in_thread(work: Callable[[Sequence[int]], Item], wanted: Iterable[Sequence[int]]) -> Iterator[Item]:
    """Results in order, made in a thread that is a few ahead and ends with the iteration."""
    ready: queue.Queue[Item | BaseException] = queue.Queue(AHEAD)
    stopped = threading.Event()

    def produce() -> None:
        for positions in wanted:
            try:
                made: Item | BaseException = work(positions)
            except BaseException as error:  # noqa: BLE001  # raised again where the batch is taken
                made = error
            while not stopped.is_set():
                try:
                    ready.put(made, timeout=0.2)
                    break
                except queue.Full:
                    continue
            if stopped.is_set() or isinstance(made, BaseException):
                return

    thread = threading.Thread(target=produce, name="loader", daemon=True)
    thread.start()
    try:
        while True:
            made = ready.get()
            if isinstance(made, BaseException):
                raise made
            yield made
    finally:
        stopped.set()
        thread.join()
