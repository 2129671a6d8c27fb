"""What the library has to say beside its results: a warning, once a process, on the line of the user's that led there."""

from typing import Optional

from . import _frames

_said: set[str] = set()


def say(note: Optional[str]) -> None:
    """Warns of the note, unless it has been said."""
    if note is None or note in _said:
        return
    _said.add(note)
    _frames.warn(note, RuntimeWarning)
