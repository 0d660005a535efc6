"""Where networks run: onnxruntime's providers, checked before anything is loaded."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.errors import RecipeError

CUDA, PROCESSOR = "CUDAExecutionProvider", "CPUExecutionProvider"


def providers_of(asked: Sequence[str]) -> list[str]:
    """Those asked for, or CUDA where it is available and then the processor.

    Raises:
        RecipeError: one that was asked for is not there; onnxruntime itself would go on without it, in silence.
    """
    import onnxruntime

    available = onnxruntime.get_available_providers()
    missing = [name for name in asked if name not in available]
    if missing:
        raise RecipeError(
            f"faces.providers: onnxruntime has no {missing[0]} here, it has {', '.join(available)}: remove it, or "
            "install the build of onnxruntime that has it (onnxruntime-gpu for CUDA)"
        )
    return list(asked) or [name for name in (CUDA, PROCESSOR) if name in available]
