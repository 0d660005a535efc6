"""Work spread over Ray: the only module of the data side that starts it.

A job is a small plain value in, a small plain value out; what it made lies in files by then. So Ray
holds no state that matters, and pixels never enter its object store. DECISIONS.md says why these are
plain tasks and not Ray Data.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Protocol, TypeVar

from pipelines.errors import MenderyError

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")

# Read by Ray when it starts; nothing of ours calls home.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
# A driver under `uv run` would make every worker build its own environment.
os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
# Ray 2.60 warns that it will stop hiding GPUs from tasks that ask for none; these tasks ask for none.
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

OBJECT_STORE_BYTES = 100 * 2**20
RETRIES = 3


class Runner(Protocol):
    """Runs `work` on every job, wherever that is, and gives the outcomes in the order of the jobs."""

    def __call__(self, work: Callable[[Job], Outcome], jobs: Sequence[Job]) -> list[Outcome]: ...


def here(work: Callable[[Job], Outcome], jobs: Sequence[Job]) -> list[Outcome]:
    """The runner that is this process."""
    return [work(job) for job in jobs]


def runner(workers: int, memory: int) -> Runner:
    """The runner that spreads; a single job is not worth a task.

    Args:
        workers, memory: as of `spread`.
    """

    def run(work: Callable[[Job], Outcome], jobs: Sequence[Job]) -> list[Outcome]:
        if len(jobs) < 2:
            return here(work, jobs)
        outcomes = dict(spread(work, jobs, workers, memory))
        return [outcomes[job] for job in jobs]

    return run


@contextlib.contextmanager
def cluster(workers: int | None, address: str | None) -> Iterator[int]:
    """Connects to Ray for the length of the block and yields the number of workers to keep busy.

    Args:
        workers: tasks at a time; all processors when None.
        address: a running cluster ("auto", "ray://..."), or None to start Ray on this machine,
            bound to loopback, without dashboard or usage reports.
    """
    import ray

    if ray.is_initialized():  # inside a Ray job, or a test's own cluster
        yield workers or int(ray.cluster_resources().get("CPU", 1))
        return
    address = address or os.environ.get("RAY_ADDRESS")
    try:
        if address:
            ray.init(address=address, log_to_driver=False, logging_level=logging.WARNING)
        else:
            ray.init(
                num_cpus=workers or os.cpu_count() or 1,
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                log_to_driver=False,
                logging_level=logging.ERROR,
                _node_ip_address="127.0.0.1",
            )
    except ConnectionError as error:
        raise MenderyError(f"no Ray cluster answers at {address!r}: {error}") from None
    try:
        yield workers or int(ray.cluster_resources().get("CPU", 1))
    finally:
        ray.shutdown()


def spread(
    work: Callable[[Job], Outcome],
    jobs: Iterable[Job],
    workers: int,
    memory: int,
    name: Callable[[Job], str] = str,
    gpus: float = 0,
) -> Iterator[tuple[Job, Outcome]]:
    """Runs `work` on every job, `workers` at a time, and yields each outcome as it comes.

    A task whose worker dies is tried again on another; an error it raises stops the run, because
    bad pictures are data and never raise.

    Args:
        work: importable function of one job.
        jobs: plain values, consumed only as fast as work proceeds.
        memory: bytes one task may take, declared to Ray's scheduler.
        name: how a job is called in an error.
        gpus: GPUs, or the part of one, that a task takes.

    Raises:
        MenderyError: no node has such GPUs, or a worker died more often than is retried.
    """
    import ray

    # A cluster of small test nodes may offer less than one task asks; then one task a node is right.
    offered = min((node["Resources"].get("memory", 0) for node in ray.nodes() if node["Alive"]), default=0)
    _check_gpus(gpus)
    remote = ray.remote(num_cpus=1, num_gpus=gpus, memory=min(memory, int(offered)), max_retries=RETRIES)(work)
    waiting = iter(jobs)
    running = {remote.remote(job): job for job in islice(waiting, workers + 1)}
    # What still runs when this is left early is not cancelled: it commits whole pieces of the same work, and Ray 2.60
    # crashes the driver when a task finishes at the moment it is cancelled.
    while running:
        (done,), _ = ray.wait(list(running), num_returns=1)
        job = running.pop(done)
        yield job, _outcome(done, name(job))
        running |= {remote.remote(job): job for job in islice(waiting, 1)}


def _check_gpus(gpus: float) -> None:
    """Ray would wait for ever for a GPU that no node has."""
    import ray

    most = max((node["Resources"].get("GPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
    if gpus > most:
        raise MenderyError(
            f"curate.faces.gpus asks for {gpus:g} GPUs for each task, and no node has more than {most:g}: start Ray on "
            "a machine with GPUs, or set gpus: 0"
        )


def _outcome(reference: object, name: str) -> Outcome:  # type: ignore[type-var]
    """Outcome of a finished task; errors that name what to do pass through as they are."""
    import ray

    try:
        return ray.get(reference)  # type: ignore[call-overload,no-any-return]
    except ray.exceptions.RayTaskError as error:
        raise error.cause if isinstance(error.cause, MenderyError) else error from None
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError, ray.exceptions.NodeDiedError) as error:
        raise MenderyError(f"{name}: its worker died {RETRIES + 1} times: {error}") from None
