"""Training with shards and checkpoints in a bucket, whose server is killed and started again midway."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import tiny_dataset
import torch
from s3.conftest import Server, upload
from tiny_methods import TINY

from pipelines.places import place
from pipelines.s3 import S3Path, listed
from trainers import checkpoint
from trainers.config import resolve
from trainers.processes import Processes
from trainers.run import Run
from trainers.train import loop
from trainers.trainer import Trainer


def config(data: str, cache: Path, **settings: Any) -> Any:
    fixed = {
        **TINY["aot_gan"], "size": 16, "train.batch": 4, "train.steps": 8, "train.log_every": 1, "train.save_every": 2,
        "train.sample_every": 4, "train.num_samples": 2, "loader.cache": str(cache),
    }  # fmt: skip
    return resolve("aot_gan", data, fixed | settings, debug=True)


def losses(run: Run) -> list[dict[str, float]]:
    found = [json.loads(line) for line in run.numbers.read_bytes().splitlines()]
    return [{name: value for name, value in line.items() if name != "images_per_second"} for line in found]


def uploaded(folder: Path, bucket: S3Path) -> str:
    out = tiny_dataset.write(folder / "data", {"train": [9, 3, 10, 1], "val": [2]})
    files = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    return str(upload(files, bucket / "data"))


def test_a_run_in_a_bucket_is_that_of_a_folder(
    server: Server, bucket: S3Path, tmp_path: Path, monkeypatch: Any
) -> None:
    torch.set_num_threads(1)
    data = uploaded(tmp_path, bucket)
    here = Run.at(tmp_path / "run")
    loop(here, config(str(tmp_path / "data"), tmp_path / "cache"), Processes(), lambda line: None)
    there = Run.at(place(f"{bucket}/run"))
    take_step = Trainer.take_step

    def outage(self: Trainer, batch: Any) -> None:
        take_step(self, batch)
        if self.step == 3:
            server.kill()
            threading.Timer(3, server.start).start()

    monkeypatch.setattr(Trainer, "take_step", outage)
    loop(there, config(data, tmp_path / "fetched", **{"train.steps": 5}), Processes(), lambda line: None)
    monkeypatch.setattr(Trainer, "take_step", take_step)
    assert there.steps() == [2, 4, 5]
    # Another process goes on, on another machine.
    loop(there, config(data, tmp_path / "elsewhere"), Processes(), lambda line: None)
    assert losses(there) == losses(here)
    one, two = checkpoint.load(here, "aot_gan"), checkpoint.load(there, "aot_gan")
    assert one is not None and two is not None
    assert all(
        torch.equal(value, two["networks"]["generator"][key]) for key, value in one["networks"]["generator"].items()
    )
    names = {entry["Key"].rpartition("/run/")[2] for entry in listed(place(f"{bucket}/run"))}  # type: ignore[arg-type]
    assert {"log.txt", "log.jsonl", "samples/step-00000008.png", "checkpoints/step-00000008.pt"} <= names
    assert any(name.startswith("tensorboard/") for name in names)


def test_copies_stay_within_their_bound(bucket: S3Path, tmp_path: Path) -> None:
    from trainers.loader import Loader, Source

    data = uploaded(tmp_path, bucket)
    settings = config(data, tmp_path / "cache", **{"loader.cache_gigabytes": 120e-6}).loader
    source = Source(data, settings, 16)
    batches = Loader(source, 4).batches()
    started, keys = time.monotonic(), [key for _ in range(12) for key in next(batches).keys]
    batches.close()  # type: ignore[attr-defined]
    source.store.close()
    assert len(set(keys)) == 23 and time.monotonic() - started < 60
    copies = sum(path.stat().st_size for path in (tmp_path / "cache" / "shards").glob("*.tar"))
    assert 0 < copies <= 120_000
    assert "fetched more than once" in source.notes()[0]
