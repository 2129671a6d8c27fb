"""Memory of freed results is kept for the next ones, and given back when memory is short: in a control group, where one can be
made."""

import contextlib
import os
import pathlib
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import tilework as tw

MIB = 1 << 20


def address(array):
    return array.__array_interface__["data"][0]


def test_a_freed_result_is_the_next_one():
    a = np.ones(MIB // 4)
    first = tw.evaluate("r[i] = 2 * a[i]", a=a)
    where = address(first)
    del first
    again = tw.evaluate("r[i] = 3 * a[i]", a=a)
    assert address(again) == where
    assert (again == 3).all()
    other = tw.evaluate("r[i] = 4 * a[i]", a=a)  # of which there is none
    assert address(other) != where
    assert (again == 3).all() and (other == 4).all()


def test_what_a_freed_result_held_is_in_no_other():
    full = tw.run(lambda a, r: r.__setitem__(..., a), "a[i] -> r[i]", np.ones(MIB), pool="threads")
    where = address(full)
    del full

    def half(a, r):
        r[::2] = a[::2]

    with pytest.raises(tw.TileError, match="unwritten"):
        tw.run(half, "a[i] -> r[i]", np.ones(MIB), pool="threads")

    def partly(a, r, tile):
        assert not r.any()
        r[:] = a

    again = tw.run(partly, "a[i] -> r[i]", np.ones(MIB), pool="threads")
    assert (again == 1).all()
    assert where  # it may or may not be there again


def test_results_of_many_threads_are_their_own():
    import threading
    wrong = []

    def work(value):
        a = np.full(MIB // 4, float(value))
        for _ in range(30):
            r = tw.evaluate("r[i] = a[i] + 1", a=a, workers=1)
            if not (r == value + 1).all():
                wrong.append(value)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_fork_has_results_of_its_own():
    a = np.ones(MIB // 4)
    kept = tw.evaluate("r[i] = 2 * a[i]", a=a, workers=1)
    del kept
    pid = os.fork()
    if pid == 0:
        r = tw.evaluate("r[i] = 5 * a[i]", a=a, pool="serial")
        del r
        r = tw.evaluate("r[i] = 6 * a[i]", a=a, pool="serial")
        os._exit(0 if (r == 6).all() else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert (tw.evaluate("r[i] = 2 * a[i]", a=a, workers=1) == 2).all()


# ---- in a control group ------------------------------------------------------------------------------------------------


def own_group():
    """The folder in which this process may make groups with a limit on memory, the name of the limit; None: it may not."""
    for line in pathlib.Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            return pathlib.Path("/sys/fs/cgroup/memory" + path), "memory.limit_in_bytes"
        if controllers == "" and pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists():
            return pathlib.Path("/sys/fs/cgroup" + path), "memory.max"
    return None


@contextlib.contextmanager
def group(limit):
    found = own_group()
    if found is None:
        pytest.skip("this process is in no control group for memory")
    folder = found[0] / f"tilework-test-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / found[1]).write_text(str(limit), encoding="utf-8")
    except OSError as error:
        with contextlib.suppress(OSError):
            folder.rmdir()
        pytest.skip(f"no control group with a limit on memory can be made here: {error}")
    try:
        yield folder / "cgroup.procs"
    finally:
        folder.rmdir()


def run_inside(procs, program):
    prelude = f"""
        import os, pathlib
        pathlib.Path({str(procs)!r}).write_text(str(os.getpid()))
        import numpy as np, tilework as tw
        MIB = 1 << 20
        def resident():
            return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(prelude) + textwrap.dedent(program)],
                           capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, (ended.returncode, ended.stdout, ended.stderr)


def test_kept_private_memory_goes_to_whoever_needs_it():
    """380 of 512 MiB are filled by NumPy, which asks nobody, while 120 MiB are kept."""
    with group(512 * MIB) as procs:
        run_inside(procs, """
            a = np.ones(15 * MIB, "f8")
            r = tw.evaluate("r[i] = 2 * a[i]", a=a)
            del a
            before = resident()
            del r
            assert resident() > before - 60 * MIB, "it is not kept"
            other = np.ones(380 * MIB, "u1")
            assert other.sum() == 380 * MIB
        """)


def test_kept_shared_memory_goes_to_the_next_allocation():
    with group(512 * MIB) as procs:
        run_inside(procs, """
            with tw.Pool(workers=1) as pool:
                r = pool.run(lambda r: r.fill(1), "-> r[i]", lengths={"i": 120 * MIB}, dtype="u1")
                assert r[::4096].all()
                del r
                s = tw.run(lambda s: s.fill(1), "-> s[i]", lengths={"i": 400 * MIB}, dtype="u1", pool="threads")
                assert s[::4096].all()
        """)
