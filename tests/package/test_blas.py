"""The threads of BLAS and OpenMP while kernels run on threads of a pool: each kernel has its share, whoever has set them before."""

import ctypes
import os
import threading

import numpy as np
import pytest

import tilework as tw

Y = np.arange(6.0)


def libraries_with_threads():
    control = pytest.importorskip("threadpoolctl").ThreadpoolController()
    found = [library for library in control.lib_controllers if library.get_num_threads() > 1]
    if not found:
        pytest.skip("no library here has several threads")
    for library in found:  # whatever a test before has left
        getattr(library, "clear_controlling_thread", lambda force: None)(force=True)
    return found


@pytest.fixture(name="all_cores")
def fixture_all_cores():
    workers = len(os.sched_getaffinity(0))
    if workers < 2:
        pytest.skip("one processor")
    with tw.Pool(workers, "threads") as pool:
        yield pool


@pytest.mark.parametrize("fails", [False, True])
def test_threads_of_blas_are_limited_while_a_run_lasts(fails, all_cores):
    libraries = libraries_with_threads()
    before, seen = [library.get_num_threads() for library in libraries], []

    def kernel(y):
        seen.append(max(library.get_num_threads() for library in libraries))
        if fails:
            raise ValueError("it fails")
        return y

    try:
        all_cores.run(kernel, "y[i] -> r[i]", Y, tiles={"i": 1})
    except tw.TileError:
        assert fails
    assert set(seen) == {1}
    assert [library.get_num_threads() for library in libraries] == before


@pytest.mark.parametrize("leaves", ["set_num_threads", "get_num_threads"])
def test_threads_of_blas_are_limited_after_an_alarm_while_they_were_set(leaves, all_cores, monkeypatch):
    libraries = libraries_with_threads()
    before, seen = [library.get_num_threads() for library in libraries], []

    def kernel(y):
        seen.append(max(library.get_num_threads() for library in libraries))
        return y

    def ring(library, *number):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(libraries[0]), leaves, ring)
        with pytest.raises(KeyboardInterrupt):
            all_cores.run(kernel, "y[i] -> r[i]", Y, tiles={"i": 1})
    assert [library.get_num_threads() for library in libraries] == before and not seen
    all_cores.run(kernel, "y[i] -> r[i]", Y, tiles={"i": 1})
    assert set(seen) == {1} and [library.get_num_threads() for library in libraries] == before


def in_a_thread_of_c(function):
    """Calls it in a thread that Python has not started."""
    begin = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(lambda _: [function()] and None)
    thread = ctypes.c_ulong()
    program = ctypes.CDLL(None)
    assert program.pthread_create(ctypes.byref(thread), None, begin, None) == 0
    assert program.pthread_join(thread, None) == 0


def counts_of_a_run(libraries, pool):
    """How many threads each library has in the kernels of a run, and then here."""
    inside = []
    pool.run(lambda y: inside.append([library.get_num_threads() for library in libraries]) or y, "y[i] -> r[i]", Y, tiles={"i": 1})
    assert len(inside) == 6 and all(counts == inside[0] for counts in inside)
    return inside[0], [library.get_num_threads() for library in libraries]


def test_blas_is_limited_whichever_thread_has_set_its_threads_before(all_cores):
    libraries = libraries_with_threads()
    before = [library.get_num_threads() for library in libraries]

    def set_them():
        for library, count in zip(libraries, before):
            library.set_num_threads(count)

    stays, ends = threading.Event(), threading.Event()
    other = threading.Thread(target=lambda: (set_them(), stays.set(), ends.wait(60)))
    other.start()
    assert stays.wait(60)
    assert counts_of_a_run(libraries, all_cores) == ([1] * len(libraries), before)
    for library in libraries:  # the run has not kept for itself the right to set them
        library.set_num_threads(1)
    assert [library.get_num_threads() for library in libraries] == [1] * len(libraries)
    set_them()
    ends.set()
    other.join()
    in_a_thread_of_c(set_them)
    assert counts_of_a_run(libraries, all_cores) == ([1] * len(libraries), before)


def test_a_forked_child_limits_blas_after_a_thread_of_c_has_set_it():
    libraries = libraries_with_threads()
    in_a_thread_of_c(lambda: [library.set_num_threads(library.get_num_threads()) for library in libraries])
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            with tw.Pool(len(os.sched_getaffinity(0)), "threads") as pool:
                code = 0 if counts_of_a_run(libraries, pool)[0] == [1] * len(libraries) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
