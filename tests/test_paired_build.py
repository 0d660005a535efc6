"""A build over MaskedFace-Net and FFHQ: the original is the image, and the mask over it the damage."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from corpora.miniature import lay
from material import photo

from pipelines import build, verify
from pipelines.imaging.encode import decode_image, decode_png
from pipelines.shards.read import iterate

RECIPE = """
name: pairs
sources:
  - {{corpus: maskedface-net, path: {masked}, ffhq: {ffhq}}}
image: {{size: 64, format: png}}
damage:
  - {{kind: paired}}
splits: {{train: 1.0}}
"""


def pictures() -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Two originals, and the same with a blue mask over them, of half the size."""
    masked, originals = {}, {}
    for number in (2231, 60000):
        original = photo(number, 128, 128)
        covered = cv2.resize(original, (64, 64), interpolation=cv2.INTER_AREA)
        cv2.rectangle(covered, (16, 32), (48, 56), (20, 60, 230), cv2.FILLED)
        folder = f"{number:05d}"[:2] + "000"
        originals[f"images1024x1024/{folder}/{number:05d}.png"] = bytes(cv2.imencode(".png", original[..., ::-1])[1])
        masked[f"CMFD/{folder}/{number:05d}_Mask.jpg"] = bytes(
            cv2.imencode(".jpg", covered[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
        )
    return masked, originals


def test_image_is_the_original_and_damaged_shows_the_mask(ray_here: None, tmp_path: Path) -> None:
    masked, originals = pictures()
    paths = {"masked": lay(tmp_path / "masked", masked), "ffhq": lay(tmp_path / "ffhq", originals)}
    (tmp_path / "r.yaml").write_text(RECIPE.format(**paths))
    build(tmp_path / "r.yaml", tmp_path / "out", workers=2)
    assert verify(tmp_path / "out") == []
    samples = dict(iterate(tmp_path / "out" / "shards" / "train-000000.tar"))
    assert len(samples) == 2
    for members in samples.values():
        number = int(json.loads(members["json"])["source_uri"].rpartition("/")[2][:5])
        original = cv2.resize(photo(number, 128, 128), (64, 64), interpolation=cv2.INTER_AREA)
        image, damaged, mask = (
            decode_image(members["image.png"]),
            *map(decode_png, (members["damaged.png"], members["mask.png"])),
        )
        assert np.abs(image.astype(int) - original).mean() < 3
        assert (damaged[36:52, 20:44, 2] > 180).all()
        assert mask[36:52, 20:44].all()
        assert not mask[:24].any()


def test_a_corrupt_original_is_a_counted_reason(ray_here: None, tmp_path: Path) -> None:
    masked, originals = pictures()
    broken = sorted(originals)[0]
    originals[broken] = originals[broken][:300]
    paths = {"masked": lay(tmp_path / "masked", masked), "ffhq": lay(tmp_path / "ffhq", originals)}
    (tmp_path / "r.yaml").write_text(RECIPE.format(**paths))
    audit = build(tmp_path / "r.yaml", tmp_path / "out", workers=2)["audit"]
    assert audit["dropped"] == {"truncated": 1}
    assert audit["committed"] == 1
