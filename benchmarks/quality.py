"""Quality: what measuring it costs beside decoding. How well it works is in tests/curate/test_quality.py.

    python -m benchmarks.quality [--rounds 40]

Photographs that ship in packages, cut to a square and scaled to 256, 512 and 1024, as JPEG 92. A picture is decoded and
measured in turn, as building does it, on one core; a round takes all pictures, and of each the best round counts.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg

from pipelines.corpora import PackagePhotos
from pipelines.curate.borders import content_box
from pipelines.curate.compression import blockiness
from pipelines.curate.detail import detail_share, sharpness, tiles
from pipelines.curate.quality import measure, small_luma
from pipelines.curate.tone import chroma, tones
from pipelines.imaging.colour import Picture
from pipelines.imaging.decode import Header, decode, inspect
from pipelines.sources.base import Listing

SIDES = (256, 512, 1024)
MAX_PIXELS = 2**26
GOAL = 0.5


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    cv2.setNumThreads(1)
    photographs = _photographs()
    print(f"{len(photographs)} photographs\nside   decode ms   and measure ms   ratio (goal {GOAL})   with headers")
    for side in SIDES:
        jpegs = [_square(picture, side) for picture in photographs]
        alone, both, all_alone, all_both = best(rounds, jpegs, _decode, _measure, _open, _open_and_measure)
        print(f"{side:4}{alone:12.2f}{both:17.2f}{alone / both:8.2f}{all_alone / all_both:28.2f}")
    parts(rounds, [_decode(_square(picture, SIDES[1])) for picture in photographs])


def best(rounds: int, inputs: Sequence[Any], *functions: Callable[[Any], Any]) -> list[float]:
    """Milliseconds an input, each in its best round; functions take turns, so that all meet the same machine."""
    times = [[_timed(function, inputs) for function in functions] for _ in range(rounds)]
    return [float(np.array(of_one).min(axis=0).mean()) * 1000 for of_one in zip(*times, strict=True)]


def parts(rounds: int, pictures: list[Picture]) -> None:
    """Each measurement by itself, called again and again, which flatters it: in turn they take half as much again."""
    lumas = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.uint8) for picture in pictures]
    small, looked_at = [small_luma(luma) for luma in lumas], [tiles(luma) for luma in lumas]
    measurements: dict[str, tuple[Callable[[Any], Any], Sequence[Any]]] = {
        "luma": (lambda picture: cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), pictures),
        "small luma": (small_luma, lumas),
        "tiles": (tiles, lumas),
        "detail share": (detail_share, looked_at),
        "sharpness": (sharpness, small),
        "blockiness": (blockiness, looked_at),
        "borders": (content_box, pictures),
        "tones": (tones, small),
        "chroma": (chroma, pictures),
    }
    print(f"\nat {SIDES[1]}, ms")
    for name, (function, inputs) in measurements.items():
        print(f"{name:14}{best(rounds, inputs, function)[0]:8.3f}")


def _timed(function: Callable[[Any], Any], inputs: Sequence[Any]) -> list[float]:
    seconds = []
    for one in inputs:
        start = time.perf_counter()
        function(one)
        seconds.append(time.perf_counter() - start)
    return seconds


def _decode(data: bytes) -> Picture:
    picture: Picture = simplejpeg.decode_jpeg(data)
    return picture


def _measure(data: bytes) -> dict[str, float]:
    return measure(_decode(data), 0)


def _open(data: bytes) -> tuple[Picture, Header]:
    header = inspect(data, max_pixels=MAX_PIXELS)
    return decode(data, header)[0], header


def _open_and_measure(data: bytes) -> dict[str, float]:
    picture, header = _open(data)
    return measure(picture, header.table_sum)


def _photographs() -> list[Picture]:
    source = PackagePhotos(corpus="package-photos")
    with tempfile.TemporaryDirectory() as folder:
        files = [source.root() / location.file for location in source.locate(Listing(Path(folder)))]
    return [_open(file.read_bytes())[0] for file in files]


def _square(picture: Picture, side: int) -> bytes:
    shorter = min(picture.shape[:2])
    cut = cv2.resize(picture[:shorter, :shorter], (side, side), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    data: bytes = simplejpeg.encode_jpeg(cut, quality=92, colorsubsampling="420")
    return data


if __name__ == "__main__":
    main()
