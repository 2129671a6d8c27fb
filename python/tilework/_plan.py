"""What a run will cost, said before it: the plan, and how it is made."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional, Union, overload

import numpy as np

from . import _options, _tilework, _ufuncs
from ._errors import ArgumentError, of_failure
from ._local import Engine
from ._native import inner_of
from ._options import Asked
from ._placement import has_no_gil, is_engine, workers_of
from ._pool import Pool
from ._report import POOLS
from ._request import NOTHING, Request
from ._scalars import whole
from ._statement import StatementRequest

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._options import AnyPool, PlacedKernelOptions

SECONDS = 0.3  # that timing tiles may take


class Forecast:
    """What a run costs in one kind of pool.

    Attributes
    ----------
    pool : str
        ``"serial"``, ``"threads"`` or ``"processes"``.
    workers : int
    seconds : float
        Of the whole call; the sum of ``tiles``, ``fresh`` (new pages of the results), ``copies`` (of private operands to
        the workers), ``opening`` (of the pool, and the call itself) and ``disk``.
    bytes_per_second : float
        Read and written.
    limit : str
        ``"compute"``, ``"memory"``, ``"dispatch"``, ``"copies"``, ``"disk"``, ``"opening"``, ``"tiles"`` or ``"lock"``.
    """

    def __init__(self, facts: dict[str, Any]) -> None:
        self.pool: str = POOLS[facts["pool"]]
        self.workers: int = facts["workers"]
        self.seconds: float = facts["seconds"]
        self.tiles: float = facts["tiles"]
        self.fresh: float = facts["fresh"]
        self.copies: float = facts["copies"]
        self.opening: float = facts["opening"]
        self.disk: float = facts["disk"]
        self.bytes_per_second: float = facts["bytes_per_second"]
        self.limit: str = facts["limit"]

    @property
    def name(self) -> str:
        return "serial" if self.pool == "serial" else f"{self.workers} {self.pool if self.workers != 1 else _one(self.pool)}"

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))

    def __repr__(self) -> str:
        return f"<{self.name}: {_tilework.seconds_text(self.seconds)}, {self.limit}>"


class NodePlan:
    """What a run takes on several nodes: ``plan.on_nodes``, with ``tw.plan(..., nodes=N)``.

    Attributes
    ----------
    nodes, workers : int
        How many, and the workers of each.
    tiles : int
        Of the node with the largest share.
    bytes_read, bytes_written : float
        By all nodes together; ``node_read``, ``node_written`` by the node with most.
    node_memory : float
        Bytes in use on a node: the tiles of its workers, and inputs that every tile needs whole.
    seconds : float
        If each node is a machine like this one and all begin together.
    file_system : str
        Of the output's folder; ``is_coherent``: what one machine writes there harms no byte beside it.
    fits : bool
        Whether the tiles suit the file system: else a run is refused.
    whole, cuts, rules, advice : str
        One sentence each: what every tile needs whole, in what pieces tiles are written, what holds on the file system, what to do.
    sbatch : str
        The submission to Slurm, to which the script is added: ``sbatch --array=0-7 ...``.
    """

    def __init__(self, facts: dict[str, Any]) -> None:
        self.nodes: int = facts["nodes"]
        self.workers: int = facts["workers"]
        self.tiles: int = facts["tiles"]
        self.bytes_read: float = facts["bytes_read"]
        self.bytes_written: float = facts["bytes_written"]
        self.node_read: float = facts["node_read"]
        self.node_written: float = facts["node_written"]
        self.node_memory: float = facts["node_memory"]
        self.seconds: float = facts["seconds"]
        self.file_system: str = facts["file_system"]
        self.is_coherent: bool = facts["is_coherent"]
        self.fits: bool = facts["fits"]
        self.whole: str = facts["whole"]
        self.cuts: str = facts["cuts"]
        self.rules: str = facts["rules"]
        self.advice: str = facts["advice"]
        self.sbatch: str = facts["sbatch"]

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))

    def _lines(self) -> list[str]:
        rows = [("reads", f"{_bytes(self.bytes_read)} in all, {_bytes(self.node_read)} by one node at most"),
                ("writes", f"{_bytes(self.bytes_written)} in all, {_bytes(self.node_written)} by one node at most"),
                ("memory", f"{_bytes(self.node_memory)} on each node"), ("every tile needs", self.whole), ("cuts", self.cuts),
                ("file system", self.rules)]
        return [f"on {self.nodes} node{'s' * (self.nodes != 1)} of {self.workers} workers: {_tilework.seconds_text(self.seconds)}, "
                "if each is like this one", *(f"{name:16} {text}" for name, text in rows if text), self.advice, f"{self.sbatch} SCRIPT"]

    def __repr__(self) -> str:
        return "\n".join(self._lines())


class Plan:
    """What a run will cost.

    Attributes
    ----------
    advice : str
        One sentence.
    tiles : int
    why : str
        How the job is divided.
    bytes_read, bytes_written, operations : float
        Between memory and the caches, in all; ``operations`` is 0 where they are not known.
    forecasts : tuple of Forecast
        Serial, then threads and processes with 1, 2, 4, ... workers.
    best : Forecast
    timed : int
        How many tiles were timed; ``shortest``, ``mean``, ``longest`` of these, in seconds.
    set_up : float
        Seconds that a tile takes however small it is.
    together : float
        How many times as long a tile takes if all workers run tiles; 0: not known.
    at_least : bool
        A tile took longer than there was time: all seconds are lower bounds.
    note : str
        Why no tile was timed; empty: nothing went wrong.
    bandwidth : tuple of dict
        What 1, 2, 4, ... threads read, write and copy, in bytes a second.
    on_nodes : NodePlan or None
        With ``nodes=``.
    """

    def __init__(self, facts: dict[str, Any]) -> None:
        self.advice: str = facts["advice"]
        self.tiles: int = facts["tiles"]
        self.why: str = facts["why"]
        self.bytes_read: float = facts["bytes_read"]
        self.bytes_written: float = facts["bytes_written"]
        self.operations: float = facts["operations"]
        self.forecasts = tuple(Forecast(row) for row in facts["forecasts"])
        self.best: Forecast = self.forecasts[facts["best"]]
        self.timed: int = facts["timed"]
        self.shortest: float = facts["shortest"]
        self.mean: float = facts["mean"]
        self.longest: float = facts["longest"]
        self.set_up: float = facts["set_up"]
        self.together: float = facts["together"]
        self.at_least: bool = facts["at_least"]
        self.note: str = facts["note"]
        self.bandwidth: tuple[dict[str, float], ...] = facts["bandwidth"]
        self.on_nodes: Optional[NodePlan] = None if facts["on_nodes"] is None else NodePlan(facts["on_nodes"])

    def forecast(self, pool: str, workers: Optional[int] = None) -> Forecast:
        """That of a kind of pool; `workers` None: of as many as there are."""
        found = [row for row in self.forecasts if row.pool == pool and workers in (None, row.workers)]
        if not found:
            raise KeyError(f"no forecast of {pool} with {workers} workers: " + ", ".join(row.name for row in self.forecasts))
        return found[-1]

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain Python values, as JSON could hold them."""
        facts = dict(vars(self))
        facts["forecasts"] = [row.to_dict() for row in self.forecasts]
        facts["best"] = self.forecasts.index(self.best)
        facts["bandwidth"] = [dict(row) for row in self.bandwidth]
        facts["on_nodes"] = None if self.on_nodes is None else self.on_nodes.to_dict()
        return facts

    def _facts(self) -> list[str]:
        work = f"reads {_bytes(self.bytes_read)}, writes {_bytes(self.bytes_written)}"
        if self.operations:
            work += f", {self.operations:.3g} operations"
        if self.note:
            timed = f"no tile was timed: {self.note}"
        elif self.timed:
            timed = (f"timed {self.timed} tile{'s' * (self.timed > 1)}: {'at least ' * self.at_least}{_tilework.seconds_text(self.mean)} each "
                     f"({_tilework.seconds_text(self.shortest)} to {_tilework.seconds_text(self.longest)})")
        else:
            timed = "from counts alone: no tile was run"
        return [self.why, work, timed]

    def _rows(self) -> list[tuple[str, str, str, str]]:
        return [(row.name, _tilework.seconds_text(row.seconds), f"{row.bytes_per_second / 1e9:.2f}",
                 row.limit + "   <- best" * (row is self.best)) for row in self.forecasts]

    def __repr__(self) -> str:
        head = ("", "at least" if self.at_least else "predicted", "GB/s", "limit")
        lines = [f"{name:16} {seconds:>12} {speed:>10}   {limit}" for name, seconds, speed, limit in [head, *self._rows()]]
        nodes = [] if self.on_nodes is None else ["", repr(self.on_nodes)]
        return "\n".join([*self._facts(), "", *lines, "", self.advice, *nodes])

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr style='font-weight:{'bold' if row is self.best else 'normal'}'><td style='text-align:left'>{row.name}</td>"
                       f"<td>{_tilework.seconds_text(row.seconds)}</td><td>{row.bytes_per_second / 1e9:.2f}</td><td>{row.limit}</td></tr>"
                       for row in self.forecasts)
        facts = "<br/>".join(_escaped(line) for line in self._facts())
        return (f"<div><div>{facts}</div><table><tr><th></th><th>{'at least' if self.at_least else 'predicted'}</th><th>GB/s</th>"
                f"<th>limit</th></tr>{rows}</table><div>{_escaped(self.advice)}</div>{self._nodes_html()}</div>")

    def _nodes_html(self) -> str:
        return "" if self.on_nodes is None else "<div>" + "<br/>".join(_escaped(line) for line in self.on_nodes._lines()) + "</div>"


def _one(pool: str) -> str:
    return {"threads": "thread", "processes": "process"}[pool]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _bytes(value: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.3g} {unit}"
        value /= 1024
    return f"{value:.3g} TiB"


setattr(_options, "Plan", Plan)  # for those who read the type of `plan` while a program runs


# ---- how it is made ----------------------------------------------------------------------------------------------------


def _asked_run(kernel: Any, signature: Any, *operands: Any, **options: Any) -> _options.Asked:
    return _options.of_kernel(_options.RUN, kernel, signature, operands, options)


@overload
def plan(kernel: Any, signature: str, /, *operands: Any, no_run: bool = ..., measure: bool = ..., nodes: Optional[int] = ...,
         report: bool = ..., **options: Unpack[PlacedKernelOptions]) -> Plan: ...
@overload
def plan(kernel: str, /, *, no_run: bool = ..., measure: bool = ..., nodes: Optional[int] = ..., pool: Union[AnyPool, Pool] = ...,
         workers: Optional[int] = ..., **named: Any) -> Plan: ...
@_options.shown(_options.PLAN)
def plan(kernel: Any, /, *operands: Any, no_run: bool = False, measure: bool = False, nodes: Optional[int] = None,
         **named: Any) -> Plan:
    """Say what a run will cost, before it: serially, on threads and on processes, and whether more workers pay.

    Takes the arguments of :func:`run`, or those of :func:`evaluate` if the first is a statement:
    ``plan(operate, "y[i], x[j] -> r[i,j]", y, x)``, ``plan("s[] = sum(i: y[i])", y=y)``.

    Some tiles are timed in worker processes, for 0.3 seconds at most. So the kernel is called, but what it does to arrays
    is discarded, and if it crashes, the program does not. No result is made.

    Parameters
    ----------
    kernel, *operands, **named
        As for :func:`run` or :func:`evaluate`. ``workers`` is the most that is looked at. With a :class:`Pool` as ``pool``
        opening one costs nothing.
    no_run : bool
        Run no tile: predict from counts alone.
    measure : bool
        Measure the memory bandwidth of this machine again. It is measured once, in less than half a second, and kept in
        the cache folder.
    nodes : int, optional
        Also say what a run with ``node="auto"`` takes on so many machines like this one: ``plan.on_nodes``. ``out="r.npy"`` says
        on which file system.

    Returns
    -------
    Plan

    Raises
    ------
    ArgumentError, NotationError
        The request makes no sense: as :func:`run`.

    Examples
    --------
    >>> import numpy as np, tilework as tw
    >>> plan = tw.plan("r[i,j] = y[i] * x[j]", y=np.arange(200.0), x=np.arange(300.0))
    >>> plan.bytes_written, plan.forecasts[0].pool
    (480000.0, 'serial')
    >>> isinstance(plan.advice, str)
    True
    """
    if isinstance(kernel, str) and not operands:
        asked = _options.of_statement(_options.EVALUATE, kernel, named)
    else:
        asked = _asked_run(kernel, *operands, **named)
    return Plan(_facts(asked, bool(no_run), bool(measure), _on(nodes, asked.out)))


def _on(nodes: Optional[int], out: Any) -> tuple[int, Optional[str]]:
    """How many nodes, 0 for none, and the folder of the first output that is a file."""
    if nodes is None:
        return 0, None
    number = whole(nodes, "nodes")
    if not 1 <= number <= 1_000_000_000:
        raise ArgumentError(f"nodes is {number}; it is from 1 to 1000000000")
    for one in out.values() if isinstance(out, Mapping) else out if isinstance(out, (tuple, list)) else (out,):
        if isinstance(one, (str, os.PathLike)):
            return number, os.path.dirname(os.path.abspath(os.fspath(one)))
    return number, None


def _facts(asked: Asked, no_run: bool, measure: bool, on: tuple[int, Optional[str]]) -> dict[str, Any]:
    if is_engine(asked.pool) and not isinstance(asked.pool, Pool):
        raise ArgumentError("a plan is for the workers of this machine: plan without pool= an Executor")
    pool = asked.pool if isinstance(asked.pool, Pool) else None
    workers = pool.workers if pool is not None else workers_of(asked.workers) or _tilework.machine()["workers"]
    is_open = pool is not None and pool.kind == "processes"
    if isinstance(asked.kernel, str):
        statement = StatementRequest(asked)
        try:
            return _native(statement, statement.wrapped, workers, no_run, measure, is_open, on)
        finally:
            statement.close()
    request = Request(asked)
    if request.native is not None:
        from ._memory import wrapped
        arrays = tuple(None if array is None else wrapped(array) for array in request.arrays)
        return _native(request, arrays, workers, no_run, measure, is_open, on)
    return _python(request, workers, no_run, measure, is_open, on)


def _native(request: Request, arrays: tuple[Any, ...], workers: int, no_run: bool, measure: bool, is_open: bool,
            on: tuple[int, Optional[str]]) -> dict[str, Any]:
    request.divide(True)
    statement = getattr(request, "statement", None)
    opening = (0.0, 0.0) if is_open or no_run else _opening(workers)
    return _made(inner_of(request.native), request, arrays, statement.inner if statement is not None else None,  # type: ignore[arg-type]
                 workers, no_run, measure, is_open, opening, None, on)


def _python(request: Request, workers: int, no_run: bool, measure: bool, is_open: bool, on: tuple[int, Optional[str]]) -> dict[str, Any]:
    from . import _trial  # which few programs need
    from ._memory import wrapped
    at_once = min(workers, _tilework.machine()["workers"])
    unlocked = has_no_gil() or bool(_ufuncs.releases_lock(request.kernel))
    opening, gave = (0.0, 0.0), dict[int, np.dtype[Any]]()
    if no_run:
        sample = _trial.nothing(None)
        engine = Engine("serial", one_run=True)
        request.prepare(engine._known(request).manner)
    else:
        sample, opening, gave = _trial.take(request, at_once, SECONDS, unlocked)
        if not is_open:
            one, several = _opening(at_once)
            opening = min(opening[0], one), min(opening[1], several)
    arrays = tuple(None if array is None or array.dtype is NOTHING else wrapped(array) for array in request.arrays)
    kernel = _tilework.Kernel.python(request.kernel, False, "kernel")
    return _made(kernel, request, arrays, None, workers, True, measure, is_open, opening, sample, on, gave)


def _made(kernel: _tilework.Kernel, request: Request, arrays: tuple[Any, ...], statement: Any, workers: int, no_run: bool,
          measure: bool, is_open: bool, opening: tuple[float, float], sample: Any, on: tuple[int, Optional[str]],
          gave: Optional[dict[int, np.dtype[Any]]] = None) -> dict[str, Any]:
    dtypes = tuple((gave or {}).get(k, np.dtype(float)) if dtype is NOTHING else dtype for k, dtype in enumerate(request.dtypes))
    # Pages of outputs whose dtype the kernel chooses are new in each trial: they are in the tiles' times.
    made = [array is None and k not in request.deferred for k, array in enumerate(arrays) if k in request.notation.outs]
    try:
        found: dict[str, Any] = _tilework.plan(kernel, request.grid, arrays, dtypes, statement, workers, no_run, measure, is_open,
                                               not any(made), opening[0], opening[1], *_call_seconds(), sample, *on)
    except _tilework.Failure as failure:
        raise of_failure(failure) from None
    return found


@functools.lru_cache(maxsize=1)
def _call_seconds() -> tuple[float, float]:
    """What a call of `run` takes that has next to nothing to do: serially, and on threads that are kept."""
    from ._functions import run
    x, found = np.zeros(1), []
    for pool in ("serial", "threads"):
        times = []
        for _ in range(9):
            began = time.perf_counter()
            run(_nothing, "x[i] -> r[i]", x, pool=pool)
            times.append(time.perf_counter() - began)
        found.append(min(times))
    return found[0], found[1]


def _nothing(x: Any) -> Any:
    return x


def _opening(workers: int) -> tuple[float, float]:
    """Seconds that opening and closing a pool of one, and of all, worker processes takes."""
    found = []
    for count in (1, workers):
        times: list[float] = []
        while len(times) < 5 and sum(times) < 0.05:  # the shortest counts: what disturbs makes it longer
            began = time.perf_counter()
            engine = Engine("processes")
            engine.open(count)
            engine.close()
            times.append(time.perf_counter() - began)
        found.append(min(times))
    return found[0], found[1]
