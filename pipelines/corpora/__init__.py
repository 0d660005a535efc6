"""Known corpora: one file each, that says only what is particular to its layout.

Facts and terms live in `dataset_cards/`.
"""

from __future__ import annotations

from pipelines.corpora.afad import Afad
from pipelines.corpora.afd import Afd
from pipelines.corpora.asian_celeb import AsianCeleb
from pipelines.corpora.bfw import Bfw
from pipelines.corpora.bupt_balancedface import BuptBalancedface
from pipelines.corpora.cas_peal import CasPeal
from pipelines.corpora.casia_facev5 import CasiaFaceV5
from pipelines.corpora.casia_webface import CasiaWebFace
from pipelines.corpora.celeba import CelebA
from pipelines.corpora.celeba_hq import CelebAHQ
from pipelines.corpora.celebamask_hq import CelebAMaskHQ
from pipelines.corpora.cityscapes import Cityscapes
from pipelines.corpora.cmp_facade import CmpFacade
from pipelines.corpora.dtd import Dtd
from pipelines.corpora.face_mask_detection import FaceMaskDetection
from pipelines.corpora.fairface import FairFace
from pipelines.corpora.ffhq import Ffhq
from pipelines.corpora.fmld import Fmld
from pipelines.corpora.glint360k import Glint360K
from pipelines.corpora.helen import Helen
from pipelines.corpora.imagenet import ImageNet
from pipelines.corpora.jaffe import Jaffe
from pipelines.corpora.kface import KFace
from pipelines.corpora.lapa import LaPa
from pipelines.corpora.mafa import Mafa
from pipelines.corpora.maskedface_net import MaskedFaceNet
from pipelines.corpora.mdmfr import Mdmfr
from pipelines.corpora.meglass import MeGlass
from pipelines.corpora.mfr2 import Mfr2
from pipelines.corpora.package_photos import PackagePhotos
from pipelines.corpora.paris_streetview import ParisStreetView
from pipelines.corpora.places365 import Places365
from pipelines.corpora.pwmfd import Pwmfd
from pipelines.corpora.rfw import Rfw
from pipelines.corpora.rmfd import Rmfd
from pipelines.corpora.scut_fbp5500 import ScutFbp5500
from pipelines.corpora.svhn import Svhn
from pipelines.corpora.utkface import UTKFace
from pipelines.corpora.wider_face import WiderFace
from pipelines.sources.base import Source

CORPORA: dict[str, type[Source]] = {
    "afad": Afad,
    "afd": Afd,
    "asian-celeb": AsianCeleb,
    "bfw": Bfw,
    "bupt-balancedface": BuptBalancedface,
    "cas-peal": CasPeal,
    "casia-facev5": CasiaFaceV5,
    "casia-webface": CasiaWebFace,
    "celeba": CelebA,
    "celeba-hq": CelebAHQ,
    "celebamask-hq": CelebAMaskHQ,
    "cityscapes": Cityscapes,
    "cmp-facade": CmpFacade,
    "dtd": Dtd,
    "face-mask-detection": FaceMaskDetection,
    "fairface": FairFace,
    "ffhq": Ffhq,
    "fmld": Fmld,
    "glint360k": Glint360K,
    "helen": Helen,
    "imagenet": ImageNet,
    "jaffe": Jaffe,
    "kface": KFace,
    "lapa": LaPa,
    "mafa": Mafa,
    "maskedface-net": MaskedFaceNet,
    "mdmfr": Mdmfr,
    "meglass": MeGlass,
    "mfr2": Mfr2,
    "package-photos": PackagePhotos,
    "paris-streetview": ParisStreetView,
    "places365": Places365,
    "pwmfd": Pwmfd,
    "rfw": Rfw,
    "rmfd": Rmfd,
    "scut-fbp5500": ScutFbp5500,
    "svhn": Svhn,
    "utkface": UTKFace,
    "wider-face": WiderFace,
}

__all__ = ["CORPORA", "PackagePhotos"]
