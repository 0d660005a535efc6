"""Numbers as people read them, the same on screen, in logs and in reports."""

from __future__ import annotations


def size(num_bytes: float) -> str:
    """Bytes in decimal units: 1.2 MB."""
    amount, unit = float(num_bytes), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 1000 or unit == "TB":
            break
        amount /= 1000
    return f"{amount:.0f}\u202f{unit}" if unit == "B" or amount >= 100 else f"{amount:.1f}\u202f{unit}"


def duration(seconds: float) -> str:
    """About how long: 90 s, 12 min, 3.5 h."""
    if seconds < 120:
        return f"{seconds:.0f}\u202fs"
    return f"{seconds / 60:.0f}\u202fmin" if seconds < 7200 else f"{seconds / 3600:.1f}\u202fh"
