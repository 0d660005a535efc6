"""How damage to a surface is lit: bare paper where the picture is gone, light and shadow where the surface is bent.

One signed field holds light (above 0) and shadow (below 0), so that neighbours add up or cancel as they do on paper.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.damage.base import Mask, Picture
from pipelines.damage.holes import Color
from pipelines.damage.noise import faint_removed, scaled, screened

Relief = NDArray[np.int16]
"""(H, W), -255 deep shadow to 255 bright light."""

PAPERS: tuple[Color, ...] = ((244, 240, 230), (235, 228, 212), (250, 249, 246), (226, 217, 198))
"""What lies under the emulsion of old prints: from white to yellowed."""


def lit(core: Mask, relief: Relief, paper: Color) -> tuple[Picture, Mask]:
    """Colour and alpha of bare paper over light and shadow.

    Args:
        core: where paper shows, 0 to 255.
        relief: light and shadow around it.
        paper: its colour.
    """
    shade = cv2.convertScaleAbs(relief)
    alpha = screened(core, shade)  # type: ignore[arg-type]
    # Of what is seen at a pixel, the part that is paper and not light or shadow.
    share: Mask = cv2.divide(core, alpha, scale=255)  # type: ignore[assignment]
    tone = np.where(relief > 0, np.uint8(255), np.uint8(0))
    under = scaled(cv2.bitwise_not(share), tone)  # type: ignore[arg-type]
    colour = cv2.merge([cv2.add(under, scaled(share, level / 255)) for level in paper])
    return colour, faint_removed(alpha)  # type: ignore[return-value]


def embossed(core: Mask, x: int, y: int, sigma: float, strength: float) -> Relief:
    """Light and shadow on both sides of what stands out or is sunk.

    Args:
        core: where.
        x, y: pixels towards the shadow.
        sigma: of the blur in pixels.
        strength: of light and shadow, 0 to 1.
    """
    soft = cv2.GaussianBlur(core, (0, 0), sigma)
    near, far = (_moved(soft, step * x, step * y) for step in (-1, 1))  # type: ignore[arg-type]
    return cv2.subtract(scaled(near, strength), scaled(far, strength), dtype=cv2.CV_16S)  # type: ignore[return-value]


def _moved(mask: Mask, x: int, y: int) -> Mask:
    height, width = mask.shape
    moved = np.zeros_like(mask)
    moved[max(y, 0) : height + min(y, 0), max(x, 0) : width + min(x, 0)] = mask[
        max(-y, 0) : height + min(-y, 0), max(-x, 0) : width + min(-x, 0)
    ]
    return moved


def flat(color: Color, height: int, width: int) -> Picture:
    """One colour, (height, width, 3)."""
    picture = np.empty((height, width, 3), np.uint8)
    cv2.rectangle(picture, (0, 0), (width, height), color, cv2.FILLED)
    return picture
