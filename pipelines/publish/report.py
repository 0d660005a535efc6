"""The report: one page about a dataset that a browser shows offline.

Everything in it comes from the manifest, the indexes and a few samples, so it can be written again at
any time, and equal datasets have equal reports.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
import yaml

from pipelines import manifest
from pipelines.errors import REASONS
from pipelines.layout import Layout
from pipelines.publish.figures import Counts, count, heat_cells, histogram
from pipelines.publish.gallery import choose_cards
from pipelines.storage import put_bytes


def report(out: str | Path) -> Path:
    """Writes `report.html` into the dataset's folder; gives its path.

    Raises:
        MenderyError: the dataset is not complete.
    """
    stated, layout = manifest.read(out), Layout(Path(out))
    counts = count(layout, stated)
    page = _template().render(**_facts(stated, counts), cards=choose_cards(layout, stated), reasons=REASONS)
    put_bytes(layout.report, page.encode())
    return layout.report


def _facts(stated: dict[str, Any], counts: Counts) -> dict[str, Any]:
    edges = stated["recipe"]["ratio_bins"]
    damaged = "mask.png" in stated["members"]
    return {
        "m": stated,
        "audit": stated["audit"],
        "counts": counts,
        "size": stated["recipe"]["image"]["size"],
        "total_bytes": sum(shard["bytes"] for shard in stated["shards"]),
        "recipe_yaml": yaml.safe_dump(stated["recipe"], sort_keys=False, allow_unicode=True),
        "histogram": histogram(counts, edges) if damaged else None,
        "heat": heat_cells(stated["mask_heat"]) if damaged else None,
    }


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["thousands"] = lambda number: f"{number:,}"
    environment.filters["size"] = size_text
    return environment.get_template("report.html.j2")


def size_text(number: float) -> str:
    """Bytes as a person reads them."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} TB"
