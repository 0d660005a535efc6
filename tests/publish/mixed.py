"""A small dataset over folders under different terms, for the tests of what is published."""

from __future__ import annotations

from pathlib import Path

from material import jpeg

LICENCES = {
    "free": "CC0-1.0",
    "named": "CC-BY-4.0",
    "closed": "research-only",
    "odd": "who-knows",
    "nc": "CC-BY-NC-4.0",
}
HOSTILE = "<script>alert(1)</script> | *A* [x](javascript:y)\nnew `line`"


def mixed_recipe(folder: Path, names: tuple[str, ...] = tuple(LICENCES), extra: str = "") -> Path:
    """A recipe over four pictures under each of some licences; those of `named` have an author with a nasty name."""
    lines = []
    for number, name in enumerate(names):
        (folder / name).mkdir()
        for seed in range(4):
            (folder / name / f"{seed}.jpg").write_bytes(jpeg(100 * number + seed))
        author = f", attribution: {HOSTILE!r}, licence_url: 'https://example.org/a b'" if name == "named" else ""
        lines.append(f"  - {{type: folder, path: {name}, licence: {LICENCES[name]}{author}}}".replace("\\n", " "))
    path = folder / "recipe.yaml"
    path.write_text(
        "name: mixed\nseed: 3\nsources:\n" + "\n".join(lines) + "\nimage: {size: 64}\n"
        "damage: [{kind: brush, ratio_range: [0.1, 0.3]}, {kind: box}]\nvariants: 2\n"
        "splits: {train: 0.6, val: 0.2, test: 0.2}\nshards: {samples: 10}\n" + extra
    )
    return path
