"""Filling files and folders: known pixels, sizes, tiles, and what cannot be used."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from material import photo

from pipelines.errors import MenderyError
from tests.trainers.runs import made
from trainers.inpaint import fill, inpaint, read_mask
from trainers.inpainters import open_inpainter


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels[..., ::-1] if pixels.ndim == 3 else pixels)
    return path


def hole(height: int, width: int) -> np.ndarray:
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 : height // 2, width // 3 : 2 * width // 3] = 255
    return mask


@pytest.fixture(scope="module", params=["lama", "aot_gan"])
def run(request: pytest.FixtureRequest, demo_build: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(made(request.param, demo_build, tmp_path_factory.mktemp("runs") / request.param))


@pytest.mark.parametrize(("height", "width"), [(64, 64), (33, 97), (9, 300), (1, 40)])
def test_pictures_of_any_size_keep_their_known_pixels(run: str, height: int, width: int) -> None:
    picture, mask = photo(1, height, width), hole(height, width)
    mask[0, 5] = 255
    filled = fill(open_inpainter(run, "cpu"), picture, mask)
    assert filled.shape == picture.shape
    assert np.array_equal(filled[mask == 0], picture[mask == 0])
    assert (filled[mask > 0] != picture[mask > 0]).any()


def test_large_pictures_are_filled_in_tiles_without_seams() -> None:
    picture = np.full((300, 500, 3), 90, np.uint8)
    picture[:, :, 0] = np.linspace(0, 200, 500)
    mask = hole(300, 500)
    whole = fill(open_inpainter("telea"), picture, mask, limit=600)
    tiled = fill(open_inpainter("telea"), picture, mask, limit=128, overlap=32)
    assert np.array_equal(tiled[mask == 0], picture[mask == 0])
    steps = np.abs(np.diff(tiled.astype(int), axis=1)).max()
    assert steps <= 2 * np.abs(np.diff(whole.astype(int), axis=1)).max() + 8


def test_a_tile_without_a_hole_is_not_filled() -> None:
    class Counting:
        name, needs, about, notes = "counting", frozenset(), {}, ()
        calls = 0

        def fill(self, batch):
            self.calls += 1
            return open_inpainter("mean").fill(batch)

    inpainter, mask = Counting(), np.zeros((256, 256), np.uint8)
    mask[10:20, 10:20] = 255
    fill(inpainter, photo(1, 256, 256), mask, limit=64, overlap=16)
    assert inpainter.calls == 1


def test_a_folder_is_paired_by_name(tmp_path: Path) -> None:
    for seed in range(3):
        save(tmp_path / f"in/{seed}.jpg", photo(seed, 40, 50))
        save(tmp_path / f"masks/{seed}.png", hole(40, 50))
    written = inpaint("mean", tmp_path / "in", tmp_path / "masks", tmp_path / "out")
    assert [path.name for path in written] == ["0.png", "1.png", "2.png"]
    picture, filled = (cv2.imread(str(path)) for path in (tmp_path / "in/1.jpg", written[1]))
    assert np.array_equal(picture[hole(40, 50) == 0], filled[hole(40, 50) == 0])


def test_one_mask_serves_a_folder(tmp_path: Path) -> None:
    for seed in range(2):
        save(tmp_path / f"in/{seed}.png", photo(seed, 40, 50))
    mask = save(tmp_path / "mask.png", hole(40, 50))
    assert len(inpaint("mean", tmp_path / "in", mask, tmp_path / "out")) == 2


def test_nothing_missing_gives_the_picture_itself(tmp_path: Path) -> None:
    image = save(tmp_path / "a.png", photo(1, 40, 50))
    mask = save(tmp_path / "m.png", np.zeros((40, 50), np.uint8))
    (written,) = inpaint("telea", image, mask, tmp_path / "out.png")
    assert np.array_equal(cv2.imread(str(image)), cv2.imread(str(written)))


def test_grey_of_a_mask_is_cut_at_its_middle(tmp_path: Path) -> None:
    grey = np.zeros((4, 4), np.uint8)
    grey[0], grey[1] = 127, 128
    assert np.array_equal(read_mask(save(tmp_path / "m.png", grey)) > 0, grey > 127)


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("size", "a mask is as large as its picture"),
        ("mask", "cannot be used"),
        ("suffix", "written as"),
        ("pair", "no mask for 0.png"),
    ],
)
def test_what_cannot_be_used_is_named(case: str, expected: str, tmp_path: Path) -> None:
    image, mask, out = save(tmp_path / "in/0.png", photo(1, 40, 50)), tmp_path / "m.png", tmp_path / "out.png"
    save(mask, hole(40, 51 if case == "size" else 50))
    if case == "mask":
        mask.write_bytes(b"no picture")
    if case == "suffix":
        out = tmp_path / "out.docx"
    if case == "pair":
        image, mask, out = tmp_path / "in", save(tmp_path / "masks/1.png", hole(40, 50)).parent, tmp_path / "o"
    with pytest.raises(MenderyError, match=expected):
        inpaint("mean", image, mask, out)
