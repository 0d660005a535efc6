"""MATLAB files: version 5 to 7.2 through scipy, 7.3, which is HDF5, through h5py.

Structs become dicts, arrays of structs lists of dicts (in 7.3 a dict of lists, as the file has it), texts `str`;
whatever is single may come without its surrounding array, so readers of a field make it the shape they expect.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import RecipeError

_MAGIC_73 = (b"MATLAB 7.3", b"\x89HDF\r\n\x1a\n")

Shapes = dict[str, tuple[tuple[int, ...], str]]
Names = Collection[str] | None
Data = bytes | BinaryIO
"""A whole file, or an open one: a file of gigabytes need not be in memory beside the array that is read from it."""


def load_mat(data: Data, names: Names = None, fields: Names = None) -> dict[str, Any]:
    """Variables of a MATLAB file by name.

    Args:
        names: read only these.
        fields: of structs in version 7.3 read only these: each value there is an object of its own, slow to reach.

    Raises:
        ValueError: it is no MATLAB file, or damaged.
        RecipeError: scipy or h5py is missing.
    """
    with _faults_named():
        stream = _opened(data)
        return _load_hdf5(stream, names, fields) if _is_hdf5(stream) else _load_old(stream, names)


def load_array(data: Data, name: str) -> NDArray[Any]:
    """One numeric array, with MATLAB's order of axes; a KeyError if there is none, else as `load_mat`."""
    with _faults_named():
        stream = _opened(data)
        if not _is_hdf5(stream):
            from scipy.io import loadmat

            return np.asarray(loadmat(stream, variable_names=[name])[name])
        import h5py

        with h5py.File(stream) as file:
            return np.asarray(file[name][()]).T


def shapes(data: Data) -> Shapes:
    """Shape, with MATLAB's order of axes, and type of every array, without its numbers; faults as `load_mat`."""
    with _faults_named():
        stream = _opened(data)
        if not _is_hdf5(stream):
            from scipy.io import whosmat

            return {name: (shape, kind) for name, shape, kind in whosmat(stream)}
        import h5py

        with h5py.File(stream) as file:
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


def _opened(data: Data) -> BinaryIO:
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    stream.seek(0)
    return stream


def _is_hdf5(stream: BinaryIO) -> bool:
    head = stream.read(max(map(len, _MAGIC_73)))
    stream.seek(0)
    return head.startswith(_MAGIC_73)


def _load_old(stream: BinaryIO, names: Names) -> dict[str, Any]:
    from scipy.io import loadmat

    wanted = None if names is None else list(names)
    found = loadmat(stream, variable_names=wanted, simplify_cells=True)
    return {name: value for name, value in found.items() if not name.startswith("__")}


def _load_hdf5(stream: BinaryIO, names: Names, fields: Names) -> dict[str, Any]:
    import h5py

    with h5py.File(stream) as file:
        wanted = [name for name in file if not name.startswith("#") and (names is None or name in names)]
        return {name: _value(file[name], file, fields) for name in wanted}


def _value(node: Any, file: Any, fields: Names) -> Any:
    """A dataset or group with all that it refers to."""
    import h5py

    if isinstance(node, h5py.Group):
        wanted = [name for name in node if fields is None or name in fields]
        return {name: _value(node[name], file, fields) for name in wanted}
    kind = node.dtype
    if h5py.check_ref_dtype(kind):
        return [_value(file[reference], file, fields) for reference in node[()].ravel()]
    # What is empty is told by its shape in 64 bits, and a text by its letters in 16: of others no attribute is asked.
    if kind == np.uint64 and node.attrs.get("MATLAB_empty", 0):
        return []
    value = np.asarray(node[()])
    if kind == np.uint16 and node.attrs.get("MATLAB_class", b"char") == b"char":
        return "".join(map(chr, value.ravel()))
    return value.item() if value.size == 1 else value.T.squeeze()
