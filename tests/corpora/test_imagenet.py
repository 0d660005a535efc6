"""ImageNet: the tar of tars, flat validation pictures with their ground truth and meta.mat, upper-case `.JPEG`.

torchvision.datasets.ImageNet (source read): it unpacks the same archives after checking their MD5 sums, and moves the
validation pictures into folders by class; it takes leaves of meta.mat by `num_children`, ours the first thousand ids,
which are the same, and it has no test split.
"""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from corpora.miniature import Miniature, lay, list_corpus, picture, tar_of
from scipy.io import savemat

from pipelines.errors import RecipeError

KIT = "ILSVRC2012_devkit_t12"
TRUTH = f"{KIT}/data/ILSVRC2012_validation_ground_truth.txt"
META = f"{KIT}/data/meta.mat"
TRAIN = ["n01440764/n01440764_10026.JPEG", "n01440764/n01440764_10027.JPEG", "n01443537/n01443537_10007.JPEG"]


def meta() -> bytes:
    """A struct array as the devkit has it: two classes and an ancestor of both."""
    kind = [(name, object) for name in ("ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "num_train_images")]
    rows = [
        (1, "n01440764", "tench, Tinca tinca", "a fish", 0, 1300),
        (2, "n01443537", "goldfish, Carassius auratus", "a fish", 0, 1300),
        (1001, "n02512053", "fish", "an animal", 2, 0),
    ]
    buffer = io.BytesIO()
    savemat(buffer, {"synsets": np.array(rows, kind).reshape(-1, 1)})
    return buffer.getvalue()


MINIATURE = Miniature(
    corpus="imagenet",
    files={name: picture(number, 80, 96) for number, name in enumerate(TRAIN)}
    | {f"ILSVRC2012_val_0000000{number}.JPEG": picture(number + 10) for number in (1, 2)}
    | {"ILSVRC2012_test_00000001.JPEG": picture(20), META: meta(), TRUTH: b"2\n1\n"},
    splits={"train": 3, "val": 2, "test": 1},
    annotations=(META, TRUTH),
    labelled=False,
    packs={
        "ILSVRC2012_img_train.tar": ("n0",),
        "ILSVRC2012_img_val.tar": ("ILSVRC2012_val_",),
        "ILSVRC2012_img_test_v10102019.tar": ("ILSVRC2012_test_",),
        "ILSVRC2012_devkit_t12.tar.gz": (f"{KIT}/",),
    },
)
KAGGLE = Miniature(
    corpus="imagenet",
    files={f"ILSVRC/Data/CLS-LOC/train/{name}": picture(number, 80, 96) for number, name in enumerate(TRAIN)}
    | {f"ILSVRC/Data/CLS-LOC/val/ILSVRC2012_val_0000000{number}.JPEG": picture(number + 10) for number in (1, 2)}
    | {
        "ILSVRC/Data/CLS-LOC/test/ILSVRC2012_test_00000001.JPEG": picture(20),
        "LOC_synset_mapping.txt": b"n01440764 tench, Tinca tinca\nn01443537 goldfish, Carassius auratus\n",
        "LOC_val_solution.csv": b"ImageId,PredictionString\n"
        b"ILSVRC2012_val_00000002,n01440764 85 1 499 272 n01440764 1 2 30 40 \n"
        b"ILSVRC2012_val_00000001,n01443537 108 0 370 294 \n",
    },
    splits={"train": 3, "val": 2, "test": 1},
    annotations=("LOC_synset_mapping.txt", "LOC_val_solution.csv"),
)
MINIATURES = [MINIATURE, KAGGLE]


def test_classes_have_words(tmp_path):
    found = list_corpus("imagenet", lay(tmp_path / "c", MINIATURE.files), tmp_path / "i")
    assert json.loads(found.named("n01440764_10026.JPEG").labels) == {
        "scene": "tench, Tinca tinca",
        "wnid": "n01440764",
    }
    assert json.loads(found.named("val_00000001.JPEG").labels)["wnid"] == "n01443537"


def test_tar_of_tars_is_read_in_place(tmp_path):
    inner = {f"{wnid}.tar": tar_of({name.split("/")[1]: MINIATURE.files[name] for name in TRAIN if wnid in name})
             for wnid in ("n01440764", "n01443537")}  # fmt: skip
    found = list_corpus("imagenet", lay(tmp_path / "c", {"ILSVRC2012_img_train.tar": tar_of(inner)}), tmp_path / "i")
    assert found.splits == {"train": 3}
    assert sorted(map(found.read, found.good)) == sorted(MINIATURE.files[name] for name in TRAIN)


def test_validation_sorted_into_folders_needs_no_devkit(tmp_path):
    files = {"val/n01443537/ILSVRC2012_val_00000001.JPEG": picture(11), f"train/{TRAIN[0]}": picture(1)}
    found = list_corpus("imagenet", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.splits == {"train": 1, "val": 1}
    assert json.loads(found.named("val_00000001.JPEG").labels) == {"wnid": "n01443537"}


def test_validation_picture_that_is_missing_is_counted(tmp_path):
    files = {name: data for name, data in MINIATURE.files.items() if name != "ILSVRC2012_val_00000002.JPEG"}
    found = list_corpus("imagenet", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {"ILSVRC2012_val_00000002": "no_picture"}


def test_damaged_meta_is_named(tmp_path):
    files = dict(MINIATURE.files) | {META: meta()[:200]}
    with pytest.raises(RecipeError, match=r"meta\.mat"):
        list_corpus("imagenet", lay(tmp_path / "c", files), tmp_path / "i")


def test_kaggle_copy_needs_no_devkit(tmp_path):
    found = list_corpus("imagenet", lay(tmp_path / "c", KAGGLE.files), tmp_path / "i")
    assert json.loads(found.named("val_00000002.JPEG").labels) == {"scene": "tench, Tinca tinca", "wnid": "n01440764"}


def test_line_that_is_empty_moves_no_other_class(tmp_path):
    files = dict(MINIATURE.files) | {TRUTH: b"\n1\n"}
    found = list_corpus("imagenet", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {"ILSVRC2012_val_00000001.JPEG": "no_label"}
    assert json.loads(found.named("val_00000002.JPEG").labels)["wnid"] == "n01440764"
