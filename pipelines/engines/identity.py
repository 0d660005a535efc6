"""Who is who, offline: dlib's 128 numbers of a face.

For grouping pictures of one person where a corpus names nobody. Its authors ask for less than 0.6 between pictures of
one person; its vectors are about 1.45 long, so that is 0.41 between ours, which are of length one. It is a model of
2017 and weak on East Asian faces: of our test photographs, different women come as near as 0.3. Merge below 0.3 only
(`benchmarks/faces.py`), and where identities matter, use an insightface pack.

Source: dlib, face_recognition_resnet_model_v1 (King, 2017), after He et al., CVPR 2016.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.engines.base import Points
from pipelines.engines.models import DLIB_IDENTITY
from pipelines.errors import RecipeError
from pipelines.imaging.colour import Picture


class DlibIdentity:
    """The network; cuts its aligned 150 x 150 pixels itself, from 68 points."""

    def __init__(self) -> None:
        try:
            import dlib
        except ImportError:
            raise RecipeError(
                "faces: embeddings of the offline engine need dlib: pip install 'mendery[identities]', or use an "
                "insightface pack"
            ) from None
        self._dlib = dlib
        self._network: Any = _loaded(dlib, DLIB_IDENTITY.read())

    def embed(self, picture: Picture, points: Points) -> NDArray[np.float32]:
        """(128,) float32 of unit length.

        Args:
            points: (68, 2) as iBUG has them.
        """
        dlib = self._dlib
        low, high = points.min(axis=0), points.max(axis=0)
        outline = dlib.rectangle(*(round(float(number)) for number in (*low, *high)))
        marks = dlib.points([dlib.point(round(float(x)), round(float(y))) for x, y in points])
        aligned = dlib.full_object_detection(outline, marks)
        numbers = np.array(self._network.compute_face_descriptor(np.ascontiguousarray(picture), aligned), np.float32)
        return numbers / np.float32(np.linalg.norm(numbers))


def _loaded(dlib: Any, model: bytes) -> Any:
    """The network; dlib reads files only, and this one's bytes have been checked."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.dat"
        file.write_bytes(model)
        return dlib.face_recognition_model_v1(str(file))
