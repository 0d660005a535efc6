"""Setting type: which font writes a text, where its letters stand, and what the families of lettering share."""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple, Self

import numpy as np
from pydantic import (
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    SerializationInfo,
    ValidationInfo,
    model_serializer,
    model_validator,
)

from pipelines.damage import lettering
from pipelines.damage.base import Context, Damage, DamageFailed, Parameters
from pipelines.damage.fonts import EM, EXTRA, Typeface, forget, typefaces
from pipelines.damage.holes import Color
from pipelines.damage.lettering import Block, Lettering, Place
from pipelines.damage.noise import PIXEL
from pipelines.damage.words import LANGUAGES, PROBES, Language
from pipelines.errors import RecipeError

LONGEST = 200
"""Letters of a text; what is longer is cut between words."""

LINE = 32
"""Letters of a line that can still be read at its usual size; longer texts get more lines, and smaller ones."""

TRIES = 20

WHITE: Color = (255, 255, 255)
BLACK: Color = (0, 0, 0)
BRIGHT: tuple[Color, ...] = ((255, 236, 64), (255, 96, 72), (96, 220, 255), (255, 255, 255), (140, 255, 120))
DEEP: tuple[Color, ...] = ((16, 16, 16), (140, 16, 24), (20, 40, 120), (10, 80, 50), (80, 20, 90))

Paths = Annotated[tuple[str, ...], BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)]


Bounds = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels."""


class Line(NamedTuple):
    """A line of type: letters with where each begins, and where the last ends, in units of an em."""

    letters: tuple[tuple[str, int], ...]
    width: int


class Type(NamedTuple):
    """Letters that are set.

    Attributes:
        glyphs: outlines that places number.
        places: where they stand.
        bounds: of what is seen of them.
    """

    glyphs: tuple[str, ...]
    places: tuple[Place, ...]
    bounds: Bounds

    @classmethod
    def of(cls, glyphs: Iterable[str], places: Iterable[Place]) -> Type:
        glyphs, places = tuple(glyphs), tuple(places)
        return cls(glyphs, places, lettering.bounds(lettering.shapes_of(places, glyphs)))

    def moved(self, x: int, y: int) -> Type:
        """The same somewhere else, by whole pixels."""
        left, top, right, bottom = self.bounds
        return Type(
            self.glyphs,
            tuple((glyph, px + x * PIXEL, py + y * PIXEL, ax, ay) for glyph, px, py, ax, ay in self.places),
            (left + x, top + y, right + x, bottom + y),
        )


@dataclass(frozen=True)
class Setting:
    """How lines are set.

    Attributes:
        size: pixels per em.
        angle: of the baseline in radians, clockwise.
        bend: radians by which a line turns from its start to its end; 0 is straight, above 0 a hill.
        spacing: added between letters, in em.
        leading: from line to line, in em.
        centred: or set from the left.
    """

    size: float
    angle: float = 0.0
    bend: float = 0.0
    spacing: float = 0.0
    leading: float = 1.25
    centred: bool = True


class Lettered(Damage):
    """What the families of lettering share: fonts, texts and languages.

    Source: none of the drawing; real fonts and alpha kept as in the synthetic sets of scene text and of watermarks.
    """

    parameters_type: ClassVar[type[Parameters]] = Lettering
    meets_ratios: ClassVar[bool] = False
    looks_at: ClassVar[frozenset[str]] = frozenset({"image"})

    fonts: Paths = Field(
        (),
        description="Font files, or folders of them (.ttf, .otf, .ttc). By default those of the extra `fonts`, and "
        "the one inside Pillow.",
    )
    font_digests: dict[str, str] = Field(
        default_factory=dict,
        description="SHA-256 of each font file by name, filled in when the recipe is read; where it is given, the "
        "fonts must be these.",
    )
    texts: str = Field("", description="Text file (UTF-8), a text per line, instead of the words that ship.")
    texts_digest: str = Field("", description="SHA-256 of that file, likewise.")
    languages: tuple[Language, ...] = Field(
        LANGUAGES,
        min_length=1,
        description="Languages of the words that ship, drawn alike. Those that no font can write stand aside.",
    )
    margin: Annotated[float, Field(ge=0, le=0.1)] = Field(
        0.006, description="By how much the hole is wider than letters and shadow, as a fraction of the shorter side."
    )

    @model_validator(mode="wrap")
    @classmethod
    def _settle(cls, value: Any, build: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        """Finds fonts and texts beside a recipe's file, takes their digests, or compares them where they are given."""
        entry = build(value)
        if "folder" not in (info.context or {}):
            return entry
        forget()
        _lines.cache_clear()
        try:
            return entry.settled(Path(info.context["folder"]))  # type: ignore[index]
        except RecipeError as error:
            raise ValueError(str(error)) from None

    @model_serializer(mode="wrap")
    def _dump(self, dump: Callable[[Any], dict[str, Any]], info: SerializationInfo) -> dict[str, Any]:
        if not (info.context or {}).get("portable"):
            return dump(self)
        # A recipe that was built in Python has not been settled.
        plain = dump(self if self.font_digests else self.settled(Path()))
        return plain | {"fonts": [Path(path).name for path in self.fonts], "texts": Path(self.texts).name}

    def settled(self, folder: Path) -> Self:
        """This entry with paths from `folder` on and digests of the files.

        Raises:
            RecipeError: a file is missing, cannot be used, or is another one than its digest says.
        """
        fonts = tuple(str(folder / Path(path).expanduser()) for path in self.fonts)
        texts = str(folder / Path(self.texts).expanduser()) if self.texts else ""
        faces = typefaces(fonts, self.font_digests)
        if not texts and not writable(self.languages, faces):
            raise RecipeError(f"no font has the letters of {', '.join(self.languages)}: {EXTRA}, or name fonts that do")
        if texts:
            _check_texts(texts, faces, self.texts_digest)
        digests = {face.name: face.sha256 for face in faces}
        texts_digest = _lines(texts).digest if texts else ""
        settled = {"fonts": fonts, "font_digests": digests, "texts": texts, "texts_digest": texts_digest}
        return self.model_copy(update=settled)

    def notes(self) -> list[str]:
        able = writable(self.languages, typefaces(self.fonts, self.font_digests))
        unable = [language for language in self.languages if language not in able]
        if not unable or self.texts:
            return []
        return [f"{self.kind}: texts in {', '.join(unable)} stand aside, since no font has their letters: {EXTRA}"]

    def written(
        self, rng: np.random.Generator, draw: Callable[[np.random.Generator, Language], str], letters: int = LONGEST
    ) -> tuple[str, Typeface]:
        """A text, and a font that has its letters.

        Args:
            draw: makes a text from the generator and a language; not asked where the recipe brings its texts.
            letters: a longer one is cut.

        Raises:
            DamageFailed: no font could write any of several texts.
        """
        faces = typefaces(self.fonts, self.font_digests)
        texts, languages = _lines(self.texts).texts if self.texts else (), writable(self.languages, faces)
        if not texts and not languages:
            raise DamageFailed(f"no font has the letters of {', '.join(self.languages)}")
        for _ in range(TRIES):
            if texts:
                text = texts[int(rng.random() * len(texts))]
            else:
                text = draw(rng, languages[int(rng.random() * len(languages))])
            if able := _writers(faces, text):
                return shortened(text, letters), able[int(rng.random() * len(able))]
        raise DamageFailed(f"no font has the letters of {text[:40]!r} and {TRIES - 1} texts before it")

    def writer(self, rng: np.random.Generator, text: str) -> Typeface:
        """A font that has the letters of a text.

        Raises:
            DamageFailed: there is none.
        """
        able = _writers(typefaces(self.fonts, self.font_digests), text)
        if not able:
            raise DamageFailed(f"no font has the letters of {text[:40]!r}")
        return able[int(rng.random() * len(able))]

    def margin_in(self, context: Context) -> int:
        """Pixels of the margin."""
        return round(self.margin * min(context.height, context.width))

    def parameters(
        self, context: Context, texts: Sequence[str], faces: Sequence[Typeface], blocks: Sequence[tuple[Type, Block]]
    ) -> Lettering:
        """Blocks as parameters; each brings the type whose places it has, and glyphs are kept once."""
        glyphs: dict[str, int] = {}
        numbered = []
        for kind, block in blocks:
            new = [glyphs.setdefault(glyph, len(glyphs)) for glyph in kind.glyphs]
            numbered.append(block._replace(places=tuple((new[place[0]], *place[1:]) for place in block.places)))
        fonts = dict.fromkeys((face.family, face.name, face.sha256) for face in faces)
        return Lettering(
            margin=self.margin_in(context),
            texts=tuple(texts),
            fonts=tuple(fonts),
            glyphs=tuple(glyphs),
            blocks=tuple(numbered),
        )


class _Texts(NamedTuple):
    texts: tuple[str, ...]
    digest: str


@cache
def _lines(path: str) -> _Texts:
    """Texts of a file, composed (NFC), without blank lines."""
    try:
        data = Path(path).read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise RecipeError(f"texts: {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise RecipeError(f"texts: {path} is not UTF-8: byte {error.start} is {data[error.start]:#04x}") from None
    lines = [unicodedata.normalize("NFC", " ".join(line.split())) for line in text.splitlines()]
    if not any(lines):
        raise RecipeError(f"texts: {path} holds no text: write one on each line")
    return _Texts(tuple(line for line in lines if line), hashlib.sha256(data).hexdigest())


def _check_texts(path: str, faces: Sequence[Typeface], digest: str) -> None:
    found = _lines(path)
    if digest and found.digest != digest:
        raise RecipeError(
            f"texts: {path} is another file than the one with which this was planned: its SHA-256 begins with "
            f"{found.digest[:12]}, expected {digest[:12]}"
        )
    if not any(_writers(faces, text) for text in found.texts):
        raise RecipeError(
            f"texts: no font has the letters of any line of {path}, such as {found.texts[0][:40]!r}: name fonts that do"
        )


@cache
def writable(languages: tuple[Language, ...], faces: tuple[Typeface, ...]) -> tuple[Language, ...]:
    """Those of the languages that a font has the letters of."""
    return tuple(language for language in languages if _writers(faces, PROBES[language]))


def _writers(faces: Sequence[Typeface], text: str) -> list[Typeface]:
    return [face for face in faces if face.covers(text)]


def shortened(text: str, letters: int) -> str:
    """A text of at most so many letters, cut between words where that leaves half of them."""
    if len(text) <= letters:
        return text
    cut = text[: letters + 1].rfind(" ")
    return text[: cut if cut > letters // 2 else letters].rstrip()


def broken(text: str, num_lines: int) -> list[str]:
    """A text in at most so many lines of about one length, broken between words, or anywhere where there are none."""
    pieces = text.split(" ") if " " in text else list(text) if _has_no_words(text) else [text]
    glue = " " if " " in text else ""
    letters = -(-len(text) // num_lines)
    while len(lines := _filled(pieces, glue, letters)) > num_lines:
        letters += 1
    return lines


def _has_no_words(text: str) -> bool:
    """Whether a text may be broken anywhere, as Chinese and Japanese are."""
    return all(unicodedata.east_asian_width(letter) in "WF" for letter in text) and not any(
        "가" <= c <= "힣" for c in text
    )


def _filled(pieces: Sequence[str], glue: str, letters: int) -> list[str]:
    lines = [pieces[0]]
    for piece in pieces[1:]:
        if len(lines[-1]) + len(glue) + len(piece) <= letters:
            lines[-1] += glue + piece
        else:
            lines.append(piece)
    return lines


def set_line(face: Typeface, text: str, spacing: float = 0.0) -> Line:
    """Letters one after the other."""
    letters, x = [], 0
    for letter in text:
        glyph, advance = face.glyph(letter)
        letters.append((glyph, x))
        x += advance + round(spacing * EM)
    return Line(tuple(letters), x - round(spacing * EM))


def set_lines(face: Typeface, texts: Iterable[str], setting: Setting) -> Type:
    """Lines below each other, around the origin: the middle of the widest, of the first baseline.

    Raises:
        DamageFailed: there is nothing to be seen.
    """
    lines = [set_line(face, text, setting.spacing) for text in texts]
    widest = max((line.width for line in lines), default=0)
    numbers: dict[str, int] = {}
    places: list[Place] = []
    for row, line in enumerate(lines):
        start = -line.width / 2 if setting.centred else -widest / 2
        for glyph, x in line.letters:
            if glyph:
                number = numbers.setdefault(glyph, len(numbers))
                places.append((number, *_stand((start + x) / EM, row * setting.leading, widest / EM, setting)))
    if not places:
        raise DamageFailed(f"nothing of {' '.join(texts)!r} can be seen")
    return Type.of(numbers, places)


def _stand(along: float, down: float, length: float, setting: Setting) -> tuple[int, int, int, int]:
    """Place and direction of a letter, in sixteenths of a pixel; distances are in em."""
    turn = 0.0
    if setting.bend and length:
        radius = length / setting.bend
        turn = along / radius
        along, down = (radius - down) * math.sin(turn), radius - (radius - down) * math.cos(turn)
    cosine, sine = math.cos(setting.angle), math.sin(setting.angle)
    x, y = along * cosine - down * sine, along * sine + down * cosine
    scale, angle = setting.size * PIXEL, setting.angle + turn
    return round(x * scale), round(y * scale), round(scale * math.cos(angle)), round(scale * math.sin(angle))


def fitting(kind: Type, width: float, height: float) -> float:
    """By how much type must shrink to fit into so many pixels; 1 where it does already."""
    left, top, right, bottom = kind.bounds
    return min(1.0, width / (right - left), height / (bottom - top))


def somewhere(rng: np.random.Generator, kind: Type, context: Context, taken: Sequence[Bounds] = ()) -> Type:
    """Type at a random place, within the picture if it is no larger, and beside what is taken if there is room."""
    left, top, right, bottom = kind.bounds
    for _ in range(TRIES):
        x = int(rng.random() * max(context.width - (right - left), 0)) - left
        y = int(rng.random() * max(context.height - (bottom - top), 0)) - top
        own = (left + x, top + y, right + x, bottom + y)
        if not any(own[0] < r and own[2] > l and own[1] < b and own[3] > t for l, t, r, b in taken):  # noqa: E741
            break
    return kind.moved(x, y)


def brightness(context: Context, bounds: Bounds) -> float:
    """Mean level of the picture within bounds, 0 to 255; the middle where the picture is not known."""
    if context.image is None:
        return 127.5
    left, top = max(bounds[0], 0), max(bounds[1], 0)
    part = context.image[top : max(bounds[3], top + 1), left : max(bounds[2], left + 1)]
    # Every eighth pixel of a row will do, and sums of whole numbers are the same everywhere.
    return int(part[:, ::8].sum(dtype=np.int64)) / part[:, ::8].size if part.size else 127.5


def shrunk(face: Typeface, lines: Sequence[str], setting: Setting, width: float, height: float) -> tuple[Type, float]:
    """Lines around the origin, smaller where they would not fit into so many pixels, and their pixels per em."""
    kind = set_lines(face, lines, setting)
    if (share := fitting(kind, width, height)) < 1:
        setting = replace(setting, size=setting.size * share)
        kind = set_lines(face, lines, setting)
    return kind, setting.size


def legible(rng: np.random.Generator, under: float) -> Color:
    """A colour that stands out from what it lies on, mostly plain."""
    plain, colours = (WHITE, BRIGHT) if under < 140 else (BLACK, DEEP)
    return plain if rng.random() < 0.5 else colours[int(rng.random() * len(colours))]
