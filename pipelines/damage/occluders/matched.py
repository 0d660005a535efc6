"""An occluder made part of a picture: its colours, its sharpness and its grain are those of the photograph."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from pipelines.damage import noise
from pipelines.damage.base import Mask, Picture
from pipelines.damage.occluders.parts import Light

Stats = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Mean and standard deviation of L*, a* and b*."""

NEUTRAL: Stats = ((44.5, 6.7, 3.9), (20.9, 9.8, 13.1))
"""Of a usual photograph, in whose light occluders are drawn: means over 18 photographs that ship in packages."""

SPREADS = 0.6, 1.4
"""How much contrast may be taken or given."""

COLOURFUL = 8.0
"""Chroma from which on a picture shows all colours."""

SHARP = 0.7
"""Pixels of blur that a sharp photograph has, and a drawn occluder too."""

LEAST_NOISE = 0.7


class Matched(NamedTuple):
    """What an occluder is matched to.

    Attributes:
        mean, spread: of the picture's L*, a*, b*.
        strength: of the transfer, 0 to 1.
        blur: sigma in pixels.
        noise: standard deviation in levels.
        light: to the picture's right, -1 to 1.
    """

    mean: tuple[float, float, float] = NEUTRAL[0]
    spread: tuple[float, float, float] = NEUTRAL[1]
    strength: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    light: float = 0.0

    @property
    def direction(self) -> Light:
        """From above, and from the side that is brighter."""
        x, y, z = 0.6 * self.light, -0.5, 0.75
        length = (x * x + y * y + z * z) ** 0.5
        return x / length, y / length, z / length


def toning(matched: Matched, source: Stats = NEUTRAL) -> Callable[[Picture], Picture] | None:
    """Colours as the picture's light shows them; None where nothing changes.

    Source: Reinhard, Ashikhmin, Gooch and Shirley, Color transfer between images (2001): mean and standard deviation of
    each channel of a perceptual space. We depart from it in the space (CIELAB), in a strength, in how far the spread
    may change, and in taking half of the change of lightness, so that dark glasses stay dark.

    Args:
        source: of what is matched.
    """
    if not matched.strength:
        return None
    tables = []
    for channel in range(3):
        (have, wide), (want, wanted) = ((stats[0][channel], stats[1][channel]) for stats in (source, matched[:2]))
        gain = 1.0
        if channel == 0:
            gain += matched.strength * (min(max(wanted / max(wide, 1e-3), SPREADS[0]), SPREADS[1]) - 1)
        shift = matched.strength * (want - have) * (0.5 if channel == 0 else 0.8)
        # In OpenCV's bytes lightness is 255 / 100 as large, and colours are 128 higher.
        unit, zero = (2.55, 0.0) if channel == 0 else (1.0, 128.0)
        middle = have * unit + zero
        levels = (np.arange(256) - middle) * gain + middle + shift * unit
        tables.append(np.clip(np.rint(levels), 0, 255).astype(np.uint8))
    table = np.stack(tables, axis=1)[None]

    def toned(colours: Picture) -> Picture:
        lab = cv2.LUT(cv2.cvtColor(colours, cv2.COLOR_RGB2LAB), table)
        return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)  # type: ignore[return-value]

    return toned


def stats_of(colour: Picture, alpha: Mask) -> Stats:
    """Mean and spread of what is not transparent."""
    lab = cv2.cvtColor(colour, cv2.COLOR_RGB2LAB)
    mean, spread = (values.ravel() for values in cv2.meanStdDev(lab, mask=cv2.threshold(alpha, 127, 255, 0)[1]))
    (light, a, b), (wide, wide_a, wide_b) = mean.tolist(), spread.tolist()
    return (light / 2.55, a - 128, b - 128), (wide / 2.55, wide_a, wide_b)


def softened(colour: Picture, alpha: Mask, blur: float) -> tuple[Picture, Mask]:
    """As sharp as a picture that is blurred so much; what is transparent lends no colour."""
    sigma = (max(blur * blur - SHARP * SHARP, 0.0)) ** 0.5
    if sigma < 0.4:  # less is not seen
        return colour, alpha
    shares = cv2.merge((alpha, alpha, alpha))
    soft = cv2.GaussianBlur(alpha, (0, 0), sigma)
    total = cv2.GaussianBlur(cv2.multiply(colour, shares, scale=1 / 255), (0, 0), sigma)
    return cv2.divide(total, cv2.merge((soft, soft, soft)), scale=255), soft  # type: ignore[return-value]


def faded(colour: Picture, matched: Matched) -> Picture:
    """As colourful as the picture: a grey photograph shows no colours at all."""
    chroma = sum(matched.mean[channel] ** 2 + matched.spread[channel] ** 2 for channel in (1, 2)) ** 0.5
    saturation = min(1.0, max(0.0, chroma - 1) / COLOURFUL)
    if saturation == 1 or not matched.strength:
        return colour
    grey = cv2.cvtColor(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(colour, saturation, grey, 1 - saturation, 0)  # type: ignore[return-value]


def grained(colour: Picture, sigma: float, seed: int) -> Picture:
    """With noise, most of it equal in all channels."""
    if sigma < LEAST_NOISE:
        return colour
    rng = noise.from_seed(seed)
    height, width = colour.shape[:2]
    grain = rng.standard_normal((height, width), np.float32) * np.float32(sigma)
    return np.clip(colour + grain[..., None] + np.float32(0.5), 0, 255).astype(np.uint8)
