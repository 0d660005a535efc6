"""Guides lie where the picture lies, and every sample has those that the recipe asks for."""

from __future__ import annotations

import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from corpora.miniature import lay
from material import photo
from PIL import Image

from pipelines import build, verify
from pipelines.errors import BadPicture
from pipelines.guides import Edges, Guides, cropped, edges_member, faults, label_map, landmarks_member
from pipelines.imaging.encode import decode_image, decode_png
from pipelines.layout import Layout
from pipelines.shards.read import iterate, metadata_of

HALF = (0.5, 0.0, -10.0, 0.0, 0.5, -20.0)


def png_of(array: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".png", array)[1])


def plane(value: int, columns: slice, side: int = 40) -> bytes:
    mask = np.zeros((side, side), np.uint8)
    mask[:, columns] = value
    return png_of(mask)


def test_masks_of_classes_are_merged_in_the_order_of_the_list() -> None:
    files = {
        "hair": plane(255, slice(10, 30)),
        "skin": plane(255, slice(0, 20)),
        "unheard of": plane(255, slice(0, 40)),
    }
    labels = label_map(files, "celebamask-hq")
    assert labels[0, [0, 9, 10, 29, 30]].tolist() == [1, 1, 13, 13, 0]


def test_of_probabilities_the_highest_wins() -> None:
    files = {
        "hair": plane(90, slice(10, 30)),
        "face skin": plane(200, slice(0, 20)),
        "background": plane(10, slice(0, 40)),
    }
    labels = label_map(files, "helen-11")
    assert labels[0, [0, 15, 25, 35]].tolist() == [1, 1, 10, 0]


def test_a_palette_gives_its_indices() -> None:
    stored = Image.fromarray(np.full((4, 4), 7, np.uint8), "P")
    stored.putpalette([9, 9, 9] * 256)
    file = io.BytesIO()
    stored.save(file, "PNG")
    assert (label_map({"": file.getvalue()}, "cmp-facade") == 7).all()


@pytest.mark.parametrize(
    "files",
    [
        {"": b"rubbish"},
        {"": png_of(np.zeros((4, 4), np.uint8))[:-34]},
        {"": png_of(photo(1))},
        {"": png_of(np.full((4, 4), 3000, np.uint16))},
        {"hair": plane(255, slice(0, 9), 40), "skin": plane(255, slice(0, 9), 20)},
        {"unheard of": plane(255, slice(0, 9))},
    ],
)
def test_what_is_no_label_map_is_a_reason(files: dict[str, bytes]) -> None:
    with pytest.raises(BadPicture, match="bad_guide"):
        label_map(files, "celebamask-hq")


def test_a_smaller_map_covers_the_whole_picture() -> None:
    labels = np.repeat(np.arange(4, dtype=np.uint8)[None], 4, 0)  # 4 x 4 for a picture of 400 x 400
    crop = decode_png(cropped(labels, (0.5, 0, 0, 0, 0.5, 0), 400, 400, 200, "celebamask-hq"))
    assert crop[100, [10, 60, 110, 190]].tolist() == [0, 1, 2, 3]


def test_landmarks_are_those_of_the_face_nearest_to_the_middle() -> None:
    faces = [{"scheme": "ibug-68", "points": [[x, x]] * 68} for x in (40, 260, 900)]
    faces.append({"scheme": "five", "points": [[250, 250]] * 5})
    points = np.load(io.BytesIO(landmarks_member(json.dumps(faces), HALF, 200)))
    assert points.dtype == np.float32 and (points == (120, 110)).all()


def test_edges_lie_on_the_edge() -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:, 32:] = 255
    edges = decode_png(edges_member(picture, Edges()))
    assert set(np.flatnonzero(edges.any(axis=0))) <= {31, 32} and edges.any(axis=1).all()


def test_what_a_picture_lacks_is_named() -> None:
    block = Guides(landmarks=True, parsing=True, edges=Edges())
    assert block.lacks('{"segments": {}}', "[]") == "parsing, landmarks"
    assert Guides(edges=Edges()).lacks("{}", "[]") == ""


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("edges.png", b"x"),
        ("parsing.png", png_of(np.zeros((9, 8), np.uint8))),
        ("segments.png", png_of(np.zeros((8, 8, 3), np.uint8))),
        ("landmarks.npy", b"\x93NUMPY"),
        (
            "landmarks.npy",
            landmarks_member('[{"scheme": "ibug-68", "points": ' + str([[1, 1]] * 68) + "}]", HALF, 8)[:-8],
        ),
    ],
)
def test_verify_finds_what_is_wrong(name: str, data: bytes) -> None:
    assert [kind for kind, _ in faults({name: data}, 8)] == ["guide"]


@pytest.fixture
def celebamask(tmp_path: Path) -> Path:
    """Four pictures of 128 with skin on the left half and masks of 64; the third's is cut, the last has none."""
    files: dict[str, bytes] = {}
    for index in range(4):
        picture = photo(index, 128, 128)
        picture[:, :64] //= 4
        files[f"CelebA-HQ-img/{index}.jpg"] = bytes(cv2.imencode(".png", picture[..., ::-1])[1])
        if index < 3:
            mask = plane(255, slice(0, 32), 64)
            files[f"CelebAMask-HQ-mask-anno/0/{index:05d}_skin.png"] = mask if index != 2 else mask[:40]
    lay(tmp_path / "c", files)
    (tmp_path / "guides.yaml").write_text("""
name: guided
sources: [{corpus: celebamask-hq, path: c}]
image: {size: 64, position: random, crop_range: [0.5, 1.0], crops_per_image: 2, format: png}
guides: {parsing: true, edges: {sigma: 1}}
damage: [{kind: box}]
variants: 2
splits: {train: 1.0}
""")
    return tmp_path / "guides.yaml"


def test_a_build_with_guides(ray_here: None, celebamask: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    manifest = build(celebamask, out)
    assert manifest["audit"]["kept"] == 2 and manifest["audit"]["dropped"] == {"bad_guide": 1, "no_guide": 1}
    assert manifest["audit"]["committed"] == 8 and verify(out) == []
    (shard,) = Layout(out).shards.glob("*.tar")
    for _, members in iterate(shard):
        assert list(members) == ["damaged.png", "edges.png", "image.png", "json", "mask.png", "parsing.png"]
        metadata = metadata_of(members)
        assert json.loads(metadata["guides"]) == {
            "edges": {"high": 200.0, "low": 100.0, "sigma": 1.0},
            "parsing": "celebamask-hq",
        }
        border = 64 * metadata["crop_matrix"][0] + metadata["crop_matrix"][2]  # where skin ends, in the crop
        parsing = decode_png(members["parsing.png"])
        assert (np.flatnonzero(parsing[0] == 1) < border).all() and abs((parsing[0] == 1).sum() - max(border, 0)) <= 1
        assert decode_image(members["image.png"]).shape == (64, 64, 3)


def test_guides_that_are_lost_are_made_again(ray_here: None, celebamask: Path, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "out")
    build(celebamask, layout.out)
    before = layout.shard("train-000000").read_bytes()
    for path in (layout.manifest, layout.commit("train-000000"), layout.shard("train-000000")):
        path.unlink()
    build(celebamask, layout.out)
    assert layout.shard("train-000000").read_bytes() == before
