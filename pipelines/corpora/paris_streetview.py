"""Paris StreetView: 14,900 views of facades for training and 100 for testing, in flat folders.

Names of training pictures are the coordinates of the camera: like GPS data, they stay out of shards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pipelines.corpora.base import Corpus, Found, once
from pipelines.labels import Annotation
from pipelines.sources.base import Location
from pipelines.sources.tree import Tree

SPLITS = {"paris_train_original": "train", "paris_eval": "test", "paris_eval_gt": "test"}


class ParisStreetView(Corpus):
    """Paris StreetView (Doersch et al., SIGGRAPH 2012; split of Pathak et al., CVPR 2016)."""

    corpus: Literal["paris-streetview"]
    expects: ClassVar[str] = "paris_train_original/48.858298_2.294481_1_-0.1.JPG"
    # Below paris_eval, copies have paris_eval_gt (whole pictures) and paris_eval_corrupted (with a hole: not read).
    picture: ClassVar[re.Pattern[str]] = re.compile(
        r"(paris_train_original|paris_eval(?:_gt)?)/([^/]+)\.(?:jpg|jpeg|png)", re.IGNORECASE
    )

    # All of a training picture's name, however a copy spells coordinates; of a test picture's, numbers with decimals.
    names: ClassVar[re.Pattern[str]] = re.compile(
        r"paris_train_original/([^/]+)\.\w+$|paris_eval(?:_gt)?/([^/]*\d\.\d[^/]*)\.\w+$", re.IGNORECASE
    )

    def pictures(self, tree: Tree) -> Iterator[Found | Location]:
        for entry, found in once(tree, self.picture, lambda found: f"{SPLITS[found[1].lower()]}/{found[2]}"):
            yield entry, Annotation(SPLITS[found[1].lower()])
