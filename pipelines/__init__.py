"""The data side of Mendery: from sources to verified shards.

Every command of the command line is a function here. They are imported when first used, because
numpy, Ray and OpenCV together take seconds; `build` is the exception, since a module of the same
name would hide it, and is light by itself. `curate` stands beside it, in `pipelines.build`, and `publish` in
`pipelines.publishing`, because packages have their names.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pipelines.build import build

if TYPE_CHECKING:
    from pipelines.contact_sheets import damages
    from pipelines.environment import doctor
    from pipelines.estimate import plan
    from pipelines.fate import why
    from pipelines.inspection import inspect
    from pipelines.progress import status
    from pipelines.publish.gate import gate
    from pipelines.publish.pages import card
    from pipelines.publish.report import report
    from pipelines.rebuilding import rebuild
    from pipelines.recipe import load, ready
    from pipelines.shards.verify import verify
    from pipelines.takedown import remove
    from pipelines.viewing import preview, show

_HOMES = {
    "card": "pipelines.publish.pages",
    "damages": "pipelines.contact_sheets",
    "doctor": "pipelines.environment",
    "gate": "pipelines.publish.gate",
    "inspect": "pipelines.inspection",
    "load": "pipelines.recipe",
    "plan": "pipelines.estimate",
    "preview": "pipelines.viewing",
    "ready": "pipelines.recipe",
    "rebuild": "pipelines.rebuilding",
    "remove": "pipelines.takedown",
    "report": "pipelines.publish.report",
    "show": "pipelines.viewing",
    "status": "pipelines.progress",
    "verify": "pipelines.shards.verify",
    "why": "pipelines.fate",
}

__all__ = [
    "build",
    "card",
    "damages",
    "doctor",
    "gate",
    "inspect",
    "load",
    "plan",
    "preview",
    "ready",
    "rebuild",
    "remove",
    "report",
    "show",
    "status",
    "verify",
    "why",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pipelines' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
