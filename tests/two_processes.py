"""Runs jobs in two processes that train together; each job is a function of this file or an importable one.

python two_processes.py RANK ADDRESS_FILE JOBS.json
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def run(folder: Path, jobs: list[dict[str, Any]], ranks: int = 2) -> None:
    """Does all jobs, one after the other, in processes started once.

    A job holds `run`, `config` (JSON), `until`, a step before which it is stopped, and `count`, a file for the number
    of times gradients were exchanged.
    """
    (folder / "jobs.json").write_text(json.dumps(jobs))
    command = [sys.executable, __file__]
    started = [
        subprocess.Popen([*command, str(rank), str(ranks), str(folder)], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for rank in range(ranks)
    ]
    said = [process.communicate(timeout=280)[1] for process in started]
    assert [process.returncode for process in started] == [0] * ranks, "\n".join(said)


def main(rank: int, ranks: int, folder: Path) -> None:
    sys.path.insert(0, str(ROOT))
    import torch
    import torch.distributed as dist

    from trainers.config import Config
    from trainers.processes import Processes

    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=ranks)
    for job in json.loads((folder / "jobs.json").read_text()):
        _train(Config.from_json(job["config"]), job, Processes(rank, ranks))
        dist.barrier()
    dist.destroy_process_group()


def _train(config: Any, job: dict[str, Any], here: Any) -> None:
    from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
    from torch.nn.parallel import DistributedDataParallel

    from trainers.run import Run
    from trainers.train import loop
    from trainers.trainer import Trainer

    exchanged: list[int] = []
    take_step, wrapped = Trainer.take_step, Trainer._wrapped

    def counting(self: Trainer, network: Any) -> Any:
        found = wrapped(self, network)
        assert isinstance(found, DistributedDataParallel)
        found.register_comm_hook(None, lambda state, bucket: exchanged.append(1) or allreduce_hook(state, bucket))
        return found

    def stopping(self: Trainer, batch: Any) -> None:
        if self.step == job.get("until"):
            raise KeyboardInterrupt
        take_step(self, batch)

    Trainer.take_step, Trainer._wrapped = stopping, counting  # type: ignore[method-assign]
    try:
        loop(Run.at(job["run"]), config, here, lambda line: None)
    except KeyboardInterrupt:
        pass
    finally:
        Trainer.take_step, Trainer._wrapped = take_step, wrapped  # type: ignore[method-assign]
    if "count" in job and here.first:
        Path(job["count"]).write_text(str(len(exchanged)))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
