"""Bytes to pixels, pixels to the asked size, pixels to bytes."""

import cv2

# Ray gives one task to one core: threads of OpenCV's own would only fight over it.
cv2.setNumThreads(1)
