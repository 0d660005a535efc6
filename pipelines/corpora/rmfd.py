"""RMFD: masked and unmasked faces of mainly Chinese celebrities: raw pictures, sorted faces, and simulated masks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pipelines.corpora.base import Corpus, Found, once
from pipelines.labels import Annotation, labels
from pipelines.sources.base import Location
from pipelines.sources.tree import Tree

MASKS = {
    "AFDB_masked_face_dataset": "correct",
    "AFDB_face_dataset": "none",
    "webface_masked": "correct",
    "lfw_masked": "correct",
}
"""By folder. No folder tells masks that are worn badly from others: `correct` means masked."""

_RAW = r"RWMFD_part_\d+(?:_pro)?"


class Rmfd(Corpus):
    """Real-World Masked Face Dataset (Wang et al., 2020), each of its parts or all of them.

    Persons are the folders; the same number in two parts of the raw pictures is taken for the same person, so that no
    person can be in two splits.
    """

    corpus: Literal["rmfd"]
    expects: ClassVar[str] = "AFDB_masked_face_dataset/name/0_0_0.jpg"
    picture: ClassVar[re.Pattern[str]] = re.compile(
        rf"(({'|'.join(MASKS)}|{_RAW})/([^/]+)/[^/]+\.(?i:jpg|jpeg|png|bmp))"
    )
    names: ClassVar[re.Pattern[str]] = re.compile(r"(?:AFDB_(?:masked_)?face_dataset|(?:webface|lfw)_masked)/([^/]+)/")

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        for entry, found in once(tree, self.picture):
            yield entry, _annotation(found[2], found[3])


def _annotation(folder: str, person: str) -> Annotation:
    if folder not in MASKS:
        return Annotation(labels=labels(collection="raw"), identity=f"raw {person}")
    collection = "real" if folder.startswith("AFDB") else "simulated"
    of = "celebrity" if collection == "real" else folder
    return Annotation(labels=labels(collection=collection, mask=MASKS[folder]), identity=f"{of} {person}")
