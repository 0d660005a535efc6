"""Known corpora: one file each, that says only what is particular to its layout.

Facts and terms live in `dataset_cards/`.
"""

from __future__ import annotations

from pipelines.corpora.celeba import CelebA
from pipelines.corpora.face_mask_detection import FaceMaskDetection
from pipelines.corpora.fairface import FairFace
from pipelines.corpora.fmld import Fmld
from pipelines.corpora.mafa import Mafa
from pipelines.corpora.maskedface_net import MaskedFaceNet
from pipelines.corpora.mdmfr import Mdmfr
from pipelines.corpora.mfr2 import Mfr2
from pipelines.corpora.package_photos import PackagePhotos
from pipelines.corpora.pwmfd import Pwmfd
from pipelines.corpora.rmfd import Rmfd
from pipelines.corpora.wider_face import WiderFace
from pipelines.sources.base import Source

CORPORA: dict[str, type[Source]] = {
    "celeba": CelebA,
    "face-mask-detection": FaceMaskDetection,
    "fairface": FairFace,
    "fmld": Fmld,
    "mafa": Mafa,
    "maskedface-net": MaskedFaceNet,
    "mdmfr": Mdmfr,
    "mfr2": Mfr2,
    "package-photos": PackagePhotos,
    "pwmfd": Pwmfd,
    "rmfd": Rmfd,
    "wider-face": WiderFace,
}

__all__ = ["CORPORA", "PackagePhotos"]
