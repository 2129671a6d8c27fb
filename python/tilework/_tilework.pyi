"""The extension: literal wrappers of tilework.h."""

from collections.abc import Callable, Sequence
from typing import Any, Optional, Union

import numpy as np

from ._job import Job
from ._options import RunOptions

THREADS: int
PROCESSES: int
SERIAL: int
IN: int
OUT: int
INOUT: int
COST_STATEMENT: int
COST_UNKNOWN: int
FOLD_NONE: int
FOLD_SUM: int
FOLD_PROD: int
FOLD_MIN: int
FOLD_MAX: int
FOLD_ANY: int
FOLD_ALL: int
FOLD_KERNEL: int
EDGE_ERROR: int
EDGE_CLAMP: int
EDGE_WRAP: int
EDGE_ZERO: int
MAX_OPERANDS: int
MAX_DIMS: int
MENTION_ALONE: int
MENTION_OPERAND: int
MAX_WORKERS: int
version: str

class Failure(RuntimeError):
    args: tuple[Any, ...]

class Pool:
    workers: int
    closed: bool
    note: Optional[str]
    forks: int
    pid: int
    def __init__(self, kind: int, workers: int, heap_bytes: int, on_start: Optional[Callable[[int], None]],
                 on_end: Optional[Callable[[], None]]) -> None: ...
    def close(self) -> None: ...
    def inside(self) -> bool: ...
    def stop(self, exception: BaseException) -> None: ...
    def pids(self) -> tuple[int, ...]: ...

class Array:
    address: int
    nbytes: int
    shared: bool
    @staticmethod
    def create(place: Union[Pool, Heap, None], dtype: np.dtype[Any], descr: Optional[str],
               shape: Sequence[int]) -> Array: ...
    @staticmethod
    def attach(handle: tuple[int, ...]) -> Array: ...
    @staticmethod
    def wrap(array: np.ndarray[Any, Any], descr: Optional[str], owner: Optional[Array]) -> Array: ...
    def numpy(self) -> np.ndarray[Any, Any]: ...
    def bytes(self) -> np.ndarray[Any, Any]: ...
    def handle(self) -> Optional[tuple[int, ...]]: ...

class Heap:
    def __init__(self) -> None: ...

class Signature:
    axes: tuple[str, ...]
    operands: tuple[tuple[str, int, tuple[int, ...], Optional[str], int, int], ...]
    def __init__(self, text: str) -> None: ...
    def lengths(self, shapes: tuple[Optional[tuple[int, ...]], ...], known: Sequence[int]) -> tuple[int, ...]: ...

class Grid:
    count: int
    counts: tuple[int, ...]
    signature: Signature
    steps: tuple[tuple[int, str], ...]
    why: Optional[str]
    def __init__(self, signature: Signature, lengths: Sequence[int], splits: tuple[tuple[str, str, Any], ...],
                 itemsizes: Sequence[int], cost: int, input_axes_only: bool,
                 folds: tuple[Union[int, Kernel], ...]) -> None: ...
    def tile(self, number: int) -> tuple[tuple[int, ...], tuple[int, ...]]: ...
    def owner(self, indices: Sequence[int]) -> int: ...
    def text(self, number: int) -> str: ...

class Kernel:
    name: str
    note: Optional[str]
    callable: Optional[Callable[..., Any]]
    @staticmethod
    def python(callable: Callable[..., Any], wants_tile: bool, name: str) -> Kernel: ...
    @staticmethod
    def function(address: int, anchor: Any, name: str) -> Kernel: ...
    @staticmethod
    def library(path: str, symbol: str) -> Kernel: ...
    @staticmethod
    def source(path: str, function: str, compiler: Optional[str], flags: Optional[str],
               cache: Optional[str]) -> Kernel: ...

class Statement:
    signature: Signature
    def __init__(self, text: str, parameters: dict[str, Any],
                 edges: dict[Optional[str], tuple[int, bool]]) -> None: ...
    @staticmethod
    def mention(text: str, name: str) -> int: ...
    def types(self, dtypes: tuple[Optional[np.dtype[Any]], ...]) -> tuple[np.dtype[Any], ...]: ...
    def bind(self, arrays: tuple[Optional[Array], ...], parameters: dict[str, Any],
             lengths: dict[str, int]) -> tuple[int, ...]: ...
    def grid(self, lengths: tuple[int, ...], splits: tuple[tuple[str, str, Any], ...]) -> Grid: ...
    def kernel(self) -> Kernel: ...
    def source(self) -> str: ...
    def explain(self) -> str: ...

class Report:
    def totals(self) -> dict[str, Any]: ...
    def tiles(self) -> bytearray: ...
    def line(self, tile: int) -> str: ...
    @staticmethod
    def line_of(grid: Grid, tile: int, record: bytes) -> str: ...

def counters() -> dict[str, int]: ...
def machine() -> dict[str, Any]: ...
def set_context_callbacks(errors_here: Callable[[], Any], arrive: Callable[[Any], None],
                          put_errors: Callable[[Any], Any]) -> None: ...
def set_callbacks(make_tile: Callable[..., Any], describe: Callable[[BaseException], tuple[bytes, bytes]],
                  clear: Callable[[BaseException], None], dtype_of_descr: Callable[[str], np.dtype[Any]],
                  before_fork: Callable[[], None], in_parent: Callable[[], None], in_child: Callable[[bool], None],
                  is_of_handler: Callable[[BaseException], bool],
                  stalled: Callable[[Any, float, int, int, int, tuple[int, ...]], None], /) -> None: ...
def stall_after(seconds: float, /) -> None: ...
def set_fresh_callbacks(before: Callable[..., Any], look: Callable[..., None]) -> None: ...
def set_result_callbacks(plain: Callable[[Any], np.ndarray[Any, Any]],
                         choose: Callable[[np.dtype[Any], int, int], tuple[np.dtype[Any], Optional[str], int]],
                         no_room: type[Exception]) -> None: ...
def run(pool: Optional[Pool], job: Job, options: RunOptions, /) -> Any: ...
