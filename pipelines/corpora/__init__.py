"""Known corpora: one file each, that says only what is particular to its layout.

Facts and terms live in `dataset_cards/`.
"""

from __future__ import annotations

from pipelines.corpora.celeba import CelebA
from pipelines.corpora.celeba_hq import CelebAHQ
from pipelines.corpora.celebamask_hq import CelebAMaskHQ
from pipelines.corpora.fairface import FairFace
from pipelines.corpora.ffhq import Ffhq
from pipelines.corpora.helen import Helen
from pipelines.corpora.lapa import LaPa
from pipelines.corpora.meglass import MeGlass
from pipelines.corpora.package_photos import PackagePhotos
from pipelines.corpora.scut_fbp5500 import ScutFbp5500
from pipelines.sources.base import Source

CORPORA: dict[str, type[Source]] = {
    "celeba": CelebA,
    "celeba-hq": CelebAHQ,
    "celebamask-hq": CelebAMaskHQ,
    "fairface": FairFace,
    "ffhq": Ffhq,
    "helen": Helen,
    "lapa": LaPa,
    "meglass": MeGlass,
    "package-photos": PackagePhotos,
    "scut-fbp5500": ScutFbp5500,
}

__all__ = ["CORPORA", "PackagePhotos"]
