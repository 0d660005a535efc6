"""The loop, once, for all methods. It owns time: steps, turns, optimisers, precision, averaging, checkpoints, logging.

What happens in a step depends on the checkpoint before it and on the batch, which depends on the position in the line
of samples; so a run that was interrupted, anywhere and however often, goes the way it would have gone. Losses are
looked at every few steps only, since each look makes a GPU wait; what they say is checked before anything is kept.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from pipelines import seeds
from pipelines.errors import MenderyError
from trainers.averaging import Averages
from trainers.methods.base import Adam, Batch, Method
from trainers.networks.norm import has_batch_norm, synchronise
from trainers.processes import Processes

SMALL_BATCH = 16
"""Below so many samples per process, batch norms are synchronised."""

Precision = Literal["fp32", "bf16", "fp16"]
_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class TrainSettings:
    """How any method is trained.

    Attributes:
        steps: optimiser steps in all.
        batch: samples of a step, over all processes.
        accumulate: parts in which each process works through its share of a batch; one synchronisation all the same.
        precision: of the networks; fp16 scales the loss.
        clip: largest norm of a turn's gradient; 0 for any.
        ema: decay of the running means of networks.
        channels_last: order of memory that GPUs are quicker with.
        compile: with torch.compile, but for networks that are differentiated twice.
        seed: of weights, order, augmentation and holes.
        log_every, save_every, sample_every: steps.
        num_samples: pictures of a grid.
        keep: checkpoints.
        retries: how often a run goes on by itself after a worker died.
        threads: of a process that trains on CPUs; 0 for its share of the processors.
    """

    steps: int = 100_000
    batch: int = 8
    accumulate: int = 1
    precision: Precision = "fp32"
    clip: float = 0.0
    ema: float = 0.999
    channels_last: bool = True
    compile: bool = False
    seed: int = 0
    log_every: int = 50
    save_every: int = 1000
    sample_every: int = 1000
    num_samples: int = 8
    keep: int = 3
    retries: int = 3
    threads: int = 0


class Diary(Protocol):
    """Where a run is written down; only the first process has one that does anything."""

    def numbers(self, step: int, values: Mapping[str, float]) -> None: ...

    def progress(self, step: int, steps: int, values: Mapping[str, float]) -> None: ...

    def keep(self, state: Mapping[str, Any]) -> None: ...

    def pictures(self, step: int, batch: Batch, inpainted: Tensor) -> None: ...


@dataclass
class _Look:
    """Losses since they were last looked at."""

    steps: list[dict[str, Tensor]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)


class Trainer:
    """Trains one method in one of several processes.

    Args:
        method: with networks on the CPU, equal in all processes.
        name: of the method.
        settings: of the trainer.
        processes: who takes part.
    """

    def __init__(self, method: Method, name: str, settings: TrainSettings, processes: Processes) -> None:
        self.method, self._name, self.settings, self.processes = method, name, settings, processes
        self.step, self.position = 0, 0
        device, layout = processes.device, _layout(settings)
        for networks in (method.networks, method.frozen):
            for network in networks.values():
                # PyTorch's types know no memory format in `to`.
                network.to(device).to(memory_format=layout)  # type: ignore[call-overload]
        self.averages = Averages(method.networks, method.averaged, settings.ema)
        self.networks = {key: self._prepared(key, network) for key, network in method.networks.items()}
        self._synced = {key: self._wrapped(network) for key, network in self.networks.items()}
        self.optimisers = {turn: self._optimiser(turn) for turn in method.optimisers}
        self.schedules = {turn: self._schedule(turn) for turn in method.optimisers}
        self.scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "fp16")
        self._look = _Look()

    def fit(self, batches: Callable[[int], Iterator[Batch]], diary: Diary, samples: Batch | None = None) -> None:
        """Trains to the last step.

        Args:
            batches: from a position of the line of samples to batch after batch.
            diary: of this process.
            samples: for grids, where this process draws them.

        Raises:
            MenderyError: a loss is not finite; the checkpoints before are as they were.
        """
        settings = self.settings
        if self.step >= settings.steps:
            return
        self._look = _Look()
        coming = batches(self.position)
        try:
            while self.step < settings.steps:
                self.take_step(next(coming))
                last = self.step == settings.steps
                saves = last or self.step % settings.save_every == 0
                if saves or self.step % settings.log_every == 0:
                    self._report(diary)
                if samples is not None and (last or self.step % settings.sample_every == 0):
                    diary.pictures(self.step, samples, self.inpaint(samples))
                if saves:
                    diary.keep(self.state())
        finally:
            coming.close()  # type: ignore[attr-defined]  # generators have it; it ends the loader's workers

    def take_step(self, batch: Batch) -> None:
        """One optimiser step of every turn; gradients of all parts are synchronised once."""
        turns = self.method.turns(self.step)
        trained = {name for turn in turns for name in self.method.turn_networks[turn]}
        sums: dict[str, Tensor] = {}
        for number, part in enumerate(batch.parts(self.settings.accumulate)):
            with self._syncing(trained, number == self.settings.accumulate - 1):
                self._backward(turns, trained, part, sums)
        self._update(turns)
        self.step += 1
        self.position += self.settings.batch
        self.averages.update(self.networks, self.step)
        self._look.steps.append(sums)

    def inpaint(self, batch: Batch) -> Tensor:
        """What the averaged networks make of a batch."""
        kept = dict(self.method.networks)
        self.method.networks.update(self.averages.networks)
        try:
            with torch.no_grad(), self._autocast():
                return self.method.inpaint(batch)
        finally:
            self.method.networks.update(kept)

    def state(self) -> dict[str, Any]:
        """Everything that continuing needs; every process must ask for it at the same time."""
        device = self.processes.device
        rng = {"torch": torch.get_rng_state()}
        if device.type == "cuda":
            rng["cuda"] = torch.cuda.get_rng_state(device)
        return {
            "format": 1,
            "method": self._name,
            "step": self.step,
            "position": self.position,
            "networks": {name: network.state_dict() for name, network in self.networks.items()},
            "averaged": {name: network.state_dict() for name, network in self.averages.networks.items()},
            "optimisers": {turn: optimiser.state_dict() for turn, optimiser in self.optimisers.items()},
            "schedules": {turn: schedule.state_dict() for turn, schedule in self.schedules.items()},
            "scaler": self.scaler.state_dict(),
            "rng": self.processes.gather(rng),
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Goes on where `state` was taken, with any number of processes."""
        self.step, self.position = int(state["step"]), int(state["position"])
        for name, network in self.networks.items():
            network.load_state_dict(state["networks"][name])
        for name, network in self.averages.networks.items():
            network.load_state_dict(state["averaged"][name])
        for turn, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][turn])
            self.schedules[turn].load_state_dict(state["schedules"][turn])
        if self.scaler.is_enabled() and state["scaler"]:
            self.scaler.load_state_dict(state["scaler"])
        self._resume_chance(state["rng"])

    def _resume_chance(self, rng: Sequence[Mapping[str, Tensor]]) -> None:
        if len(rng) != self.processes.ranks:
            # Other processes, other streams: told apart by rank, and by the step at which they begin.
            torch.manual_seed(seeds.digest(self.settings.seed, self.step, self.processes.rank) % 2**63)
            return
        own = rng[self.processes.rank]
        torch.set_rng_state(own["torch"])
        if "cuda" in own and self.processes.device.type == "cuda":
            torch.cuda.set_rng_state(own["cuda"], self.processes.device)

    def _prepared(self, name: str, network: nn.Module) -> nn.Module:
        """A network as it is trained: batch norms over all processes where each has few samples, compiled if asked."""
        twice = name in self.method.twice_differentiated
        few = self.settings.batch // self.processes.ranks // self.settings.accumulate < SMALL_BATCH
        if self.processes.ranks > 1 and few and has_batch_norm(network):
            network = synchronise(network, self.processes.group, twice)
        if self.settings.compile and not twice:
            network.compile()
        return network

    def _wrapped(self, network: nn.Module) -> nn.Module:
        if self.processes.ranks == 1:
            return network
        ids = [self.processes.device] if self.processes.device.type == "cuda" else None
        # Buffers are equal or each process's own: sent along, they would change under a graph that still needs them.
        return DistributedDataParallel(
            network, device_ids=ids, process_group=self.processes.group, forward_sync_buffers=False,
            gradient_as_bucket_view=True,
        )  # fmt: skip

    def _optimiser(self, turn: str) -> torch.optim.Adam:
        adam = self.method.optimisers[turn]
        parameters = [
            parameter for name in self.method.turn_networks[turn] for parameter in self.networks[name].parameters()
        ]
        fused = self.processes.device.type == "cuda"
        return torch.optim.Adam(parameters, adam.lr, adam.betas, fused=fused)

    def _schedule(self, turn: str) -> torch.optim.lr_scheduler.LambdaLR:
        adam, steps = self.method.optimisers[turn], self.settings.steps
        return torch.optim.lr_scheduler.LambdaLR(self.optimisers[turn], lambda step: rate(adam, step, steps))

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        precision = self.settings.precision
        return torch.autocast(self.processes.device.type, _DTYPES.get(precision), enabled=precision != "fp32")

    @contextlib.contextmanager
    def _syncing(self, names: set[str], last: bool) -> Iterator[None]:
        """Gradients are exchanged in the last part of a batch only."""
        with contextlib.ExitStack() as stack:
            for name in sorted(names):
                network = self._synced[name]
                if not last and isinstance(network, DistributedDataParallel):
                    stack.enter_context(network.no_sync())
            yield

    def _backward(self, turns: Sequence[str], trained: set[str], part: Batch, sums: dict[str, Tensor]) -> None:
        """Adds the gradients of one part, and its losses to `sums`."""
        self._awake(trained)
        with self._autocast():
            prediction = self.method.forward(part)
        for turn in turns:
            self._awake(self.method.turn_networks[turn])
            with self._autocast():
                terms = self.method.losses(turn, part, prediction)
            total = torch.stack(list(terms.values())).sum() / self.settings.accumulate
            self.scaler.scale(total).backward()
            for name, value in terms.items():
                key, share = f"{turn}/{name}", value.detach() / self.settings.accumulate
                sums[key] = sums[key] + share if key in sums else share

    def _awake(self, names: Sequence[str] | set[str]) -> None:
        """These networks learn and synchronise, all others are frozen."""
        for name, network in self.networks.items():
            learns = name in names
            network.requires_grad_(learns)
            self.method.networks[name] = self._synced[name] if learns else network

    def _update(self, turns: Sequence[str]) -> None:
        for turn in turns:
            optimiser = self.optimisers[turn]
            if self.settings.clip:
                self.scaler.unscale_(optimiser)
                parameters = optimiser.param_groups[0]["params"]
                nn.utils.clip_grad_norm_(parameters, self.settings.clip)
            self.scaler.step(optimiser)
            with _quiet_schedule(self.scaler):
                self.schedules[turn].step()
            optimiser.zero_grad(set_to_none=True)
        self.scaler.update()

    def _report(self, diary: Diary) -> None:
        """Looks at the losses since the last look, all processes together.

        Raises:
            MenderyError: one of them is not finite, in every process alike.
        """
        look, self._look = self._look, _Look()
        names = sorted({name for step in look.steps for name in step})
        flat = torch.stack([value.float() for step in look.steps for value in step.values()])
        numbers = iter(self.processes.mean(flat).tolist())
        curves: dict[str, list[float]] = {name: [] for name in names}
        first = self.step - len(look.steps)
        for past, step in enumerate(look.steps, start=1):
            for name in step:
                curves[name].append(next(numbers))
                if not math.isfinite(curves[name][-1]):
                    raise MenderyError(self._not_finite(name, first + past, curves[name][-1]))
        seconds = time.monotonic() - look.began
        values = {name: sum(curve) / len(curve) for name, curve in curves.items()}
        values |= {f"lr/{turn}": float(schedule.get_last_lr()[0]) for turn, schedule in self.schedules.items()}
        values["images_per_second"] = len(look.steps) * self.settings.batch / max(seconds, 1e-9)
        diary.numbers(self.step, values)
        diary.progress(self.step, self.settings.steps, values)

    def _not_finite(self, name: str, step: int, value: float) -> str:
        turn, term = name.split("/", 1)
        advice = (
            "a smaller learning rate"
            if self.settings.precision == "fp32"
            else "--set train.precision=fp32, or a smaller rate"
        )
        return (
            f"the loss is {value} at step {step}: term {term!r} of turn {turn!r}. The checkpoints before are good; "
            f"continue from the last with {advice}, or look at the pictures that came there"
        )


def rate(adam: Adam, step: int, steps: int) -> float:
    """Learning rate at a step, as a share of its height."""
    if step < adam.warmup:
        return (step + 1) / adam.warmup
    done = (step - adam.warmup) / max(steps - adam.warmup, 1)
    if adam.schedule == "constant":
        return 1.0
    return max(0.0, 1 - done) if adam.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def _layout(settings: TrainSettings) -> torch.memory_format:
    return torch.channels_last if settings.channels_last else torch.contiguous_format


@contextlib.contextmanager
def _quiet_schedule(scaler: torch.amp.GradScaler) -> Iterator[None]:
    """Schedules warn where scaling has skipped an optimiser's first step, which is no fault."""
    import warnings

    with warnings.catch_warnings():
        if scaler.is_enabled():
            warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step", UserWarning)
        yield
