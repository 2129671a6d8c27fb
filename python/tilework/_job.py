"""What the extension runs: a kernel over a grid of arrays, and what its tiles do with each operand."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

import numpy as np

from . import _tilework


class Job(NamedTuple):
    """The extension reads it in this order. Operands are named by their numbers, one a byte."""

    kernel: _tilework.Kernel
    grid: _tilework.Grid
    arrays: tuple[_tilework.Array, ...]  # one an operand; none where there are outputs in files
    called_with: bytes  # operands that a Python kernel is called with, in order
    outs: bytes  # outputs that it may return, in order
    chosen: bytes = b""  # outputs that have the dtype of what it returns
    fresh: bytes = b""  # new outputs that it fills
    dirty: bytes = b""  # those whose memory may hold something
    partial: bytes = b""  # reductions, whose parts begin as the identity of the operation
    expected: tuple[tuple[int, np.dtype[Any]], ...] = ()  # what chosen outputs will probably be
    outputs: Optional[_tilework.Outputs] = None  # the files that are written, whose arrays are the operands
