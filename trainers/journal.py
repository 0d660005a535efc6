"""What a run writes down while it goes: numbers, sentences, pictures, checkpoints.

Only the first process has one. A run in a bucket, where nothing can be appended, writes here and puts everything there
whenever it keeps a checkpoint; what came after the last checkpoint is made again anyway. When a run is continued, lines
after its checkpoint are removed first, so that every step stands there once.
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from torch import Tensor

from pipelines.places import is_remote
from pipelines.storage import put_bytes
from pipelines.wording import duration
from trainers import checkpoint
from trainers.methods.base import Batch
from trainers.run import Run

SECONDS_BETWEEN_LINES = 2.0
RIM = 2
"""Pixels between the pictures of a grid."""


class Journal:
    """Writes down a run.

    Args:
        run: where.
        step: from which it goes on.
        keep: checkpoints that are kept.
        tell: takes each sentence for the person who waits, too.
    """

    def __init__(self, run: Run, step: int, keep: int, tell: Callable[[str], None]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._run, self._keep, self._tell = run, keep, tell
        self._remote = is_remote(run.folder)
        self._temporary = tempfile.TemporaryDirectory(prefix="mendery-run-") if self._remote else None
        self._here = Run(Path(self._temporary.name)) if self._temporary else run
        self._take_over(step)
        self._numbers = self._here.numbers.open("a", encoding="utf-8")
        self._log = self._here.log.open("a", encoding="utf-8")
        self._events = SummaryWriter(os.fspath(self._here.tensorboard), purge_step=step + 1 if step else None)
        self._began, self._first, self._spoke = time.monotonic(), step, 0.0

    def say(self, text: str) -> None:
        """A sentence, to the log and to whoever waits."""
        self._log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {socket.gethostname()} {os.getpid()} {text}\n")
        self._log.flush()
        self._tell(text)

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        line = {"step": step} | {name: float(f"{value:.9g}") for name, value in values.items()}
        self._numbers.write(json.dumps(line) + "\n")
        self._numbers.flush()
        for name, value in values.items():
            self._events.add_scalar(name, value, step)

    def progress(self, step: int, steps: int, values: Mapping[str, float]) -> None:
        """A line of where it is, not more often than a person wants to read."""
        now = time.monotonic()
        if step < steps and now - self._spoke < SECONDS_BETWEEN_LINES:
            return
        self._spoke = now
        left = (now - self._began) / max(step - self._first, 1) * (steps - step)
        losses = "  ".join(
            f"{_short(name)} {value:.4g}" for name, value in values.items() if "/" in name and name[:3] != "lr/"
        )
        self.say(
            f"step {step:,} of {steps:,}  {values['images_per_second']:.1f} images/s  {losses}  {duration(left)} left"
        )

    def pictures(self, step: int, batch: Batch, inpainted: Tensor) -> None:
        """A grid: each row a picture as the network sees it, as it is inpainted, and as it was."""
        seen = batch.image * (1 - batch.mask)
        grid = _grid([seen, inpainted, batch.image])
        found, data = cv2.imencode(".png", grid[..., ::-1])
        assert found
        put_bytes(self._run.sample(step), data.tobytes())
        self._events.add_image("samples", grid, step, dataformats="HWC")

    def keep(self, state: Mapping[str, Any]) -> None:
        """Writes a checkpoint, and what was written down so far with it."""
        self._events.flush()
        self._put()
        path = checkpoint.save(self._run, state, self._keep)
        self.say(f"kept {path}")

    def close(self) -> None:
        self._events.close()
        self._numbers.close()
        self._log.close()
        self._put()
        if self._temporary:
            self._temporary.cleanup()

    def _take_over(self, step: int) -> None:
        """Keeps what was written down up to the step."""
        self._here.folder.mkdir(parents=True, exist_ok=True)
        for there, here in ((self._run.numbers, self._here.numbers), (self._run.log, self._here.log)):
            before = there.read_bytes() if there.is_file() else b""
            if there == self._run.numbers:
                # A line that was cut by a power failure is after the last checkpoint, too.
                lines = [line for line in before.splitlines(keepends=True) if _step_of(line) <= step]
                before = b"".join(lines)
            # A new file: a process that should be dead, and is not yet, writes into the old one.
            put_bytes(here, before)

    def _put(self) -> None:
        if not self._remote:
            return
        for file in self._here.folder.rglob("*"):
            if file.is_file():
                put_bytes(self._run.folder / file.relative_to(self._here.folder).as_posix(), file.read_bytes())


def _step_of(line: bytes) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")


def _short(name: str) -> str:
    """generator/l1 as g l1: a line must fit."""
    turn, term = name.split("/", 1)
    return f"{turn[0]}.{term}"


def _grid(columns: list[Tensor]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """(H, W, 3) uint8 of pictures (B, 3, h, w) in [-1, 1], a sample in each row."""
    rows = []
    for pictures in zip(*columns, strict=True):
        pixels = [
            ((picture.detach().float().cpu().clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
            for picture in pictures
        ]
        rows.append(np.hstack([np.pad(one, ((0, RIM), (0, RIM), (0, 0)), constant_values=255) for one in pixels]))
    return np.vstack(rows)
