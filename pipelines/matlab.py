"""MATLAB files: version 5 to 7.2 through scipy, 7.3, which is HDF5, through h5py.

Structs become dicts, arrays of structs lists of dicts (in 7.3 a dict of lists, as the file has it), texts `str`;
whatever is single may come without its surrounding array, so readers of a field make it the shape they expect.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import RecipeError

_MAGIC_73 = (b"MATLAB 7.3", b"\x89HDF\r\n\x1a\n")

Shapes = dict[str, tuple[tuple[int, ...], str]]


def load_mat(data: bytes, names: Sequence[str] | None = None) -> dict[str, Any]:
    """Variables of a MATLAB file by name.

    Args:
        names: read only these.

    Raises:
        ValueError: it is no MATLAB file, or damaged.
        RecipeError: scipy or h5py is missing.
    """
    with _faults_named():
        return _load_hdf5(data, names) if data.startswith(_MAGIC_73) else _load_old(data, names)


def load_array(data: bytes, name: str) -> NDArray[Any]:
    """One numeric array, with MATLAB's order of axes; a KeyError if there is none, else as `load_mat`."""
    with _faults_named():
        if not data.startswith(_MAGIC_73):
            from scipy.io import loadmat

            return np.asarray(loadmat(io.BytesIO(data), variable_names=[name])[name])
        import h5py

        with h5py.File(io.BytesIO(data)) as file:
            return np.asarray(file[name][()]).T


def shapes(data: bytes) -> Shapes:
    """Shape, with MATLAB's order of axes, and type of every array, without its numbers; faults as `load_mat`."""
    with _faults_named():
        if not data.startswith(_MAGIC_73):
            from scipy.io import whosmat

            return {name: (shape, kind) for name, shape, kind in whosmat(io.BytesIO(data))}
        import h5py

        with h5py.File(io.BytesIO(data)) as file:
            arrays = {name: node for name, node in file.items() if isinstance(node, h5py.Dataset)}
            return {name: (node.shape[::-1], str(node.dtype)) for name, node in arrays.items()}


@contextmanager
def _faults_named() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise RecipeError(f"MATLAB files need {error.name}: pip install 'mendery[corpora]'") from None
    except KeyError:
        raise
    except Exception as error:  # noqa: BLE001  # both libraries raise a dozen kinds on damaged files
        raise ValueError(f"not a MATLAB file, or damaged: {error}") from None


def _load_old(data: bytes, names: Sequence[str] | None) -> dict[str, Any]:
    from scipy.io import loadmat

    found = loadmat(io.BytesIO(data), variable_names=names, simplify_cells=True)
    return {name: value for name, value in found.items() if not name.startswith("__")}


def _load_hdf5(data: bytes, names: Sequence[str] | None) -> dict[str, Any]:
    import h5py

    with h5py.File(io.BytesIO(data)) as file:
        wanted = [name for name in file if not name.startswith("#") and (names is None or name in names)]
        return {name: _value(file[name], file) for name in wanted}


def _value(node: Any, file: Any) -> Any:
    """A dataset or group with all that it refers to."""
    import h5py

    if isinstance(node, h5py.Group):
        return {name: _value(member, file) for name, member in node.items()}
    if node.attrs.get("MATLAB_empty", 0):
        return []
    if h5py.check_ref_dtype(node.dtype):
        return [_value(file[reference], file) for reference in node[()].ravel()]
    value = np.asarray(node[()])
    if node.attrs.get("MATLAB_class", b"") == b"char" or node.dtype == np.uint16:
        return "".join(map(chr, value.ravel()))
    return value.item() if value.size == 1 else value.T.squeeze()
