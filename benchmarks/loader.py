"""How quickly batches come, beside PyTorch's DataLoader over a folder and webdataset's WebLoader.

    python -m benchmarks.loader [--data build/demo] [--batch 32] [--batches 60] [--workers 2] [--rounds 3]

Each takes its turn in every round; the best round counts. All decode with simplejpeg and OpenCV, give pictures and
masks of the stored size, mixed, without augmentation, and convert bytes to floats in the same function. With `--workers
0` everything runs in this process, and processor time is told instead of the time by the clock: that is what to compare
on a machine where others work.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg
import torch
import webdataset
from torch.utils.data import DataLoader, Dataset

from pipelines import manifest as manifests
from pipelines.layout import Layout
from pipelines.shards.read import iterate
from trainers.loader import Loader, LoaderSettings, Raw, Source, to_batch

Pair = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="build/demo")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--batches", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        pictures = unpacked(asked.data, Path(folder))
        ways = {
            "ours": lambda: ours(asked.data, pictures.size, asked.batch, asked.workers),
            "folder, DataLoader": lambda: over_folder(pictures, asked.batch, asked.workers),
            "webdataset, WebLoader": lambda: over_tars(asked.data, asked.batch, asked.workers),
        }
        best = dict.fromkeys(ways, 0.0)
        for _ in range(asked.rounds):
            for name, way in ways.items():
                best[name] = max(best[name], speed(way, asked.batches, asked.batch, asked.workers))
    unit = "pictures/s" if asked.workers else "pictures per second of processor time"
    for name, found in best.items():
        print(f"{name:24} {found:8.0f} {unit}, {found / best['ours']:.2f} of ours")


def speed(way: Callable[[], Iterator[Raw]], batches: int, batch: int, workers: int) -> float:
    """Pictures per second, once the first two batches are there."""
    clock = time.perf_counter if workers else time.process_time
    coming = way()
    for _ in range(2):
        next(coming)
    started = clock()
    for _ in range(batches):
        to_batch(next(coming), torch.device("cpu"), channels_last=True)
    seconds = clock() - started
    coming.close()  # type: ignore[attr-defined]  # it is a generator
    return batches * batch / seconds


def ours(data: str, size: int, batch: int, workers: int) -> Iterator[Raw]:
    source = Source(data, LoaderSettings(), size)
    if not workers:
        for start in range(0, 1 << 40, batch):
            yield source.__getitems__(range(start, start + batch))
    wanted = (range(start, start + batch) for start in range(0, 1 << 40, batch))
    yield from Loader(source, batch, workers=workers)._in_processes(wanted)


class Folder(Dataset[Pair]):
    """Files beside each other, as most training code has them."""

    def __init__(self, names: list[Path], size: int) -> None:
        self.names, self.size = names, size

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Pair:
        path = self.names[index]
        return decoded(path.read_bytes(), path.with_suffix(".png").read_bytes())


def over_folder(pictures: Folder, batch: int, workers: int) -> Iterator[Raw]:
    loader = DataLoader(pictures, batch, shuffle=True, num_workers=workers, collate_fn=collated, drop_last=True)
    while True:
        yield from loader


def over_tars(data: str, batch: int, workers: int) -> Iterator[Raw]:
    shards = [str(Layout(Path(data)).shard(shard["name"])) for shard in train_shards(data)]
    pipeline = (
        webdataset.WebDataset(shards, shardshuffle=len(shards), empty_check=False)
        .shuffle(1000)
        .map(lambda sample: decoded(sample["image.jpg"], sample["mask.png"]))
        .batched(batch, collation_fn=collated, partial=False)
    )
    loader = webdataset.WebLoader(pipeline, batch_size=None, num_workers=workers)
    while True:
        yield from loader


def decoded(image: bytes, mask: bytes) -> Pair:
    grey = cv2.imdecode(np.frombuffer(mask, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    return simplejpeg.decode_jpeg(image), np.asarray(grey, np.uint8) >> 7


def collated(pairs: list[Pair]) -> Raw:
    image, mask = (torch.from_numpy(np.stack(arrays)) for arrays in zip(*pairs, strict=True))
    return Raw({"image": image, "mask": mask})


def train_shards(data: str) -> list[dict[str, Any]]:
    return [shard for shard in manifests.read(data)["shards"] if shard["split"] == "train"]


def unpacked(data: str, folder: Path) -> Folder:
    """Pictures and masks of the training split as files."""
    names, size = [], 0
    for shard in train_shards(data):
        for key, members in iterate(Layout(Path(data)).shard(shard["name"])):
            names.append(folder / f"{key}.jpg")
            names[-1].write_bytes(members["image.jpg"])
            names[-1].with_suffix(".png").write_bytes(members["mask.png"])
            size = size or simplejpeg.decode_jpeg(members["image.jpg"]).shape[0]
    return Folder(names, size)


if __name__ == "__main__":
    main()
