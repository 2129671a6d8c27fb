"""The options of calls: each with its type, default and check, once. What a call asked for becomes one value, `Asked`.

To add an option:

1. its name and type in one of the TypedDicts below: which one says which functions take it. Type checkers read these;
2. its row in `OPTIONS`: default and check. `help()` and the values of calls are made from both;
3. a field of the same name in `RunOptions` (how a run is done, whatever it computes) or in `Asked` (all else);
4. if statements take it, a line in both overloads of `Evaluate` (they take operands by any name, which no TypedDict can say);
5. its paragraph in the docstring of `run` or `evaluate`, in docs/python.md, and in the tables of tests/package/test_options.py.

A function has them as `**options: Unpack[...]`, is decorated with `shown` and calls `of_kernel` or `of_statement`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Callable, Literal, NamedTuple, Optional, Protocol, TypedDict, TypeVar, Union, overload

import numpy as np

from . import _files, _habits, _nodes
from ._edges import Edges
from ._errors import ArgumentError
from ._grid import Splits, divisions
from ._native import Kernel, native_kernel
from ._placement import Submits
from ._scalars import whole

if TYPE_CHECKING:
    from ._pool import Pool
    from ._prepared import Learns
    from ._report import Report

Tell = Callable[[int, int, float], object]  # tiles done, tiles in all, seconds
Progress = Union[None, bool, Tell]
F = TypeVar("F", bound=Callable[..., Any])
PoolT_contra = TypeVar("PoolT_contra", contravariant=True)
WorkersT_contra = TypeVar("WorkersT_contra", contravariant=True)

KernelFunction: Any = None  # the class of _decorator.py, which sets it

PoolKind = Literal["processes", "threads", "serial"]
AnyPool = Literal["auto", "threads", "processes", "serial"]


# ---- names and types ---------------------------------------------------------------------------------------------------


class _Divided(TypedDict, total=False):
    """Of all that has tiles."""

    cuts: Optional[Mapping[str, Any]]
    tiles: Optional[Mapping[str, int]]
    parts: Optional[Mapping[str, int]]
    lengths: Optional[Mapping[str, int]]
    edges: Edges
    progress: Union[None, bool, Callable[[int, int, float], object]]
    where: Any
    on_tile: Optional[Callable[..., object]]


class _Kept(_Divided, total=False):
    """Of kernels and statements, whatever they are called with."""

    dtype: Any
    check: bool
    resume: Union[bool, Literal["auto"]]
    restart: bool
    verify: bool
    mmap_mode: Optional[Literal["r", "r+", "c"]]
    node: Union[None, str, tuple[int, int]]


class _Into(TypedDict, total=False):
    """Of one call."""

    out: Any


class _Failing(TypedDict, total=False):
    """Of what may fail, or cost a worker."""

    retries: int
    timeout: Optional[float]
    guard: bool
    keep_going: bool
    tiles_per_worker: int


class _Kernel(_Kept, _Failing, total=False):
    """Of kernels."""

    reduce: Union[None, str, Callable[..., object], Mapping[str, Any]]
    version: Union[None, str, int, float]


class KernelOptions(_Kernel, _Into, total=False):
    """Of `Pool.run`, which has its workers."""


class StatementOptions(_Kept, _Into, total=False):
    """Of `Pool.evaluate`."""

    operands: Optional[Mapping[str, Any]]


class Placement(TypedDict, total=False):
    """Where a run is done: of functions that are no methods of a pool."""

    workers: Optional[int]
    pool: Union[AnyPool, Pool, Submits]


class PlacedKernelOptions(KernelOptions, Placement, total=False):
    """Of `run`, `plan`."""


class PlacedStatementOptions(StatementOptions, Placement, total=False):
    """Of `evaluate`, `plan`."""


class MapOptions(_Divided, _Failing, total=False):
    """Of `Pool.map`, which has no outputs."""


class PlacedMapOptions(MapOptions, Placement, total=False):
    """Of `map`."""


class Reported(TypedDict, total=False):
    """Of functions with overloads: those with ``report=True`` give a pair."""

    report: bool


class DecoratorOptions(_Kernel, Placement, Reported, total=False):
    """Of `kernel`, which is called with operands later."""


class FunctionOptions(_Kept, Placement, Reported, total=False):
    """Of `function`, likewise."""


class Evaluate(Protocol[PoolT_contra, WorkersT_contra]):
    """Type of `evaluate`, and of `Pool.evaluate`, for which `pool` and `workers` are names as any other. Operands have any
    name, so the options are listed, as `PlacedStatementOptions` has them."""

    @overload
    def __call__(self, statement: str, *, report: Literal[True], out: Any = ..., dtype: Any = ...,
                 cuts: Optional[Mapping[str, Any]] = ..., tiles: Optional[Mapping[str, int]] = ...,
                 parts: Optional[Mapping[str, int]] = ..., lengths: Optional[Mapping[str, int]] = ...,
                 progress: Union[None, bool, Callable[[int, int, float], object]] = ..., check: bool = ...,
                 resume: Union[bool, Literal["auto"]] = ..., restart: bool = ..., verify: bool = ...,
                 mmap_mode: Optional[Literal["r", "r+", "c"]] = ..., node: Union[None, str, tuple[int, int]] = ...,
                 edges: Edges = ..., operands: Optional[Mapping[str, Any]] = ...,
                 where: Any = ..., on_tile: Optional[Callable[..., object]] = ..., workers: WorkersT_contra = ...,
                 pool: PoolT_contra = ..., **named: Any) -> tuple[Any, Report]: ...

    @overload
    def __call__(self, statement: str, *, report: bool = ..., out: Any = ..., dtype: Any = ...,
                 cuts: Optional[Mapping[str, Any]] = ..., tiles: Optional[Mapping[str, int]] = ...,
                 parts: Optional[Mapping[str, int]] = ..., lengths: Optional[Mapping[str, int]] = ...,
                 progress: Union[None, bool, Callable[[int, int, float], object]] = ..., check: bool = ...,
                 resume: Union[bool, Literal["auto"]] = ..., restart: bool = ..., verify: bool = ...,
                 mmap_mode: Optional[Literal["r", "r+", "c"]] = ..., node: Union[None, str, tuple[int, int]] = ...,
                 edges: Edges = ..., operands: Optional[Mapping[str, Any]] = ...,
                 where: Any = ..., on_tile: Optional[Callable[..., object]] = ..., workers: WorkersT_contra = ...,
                 pool: PoolT_contra = ..., **named: Any) -> Any: ...


# ---- values ------------------------------------------------------------------------------------------------------------


class RunOptions(NamedTuple):
    """How a run is done, whatever it computes. An engine takes it, and the extension reads it in this order."""

    retries: int = 2  # deaths of a worker on one tile; -1: none
    timeout: float = 0.0  # seconds that a tile may take; 0: any
    tiles_per_worker: int = 0  # a worker process is replaced after so many; 0: never
    keep_going: bool = False
    guard: bool = False
    check: bool = False
    progress: Progress = None
    report: bool = False
    only: bytes = b""  # tiles that are run alone, 8 bytes each, ascending; none: all
    on_tile: Any = None  # called with each tile that is done; for the extension with its number and its chosen arrays
    where: Any = None  # a mask, or a dict from a text with its axes to it; for the extension (Array, axes or None)
    copies: bool = False  # workers are not forked again only because that takes less than to copy inputs
    first_tile: int = 0  # of outputs that are another process's: the tiles that are run, from this one on
    tile_count: int = 0  # so many; 0: all

    @property
    def apart(self) -> bool:
        """Processes alone can do that."""
        return self.timeout != 0 or self.guard or self.tiles_per_worker != 0


class Asked(NamedTuple):
    """A call of `run` or `evaluate`: what to compute, from what, into what, where and how."""

    kernel: Any  # a Python callable, a Kernel, or the text of a statement
    signature: Optional[str]  # None: that of the statement
    operands: Any  # in the order of the signature, or by their names
    out: Any
    dtype: Any
    splits: Splits
    lengths: Optional[Mapping[str, int]]
    edges: Edges  # one for all axes, or one for each axis
    options: RunOptions
    workers: Optional[int]
    pool: Any
    reduce: Any = None  # how outputs that lack a cut axis become one: for all of them, or a dict from outputs
    resume: Union[bool, str] = False  # of runs that write files, as all below: continue an unfinished one; "auto": or discard it
    restart: bool = False
    verify: bool = False
    version: Optional[str] = None  # of the kernel; None: its code says which one it is
    mmap_mode: Optional[str] = "r"
    node: Optional[tuple[int, int]] = None  # which one this process is, of how many that write the files together
    folder: Optional[str] = None  # the run folder that a worker of an Executor joins
    portable: bool = False  # kernels are compiled for all processors of this family
    collects: bool = False  # objects that the kernel returns are put into a list
    learner: Optional[Learns] = None  # what remembers calls like this one, of a statement


# ---- checks ------------------------------------------------------------------------------------------------------------


def _retries(retries: object) -> int:
    """0 asks for none, which the library spells -1."""
    number = retries if type(retries) is int else whole(retries, "retries")
    if not 0 <= number < 2**31:
        raise ArgumentError(f"retries is {retries}; it is at least 0" if number < 0 else
                            f"retries is {retries}; it is at most {2**31 - 1}")
    return number if number > 0 else -1


def _seconds(timeout: Any) -> float:
    if timeout is None:
        return 0.0
    if isinstance(timeout, (bool, str, bytes)) or not hasattr(timeout, "__float__"):
        raise TypeError(f"timeout is a number of seconds, or None, not {timeout!r}")
    seconds = float(timeout)
    if not seconds > 0:
        raise ArgumentError(f"timeout is {timeout!r}; it is a positive number of seconds, or None")
    return seconds


def _tiles_per_worker(number: object) -> int:
    found = number if type(number) is int and number < 2**63 else whole(number, "tiles_per_worker")
    if found < 0:
        raise ArgumentError(f"tiles_per_worker is {number}; it is at least 0, where 0 asks for no replacement")
    return found


def _progress(progress: Any) -> Progress:
    """None: nobody wants to know."""
    if progress is True or callable(progress):
        wanted: Progress = progress
        return wanted
    if isinstance(progress, np.ndarray) or progress:
        raise TypeError(f"progress is True, False or a callable, not {progress!r}")
    return None


def _callable(on_tile: Any) -> Any:
    if on_tile is not None and not callable(on_tile):
        raise TypeError(f"on_tile is a callable that gets each finished tile, not {on_tile!r}")
    return on_tile


def _text(kernel: str, signature: object) -> str:
    """A kernel that is a statement, and not the signature in its place."""
    if "->" in kernel and not (isinstance(signature, str) and "->" in signature):
        raise TypeError(f"the kernel comes first, then the signature {kernel!r}")
    return kernel


def _by_name(operands: object, named: dict[str, Any]) -> Mapping[str, Any]:
    """Operands of a statement that are given in both ways."""
    if operands is None:
        return named
    if not isinstance(operands, Mapping):
        raise TypeError(f"operands is a dict from names to arrays, not {type(operands).__name__}")
    for name in operands:
        if not isinstance(name, str):
            raise TypeError(f"operands: an operand is named by a text, not {name!r}")
        if name in named:
            raise ArgumentError(f"{name} is given twice, in operands and by its name")
    return {**operands, **named}


# ---- defaults ----------------------------------------------------------------------------------------------------------


class Option(NamedTuple):
    """One that is not given has the default; the check makes of what is given what is kept. None: it is kept as it is."""

    default: Any = None
    check: Optional[Callable[[Any], Any]] = None


OPTIONS = {  # in the order in which help() lists them
    "out": Option(),
    "dtype": Option(),
    "cuts": Option(),
    "tiles": Option(),
    "parts": Option(),
    "lengths": Option(),
    "edges": Option(),
    "reduce": Option(),
    "workers": Option(),
    "pool": Option("auto"),
    "retries": Option(2, _retries),
    "timeout": Option(None, _seconds),
    "progress": Option(None, _progress),
    "guard": Option(False, bool),
    "check": Option(False, bool),
    "keep_going": Option(False, bool),
    "tiles_per_worker": Option(0, _tiles_per_worker),
    "where": Option(),
    "on_tile": Option(None, _callable),
    "report": Option(False, bool),
    "resume": Option(False, _files.resume),
    "restart": Option(False, bool),
    "verify": Option(False, bool),
    "version": Option(None, _files.version),
    "mmap_mode": Option("r", _files.mmap_mode),
    "node": Option(None, _nodes.node),
    "operands": Option(),
}


class Takes:
    """What options a function takes: those of `keys`."""

    def __init__(self, name: str, *keys: Any) -> None:
        self.name = name
        types: dict[str, Any] = {}
        for some in keys:
            types.update(some.__annotations__)
        self.types = {option: types[option].__forward_arg__ for option in OPTIONS if option in types}
        self.checks = {option: OPTIONS[option].check for option in self.types}

    def refuse(self, given: Mapping[str, object]) -> None:
        """A TypeError with advice if there is a name that is no option."""
        _habits.refuse(self.name, (name for name in given if name not in self.checks), self.types)


class TakesEither:
    """What a function takes with a kernel, what with a statement, and what help() shows: both."""

    def __init__(self, name: str, kernel: Any, statement: Any, *keys: Any) -> None:
        self.kernel, self.statement = Takes(name, kernel, *keys), Takes(name, statement, *keys)
        self.all = Takes(name, kernel, statement, *keys)


RUN = Takes("run", PlacedKernelOptions, Reported)
POOL_RUN = Takes("run", KernelOptions, Reported)
EVALUATE = Takes("evaluate", PlacedStatementOptions, Reported)
POOL_EVALUATE = Takes("evaluate", StatementOptions, Reported)
ITERATE = TakesEither("iterate", PlacedKernelOptions, PlacedStatementOptions, Reported)
SUBMIT = TakesEither("submit", PlacedKernelOptions, PlacedStatementOptions, Reported)
MAP = Takes("map", PlacedMapOptions, Reported)
POOL_ITERATE = TakesEither("iterate", KernelOptions, StatementOptions, Reported)
POOL_SUBMIT = TakesEither("submit", KernelOptions, StatementOptions, Reported)
POOL_MAP = Takes("map", MapOptions, Reported)
KERNEL = Takes("kernel", DecoratorOptions)
FUNCTION = Takes("function", FunctionOptions)
PLAN = Takes("plan", PlacedKernelOptions, PlacedStatementOptions, Reported)


# ---- what a call asks for ----------------------------------------------------------------------------------------------

_PLAIN = RunOptions()
_KEPT: dict[str, Any] = {name: option.default if option.check is None else option.check(option.default)
                         for name, option in OPTIONS.items()} | \
                       {"only": _PLAIN.only, "copies": _PLAIN.copies, "first_tile": 0, "tile_count": 0, "options": _PLAIN, "folder": None,
                        "portable": False, "collects": False, "learner": None}
_run_options = itemgetter(*RunOptions._fields)
_asked = itemgetter(*Asked._fields)


def of_kernel(takes: Takes, kernel: Any, signature: Any, operands: tuple[Any, ...], given: Mapping[str, Any]) -> Asked:
    """Of a call with a signature; the kernel may be a statement too."""
    kept = _KEPT.copy()
    if given:
        checks = takes.checks
        for name, value in given.items():
            if name not in checks:
                takes.refuse(given)
            check = checks[name]
            kept[name] = value if check is None else check(value)
        kept["options"] = tuple.__new__(RunOptions, _run_options(kept))
    if isinstance(kernel, str):
        if kept["reduce"] is not None:
            raise ArgumentError("a statement says by itself how it sums, as in s[j] = sum(i: a[i,j]); reduce= is for kernels")
        if kept["version"] is not None:
            raise ArgumentError("a statement is known by its text; version= is for kernels")
        kernel = _text(kernel, signature)
    else:
        if type(kernel) is KernelFunction:
            kernel = kernel.body
        kernel = native_kernel(kernel) or kernel
    return _made(kept, kernel, signature, operands)


def of_statement(takes: Takes, statement: Any, given: Mapping[str, Any]) -> Asked:
    """Of a call with operands by their names, which are all names in `given` that are no options."""
    kept = _KEPT.copy()
    checks = takes.checks
    operands: dict[str, Any] = {}
    plain = True
    for name, value in given.items():
        if name in checks:
            check = checks[name]
            kept[name] = value if check is None else check(value)
            plain = False
        else:
            operands[name] = value
    _habits.refuse_operands(statement, operands)
    if not isinstance(statement, str):
        raise TypeError(f"a statement is a text such as 'r[i,j] = y[i] * x[j]', not {type(statement).__name__}")
    if not plain:
        kept["options"] = tuple.__new__(RunOptions, _run_options(kept))
        if kept["operands"] is not None:
            return _made(kept, statement, None, _by_name(kept["operands"], operands))
    return _made(kept, statement, None, operands)


def is_bare(takes: Takes, given: Mapping[str, Any]) -> bool:
    """Nothing but operands, and perhaps out."""
    return takes.checks.keys().isdisjoint(given) or takes.checks.keys() & given.keys() == {"out"}


def of_either(takes: TakesEither, kernel: Any, signature: Any, operands: tuple[Any, ...], given: Mapping[str, Any]) -> Asked:
    """Of a call that takes a kernel with its signature, or a statement and operands by their names."""
    if isinstance(kernel, str) and signature is None:
        if operands:
            raise TypeError("the operands of a statement are given by their names")
        return of_statement(takes.statement, kernel, given)
    return of_kernel(takes.kernel, kernel, signature, operands, given)


def of_map(takes: Takes, kernel: Any, signature: Any, operands: tuple[Any, ...], given: Mapping[str, Any]) -> Asked:
    """Of a call whose kernel returns objects."""
    for name in given:
        if name in RUN.checks and name not in takes.checks and name not in Placement.__annotations__:
            raise ArgumentError(f"map gives a list of what the tiles return; {name}= is for outputs, which it does not have")
    asked = of_kernel(takes, kernel, signature, operands, given)
    if isinstance(asked.kernel, (str, Kernel)):
        raise TypeError("map is for Python callables, which return an object for each tile")
    return asked._replace(collects=True)


def _made(kept: dict[str, Any], kernel: Any, signature: Optional[str], operands: Any) -> Asked:
    kept["kernel"], kept["signature"], kept["operands"] = kernel, signature, operands
    kept["splits"] = divisions(kept["cuts"], kept["tiles"], kept["parts"])
    kept["portable"] = kept["node"] is not None
    return tuple.__new__(Asked, _asked(kept))


# ---- what help() shows -------------------------------------------------------------------------------------------------


def shown(takes: Takes) -> Callable[[F], F]:
    """Lets help(), IDEs and typing.get_type_hints see the options of a function with `**options` one by one."""
    def describe(function: F) -> F:
        _describe(function, takes)
        return function
    return describe


def evaluating(function: Callable[..., Any]) -> Evaluate[Union[AnyPool, Pool, Submits], Optional[int]]:
    """The same for `evaluate`, which takes operands by any name besides."""
    _describe(function, EVALUATE)
    return function


def evaluating_in_pool(method: Callable[..., Any]) -> Evaluate[Any, Any]:
    """The same for `Pool.evaluate`."""
    _describe(method, POOL_EVALUATE)
    return method


def _describe(function: Any, takes: Takes) -> None:
    own = inspect.signature(function)
    parameters = {name: one for name, one in own.parameters.items() if one.kind is not inspect.Parameter.VAR_KEYWORD}
    for name, annotation in takes.types.items():
        parameters.setdefault(name, inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=OPTIONS[name].default,
                                                      annotation=annotation))
    if "operands" in takes.types:
        parameters["named"] = inspect.Parameter("named", inspect.Parameter.VAR_KEYWORD, annotation="Any")
    function.__signature__ = own.replace(parameters=list(parameters.values()))
    function.__wrapped__ = of_kernel  # whose module knows the types by their names
    function.__annotations__ = {name: one.annotation for name, one in parameters.items() if name != "self"} | {
        "return": own.return_annotation}
