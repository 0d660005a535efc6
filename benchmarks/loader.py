r"""How quickly batches come, beside a DataLoader over a folder, WebLoader, litdata and mosaicml-streaming.

    python -m benchmarks.loader [--data build/demo] [--batch 32] [--batches 60] [--workers 2] [--rounds 3]
        [--litdata-python litdata-env/bin/python] [--streaming-python streaming-env/bin/python]

Each takes its turn in every round; the best round counts. All decode with simplejpeg and OpenCV, give pictures and
masks of the stored size, mixed, without augmentation, and convert bytes to floats alike. Nobody comes to the end of an
epoch while the clock runs. With `--workers 0` everything runs in one process, and its processor time is told as well:
that is what to compare on a machine where others work.

litdata and mosaicml-streaming want other libraries than we do, so each runs in an environment of its own, as
`benchmarks.loader_peers` says, and is left out where none is named. They are made so (neither library needs the
torchvision that it asks for; `pip` will say that it and clients of clouds are missing), best with the versions of
torch, OpenCV and simplejpeg that `constraints.txt` has:

    python3 -m venv litdata-env
    litdata-env/bin/pip install torch numpy opencv-python-headless simplejpeg
    litdata-env/bin/pip install boto3 filelock fsspec lightning-utilities requests tqdm
    litdata-env/bin/pip install --no-deps litdata
    python3 -m venv streaming-env
    streaming-env/bin/pip install torch 'numpy<2.2' opencv-python-headless simplejpeg
    streaming-env/bin/pip install boto3 brotli catalogue matplotlib pillow python-snappy requests tqdm \
        'transformers<5' 'xxhash<4' zstd
    streaming-env/bin/pip install --no-deps mosaicml-streaming
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import cv2
import simplejpeg
import torch
import webdataset
from torch.utils.data import DataLoader, Dataset

from benchmarks import loader_peers
from benchmarks.loader_peers import Pair, decoded, seconds, stacked
from pipelines import manifest as manifests
from pipelines.layout import Layout
from pipelines.shards.read import iterate
from trainers.loader import Loader, LoaderSettings, Raw, Source, to_batch
from trainers.methods.base import Batch

Seconds = tuple[float, float]
"""By the clock, and of processor time."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="build/demo")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--batches", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--litdata-python", metavar="PATH", help="Python of an environment with litdata")
    parser.add_argument("--streaming-python", metavar="PATH", help="Python of an environment with mosaicml-streaming")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as peers:
        pictures = unpacked(asked.data, Path(folder))
        # One epoch holds the batches of a round and of all that is read ahead, with some to spare.
        copies = 1 + (asked.batches + 2 + 4 * (asked.workers + 1)) * asked.batch // len(pictures)

        def here(way: Callable[[], Generator[Raw]]) -> Callable[[], Seconds]:
            return lambda: seconds(as_floats(way()), asked.batches)

        ways = {
            "ours": here(lambda: ours(asked.data, pictures.size, asked.batch, asked.workers)),
            "folder, DataLoader": here(lambda: over_folder(pictures, copies, asked.batch, asked.workers)),
            "webdataset, WebLoader": here(lambda: over_tars(asked.data, copies, asked.batch, asked.workers)),
        }
        left_out = []
        for library, python in (("litdata", asked.litdata_python), ("streaming", asked.streaming_python)):
            if python:
                name, turn = peers.enter_context(peer(library, python, Path(folder), pictures.size, copies, asked))
                ways[name] = turn
            else:
                left_out.append(library)
        found: dict[str, list[Seconds]] = {name: [] for name in ways}
        for _ in range(asked.rounds):
            for name, way in ways.items():
                found[name].append(way())
    show(found, asked.batches * asked.batch, processor=not asked.workers)
    for library in left_out:
        print(f"{library:28} left out: name its environment with --{library}-python")


def show(found: dict[str, list[Seconds]], pictures: int, processor: bool) -> None:
    """Each way's best round; workers are processes of their own, whose processor time is not known here."""
    units = ("pictures/s", "per second of processor time") if processor else ("pictures/s",)
    print(" " * 28 + "".join(f"{unit:>30}  ours = 1" for unit in units))
    best = {name: [min(column) for column in zip(*rounds, strict=True)] for name, rounds in found.items()}
    for name, times in best.items():
        columns = zip(units, times, best["ours"], strict=False)
        print(f"{name:28}" + "".join(f"{pictures / time:30.0f} {our / time:9.2f}" for _, time, our in columns))


@contextmanager
def peer(
    library: str, python: str, folder: Path, size: int, copies: int, asked: argparse.Namespace
) -> Iterator[tuple[str, Callable[[], Seconds]]]:
    """A library in its own environment: its name with version, and what has it take its turn."""
    command = [python, "-I", loader_peers.__file__, library, str(folder), "--scratch", str(folder / "peers")]
    for option in ("batch", "batches", "workers"):
        command += [f"--{option}", str(getattr(asked, option))]
    home = {"HOME": str(folder)}  # litdata empties a folder there
    with subprocess.Popen(
        [*command, "--copies", str(copies)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | home,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout

        def answer() -> dict[str, Any]:
            line = process.stdout.readline()  # type: ignore[union-attr]  # it is a pipe
            if not line:
                raise SystemExit(f"{library} ended in {python}, see above")
            return dict(json.loads(line))

        def turn() -> Seconds:
            print("round", file=process.stdin, flush=True)
            took = answer()
            return took["wall"], took["process"]

        ready = answer()
        assert ready["shape"] == [asked.batch, 3, size, size], ready
        alike = ready["decoders"] == loader_peers.decoders()
        yield ready["library"] + ("" if alike else f", decoders {ready['decoders']}"), turn
        process.stdin.close()


def as_floats(raws: Generator[Raw]) -> Generator[Batch]:
    with closing(raws):
        for raw in raws:
            yield to_batch(raw, torch.device("cpu"), channels_last=True)


def ours(data: str, size: int, batch: int, workers: int) -> Generator[Raw]:
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


def over_folder(pictures: Folder, copies: int, batch: int, workers: int) -> Generator[Raw]:
    repeated = Folder(pictures.names * copies, pictures.size)
    loader = DataLoader(repeated, batch, shuffle=True, num_workers=workers, collate_fn=collated, drop_last=True)
    while True:
        yield from loader


def over_tars(data: str, copies: int, batch: int, workers: int) -> Generator[Raw]:
    shards = [str(Layout(Path(data)).shard(shard["name"])) for shard in train_shards(data)] * copies
    pipeline = (
        webdataset.WebDataset(shards, shardshuffle=len(shards), empty_check=False)
        .shuffle(1000)
        .map(lambda sample: decoded(sample["image.jpg"], sample["mask.png"]))
        .batched(batch, collation_fn=collated, partial=False)
    )
    loader = webdataset.WebLoader(pipeline, batch_size=None, num_workers=workers)
    while True:
        yield from loader


def collated(pairs: list[Pair]) -> Raw:
    return Raw(stacked(pairs))


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
