"""Contact sheets: what each damage looks like on real photographs, to be looked at by a person.

A row is a photograph, a column a draw. Damages see what they see in a build: faces are found by the offline engine
where its packages are installed, and a photograph on which a damage has nothing to damage is left out of its sheet.
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

SHOWN = 160
"""Pixels of a picture on a sheet."""

GAP = 4
MAX_PIXELS = 64_000_000


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
    pictures = [_square(Path(path), size) for path in images or _photographs()]
    wanted = {kind: DAMAGES[kind](kind=kind) for kind in kinds or DAMAGES}
    contexts = _contexts(pictures, any("faces" in damage.looks_at for damage in wanted.values()))
    written = []
    for kind, damage in wanted.items():
        rows = [_row(damage, seen, number, num_draws) for number, seen in enumerate(contexts)]
        if shown := [row for row in rows if row is not None]:
            path = Path(folder) / f"{kind}.png"
            put_bytes(path, cv2.imencode(".png", np.concatenate(shown)[..., ::-1])[1].tobytes())
            written.append(path)
    return written


def _row(damage: Damage, seen: Context, number: int, num_draws: int) -> Picture | None:
    """The photograph, then draws with their masks under them; None where there is nothing to damage."""
    assert seen.image is not None
    if damage.lacks(seen):
        return None
    cells = [_cell(seen.image, None)]
    for draw in range(num_draws):
        try:
            drawn = damage.sample(seeds.generator("sheet", damage.kind, number, draw), seen).draw(seen.image)
        except DamageFailed:
            continue
        cells.append(_cell(drawn.damaged, drawn.mask))
    blank = np.full_like(cells[0], 255)
    return np.concatenate(cells + [blank] * (num_draws + 1 - len(cells)), axis=1)


def _cell(picture: Picture, mask: Mask | None) -> Picture:
    shown = cv2.resize(picture, (SHOWN, SHOWN), interpolation=cv2.INTER_AREA)
    below = np.full((SHOWN // 2, SHOWN, 3), 255, np.uint8)
    if mask is not None:
        small = cv2.resize(mask, (SHOWN // 2, SHOWN // 2), interpolation=cv2.INTER_AREA)
        below[:, : SHOWN // 2] = 255 - small[..., None]
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


def _square(path: Path, size: int) -> Picture:
    """The middle of a photograph, (size, size, 3)."""
    try:
        data = path.read_bytes()
        picture, _ = decode(data, inspect(data, max_pixels=MAX_PIXELS))
    except OSError as error:
        raise MenderyError(f"{path}: cannot be read: {error.strerror}") from None
    except BadPicture as bad:
        raise MenderyError(f"{path}: cannot be used: {bad}") from None
    side = min(picture.shape[:2])
    top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    return cv2.resize(picture[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _contexts(pictures: list[Picture], with_faces: bool) -> list[Context]:
    faces = _faces(pictures) if with_faces else ["[]"] * len(pictures)
    from pipelines.faces import seen_faces

    upright = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    contexts = []
    for picture, told in zip(pictures, faces, strict=True):
        size = len(picture)
        contexts.append(Context(size, size, None, picture, seen_faces(told, upright, size), _maps(told, size)))
    return contexts


def _maps(faces: str, size: int) -> dict[str, ClassMap]:
    """Label maps as a build would draw them: the parts of a face, from its mesh."""
    from pipelines import mesh_parts

    if not any(map(mesh_parts.has_mesh, json.loads(faces))):
        return {}
    return {"parsing": ClassMap(mesh_parts.drawn(faces, (1, 0, 0, 0, 1, 0), size), mesh_parts.SCHEME)}


def _faces(pictures: list[Picture]) -> list[str]:
    """JSON of the faces in each picture; none where the engine's packages are missing."""
    from pipelines.engines import Faces, open_engine
    from pipelines.engines.stored import to_json

    try:
        with open_engine(Faces(engine="offline")) as engine:
            return [to_json(found, engine.version) for found in engine.find(pictures)]
    except RecipeError:
        return ["[]"] * len(pictures)
