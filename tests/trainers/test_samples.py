"""Decoding, fresh holes, and what a dataset must have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny_dataset

from pipelines.errors import MenderyError
from pipelines.imaging.encode import decode_image, decode_png
from trainers.samples import LoaderSettings, Maker, parse_damages

MEMBERS = ("damaged.png", "image.jpg", "json", "landmarks.npy", "mask.png", "parsing.png")
FRESH = ({"kind": "box", "ratio_range": [0.1, 0.3]}, {"kind": "brush", "ratio_range": [0.1, 0.3]})


def made(maker: Maker, number: int = 0, epoch: int = 0) -> dict[str, np.ndarray]:
    sample = tiny_dataset.sample(number, "train", guides=True)
    return maker.make(sample.key, epoch, [sample.members[name] for name in maker.wanted.values()])[0]


def test_without_chance_a_sample_is_as_it_is_stored() -> None:
    sample, arrays = tiny_dataset.sample(0, "train"), made(Maker(MEMBERS, 32, needs=frozenset({"damaged"})))
    assert (arrays["image"] == decode_image(sample.members["image.jpg"])).all()
    assert (arrays["mask"] == decode_png(sample.members["mask.png"]) // 255).all()
    assert (arrays["damaged"] == decode_png(sample.members["damaged.png"])).all()


def test_a_mask_is_one_where_pixels_are_missing() -> None:
    arrays = made(Maker(MEMBERS, 32, needs=frozenset({"damaged"})))
    assert (arrays["damaged"][arrays["mask"] == 1] == 128).all()


def test_all_guides_come_in_the_asked_size() -> None:
    settings = LoaderSettings(mirror=True, area_range=(0.5, 1.0), rotate=10, jitter=0.1)
    arrays = made(Maker(MEMBERS, 16, needs=frozenset({"damaged", "landmarks", "parsing"}), settings=settings))
    assert {name: array.shape for name, array in arrays.items()} == {
        "image": (16, 16, 3), "mask": (16, 16), "damaged": (16, 16, 3), "landmarks": (68, 2), "parsing": (16, 16),
    }  # fmt: skip


def test_fresh_holes_differ_by_epoch_and_sample_and_not_by_process() -> None:
    maker = Maker(MEMBERS, 32, seed=5, settings=LoaderSettings(fresh=FRESH))
    again = Maker(MEMBERS, 32, seed=5, settings=LoaderSettings(fresh=FRESH))
    masks = [made(maker, number, epoch)["mask"] for number, epoch in ((0, 0), (0, 1), (1, 0))]
    assert not any((one == other).all() for one, other in [(masks[0], masks[1]), (masks[0], masks[2])])
    assert (made(again, 0, 1)["mask"] == masks[1]).all()


def test_fresh_holes_have_the_asked_share() -> None:
    maker = Maker(MEMBERS, 32, settings=LoaderSettings(fresh=FRESH))
    shares = np.array([made(maker, number)["mask"].mean() for number in range(60)])
    assert shares.min() > 0.1 and shares.max() <= 0.3
    assert 0.16 < shares.mean() < 0.24  # goals are uniform over the range


def test_fresh_holes_of_lama_are_as_published() -> None:
    """Strokes or boxes, as many of the one as of the other: boxes alone give straight rims, and are half of all."""
    from pipelines.damage import DAMAGES, Context

    damage = DAMAGES["lama_train"](kind="lama_train")
    boxes = sum(bool(damage.sample(np.random.default_rng(seed), Context(256, 256)).boxes) for seed in range(400))
    assert 160 < boxes < 240


def test_augmentation_differs_by_epoch() -> None:
    maker = Maker(MEMBERS, 32, settings=LoaderSettings(area_range=(0.4, 0.9)))
    assert (made(maker, 0, 0)["image"] != made(maker, 0, 1)["image"]).any()


@pytest.mark.parametrize("guide", ["landmarks", "parsing", "segments", "edges", "alpha", "damaged"])
def test_a_guide_that_is_not_there_is_named(guide: str) -> None:
    with pytest.raises(MenderyError, match=f"needs {guide}, and the dataset has none: build it with"):
        Maker(("image.jpg", "json", "mask.png"), 32, needs=frozenset({guide}))


def test_a_dataset_without_masks_needs_fresh_ones() -> None:
    with pytest.raises(MenderyError, match="no masks.*loader.fresh"):
        Maker(("image.jpg", "json"), 32)
    assert Maker(("image.jpg", "json"), 32, settings=LoaderSettings(fresh=FRESH)).wanted == {"image": "image.jpg"}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"kind": "brusch"}, "did you mean 'brush'"),
        ({"kind": "brush", "ratio_range": [0.5, 0.1]}, "ratio_range must be two numbers"),
        ({"kind": "brush", "colour": 1}, "colour"),
    ],
)
def test_a_bad_damage_is_a_sentence(entry: dict[str, object], said: str) -> None:
    with pytest.raises(MenderyError, match=said):
        parse_damages([entry])


def test_tiny_datasets_are_real(tmp_path: Path) -> None:
    """What other tests build on reads back through the project's own reader."""
    from pipelines.shards.read import find_sample

    out = tiny_dataset.write(tmp_path / "out", {"train": [2, 1]})
    sample = tiny_dataset.sample(2, "train")
    assert find_sample(out, sample.key) == ("train-000001", sample.members)
