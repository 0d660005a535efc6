"""Methods by name, one file each. They do not import each other."""

from __future__ import annotations

from typing import Any

from pipelines.errors import MenderyError, did_you_mean
from trainers.methods.aot_gan import AotGan
from trainers.methods.lama import BigLama, Lama

METHODS: dict[str, Any] = {
    "aot_gan": AotGan,
    "big_lama": BigLama,
    "lama": Lama,
}
"""Every method by the name that `mendery train` takes; `base.Method` says what each is."""


def find(name: str) -> Any:
    """The class of a method.

    Raises:
        MenderyError: there is none of this name.
    """
    if name not in METHODS:
        raise MenderyError(f"no method {name!r}{did_you_mean(name, METHODS)}")
    return METHODS[name]
