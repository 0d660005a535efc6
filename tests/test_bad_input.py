"""Rubbish in, counted reasons out: never a traceback, a lost good picture or a touched source."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import cv2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora.miniature import lay, parts_of, seven_zip_of
from material import jpeg, photo, recipe_text
from PIL import Image

from pipelines import build, verify
from pipelines.errors import MenderyError, SourceVanished
from pipelines.layout import Layout

GOOD = 6


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    folder.mkdir()
    return folder


def built(source: str, folder: Path, **options: Any) -> dict[str, Any]:
    """Builds a recipe over one source, and checks what must hold whatever is in it."""
    recipe = folder / "recipe.yaml"
    recipe.write_text(recipe_text(source))
    before = _everything(folder / "sources")
    manifest = build(recipe, folder / "out", workers=2, **options)
    assert _everything(folder / "sources") == before, "a source was touched"
    assert verify(folder / "out") == []
    return manifest


def _everything(folder: Path) -> dict[bytes, Any]:
    found = {}
    for root, _, names in os.walk(os.fsencode(folder)):
        for name in names:
            path = os.path.join(root, name)
            status = os.lstat(path)
            found[path] = (status.st_size, status.st_mtime_ns)
    return found


def add_good(folder: Path) -> None:
    for seed in range(GOOD):
        (folder / f"good-{seed}.jpg").write_bytes(jpeg(seed))


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def animated() -> bytes:
    frames = [Image.fromarray(photo(seed)) for seed in range(3)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    return file.getvalue()


@pytest.mark.usefixtures("ray_here")
class TestFolder:
    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (jpeg(50)[:-700], "truncated"),
            (b"", "empty"),
            (b"this is no picture at all", "not_a_picture"),
            (png_header(60_000, 60_000), "too_many_pixels"),
            (animated(), "animated"),
            (cv2.imencode(".png", photo(1)[:1, :1])[1].tobytes(), "too_small"),
            (jpeg(0), "duplicate"),
        ],
        ids=["truncated", "empty", "text", "bomb", "animated", "one-pixel", "duplicate"],
    )
    def test_bad_picture_is_a_counted_reason(self, data: bytes, reason: str, sources: Path, tmp_path: Path) -> None:
        add_good(sources)
        (sources / "zz.jpg").write_bytes(data)
        audit = built("{type: folder, path: sources}", tmp_path)["audit"]
        assert audit["dropped"] == {reason: 1}
        assert audit["kept"] == GOOD

    def test_unreadable_files_are_counted(self, sources: Path, tmp_path: Path) -> None:
        add_good(sources)
        (sources / "dangling.jpg").symlink_to(sources / "nowhere.jpg")
        os.mkfifo(sources / "pipe.jpg")
        (sources / "notes.txt").touch()
        audit = built("{type: folder, path: sources}", tmp_path)["audit"]
        assert audit["dropped"] == {"link": 1, "not_a_file": 1}
        assert audit["ignored_files"] == {".txt": 1}

    @pytest.mark.parametrize(
        "name", [b"with space.jpg", b"new\nline.jpg", "\u65e5\u672c\u8a9e.jpg".encode(), b"\xff\xfe.jpg", b"100%25.JPG"]
    )
    def test_odd_names_are_kept(self, name: bytes, sources: Path, tmp_path: Path) -> None:
        add_good(sources)
        Path(os.fsdecode(os.path.join(os.fsencode(sources), name))).write_bytes(jpeg(77))
        assert built("{type: folder, path: sources}", tmp_path)["audit"]["kept"] == GOOD + 1

    def test_folder_that_vanishes_midway_stops_with_one_error(
        self, sources: Path, tmp_path: Path, monkeypatch: Any
    ) -> None:
        from pipelines.curate.measure import MeasureJob, measure_part
        from pipelines.recipe import load

        add_good(sources)
        built("{type: folder, path: sources}", tmp_path)
        recipe = load(tmp_path / "recipe.yaml")
        sources.rename(tmp_path / "moved")
        with pytest.raises(SourceVanished, match="is gone"):
            measure_part(MeasureJob(str(tmp_path / "out"), recipe.model_dump_json(), 0))

    def test_picture_that_changed_behind_the_builds_back_is_named(self, sources: Path, tmp_path: Path) -> None:
        add_good(sources)
        built("{type: folder, path: sources}", tmp_path)
        layout = Layout(tmp_path / "out")
        changed = sources / "good-0.jpg"
        status = changed.stat()
        data = bytearray(changed.read_bytes())
        data[-3] ^= 1
        changed.write_bytes(data)
        os.utime(changed, ns=(status.st_atime_ns, status.st_mtime_ns))
        layout.manifest.unlink()
        for commit in layout.commits.iterdir():
            commit.unlink()
        with pytest.raises(MenderyError, match=r"good-0\.jpg: other bytes than when this build was begun"):
            build(tmp_path / "recipe.yaml", layout.out)

    def test_nothing_usable_is_one_clear_error(self, sources: Path, tmp_path: Path) -> None:
        (sources / "a.jpg").write_bytes(b"no")
        with pytest.raises(MenderyError, match="no picture was kept of 1 found: 1 not_a_picture"):
            built("{type: folder, path: sources}", tmp_path)

    def test_no_picture_at_all_is_one_clear_error(self, sources: Path, tmp_path: Path) -> None:
        (sources / "a.txt").touch()
        with pytest.raises(MenderyError, match="no picture in .*sources"):
            built("{type: folder, path: sources}", tmp_path)


def write_tar(path: Path, mode: str = "w", extra: bool = False) -> None:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for seed in range(GOOD):
            add(archive, f"good/{seed}.jpg", jpeg(seed))
        if extra:
            add(archive, "/etc/evil.jpg", jpeg(90))
            add(archive, "../evil.jpg", jpeg(91))
            link = tarfile.TarInfo("link.jpg")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(link)


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


@pytest.mark.usefixtures("ray_here")
class TestArchives:
    @pytest.mark.parametrize(("name", "mode"), [("a.tar", "w"), ("a.tar.gz", "w:gz")])
    def test_unsafe_members_and_links_are_counted(self, name: str, mode: str, sources: Path, tmp_path: Path) -> None:
        write_tar(sources / name, mode, extra=True)
        audit = built(f"{{type: tar, path: sources/{name}}}", tmp_path)["audit"]
        assert audit["dropped"] == {"link": 1, "unsafe_name": 2}
        assert audit["kept"] == GOOD

    @pytest.mark.parametrize("kind", ["tar", "webdataset"])
    def test_cut_tar_keeps_what_is_whole(self, kind: str, sources: Path, tmp_path: Path) -> None:
        write_tar(sources / "a.tar")
        data = (sources / "a.tar").read_bytes()
        (sources / "a.tar").write_bytes(data[: data.rindex(b"good/5.jpg") + 900])
        audit = built(f"{{type: {kind}, path: sources/a.tar}}", tmp_path)["audit"]
        assert audit["kept"] == GOOD - 1
        assert audit["dropped"] == {"archive_broken": 1}

    def test_cut_gzip_keeps_what_is_whole(self, sources: Path, tmp_path: Path) -> None:
        write_tar(sources / "a.tar.gz", "w:gz")
        data = (sources / "a.tar.gz").read_bytes()
        (sources / "a.tar.gz").write_bytes(data[: len(data) * 2 // 3])
        audit = built("{type: tar, path: sources/a.tar.gz}", tmp_path)["audit"]
        assert audit["kept"] >= 2
        assert "archive_broken" in audit["dropped"]

    def test_zip_bomb_is_counted(self, sources: Path, tmp_path: Path) -> None:
        with zipfile.ZipFile(sources / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for seed in range(GOOD):
                archive.writestr(f"{seed}.jpg", jpeg(seed))
            with archive.open("bomb.jpg", "w") as bomb:
                for _ in range(100):
                    bomb.write(bytes(2**20))
        audit = built("{type: zip, path: sources/a.zip}", tmp_path)["audit"]
        assert audit["dropped"] == {"too_many_bytes": 1}

    def test_corrupt_zip_member_is_counted(self, sources: Path, tmp_path: Path) -> None:
        with zipfile.ZipFile(sources / "a.zip", "w") as archive:
            for seed in range(GOOD + 1):
                archive.writestr(f"{seed}.jpg", jpeg(seed))
        data = bytearray((sources / "a.zip").read_bytes())
        data[500] ^= 255
        (sources / "a.zip").write_bytes(data)
        audit = built("{type: zip, path: sources/a.zip}", tmp_path)["audit"]
        assert (audit["kept"], audit["dropped"]) == (GOOD, {"corrupt": 1})

    def test_million_entries_are_listed_in_bounded_time(self, tmp_path: Path) -> None:
        import time

        from pipelines.sources.base import Listing
        from pipelines.sources.zip import ZipSource

        path = tmp_path / "many.zip"
        _write_listing(path, 1_000_000)
        started = time.monotonic()
        count = sum(1 for _ in ZipSource(path=str(path)).locate(Listing(tmp_path)))
        assert count == 1_000_000
        assert time.monotonic() - started < 60

    def test_corrupt_row_group_spares_the_others(self, sources: Path, tmp_path: Path) -> None:
        pictures = [{"bytes": jpeg(seed), "path": f"{seed}.jpg"} for seed in range(2 * GOOD)]
        path = sources / "train-00000-of-00001.parquet"
        pq.write_table(
            pa.table({"image": pictures}), path, row_group_size=GOOD, compression="zstd", use_dictionary=False
        )
        chunk = pq.read_metadata(path).row_group(0).column(0)
        data = bytearray(path.read_bytes())
        data[chunk.data_page_offset + 60 : chunk.data_page_offset + 4000] = bytes(3940)
        path.write_bytes(data)
        audit = built("{type: parquet, path: sources/*.parquet}", tmp_path)["audit"]
        assert audit["kept"] == GOOD
        assert sum(audit["dropped"].values()) == GOOD

    def test_pickles_are_never_read(self, sources: Path, tmp_path: Path) -> None:
        with tarfile.open(sources / "a.tar", "w") as archive:
            for seed in range(GOOD):
                add(archive, f"{seed}.jpg", jpeg(seed))
                add(archive, f"{seed}.pyd", b"cos\nsystem\n(S'false'\ntR.")
        audit = built("{type: webdataset, path: sources/a.tar}", tmp_path)["audit"]
        assert audit["kept"] == GOOD
        assert "pickle refused (.pyd)" in audit["ignored_files"]

    def test_all_containers_give_the_same_pictures(self, sources: Path, tmp_path: Path) -> None:
        (sources / "folder").mkdir()
        add_good(sources / "folder")
        write_tar(sources / "a.tar")
        write_tar(sources / "b.tar.gz", "w:gz")
        with zipfile.ZipFile(sources / "c.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for seed in range(GOOD):
                archive.writestr(f"{seed}.jpg", jpeg(seed))
        pq.write_table(pa.table({"image": [jpeg(seed) for seed in range(GOOD)]}), sources / "d.parquet")
        lay(sources, parts_of("e.7z", seven_zip_of({f"{seed}.jpg": jpeg(seed) for seed in range(GOOD)}), 3))
        texts = [
            "folder, path: sources/folder",
            "tar, path: sources/a.tar",
            "tar, path: sources/b.tar.gz",
            "zip, path: sources/c.zip",
            "7z, path: sources/e.7z.001",
        ]
        texts += ["webdataset, path: sources/a.tar", "parquet, path: sources/d.parquet"]
        found = []
        for number, text in enumerate(texts):
            recipe = tmp_path / "recipe.yaml"
            recipe.write_text(recipe_text(f"{{type: {text}}}"))
            build(recipe, tmp_path / f"out-{number}", workers=2)
            tables = [
                pq.read_table(index) for index in sorted(Layout(tmp_path / f"out-{number}").shards.glob("*.parquet"))
            ]
            found.append(sorted(digest for table in tables for digest in table["source_sha256"].to_pylist()))
            assert verify(tmp_path / f"out-{number}") == []
        assert all(digests == found[0] for digests in found)


def _write_listing(path: Path, number: int) -> None:
    """A zip64 whose members all share one stored picture: only the listing is large."""
    data = b"x"
    local = struct.pack("<4sHHHHHLLLHH", b"PK\x03\x04", 20, 0, 0, 0, 0, zlib.crc32(data), 1, 1, 5, 0) + b"a.jpg"
    with path.open("wb") as file:
        file.write(local + data)
        start = file.tell()
        for entry in range(number):
            name = f"{entry:08d}.jpg".encode()
            fixed = (b"PK\x01\x02", 20, 20, 0, 0, 0, 0, zlib.crc32(data), 1, 1, len(name), 0, 0, 0, 0, 0, 0)
            file.write(struct.pack("<4sHHHHHHLLLHHHHHLL", *fixed) + name)
        end = file.tell()
        file.write(struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, number, number, end - start, start))
        file.write(struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1))
        file.write(struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, end - start, start, 0))
