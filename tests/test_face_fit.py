"""`fit: face` through a whole build, with the landmarks that a corpus declares."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from material import photo

from pipelines import build, plan, verify
from pipelines.imaging.encode import decode_image
from pipelines.layout import Layout
from pipelines.shards.read import iterate, metadata_of

FIVE = np.array([(250.0, 250), (350, 250), (300, 310), (265, 360), (335, 360)])
RECIPE = """
name: faces
sources: [{corpus: celeba, path: celeba}]
image: {size: 128, fit: face, template: ffhq, format: png}
damage: [{kind: box}]
splits: official
"""


@pytest.fixture
def celeba(tmp_path: Path) -> Path:
    """Six pictures of 600 x 700 in CelebA's layout, a white dot on each eye; two faces are of no use."""
    folder, lines = tmp_path / "celeba" / "img_align_celeba", ["6", "lefteye_x ..."]
    folder.mkdir(parents=True)
    for number in range(6):
        rotation = cv2.getRotationMatrix2D((300, 300), 12 * number - 20, {4: 0.1}.get(number, 1.0))
        five = (FIVE @ rotation[:, :2].T + rotation[:, 2] - ((200, 200) if number == 5 else (0, 0))).round()
        picture = photo(number, 700, 600) // 2
        for x, y in five[:2].astype(int):
            cv2.circle(picture, (int(x), int(y)), 8, (255, 255, 255), -1)
        cv2.imwrite(str(folder / f"{number:06d}.png"), picture[..., ::-1])
        (folder / f"{number:06d}.png").rename(folder / f"{number:06d}.jpg")  # what it is, decoding tells
        lines.append(f"{number:06d}.jpg " + " ".join(f"{int(value)}" for value in five.ravel()))
    (tmp_path / "celeba" / "list_landmarks_align_celeba.txt").write_text("\n".join(lines))
    (tmp_path / "celeba" / "list_eval_partition.txt").write_text("".join(f"{n:06d}.jpg {n % 3}\n" for n in range(6)))
    (tmp_path / "faces.yaml").write_text(RECIPE)
    return tmp_path / "faces.yaml"


def test_faces_lie_where_the_metadata_says(ray_here: None, celeba: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    audit = build(celeba, out)["audit"]
    assert (audit["kept"], audit["dropped"]) == (4, {"face_cut": 1, "face_too_small": 1})
    assert verify(out) == []
    for shard in Layout(out).shards.glob("*.tar"):
        for _, members in iterate(shard):
            (face,) = json.loads(metadata_of(members)["faces"])
            (left, right), image = np.array(face["five"])[:2], decode_image(members["image.png"])
            # Eyes level, their middle on the axis, and bright there.
            assert abs(left[1] - right[1]) < 0.02 * 128 and abs((left + right)[0] / 2 - 64) < 0.02 * 128
            assert all(image[int(y), int(x)].min() > 240 for x, y in (left, right))


def test_plan_counts_faces(celeba: Path) -> None:
    found = plan(celeba)
    assert (found.sources[0].pictures, found.samples) == (6, 4)
    assert found.sources[0].dropped == {"face_cut": 1, "face_too_small": 1}
