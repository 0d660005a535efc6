"""What all verbs share: the command itself, its exit codes, and tables on the screen."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cyclopts import App

app = App(
    name="mendery",
    suppress_keyboard_interrupt=False,
    help="Build the datasets that teach networks to mend pictures, publish them, and train the networks on them.",
    version=lambda: __import__("importlib.metadata").metadata.version("mendery"),
)

OK, FAULTY, INTERRUPTED = 0, 1, 130


def table(header: list[str], rows: Sequence[tuple[str, ...]]) -> None:
    """Prints a table; files and pipes get lines as long as they are."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(*header, box=box.SIMPLE_HEAD, show_header=any(header), pad_edge=False)
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(made)


def counts_text(counts: dict[str, int]) -> str:
    """Counts by name as one text, the largest first."""
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
