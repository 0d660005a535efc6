"""Everything that continuing a run needs, in one file that is there wholly or not at all.

A record with the digest is written after the file; a file without its record, or with another digest, is not taken.
Files are read with `weights_only`, so that none can run code.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

import torch

from pipelines.errors import MenderyError
from pipelines.storage import digest_of, local_copy, put, put_json, read_json
from trainers.config import Config
from trainers.methods import find
from trainers.methods.base import Method
from trainers.run import Run

FORMAT = 1

State = dict[str, Any]
"""Tensors, numbers and texts in dicts and lists; `Trainer.state` says which."""


def save(run: Run, state: Mapping[str, Any], keep: int) -> Path:
    """Writes a checkpoint and its record, then removes all but the `keep` newest.

    Raises:
        MenderyError: it cannot be written; those before are as they were.
    """
    step = int(state["step"])
    path = run.checkpoint(step)
    try:
        with put(path) as file:
            _write(state, file)
            file.flush()
            size = file.tell()
            file.seek(0)
            digest = digest_of(file)
            file.seek(size)
        put_json(run.record(step), {"step": step, "method": state["method"], "bytes": size, "sha256": digest})
    except OSError as error:
        steps = [number for number in run.steps() if number != step]
        good = f"the last good one is of step {steps[-1]}" if steps else "there is none yet"
        raise MenderyError(
            f"the checkpoint of step {step} cannot be written to {run.checkpoints}: {error.strerror or error}; {good}. "
            "Make room, then continue with the same command"
        ) from None
    for old in run.steps()[:-keep]:
        run.record(old).unlink()
        run.checkpoint(old).unlink(missing_ok=True)
    return path


def load(run: Run, method: str, step: int | None = None) -> State | None:
    """The newest checkpoint, or that of a step; None where there is none yet.

    Raises:
        MenderyError: it is truncated, or of another method.
    """
    steps = run.steps()
    if step is None and not steps:
        return None
    if step is not None and step not in steps:
        raise MenderyError(
            f"{run.folder} has no checkpoint of step {step}; it has {', '.join(map(str, steps)) or 'none'}"
        )
    step = steps[-1] if step is None else step
    path, record = run.checkpoint(step), read_json(run.record(step))
    older = f", or continue from step {steps[-2]}: delete {path} and {run.record(step).name}" if len(steps) > 1 else ""
    try:
        with local_copy(path) as local:
            state = _read(Path(local), path, record, older)
    except FileNotFoundError:
        raise MenderyError(f"{path} is missing, and its record is there: bring it back{older}") from None
    if state["method"] != method:
        raise MenderyError(f"{path} is of method {state['method']}, and {method} was asked for: use another --run")
    return state


def read_config(run: str | os.PathLike[str] | Run) -> Config:
    """The configuration that a run was begun with.

    Raises:
        MenderyError: there is no run.
    """
    run = run if isinstance(run, Run) else Run.at(run)
    if not run.config.is_file():
        raise MenderyError(f"no run in {run.folder}: there is no config.json")
    return Config.from_json(read_json(run.config))


def load_method(
    run: str | os.PathLike[str] | Run, step: int | None = None, device: torch.device | str = "cpu"
) -> tuple[Method, Config, int]:
    """The method of a run with its averaged networks, in `eval()` and without gradients, ready for `inpaint`.

    Returns:
        The method, its configuration, and the step of the checkpoint.

    Raises:
        MenderyError: there is no run, or no checkpoint of it.
    """
    run = run if isinstance(run, Run) else Run.at(run)
    config = read_config(run)
    state = load(run, config.name, step)
    if state is None:
        raise MenderyError(f"{run.folder} has no checkpoint yet: continue its training")
    method = cast(Method, find(config.name)(config.method, training=False))
    for name in method.averaged:
        network = method.networks[name]
        network.load_state_dict(state["averaged"][name])
        network.requires_grad_(False).eval().to(device)
    return method, config, int(state["step"])


def _read(local: Path, path: Path, record: Mapping[str, Any], older: str) -> State:
    size = local.stat().st_size
    if size != record["bytes"]:
        raise MenderyError(
            f"{path} is truncated: expected {record['bytes']:,} bytes, found {size:,}; bring it back{older}"
        )
    with local.open("rb") as file:
        if digest_of(file) != record["sha256"]:
            raise MenderyError(f"{path} was changed since it was written (its SHA-256 differs); bring it back{older}")
    state: State = torch.load(local, map_location="cpu", weights_only=True)
    if state.get("format") != FORMAT:
        raise MenderyError(
            f"{path} is a checkpoint of format {state.get('format')}, expected {FORMAT}: use that version"
        )
    return state


def _write(state: Mapping[str, Any], file: IO[bytes]) -> None:
    """Saves, and raises the error of the system where PyTorch would hide it behind its own."""
    watched = _Watched(file)
    try:
        torch.save(dict(state), cast(IO[bytes], watched))
    except RuntimeError:
        if watched.fault is not None:
            raise watched.fault from None
        raise


class _Watched:
    """A file that remembers why it could not be written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.fault: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.fault = error
            raise

    def flush(self) -> None:
        self._file.flush()
