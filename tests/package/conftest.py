"""What the tests of the package share: pools of every kind, and counters that must be where they were after each test."""

import concurrent.futures
import contextlib
import gc
import importlib.util
import os
import pathlib
import subprocess
import sys
import textwrap
import threading
import time
import traceback
import types

import hypothesis
import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))  # sampling.py

import executors

import tilework as tw
from tilework import _grid, _prepared, _signature, _statement, _tilework

hypothesis.settings.register_profile("tilework", deadline=None, max_examples=60,
                                     suppress_health_check=list(hypothesis.HealthCheck), print_blob=True)
hypothesis.settings.load_profile("tilework")


def wait_for_threads(seconds=60):
    """Waits until the threads of runs have ended: a future is done a moment before the thread that has set it lets go of it."""
    end = time.monotonic() + seconds
    for thread in threading.enumerate():
        if thread.name == "tilework" and thread is not threading.current_thread():
            thread.join(max(0, end - time.monotonic()))


def live():
    """Live objects of the library that nobody keeps for later."""
    wait_for_threads()
    _prepared.known.clear()
    _statement.known.clear()
    _grid.grid_for.cache_clear()
    _signature.lengths_of.cache_clear()
    _signature.notation_of.cache_clear()
    tw.close_idle()
    gc.collect()
    return tw.counters()


def pytest_collection_finish():
    """What is imported by now stays: every later gc.collect(), two for each test, need not look at it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def what_is_known_stays():
    """What the files before this one have imported (Numba, Dask) need not be looked at again either."""
    gc.collect()
    gc.freeze()


def children():
    """Process ids of this process's children."""
    with open(f"/proc/{os.getpid()}/task/{os.getpid()}/children") as file:
        return {int(word) for word in file.read().split()}


def wait_until_gone(pids, seconds=60):
    """Waits until none of these processes runs; those that have ended without being waited for are gone too."""
    end = time.monotonic() + seconds
    for pid in pids:
        while True:
            try:
                state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            except (FileNotFoundError, ProcessLookupError):
                break
            if state in "ZX":
                break
            assert time.monotonic() < end, f"process {pid} is still there"
            time.sleep(0.02)


def descriptors():
    """Open descriptors, each with what it is open on."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the one of the listing itself
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
    return found


def what_is_left(test, before, after):
    """What a test has left, in words: counters, processes, descriptors, threads, and what Python knows that refers to the objects."""
    lines = [f"after {test}:"]
    lines += [f"{name}: {before[0][name]} before, {count} after" for name, count in after[0].items() if count != before[0][name]]
    lines += [f"child {pid} is {'new' if pid in after[1] else 'gone'}" for pid in sorted(after[1] ^ before[1])]
    lines += [f"descriptor {fd}: {before[2].get(fd)} before, {after[2].get(fd)} after" for fd in sorted({**before[2], **after[2]})
              if after[2].get(fd) != before[2].get(fd)]
    frames = sys._current_frames()
    for thread in threading.enumerate():
        lines.append(f"thread {thread.name} (daemon: {thread.daemon}):")
        lines += [f"    {line.strip()}" for line in traceback.format_stack(frames.get(thread.ident), limit=4)] \
            if thread is not threading.current_thread() and thread.ident in frames else []
    holders = [(holder, one) for holder in gc.get_objects() for one in gc.get_referents(holder)
               if type(one).__module__ == _tilework.__name__ and not isinstance(one, type)]
    lines += [f"{one!r:.100} is held by a {type(holder).__name__}: {holder!r:.300}" for holder, one in holders[:30]]
    return "\n".join(lines)


no_parameters = types.SimpleNamespace(params={})


@pytest.fixture(autouse=True)
def nothing_leaks(request):
    """After each test no object of the library is left, no process, and no descriptor."""
    if "shared_pools" in request.fixturenames:  # they are kept over many tests
        yield
        return
    if getattr(request.node, "callspec", no_parameters).params.get("pool") == "spawned":
        request.getfixturevalue("spawned_pool")  # which stays
    before = live(), children(), descriptors()
    yield
    request.node.funcargs.clear()  # what the test's fixtures made
    after = live(), children(), descriptors()
    if after[:2] != before[:2] or len(after[2]) != len(before[2]):
        pytest.fail(what_is_left(request.node.nodeid, before, after), pytrace=False)


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory):
    """What the tests of a module compile is kept for that module alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder of the test's own, in which it runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def shared_pools():
    """A pool of each kind, for tests that need many runs."""
    with contextlib.ExitStack() as stack:
        pools = {"processes": tw.Pool(2), "threads": tw.Pool(3, "threads"), "serial": tw.Pool(1, "serial")}
        if importlib.util.find_spec("cloudpickle"):
            pools["spawn"] = tw.Pool(2, start="spawn")
        for pool in pools.values():
            stack.enter_context(pool)
        yield pools


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    """A ProcessPoolExecutor of two."""
    with concurrent.futures.ThreadPoolExecutor(1) as threads:  # the process gets its folder for objects that are not its own
        tw.evaluate("t[j] = sum(i: a[i,j])", a=np.ones((400, 30)), out=tmp_path_factory.mktemp("first") / "t.npy", parts={"i": 8}, pool=threads)
    with concurrent.futures.ProcessPoolExecutor(2, executors.SPAWN) as made:
        yield executors.started(made)


@pytest.fixture(params=["processes", "threads"])
def executor(request, processes):
    """Each kind of concurrent.futures' Executors."""
    if request.param == "processes":
        yield processes
        return
    with concurrent.futures.ThreadPoolExecutor(2) as made:
        yield made


@pytest.fixture(params=["processes", "threads", "serial"])
def pool(request):
    with tw.Pool(1 if request.param == "serial" else 2, request.param) as opened:
        yield opened


@pytest.fixture(scope="module")
def spawned_pool():
    """One for all tests of a module."""
    pytest.importorskip("cloudpickle")
    with tw.Pool(2, start="spawn") as opened:
        yield opened


def run_python(code, *arguments, seconds=60, **options):
    """Runs a program of its own, as a user would; its exit code and what it wrote."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), *arguments], capture_output=True, text=True,
                          timeout=seconds, check=False, env=environment, **options)
    return done.returncode, done.stdout, done.stderr
