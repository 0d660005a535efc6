import io
import math
import struct
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from pipelines.errors import BadPicture
from pipelines.imaging.decode import check, decode, inspect

LIMIT = 10**7
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def photograph(width=120, height=90):
    y, x = np.mgrid[:height, :width]
    smooth = np.stack([x / width, y / height, (x + y) / (width + height)], axis=-1) * 255
    noise = np.random.default_rng(0).normal(0, 6, smooth.shape)
    return Image.fromarray(np.clip(smooth + noise, 0, 255).astype(np.uint8))


def stored(image, file_format, **options):
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def oriented(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    return exif.tobytes()


def read(data, **options):
    """Everything that a build does with a picture's bytes."""
    header = inspect(data, max_pixels=LIMIT)
    check(data, header)
    return decode(data, header, **options)


def refusal(data, max_pixels=LIMIT):
    with pytest.raises(BadPicture) as caught:
        check(data, inspect(data, max_pixels=max_pixels))
    return caught.value.reason


def matrix_profile(columns, gamma=563 / 256):
    """A display profile with these D50-adapted primaries; ICC's own bytes, as Pillow builds none but sRGB."""
    fixed = [struct.pack(">4s4x3i", b"XYZ ", *(round(v * 65536) for v in c)) for c in ((0.9642, 1, 0.8249), *columns)]
    curve = struct.pack(">4s4xIH2x", b"curv", 1, round(gamma * 256))
    text = struct.pack(">4s4xI5s", b"desc", 5, b"test\0") + bytes(83)
    content = dict(zip((b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ"), fixed, strict=True))
    content |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve) | {b"desc": text, b"cprt": b"text\0\0\0\0none\0\0\0\0"}
    table, body, start = struct.pack(">I", len(content)), b"", 132 + 12 * len(content)
    for tag, value in content.items():
        table += struct.pack(">4sII", tag, start + len(body), len(value))
        body += value
    header = struct.pack(">I4xI4s4s4s12x4s28x3i48x", start + len(body), 0x02100000, b"mntr", b"RGB ", b"XYZ ", b"acsp",
                         63190, 65536, 54061)  # fmt: skip
    return header + table + body


P3 = matrix_profile([(0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)])
ADOBE = matrix_profile([(0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)])

KINDS = {
    "jpeg": stored(photograph(), "JPEG", quality=90),
    "jpeg_progressive": stored(photograph(), "JPEG", progressive=True, exif=oriented(6), icc_profile=P3),
    "jpeg_grey": stored(photograph().convert("L"), "JPEG"),
    "jpeg_cmyk": stored(photograph().convert("CMYK"), "JPEG"),
    "mpo": stored(photograph(), "MPO", save_all=True, append_images=[photograph(40, 30)]),
    "png": stored(photograph(), "PNG", icc_profile=SRGB),
    "png_palette": stored(photograph().quantize(30), "PNG", transparency=3),
    "png_16": stored(Image.fromarray(np.arange(6000, dtype=np.uint16).reshape(60, 100) * 10), "PNG"),
    "webp": stored(photograph(), "WEBP"),
    "webp_lossless": stored(photograph().convert("RGBA"), "WEBP", lossless=True, exif=oriented(3)),
    "gif": stored(photograph(), "GIF"),
    "bmp": stored(photograph(), "BMP"),
    "ppm": stored(photograph(), "PPM"),
    "tiff": stored(photograph(), "TIFF"),
    "tiff_lzw": stored(photograph(), "TIFF", compression="tiff_lzw"),
    "avif": stored(photograph(), "AVIF"),
    "jpeg2000": stored(photograph(), "JPEG2000"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_is_read(kind):
    header = inspect(KINDS[kind], max_pixels=LIMIT)
    pixels, scale = read(KINDS[kind])
    assert pixels.shape == (header.height, header.width, 3)
    assert scale == 1.0
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable


@pytest.mark.parametrize("kind", KINDS)
def test_only_bad_picture_escapes_from_rubbish(kind):
    data, rng = KINDS[kind], np.random.default_rng(1)
    for number in range(300):
        broken, place = bytearray(data), int(rng.integers(len(data)))
        if number % 3 == 0:
            del broken[place:]
        elif number % 3 == 1:
            broken[place] ^= 1 << int(rng.integers(8))
        else:
            broken[place : place + 40] = rng.bytes(int(rng.integers(60)))
        try:
            header = inspect(bytes(broken), max_pixels=LIMIT)
            check(bytes(broken), header)
        except BadPicture:
            continue
        decode(bytes(broken), header, min_side=30)  # what check accepts, decode must


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_orientation_is_applied(file_format, orientation):
    data = stored(photograph(), file_format, exif=oriented(orientation))
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    header = inspect(data, max_pixels=LIMIT)
    assert (header.width, header.height) == upright.size
    assert np.array_equal(read(data)[0], np.asarray(upright.convert("RGB")))


@pytest.mark.parametrize("orientation", [1, 6])
def test_orientation_after_the_pixels_of_a_png_is_found(orientation):
    data = stored(photograph(), "PNG")
    body = b"eXIf" + oriented(orientation).removeprefix(b"Exif\0\0")
    late = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    assert inspect(data[:-12] + late + data[-12:], max_pixels=LIMIT).orientation == orientation


def test_broken_exif_does_not_spoil_a_picture():
    assert inspect(stored(photograph(), "JPEG", exif=b"Exif\0\0rubbish"), max_pixels=LIMIT).orientation == 1


@pytest.mark.parametrize("size", [(512, 384), (501, 333), (77, 500), (8, 8), (1, 1)], ids=str)
@pytest.mark.parametrize("min_side", [0, 1, 42, 63, 100, 256, 9999])
def test_scale_is_the_smallest_that_is_large_enough(size, min_side):
    pixels, scale = read(stored(photograph(*size), "JPEG"), min_side=min_side)
    assert pixels.shape[:2] == (math.ceil(size[1] * scale), math.ceil(size[0] * scale))
    if scale < 1:
        assert min(pixels.shape[:2]) >= min_side
    if min_side and scale > 1 / 8:
        assert math.ceil(min(size) * (scale - 1 / 8)) < min_side


@pytest.mark.parametrize("kind", ["png", "jpeg_cmyk", "webp"])
def test_only_plain_jpeg_is_scaled(kind):
    assert read(KINDS[kind], min_side=20)[1] == 1.0


def test_jpeg_equals_pillows():
    assert np.array_equal(read(KINDS["jpeg"])[0], np.asarray(Image.open(io.BytesIO(KINDS["jpeg"]))))


def test_unusual_chroma_subsampling_is_left_to_pillow():
    data = bytearray(stored(photograph(), "JPEG", subsampling="4:4:4"))
    frame = data.index(b"\xff\xc0")
    assert inspect(bytes(data), max_pixels=LIMIT).plain
    data[frame + 11] = 0x31
    assert not inspect(bytes(data), max_pixels=LIMIT).plain


@pytest.mark.parametrize("profile", [P3, ADOBE], ids=["p3", "adobe"])
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_wide_colours_become_srgb(profile, file_format):
    data = stored(photograph(), file_format, icc_profile=profile)
    image = Image.open(io.BytesIO(data))
    reference = ImageCms.profileToProfile(image, io.BytesIO(profile), ImageCms.createProfile("sRGB"))
    pixels = read(data)[0]
    assert np.array_equal(pixels, np.asarray(reference))
    assert np.abs(pixels.astype(int) - np.asarray(image)).max() > 10


def test_wide_colours_are_converted_after_scaling():
    data = stored(photograph(240, 160), "JPEG", icc_profile=P3)
    pixels, scale = read(data, min_side=80)
    assert scale == 0.5
    assert np.abs(pixels.mean((0, 1)) - read(data)[0].mean((0, 1))).max() < 1


@pytest.mark.parametrize("profile", [SRGB, b"rubbish", SRGB[:300]], ids=["srgb", "rubbish", "cut"])
def test_srgb_and_broken_profiles_change_nothing(profile):
    plain, tagged = (stored(photograph(), "PNG", icc_profile=p) for p in (None, profile))
    assert inspect(tagged, max_pixels=LIMIT).profile is None
    assert np.array_equal(read(tagged)[0], read(plain)[0])


def test_profile_of_another_colour_space_is_ignored():
    assert inspect(stored(photograph().convert("L"), "JPEG", icc_profile=P3), max_pixels=LIMIT).profile is None


def test_cmyk_becomes_the_same_picture():
    assert np.abs(read(KINDS["jpeg_cmyk"])[0].astype(int) - np.asarray(photograph())).mean() < 6


def test_lab_becomes_the_same_picture():
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    data = stored(ImageCms.applyTransform(photograph(), to_lab), "TIFF")
    assert np.abs(read(data)[0].astype(int) - np.asarray(photograph())).mean() < 3


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_16_bit_grey_is_rounded_to_8(file_format):
    values = np.array([[0, 128, 129, 257, 32767, 65535 - 129, 65535 - 128, 65535]], np.uint16)
    pixels, _ = read(stored(Image.fromarray(values), file_format))
    assert pixels[0, :, 0].tolist() == [0, 0, 1, 1, 127, 254, 255, 255]


@pytest.mark.parametrize(
    ("mode", "colour", "seen"),
    [
        ("RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("RGBA", (255, 0, 0, 255), (255, 0, 0)),
        ("RGBA", (0, 0, 0, 51), (204, 204, 204)),
        ("LA", (10, 255), (10, 10, 10)),
        ("LA", (10, 0), (255, 255, 255)),
        ("L", 77, (77, 77, 77)),
        ("1", 1, (255, 255, 255)),
    ],
)
def test_every_mode_becomes_opaque_rgb(mode, colour, seen):
    assert read(stored(Image.new(mode, (3, 2), colour), "PNG"))[0].tolist() == [[list(seen)] * 3] * 2


def test_transparent_palette_entry_becomes_white():
    image = Image.new("P", (2, 1))
    image.putpalette([9, 8, 7, 50, 60, 70])
    image.putpixel((1, 0), 1)
    assert read(stored(image, "PNG", transparency=0))[0].tolist() == [[[255] * 3, [50, 60, 70]]]


def test_floats_have_no_agreed_colour():
    assert refusal(stored(Image.new("F", (4, 4), 0.5), "TIFF")) == "unsupported_mode"


def test_integers_beyond_16_bits_have_no_agreed_colour():
    assert refusal(stored(Image.new("I", (4, 4), 70000), "TIFF")) == "unsupported_mode"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"a text, not a picture", "not_a_picture"),
        (b"%PDF-1.7", "not_a_picture"),
        (b"\xff\xd8\xff", "corrupt"),
        (KINDS["jpeg"][:-700], "truncated"),
        (KINDS["jpeg"][:-2], "truncated"),
        (KINDS["jpeg"][:100], "truncated"),
        (KINDS["jpeg_cmyk"][:-900], "truncated"),
        (KINDS["png"][:-700], "truncated"),
        (KINDS["bmp"][:-700], "truncated"),
        (KINDS["gif"][:-700], "truncated"),
        (KINDS["webp"][:-100], "corrupt"),
    ],
)
def test_what_cannot_be_read_has_a_reason(data, reason):
    assert refusal(data) == reason


def test_flipped_marker_is_corrupt():
    data = bytearray(KINDS["jpeg"])
    middle = len(data) * 3 // 4
    data[middle : middle + 2] = b"\xff\xd5"
    assert refusal(bytes(data)) == "corrupt"


def test_changed_png_pixels_are_corrupt_though_they_inflate():
    data = bytearray(stored(photograph(), "PNG", compress_level=0))
    data[len(data) // 2] ^= 1
    assert refusal(bytes(data)) == "corrupt"


@pytest.mark.parametrize(("padding", "accepted"), [(1, True), (16, True), (20, False)])
def test_short_padding_before_the_end_of_jpeg_is_harmless(padding, accepted):
    # libjpeg counts one or two bytes less, as it looks ahead.
    data = KINDS["jpeg"][:-2] + bytes(padding) + KINDS["jpeg"][-2:]
    if accepted:
        assert np.array_equal(read(data)[0], read(KINDS["jpeg"])[0])
    else:
        assert refusal(data) == "corrupt"


def test_bytes_after_the_end_of_jpeg_are_harmless():
    assert np.array_equal(read(KINDS["jpeg"] + bytes(99))[0], read(KINDS["jpeg"])[0])


def png_claiming(width, height):
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return header + b"\0\0\0\x0aIDAT" + zlib.compress(bytes(2)) + bytes(4)


def test_bomb_is_refused_by_its_header():
    data = png_claiming(60000, 60000)
    tracemalloc.start()
    start = time.perf_counter()
    assert refusal(data, max_pixels=10**8) == "too_many_pixels"
    assert time.perf_counter() - start < 0.05
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_are_counted_before_decoding(kind):
    assert refusal(KINDS[kind], max_pixels=100) == "too_many_pixels"


def test_limit_itself_is_allowed():
    assert inspect(KINDS["jpeg"], max_pixels=120 * 90).width == 120


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "PNG", "AVIF"])
def test_animations_are_refused(file_format):
    frames = [photograph(), photograph().rotate(90), photograph().rotate(180)]
    data = stored(frames[0], file_format, save_all=True, append_images=frames[1:], duration=50)
    assert refusal(data) == "animated"


def test_multi_picture_jpeg_is_its_first_picture():
    header = inspect(KINDS["mpo"], max_pixels=LIMIT)
    assert (header.format, header.width, header.height, header.frames) == ("jpeg", 120, 90, 1)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_single_pixel_is_a_picture(file_format):
    assert read(stored(Image.new("RGB", (1, 1), (200, 200, 200)), file_format))[0].shape == (1, 1, 3)
