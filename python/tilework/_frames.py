"""Where in the user's program this package was called."""

from __future__ import annotations

import functools
import os
import sys
from typing import NamedTuple

FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep


class Place(NamedTuple):
    """A line of the user's."""

    file: str
    line: int
    module: str


@functools.lru_cache(maxsize=256)
def _is_ours(file: str) -> bool:
    return os.path.abspath(file).startswith(FOLDER)


def caller() -> Place:
    """The innermost line that is not of this package."""
    frame = sys._getframe(1)  # pylint: disable=protected-access
    while frame.f_back is not None and _is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return Place(frame.f_code.co_filename, frame.f_lineno, frame.f_globals.get("__name__", "__main__"))
