"""insightface's packs, from a folder that the user has filled: nothing is ever downloaded.

The strongest engine here, and the only one whose identities are good; its price is the licence of the models, which is
for non-commercial research only. insightface itself fetches a pack that it does not find, so the folder is checked
first and given to it as an absolute path.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import numpy as np

from pipelines.engines import measures, pose
from pipelines.engines.base import FLOOR, FoundFace, Points
from pipelines.engines.providers import providers_of
from pipelines.engines.rules import Faces
from pipelines.errors import RecipeError
from pipelines.imaging.colour import Picture
from pipelines.seeds import digest

_REVISION = 1
"""Raised with every change of this file that changes numbers."""

_SMALL_SIDE = 128
"""insightface looks at pictures this small as well, where faces that fill them are found."""

_THINNEST = 32
"""Pictures longer than so many times their shorter side are padded: insightface would shrink them to no pixels."""

_DENSE = {"landmark_3d_68": "ibug-68", "landmark_2d_106": "insightface-106"}
"""Schemes of insightface's dense points; the first that a pack has is used."""


class InsightEngine:
    """See `FaceEngine`. Groups, ages and sexes, which some packs guess, are not asked for.

    Points and poses have insightface's conventions, whose signs are ours. It takes one picture at a time; a GPU is
    filled by several actors with a fraction of it each (`gpus`).
    """

    name = "insightface"

    def __init__(self, block: Faces) -> None:
        if find_spec("insightface") is None:
            raise RecipeError("faces: engine insightface needs its package: pip install 'mendery[faces]'")
        folder = pack_folder(block.models, block.pack)
        self._analysis = _analysis(folder, block)
        self.version = _version(folder, block)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def find(self, pictures: Sequence[Picture]) -> list[list[FoundFace]]:
        return [self._find(picture) for picture in pictures]

    def _find(self, picture: Picture) -> list[FoundFace]:
        blue_first = np.ascontiguousarray(_padded(picture)[:, :, ::-1])
        faces = [_face(picture, found) for found in self._analysis.get(blue_first)]
        return sorted(faces, key=lambda face: -face.score)


def pack_folder(models: str, pack: str) -> Path:
    """The folder that holds a pack's ONNX files.

    Raises:
        RecipeError: there is none; says where it was looked for, the licence, and how to get it.
    """
    root = Path(models).expanduser().absolute()
    places = [root / pack, root / "models" / pack, root / pack / pack]  # the last as antelopev2 unpacks
    for folder in places:
        if folder.is_dir() and any(folder.rglob("*.onnx")) and not (folder / pack).is_dir():
            return folder
    raise RecipeError(
        f"faces: no ONNX files of insightface's pack {pack!r} in {places[0]} nor in {places[1]}: download {pack}.zip "
        "from the model zoo of the insightface project and unpack it there. Its models are for non-commercial research "
        "only. Nothing is downloaded by this program; without a pack, engine: offline works"
    )


def _analysis(folder: Path, block: Faces) -> Any:
    """The class of insightface, with the models of the pack that are needed."""
    from insightface.app import FaceAnalysis
    from onnxruntime import SessionOptions

    providers, options = providers_of(block.providers), SessionOptions()
    options.intra_op_num_threads = 1  # one actor, one core; and the same sums on any machine
    modules = ["detection", *_DENSE, *(["recognition"] if block.embeddings else [])]
    try:
        analysis = FaceAnalysis(str(folder), allowed_modules=modules, providers=providers, sess_options=options)
        analysis.prepare(ctx_id=0, det_thresh=FLOOR, det_size=_sizes(block.detect_side))
    except Exception as error:  # its loaders raise whatever onnx, onnxruntime and Python's indexing raise
        raise RecipeError(_explained(folder, error)) from error
    if block.embeddings and "recognition" not in analysis.models:
        raise RecipeError(f"faces.embeddings: pack {folder} has no recognition model: use another pack")
    if not analysis.det_model.use_kps:
        raise RecipeError(f"faces: the detector of pack {folder} gives no five points: use another pack")
    return analysis


def _sizes(side: int) -> list[tuple[int, int]]:
    """Squares in which the detector looks, multiples of 32 as it needs them."""
    side = -(-side // 32) * 32
    return [(_SMALL_SIDE, _SMALL_SIDE), (side, side)] if side > _SMALL_SIDE else [(side, side)]


def _explained(folder: Path, error: Exception) -> str:
    """What is wrong with a pack: the first file that does not load by itself, or that none detects."""
    from insightface.model_zoo import get_model

    tasks = []
    for file in sorted(folder.rglob("*.onnx")):
        try:
            model = get_model(str(file), providers=["CPUExecutionProvider"])
        except Exception as broken:
            return f"faces: {file} is no model that insightface can load: it is truncated or of another kind " + (
                f"({_first_line(broken)}): unpack the pack again"
            )
        tasks.append(f"{file.name}: {model.taskname if model is not None else 'unknown'}")
    if not any(task.endswith(": detection") for task in tasks):
        return f"faces: no file of pack {folder} detects faces ({'; '.join(tasks)}): unpack the pack again"
    return f"faces: insightface cannot use pack {folder} ({_first_line(error)}): unpack the pack again"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _padded(picture: Picture) -> Picture:
    """The picture, black added to the right or below where it is extremely long."""
    height, width = picture.shape[:2]
    least = -(-max(height, width) // _THINNEST)
    if min(height, width) >= least:
        return picture
    full = np.zeros((max(height, least), max(width, least), 3), np.uint8)
    full[:height, :width] = picture
    return full


def _face(picture: Picture, found: Any) -> FoundFace:
    """One of insightface's faces as one of ours."""
    height, width = picture.shape[:2]
    left, top, right, bottom = (float(number) for number in found.bbox)
    box, five = (left, top, right - left, bottom - top), np.asarray(found.kps, np.float32)
    scheme, points = _dense(found)
    angles = pose.from_five(five) if found.pose is None else _turned(found.pose)
    return FoundFace(
        box=box,
        score=float(found.det_score),
        five=five,
        pose=angles,
        sharpness=measures.sharpness(picture, box),
        inside=measures.inside(box, points, width, height),
        scheme=scheme,
        points=points,
        eyes_visible=measures.eyes_visible(five, angles, None, width, height),
        embedding=None if found.embedding is None else np.asarray(found.normed_embedding, np.float32),
    )


def _dense(found: Any) -> tuple[str, Points | None]:
    for name, scheme in _DENSE.items():
        if found.get(name) is not None:
            return scheme, np.asarray(found[name], np.float32)[:, :2]
    return "", None


def _turned(angles: Any) -> pose.Pose:
    """Pitch, yaw, roll, as insightface orders them, as yaw, pitch, roll."""
    pitch, yaw, roll = (float(angle) for angle in angles)
    return yaw, pitch, roll


def _version(folder: Path, block: Faces) -> str:
    files = [hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.rglob("*.onnx"))]
    parts = (_REVISION, version("insightface"), *files, block.detect_side, block.embeddings)
    return f"{folder.name}-{digest(*parts):032x}"[: len(folder.name) + 13]
