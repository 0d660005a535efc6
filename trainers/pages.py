"""Pages about evaluations, which a browser shows offline; they look like the report of a dataset."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import jinja2
import numpy as np
from markupsafe import Markup
from PIL import Image

from pipelines.publish.charts import data_uri
from trainers.metrics import HOLE, METRICS
from trainers.tables import LEAST

if TYPE_CHECKING:
    from trainers.evaluate import Case
    from trainers.inpainters import Picture

SHOWN = (
    "hole_psnr", "psnr", "hole_ssim", "ssim", "hole_uqi", "uqi", "hole_mae", "mae", "hole_mse", "mse", "lpips",
    "identity", "identity_clean", "identity_drop", "landmark_error", "tone_shift", "tone_change", "hue_change", "lost",
)  # fmt: skip
"""Figures of tables on pages; all of them are in the JSON."""

BRIEF = (
    "hole_psnr", "psnr", "hole_ssim", "ssim", "hole_mae", "uqi", "lpips", "identity_drop", "landmark_error",
    "tone_change", "lost",
)  # fmt: skip
"""Figures of tables on a screen."""

SIDE = 224
"""Pixels of a picture on a page."""

_TEMPLATES = Path(__file__).parent / "templates"


def evaluation_page(result: Mapping[str, Any], cases: Sequence[Case]) -> str:
    """The page of one evaluation.

    Args:
        result: what `tables.json` holds.
    """
    shown = known(SHOWN, result["tables"][0]["rows"])
    page = environment().get_template("evaluation.html.j2")
    return page.render(result=result, shown=shown, least=LEAST, groups=_grouped(cases), css=_css())


def comparison_page(result: Mapping[str, Any]) -> str:
    """The page that says by how much two differ."""
    shown = known(SHOWN, result["differences"][0]["rows"])
    page = environment().get_template("comparison.html.j2")
    return page.render(result=result, shown=shown, least=LEAST, css=_css())


def text_tables(tables: Sequence[Mapping[str, Any]]) -> Iterator[tuple[list[str], list[tuple[str, ...]]]]:
    """Tables for a screen: header and rows; of differences, a star stands beside what is not 0."""
    shown = known(BRIEF, tables[0]["rows"])
    for table in tables:
        differs = any("against_rest" in table["rows"][0][name] for name in shown)
        rows = [
            (
                row["value"],
                f"{row['samples']:,}",
                *(shown_as(row[name]["mean"], name, differs) + "*" * (differs and sure(row[name])) for name in shown),
            )
            for row in table["rows"]
        ]
        yield [table["axis"], "samples", *(named(name) for name in shown)], rows


def environment() -> jinja2.Environment:
    """Of the pages: every text is escaped, every name must be known."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": "{:,}".format, "figure": shown_as, "named": named, "sure": sure}
    return made


def known(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Those of the figures that any of the rows can tell."""
    return [name for name in names if any(row.get(name, {}).get("mean") is not None for row in rows)]


def digits(name: str) -> int:
    """After the point, for a figure."""
    base = name.removeprefix(HOLE)
    return METRICS[base].digits if base in METRICS else 3


def shown_as(value: float | None, name: str, sign: bool = False) -> str:
    """A figure as tables have it, a dash for what cannot be told."""
    if value is None or math.isnan(value):
        return "–"
    return f"{value:{'+' if sign else ''}.{digits(name)}f}"


def named(name: str) -> str:
    """A figure's name for people."""
    base = name.removeprefix(HOLE)
    told = base.upper() if base in ("mae", "mse", "uqi", "psnr", "ssim", "lpips") else base.replace("_", " ")
    return f"{told}, hole" if name.startswith(HOLE) else told


def sure(figure: Mapping[str, Any]) -> bool:
    """Whether an interval does not hold 0."""
    return figure["low"] is not None and (figure["low"] > 0 or figure["high"] < 0)


def _grouped(cases: Sequence[Case]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for case in cases:
        hole = np.where(case.mask[..., None] > 0, 128, case.image).astype(np.uint8)
        pictures = {"with its hole": hole, "filled": case.filled, "the truth": case.image}
        uris = {title: _uri(picture) for title, picture in pictures.items()}
        found.setdefault(case.title, []).append({"row": case.row, "pictures": uris})
    return found


def _uri(picture: Picture) -> str:
    side = max(picture.shape[:2])
    if side > SIDE:
        picture = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return data_uri("jpeg", Image.fromarray(picture), quality=88)


def _css() -> Markup:
    from pipelines.publish.report import FOLDER

    own = (_TEMPLATES / "evaluation.css").read_text(encoding="utf-8")
    return Markup((FOLDER / "report.css").read_text(encoding="utf-8") + own)  # noqa: S704  # ours, not data
