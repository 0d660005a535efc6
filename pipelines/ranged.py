"""Streams over something that is no file of this machine: anything that can be read from anywhere in it."""

from __future__ import annotations

import io
import os
from typing import Any

_LEAST, _MOST = 1 << 16, 8 << 20
"""Bytes of one read: the first, and the largest that a run of reads in order grows to."""


class Seekable(io.RawIOBase):
    """A stream that keeps its own position; a subclass says how many bytes there are and reads some."""

    _position = 0

    @property
    def size(self) -> int:
        """Bytes of the whole."""
        raise NotImplementedError

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = 0 if whence == os.SEEK_SET else self._position if whence == os.SEEK_CUR else self.size
        self._position = max(0, base + offset)
        return self._position


class RangedFile(Seekable):
    """A remote file: a read somewhere is one request, reads in order share ever larger ones."""

    def __init__(self) -> None:
        self._ahead = _LEAST
        self._start, self._block = 0, b""

    def fetch(self, first: int, size: int) -> bytes:
        """Bytes from `first` on, at most `size`; fewer, or none, where the file ends."""
        raise NotImplementedError

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            size = max(0, self.size - self._position)
        pieces: list[bytes] = []
        while size > 0:
            piece = self._piece(size)
            if not piece:
                break
            pieces.append(piece)
            size -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _piece(self, size: int) -> bytes:
        """Some of the bytes from here on, at most `size`; none at the end."""
        inside = self._position - self._start
        if not 0 <= inside < len(self._block):
            in_order = bool(self._block) and inside == len(self._block)
            self._ahead = min(2 * self._ahead, _MOST) if in_order else _LEAST
            self._block, self._start, inside = self.fetch(self._position, max(size, self._ahead)), self._position, 0
        piece = self._block[inside : inside + size]
        self._position += len(piece)
        return piece
