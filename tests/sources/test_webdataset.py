from __future__ import annotations

import json
import pickle
import tarfile
from collections import Counter

import pytest

from pipelines.errors import RecipeError
from tests.sources.conftest import content, packed, tar_bytes


class Explosive:
    """Unpickling it fails the test."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was opened",)


def sidecar(name: str, **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    return tarfile.TarInfo(name), json.dumps(fields).encode()


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_each_sample_gives_its_picture_and_its_labels(tmp_path, listed, name):
    members = ["000.jpg", sidecar("000.json", age=7), sidecar("001.json", age=8), "001.jpg", "d.d/002.JPG"]
    (tmp_path / name).write_bytes(packed(name, tar_bytes(*members)))
    listing = listed("webdataset", tmp_path / name)
    assert listing.read_all() == [content("000.jpg"), content("001.jpg"), content("d.d/002.JPG")]
    assert [json.loads(location.labels) for location in listing.good] == [{"age": 7}, {"age": 8}, {}]


@pytest.mark.parametrize(
    ("members", "image", "chosen"),
    [
        (["a.png", "a.jpg"], None, "a.jpg"),
        (["a.damaged.png", "a.image.jpg", "a.mask.png"], None, "a.image.jpg"),
        (["a.mask.png", "a.left.bmp"], None, "a.left.bmp"),
        (["a.jpg", "a.right.png"], "right.png", "a.right.png"),
        (["a.jpg", "a.right.PNG"], ".right.png", "a.right.PNG"),
    ],
)
def test_the_picture_is_the_named_member_or_the_likeliest(tmp_path, listed, members, image, chosen):
    (tmp_path / "a.tar").write_bytes(tar_bytes(*members))
    found = listed("webdataset", tmp_path / "a.tar", image=image).good
    assert [location.uri for location in found] == [f"a.tar!/{chosen}"]


@pytest.mark.parametrize("members", [["a.txt"], ["a.mask.png"], ["a.damaged.png", "a.mask.png"]])
def test_a_sample_without_a_picture_is_counted(tmp_path, listed, members):
    (tmp_path / "a.tar").write_bytes(tar_bytes(*members, "b.jpg"))
    listing = listed("webdataset", tmp_path / "a.tar")
    assert listing.reasons == {"a.tar!/a": "incomplete_sample"}
    assert listing.read_all() == [content("b.jpg")]


def test_pickles_are_refused_and_never_opened(tmp_path, listed):
    bomb = pickle.dumps(Explosive())
    members = [(tarfile.TarInfo(f"a.{kind}"), bomb) for kind in ["pkl", "pyd", "pth", "pt", "pickle"]]
    (tmp_path / "a.tar").write_bytes(tar_bytes("a.jpg", *members, "a.npy"))
    listing = listed("webdataset", tmp_path / "a.tar")
    refused = Counter({f"pickle refused (.{kind})": 1 for kind in ["pkl", "pyd", "pth", "pt", "pickle"]})
    assert listing.ignored == refused + Counter({".npy": 1})
    assert listing.read_all() == [content("a.jpg")]


@pytest.mark.parametrize("path", ["pipe:cat a", "PIPE:rm a", "http://h/a-{0..9}.tar", "file:///a.tar"])
def test_commands_and_urls_are_refused(listed, path):
    with pytest.raises(RecipeError, match=r"shell commands|not read yet"):
        listed("webdataset", path)


def test_only_single_values_become_labels(tmp_path, listed):
    single = {"age": 3, "group": "顔", "ok": True, "x": 1.5}
    other = {"none": None, "box": [1, 2], "more": {"a": 1}, "nan": float("nan")}
    (tmp_path / "a.tar").write_bytes(tar_bytes("a.jpg", sidecar("a.json", **single, **other)))
    [location] = listed("webdataset", tmp_path / "a.tar").locations
    assert json.loads(location.labels) == single


@pytest.mark.parametrize("text", [b"{", b"[1]", b"\xff\xfe", b"[" * 100_000, b" " * (1 << 20) + b"{}", b"9" * 5000])
def test_a_bad_json_costs_the_labels_and_not_the_picture(tmp_path, listed, text):
    (tmp_path / "a.tar").write_bytes(tar_bytes((tarfile.TarInfo("a.json"), text), "a.jpg"))
    listing = listed("webdataset", tmp_path / "a.tar")
    assert [location.labels for location in listing.locations] == ["{}"]
    assert listing.read_all() == [content("a.jpg")]


@pytest.mark.parametrize(("declared", "splits"), [("", ["val", "train", "train"]), ("test", ["test"] * 3)])
def test_split_is_the_samples_then_the_shards_name(tmp_path, listed, declared, splits):
    members = ["a.jpg", sidecar("a.json", split="Validation"), "b.jpg", sidecar("b.json", split="mine"), "c.jpg"]
    (tmp_path / "train-000000.tar").write_bytes(tar_bytes(*members))
    found = listed("webdataset", tmp_path / "train-{000000..000000}.tar", split=declared).locations
    assert [location.split for location in found] == splits


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_whole_samples_before_a_cut_survive(tmp_path, listed, name):
    members = [member for n in range(100) for member in (f"{n:03d}.jpg", f"{n:03d}.txt")]
    whole = packed(name, tar_bytes(*members))
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    listing = listed("webdataset", tmp_path / name)
    count = len(listing.good)
    # The sample in which the archive ends is kept if its picture is whole.
    assert 40 < count <= 51
    assert listing.read_all() == [content(f"{n:03d}.jpg") for n in range(count)]
    assert list(listing.reasons.values()) == ["archive_broken"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.FIFOTYPE])
def test_a_picture_that_is_no_file_is_counted(tmp_path, listed, kind):
    member = tarfile.TarInfo("a.jpg")
    member.type, member.linkname = kind, "/etc/passwd"
    (tmp_path / "a.tar").write_bytes(tar_bytes((member, b""), "b.jpg"))
    listing = listed("webdataset", tmp_path / "a.tar")
    assert listing.reasons == {"a.tar!/a.jpg": "link" if kind == tarfile.SYMTYPE else "not_a_file"}
    assert listing.read_all() == [content("b.jpg")]
