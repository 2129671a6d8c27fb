"""What runs may be asked for: each option with its name, type, default and check, once. `run` and `evaluate` here have
the parameters of all functions of these names, and give what was asked for as one value."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, Concatenate, NamedTuple, Optional, ParamSpec, TypeVar, Union

import numpy as np

from . import _habits
from ._errors import ArgumentError
from ._grid import Splits, divisions
from ._native import native_kernel
from ._scalars import whole

if TYPE_CHECKING:
    from ._pool import Pool

Tell = Callable[[int, int, float], object]  # tiles done, tiles in all, seconds
Progress = Union[None, bool, Tell]
P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")


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
    edges: Union[str, Mapping[str, str], None]  # one for all axes, or one for each axis
    options: RunOptions
    workers: Optional[int]
    pool: Any
    reduce: Any = None  # how outputs that lack a cut axis become one: for all of them, or a dict from outputs


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


# ---- names, types, defaults --------------------------------------------------------------------------------------------


def run(kernel: Any, signature: str, *operands: Any, out: Any = None, dtype: Any = None,
        cuts: Optional[Mapping[str, Any]] = None, tiles: Optional[Mapping[str, int]] = None,
        parts: Optional[Mapping[str, int]] = None, lengths: Optional[Mapping[str, int]] = None,
        reduce: Union[None, str, Callable[..., object], Mapping[str, Any]] = None,
        workers: Optional[int] = None, pool: Union[str, Pool] = "auto", retries: int = 2, timeout: Optional[float] = None,
        progress: Union[None, bool, Callable[[int, int, float], object]] = None, guard: bool = False, check: bool = False,
        keep_going: bool = False, tiles_per_worker: int = 0, report: bool = False) -> Asked:
    """The run of a kernel."""
    if reduce is not None and isinstance(kernel, str):
        raise ArgumentError("a statement says by itself how it sums, as in s[j] = sum(i: a[i,j]); reduce= is for kernels")
    options = RunOptions(_retries(retries), _seconds(timeout), _tiles_per_worker(tiles_per_worker), bool(keep_going),
                         bool(guard), bool(check), None if progress is None else _progress(progress), bool(report))
    return Asked(_text(kernel, signature) if isinstance(kernel, str) else native_kernel(kernel) or kernel, signature, operands, out, dtype,
                 divisions(cuts, tiles, parts), lengths, None, options, workers, pool, reduce)


def evaluate(statement: str, *, out: Any = None, dtype: Any = None, cuts: Optional[Mapping[str, Any]] = None,
             tiles: Optional[Mapping[str, int]] = None, parts: Optional[Mapping[str, int]] = None,
             lengths: Optional[Mapping[str, int]] = None, edges: Union[str, Mapping[str, str], None] = None,
             workers: Optional[int] = None, pool: Union[str, Pool] = "auto",
             progress: Union[None, bool, Callable[[int, int, float], object]] = None, check: bool = False,
             report: bool = False, operands: Optional[Mapping[str, Any]] = None, **named: Any) -> Asked:
    """That of a statement, which is signature and kernel at once."""
    _habits.refuse_operands(statement, named)
    if not isinstance(statement, str):
        raise TypeError(f"a statement is a text such as 'r[i,j] = y[i] * x[j]', not {type(statement).__name__}")
    options = RunOptions(check=bool(check), progress=None if progress is None else _progress(progress), report=bool(report))
    return Asked(statement, None, _by_name(operands, named), out, dtype, divisions(cuts, tiles, parts), lengths, edges,
                 options, workers, pool)


# ---- what takes them ---------------------------------------------------------------------------------------------------

@functools.lru_cache(maxsize=2)
def _signature(parse: Callable[..., Asked]) -> inspect.Signature:
    return inspect.signature(parse).replace(return_annotation="Any")


def function_of(parse: Callable[P, Asked]) -> Callable[[Callable[[Asked], R]], Callable[P, R]]:
    """Makes what works for an `Asked` a function with the parameters of `run` or `evaluate`."""
    signature = _signature(parse)

    def decorate(work: Callable[[Asked], R]) -> Callable[P, R]:
        @functools.wraps(work)
        def call(*arguments: P.args, **options: P.kwargs) -> R:
            try:
                asked = parse(*arguments, **options)
            except TypeError:
                _refuse_unknown(parse, signature, options)
                raise
            return work(asked)

        _describe(call, parse, signature)
        return call
    return decorate


def method_of(parse: Callable[P, Asked]) -> Callable[[Callable[[S, Asked], R]], Callable[Concatenate[S, P], R]]:
    """The same for a method of a pool, which has its workers: these names are no options."""
    own = [parameter for parameter in _signature(parse).parameters.values()
           if parameter.name not in ("workers", "pool")]
    owner = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    signature = inspect.Signature([owner, *own], return_annotation="Any")

    def decorate(work: Callable[[S, Asked], R]) -> Callable[Concatenate[S, P], R]:
        @functools.wraps(work)
        def call(self: S, /, *arguments: P.args, **options: P.kwargs) -> R:
            operands: Optional[dict[str, Any]] = None
            if "workers" in options or "pool" in options:
                _refuse_unknown(parse, signature, options)
                operands = {name: options.pop(name) for name in ("workers", "pool") if name in options}
            try:
                asked = parse(*arguments, **options)
            except TypeError:
                _refuse_unknown(parse, signature, options)
                raise
            if operands is not None:
                asked = asked._replace(operands=_by_name(operands, dict(asked.operands)))
            return work(self, asked)

        _describe(call, parse, signature)
        return call
    return decorate


def _refuse_unknown(parse: Callable[..., Asked], signature: inspect.Signature, given: Mapping[str, object]) -> None:
    """A TypeError with advice for a name that is no option, unless any name may be that of an operand."""
    parameters = signature.parameters.values()
    if not any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        options = [parameter.name for parameter in parameters if parameter.kind is inspect.Parameter.KEYWORD_ONLY]
        taken = {*options, "kernel", "signature"}  # *operands and self are not given by their names
        _habits.refuse(parse.__name__, (name for name in given if name not in taken), options)


def _describe(call: Any, parse: Callable[..., Asked], signature: inspect.Signature) -> None:
    """What help(), IDEs and typing.get_type_hints read."""
    call.__signature__ = signature
    call.__wrapped__ = parse  # whose module knows the types by their names
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in signature.parameters.values()
                            if parameter.name != "self"} | {"return": signature.return_annotation}
