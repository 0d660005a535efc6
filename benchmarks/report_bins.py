"""Whether the bins of a dataset are those of its recipe: `python -m benchmarks.report_bins`.

Builds 10,098 samples with three damages over the same range, then counts every mask of the shards with nothing of this
program but Pillow's decoder, reads the table of bins out of the report's page, and holds both against the recipe:
the page must say what the masks say, and neither may be far from equal shares (the chance of a deviation so large, by
a chi-squared test, is printed).
"""

from __future__ import annotations

import io
import json
import re
import tarfile
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.stats import chisquare

from pipelines import build
from tests.material import jpeg

PICTURES, VARIANTS, SIZE = 102, 99, 64
EDGES = [0.0, 0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 1.0]
WEIGHTS = {"brush": 2, "irregular": 1, "objects": 1}
RECIPE = {
    "name": "bins",
    "image": {"size": SIZE, "format": "png"},
    "damage": [{"kind": kind, "weight": weight, "ratio_range": [0.01, 0.6]} for kind, weight in WEIGHTS.items()],
    "variants": VARIANTS,
    "ratio_bins": EDGES,
}

Table = dict[str, list[int]]
"""Samples in each bin, by damage."""


def of_masks(out: Path) -> Table:
    """What lies in the shards."""
    counts: Counter[tuple[str, int]] = Counter()
    for shard in sorted(out.glob("shards/*.tar")):
        with tarfile.open(shard) as tar:
            members = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
        for name, data in members.items():
            if name.endswith(".mask.png"):
                mask = np.asarray(Image.open(io.BytesIO(data)))
                kind = json.loads(members[name.replace(".mask.png", ".json")])["damage"]
                # Above the lower edge, and up to the upper one.
                counts[kind, int(np.searchsorted(EDGES, (mask > 0).mean(), side="left")) - 1] += 1
    return {kind: [counts[kind, place] for place in range(len(EDGES) - 1)] for kind in WEIGHTS}


def of_page(out: Path) -> Table:
    """What the report's table says."""
    page = (out / "report.html").read_text()
    body = page.split('<table class="matrix">')[1].split("<tbody>")[1].split("</tbody>")[0]
    rows = {}
    for row in body.split("<tr>")[1:]:
        kind = re.search(r"<th[^>]*>([^<]*)", row)
        cells = [re.sub(r"<[^>]*>|[^\d<]", "", cell) for cell in re.findall(r"<td[^>]*>.*?</td>", row, re.DOTALL)]
        rows[kind[1].strip() if kind else ""] = [int(cell) for cell in cells[:-1]]
    return rows


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        photos, out = Path(folder) / "photos", Path(folder) / "out"
        photos.mkdir()
        for seed in range(PICTURES):
            (photos / f"{seed}.jpg").write_bytes(jpeg(seed))
        recipe = Path(folder) / "recipe.yaml"
        recipe.write_text(json.dumps({**RECIPE, "sources": [{"type": "folder", "path": str(photos)}]}))
        manifest = build(recipe, out)
        masks, page = of_masks(out), of_page(out)
    committed, planned = manifest["audit"]["committed"], manifest["audit"]["planned"]
    same = "is" if page == masks else "IS NOT"
    print(f"{committed:,} of {planned:,} samples; the report's table {same} that of the masks")
    for kind, counts in masks.items():
        asked = counts[1:-1]
        print(f"{kind:10} {counts}  p of equal bins {chisquare(asked).pvalue:.2f}")
        assert counts[0] == counts[-1] == 0
    totals = [sum(counts) for counts in masks.values()]
    expected = [committed * weight / sum(WEIGHTS.values()) for weight in WEIGHTS.values()]
    print(f"by weight {totals}  p {chisquare(totals, expected).pvalue:.2f}")
    assert page == masks


if __name__ == "__main__":
    main()
