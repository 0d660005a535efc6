"""The features of a built dataset as `datasets` declares them in a card, written without importing it.

They are those that its WebDataset loader would find by itself, so that declared and undeclared loading give the same:
pictures by the suffix of their member, `json` as a struct in the order of its fields, arrays as nested lists.
"""

from __future__ import annotations

from typing import Any

from pipelines.sample import METADATA_FIELDS, METADATA_MEMBER

_TYPES: dict[Any, str] = {int: "int64", float: "float64", str: "string"}


def features(members: list[str]) -> list[dict[str, Any]]:
    """Features of every sample, in the order in which the loader gives them.

    Args:
        members: as the manifest states them.
    """
    return [_member(name) for name in members] + [{"name": name, "dtype": "string"} for name in ("__key__", "__url__")]


def _member(name: str) -> dict[str, Any]:
    if name == METADATA_MEMBER:
        return {"name": name, "struct": [_field(field, kind) for field, kind in METADATA_FIELDS.items()]}
    if name.endswith(".npy"):
        return {"name": name, "list": {"list": "float32"}}
    return {"name": name, "dtype": "image"}


def _field(name: str, kind: Any) -> dict[str, Any]:
    """All lists of the contract hold floats."""
    return {"name": name, "list": "float64"} if kind is list else {"name": name, "dtype": _TYPES[kind]}
