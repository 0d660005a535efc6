"""Where everything lies in the folder of a run.

    RUN/
        config.json              the resolved configuration; what the run was begun with
        log.jsonl                losses, rates and speed, a line per logged step
        log.txt                  what was said, with times
        checkpoints/
            step-00001000.pt     everything that continuing needs
            step-00001000.json   its digest and size, written after it: without this it is not there
        samples/                 pictures of fixed samples, step-00001000.png
        tensorboard/             the numbers of log.jsonl as events
        evaluation/              what `mendery evaluate` writes
        data.json                what the card tells of the data
        card.md                  the model's card
        lock                     who is at work

RUN may be s3://bucket/prefix.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.lease import alone
from pipelines.places import place

_CHECKPOINT = re.compile(r"step-(\d{8,})\.json")


@dataclass(frozen=True)
class Run:
    """Paths of one run."""

    folder: Path

    @classmethod
    def at(cls, text: str | os.PathLike[str]) -> Run:
        return cls(place(text))

    @property
    def config(self) -> Path:
        return self.folder / "config.json"

    @property
    def numbers(self) -> Path:
        return self.folder / "log.jsonl"

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def samples(self) -> Path:
        return self.folder / "samples"

    @property
    def tensorboard(self) -> Path:
        return self.folder / "tensorboard"

    @property
    def evaluation(self) -> Path:
        return self.folder / "evaluation"

    @property
    def data(self) -> Path:
        return self.folder / "data.json"

    @property
    def card(self) -> Path:
        return self.folder / "card.md"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    def checkpoint(self, step: int) -> Path:
        return self.checkpoints / f"step-{step:08d}.pt"

    def record(self, step: int) -> Path:
        return self.checkpoints / f"step-{step:08d}.json"

    def sample(self, step: int) -> Path:
        return self.samples / f"step-{step:08d}.png"

    def steps(self) -> list[int]:
        """Steps of the finished checkpoints, rising."""
        names = (path.name for path in self.checkpoints.glob("step-*.json"))
        return sorted(int(match[1]) for name in names if (match := _CHECKPOINT.fullmatch(name)))


@contextlib.contextmanager
def only_one(run: Run) -> Iterator[None]:
    """Holds a run's folder for one training; the system lets go of it however the process ends.

    Raises:
        MenderyError: another training is at work there.
    """
    with alone(run.lock, f"another training is at work in {run.folder}"):
        yield
