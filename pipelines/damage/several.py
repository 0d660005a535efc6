"""Several damages on one picture, each over the ones before it.

An old photograph is scratched and stained and torn at once. A composition is itself a damage: it samples the ones that
it is made of, draws them in their order, and knows the union of their holes. The price of a ratio that is met: masks
are drawn while sampling.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import cv2
import numpy as np
from pydantic import Field, model_validator

from pipelines.damage import noise
from pipelines.damage.base import Context, Damage, DamageFailed, Drawn, Mask, Parameters, Picture, mask_ratio
from pipelines.damage.holes import CountRange, integer
from pipelines.unions import union_of

if TYPE_CHECKING:
    Single = Damage

TRIES, TRIES_PER_GOAL = 60, 15


@dataclass(frozen=True)
class Layers(Parameters):
    """Damages in the order in which they are drawn.

    Attributes:
        damages: kind and parameters of each, the lowest first.
    """

    damages: tuple[tuple[str, Parameters], ...]

    def draw(self, image: Picture) -> Drawn:
        """Each over what the ones before it left; the mask is the union, alpha what all of them hide together."""
        damaged = image.copy()
        mask, alpha = np.zeros((2, *image.shape[:2]), np.uint8)
        for _, parameters in self.damages:
            damaged, own_mask, own_alpha = parameters.draw(damaged)
            mask, alpha = cv2.bitwise_or(mask, own_mask), noise.screened(alpha, own_alpha)
        return Drawn(damaged, mask, alpha)

    def to_json(self) -> str:
        # Their own texts, so that what overrides them there holds here too.
        told = ",".join(f'{{"kind":"{kind}","parameters":{own.to_json()}}}' for kind, own in self.damages)
        return f'{{"damages":[{told}]}}'

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(tuple(_read(entry) for entry in json.loads(text)["damages"]))


def _read(entry: dict[str, object]) -> tuple[str, Parameters]:
    kind = str(entry["kind"])
    return kind, Several.known[kind].parameters_type.from_json(json.dumps(entry["parameters"]))


class Several(Damage):
    """Several damages on one picture.

    So many entries as `num_range` says are drawn by weight, none twice, and laid over each other in the order in which
    they are listed. An entry's own ratio_range holds for that entry. A ratio_range of the whole is met by one of the
    entries that can meet a ratio and has none of its own: it is asked for what the others leave. Where too few entries
    find what they need on a picture, the composition stands aside.

    Source: none.
    """

    parameters_type: ClassVar[type[Parameters]] = Layers

    known: ClassVar[Mapping[str, type[Damage]]] = {}
    """What `of` may hold, by kind: every damage but this one."""

    kind: Literal["several"] = Field("several", description="Several damages over each other.")
    of: tuple[Single, ...] = Field(
        (
            {"kind": "stains", "weight": 2},
            {"kind": "mould"},
            {"kind": "scratches", "weight": 3},
            {"kind": "cracks", "weight": 2},
            {"kind": "folds", "weight": 2},
            {"kind": "dust", "weight": 3},
            {"kind": "torn", "weight": 2},
        ),
        validate_default=True,
        min_length=1,
        description="The damages, the lowest first. By default those of an old photograph.",
    )
    num_range: CountRange | None = Field(
        None, description="How many of them a picture gets. By default two to four, or as many as there are."
    )

    @classmethod
    def learn(cls, known: Mapping[str, type[Damage]]) -> None:
        """Takes what `of` may hold; the registry knows it, and imports this module."""
        cls.known = known
        cls.model_rebuild(force=True, _types_namespace={"Single": union_of(known), "CountRange": CountRange})

    @model_validator(mode="after")
    def _check_count(self) -> Self:
        if self.num_range is not None and self.num_range[1] > len(self.of):
            raise ValueError(f"num_range asks for up to {self.num_range[1]} damages, but `of` lists {len(self.of)}")
        return self

    @model_validator(mode="after")
    def _check_aim(self) -> Self:
        if self.ratio_range is not None and not self.can_be_asked():
            raise ValueError(
                "ratio_range needs a damage in `of` that can meet it, such as stains, and has no ratio_range of its "
                "own: add one or remove ratio_range"
            )
        return self

    def notes(self) -> list[str]:
        return [note for damage in self.of for note in damage.notes()]

    def wants(self) -> frozenset[str]:
        return frozenset[str]().union(*(damage.wants() for damage in self.of))

    def can_be_asked(self) -> bool:
        return bool(_fillers(self.of))

    def lacks(self, context: Context) -> str:
        lacking = [damage.lacks(context) for damage in self.of]
        able = [damage for damage, lacks in zip(self.of, lacking, strict=True) if not lacks]
        too_few = len(able) < self._counts()[0]
        no_filler = self.ratio_range is not None and not _fillers(able)
        return " or ".join(sorted(set(lacking) - {""})) if too_few or no_filler else ""

    def sample(self, rng: np.random.Generator, context: Context) -> Layers:
        able = [damage for damage in self.of if not damage.lacks(context)]
        asked = context.ratio_range or self.ratio_range
        if asked is None:
            chosen = _by_weight(rng, able)[: self._count(rng, able)]
            return self._layers({id(damage): damage.sample(rng, context) for damage in chosen})
        for attempt in range(TRIES if _fillers(able) else 0):
            if attempt % TRIES_PER_GOAL == 0:
                goal = asked[1] - rng.random() * (asked[1] - asked[0])
            layers = self._aimed(rng, context, able, asked, goal)
            if layers is not None:
                return layers
        raise DamageFailed(
            f"expected a ratio in ({asked[0]}, {asked[1]}] of several damages, met none in {TRIES} tries on "
            f"{context.width} x {context.height} pixels: widen ratio_range, or list damages that cover more or less"
        )

    def _aimed(
        self,
        rng: np.random.Generator,
        context: Context,
        able: list[Damage],
        asked: tuple[float, float],
        goal: float,
    ) -> Layers | None:
        """Damages of which one brings the union near the goal; None if it does not come within the range."""
        filler = _by_weight(rng, _fillers(able))[0]
        others = [damage for damage in able if damage is not filler]
        parameters, mask = _up_to(rng, context, others, self._count(rng, able) - 1, goal)
        if len(parameters) + 1 < self._counts()[0]:
            return None
        try:
            left = _left(asked, goal, mask_ratio(mask))
            parameters[id(filler)] = filler.sample(rng, replace(context, ratio_range=left))
        except DamageFailed:
            return None
        mask |= _mask(context, parameters[id(filler)])
        if not asked[0] < mask_ratio(mask) <= asked[1]:
            return None
        return self._layers(parameters)

    def _layers(self, parameters: dict[int, Parameters]) -> Layers:
        """Parameters in the listed order, from those by the id of their entry: entries may be equal."""
        return Layers(tuple((one.kind, parameters[id(one)]) for one in self.of if id(one) in parameters))

    def _count(self, rng: np.random.Generator, able: list[Damage]) -> int:
        low, high = self._counts()
        return integer(rng, low, min(high, len(able)))

    def _counts(self) -> tuple[int, int]:
        return self.num_range or (min(2, len(self.of)), min(4, len(self.of)))


def _fillers(damages: Sequence[Damage]) -> list[Damage]:
    """Those that can be asked for what the others leave."""
    return [damage for damage in damages if damage.can_be_asked() and damage.ratio_range is None]


def _by_weight(rng: np.random.Generator, damages: Sequence[Damage]) -> list[Damage]:
    """Damages in a random order, in which the weightier come first more often.

    Source: Efraimidis and Spirakis, Weighted random sampling with a reservoir (2006).
    """
    chances = [math.log(1 - rng.random()) / damage.weight for damage in damages]
    return [damages[place] for place in sorted(range(len(damages)), key=lambda place: -chances[place])]


def _up_to(
    rng: np.random.Generator, context: Context, damages: Sequence[Damage], count: int, ceiling: float
) -> tuple[dict[int, Parameters], Mask]:
    """At most so many damages, by the id of their entries, and their union; what would pass the ceiling is left out."""
    mask = np.zeros((context.height, context.width), np.uint8)
    taken: dict[int, Parameters] = {}
    for damage in _by_weight(rng, damages):
        if len(taken) == count:
            break
        parameters = damage.sample(rng, replace(context, ratio_range=None))
        united = mask | _mask(context, parameters)
        if mask_ratio(united) < ceiling:
            taken[id(damage)], mask = parameters, united
    return taken, mask


def _mask(context: Context, parameters: Parameters) -> Mask:
    """Hole of one damage; it depends on the picture's size only."""
    height, width = context.height, context.width
    image = np.zeros((height, width, 3), np.uint8) if context.image is None else context.image
    return parameters.draw(image).mask


def _left(asked: tuple[float, float], goal: float, covered: float) -> tuple[float, float]:
    """Share of the whole picture that one more damage must cover, lying anywhere, near the goal and within the range.

    Args:
        covered: less than the goal.
    """
    reach = (asked[1] - asked[0]) / 8
    low, high = max(asked[0], goal - reach, covered), min(asked[1], goal + reach)
    return (low - covered) / (1 - covered), (high - covered) / (1 - covered)
