"""Where a recipe's sources are on this machine, said when the recipe is used and not in it.

A recipe that is passed on cannot know anybody's folders. It leaves `path` empty; who uses it says
`--source fairface=/data/fairface`. What decides the dataset is in the recipe, and paths never do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipelines.errors import RecipeError, did_you_mean
from pipelines.sources.base import Source


def give(sources: Sequence[Source], given: Mapping[str, str | Path]) -> None:
    """Sets the paths of sources.

    Args:
        sources: changed.
        given: paths by a source's name, or by its corpus where one source alone is of it; `NAME.FIELD` is the folder of
            another corpus that it is joined to, such as `maskedface-net.ffhq`. A relative path starts here, and not at
            the recipe's folder.

    Raises:
        RecipeError: no source, or more than one, is called so.
    """
    for told, path in given.items():
        name, _, field = told.partition(".")
        source = _called(name, sources)
        if field and field not in source.extra_paths:
            known = ", ".join(f"{name}.{extra}" for extra in source.extra_paths) or "none"
            raise RecipeError(f"source {name!r} has no path called {field!r} besides its own (known: {known})")
        setattr(source, field or "path", _from_here(path))


def placed(sources: Sequence[Source], recipe: str) -> list[Source]:
    """The sources whose place is known; optional ones whose place is not are left out.

    Raises:
        RecipeError: one is not optional, or none is left.
    """
    lacking = [source for source in sources if not source.is_placed()]
    left = [source for source in sources if source.is_placed()]
    needed = [source for source in lacking if not source.optional] or ([] if left else lacking)
    if needed:
        what = "needs" if any(not source.optional for source in needed) else "needs at least one of"
        options = " ".join(f"--source {source.name}=PATH" for source in needed)
        raise RecipeError(f"{recipe}: where its sources are is not said; it {what}: {options}")
    return left


def parse(options: Sequence[str]) -> dict[str, str]:
    """Paths by source, from the texts of `--source`; errors as `parse_pairs`."""
    return parse_pairs(options, "--source")


def parse_pairs(options: Sequence[str], flag: str) -> dict[str, str]:
    """Paths by name, from `NAME=PATH` texts.

    Args:
        flag: of the command line, for messages.

    Raises:
        RecipeError: a text without `=`, or a name given twice.
    """
    given: dict[str, str] = {}
    for option in options:
        name, equals, path = option.partition("=")
        if not equals or not name or not path:
            raise RecipeError(f"{flag} takes NAME=PATH, found {option!r}")
        if name in given:
            raise RecipeError(f"{flag} {name} is given twice")
        given[name] = path
    return given


def _called(name: str, sources: Sequence[Source]) -> Source:
    found = [source for source in sources if source.name == name]
    found = found or [source for source in sources if source.corpus_name() == name]
    if len(found) != 1:
        names = [source.name for source in sources]
        problem = "no source is" if not found else f"{len(found)} sources are"
        raise RecipeError(f"{problem} called {name!r}{did_you_mean(name, names)} (known: {', '.join(names)})")
    return found[0]


def _from_here(path: str | Path) -> str:
    """An absolute path, or an address such as s3://bucket/prefix as it is."""
    text = str(path)
    return text if ":" in text.split("/", maxsplit=1)[0] else str(Path(text).expanduser().absolute())
