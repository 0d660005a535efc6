"""Does it learn: `--debug` trainings on the demo, judged in the holes of unseen pictures, beside filling with the mean.

    python -m benchmarks.learning [--data build/demo] [--methods aot_gan lama] [--steps 400] [--out build/learning]

PSNR is that of each picture's missing pixels, after rounding to 8 bits, averaged over the pictures of the test split;
mean fill paints them with the mean colour of the known pixels. Exit 1 if a method does not beat it. The loss curve is
in OUT/METHOD/log.jsonl, grids in OUT/METHOD/samples.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from trainers.checkpoint import load_method
from trainers.config import resolve
from trainers.loader import once
from trainers.methods.base import Batch, composite
from trainers.processes import Processes
from trainers.run import Run
from trainers.train import loop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="build/demo")
    parser.add_argument("--methods", nargs="+", default=["aot_gan", "lama"])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("build/learning"))
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    data = str(Path(asked.data).resolve())
    floor = hole_psnr(data, mean_fill)
    print(f"mean fill        {floor:6.2f} dB in the holes of the test split")
    worse = []
    for name in asked.methods:
        reached, seconds = learn(name, data, asked.steps, asked.out / name)
        print(
            f"{name:16} {reached:6.2f} dB after {asked.steps} steps, {seconds:.0f} s of processor time, "
            f"{_curve(asked.out / name)}"
        )
        worse += [name] if reached <= floor else []
    sys.exit(f"no better than mean fill: {', '.join(worse)}" if worse else 0)


def learn(name: str, data: str, steps: int, out: Path) -> tuple[float, float]:
    """Trains, and gives PSNR in holes and seconds of processor time; what was trained before is continued."""
    config = resolve(name, data, {"train.steps": steps}, debug=True)
    run = Run.at(out)
    started = time.process_time()
    out.mkdir(parents=True, exist_ok=True)
    run.config.write_text(json.dumps(config.to_json()))
    loop(run, config, Processes(), lambda line: print(f"  {line}", file=sys.stderr, flush=True))
    seconds = time.process_time() - started
    method, _, _ = load_method(run)
    return hole_psnr(data, method.inpaint), seconds


@torch.no_grad()
def hole_psnr(data: str, fill: Callable[[Batch], Tensor], size: int = 64) -> float:
    """Mean over the pictures of the test split of PSNR (dB) of their missing pixels, 8 bits."""
    found: list[float] = []
    for batch in once(data, "test", size, batch=20):
        error = (_eight_bit(fill(batch)) - _eight_bit(batch.image)).square().mean(1, keepdim=True) * batch.mask
        mean = error.sum((1, 2, 3)) / batch.mask.sum((1, 2, 3)).clamp(min=1)
        found += (10 * torch.log10(255**2 / mean.clamp(min=1e-6))).tolist()
    return sum(found) / len(found)


def mean_fill(batch: Batch) -> Tensor:
    known = 1 - batch.mask
    mean = (batch.image * known).sum((2, 3), keepdim=True) / known.sum((2, 3), keepdim=True).clamp(min=1)
    return composite(mean.expand_as(batch.image), batch)


def _eight_bit(image: Tensor) -> Tensor:
    return ((image.clamp(-1, 1) + 1) * 127.5).round()


def _curve(out: Path) -> str:
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return f"L1 {lines[0]['generator/l1']:.3f} at step {lines[0]['step']} to {lines[-1]['generator/l1']:.3f}"


if __name__ == "__main__":
    main()
