"""Tiny ONNX graphs with the inputs and outputs of insightface's models.

They detect a red square and answer with fixed shapes, so that the wiring through insightface's own classes can be
tested: which colour comes first, whose coordinates come back, what is loaded. They say nothing about faces.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def detector(file: Path, five_points: bool = True) -> None:
    """SCRFD of three strides and two anchors: scores where the picture is red, boxes of four strides around it."""
    nodes, weights, outputs = [], [], {"score": [], "box": [], "five": []}
    for stride in (8, 16, 32):
        red = np.zeros((2, 3, stride, stride), np.float32)
        red[0, 0], red[0, 1:] = 20 / stride**2, -20 / stride**2
        bias = np.array([-50, -50], np.float32)  # red alone gives 20 * (1 + 1 + 1) - 50; the second anchor never
        weights += [_weight(f"red{stride}", red), _weight(f"bias{stride}", bias)]
        nodes.append(
            helper.make_node(
                "Conv", ["input", f"red{stride}", f"bias{stride}"], [f"map{stride}"], strides=[stride, stride]
            )
        )
        nodes.append(helper.make_node("Transpose", [f"map{stride}"], [f"last{stride}"], perm=[0, 2, 3, 1]))
        nodes.append(helper.make_node("Reshape", [f"last{stride}", "column"], [f"flat{stride}"]))
        nodes.append(helper.make_node("Sigmoid", [f"flat{stride}"], [f"score{stride}"]))
        nodes.append(helper.make_node("Mul", [f"flat{stride}", "zero"], [f"nil{stride}"]))
        for kind, values in (("box", [1, 2, 3, 4]), ("five", [-1, -1, 1, -1, 0, 0, -1, 1, 1, 1])):
            weights.append(_weight(f"{kind}-values{stride}", np.array([values], np.float32)))
            nodes.append(helper.make_node("Add", [f"nil{stride}", f"{kind}-values{stride}"], [f"{kind}{stride}"]))
        for kind, names in outputs.items():
            names.append(f"{kind}{stride}")
    weights += [_weight("column", np.array([-1, 1])), _weight("zero", np.zeros((1, 1), np.float32))]
    names = [*outputs["score"], *outputs["box"], *(outputs["five"] if five_points else [])]
    widths = {"score": 1, "box": 4, "five": 10}
    shapes = [(name, [None, widths[name.rstrip("0123456789")]]) for name in names]
    _save(file, nodes, weights, [1, 3, "height", "width"], shapes)


def regressor(file: Path, side: int, values: np.ndarray) -> None:
    """Any picture of this side in, the same numbers out, (1, N): recognition, 2d106 or 3d68 by its shapes."""
    count = values.size
    weights = [
        _weight("w", np.zeros((3, count), np.float32)),
        _weight("b", values.astype(np.float32).ravel()),
        _weight("rows", np.array([-1, 3])),
    ]
    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["mean"]),
        helper.make_node("Reshape", ["mean", "rows"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w", "b"], ["output"]),
    ]
    _save(file, nodes, weights, ["batch", 3, side, side], [("output", [None, count])])


def _weight(name: str, values: np.ndarray) -> onnx.TensorProto:
    return numpy_helper.from_array(values, name)


def _save(file: Path, nodes: list, weights: list, shape: list, outputs: list) -> None:
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)]
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in outputs]
    graph = helper.make_graph(nodes, "tiny", inputs, results, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, file)
