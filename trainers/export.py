"""Export: a run's networks in a file that other programs run, checked against the run before it counts."""

from __future__ import annotations

import json
import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from pipelines.errors import MenderyError
from pipelines.storage import put_bytes
from trainers.inpainters import BASELINES, TrainedRun, open_inpainter
from trainers.methods.base import Batch, Method

TOLERANCE = 1e-4
"""By how much results may differ, of 2 from black to white: a fortieth of an 8-bit level."""

Format = Literal["torchscript", "onnx"]

SUFFIXES: dict[str, Format] = {".pt": "torchscript", ".ts": "torchscript", ".onnx": "onnx"}


def export(run: str, out: str | Path, *, size: int | None = None, step: int | None = None) -> dict[str, Any]:
    """Writes a run's networks as TorchScript (.pt, .ts) or ONNX (.onnx), by the suffix.

    The file takes `image` (1, 3, H, W) float32 in [-1, 1] and `mask` (1, 1, H, W), 1 where missing, and gives
    `inpainted` (1, 3, H, W), known pixels equal to the image's. ONNX is of one size; TorchScript takes any batch and
    any size whose sides are multiples of what `multiple_of` says in the facts.

    Args:
        size: side in pixels; the run's own when None.

    Returns:
        Facts that are in the file too: method, step, size, what it was trained on, and the greatest difference that was
        seen.

    Raises:
        MenderyError: the run cannot be exported, or what was written gives other results than the run.
    """
    out = Path(out)
    form = SUFFIXES.get(out.suffix.lower())
    if form is None:
        raise MenderyError(f"{out}: export writes {', '.join(SUFFIXES)}")
    if run in BASELINES:
        raise MenderyError(f"{run} is a baseline: there are no networks to export")
    opened = open_inpainter(run, "cpu", step)
    assert isinstance(opened, TrainedRun)
    if opened.needs:
        raise MenderyError(
            f"{opened.name} needs {', '.join(sorted(opened.needs))} besides, and cannot be exported alone"
        )
    multiple = opened.method.multiple_of
    side = size or int(opened.about["size"])
    if side % multiple:
        raise MenderyError(f"size must be a multiple of {multiple}, found {side}")
    whole = Whole(opened.method).eval()
    facts = {**opened.about, "size": side, "multiple_of": multiple, "notes": list(opened.notes)}
    with tempfile.TemporaryDirectory(prefix="mendery-export-") as folder:
        path = Path(folder) / f"network{out.suffix}"
        write = _torchscript if form == "torchscript" else _onnx
        facts["difference"] = write(whole, path, side, facts)
        if facts["difference"] > TOLERANCE:
            raise MenderyError(
                f"what was exported differs from the run by {facts['difference']:.2g}, expected at most {TOLERANCE:g}"
            )
        put_bytes(out, path.read_bytes())
    return facts


class Whole(nn.Module):
    """A method as one module: image and mask in, inpainted picture out."""

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.method = method
        self.networks = nn.ModuleDict({name: method.networks[name] for name in method.averaged})

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return self.method.inpaint(Batch(image, mask))


def example(side: int, other: int, seed: int, number: int = 1) -> tuple[Tensor, Tensor]:
    """A random picture and a box that is missing."""
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand((number, 3, side, other), generator=generator) * 2 - 1
    mask = torch.zeros((number, 1, side, other))
    mask[..., side // 4 : side // 2, other // 3 : other // 2] = 1
    return image, mask


def _torchscript(whole: Whole, path: Path, side: int, facts: dict[str, Any]) -> float:
    with torch.no_grad(), warnings.catch_warnings():
        # TorchScript is deprecated in favour of torch.export, but it is what runs without Python.
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(whole, example(side, side, 0), check_trace=False)
        torch.jit.save(traced, str(path), _extra_files={"mendery.json": json.dumps(facts)})
        again = torch.jit.load(str(path))
        shapes = [(side, side, 1, 1), (side + 2 * int(facts["multiple_of"]), side, 2, 2)]
        return max(_difference(whole(*pair), again(*pair)) for pair in (example(*shape) for shape in shapes))


def _onnx(whole: Whole, path: Path, side: int, facts: dict[str, Any]) -> float:
    try:
        import onnx
        import onnxruntime
        import onnxscript as _  # noqa: F401  # the exporter needs it and says so late
    except ImportError as error:
        raise MenderyError(f"exporting ONNX needs {error.name}: pip install 'mendery[export]'") from None
    pair = example(side, side, 1)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about its own insides
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision, which nothing here needs
        names: dict[str, Any] = {"input_names": ["image", "mask"], "output_names": ["inpainted"]}
        torch.onnx.export(
            whole, example(side, side, 0), str(path), dynamo=True, verbose=False, external_data=False, **names
        )
    model = onnx.load(str(path))
    onnx.helper.set_model_props(model, {"mendery": json.dumps(facts)})
    onnx.save(model, str(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (made,) = session.run(None, {"image": pair[0].numpy(), "mask": pair[1].numpy()})
    with torch.no_grad():
        return _difference(whole(*pair), torch.from_numpy(np.asarray(made)))


def _difference(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max())
