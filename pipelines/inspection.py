"""Which corpus a folder or archive looks like, and how complete it is.

Every known corpus says how its pictures' paths end and which annotation files it has. The one whose files are there
is the best guess; then it is listed as a build would list it, and what was found is held against its card.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from pipelines.cards import front_matter
from pipelines.corpora import CORPORA
from pipelines.corpora.base import Corpus
from pipelines.errors import MenderyError
from pipelines.places import place
from pipelines.sources.base import Listing
from pipelines.sources.tree import Download, Tree, ending

LOOKED_AT = 20_000
"""Pictures whose paths are held against the patterns of all corpora."""

MANY = 30
"""Labels with more values than this are identifiers or measurements, and not counted value by value."""


@dataclass(frozen=True)
class Inspection:
    """What lies at a path.

    Attributes:
        corpus: the best guess, or what was asked for.
        candidates: pictures that fit each corpus, of those looked at.
        splits, expected: usable pictures by official split, and what the card expects.
        labels: counts by value, for every label with few values.
        reasons: pictures and annotations that cannot be used, by reason.
        present, missing: annotation files, and what is lost without each.
        notes: what listing has to say.
    """

    corpus: str
    candidates: dict[str, int]
    splits: dict[str, int]
    expected: dict[str, int]
    labels: dict[str, dict[str, int]]
    reasons: dict[str, int]
    present: dict[str, str]
    missing: dict[str, str]
    notes: list[str] = field(default_factory=list)


def inspect(path: str | Path, corpus: str | None = None) -> Inspection:
    """Looks at a download.

    Args:
        corpus: take it for this one instead of finding out.

    Raises:
        MenderyError: it looks like no known corpus, or not like the one asked for.
    """
    if corpus is not None and corpus not in CORPORA:
        raise MenderyError(f"unknown corpus {corpus!r}; `mendery corpora` lists the known ones")
    with tempfile.TemporaryDirectory(prefix="mendery-inspect-") as scratch:
        listing = Listing(Path(scratch))
        download = Download.at(place(path))
        download.check()
        with Tree(download, listing) as tree:
            candidates = _candidates(tree)
            guess = corpus or _best(tree, candidates, path)
            present, missing = _files(tree, guess)
        return _listed(path, guess, candidates, present, missing, Path(scratch))


def known() -> dict[str, type[Corpus]]:
    """Corpora that lie in a folder of the user's."""
    return {name: kind for name, kind in CORPORA.items() if issubclass(kind, Corpus)}


def _candidates(tree: Tree) -> dict[str, int]:
    """Files among the first that fit each corpus's pattern, most first."""
    paths = [entry.path for entry in islice(tree.pictures(), LOOKED_AT)]
    paths += [entry.path for entry in tree.others()[:LOOKED_AT]]
    counts = {
        name: sum(1 for path in paths if pattern.search(path))
        for name, pattern in ((name, ending(kind.picture)) for name, kind in known().items())
    }
    return {name: count for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if count}


def _best(tree: Tree, candidates: dict[str, int], path: str | Path) -> str:
    """Annotation files tell more than names of pictures, of which many corpora have alike."""
    if not candidates:
        seen = [entry.path for entry in islice(tree.pictures(), 3)] or [entry.path for entry in tree.others()[:3]]
        found = ", ".join(map(repr, seen)) or "nothing"
        raise MenderyError(f"{path} looks like no known corpus: found {found}; `mendery corpora` lists the known ones")
    return max(candidates, key=lambda name: (_share(tree, name), candidates[name]))


def _share(tree: Tree, name: str) -> float:
    present, missing = _files(tree, name)
    return len(present) / max(1, len(present) + len(missing))


def _files(tree: Tree, name: str) -> tuple[dict[str, str], dict[str, str]]:
    files = known()[name].files if name in known() else {}
    present = {file: without for file, without in files.items() if tree.find(file)}
    return present, {file: without for file, without in files.items() if file not in present}


def _listed(
    path: str | Path,
    corpus: str,
    candidates: dict[str, int],
    present: dict[str, str],
    missing: dict[str, str],
    scratch: Path,
) -> Inspection:
    listing = Listing(scratch)
    splits: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    labels: dict[str, Counter[str]] = {}
    for location in CORPORA[corpus].model_validate({"corpus": corpus, "path": str(path)}).locate(listing):
        if location.reason:
            reasons[location.reason] += 1
            continue
        splits[location.split] += 1
        for label, value in json.loads(location.labels).items():
            values = labels.setdefault(label, Counter())
            if len(values) <= MANY:
                values[str(value)] += 1
    few = {label: dict(values.most_common()) for label, values in sorted(labels.items()) if len(values) <= MANY}
    expected = {str(split): int(count) for split, count in front_matter(corpus)["counts"].items()}
    return Inspection(
        corpus, candidates, dict(sorted(splits.items())), expected, few, dict(reasons), present, missing, listing.notes
    )
