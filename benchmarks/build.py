"""Pictures per second of a build, beside its floor and beside img2dataset, on the same files in one run.

The floor is the same codecs in a plain loop over the same files, one process per worker: no catalog,
no curation, no plan, no digests, no metadata, no Ray. Everything that a build adds is measured against it. img2dataset
gets the files from a web server on loopback, as it only reads URLs, in an environment of its own.

    python -m benchmarks.build [--pictures 8000] [--workers 2] [--without-img2dataset]
"""

from __future__ import annotations

import argparse
import functools
import http.server
import io
import json
import multiprocessing
import os
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import simplejpeg

from pipelines import build
from pipelines.corpora import PackagePhotos
from pipelines.damage.base import Context
from pipelines.damage.brush import Brush
from pipelines.imaging.decode import decode, inspect
from pipelines.imaging.encode import decode_image, encode_damaged, encode_image, encode_mask
from pipelines.imaging.fit import Fit, decode_side, fit
from pipelines.sources.base import Listing

RECIPE = """
name: bench
sources: [{{type: folder, path: {folder}}}]
image: {{size: 256}}
shards: {{samples: {samples}}}
splits: {{train: 1.0}}
"""
DAMAGE = "damage: [{kind: brush, ratio_range: [0.1, 0.4]}]\n"


def make_pictures(folder: Path, number: int) -> None:
    """Writes JPEGs of 512 pixels: random crops of the photographs that ship in packages, with sensor noise."""
    source = PackagePhotos(corpus="package-photos")
    files = [source.root() / location.file for location in source.locate(Listing(folder))]
    photos = [decode_image_file(file) for file in files]
    rng = np.random.default_rng(0)
    for index in range(number):
        photo = photos[rng.integers(len(photos))]
        side = int(rng.integers(min(photo.shape[:2]) * 3 // 5, min(photo.shape[:2]) + 1))
        top, left = (int(rng.integers(length - side + 1)) for length in photo.shape[:2])
        crop = cv2.resize(photo[top : top + side, left : left + side], (512, 512), interpolation=cv2.INTER_CUBIC)
        noisy = np.clip(crop + rng.normal(0, 2, crop.shape), 0, 255).astype(np.uint8)
        (folder / f"{index:06d}.jpg").write_bytes(simplejpeg.encode_jpeg(noisy, quality=92, colorsubsampling="420"))


def decode_image_file(file: Path) -> np.ndarray:
    data = file.read_bytes()
    return decode(data, inspect(data, max_pixels=10**8))[0]


def floor(files: list[Path], damaged: bool, tar: Path) -> None:
    """The same codecs in a plain loop: read, decode, fit, encode, and for a triplet damage and encode twice more."""
    options, rng, brush = Fit(), np.random.default_rng(0), Brush(kind="brush", ratio_range=(0.1, 0.4))
    with tarfile.open(tar, "w") as archive:
        for file in files:
            data = file.read_bytes()
            picture, scale = decode(data, inspect(data, max_pixels=10**8), min_side=decode_side(options))
            encoded = encode_image(fit(picture, scale, options, rng)[0], options)
            members = {"image.jpg": encoded}
            if damaged:
                clean = decode_image(encoded)
                result, mask, _ = brush.sample(rng, Context(256, 256, (0.1, 0.4))).draw(clean)
                members |= {"damaged.png": encode_damaged(result, "png"), "mask.png": encode_mask(mask)}
            for name, member in members.items():
                entry = tarfile.TarInfo(f"{file.stem}.{name}")
                entry.size = len(member)
                archive.addfile(entry, io.BytesIO(member))


def run_floor(files: list[Path], damaged: bool, workers: int, folder: Path) -> float:
    """Pictures per second of the floor, in as many processes as the build has."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers) as pool:
        pool.map(abs, range(workers))  # start-up apart, as for the build
        started = time.perf_counter()
        jobs = [(files[number::workers], damaged, folder / f"floor-{number}.tar") for number in range(workers)]
        pool.starmap(floor, jobs)
        return len(files) / (time.perf_counter() - started)


def run_build(folder: Path, number: int, damaged: bool, workers: int, out: Path) -> float:
    """Pictures per second of a whole build, from listing to report, with Ray running already."""
    recipe = out.with_suffix(".yaml")
    samples = max(50, min(500, number // (workers * 4)))
    recipe.write_text(RECIPE.format(folder=folder, samples=samples) + (DAMAGE if damaged else ""))
    started = time.perf_counter()
    build(recipe, out, workers=workers)
    return number / (time.perf_counter() - started)


def warm(workers: int) -> None:
    """Starts Ray's workers and their imports, so that start-up is out of the figures."""
    import ray

    from pipelines.shards.write import write_shard

    def touch(_: int) -> str:
        time.sleep(0.5)
        return write_shard.__name__

    ray.get([ray.remote(num_cpus=1)(touch).remote(number) for number in range(workers)])


def peak_memory(folder: Path, number: int, workers: int, out: Path) -> float:
    """Largest resident size of any process of a build, in MiB, read from the system while it runs."""
    recipe = out.with_suffix(".yaml")
    recipe.write_text(RECIPE.format(folder=folder, samples=250).replace("path:", f"limit: {number}, path:") + DAMAGE)
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "build", str(recipe), "--out", str(out), "--workers", str(workers)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peak = 0
    while process.poll() is None:
        peak = max(peak, *(_resident(pid) for pid in _workers()), 0)
        time.sleep(0.1)
    assert process.returncode == 0
    return peak / 1024


def _workers() -> list[int]:
    """Ray's worker processes on this machine, by what they call themselves."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if b"ray::" in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def _resident(pid: int) -> int:
    try:
        fields = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
        )
        return int(fields.get("VmHWM", "0 kB").split()[0])
    except OSError:
        return 0


def run_img2dataset(folder: Path, number: int, workers: int, scratch: Path) -> float:
    """Pictures per second of img2dataset, resize only, start-up apart."""
    environment = img2dataset_environment(scratch)
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        return span_of_img2dataset(environment, server.server_port, number, workers, scratch)
    finally:
        server.shutdown()


def img2dataset_environment(scratch: Path) -> Path:
    """An environment with img2dataset, which pins older versions of our libraries; made where none is named."""
    environment = Path(os.environ.get("MENDERY_IMG2DATASET_ENV", scratch / "img2dataset-env"))
    if not (environment / "bin" / "img2dataset").exists():
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        install = [str(environment / "bin" / "pip"), "install", "-q", "img2dataset==1.47.0", "setuptools<81"]
        subprocess.run(install, check=True)
    return environment


def span_of_img2dataset(environment: Path, port: int, number: int, workers: int, scratch: Path) -> float:
    """Pictures per second from the start of its first shard to the end of its last, by its own clock."""
    urls, out = scratch / "urls.txt", scratch / "img2dataset"
    urls.write_text("\n".join(f"http://127.0.0.1:{port}/{index:06d}.jpg" for index in range(number)))
    options = {
        "url_list": urls,
        "output_folder": out,
        "image_size": 256,
        "output_format": "webdataset",
        "processes_count": workers,
        "thread_count": 32,
        "number_sample_per_shard": max(1, number // (4 * workers)),
        "resize_mode": "center_crop",
    }
    command = [str(environment / "bin" / "img2dataset"), *(f"--{name}={value}" for name, value in options.items())]
    quiet = {"NO_ALBUMENTATIONS_UPDATE": "1"}
    subprocess.run(command, check=True, capture_output=True, env=os.environ | quiet)
    stats = [json.loads(path.read_text()) for path in out.glob("*_stats.json")]
    assert sum(entry["successes"] for entry in stats) == number, f"img2dataset lost pictures: {stats}"
    seconds: float = max(entry["end_time"] for entry in stats) - min(entry["start_time"] for entry in stats)
    return number / seconds


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without-img2dataset", action="store_true")
    parser.add_argument("--without-memory", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mendery-bench-") as name:
        measure(options, Path(name))


def measure(options: argparse.Namespace, scratch: Path) -> None:
    from pipelines.spread import cluster

    number, workers = options.pictures, options.workers
    folder = scratch / "pictures"
    folder.mkdir()
    make_pictures(folder, number if options.without_memory else max(number, 10_000))
    chosen = scratch / "chosen"
    chosen.mkdir()
    for index in range(number):
        (chosen / f"{index:06d}.jpg").hardlink_to(folder / f"{index:06d}.jpg")
    files = sorted(chosen.iterdir())
    print(f"{machine()}; {number} JPEGs of 512 px to 256 px, {workers} workers; pictures/s, best of {options.rounds}")
    with cluster(workers, None):
        warm(workers)
        for what, damaged in (("clean picture", False), ("full triplet", True)):
            runs: dict[str, Callable[[int], float]] = {
                "floor": lambda _, damaged=damaged: run_floor(files, damaged, workers, scratch),  # type: ignore[misc]
                "build": lambda turn, damaged=damaged: run_build(
                    chosen, number, damaged, workers, scratch / f"{damaged}-{turn}"
                ),  # type: ignore[misc]
            }
            best = dict.fromkeys(runs, 0.0)
            for turn in range(options.rounds):  # in turn, because the machine's speed drifts
                for name, run in runs.items():
                    best[name] = max(best[name], run(turn))
            ratio, per_core = best["build"] / best["floor"], best["build"] / workers
            rates = f"floor {best['floor']:.0f}, build {best['build']:.0f}, {per_core:.0f} per core, ratio {ratio:.2f}"
            print(f"{what}: {rates}")
    if not options.without_img2dataset:
        print(f"img2dataset, clean picture: {run_img2dataset(chosen, number, workers, scratch):.0f}")
    if not options.without_memory:
        for count in (1000, 10_000):
            peak = peak_memory(folder, count, workers, scratch / f"memory-{count}")
            print(f"peak memory of a worker, {count} pictures: {peak:.0f} MiB")


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown processor"
    )
    return f"{model}, {os.cpu_count()} cores"


if __name__ == "__main__":
    main()
