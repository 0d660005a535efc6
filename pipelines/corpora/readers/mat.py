"""MATLAB files of version 5 to 7.2, through scipy; 7.3, which is HDF5, is refused with that word.

Structs become dicts, arrays of structs lists of dicts, texts `str`; whatever is single may come without its
surrounding array, so readers of a field make it the shape they expect.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from pipelines.errors import RecipeError

_MAGIC_73 = b"MATLAB 7.3"


def load_mat(data: bytes, names: Sequence[str] | None = None) -> dict[str, Any]:
    """Variables of a MATLAB file by name.

    Args:
        names: read only these.

    Raises:
        ValueError: it is no MATLAB file, or damaged.
        RecipeError: scipy is missing.
    """
    if data.startswith(_MAGIC_73):
        raise ValueError("MATLAB 7.3, which this reader does not know yet")
    try:
        from scipy.io import loadmat
    except ImportError:
        raise RecipeError("MATLAB files need scipy: pip install 'mendery[corpora]'") from None
    try:
        found = loadmat(io.BytesIO(data), variable_names=names, simplify_cells=True)
    except Exception as error:  # noqa: BLE001  # scipy raises a dozen kinds on damaged files
        raise ValueError(f"not a MATLAB file, or damaged: {error}") from None
    return {name: value for name, value in found.items() if not name.startswith("__")}
