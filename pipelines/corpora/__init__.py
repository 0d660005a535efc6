"""Known corpora: one file each, that says only what is particular to its layout.

Facts and terms live in `dataset_cards/`.
"""

from __future__ import annotations

from pipelines.corpora.celeba import CelebA
from pipelines.corpora.fairface import FairFace
from pipelines.corpora.package_photos import PackagePhotos
from pipelines.sources.base import Source

CORPORA: dict[str, type[Source]] = {
    "celeba": CelebA,
    "fairface": FairFace,
    "package-photos": PackagePhotos,
}

__all__ = ["CORPORA", "PackagePhotos"]
