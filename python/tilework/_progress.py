"""How far a run is: a bar of tqdm where it is installed, else a line of our own; or whatever the user wants."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, Callable, Optional

from . import _tilework

Tell = Callable[[int, int, float], object]
NEVER = 1e9  # seconds until a bar is drawn for the first time


@contextlib.contextmanager
def teller(progress: Any) -> Iterator[Optional[Tell]]:
    """A function of (done, total, seconds), or None."""
    if progress is None or progress is False:
        yield None
    elif callable(progress) and not _is_tqdm(progress):
        yield progress
    elif progress is True or _is_tqdm(progress):
        bar = _bar() if progress is True else _Tqdm(progress)
        try:
            yield bar
        finally:
            bar.close()
    else:
        raise TypeError(f"progress is True, False or a callable, not {progress!r}")


def _is_tqdm(progress: Any) -> bool:
    """The class, which makes a bar."""
    return isinstance(progress, type) and all(hasattr(progress, name) for name in ("update", "close", "set_description"))


def _is_redrawn() -> bool:
    """Standard error is a terminal or a notebook; in a file a bar is one line at the end."""
    stream = sys.stderr
    return stream is not None and (stream.isatty() or type(stream).__module__.startswith("ipykernel"))


def _bar() -> Any:
    if not _is_redrawn():
        return _Line()
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _Line()
    return _Tqdm(tqdm)


class _Tqdm:
    def __init__(self, tqdm: Any) -> None:
        self.tqdm = tqdm
        self.bar: Any = None

    def __call__(self, done: int, total: int, seconds: float) -> None:
        if self.bar is None:
            self.bar = self.tqdm(total=total, unit="tile", **({} if _is_redrawn() else {"delay": NEVER}))
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            if self.bar.delay == NEVER and sys.stderr is not None:
                sys.stderr.write(f"{self.bar}\n")


class _Line:
    """One line on standard error, written over on a terminal, written once where it goes into a file."""

    def __init__(self) -> None:
        self.file = None if sys.stderr is None or sys.stderr.closed else sys.stderr
        self.terminal = self.file is not None and self.file.isatty()
        self.text = ""

    def __call__(self, done: int, total: int, seconds: float) -> None:
        left = f", {_tilework.seconds_text(seconds / done * (total - done))} left" if 0 < done < total else ""
        self.text = f"tilework: {done} of {total} tiles, {_tilework.seconds_text(seconds)}{left}"
        if self.file is not None and self.terminal:
            self.file.write(f"\r{self.text:<70}")
            self.file.flush()

    def close(self) -> None:
        if self.text and self.file is not None:
            self.file.write("\n" if self.terminal else f"{self.text}\n")
