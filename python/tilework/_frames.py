"""Where in the user's program this package was called."""

from __future__ import annotations

import functools
import os
import sys
import threading
import types
import warnings
from typing import NamedTuple

FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep

stands_for: dict[int, types.FrameType] = {}  # by thread: the user's frame for which it runs


class Place(NamedTuple):
    """A line of the user's."""

    file: str
    line: int
    module: str


@functools.lru_cache(maxsize=256)
def _is_ours(file: str) -> bool:
    return os.path.abspath(file).startswith(FOLDER)


def innermost() -> types.FrameType:
    """The innermost one that is not of this package."""
    frame = sys._getframe(1)  # pylint: disable=protected-access
    while frame.f_back is not None and _is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return stands_for.get(threading.get_ident(), frame) if frame.f_code.co_filename == threading.__file__ else frame


def caller() -> Place:
    """The innermost line that is not of this package."""
    frame = innermost()
    return Place(frame.f_code.co_filename, frame.f_lineno, frame.f_globals.get("__name__", "__main__"))


def warn(message: str, category: type[Warning], each_line_once: bool = False) -> None:
    """A warning on that line."""
    known = innermost().f_globals.setdefault("__warningregistry__", {}) if each_line_once else None
    warnings.warn_explicit(message, category, *caller(), known)
