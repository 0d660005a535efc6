"""Copies of pictures as they are met: rescaled, encoded again, cropped, marked, brighter, mirrored."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

Picture = np.ndarray


def jpeg(picture: Picture, quality: int = 30) -> Picture:
    data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1]


def cropped(picture: Picture, left: float, top: float) -> Picture:
    """Without a twentieth of its height and width, of which these shares go at the left and at the top."""
    height, width = picture.shape[:2]
    x, y = round(0.05 * width * left), round(0.05 * height * top)
    return picture[y : y + round(0.95 * height), x : x + round(0.95 * width)]


def marked(picture: Picture) -> Picture:
    """A half-transparent word in a corner, as wide as a third of the picture."""
    height, width = picture.shape[:2]
    over = picture.copy()
    place, scale, thick = (int(width * 0.62), int(height * 0.93)), width / 450, max(1, width // 200)
    cv2.putText(over, "SAMPLE", place, cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), thick, cv2.LINE_AA)
    return cv2.addWeighted(over, 0.5, picture, 0.5, 0)


def resized(picture: Picture, factor: float) -> Picture:
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return cv2.resize(picture, None, fx=factor, fy=factor, interpolation=how)


COPIES: dict[str, Callable[[Picture], Picture]] = {
    "half as large": lambda picture: resized(picture, 0.5),
    "twice as large": lambda picture: resized(picture, 2),
    "JPEG of quality 30": jpeg,
    "cropped 5 %, middle": lambda picture: cropped(picture, 0.5, 0.5),
    "cropped 5 %, corner": lambda picture: cropped(picture, 1, 1),
    "watermark": marked,
    "brighter by 15 %": lambda picture: cv2.convertScaleAbs(picture, alpha=1.15),
    "darker by 15 %": lambda picture: cv2.convertScaleAbs(picture, alpha=0.85),
    "mirrored": lambda picture: picture[:, ::-1],
}
