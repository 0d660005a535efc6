"""What every damage promises, over the registry."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from pipelines.damage import DAMAGES, Damage, DamageFailed, HoleDamage, mask_ratio, redraw
from pipelines.errors import MenderyError
from pipelines.seeds import generator
from tests.damage.contexts import context

RATIO_RANGES = [(0.01, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (0.6, 0.9)]
SIZES = [(64, 64), (192, 320), (256, 256), (512, 512)]

HOLES = [kind for kind in sorted(DAMAGES) if issubclass(DAMAGES[kind], HoleDamage)]
AIMED = [kind for kind in sorted(DAMAGES) if DAMAGES[kind].meets_ratios]

FEW = {"center": 1, "face_parts": 30, "half": 4, "paired": 1, "lines": 4, "grid": 40, "outpaint": 45}
"""Families that have only so many masks."""

AS_PUBLISHED = {"comodgan", "mat_large", "mat_small"}
"""Families whose source redraws whole masks until one fits, so that ratios within a bin are as they come."""

every = pytest.mark.parametrize("kind", sorted(DAMAGES))
aimed = pytest.mark.parametrize("kind", AIMED)


def damage_of(kind: str) -> Damage:
    return DAMAGES[kind](kind=kind)


def picture(height: int, width: int) -> np.ndarray:
    # 1 to 100: never the colour of a hole.
    return generator("picture").integers(1, 101, (height, width, 3), dtype=np.uint8)


def fingerprint(kind: str) -> str:
    """Digest of what one seed draws, with and without a target."""
    state = hashlib.sha256()
    for ratio_range in (None, (0.2, 0.3)) if DAMAGES[kind].meets_ratios else (None,):
        for seed in range(10):
            parameters = damage_of(kind).sample(generator(seed, kind), context(128, 192, ratio_range))
            damaged, mask, _ = parameters.draw(picture(128, 192))
            state.update(parameters.to_json().encode() + damaged.tobytes() + mask.tobytes())
    return state.hexdigest()


@every
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_mask_and_damaged_have_the_size_of_the_picture(kind: str, height: int, width: int) -> None:
    damaged, mask, _ = damage_of(kind).sample(generator(1), context(height, width)).draw(picture(height, width))
    assert damaged.shape == (height, width, 3)
    assert mask.shape == (height, width)
    assert damaged.dtype == mask.dtype == np.uint8


@every
def test_mask_is_0_or_255_and_never_empty(kind: str) -> None:
    for seed in range(50):
        _, mask, _ = damage_of(kind).sample(generator(seed), context(96, 128)).draw(picture(96, 128))
        assert set(np.unique(mask)) <= {0, 255}
        assert mask.any()


@every
def test_known_pixels_are_unchanged_and_missing_ones_are_not(kind: str) -> None:
    image = context(128, 96).image
    for seed in range(20):
        damaged, mask, alpha = damage_of(kind).sample(generator(seed), context(128, 96)).draw(image)
        assert np.array_equal(damaged[mask == 0], image[mask == 0])
        assert not alpha[mask == 0].any()
        assert (damaged != image).any()


@pytest.mark.parametrize("kind", HOLES)
def test_nothing_of_the_picture_shows_in_a_hole(kind: str) -> None:
    image = picture(128, 96)
    for seed in range(20):
        damaged, mask, alpha = damage_of(kind).sample(generator(seed), context(128, 96)).draw(image)
        assert (damaged[mask == 255] != image[mask == 255]).all()
        assert np.array_equal(alpha, mask)


@every
def test_the_hole_does_not_depend_on_the_picture(kind: str) -> None:
    """A composition counts on it when it meets a ratio, and `verify` when it redraws after a lossy codec."""
    for seed in range(5):
        parameters = damage_of(kind).sample(generator(seed), context(96, 96))
        assert np.array_equal(parameters.draw(picture(96, 96)).mask, parameters.draw(context(96, 96).image).mask)


@every
def test_picture_is_not_written_to(kind: str) -> None:
    image = picture(64, 64)
    image.flags.writeable = False
    damaged, _, _ = damage_of(kind).sample(generator(3), context(64, 64)).draw(image)
    assert np.array_equal(image, picture(64, 64))
    assert not np.shares_memory(damaged, image)


@aimed
@pytest.mark.parametrize("ratio_range", RATIO_RANGES)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_ratio_lies_in_the_asked_bin(kind: str, height: int, width: int, ratio_range: tuple[float, float]) -> None:
    low, high = ratio_range
    image = picture(height, width)
    for seed in range(10):
        parameters = damage_of(kind).sample(generator(seed), context(height, width, ratio_range))
        assert low < mask_ratio(parameters.draw(image)[1]) <= high


@pytest.mark.parametrize("kind", sorted(set(AIMED) - AS_PUBLISHED))
@pytest.mark.parametrize("ratio_range", [(0.01, 0.1), (0.3, 0.4), (0.6, 0.9)])
def test_ratios_spread_over_the_bin(kind: str, ratio_range: tuple[float, float]) -> None:
    low, high = ratio_range
    seen, image = context(96, 96, ratio_range), picture(96, 96)
    draws = (damage_of(kind).sample(generator(seed), seen).draw(image)[1] for seed in range(200))
    places = np.array([(mask_ratio(mask) - low) / (high - low) for mask in draws])
    thirds = np.histogram(places, bins=3, range=(0, 1))[0]
    assert thirds.min() > 30, thirds


@aimed
def test_a_ratio_that_no_mask_can_have_fails_with_the_range_named(kind: str) -> None:
    with pytest.raises(DamageFailed, match=r"\(0\.5001, 0\.5002\]"):
        damage_of(kind).sample(generator(1), context(16, 16, (0.5001, 0.5002)))


@aimed
def test_the_entry_s_own_ratio_range_holds_where_the_context_has_none(kind: str) -> None:
    damage = DAMAGES[kind](kind=kind, ratio_range=(0.2, 0.25))
    for seed in range(10):
        _, mask, _ = damage.sample(generator(seed), context(64, 64)).draw(picture(64, 64))
        assert 0.2 < mask_ratio(mask) <= 0.25


@every
def test_same_seed_gives_the_same_in_another_process(kind: str) -> None:
    script = (
        "import importlib.util, sys\n"
        "spec = importlib.util.spec_from_file_location('contract', sys.argv[1])\n"
        "module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)\n"
        "print(module.fingerprint(sys.argv[2]))"
    )
    command = [sys.executable, "-c", script, __file__, kind]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    assert printed == fingerprint(kind)


@every
def test_different_seeds_differ(kind: str) -> None:
    drawn = {damage_of(kind).sample(generator(seed), context(256, 256)).to_json() for seed in range(50)}
    assert len(drawn) >= FEW.get(kind, 50)


@every
def test_parameters_read_back_equal(kind: str) -> None:
    for ratio_range in (None, (0.1, 0.2)) if DAMAGES[kind].meets_ratios else (None,):
        for seed in range(10):
            parameters = damage_of(kind).sample(generator(seed), context(100, 150, ratio_range))
            assert type(parameters).from_json(parameters.to_json()) == parameters


@every
def test_redrawn_from_json_equals(kind: str) -> None:
    image = picture(100, 150)
    parameters = damage_of(kind).sample(generator(5), context(100, 150))
    drawn, again = parameters.draw(image), redraw(kind, parameters.to_json(), image)
    assert all(np.array_equal(one, other) for one, other in zip(drawn, again, strict=True))


@every
def test_unknown_kind_names_the_nearest_first(kind: str) -> None:
    with pytest.raises(MenderyError, match=f"known are {kind},"):
        redraw(f"{kind}s", "{}", picture(8, 8))


@every
def test_the_registry_s_name_is_the_kind(kind: str) -> None:
    assert DAMAGES[kind].model_fields["kind"].default == kind


@every
def test_own_fields_are_described(kind: str) -> None:
    inherited = set(Damage.model_fields) - {"kind"}
    own = {name: field for name, field in DAMAGES[kind].model_fields.items() if name not in inherited}
    assert [name for name, field in own.items() if not field.description] == []


@every
def test_a_dumped_entry_is_valid_again(kind: str) -> None:
    damage = DAMAGES[kind](kind=kind, ratio_range=(0.1, 0.2) if DAMAGES[kind].meets_ratios else None)
    assert DAMAGES[kind].model_validate_json(damage.model_dump_json()) == damage
