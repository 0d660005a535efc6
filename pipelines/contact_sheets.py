"""Contact sheets: what each damage looks like on real photographs, to be looked at by a person.

A row is a photograph, a column a draw. Damages see what they see in a build: faces are found by the offline engine
where its packages are installed, and a photograph on which a damage has nothing to damage is left out of its sheet.
Damages that need a face get a row for each, the picture around it, larger.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from pipelines import seeds
from pipelines.damage import DAMAGES
from pipelines.damage.base import ClassMap, Context, Damage, DamageFailed, Mask, Picture
from pipelines.errors import BadPicture, MenderyError, RecipeError
from pipelines.imaging.decode import decode, inspect
from pipelines.storage import put_bytes

SHOWN, FACE_SHOWN = 160, 320
"""Pixels of a picture on a sheet, and of one around a face."""

FACE_MARGIN = 2.2
"""Side of the picture around a face, by the longer side of the face's box."""

FACES = 6
"""Of one photograph, the surest."""

GAP = 4
MAX_PIXELS = 64_000_000

Square = tuple[int, int, int]
"""x, y and side."""


def damages(
    folder: str | Path,
    *,
    images: Sequence[str | Path] = (),
    kinds: Sequence[str] = (),
    size: int = 256,
    num_draws: int = 5,
) -> list[Path]:
    """Draws a sheet for each damage.

    Args:
        folder: where NAME.png is written for each.
        images: photographs; those that ship in packages when empty.
        kinds: damages; all when empty.
        size: pixels of the crop that is damaged.
        num_draws: draws of each photograph.

    Returns:
        The sheets written; a damage for which no photograph will do has none.

    Raises:
        MenderyError: an unknown kind, or a photograph that cannot be used.
    """
    for kind in kinds:
        if kind not in DAMAGES:
            raise MenderyError(f"unknown damage {kind!r}: known are {', '.join(DAMAGES)}")
    wanted = {kind: DAMAGES[kind](kind=kind) for kind in kinds or DAMAGES}
    of_faces = {kind for kind, damage in wanted.items() if "faces" in damage.looks_at and _needs_face(damage, size)}
    pictures = [_decoded(Path(path)) for path in images or _photographs()]
    faces = (
        _faces(pictures) if any("faces" in damage.looks_at for damage in wanted.values()) else ["[]"] * len(pictures)
    )
    squares = [_seen(picture, told, _middle(picture), size) for picture, told in zip(pictures, faces, strict=True)]
    heads = _heads(pictures, faces, size) if of_faces else []
    written = []
    for kind, damage in wanted.items():
        contexts, shown = (heads, FACE_SHOWN) if kind in of_faces else (squares, SHOWN)
        rows = [_row(damage, seen, number, num_draws, shown) for number, seen in enumerate(contexts)]
        if drawn := [row for row in rows if row is not None]:
            path = Path(folder) / f"{kind}.png"
            put_bytes(path, cv2.imencode(".png", np.concatenate(drawn)[..., ::-1])[1].tobytes())
            written.append(path)
    return written


def _needs_face(damage: Damage, size: int) -> bool:
    return bool(damage.lacks(Context(size, size)))


def _row(damage: Damage, seen: Context, number: int, num_draws: int, shown: int) -> Picture | None:
    """The photograph, then draws with their masks under them; None where there is nothing to damage."""
    assert seen.image is not None
    if damage.lacks(seen):
        return None
    cells = [_cell(seen.image, None, shown)]
    for draw in range(num_draws):
        try:
            drawn = damage.sample(seeds.generator("sheet", damage.kind, number, draw), seen).draw(seen.image)
        except DamageFailed:
            continue
        cells.append(_cell(drawn.damaged, drawn.mask, shown))
    blank = np.full_like(cells[0], 255)
    return np.concatenate(cells + [blank] * (num_draws + 1 - len(cells)), axis=1)


def _cell(picture: Picture, mask: Mask | None, side: int) -> Picture:
    shown = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    below = np.full((side // 2, side, 3), 255, np.uint8)
    if mask is not None:
        small = cv2.resize(mask, (side // 2, side // 2), interpolation=cv2.INTER_AREA)
        below[:, : side // 2] = 255 - small[..., None]
    return np.pad(np.concatenate([shown, below]), ((GAP, GAP), (GAP, GAP), (0, 0)), constant_values=255)


def _photographs() -> list[Path]:
    """The photographs of the demo, and the group that insightface ships where it is installed."""
    from importlib.util import find_spec

    from pipelines.cards import front_matter
    from pipelines.corpora.package_photos import PackagePhotos

    root = PackagePhotos(corpus="package-photos").root()
    found = [root / picture["file"] for picture in front_matter("package-photos")["pictures"]][:6]
    spec = find_spec("insightface")
    group = Path(str(spec.origin)).parent / "data" / "images" / "t1.jpg" if spec and spec.origin else None
    return found + ([group] if group and group.is_file() else [])


def _decoded(path: Path) -> Picture:
    try:
        data = path.read_bytes()
        picture, _ = decode(data, inspect(data, max_pixels=MAX_PIXELS))
    except OSError as error:
        raise MenderyError(f"{path}: cannot be read: {error.strerror}") from None
    except BadPicture as bad:
        raise MenderyError(f"{path}: cannot be used: {bad}") from None
    return picture


def _middle(picture: Picture) -> Square:
    height, width = picture.shape[:2]
    side = min(height, width)
    return (width - side) // 2, (height - side) // 2, side


def _heads(pictures: list[Picture], faces: list[str], size: int) -> list[Context]:
    """Squares around the faces of photographs."""
    return [
        _seen(picture, told, _around(face["box"], picture), size)
        for picture, told in zip(pictures, faces, strict=True)
        for face in json.loads(told)[:FACES]
    ]


def _around(box: Sequence[float], picture: Picture) -> Square:
    """A square around a face, within the picture."""
    x, y, width, height = box
    sides = picture.shape[1], picture.shape[0]
    side = max(1, min(*sides, round(FACE_MARGIN * max(width, height))))
    left, top = (
        min(max(0, round(middle - side / 2)), whole - side)
        for middle, whole in zip((x + width / 2, y + height / 2), sides, strict=True)
    )
    return left, top, side


def _seen(picture: Picture, faces: str, square: Square, size: int) -> Context:
    """A square of a photograph as a damage sees it, with what a build would know of it."""
    from pipelines.faces import seen_faces

    left, top, side = square
    scale = size / side
    cut = picture[top : top + side, left : left + side]
    resized = cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    matrix = (scale, 0.0, -scale * left, 0.0, scale, -scale * top)
    maps = _maps(faces, matrix, size)
    return Context(size, size, None, resized, seen_faces(faces, matrix, size), maps)  # type: ignore[arg-type]


def _maps(faces: str, matrix: Sequence[float], size: int) -> dict[str, ClassMap]:
    """Label maps as a build would draw them: the parts of a face, from its mesh."""
    from pipelines import mesh_parts

    if not any(map(mesh_parts.has_mesh, json.loads(faces))):
        return {}
    return {"parsing": ClassMap(mesh_parts.drawn(faces, matrix, size), mesh_parts.SCHEME)}


def _faces(pictures: list[Picture]) -> list[str]:
    """JSON of the faces in each picture; none where the engine's packages are missing."""
    from pipelines.engines import Faces, open_engine
    from pipelines.engines.stored import to_json

    try:
        with open_engine(Faces(engine="offline")) as engine:
            return [to_json(found, engine.version) for found in engine.find(pictures)]
    except RecipeError:
        return ["[]"] * len(pictures)
