"""Seconds and memory in which a million small entries become a catalog, whatever they are packed in.

The sources are made for the occasion, with names as real corpora have them; a picture's 100 bytes are nothing but
filling, since listing reads no picture. Each is listed through `catalog.write` in a process of its own, whose peak of
memory is read from the system; what the process needs before any entry comes (Python, pyarrow) is in it. A run with a
tenth of the entries shows how much memory grows with them. A source was just written, so it is read from the page
cache: what is measured is the work, not the disk.

    python -m benchmarks.listing [--entries 1000000] [--only zip --only tar]
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import struct
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from isal import igzip

from benchmarks.build import machine
from pipelines import catalog, changes
from pipelines.recipe import Recipe
from pipelines.sources.base import Listing
from pipelines.sources.recordio import MAGIC

PICTURE = b"\xff\xd8\xff\xe0" + bytes(96)
PER_FOLDER = 1000
ROWS_PER_GROUP = 10_000
ATTRIBUTES = " ".join(f"Attribute_{number}" for number in range(39)) + " Male"


def names(entries: int) -> Iterator[str]:
    return (f"images/{number // PER_FOLDER:05d}/{number:08d}.jpg" for number in range(entries))


def make_zip(folder: Path, entries: int) -> dict[str, Any]:
    write_zip(folder / "pictures.zip", names(entries))
    return {"type": "zip", "path": str(folder / "pictures.zip")}


def write_zip(path: Path, members: Iterator[str]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in members:
            archive.writestr(name, PICTURE)


def make_tar(folder: Path, entries: int) -> dict[str, Any]:
    with (folder / "pictures.tar").open("wb") as file:
        write_tar(file, ((name, PICTURE) for name in names(entries)))
    return {"type": "tar", "path": str(folder / "pictures.tar")}


def make_tar_gz(folder: Path, entries: int) -> dict[str, Any]:
    file: Any
    with igzip.open(folder / "pictures.tar.gz", "wb", compresslevel=1) as file:  # type: ignore[no-untyped-call]
        write_tar(file, ((name, PICTURE) for name in names(entries)))
    return {"type": "tar", "path": str(folder / "pictures.tar.gz")}


def write_tar(file: Any, members: Iterator[tuple[str, bytes]]) -> None:
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
            archive.members = []  # type: ignore[attr-defined]  # it would keep all of them


def make_folder(folder: Path, entries: int) -> dict[str, Any]:
    for name in names(entries):
        if name.endswith(f"{0:03d}.jpg"):
            (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(PICTURE)
    return {"type": "folder", "path": str(folder)}


def make_parquet(folder: Path, entries: int) -> dict[str, Any]:
    schema = pa.schema({"image": pa.struct({"bytes": pa.binary(), "path": pa.string()}), "label": pa.int64()})
    with pq.ParquetWriter(folder / "pictures.parquet", schema) as writer:
        for start in range(0, entries, ROWS_PER_GROUP):
            numbers = range(start, min(start + ROWS_PER_GROUP, entries))
            rows = [{"image": {"bytes": PICTURE, "path": f"{n:08d}.jpg"}, "label": n % 1000} for n in numbers]
            writer.write_table(pa.Table.from_pylist(rows, schema))
    return {"type": "parquet", "path": str(folder / "pictures.parquet"), "labels": ["label"]}


def make_recordio(folder: Path, entries: int) -> dict[str, Any]:
    with (folder / "train.rec").open("wb") as records, (folder / "train.idx").open("w") as index:
        for number in range(entries):
            index.write(f"{number}\t{records.tell()}\n")
            data = struct.pack("<IfQQ", 0, float(number // 50), number, 0) + PICTURE
            records.write(MAGIC + struct.pack("<I", len(data)) + data + bytes(-len(data) % 4))
    return {"type": "recordio", "path": str(folder / "train.rec"), "identity": True}


def make_urls(folder: Path, entries: int) -> dict[str, Any]:
    with (folder / "urls.txt").open("w") as file:
        file.writelines(f"https://pictures.example.org/{name}?size=large\n" for name in names(entries))
    return {"type": "urls", "path": str(folder / "urls.txt")}


def make_celeba(folder: Path, entries: int) -> dict[str, Any]:
    """The aligned pictures in their zip, and all six text files of the official download."""
    pictures = [f"{number:06d}.jpg" for number in range(1, entries + 1)]
    write_zip(folder / "img_align_celeba.zip", (f"img_align_celeba/{name}" for name in pictures))
    points = "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x rightmouth_y"
    tables: dict[str, tuple[str, Callable[[int], str]]] = {
        "list_eval_partition.txt": ("", lambda number: str(number * 3 // entries)),
        "identity_CelebA.txt": ("", lambda number: str(number // 20 + 1)),
        "list_attr_celeba.txt": (
            ATTRIBUTES,
            lambda number: " ".join(" 1" if number >> b & 1 else "-1" for b in range(40)),
        ),
        "list_landmarks_align_celeba.txt": (
            points,
            lambda number: f"69  {number % 9 + 105}  108  111   88  136   72  152  105  152",
        ),
        "list_landmarks_celeba.txt": (
            points,
            lambda number: f"165  184  244  {number % 9 + 170}  196  249  194  271  266  260",
        ),
        "list_bbox_celeba.txt": ("image_id x_1 y_1 width height", lambda number: f" 95  {number % 9 + 70}  226  313"),
    }
    for name, (columns, fields) in tables.items():
        rows = (f"{picture} {fields(number)}\n" for number, picture in enumerate(pictures))
        head = f"{entries}\n{columns}\n" if columns else ""
        (folder / name).write_text(head + "".join(rows))
    return {"corpus": "celeba", "path": str(folder)}


def make_imagenet(folder: Path, entries: int) -> dict[str, Any]:
    """A tar of class tars of a hundred pictures each."""
    with (folder / "ILSVRC2012_img_train.tar").open("wb") as file:
        write_tar(file, ((f"n{number:08d}.tar", class_tar(f"n{number:08d}", 100)) for number in range(entries // 100)))
    return {"corpus": "imagenet", "path": str(folder)}


def class_tar(wnid: str, entries: int) -> bytes:
    buffer = io.BytesIO()
    write_tar(buffer, ((f"{wnid}_{number}.JPEG", PICTURE) for number in range(entries)))
    return buffer.getvalue()


@dataclass(frozen=True)
class Case:
    """A source to list.

    Attributes:
        make: writes it into a folder; gives the source as a recipe has it.
        share: of `--entries`, because nobody has a million files in a folder, and CelebA has 200,000 pictures.
    """

    make: Callable[[Path, int], dict[str, Any]]
    share: float = 1.0


CASES = {
    "zip": Case(make_zip),
    "tar": Case(make_tar),
    "tar.gz": Case(make_tar_gz),
    "folder": Case(make_folder, 0.1),
    "parquet": Case(make_parquet),
    "recordio": Case(make_recordio),
    "urls": Case(make_urls),
    "celeba": Case(make_celeba, 0.2),
    "imagenet": Case(make_imagenet, 0.1),
}


@dataclass(frozen=True)
class Figures:
    """What one piece of work took."""

    seconds: float
    mebibytes: float


def measured(work: Callable[[], object]) -> Figures:
    """Runs it in this process, which should be a fresh one."""
    started = time.perf_counter()
    work()
    return Figures(time.perf_counter() - started, peak_memory())


def peak_memory() -> float:
    """Largest resident size of this process in MiB; not `getrusage`, which counts the parent's before the start too."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def list_source(source: dict[str, Any], path: Path, entries: int) -> Figures:
    """Lists one source into a catalog, which must then be complete."""
    recipe = Recipe.model_validate({"name": "bench", "sources": [source]})
    figures = measured(lambda: catalog.write(recipe, path, Listing(path.parent / "indexes", b"salt")))
    assert sum(catalog.part_sizes(path)) == entries, source
    return figures


def compare(old: Path, new: Path) -> Figures:
    """Compares two catalogs that differ in one picture."""
    found: list[str] = []
    figures = measured(lambda: found.extend(changes.between(old, new, ["bench"])))
    assert len(found) == 1, found
    assert "1 changed" in found[0], found
    return figures


def altered(path: Path) -> Path:
    """A copy of a catalog in which the last picture has another size."""
    copy, source = path.with_suffix(".altered"), pq.ParquetFile(path)
    with pq.ParquetWriter(copy, source.schema_arrow, compression="zstd") as writer:
        for number in range(source.num_row_groups):
            table = source.read_row_group(number)
            if number == source.num_row_groups - 1:
                sizes = [*table["size"].to_pylist()[:-1], 7]
                table = table.set_column(table.column_names.index("size"), "size", pa.array(sizes, pa.int64()))
            writer.write_table(table)
    return copy


def alone(work: Callable[..., Any], *arguments: Any) -> Any:
    """Runs it in a fresh process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def run(case: Case, entries: int) -> dict[str, Figures]:
    """Lists a case, and for a catalog of archives compares it with an altered one."""
    with tempfile.TemporaryDirectory(prefix="mendery-bench-") as name:
        folder, path = Path(name) / "source", Path(name) / "state" / "catalog.parquet"
        folder.mkdir()
        source = alone(case.make, folder, entries)
        found = {"listed": alone(list_source, source, path, entries)}
        if case.make is make_zip:
            found["compared"] = alone(compare, path, alone(altered, path))
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--only", choices=CASES, action="append", help="one of the cases; may be given several times")
    options = parser.parse_args()
    print(f"{machine()}; seconds and peak MiB of one process, in brackets MiB with a tenth of the entries")
    for name in options.only or CASES:
        entries = int(options.entries * CASES[name].share) // PER_FOLDER * PER_FOLDER
        small, large = run(CASES[name], entries // 10), run(CASES[name], entries)
        for what, figures in large.items():
            size = f"{figures.mebibytes:.0f} MiB ({small[what].mebibytes:.0f})"
            print(f"{name}, {entries:,} {what}: {figures.seconds:.1f} s, {size}", flush=True)


if __name__ == "__main__":
    main()
