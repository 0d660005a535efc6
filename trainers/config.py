"""What a run is: a method's own numbers, the trainer's and the loader's, settled before step one and written beside it.

Defaults are the paper's, kept with each method; `--debug` and `--set` lie on top of them, all by dotted keys.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

import yaml
from pydantic import TypeAdapter, ValidationError

from pipelines.errors import MenderyError, did_you_mean
from trainers.methods import find
from trainers.samples import LoaderSettings
from trainers.trainer import TrainSettings

DEBUG: Mapping[str, Any] = {
    "size": 64,
    "train.steps": 400,
    "train.batch": 8,
    "train.ema": 0.98,
    "train.log_every": 10,
    "train.save_every": 100,
    "train.sample_every": 100,
    # Small datasets have few colours, which must not be learnt by heart.
    "loader.jitter": 0.4,
    "method.perceptual": False,
}
"""What `--debug` makes of any method: a run that ends on a laptop in two minutes and proves that everything works."""

MAY_CHANGE = frozenset(
    {f"train.{name}" for name in ("steps", "log_every", "save_every", "sample_every", "num_samples", "keep", "retries")}
    | {f"train.{name}" for name in ("precision", "accumulate", "channels_last", "compile", "threads")}
    | {f"loader.{name}" for name in ("workers", "cache", "cache_gigabytes")}
)
"""Keys that may differ when a run is continued: they change how it is done, not what."""


@dataclass(frozen=True)
class Config:
    """A run, resolved.

    Attributes:
        name: of the method.
        data: folder of the dataset.
        data_sha256: of its manifest.
        size: side of pictures in pixels.
        debug: begun with `--debug`.
        method, train, loader: settings.
    """

    name: str
    data: str
    data_sha256: str
    size: int
    debug: bool
    method: Any
    train: TrainSettings
    loader: LoaderSettings

    def to_json(self) -> dict[str, Any]:
        plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Config:
        """The configuration that `to_json` wrote.

        Raises:
            MenderyError: it is of another version.
        """
        try:
            parts = {"method": find(plain["name"]).Settings, "train": TrainSettings, "loader": LoaderSettings}
            blocks = {name: TypeAdapter(kind).validate_python(plain[name]) for name, kind in parts.items()}
            return cls(**{**plain, **blocks})
        except (KeyError, TypeError, ValidationError) as error:
            raise MenderyError(f"config.json is not of this version: {error}") from None


def resolve(
    name: str,
    data: str,
    overrides: Mapping[str, Any],
    *,
    debug: bool = False,
    perceptual: bool = True,
) -> Config:
    """A method's defaults, those of `--debug` over them, and what the user sets over all.

    Args:
        overrides: values by dotted key, or texts that hold YAML.
        perceptual: False leaves out losses over pretrained networks.

    Raises:
        MenderyError: an unknown key, or a value that does not fit.
    """
    method = find(name)
    config = Config(name, data, "", 256, debug, method.Settings(), TrainSettings(), LoaderSettings())
    layers = [method.defaults]
    layers += [DEBUG, method.debug] if debug else []
    layers += [] if perceptual else [{"method.perceptual": False}]
    for layer in (*layers, overrides):
        for key, value in layer.items():
            config = _set(config, key, value)
    _check(config, method)
    return config


def parse(texts: list[str]) -> dict[str, Any]:
    """Values by key from `key=value`; a value is YAML.

    Raises:
        MenderyError: a text without `=`, or without YAML behind it.
    """
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise MenderyError(f"--set expects key=value, found {text!r}")
        try:
            found[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise MenderyError(f"--set {key}: {value!r} is not YAML") from None
    return found


def keys(config: Config) -> dict[str, Any]:
    """Every key that can be set, with its value."""
    return dict(_leaves(config))


def differences(before: Config, after: Config) -> list[str]:
    """What differs between two configurations and must not while a run is continued, a sentence each."""
    old, new = keys(before), keys(after)
    old["data_sha256"], new["data_sha256"] = before.data_sha256[:12], after.data_sha256[:12]
    found = [key for key in old.keys() | new.keys() if key not in MAY_CHANGE and old.get(key) != new.get(key)]
    return [f"{key} was {old.get(key)!r}, is {new.get(key)!r}" for key in sorted(found)]


def _leaves(block: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(block):
        value = getattr(block, field.name)
        if dataclasses.is_dataclass(value):
            yield from _leaves(value, f"{prefix}{field.name}.")
        elif prefix or field.name == "size":
            yield f"{prefix}{field.name}", value


def _set(config: Config, key: str, value: Any) -> Config:
    known = keys(config)
    if key not in known:
        # A key without its block is what people forget.
        whole = [name for name in known if name.endswith(f".{key}")]
        hint = f"; did you mean {whole[0]!r}?" if whole else did_you_mean(key, known)
        raise MenderyError(f"no setting {key!r}{hint}")
    changed: Config = _replaced(config, key.split("."), value, key)
    return changed


def _replaced(block: Any, path: list[str], value: Any, key: str) -> Any:
    name, *rest = path
    if rest:
        return dataclasses.replace(block, **{name: _replaced(getattr(block, name), rest, value, key)})
    hint = get_type_hints(type(block))[name]
    try:
        return dataclasses.replace(block, **{name: TypeAdapter(hint).validate_python(value)})
    except ValidationError as error:
        raise MenderyError(f"{key}: {error.errors()[0]['msg']}, found {value!r}") from None


def _check(config: Config, method: Any) -> None:
    """Faults that show only in the whole."""
    least = method.least_size(config.method)
    if config.size < least or config.size % method.multiple_of:
        raise MenderyError(
            f"size must be a multiple of {method.multiple_of} for {config.name} and at least {least}, found "
            f"{config.size}"
        )
    if config.train.batch % config.train.accumulate:
        raise MenderyError(
            f"train.batch must be a multiple of train.accumulate, found {config.train.batch} and "
            f"{config.train.accumulate}"
        )
    positive = {
        key: value for key, value in keys(config).items() if key.startswith("train.") and key.endswith("_every")
    }
    positive |= {"train.steps": config.train.steps, "train.batch": config.train.batch}
    for key, value in positive.items():
        if value < 1:
            raise MenderyError(f"{key} must be at least 1, found {value}")
    low, high = config.loader.area_range
    if not 0 < low <= high <= 1:
        raise MenderyError(f"loader.area_range must be two numbers with 0 < low <= high <= 1, found [{low}, {high}]")
