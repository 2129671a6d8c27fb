"""What the extension calls back, by name. What is only needed now and then is loaded when it is."""

from __future__ import annotations

from typing import Any

from . import _context, _dtypes, _errors, _results, _signals, _tilework, _unwritten  # noqa: F401  # some set their own
from ._tile import Tile


def before_fork() -> None:
    from . import _forks
    _forks.before()


def in_parent() -> None:
    from . import _forks
    _forks.in_parent()


def in_child(had_threads: bool) -> None:
    from . import _forks
    _forks.in_child(had_threads)


def stalled(on_start: Any, seconds: float, workers: int, tile: int, worker: int, pids: tuple[int, ...]) -> None:
    from . import _stalls
    _stalls.say(on_start, seconds, workers, tile, worker, pids)


_tilework.set_callbacks(Tile, _errors.describe, _errors.clear, _dtypes.dtype_of_descr, before_fork, in_parent, in_child,
                        _signals.is_of_handler, stalled)
