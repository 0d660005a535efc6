"""What this machine offers a build: versions, Ray, disk, credentials, models, fonts."""

from __future__ import annotations

import os
import platform
import shutil
import socket
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipelines.engines.models import SHIPPED, ModelFile
from pipelines.errors import RecipeError
from pipelines.versions import versions

OPTIONAL = {
    "aiohttp": "urls",
    "boto3": "s3",
    "datasets": "hub",
    "huggingface-hub": "hub",
    "insightface": "faces",
    "scikit-image": "demo",
    "scikit-learn": "demo",
    "torch": "train",
    "webdataset": "train",
}
"""Packages that extras bring, and the extra that brings them."""

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # Ray keeps its objects there
LOW_DISK = 5 * 10**9


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Attributes:
        ok: True is fine, False stops a build, None is worth knowing.
    """

    name: str
    ok: bool | None
    found: str


def doctor() -> list[Check]:
    """Looks at this machine; starts nothing and reads no secret."""
    return [*_versions(), *_ray(), _disk(), *_shared_memory(), *_credentials(), *_models(), *_fonts()]


def _versions() -> list[Check]:
    checks = [Check("python", None, platform.python_version()), Check("processors", None, str(os.cpu_count()))]
    checks += [Check(name, True, found) for name, found in versions().items() if name != "python"]
    for name, extra in OPTIONAL.items():
        found = _version(name)
        checks.append(Check(name, True if found else None, found or f"not installed; pip install 'mendery[{extra}]'"))
    return checks


def _ray() -> list[Check]:
    address = os.environ.get("RAY_ADDRESS")
    checks = [Check("ray", bool(_version("ray")), _version("ray") or "not installed")]
    checks.append(Check("RAY_ADDRESS", None, address or "not set: builds start Ray on this machine"))
    if address and "://" not in address and ":" in address:
        host, _, port = address.rpartition(":")
        checks.append(_answers(host, port))
    return checks


def _answers(host: str, port: str) -> Check:
    try:
        with socket.create_connection((host, int(port)), timeout=3):
            return Check("cluster", True, f"{host}:{port} answers")
    except (OSError, ValueError) as error:
        return Check("cluster", False, f"{host}:{port} does not answer: {error}")


def _disk() -> Check:
    free = shutil.disk_usage(Path.cwd()).free
    return Check("disk here", free > LOW_DISK, f"{free / 1e9:.1f} GB free")


def _shared_memory() -> list[Check]:
    if not SHARED_MEMORY.is_dir():
        return []
    free = shutil.disk_usage(SHARED_MEMORY).free
    return [Check("shared memory", free > 2e8, f"{free / 1e9:.1f} GB free in /dev/shm, Ray needs 0.1")]


def _credentials() -> list[Check]:
    """Whether credentials are there, never what they are."""
    aws = os.environ.get("AWS_ACCESS_KEY_ID") or (Path.home() / ".aws" / "credentials").is_file()
    hub = (
        os.environ.get("HF_TOKEN")
        or (Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface")) / "token").is_file()
    )
    return [
        Check("S3 credentials", True if aws else None, "found" if aws else "none found"),
        Check("Hugging Face token", True if hub else None, "found" if hub else "none found"),
    ]


def _models() -> list[Check]:
    folder = Path(os.environ.get("INSIGHTFACE_HOME", Path.home() / ".insightface")) / "models"
    packs = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    found = f"{', '.join(packs)} (non-commercial research only)" if packs else f"none in {folder}"
    return [Check("insightface packs", True if packs else None, found), *map(_shipped, SHIPPED)]


def _fonts() -> list[Check]:
    """Fonts that write texts where a recipe names none, and what they can write."""
    from pipelines.damage.fonts import EXTRA, typefaces
    from pipelines.damage.typesetting import writable
    from pipelines.damage.words import LANGUAGES

    try:
        faces = typefaces((), {})
    except RecipeError as error:
        return [Check("fonts", None, str(error))]
    able = writable(LANGUAGES, faces)
    unable = [language for language in LANGUAGES if language not in able]
    said = f"; none writes {', '.join(unable)}: {EXTRA}" if unable else ""
    names = ", ".join(face.name for face in faces)
    return [Check("fonts", None if unable else True, f"{names}; they write {', '.join(able)}{said}")]


def _shipped(model: ModelFile) -> Check:
    """A model of the offline face engine."""
    try:
        model.read()
    except RecipeError as error:
        return Check(f"faces, {Path(model.path).name}", None, str(error))
    return Check(f"faces, {Path(model.path).name}", True, f"{model.package} {model.version}, {model.licence}")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
