"""Unions in a recipe: entries told apart by one word, so that errors speak of the one meant; or a text for a block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Tag


def union_of(kinds: Mapping[str, Any]) -> Any:
    """The union of models, each under the name by which it is chosen."""
    members = tuple(Annotated[kind, Tag(name)] for name, kind in kinds.items())
    union: Any = members[0]
    for member in members[1:]:
        union |= member
    return Annotated[union, Discriminator(_tag_of)]


def _tag_of(value: Any) -> str:
    """What tells the members of a union apart: the name of a corpus, source or damage."""
    fields = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    return str(fields.get("corpus") or fields.get("type") or fields.get("kind") or "missing")


def or_text(schema: dict[str, Any]) -> None:
    """Lets a model's JSON Schema say that a text alone will do, where the model takes one."""
    whole = dict(schema)
    schema.clear()
    schema["anyOf"] = [{"type": "string"}, whole]
