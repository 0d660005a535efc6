"""Codecs considered for the hot path: time, size and quality.

    python -m benchmarks.codecs [folder of JPEGs] [--limit 100]

Times are the best of three rounds on one core; gaps under 25 % mean nothing on a shared machine.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg
from PIL import Image

from pipelines.imaging.decode import check, inspect
from pipelines.imaging.encode import encode_damaged, encode_mask

PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png")
JPEG_444 = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444, cv2.IMWRITE_JPEG_QUALITY)
FILTERS = (Image.Resampling.LANCZOS, Image.Resampling.BOX)
AREA, CUBIC = cv2.INTER_AREA, cv2.INTER_CUBIC


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, nargs="?", help="JPEGs; without it, photographs of scikit-image at 512")
    parser.add_argument("--limit", type=int, default=100)
    arguments = parser.parse_args()
    files = sorted(arguments.folder.glob("*.jpg"))[: arguments.limit] if arguments.folder else []
    jpegs = [file.read_bytes() for file in files] or _photographs()
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    processor = names[0].partition(": ")[2] if names else platform.machine()
    print(f"{processor}, {os.cpu_count()} cores, {len(jpegs)} pictures\n")
    decoding(jpegs)
    full = [simplejpeg.decode_jpeg(data) for data in jpegs]
    encoding([_resize(picture, 256, AREA) for picture in full])
    quality(full, jpegs)


def decoding(jpegs: list[bytes]) -> None:
    show("header: inspect", lambda data: inspect(data, max_pixels=2**30), jpegs)
    show("header and check", lambda data: check(data, inspect(data, max_pixels=2**30)), jpegs)
    for n in (1, 2, 4, 5, 6, 7, 8):
        show(f"decode {n}/8: simplejpeg", partial(_dct, n=n), jpegs)
    arrays = [np.frombuffer(data, np.uint8) for data in jpegs]
    show("decode 4/8: OpenCV", lambda array: cv2.imdecode(array, cv2.IMREAD_REDUCED_COLOR_2), arrays)
    show("decode 8/8: OpenCV", lambda array: cv2.imdecode(array, cv2.IMREAD_COLOR), arrays)
    show("decode 8/8: Pillow", lambda data: Image.open(io.BytesIO(data)).load(), jpegs)


def encoding(pictures: list[Any]) -> None:
    mask = np.zeros((256, 256), np.uint8)
    cv2.line(mask, (30, 40), (200, 180), 255, 60)
    damaged = [np.where(mask[..., None] > 0, np.uint8(128), picture) for picture in pictures]
    show("jpg 95 444: simplejpeg", lambda p: simplejpeg.encode_jpeg(p, 95, "RGB", "444"), pictures)
    show("jpg 95 444: OpenCV", lambda p: cv2.imencode(".jpg", p, [*JPEG_444, 95])[1], pictures)
    show("damaged png: ours", lambda p: encode_damaged(p, "png"), damaged)
    show("damaged png: OpenCV 1", lambda p: cv2.imencode(".png", p, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1], damaged)
    show("damaged webp: ours", lambda p: encode_damaged(p, "webp"), damaged)
    if find_spec("fpng"):
        show("damaged png: fpng", import_module("fpng").from_ndarray, damaged)
    show("mask png: ours", encode_mask, [mask] * len(pictures))
    show("mask png: OpenCV", lambda p: cv2.imencode(".png", p)[1], [mask] * len(pictures))


def quality(full: list[Any], jpegs: list[bytes]) -> None:
    """Mean PSNR of ways to shrink against two references, Pillow's Lanczos and box, from the full picture."""
    print(f"\n{'PSNR, dB':34}   Lanczos       box")
    for side, n in ((256, 4), (230, 4), (200, 4), (140, 3), (100, 2), (300, 5)):
        scaled = [_dct(data, n) for data in jpegs]
        ways = ((f"DCT {n}/8, area", scaled, AREA), (f"DCT {n}/8, cubic", scaled, CUBIC), ("full, area", full, AREA))
        references = [[np.asarray(Image.fromarray(p).resize((side, side), f)) for p in full] for f in FILTERS]
        for name, pictures, interpolation in ways:
            small = [_resize(picture, side, interpolation) for picture in pictures]
            figures = [np.mean([cv2.PSNR(*pair) for pair in zip(small, r, strict=True)]) for r in references]
            print(f"{side}: {name:29} {figures[0]:9.1f} {figures[1]:9.1f}")


def show(name: str, function: Callable[[Any], Any], inputs: Sequence[Any]) -> None:
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        outputs = [function(each) for each in inputs]
        seconds.append((time.perf_counter() - start) / len(inputs))
    is_encoded = isinstance(outputs[0], bytes) or getattr(outputs[0], "ndim", 0) == 1
    size = f"{sum(map(len, outputs)) / len(outputs) / 1024:9.1f} KiB" if is_encoded else ""
    print(f"{name:34} {min(seconds) * 1000:9.3f} ms {size}")


def _dct(data: bytes, n: int) -> Any:
    height, width = simplejpeg.decode_jpeg_header(data)[:2]
    return simplejpeg.decode_jpeg(data, min_height=-(-height * n // 8), min_width=-(-width * n // 8))


def _resize(picture: Any, side: int, interpolation: int) -> Any:
    return cv2.resize(picture, (side, side), interpolation=interpolation)


def _photographs() -> list[bytes]:
    from skimage import data as folder

    names = [Path(folder.__file__).parent / name for name in PHOTOGRAPHS]
    pictures = [_resize(np.asarray(Image.open(name).convert("RGB")), 512, AREA) for name in names]
    return [simplejpeg.encode_jpeg(picture, 92, "RGB", "420") for picture in pictures]


if __name__ == "__main__":
    main()
