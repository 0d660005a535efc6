"""CMP Facade: 606 rectified facades with label maps of twelve classes, in a base and an extended set."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pipelines.corpora.base import Corpus, Found, fault, once
from pipelines.corpora.readers.beside import maps_beside, note_missing
from pipelines.labels import Annotation, Guide, labels
from pipelines.sources.base import Location
from pipelines.sources.tree import Tree


class CmpFacade(Corpus):
    """CMP Facade Database (Tylecek and Sara, GCPR 2013)."""

    corpus: Literal["cmp-facade"]
    expects: ClassVar[str] = "base/cmp_b0001.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(r"(cmp_([bx])\d{4})\.jpg")

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        maps = maps_beside(tree, r"(cmp_[bx]\d{4})\.png")
        names = {found[1] for _, found in tree.matching(self.picture)}
        note_missing(tree, names, maps, "label map")
        for entry, found in once(tree, self.picture):
            part = "base" if found[2] == "b" else "extended"
            guides = {"segments": Guide("cmp-facade", {"": maps[found[1]]})} if found[1] in maps else {}
            yield entry, Annotation(labels=labels(part=part), guides=guides)
        for name in sorted(maps.keys() - names):
            yield fault(f"{name}.png", "no_picture", "a label map without its picture")
