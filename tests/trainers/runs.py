"""A run as training leaves it, with random weights: it shows that files fit together, and nothing about results."""

from __future__ import annotations

from pathlib import Path

import torch

from pipelines.storage import put_json
from trainers import checkpoint
from trainers.config import Config, resolve
from trainers.loader import Source
from trainers.methods import find
from trainers.run import Run


def made(method: str, data: Path, folder: Path) -> Path:
    """A run of the debug size with one checkpoint, of step 3."""
    config = resolve(method, str(data), {}, debug=True, perceptual=False)
    source = Source(data, config.loader, config.size)
    config = Config.from_json(config.to_json() | {"data_sha256": source.digest})
    run = Run.at(folder)
    put_json(run.config, config.to_json())
    torch.manual_seed(0)
    built = find(method)(config.method, training=False)
    averaged = {name: built.networks[name].state_dict() for name in built.averaged}
    checkpoint.save(run, {"format": checkpoint.FORMAT, "method": method, "step": 3, "averaged": averaged}, keep=2)
    return folder
