import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from pipelines.imaging.encode import decode_image, decode_png, encode_damaged, encode_image, encode_mask, png
from pipelines.imaging.fit import Fit

SHAPES = [(64, 64), (1, 1), (1, 300), (300, 1), (256, 256), (511, 257), (2048, 2048)]


def photograph(height=256, width=256):
    y, x = np.mgrid[:height, :width]
    smooth = np.stack([x, y, x + y], axis=-1) * 255 / (width + height)
    noise = np.random.default_rng(0).normal(0, 12, smooth.shape)
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


def by_pillow(data):
    return np.asarray(Image.open(io.BytesIO(data)))


def by_opencv(data):
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    return pixels if pixels.ndim == 2 else pixels[..., ::-1]


@pytest.mark.parametrize("read", [by_pillow, by_opencv, decode_png])
@pytest.mark.parametrize("channels", [(), (3,)], ids=["grey", "rgb"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_png_reads_back_equal(shape, channels, read):
    pixels = photograph(*shape) if channels else photograph(*shape)[..., 0].copy()
    assert np.array_equal(read(png(pixels)), pixels)


def test_png_of_noise_reads_back_equal():
    pixels = np.random.default_rng(0).integers(0, 256, (300, 301, 3), np.uint8)
    assert np.array_equal(by_opencv(png(pixels)), pixels)


def test_png_of_a_view_reads_back_equal():
    pixels = photograph()[10:200, 30:90]
    assert np.array_equal(by_pillow(png(pixels)), pixels)


def test_png_is_three_chunks_with_right_checksums():
    data, offset, kinds = png(photograph()), 8, []
    while offset < len(data):
        (length,) = struct.unpack_from(">I", data, offset)
        body = data[offset + 4 : offset + 8 + length]
        assert zlib.crc32(body) == struct.unpack_from(">I", data, offset + 8 + length)[0]
        kinds.append(body[:4])
        offset += 12 + length
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]


def test_png_data_ends_with_the_checksum_that_zlib_expects():
    body = png(photograph())[41:-16]
    assert len(zlib.decompress(body)) == 256 * (1 + 256 * 3)


def test_png_is_smaller_than_the_pixels():
    assert len(png(photograph())) < 0.9 * 256 * 256 * 3


@pytest.mark.parametrize("pixels", [np.zeros((4, 4), bool), np.zeros((4, 4, 4), np.uint8), np.zeros(4, np.uint8)])
def test_png_of_anything_else_is_our_mistake(pixels):
    with pytest.raises(AssertionError):
        png(pixels)


@pytest.mark.parametrize("subsampling", ["444", "422", "420"])
@pytest.mark.parametrize("read", [by_pillow, by_opencv])
def test_every_reader_sees_the_same_jpeg(subsampling, read):
    data = encode_image(photograph(250, 251), Fit(subsampling=subsampling))
    assert np.array_equal(read(data), decode_image(data))


@pytest.mark.parametrize("read", [by_pillow, by_opencv])
@pytest.mark.parametrize("quality", [50, 95])
def test_every_reader_sees_the_same_webp(read, quality):
    data = encode_image(photograph(), Fit(format="webp", quality=quality))
    assert np.array_equal(read(data), decode_image(data))


def test_png_image_is_lossless():
    assert np.array_equal(decode_image(encode_image(photograph(), Fit(format="png"))), photograph())


@pytest.mark.parametrize("file_format", ["jpg", "webp"])
def test_quality_costs_bytes(file_format):
    low, high = (encode_image(photograph(), Fit(format=file_format, quality=q)) for q in (40, 95))
    assert len(low) < len(high) / 2


@pytest.mark.parametrize("file_format", ["jpg", "png", "webp"])
def test_equal_pixels_give_equal_bytes(file_format):
    assert len({encode_image(photograph(), Fit(format=file_format)) for _ in range(3)}) == 1


@pytest.mark.parametrize("file_format", ["png", "webp"])
@pytest.mark.parametrize("read", [by_pillow, by_opencv, decode_image])
def test_damaged_is_lossless_for_every_reader(file_format, read):
    pixels = photograph(100, 130)
    assert np.array_equal(read(encode_damaged(pixels, file_format)), pixels)


def test_mask_keeps_one_channel_of_two_values():
    mask = np.zeros((90, 70), np.uint8)
    mask[20:40, 10:60] = 255
    stored = Image.open(io.BytesIO(encode_mask(mask)))
    assert stored.mode == "L"
    assert np.array_equal(np.asarray(stored), mask)


def test_cut_png_is_refused():
    with pytest.raises(OSError, match="truncated"):
        decode_png(png(photograph())[:-500])
