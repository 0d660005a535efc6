"""litdata or mosaicml-streaming as a peer of `benchmarks.loader`, run by the Python of an environment of its own.

Needs torch, NumPy, OpenCV, simplejpeg and the one library, and nothing of Mendery. The files of a folder are written
once in the library's format, byte for byte; then each line on standard input asks for one round, which is answered by a
line of JSON with its seconds. `benchmarks.loader` takes `decoded`, `stacked` and `seconds` from here, so all loaders do
the same work for a sample: they read its two files' bytes in mixed order, decode the JPEG with simplejpeg and the mask
with OpenCV at their stored size, stack a batch as bytes, and make floats of it in the process that trains.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import simplejpeg
import torch

Pair = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]
Tensors = dict[str, torch.Tensor]

SHARD_BYTES = 16_000_000
"""As large as shards of the demo."""


def decoded(image: bytes, mask: bytes) -> Pair:
    grey = cv2.imdecode(np.frombuffer(mask, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    return simplejpeg.decode_jpeg(image), np.asarray(grey, np.uint8) >> 7


def decoders() -> str:
    return f"simplejpeg {version('simplejpeg')}, OpenCV {cv2.__version__}"


def stacked(pairs: Sequence[Pair]) -> Tensors:
    image, mask = (torch.from_numpy(np.stack(arrays)) for arrays in zip(*pairs, strict=True))
    return {"image": image, "mask": mask}


def seconds(batches: Generator[object], number: int) -> tuple[float, float]:
    """By the clock and of this process's processor time, for so many batches once the first two are there."""
    for _ in range(2):
        next(batches)
    wall, process = time.perf_counter(), time.process_time()
    for _ in range(number):
        next(batches)
    found = time.perf_counter() - wall, time.process_time() - process
    batches.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", choices=PEERS)
    parser.add_argument("pictures", type=Path, help="folder of x.jpg beside x.png")
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--copies", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--batches", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    # The libraries print what they do: that goes to standard error.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    names = sorted(map(str, asked.pictures.glob("*.jpg"))) * asked.copies
    name, loader = PEERS[asked.library](names, asked.scratch / asked.library, asked.batch, asked.workers)
    shape = list(next(epoch(loader))["image"].shape)
    ready = {"library": f"{name} {version(name)}", "shape": shape, "decoders": decoders()}
    print(json.dumps(ready), file=answers)
    for _ in sys.stdin:
        wall, process = seconds(epoch(loader), asked.batches)
        print(json.dumps({"wall": wall, "process": process}), file=answers)


def floats(batch: Tensors) -> Tensors:
    """As `trainers.loader.to_batch` does it, for memory in channels-last order."""
    image = batch["image"].permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
    return {"image": image, "mask": batch["mask"][:, None].float().div_(1)}


def epoch(loader: Iterable[Tensors]) -> Generator[Tensors]:
    """Read to its end also when closed early: litdata's workers abort in the middle of one."""
    coming = iter(loader)
    try:
        yield from map(floats, coming)
    finally:
        deque(coming, 0)


def collated(samples: Sequence[dict[str, bytes]]) -> Tensors:
    return stacked([decoded(sample["image"], sample["mask"]) for sample in samples])


def sample(name: str) -> dict[str, bytes]:
    return {"image": Path(name).read_bytes(), "mask": Path(name).with_suffix(".png").read_bytes()}


def litdata_loader(names: list[str], folder: Path, batch: int, workers: int) -> tuple[str, Iterable[Tensors]]:
    import litdata

    litdata.optimize(sample, names, str(folder), chunk_bytes=SHARD_BYTES, num_workers=1, verbose=False)
    dataset = litdata.StreamingDataset(str(folder), shuffle=True, drop_last=True)
    loader = litdata.StreamingDataLoader(
        dataset, batch_size=batch, num_workers=workers, collate_fn=collated, drop_last=True
    )
    return "litdata", loader


def streaming_loader(names: list[str], folder: Path, batch: int, workers: int) -> tuple[str, Iterable[Tensors]]:
    # Its ready-made picture datasets, of which nothing is used, would import torchvision.
    sys.modules.setdefault("streaming.vision", ModuleType("streaming.vision"))
    import streaming

    columns = {"image": "bytes", "mask": "bytes"}
    with streaming.MDSWriter(out=str(folder), columns=columns, size_limit=SHARD_BYTES) as writer:
        for name in names:
            writer.write(sample(name))
    dataset = streaming.StreamingDataset(local=str(folder), shuffle=True, batch_size=batch)
    loader = streaming.StreamingDataLoader(
        dataset, batch_size=batch, num_workers=workers, collate_fn=collated, drop_last=True
    )
    return "mosaicml-streaming", loader


PEERS = {"litdata": litdata_loader, "streaming": streaming_loader}

if __name__ == "__main__":
    main()
