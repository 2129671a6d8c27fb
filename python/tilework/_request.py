"""One run of a kernel, read and checked as far as Python can: operands, results to be, the grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

import numpy as np

from . import _classes, _files, _grid, _memory, _outputs, _reductions, _results, _signature, _tilework, _ufuncs, _where
from ._edges import edges_of
from ._errors import ArgumentError
from ._manner import Manner
from ._native import Kernel, portable
from ._options import Asked
from ._signature import Notation

SIZE_UNKNOWN = 8  # bytes of an item of an output whose dtype is not known yet
NOTHING: np.dtype[Any] = np.dtype("V0")  # of an output that has no memory before the run


def check_count(notation: Notation, values: tuple[Any, ...]) -> None:
    if len(values) != len(notation.given):
        names = ", ".join(notation.names[k] for k in notation.given) or "none"
        raise ArgumentError(f"{len(values)} operands given for a signature that takes {len(notation.given)}: {names}")


def _is_cut(grid: _tilework.Grid, notation: Notation, k: int) -> bool:
    """Several tiles contribute to each element of the output."""
    return any(count > 1 for axis, count in enumerate(grid.counts) if axis not in notation.shapes[k])


class Request:
    """A run of a kernel with a signature. That of a Python kernel has dtypes and a grid once it is settled."""

    kernel: Any  # a Python callable, a Kernel, or the text of a statement
    native: Optional[Kernel]  # None: a Python kernel
    collects = False  # its kernel returns objects, which are put into a list
    is_ufunc = False  # one of NumPy's, or of Numba's, that fills
    deferred = b""  # outputs that have the dtype of what the kernel returns
    fresh = b""  # new outputs that it fills
    reductions: _reductions.Reductions = {}
    parted = b""  # reductions of which each tile has a part of its own, once the grid is known
    fold_kernels: dict[int, _tilework.Kernel] = {}
    input_files: dict[int, str] = {}  # operands that were given by the names of their files
    files: Optional[_files.Wanted] = None  # where all outputs are written, if not to memory

    def __init__(self, asked: Asked) -> None:
        kernel, signature, values, out, dtype, splits, lengths, edges = asked[:8]
        self.kernel = kernel
        self.native = kernel if isinstance(kernel, Kernel) else None
        if self.native is not None and asked.portable:
            self.native = portable(self.native)
        native = self.native is not None
        notation = _signature.read(signature)
        self.is_ufunc = not native and _ufuncs.fills(kernel)
        if self.is_ufunc:
            dtype = _ufuncs.wished(kernel, notation, values, out, dtype)
        check_count(notation, values)
        self.notation = notation
        self.splits = splits
        self.input_files = _files.inputs_of(notation, zip(notation.given, values))
        self.files = _files.wanted(asked, notation)
        if self.files is not None:
            out = None
            _files.check_places(notation, self.input_files, _where.axes_and_mask(asked.options.where)[1], self.files)
        self.edges = edges_of(edges)
        if asked.reduce is not None:
            self.reductions = _reductions.of(notation, asked.reduce)
            self.fold_kernels = {}
        count = len(notation.names)
        self.arrays: list[Optional[np.ndarray[Any, Any]]] = [None] * count
        self.theirs: dict[int, Any] = {}  # outputs as the user gave them
        for k, value in zip(notation.given, values):
            name = f"operand {notation.names[k]}"
            if notation.roles[k] == _tilework.IN or self.files is not None:
                self.arrays[k] = _memory.operand(value, name, native)
            else:
                self.arrays[k], self.theirs[k] = _memory.output(value, name, native), value
        for k, value in _outputs.by_output(notation, out, "out").items():
            self.arrays[k], self.theirs[k] = _memory.output(value, f"out {notation.names[k]}", native), value
        self.inputs = [value if type(value) in (int, float, complex) else self.arrays[k]
                       for k, value in zip(notation.given, values)]
        self.known = _outputs.given_dtypes(notation, self.arrays, dtype)
        if self.reductions:
            self.known = {**_reductions.fixed_dtypes(self.reductions), **self.known}
        self.lengths = _signature.lengths_of(
            notation, tuple([None if array is None else array.shape for array in self.arrays]),
            _signature.known_lengths(notation, lengths))
        if native:
            self.settle(None)

    @property
    def calls_python(self) -> bool:
        """The kernel is Python, or a function that folds."""
        return self.native is None or any(callable(one.function) for one in self.reductions.values())

    def settle(self, called_with: Optional[bytes]) -> None:
        """The dtypes, once it is known which operands the kernel is called with; None: with all. Those that it returns have
        the dtype of what it returns."""
        open_ones = [k for k in self.notation.made if self.arrays[k] is None and k not in self.known]
        if called_with is not None:
            self.deferred = bytes(k for k in open_ones if k not in called_with)
            self.fresh += bytes(k for k in self.notation.made if self.arrays[k] is None and k in called_with)
        for k in open_ones:
            if k in self.deferred:
                self.known[k] = NOTHING
            else:
                self.known[k] = self.inputs_dtype(k)
                if called_with is not None:
                    _results.warn_of_losses(self.notation.names[k], self.known[k], self.inputs)
        self.dtypes: tuple[np.dtype[Any], ...] = tuple([self.known[k] if array is None else array.dtype
                                                        for k, array in enumerate(self.arrays)])

    def choose(self, dtypes: Mapping[int, Any]) -> None:
        """Outputs that had no dtype have these now. The grid stays."""
        self.dtypes = tuple([dtypes.get(k, dtype) for k, dtype in enumerate(self.dtypes)])
        self.known.update(dtypes)
        self.deferred = b""

    def inputs_dtype(self, k: int) -> np.dtype[Any]:
        """Of an output that has no other."""
        dtype = _outputs.inputs_dtype(self.notation, k, self.inputs)
        return _reductions.wider(self.reductions[k], dtype) if k in self.reductions else dtype

    def prepare(self, manner: Optional[Manner]) -> bytes:
        """Dtypes and grid for a Python kernel, and the operands that it is called with; None: a native kernel."""
        if manner is None:
            self.divide(not self.reductions)
            return b""
        called_with = manner.arguments(self.notation)
        self.settle(called_with)
        knows = manner.tile or (not self.reductions and manner.knows_part(self.notation, called_with))
        self.divide(knows, manner.light)
        return called_with

    def divide(self, knows_part: bool, light: bool = False) -> None:
        """Makes the grid. `knows_part`: the kernel knows which part of an axis it computes that no input has (one that fills a
        histogram does not ask); `light`: its cost is that of memory."""
        itemsizes = tuple([SIZE_UNKNOWN if dtype is NOTHING else dtype.itemsize for dtype in self.dtypes])
        folds = _reductions.folds(self.reductions, self.fold_kernels, len(self.arrays)) if self.reductions else ()
        make = _grid.grid_for.__wrapped__ if self.fold_kernels else _grid.grid_for  # what a user's function carries is not kept
        self.grid = make(self.notation, self.lengths, self.splits, itemsizes,
                         _tilework.COST_STATEMENT if light else _tilework.COST_UNKNOWN, not knows_part, folds, self.edges)
        if folds:
            self.parted = bytes(k for k in sorted(self.reductions) if _is_cut(self.grid, self.notation, k))

    def operands(self, pool: Optional[_tilework.Pool]) -> tuple[_tilework.Array, ...]:
        """The library's arrays; results are made here."""
        return tuple([self.made(pool, k, self.dtypes[k]) if array is None else _memory.wrapped(array)
                      for k, array in enumerate(self.arrays)])

    def made(self, pool: Optional[_tilework.Pool], k: int, dtype: np.dtype[Any]) -> _tilework.Array:
        """Memory for output k."""
        shape = tuple([self.lengths[axis] for axis in self.notation.shapes[k]])
        if dtype is NOTHING:
            return _memory.wrapped(np.empty(shape, NOTHING))
        return _memory.new_array(pool, shape, dtype)

    def guessed(self) -> tuple[tuple[int, np.dtype[Any]], ...]:
        """What an unknown kernel will probably return."""
        kinds = {array.dtype for array in self.inputs if isinstance(array, np.ndarray)}
        return tuple((k, *kinds) for k in self.deferred) if len(kinds) == 1 else ()

    def unknown(self, operands: tuple[_tilework.Array, ...]) -> bytes:
        """New outputs whose memory may hold something."""
        return bytes(k for k in self.fresh if not operands[k].zero)

    def arrays_of(self, operands: tuple[_tilework.Array, ...], pool: Optional[_tilework.Pool],
                  chosen: Any) -> dict[int, np.ndarray[Any, Any]]:
        """The outputs once they are computed; `chosen` has those whose dtype the kernel chose."""
        return {k: _results.settled(self, pool, k, chosen[0], chosen[1][k]) if k in self.deferred else operands[k].numpy()
                for k in self.notation.outs}

    def results(self, arrays: Mapping[int, np.ndarray[Any, Any]]) -> Any:
        """What the run gives back: the outputs in the order of the signature."""
        found = tuple([self.theirs[k] if k in self.theirs else _classes.of_items(arrays[k]) for k in self.notation.outs])
        return found[0] if len(found) == 1 else found or None
