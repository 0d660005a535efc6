"""DTD: images by class, and three lists for each of ten partitions.

torchvision.datasets.DTD (source read): it takes the same lists, for one split at a time, and needs the archive
unpacked; classes are numbered there and named here. Neither misses a picture that no list names; ours says so.
"""

from __future__ import annotations

import json

from corpora.miniature import Miniature, lay, list_corpus, picture

NAMES = ["banded/banded_0002.jpg", "banded/banded_0004.jpg", "cobwebbed/cobwebbed_0006.jpg"]
LISTS = {
    f"dtd/labels/{split}{partition}.txt": (NAMES[(place + partition - 1) % 3] + "\n").encode()
    for partition in range(1, 11)
    for place, split in enumerate(("train", "val", "test"))
}

MINIATURE = Miniature(
    corpus="dtd",
    files={f"dtd/images/{name}": picture(number) for number, name in enumerate(NAMES)}
    | {"dtd/images/.directory": b"", "dtd/labels/labels_joint_anno.txt": b"banded/banded_0002.jpg banded \n"}
    | LISTS,
    splits={"train": 1, "val": 1, "test": 1},
    annotations=tuple(name for name in LISTS if name.endswith("1.txt")),
    labelled=True,
    packs={"dtd-r1.0.1.tar.gz": ("dtd/",)},
)


def test_class_is_the_scene(tmp_path):
    found = list_corpus("dtd", lay(tmp_path / "c", MINIATURE.files), tmp_path / "i")
    assert json.loads(found.named(NAMES[2]).labels) == {"scene": "cobwebbed"}


def test_partition_moves_pictures_between_splits(tmp_path):
    lay(tmp_path / "c", MINIATURE.files)
    splits = [
        list_corpus("dtd", tmp_path / "c", tmp_path / "i", partition=number).named(NAMES[0]).split for number in (1, 2)
    ]
    assert splits == ["train", "test"]


def test_picture_in_no_list_has_no_label(tmp_path):
    files = dict(MINIATURE.files) | {"dtd/images/banded/banded_0005.jpg": picture(9)}
    found = list_corpus("dtd", lay(tmp_path / "c", files), tmp_path / "i")
    assert found.reasons == {"dtd/images/banded/banded_0005.jpg": "no_label"}
