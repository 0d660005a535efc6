"""Ray's TorchTrainer around the loop, and nothing else: who trains, what a worker's death means, what a person hears.

Ray starts processes and starts them again; all that a run remembers lies in its folder (`run.py`), so a worker, the
driver or the whole cluster may die, and the same command continues.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import MenderyError
from pipelines.spread import cluster
from pipelines.storage import put_json
from trainers import card, checkpoint
from trainers.config import Config, differences, resolve
from trainers.methods import find
from trainers.run import Run, only_one

POLL_SECONDS = 0.3
ORPHAN_SECONDS = 0.2


@dataclass(frozen=True)
class Trained:
    """What a training came to.

    Attributes:
        folder: of the run.
        step: that it has reached.
        notes: what a reader of its results must know.
    """

    folder: str
    step: int
    notes: tuple[str, ...]


def train(
    method: str,
    data: str | os.PathLike[str],
    run: str | os.PathLike[str],
    *,
    steps: int | None = None,
    workers: int | tuple[int, int] = 1,
    gpus: bool = False,
    size: int | None = None,
    settings: Mapping[str, Any] | None = None,
    address: str | None = None,
    debug: bool = False,
    perceptual: bool = True,
    quiet: bool = True,
) -> Trained:
    """Trains a method on a dataset, or continues to.

    Args:
        method: name of a method, such as aot_gan.
        data: folder of a finished dataset, or s3://bucket/prefix.
        run: folder of the run, or s3://bucket/prefix; on a cluster every node must see it.
        steps: optimiser steps in all.
        workers: training processes, or the fewest and the most.
        gpus: one GPU for each process; where there is none, CPUs train and it is said.
        size: side of pictures in pixels.
        settings: further values by dotted key, such as `{"train.batch": 16}`.
        address: a running Ray cluster; without it Ray starts on this machine.
        debug: small widths, 64 pixels, no losses over pretrained networks.
        perceptual: False leaves out losses over pretrained networks.
        quiet: say nothing on the screen.

    Raises:
        MenderyError: what was asked for cannot be, the run was begun with something else, or training failed.
    """
    from trainers.loader import Source

    place = Run.at(run if "://" in str(run) else Path(run).absolute())
    where = str(data) if ":" in str(data) else str(Path(data).absolute())
    asked = dict(settings or {})
    asked |= {"train.steps": steps} if steps is not None else {}
    asked |= {"size": size} if size is not None else {}
    config = resolve(method, where, asked, debug=debug, perceptual=perceptual)
    kind = find(method)
    source = Source(where, config.loader, config.size, config.train.seed, kind.needs)
    fewest, most = (workers, workers) if isinstance(workers, int) else workers
    _check_workers(fewest, most, len(source))
    config = Config.from_json(config.to_json() | {"data_sha256": source.digest})
    # Built once here, so that missing weights are told before Ray starts.
    notes = tuple(kind(config.method).notes)
    say = _mute if quiet else _say
    with only_one(place):
        _begin(place, config)
        reached = (place.steps() or [0])[-1]
        if reached >= config.train.steps:
            say(f"{place.folder} has {reached:,} steps already: ask for more with --steps")
            return Trained(str(place.folder), reached, notes)
        # Threads that wait let others work: on a shared machine one that spins stops the one it waits for.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        with cluster(max(fewest, os.cpu_count() or 1), address):
            scaling = _scaling(fewest, most, gpus, say)
            _run(place, config, scaling, say)
        say(f"card {card.write(place)}")
    return Trained(str(place.folder), place.steps()[-1], notes)


def parse_workers(text: str) -> int | tuple[int, int]:
    """Workers from a number, or from two with a colon between.

    Raises:
        MenderyError: it is neither.
    """
    fewest, colon, most = text.partition(":")
    if not fewest.isdecimal() or (colon and not most.isdecimal()):
        raise MenderyError(f"--workers takes a number, or the fewest and the most such as 1:4; found {text!r}")
    return (int(fewest), int(most)) if colon else int(fewest)


def _check_workers(fewest: int, most: int, samples: int) -> None:
    if not 1 <= fewest <= most:
        raise MenderyError(f"--workers takes a number, or the fewest and the most such as 1:4; found {fewest}:{most}")
    if samples < fewest:
        raise MenderyError(f"the split has {samples} samples, fewer than the {fewest} processes that would train on it")


def _begin(run: Run, config: Config) -> None:
    """Writes down the configuration, or compares it with what the run was begun with.

    Raises:
        MenderyError: they differ in what decides the result.
    """
    if run.config.is_file():
        before = checkpoint.read_config(run)
        if before.name != config.name:
            raise MenderyError(
                f"{run.folder} is a run of {before.name}, and {config.name} was asked for: use another --run"
            )
        if changed := differences(before, config):
            raise MenderyError(
                f"{run.folder} was begun with other settings: {'; '.join(changed)}. Give them as they were, or use "
                "another --run"
            )
    put_json(run.config, config.to_json())
    card.remember(run, config)


def _scaling(fewest: int, most: int, gpus: bool, say: Callable[[str], None]) -> Any:
    """What Ray is asked for."""
    import ray
    from ray.train.v2.api.config import ScalingConfig

    offered = ray.cluster_resources()
    there, cores = int(offered.get("GPU", 0)), int(offered.get("CPU", 1))
    if gpus and not there:
        say("no GPU on this cluster: training on CPUs, which is slow at full width")
    elif there and not gpus:
        say(f"{there} GPUs are there: add --gpus to train on them")
    use_gpu = gpus and there > 0
    units, offered_units = ("GPUs", there) if use_gpu else ("processors", cores)
    if fewest > offered_units:
        raise MenderyError(f"{fewest} workers need as many {units}, and the cluster has {offered_units}")
    each = {"CPU": 1.0} if use_gpu else {"CPU": float(max(1, cores // most))}
    number = fewest if fewest == most else (fewest, most)
    return ScalingConfig(
        num_workers=number, use_gpu=use_gpu, resources_per_worker=each | ({"GPU": 1.0} if use_gpu else {})
    )


class Board:
    """Where workers pin what a person should hear, and why they gave up; an actor beside the training."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._fault, self._attempts = "", 0

    def begin(self) -> tuple[int, str]:
        """Counts an attempt; gives its number and the fault of one before that must not be tried again."""
        self._attempts += 1
        return self._attempts, self._fault

    def say(self, line: str) -> None:
        self._lines.append(line)

    def fail(self, fault: str) -> None:
        self._fault = self._fault or fault

    def peek(self) -> tuple[int, str]:
        """As `begin`, without counting."""
        return self._attempts, self._fault

    def news(self) -> tuple[list[str], str]:
        """Lines since the last call, and the fault."""
        lines, self._lines = self._lines, []
        return lines, self._fault


def _run(run: Run, config: Config, scaling: Any, say: Callable[[str], None]) -> None:
    """Starts workers and listens to them until they are done.

    Raises:
        MenderyError: what a worker could not go on with.
    """
    import ray
    from ray.train.torch import TorchTrainer
    from ray.train.v2.api.config import FailureConfig, LoggingConfig, RunConfig

    # Paths of ours are absolute, and working where Ray keeps its files would hide the installed code.
    os.environ.setdefault("RAY_CHDIR_TO_TRIAL_DIR", "0")
    actor: Any = ray.remote(num_cpus=0)(Board)
    board = actor.remote()
    job = {"run": str(run.folder), "config": config.to_json(), "board": board}
    with tempfile.TemporaryDirectory(prefix="mendery-ray-") as scratch:
        trainer = TorchTrainer(
            work, train_loop_config=job, scaling_config=scaling,
            run_config=RunConfig(  # type: ignore[arg-type]  # the trainer's signature is still that of version 1
                name="run", storage_path=scratch, failure_config=FailureConfig(max_failures=config.train.retries),
                logging_config=LoggingConfig(log_level="ERROR"),
            ),
        )  # fmt: skip
        failure = _listen(trainer.fit, board, say)
    if fault := _pass_on(board, say):
        raise MenderyError(fault)
    if failure is not None:
        reached = (run.steps() or [0])[-1]
        raise MenderyError(
            f"workers failed {config.train.retries + 1} times, at last with: {_cause(failure)}. The last checkpoint is "
            f"of step {reached}; the same command continues from there"
        )


def _listen(fit: Callable[[], Any], board: Any, say: Callable[[str], None]) -> Exception | None:
    """Runs `fit` and passes on what workers say meanwhile; gives what went wrong.

    Raises:
        KeyboardInterrupt: Ctrl-C; Ray has stopped its workers by then.
    """
    ended = threading.Event()

    def listen() -> None:
        while not ended.wait(POLL_SECONDS):
            _pass_on(board, say)

    thread = threading.Thread(target=listen, name="listen", daemon=True)
    interrupt = signal.getsignal(signal.SIGINT)
    thread.start()
    try:
        fit()
    except SystemExit:  # Ray's answer to Ctrl-C
        raise KeyboardInterrupt from None
    except Exception as error:  # noqa: BLE001  # told to the person by whoever called
        return error
    finally:
        ended.set()
        thread.join()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, interrupt)
    return None


def _pass_on(board: Any, say: Callable[[str], None]) -> str:
    """Says what is new on the board; gives the fault that is pinned there."""
    import ray

    lines, fault = ray.get(board.news.remote())
    for line in lines:
        say(line)
    return str(fault)


def _cause(failure: Exception) -> str:
    """The first line that says something."""
    causes = getattr(failure, "worker_failures", None) or {0: failure}
    texts = [line.strip() for line in str(next(iter(causes.values()))).splitlines() if line.strip()]
    return texts[-1] if texts else type(failure).__name__


def work(job: dict[str, Any]) -> None:
    """What each worker does; Ray calls it again after a failure."""
    import ray
    import torch

    _end_with_parent()
    board = job["board"]
    context = ray.train.get_context()
    attempt, fault = ray.get(board.begin.remote()) if context.get_world_rank() == 0 else (0, "")
    if not fault and context.get_world_rank():
        _, fault = ray.get(board.peek.remote())
    if fault:
        return
    try:
        _train_here(job, attempt)
    except MenderyError as error:
        ray.get(board.fail.remote(str(error)))
        raise
    except torch.OutOfMemoryError:
        text = "the GPU's memory is too small: give a larger train.accumulate, a smaller train.batch or size"
        ray.get(board.fail.remote(text))
        raise


def _end_with_parent() -> None:
    """Ray's workers outlive a killed driver by seconds, in which the same command may have begun again."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(ORPHAN_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _train_here(job: Mapping[str, Any], attempt: int) -> None:
    import cv2
    import ray
    import ray.train.torch
    import torch

    from trainers.processes import Processes, at_work

    context = ray.train.get_context()
    device = ray.train.torch.get_device()
    config = Config.from_json(job["config"])
    if device.type == "cpu":
        # Ray tells libraries to use one thread for each processor that a worker has asked for, but not PyTorch.
        share = int(ray.get_runtime_context().get_assigned_resources().get("CPU", 1))
        torch.set_num_threads(config.train.threads or max(1, share))
    else:
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
    cv2.setNumThreads(1)
    world, rank = context.get_world_size(), context.get_world_rank()
    ranks = at_work(world, config.train.batch)
    group = torch.distributed.new_group(list(range(ranks))) if ranks < world else None
    if rank >= ranks:
        return
    board = job["board"]
    begun = [f"begun again (attempt {attempt}): a worker died, or their number changed"] if attempt > 1 else []
    if ranks < world:
        begun.append(f"{ranks} of {world} workers train: a batch of {config.train.batch} divides among no more of them")
    here = Processes(rank, ranks, device, group)
    loop(Run.at(job["run"]), config, here, board.say.remote, begun, context.get_local_world_size())


def loop(
    run: Run,
    config: Config,
    here: Any,
    tell: Callable[[str], None],
    begun: list[str] | None = None,
    ranks_here: int = 1,
) -> None:
    """One process's training, from the last checkpoint to the end; the process group is there already.

    Args:
        here: the `Processes` that take part.
        tell: takes sentences for the person who waits.
        begun: what is said first.
        ranks_here: training processes on this machine.
    """
    import torch

    from trainers.loader import Loader, Source, workers_here
    from trainers.trainer import Trainer

    kind, settings = find(config.name), config.train
    state = checkpoint.load(run, config.name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        method = kind(config.method)
    trainer = Trainer(method, config.name, settings, here)
    if state is None:
        torch.manual_seed(settings.seed * 1_000_003 + here.rank)
    else:
        trainer.resume(state)
    source = Source(config.data, config.loader, config.size, settings.seed, kind.needs)
    workers = workers_here(config.loader, here.device.type == "cuda", ranks_here)
    loader = Loader(source, settings.batch, here.rank, here.ranks, workers, here.device, settings.channels_last)
    diary = _diary(run, config, trainer.step, tell, here.first)
    try:
        for line in [*(begun or []), *_introduced(config, method, source, here, trainer.step)]:
            diary.say(line)
        trainer.fit(loader.batches, diary, _samples(config, here) if here.first else None)
    except MenderyError as error:
        diary.say(str(error))
        raise
    finally:
        diary.close()
        source.store.close()


class Silent:
    """The diary of all processes but the first."""

    def say(self, text: str) -> None: ...
    def numbers(self, step: int, values: Mapping[str, float]) -> None: ...
    def progress(self, step: int, steps: int, values: Mapping[str, float]) -> None: ...
    def keep(self, state: Mapping[str, Any]) -> None: ...
    def pictures(self, step: int, batch: Any, inpainted: Any) -> None: ...
    def close(self) -> None: ...


def _diary(run: Run, config: Config, step: int, tell: Callable[[str], None], first: bool) -> Any:
    from trainers.journal import Journal

    return Journal(run, step, config.train.keep, tell) if first else Silent()


def _introduced(config: Config, method: Any, source: Any, here: Any, step: int) -> list[str]:
    """What is said before the first step."""
    size = ", ".join(
        f"{name} {sum(parameter.numel() for parameter in network.parameters()) / 1e6:.2f} M"
        for name, network in method.networks.items()
    )
    lines = [
        f"{config.name} ({size}) at {config.size} px on {here.ranks} x {here.device.type}, {len(source):,} samples"
    ]
    if config.debug:
        lines.append("--debug: small widths and pictures, to see that everything works; results mean nothing")
    lines += [f"note: {note}" for note in (*method.notes, *source.notes())]
    if len(source) < config.train.batch:
        lines.append(f"note: the split has {len(source)} samples, so a batch of {config.train.batch} holds some twice")
    return [*lines, f"continuing from step {step:,}"] if step else lines


def _samples(config: Config, here: Any) -> Any:
    """The pictures of every grid: of the validation split, or of another where there is none; None without masks."""
    from trainers.loader import spread

    for split in ("val", "test", config.loader.split):
        with contextlib.suppress(MenderyError):
            batch = spread(config.data, split, config.size, config.train.num_samples, config.loader)
            return batch.to(here.device, config.train.channels_last)
    return None


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _mute(line: str) -> None:
    """Says nothing."""
