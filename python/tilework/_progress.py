"""How far a run is: a bar of tqdm where it is installed, else a line of our own; or whatever the user wants."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, Callable, Optional

from . import _tilework

Tell = Callable[[int, int, float], object]


@contextlib.contextmanager
def teller(progress: Any) -> Iterator[Optional[Tell]]:
    """A function of (done, total, seconds), or None."""
    if progress is None or progress is False:
        yield None
    elif callable(progress):
        yield progress
    elif progress is True:
        bar = _bar()
        try:
            yield bar
        finally:
            bar.close()
    else:
        raise TypeError(f"progress is True, False or a callable, not {progress!r}")


def _bar() -> Any:
    stream = sys.stderr
    if stream is None or not (stream.isatty() or type(stream).__module__.startswith("ipykernel")):
        return _Line()  # in a file: one line at the end
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
            self.bar = self.tqdm(total=total, unit="tile")
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


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
