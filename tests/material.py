"""Small real material for tests: pictures and recipes."""

from __future__ import annotations

import numpy as np
import simplejpeg


def photo(seed: int, height: int = 96, width: int = 128) -> np.ndarray:
    """A smooth picture with some texture, (height, width, 3)."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width] / max(height, width)
    waves = [np.sin(rng.uniform(3, 12) * rows + rng.uniform(3, 12) * columns + rng.uniform(0, 6)) for _ in range(3)]
    picture = 127 + 90 * np.stack(waves, axis=2) + rng.normal(0, 6, (height, width, 3))
    return picture.clip(0, 255).astype(np.uint8)


def jpeg(seed: int, height: int = 96, width: int = 128) -> bytes:
    return simplejpeg.encode_jpeg(photo(seed, height, width), quality=90)


def recipe_text(source: str, extra: str = "") -> str:
    """A small recipe over one source, given as a YAML flow mapping."""
    return f"""
name: small
seed: 3
sources:
  - {source}
image: {{size: 64}}
damage:
  - {{kind: brush, ratio_range: [0.1, 0.3]}}
  - {{kind: box}}
variants: 2
splits: {{train: 0.8, val: 0.1, test: 0.1}}
shards: {{samples: 10}}
{extra}
"""
