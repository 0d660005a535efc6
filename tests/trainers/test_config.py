"""Settings: the paper's, those of --debug, the user's."""

from __future__ import annotations

import pytest

from pipelines.errors import MenderyError
from trainers.config import Config, differences, keys, parse, resolve
from trainers.methods import METHODS


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("debug", [True, False])
def test_every_method_resolves(name: str, debug: bool) -> None:
    config = resolve(name, "x", {}, debug=debug)
    assert config.size == (64 if debug else METHODS[name].defaults["size"])
    assert config.method.perceptual is not debug
    assert Config.from_json(config.to_json()) == config


def test_the_papers_numbers() -> None:
    aot, lama, big = (resolve(name, "x", {}) for name in ("aot_gan", "lama", "big_lama"))
    assert (aot.size, aot.train.batch, aot.method.generator.lr, aot.method.generator.betas) == (
        512,
        8,
        1e-4,
        (0.5, 0.999),
    )
    assert (lama.size, lama.train.batch, lama.method.generator.lr, lama.method.discriminator.lr) == (
        256,
        30,
        1e-3,
        1e-4,
    )
    assert (big.train.batch, big.method.num_blocks, lama.method.num_blocks) == (120, 18, 9)


def test_what_the_user_sets_lies_over_all() -> None:
    given = parse(["train.batch=12", "method.generator.betas=[0, 0.9]", "loader.fresh=[{kind: brush}]"])
    config = resolve("aot_gan", "x", given, debug=True)
    assert (config.train.batch, config.method.generator.betas) == (12, (0, 0.9))
    assert config.loader.fresh == ({"kind": "brush"},)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("batch=3", "did you mean 'train.batch'"),
        ("train.bach=3", "did you mean 'train.batch'"),
        ("generator.lr=3", "did you mean 'method.generator.lr'"),
        ("train.batch=many", "train.batch: .*found 'many'"),
        ("train.precision=fp8", "train.precision: "),
        ("train.batch=0", "train.batch must be at least 1"),
        ("size=50", "multiple of 4"),
        ("train.accumulate=3", "multiple of train.accumulate"),
        ("loader.area_range=[0.5, 2]", "area_range"),
        ("method.width", "expects key=value"),
        ("method.width=[", "is not YAML"),
    ],
)
def test_a_bad_setting_is_a_sentence(text: str, said: str) -> None:
    with pytest.raises(MenderyError, match=said):
        resolve("aot_gan", "x", parse([text]))


def test_an_unknown_method_is_a_sentence() -> None:
    with pytest.raises(MenderyError, match="did you mean 'aot_gan'"):
        resolve("aotgan", "x", {})


def test_without_perceptual_losses() -> None:
    assert not resolve("lama", "x", {}, perceptual=False).method.perceptual


def test_what_may_change_while_a_run_is_continued() -> None:
    one = resolve("lama", "x", {})
    assert differences(one, resolve("lama", "x", {"train.steps": 5, "loader.workers": 3})) == []
    assert differences(one, resolve("lama", "x", {"method.width": 32})) == ["method.width was 64, is 32"]


def test_every_key_is_known_by_its_block() -> None:
    assert {key.split(".")[0] for key in keys(resolve("lama", "x", {}))} == {"size", "train", "loader", "method"}
