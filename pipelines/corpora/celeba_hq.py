"""CelebA-HQ: 30,000 of CelebA's faces at 1024 x 1024, in the forms in which they are passed on.

The owners released deltas to CelebA, not pictures, so there is no one layout. Four are read. They number the same
pictures in three ways: from 0, from 1, or as CelebA does. CelebA's own numbers are what leads to splits and persons.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from pipelines.corpora.base import Corpus, Found, Table, join
from pipelines.corpora.readers.celeba_numbers import WITHOUT, celeba_facts, celeba_numbers
from pipelines.corpora.readers.celeba_texts import Part
from pipelines.labels import Annotation, labels
from pipelines.sources.base import Location
from pipelines.sources.tree import Tree, ending


def _layouts(side: str) -> re.Pattern[str]:
    """Ends of paths in the four layouts, of which two have a folder for each side."""
    return re.compile(
        rf"(?:CelebA-HQ-img/(?P<index>\d{{1,5}})|data(?:{side})x(?:{side})/(?P<ordinal>\d{{5}})"
        rf"|(?:celeba_hq/(?P<split>train|val)/(?P<sex>female|male)|celeba-(?:{side}))/(?P<number>\d{{6}}))"
        r"\.(?:jpg|png)"
    )


class CelebAHQ(Corpus):
    """CelebA-HQ (Karras et al., ICLR 2018); with label maps it is the corpus celebamask-hq."""

    corpus: Literal["celeba-hq"]
    side: Literal[64, 128, 256, 512, 1024] = Field(
        1024, description="In pixels, where there is a folder for each: data1024x1024, celeba-1024."
    )

    expects: ClassVar[str] = "CelebA-HQ-img/0.jpg"
    picture: ClassVar[re.Pattern[str]] = _layouts(r"\d+")
    files: ClassVar = WITHOUT

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        layouts = _layouts(str(self.side))
        faults: list[Location] = []
        names = {_name(found) for _, found in tree.matching(layouts)}
        numbers = celeba_numbers(tree, faults) if any(not _match(name)["number"] for name in names) else {}
        wanted = {number for name in names if (number := _number(_match(name), numbers))}
        facts = celeba_facts(tree, wanted, faults, attributes=True)
        table = Table(faults=faults, complete=False, details=lambda name: _annotation(_match(name), numbers, facts))
        yield from join(tree, layouts, table, _name)


def _name(found: re.Match[str]) -> str:
    return found[0].lstrip("/")


def _match(name: str) -> re.Match[str]:
    found = ending(CelebAHQ.picture).fullmatch(name)
    assert found is not None
    return found


def _number(found: re.Match[str], numbers: Mapping[int, str]) -> str:
    """CelebA's number of a picture, or "" where no mapping tells it."""
    if found["number"]:
        return found["number"]
    index = int(found["index"]) if found["index"] else int(found["ordinal"]) - 1
    return numbers.get(index, "")


def _annotation(found: re.Match[str], numbers: Mapping[int, str], facts: Part) -> Annotation:
    """What CelebA says; a split that folders spell comes first, a sex only where CelebA's file is not there."""
    known = facts.get(_number(found, numbers), Annotation())
    stated = labels(**known.labels, **({"sex": found["sex"]} if "sex" not in known.labels else {}))
    return replace(known, split=found["split"] or known.split, labels=stated)
