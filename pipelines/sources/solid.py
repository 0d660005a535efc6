"""Solid blocks of a 7z archive: many members compressed as one stream, which can only be read from its beginning.

A block is unpacked forward, piece by piece, and what nobody asked for is thrown away as it comes: memory holds one
piece, the decoder's dictionary and the picture asked for, whatever sizes the archive states. Pictures asked for in the
archive's order cost one pass over their block; a step back costs a new pass from the block's beginning. So that this
stays cheap, the catalog gives a block to one task (`Location.block`).

The decoders are those of Python's standard library. py7zr, which lists archives, has decoders too, but those take in
a mebibyte of packed bytes for every small member, and some unpack it without a limit. The price is that methods which
are rare for pictures (PPMd, BCJ2, Zstandard, Brotli, Deflate64) are refused by name.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO, Protocol

from pipelines.errors import BadPicture
from pipelines.sources.base import Location

if TYPE_CHECKING:
    from pipelines.sources.reading import Reader

MAX_DICTIONARY = 256 << 20
"""Bytes of a decoder's window into what it unpacked; 7-Zip's strongest level takes as many."""

OPEN_ARCHIVES = 4
"""So many archives of one source are kept open, for each may hold a dictionary."""

PIECE = 1 << 18
NO_CRC = -1

COPY, LZMA2, DELTA = b"\x00", b"\x21", b"\x03"
BCJ = {
    b"\x03\x03\x01\x03": lzma.FILTER_X86,
    b"\x03\x03\x02\x05": lzma.FILTER_POWERPC,
    b"\x03\x03\x04\x01": lzma.FILTER_IA64,
    b"\x03\x03\x05\x01": lzma.FILTER_ARM,
    b"\x03\x03\x07\x01": lzma.FILTER_ARMTHUMB,
    b"\x03\x03\x08\x05": lzma.FILTER_SPARC,
}
"""Filters for programs; some writers, py7zr among them, put everything through one."""
LZMA, DEFLATE, BZIP2 = b"\x03\x01\x01", b"\x04\x01\x08", b"\x04\x02\x02"
AES = b"\x06\xf1\x07\x01"
_NAMES = {
    **dict.fromkeys(BCJ, "BCJ"),
    b"\x03\x03\x01\x1b": "BCJ2",
    COPY: "copy",
    LZMA: "LZMA",
    LZMA2: "LZMA2",
    DELTA: "delta",
    b"\x03\x04\x01": "PPMd",
    b"\x04\x01\x09": "Deflate64",
    b"\x04\xf7\x11\x01": "Zstandard",
    b"\x04\xf7\x11\x02": "Brotli",
    b"\x04\xf7\x11\x04": "LZ4",
}
_DECODER_FAULTS = (lzma.LZMAError, zlib.error, EOFError, OSError, ValueError)

Coder = tuple[bytes, bytes]
"""Method and its properties."""


class Decoder(Protocol):
    """What Python's own decompressors have in common."""

    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Packing:
    """Where the packed bytes of a block are in the archive, and how they are packed.

    Attributes:
        coders: in the order in which packed bytes go through them.
    """

    start: int
    size: int
    coders: tuple[Coder, ...]

    def to_text(self) -> str:
        """As `Location.column` holds it, so that no task must parse the archive's header again."""
        coders = "+".join(f"{method.hex()}.{properties.hex()}" for method, properties in self.coders)
        return f"{self.start}:{self.size}:{coders}"

    @classmethod
    def from_text(cls, text: str) -> Packing:
        start, size, coders = text.split(":")
        pairs = (coder.split(".") for coder in coders.split("+"))
        return cls(int(start), int(size), tuple((bytes.fromhex(method), bytes.fromhex(more)) for method, more in pairs))


@lru_cache
def refusal_of(coders: tuple[Coder, ...]) -> BadPicture | None:
    """Why a block that is packed so is not read, if it is not."""
    if any(method == AES for method, _ in coders):
        return BadPicture("encrypted")
    try:
        decoder_of(coders)
    except BadPicture as bad:
        return bad
    return None


def decoder_of(coders: tuple[Coder, ...]) -> Decoder:
    """What unpacks a block.

    Raises:
        BadPicture: nothing of ours does.
    """
    (method, properties), *filters = coders
    simple: dict[bytes, Callable[[], Decoder]] = {COPY: Copied, DEFLATE: Inflated, BZIP2: bz2.BZ2Decompressor}
    if not filters and method in simple:
        return simple[method]()
    # Only LZMA2 says where it ends, without which the last bytes would stay in a filter for programs.
    possible = {DELTA} if method == LZMA else {DELTA, *BCJ}
    if method not in (LZMA, LZMA2) or any(kind not in possible for kind, _ in filters):
        kinds = " and ".join(_NAMES.get(kind, kind.hex()) for kind, _ in coders)
        raise BadPicture("unsupported_compression", f"7z method {kinds}: unpack the archive")
    try:
        chain = [_filter(kind, more) for kind, more in filters]
        main = _lzma2(properties) if method == LZMA2 else _lzma(properties)
        _check_dictionary(main["dict_size"])
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[*reversed(chain), main])
    except (lzma.LZMAError, ValueError, IndexError, struct.error) as error:
        raise BadPicture("corrupt", f"the archive's settings of LZMA are wrong: {error}") from None


def _filter(method: bytes, properties: bytes) -> dict[str, int]:
    if method == DELTA:
        return {"id": lzma.FILTER_DELTA, "dist": properties[0] + 1}
    return {"id": BCJ[method]}


def _lzma2(properties: bytes) -> dict[str, int]:
    bits = properties[0]
    if bits > 40:
        raise ValueError(f"size of dictionary {bits}")
    return {"id": lzma.FILTER_LZMA2, "dict_size": (2 | bits & 1) << (bits // 2 + 11)}


def _lzma(properties: bytes) -> dict[str, int]:
    packed, size = struct.unpack("<BI", properties)
    rest, literal_context = divmod(packed, 9)
    position, literal_position = divmod(rest, 5)
    return {
        "id": lzma.FILTER_LZMA1,
        "dict_size": max(size, 1 << 12),
        "lc": literal_context,
        "lp": literal_position,
        "pb": position,
    }


def _check_dictionary(size: int) -> None:
    if size > MAX_DICTIONARY:
        found = f"a dictionary of {size >> 20} MiB, at most {MAX_DICTIONARY >> 20} are read: unpack the archive"
        raise BadPicture("unsupported_compression", found)


class Copied:
    """Bytes that were only copied."""

    def __init__(self) -> None:
        self._waiting = b""

    @property
    def needs_input(self) -> bool:
        return not self._waiting

    def decompress(self, data: bytes, max_length: int) -> bytes:
        whole = self._waiting + data
        self._waiting = whole[max_length:]
        return whole[:max_length]


class Inflated:
    """Deflate without a header, as the other decompressors are called."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(-zlib.MAX_WBITS)

    @property
    def needs_input(self) -> bool:
        return not self._decoder.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._decoder.decompress(self._decoder.unconsumed_tail + data, max_length)


class Block:
    """A solid block that is being unpacked.

    Attributes:
        position: how far, in unpacked bytes.
    """

    def __init__(self, stream: BinaryIO, packing: Packing) -> None:
        self._stream, self._at, self._end = stream, packing.start, packing.start + packing.size
        self._decoder = decoder_of(packing.coders)
        self.position = 0

    def pieces(self, size: int) -> Iterator[bytes]:
        """The next so many bytes, in pieces.

        Raises:
            BadPicture: they are damaged, or the block ends before.
        """
        while size > 0:
            piece = self._piece(min(size, PIECE))
            size -= len(piece)
            self.position += len(piece)
            yield piece

    def _piece(self, most: int) -> bytes:
        while True:
            hungry = self._decoder.needs_input
            packed = self._packed() if hungry else b""
            try:
                piece = self._decoder.decompress(packed, most)
            except _DECODER_FAULTS as error:
                raise BadPicture("corrupt", f"its block of the archive is damaged: {error}") from None
            if piece:
                return piece
            if hungry and not packed:
                raise BadPicture("truncated", "its block of the archive ends before it")

    def _packed(self) -> bytes:
        self._stream.seek(self._at)
        data = self._stream.read(min(PIECE, self._end - self._at))
        self._at += len(data)
        return data


class SolidArchive:
    """An open 7z archive, of which one block at a time is being unpacked."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._open: tuple[int, Block] | None = None
        self._damage: dict[int, tuple[int, BadPicture]] = {}

    def close(self) -> None:
        self._open = None
        self._stream.close()

    def read(self, location: Location) -> bytes:
        """Bytes of a member; its size, but not its checksum, is as stated.

        Raises:
            BadPicture: its block is damaged there or before.
        """
        number, end = location.row_group, location.offset + location.size
        from_here, fault = self._damage.get(number, (end, None))
        # Damage is remembered, or each member behind it would unpack the block up to it once more.
        if fault and end > from_here:
            raise fault
        block = self._block_before(location)
        try:
            for _ in block.pieces(location.offset - block.position):
                pass
            data = b"".join(block.pieces(location.size))
        except BadPicture as bad:
            self._damage[number] = block.position, bad
            raise
        self._open = number, block
        return data

    def _block_before(self, location: Location) -> Block:
        """The block that holds a member, unpacked no farther than the member; none is kept in case of a fault."""
        opened, self._open = self._open, None
        if opened and opened[0] == location.row_group and opened[1].position <= location.offset:
            return opened[1]
        return Block(self._stream, Packing.from_text(location.column))


def read_7z(reader: Reader, location: Location) -> bytes:
    """A member of a 7z archive, checked against its checksum."""
    if not location.size:
        return b""
    archive = reader.kept(location, lambda: SolidArchive(reader.open(location).stream), OPEN_ARCHIVES)
    data = archive.read(location)
    if location.crc not in (NO_CRC, zlib.crc32(data)):
        raise BadPicture("corrupt", "the member's checksum is not what the archive says")
    return data
