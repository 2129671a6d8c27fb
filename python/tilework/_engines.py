"""The engines whose workers run tiles: any Executor of concurrent.futures, and Dask's Client. What differs between them is here."""

from __future__ import annotations

import concurrent.futures
import sys
from collections.abc import Iterable
from typing import Any, Callable, Optional

from . import _tilework
from ._errors import ArgumentError, PoolError
from ._placement import Submits


def engine_of(pool: Any) -> Engine:
    module = type(pool).__module__.partition(".")[0]
    if module == "distributed":
        return Dask(pool) if not isinstance(pool, concurrent.futures.Executor) else DaskExecutor(pool)
    return Engine(pool)


def advice(pool: object) -> str:
    """Why something that was given as a pool is none, if that is known."""
    kind = type(pool)
    module = kind.__module__
    if isinstance(pool, type):
        return f"pool is the class {pool.__name__}: give an object of it, {pool.__name__}(...)"
    if module.startswith("multiprocessing.pool") or kind.__name__ in ("MPIPool",):
        return "a multiprocessing.Pool is no Executor: give concurrent.futures.ProcessPoolExecutor()"
    if module.startswith(("distributed", "dask_jobqueue")) and hasattr(pool, "scheduler_address"):
        return f"a {kind.__name__} has workers, but takes no tasks: give distributed.Client(cluster)"
    if module.startswith("ipyparallel"):
        return "a Client of ipyparallel takes no tasks by itself: give client[:].executor"
    if module.startswith("parsl"):
        return "give parsl.concurrent.ParslPoolExecutor(config)"
    return ""


class Engine:
    """An Executor. Any thread may submit."""

    def __init__(self, pool: Submits) -> None:
        self.pool = pool
        self.name = type(pool).__name__
        self.cores = int(_tilework.machine()["workers"])

    @property
    def is_in_process(self) -> bool:
        """Its workers are threads of this process."""
        return isinstance(self.pool, concurrent.futures.ThreadPoolExecutor)

    def slots(self) -> Optional[int]:
        """How many tasks run at the same time; None: it does not say. 0: it is certain that it has no worker now."""
        for name in ("_max_workers", "num_workers"):
            try:
                found = getattr(self.pool, name, None)
            except Exception:  # pylint: disable=broad-except  # a property of somebody else's
                continue
            if isinstance(found, int) and not isinstance(found, bool) and found > 0:
                return found
        return None

    def start_some(self) -> str:
        """How to give it workers, in words."""
        return ""

    def share(self) -> int:
        """Threads that a task with a native kernel may use."""
        here = type(self.pool).__module__.startswith(("concurrent.futures", "loky", "joblib.externals.loky"))
        slots = self.slots()
        return max(1, self.cores // slots) if here and slots is not None else 1

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """A PoolError if it takes no more tasks."""
        try:
            future = self._submit(function, *arguments)
        except PoolError:
            raise
        except (RuntimeError, concurrent.futures.BrokenExecutor, ValueError) as error:
            raise PoolError(f"{self.name} takes no more tasks: {_words(error)}") from error
        if not callable(getattr(future, "add_done_callback", None)) or not callable(getattr(future, "result", None)):
            raise ArgumentError(f"{self.name}.submit gives a {type(future).__name__}, which is no future: it needs add_done_callback and "
                                "result")
        return future

    def _submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return self.pool.submit(function, *arguments)

    def withdraw(self, futures: Iterable[Any]) -> None:
        """Those that have not begun do not begin; those that run still give their answer."""
        self.cancel(futures)

    def cancel(self, futures: Iterable[Any]) -> None:
        """Nobody waits for them."""
        for future in futures:
            if callable(getattr(future, "cancel", None)):
                try:
                    future.cancel()
                except Exception:  # pylint: disable=broad-except  # a broken engine
                    pass

    def ended(self, error: Optional[BaseException]) -> Optional[str]:
        """Why no task will ever run there again, if a task failed with that error; None: another try makes sense."""
        if isinstance(error, concurrent.futures.BrokenExecutor):
            return f"{self.name} is broken, since one of its workers has ended: {_words(error)}"
        if isinstance(error, (ModuleNotFoundError, ImportError)) and "tilework" in str(error):
            return f"the workers of {self.name} cannot import tilework ({_words(error)}): install it there too"
        return None

    def deaths(self, error: BaseException) -> int:
        """How many workers a task has cost, if it failed with that error."""
        return 1


class Dask(Engine):
    """A Client of Dask's distributed scheduler. Its futures are no futures of concurrent.futures."""

    def __init__(self, pool: Any) -> None:
        super().__init__(pool)
        if getattr(pool, "asynchronous", False):
            raise ArgumentError("an asynchronous Client needs its own event loop for each call: give one with asynchronous=False")
        self.client = pool
        self.name = "the Dask Client"

    @property
    def is_in_process(self) -> bool:
        return False

    def slots(self) -> Optional[int]:
        return _threads_of(self.client)

    def start_some(self) -> str:
        return _ways_to_start(self.client)

    def share(self) -> int:
        """A worker runs as many tasks as it has threads."""
        return 1

    def _submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        if self.client.status not in ("running", "connecting"):
            raise PoolError(f"the Dask Client is {self.client.status}")
        return self.client.submit(function, *arguments, pure=False)  # two tasks with equal arguments are two tasks

    def withdraw(self, futures: Iterable[Any]) -> None:
        """None: a task that is cancelled gives no answer there, whether it runs or not. Those that begin now end at once."""

    def cancel(self, futures: Iterable[Any]) -> None:
        waiting = list(futures)
        if waiting and self.client.status == "running":
            try:
                self.client.cancel(waiting, force=True)
            except Exception:  # pylint: disable=broad-except  # the scheduler is not there any more
                pass

    def ended(self, error: Optional[BaseException]) -> Optional[str]:
        if self.client.status != "running":
            return f"{self.name} has lost its scheduler (the client is {self.client.status})"
        if error is not None and "scheduler-connection-lost" in f"{error} {getattr(error, 'reason', '')}":
            return f"{self.name} has lost its scheduler"
        return super().ended(error)

    def deaths(self, error: BaseException) -> int:
        """Dask itself has tried so often."""
        killed: Any = getattr(sys.modules.get("distributed.scheduler"), "KilledWorker", ())
        return int(getattr(error, "allowed_failures", 3)) + 1 if isinstance(error, killed) else 1


class DaskExecutor(Engine):
    """What `Client.get_executor()` gives: an Executor, which does not say how many workers its client has."""

    def slots(self) -> Optional[int]:
        client = getattr(self.pool, "_client", None)
        return _threads_of(client) if client is not None else None

    def start_some(self) -> str:
        return _ways_to_start(getattr(self.pool, "_client", None))


def _threads_of(client: Any) -> Optional[int]:
    """Of all workers of a client."""
    try:
        return int(sum(client.nthreads().values())) if client.status == "running" else None
    except Exception:  # pylint: disable=broad-except  # the scheduler is not there now
        return None


def _ways_to_start(client: Any) -> str:
    address = getattr(getattr(client, "scheduler", None), "address", "ADDRESS")
    return f"cluster.scale(2), or in a shell: dask worker {address}"


def _words(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
