"""The command `mendery`: one thin function per verb; the work is in the Python functions of the same names.

Verbs stand in files by what they are for. Nothing heavy is imported before one runs, so that help answers at once.
"""

from __future__ import annotations

import signal
import sys
from typing import Any, NoReturn

from pipelines.cli import building, looking, publishing, training  # each adds its verbs
from pipelines.cli.screen import FAULTY, INTERRUPTED, OK, app
from pipelines.errors import MenderyError

__all__ = ["app", "building", "looking", "main", "publishing", "training"]


def main() -> None:
    """Runs the command: errors a person can mend are one text without a traceback."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app()
    except MenderyError as error:
        print(f"mendery: {error}", file=sys.stderr)
        sys.exit(FAULTY)
    except BrokenPipeError:  # `mendery recipes --schema | head`
        sys.stderr.close()
        sys.exit(OK)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt
