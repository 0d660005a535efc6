"""Fonts: found, checked by their digests, and read as outlines.

Letters are taken from a font once, when parameters are drawn, and parameters hold their outlines: polygons on a grid of
1024 units per em. So a sample is drawn again without its font, and no rasteriser's version decides a pixel of it. The
price: no hinting and no kerning, which at the size of captions nobody misses, and scripts whose letters must be shaped
(Arabic, Devanagari, Thai) are refused.
"""

from __future__ import annotations

import base64
import hashlib
import io
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.damage.base import DamageFailed
from pipelines.errors import RecipeError

EM = 1024
"""Units of an outline per em, the height of a line of type."""

SUFFIXES = (".ttf", ".otf", ".ttc")
EXTRA = "pip install 'mendery[fonts]'"

Polygon = tuple[NDArray[np.int32], bool]
"""(N, 2) points x, y (down) in units of an em from the start of the baseline, and whether it is filled or cut out."""


@dataclass(frozen=True)
class ShippedFont:
    """A font that ships in a package.

    Attributes:
        package, version: as pip knows them; the version that has been tested.
        path: in the folder where pip puts packages.
        sha256: digest of the file.
    """

    package: str
    version: str
    path: str
    sha256: str

    @property
    def name(self) -> str:
        return Path(self.path).name

    def file(self) -> Path | None:
        """Where it is installed; None where it is not."""
        try:
            path = Path(str(distribution(self.package).locate_file(self.path)))
        except PackageNotFoundError:
            return None
        return path if path.is_file() else None

    def check(self, face: Typeface) -> None:
        """Refuses a file that is not, byte for byte, the one that was tested.

        Raises:
            RecipeError: it is another.
        """
        if face.sha256 != self.sha256:
            raise RecipeError(
                f"fonts: {self.name} is not the font of {self.package} {self.version}: its SHA-256 begins with "
                f"{face.sha256[:12]}, expected {self.sha256[:12]}: pip install --force-reinstall "
                f"{self.package}=={self.version}"
            )


_LATO, _SERIF = "font_lato/files/Lato", "font_source_serif_pro/files/SourceSerifPro"
SHIPPED = (
    ShippedFont(
        "font-amatic-sc",
        "0.0.4",
        "font_amatic_sc/files/AmaticSC-Bold.ttf",
        "7a460b4bd6d8d6bfad2b5ba434204e26bcd28208835a617dbc0a99ad33db4df9",
    ),
    ShippedFont(
        "font-fredoka-one",
        "0.0.4",
        "font_fredoka_one/files/FredokaOne-Regular.ttf",
        "a2fbb1416510efe20330272bc182d667efe1507db5faecde893084fb15953973",
    ),
    *(
        ShippedFont("font-lato", "0.1.0", f"{_LATO}-{style}.ttf", digest)
        for style, digest in (
            ("Regular", "e82542aed8293f49fc83c4aaea566b1f6b4fc7a9ab5da11e6fb9bc0973b5324b"),
            ("Bold", "d7f0b7f2570f2f28b504da1181b4d71b1420b10be2c4fd690927f1c8ee3b19c3"),
            ("Black", "abf64cfa14645043a7c33f76435125f8b3de79c510adb938a1c16085518d4341"),
            ("Italic", "3be26bf6973f49df6a7dfd130041017354342bfbb023e6b9610b42daeba6de34"),
        )
    ),
    *(
        ShippedFont("font-source-serif-pro", "0.0.1", f"{_SERIF}-{style}.ttf", digest)
        for style, digest in (
            ("Regular", "b4e0771f06d8f6573a535312762b0b2f4fb9a03372239e39b0e7cf203da8ea9a"),
            ("Bold", "78041207a9c5166a82d41676d4c87f4c5ba4e1c13ac654e6e9e3538a5a0b0525"),
            ("It", "13e315bc49bd04ef89228db5fbc793e407d76f9ffadda4e5e08894fb474736eb"),
        )
    ),
    ShippedFont(
        "noto-cjk-sans-jp-regular",
        "0.0.1",
        "noto_cjk_sans_jp_regular/NotoSansCJKjp-Regular.otf",
        "68a3fc98800b2a27b371f2fb79991daf3633bd89309d4ffaa6946fd587f375b5",
    ),
)
"""Fonts of the extra `fonts`, all under the SIL Open Font License 1.1. The last writes Chinese, Japanese and Korean."""


class Typeface:
    """One font, open.

    Attributes:
        name: of its file.
        family: as the font itself says.
        sha256: digest of its file.
    """

    def __init__(self, name: str, data: bytes) -> None:
        """Opens a font file; of a collection its first font.

        Raises:
            RecipeError: it is none that can be read.
        """
        self.name, self.sha256 = name, hashlib.sha256(data).hexdigest()
        try:
            self._open(data)
        except Exception as error:
            raise RecipeError(f"{name} is no font that can be read: {type(error).__name__}: {error}") from None

    def _open(self, data: bytes) -> None:
        from fontTools.ttLib import TTFont

        font = TTFont(io.BytesIO(data), fontNumber=0, lazy=True)
        self._units: int = font["head"].unitsPerEm
        self._names: dict[int, str] = font.getBestCmap() or {}
        self._glyphs: Any = font.getGlyphSet()
        self.family = str(font["name"].getBestFamilyName() or Path(self.name).stem)
        self._outlines: dict[str, tuple[str, int]] = {}
        letter = next((chr(code) for code in sorted(self._names) if chr(code).isalnum()), None)
        if letter is None:
            raise ValueError("it has no letters")
        self._read(letter)

    def covers(self, text: str) -> bool:
        """Whether it can write a text as it stands, letter after letter."""
        return all(letter.isspace() or (ord(letter) in self._names and not _is_shaped(letter)) for letter in text)

    def glyph(self, letter: str) -> tuple[str, int]:
        """Outline of a letter as `decoded` reads it, "" for a blank, and how far the next one is, in units.

        Raises:
            DamageFailed: the font's outline of it is broken.
        """
        if letter not in self._outlines:
            try:
                self._outlines[letter] = self._read(letter)
            except Exception as error:
                raise DamageFailed(f"{self.name} cannot draw {letter!r}: {type(error).__name__}: {error}") from None
        return self._outlines[letter]

    def _read(self, letter: str) -> tuple[str, int]:
        if ord(letter) not in self._names:
            return "", EM // 4 if letter != "\u3000" else EM
        glyph, pen = self._glyphs[self._names[ord(letter)]], _pen(self._glyphs)
        glyph.draw(pen)
        scale = EM / self._units
        return encoded([np.array(contour) * (scale, -scale) for contour in pen.contours]), round(glyph.width * scale)


def _is_shaped(letter: str) -> bool:
    """Whether a letter depends on its neighbours or runs from right to left."""
    return unicodedata.bidirectional(letter) in ("R", "AL") or unicodedata.category(letter) in ("Mn", "Mc", "Me")


def _pen(glyphs: Any) -> Any:
    """A pen that collects flattened contours."""
    from fontTools.pens.basePen import BasePen

    class Flattening(BasePen):  # type: ignore[misc]  # fontTools has no types
        def __init__(self) -> None:
            super().__init__(glyphs)
            self.contours: list[list[tuple[float, float]]] = []

        def _moveTo(self, pt: tuple[float, float]) -> None:  # noqa: N802  # fontTools's name
            self.contours.append([pt])

        def _lineTo(self, pt: tuple[float, float]) -> None:  # noqa: N802
            self.contours[-1].append(pt)

        def _curveToOne(self, pt1: Any, pt2: Any, pt3: Any) -> None:  # noqa: N802
            self.contours[-1] += _flattened([self.contours[-1][-1], pt1, pt2, pt3])

        def _qCurveToOne(self, pt1: Any, pt2: Any) -> None:  # noqa: N802
            self.contours[-1] += _flattened([self.contours[-1][-1], pt1, pt2])

    return Flattening()


def _flattened(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points along a Bézier curve, without its start; more where it bends more."""
    corners = zip(points[:-2], points[1:-1], points[2:], strict=True)
    bend = max(abs(a[axis] - 2 * b[axis] + c[axis]) for a, b, c in corners for axis in (0, 1))
    steps = min(12, max(1, math.ceil(math.sqrt(bend / 16))))
    return [_between(points, step / steps) for step in range(1, steps + 1)]


def _between(points: Sequence[tuple[float, float]], along: float) -> tuple[float, float]:
    """De Casteljau's point of a curve; the same sums on every machine, which a product of matrices is not."""
    while len(points) > 1:
        points = [(a + (c - a) * along, b + (d - b) * along) for (a, b), (c, d) in pairwise(points)]
    return points[0]


def encoded(contours: Iterable[NDArray[np.float64]]) -> str:
    """A glyph's contours as text: what is filled or cut out, larger ones first, on the grid of an em.

    What winds as the largest contour does is filled, what winds the other way is cut out, whichever way a font format
    winds: so contours may also overlap, as those of variable fonts do.
    """
    found = []
    for contour in contours:
        points = np.rint(contour).astype(np.int16)
        points = points[np.any(points != np.roll(points, 1, axis=0), axis=1)]
        if len(points) > 2 and (area := _area(points)):
            found.append((area, points))
    if not found:
        return ""
    found.sort(key=lambda contour: -abs(contour[0]))
    counts = [len(points) * (1 if area * found[0][0] > 0 else -1) for area, points in found]
    head = np.array([len(counts), *counts], "<i2")
    return base64.b64encode(head.tobytes() + b"".join(points.astype("<i2").tobytes() for _, points in found)).decode()


def _area(points: NDArray[np.int16]) -> int:
    x, y = points.astype(np.int64).T
    return int(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))


@lru_cache(4096)
def decoded(glyph: str) -> tuple[Polygon, ...]:
    """The polygons of a glyph, in the order in which they are painted."""
    numbers = np.frombuffer(base64.b64decode(glyph), "<i2").astype(np.int32)
    counts = numbers[1 : 1 + numbers[0]] if glyph else numbers
    ends = np.cumsum(np.abs(counts))
    points = numbers[1 + len(counts) :].reshape(-1, 2)
    return tuple(
        (points[end - abs(count) : end], bool(count > 0)) for count, end in zip(counts.tolist(), ends, strict=True)
    )


def typefaces(fonts: Sequence[str], digests: Mapping[str, str]) -> tuple[Typeface, ...]:
    """Fonts by file or folder, those that ship in packages where none is named; opened once per process.

    Args:
        fonts: paths.
        digests: of each file by name, if they are to be these and no others.

    Raises:
        RecipeError: one is missing, cannot be read, or is another than it was.
    """
    return _typefaces(tuple(fonts), tuple(sorted(digests.items())))


def forget() -> None:
    """Looks at the files anew when fonts are asked for next: whoever reads a recipe again may have changed them."""
    _typefaces.cache_clear()


@lru_cache(16)
def _typefaces(fonts: tuple[str, ...], digests: tuple[tuple[str, str], ...]) -> tuple[Typeface, ...]:
    faces = tuple(face for path in fonts for face in _named(Path(path))) if fonts else _shipped()
    if not digests:
        return faces
    wanted = dict(digests)
    _compare({face.name: face.sha256 for face in faces}, wanted, "name the same file" if fonts else EXTRA)
    return tuple(face for face in faces if face.name in wanted)


def _opened(path: Path, name: str = "") -> Typeface:
    try:
        there = path.stat()
        return _read_file(path, name or path.name, there.st_size, there.st_mtime_ns)
    except OSError as error:
        raise RecipeError(f"fonts: {path} cannot be read: {error.strerror}") from None


@lru_cache(256)
def _read_file(path: Path, name: str, size: int, changed: int) -> Typeface:  # noqa: ARG001  # the key of the cache
    return Typeface(name, path.read_bytes())


def _compare(here: Mapping[str, str], wanted: Mapping[str, str], remedy: str) -> None:
    for name, digest in wanted.items():
        if name not in here:
            raise RecipeError(f"fonts: {name} is missing, with which this was planned: {remedy}")
        if here[name] != digest:
            raise RecipeError(
                f"fonts: {name} is another font than the one with which this was planned: its SHA-256 begins with "
                f"{here[name][:12]}, expected {digest[:12]}: {remedy}"
            )


def _shipped() -> tuple[Typeface, ...]:
    """Fonts of the extra that are installed, and the one inside Pillow, which always is."""
    faces = []
    for font in SHIPPED:
        if path := font.file():
            faces.append(_opened(path))
            font.check(faces[-1])
    return (*faces, _aileron())


@cache
def _aileron() -> Typeface:
    """Aileron Regular, without accents; CC0. Pillow holds it for `load_default`."""
    from PIL import ImageFont

    font = ImageFont.load_default(20)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return Typeface("Aileron-Regular.ttf", font.font_bytes)


def _named(path: Path) -> list[Typeface]:
    """The font in a file, or those in a folder, by their paths in it."""
    if not path.is_dir():
        return [_opened(path)]
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    if not files:
        raise RecipeError(f"fonts: {path} holds no font ({', '.join(SUFFIXES)})")
    return [_opened(file, file.relative_to(path).as_posix()) for file in files]
