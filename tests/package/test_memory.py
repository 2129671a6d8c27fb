"""Shared memory as the system counts it: descriptors, address space, pages; and handles, early and late."""

import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import tilework as tw
from conftest import run_python

READ = """
import pickle, sys
a = pickle.load(sys.stdin.buffer)
print(a[0], a[-1], len(a))
a[0] = -1
"""

HOLD = """
import pickle
a = pickle.loads(bytes.fromhex(input()))
print("mapped", flush=True)
input()
print(a.sum())
"""


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def address_space():
    """MiB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGESIZE") >> 20


def pages_of(array):
    """KiB that the memory file of an array has."""
    place = tw._shared.handle_of(array)[0]
    return os.fstat(place[1]).st_blocks // 2


def elsewhere(handle, code=READ):
    done = subprocess.run([sys.executable, "-c", code], input=handle, capture_output=True, timeout=60, check=False)
    return done.stdout.decode(), done.stderr.decode()


def double(y):
    return y * 2


# ---- descriptors and address space ----


def test_kept_results_hold_no_descriptors_and_little_address_space():
    y = np.arange(1 << 17, dtype=float)  # 1 MiB
    kept = [tw.run(double, "y[i] -> r[i]", y, parts={"i": 2}, workers=2, pool="processes")]
    open_before, space_before = descriptors(), address_space()
    for _ in range(40):
        kept.append(tw.run(double, "y[i] -> r[i]", y, parts={"i": 2}, workers=2, pool="processes"))
    assert descriptors() == open_before
    assert address_space() - space_before < 40 * 4
    assert all((r == 2 * y).all() for r in kept)
    kept[3][:] = 5  # they are ordinary memory
    assert (kept[4] == 2 * y).all()


def test_more_results_can_be_kept_than_there_are_descriptors():
    code, output, errors = run_python("""
        import resource
        import numpy as np, tilework as tw
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
        y = np.arange(1 << 17, dtype=float)
        kept = [tw.run(lambda y: y + 1, "y[i] -> r[i]", y, parts={"i": 2}, workers=2, pool="processes") for _ in range(60)]
        shared = [tw.share(y[k:k + 3]) for k in range(3000)] + [tw.zeros(1 << 17) for _ in range(60)]
        open(__file__ if "__file__" in globals() else "/dev/null").close()
        print(sum(int(r[-1]) for r in kept), sum(int(a[0]) for a in shared))
    """)
    assert (code, output.split()) == (0, [str(60 << 17), str(2999 * 3000 // 2)]), errors


def test_a_pool_that_is_closed_keeps_what_its_arrays_need():
    open_before = descriptors()
    with tw.Pool(2) as pool:
        array, result = pool.share(np.arange(5000.0)), pool.run(double, "y[i] -> r[i]", np.arange(5000.0))
        again = pickle.dumps(array)
    assert descriptors() == open_before + 1  # for the handle of the array
    assert elsewhere(again)[0] == "0.0 4999.0 5000\n" and array[0] == -1
    del array
    assert descriptors() == open_before and result[-1] == 9998


def test_ten_thousand_arrays_leave_nothing():
    first = tw.zeros(3)
    space, open_before = address_space(), descriptors()
    for k in range(10000):
        tw.empty(1 + k % 5000)[...] = k
    kept = [tw.share([k]) for k in range(10000)]
    assert [int(a[0]) for a in kept[::1000]] == list(range(0, 10000, 1000))
    assert (address_space() - space, descriptors()) == (pytest.approx(0, abs=40), open_before)
    del kept
    assert pages_of(first) <= 64


def test_memory_is_given_back_when_arrays_are_freed():
    kept = tw.zeros(3)
    large = [tw.share(np.ones(1 << 17)) for _ in range(8)]
    assert pages_of(kept) >= 8 << 10
    del large[1::2]
    assert 4 << 10 <= pages_of(kept) <= (4 << 10) + 64
    assert all((a == 1).all() for a in large)
    del large
    assert pages_of(kept) <= 64
    assert not tw.zeros(1 << 17).any()


# ---- handles ----


def test_the_handle_of_the_2000th_array_leads_to_it():
    arrays = [tw.share(np.full(1 + k % 300, k)) for k in range(2500)]
    said = elsewhere(pickle.dumps(arrays[2000]))
    assert said == ("2000 2000 201\n", "") and arrays[2000][0] == -1
    assert all(arrays[k][0] == k for k in range(2500) if k != 2000)
    with tw.Pool(1, start="spawn") as pool:
        mapped = [pool.share(np.full(10, k)) for k in range(300)]
        assert descriptors() < 100
        assert pool.run(lambda a: a + 1, "a[i] -> r[i]", mapped[299]).tolist() == [300] * 10


def test_a_late_handle_is_refused_also_where_another_array_has_its_place():
    array = tw.share(np.arange(100))
    place, handle = tw._shared.handle_of(array)[0], pickle.dumps(array)
    del array
    other = tw.share(np.arange(100) + 7)
    assert tw._shared.handle_of(other)[0][4] == place[4]  # the same place
    with pytest.raises(tw.PoolError, match="a shared array is gone"):
        pickle.loads(handle)
    assert "a shared array is gone" in elsewhere(handle)[1] and other[0] == 7


def test_memory_that_another_process_has_is_not_given_to_anybody():
    array = tw.share(np.arange(3000))
    with subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        other.stdin.write(pickle.dumps(array).hex() + "\n")
        other.stdin.flush()
        assert other.stdout.readline() == "mapped\n"
        del array
        others = [tw.share(np.full(3000, k)) for k in range(20)]
        assert other.communicate("freed\n", timeout=60)[0] == f"{sum(range(3000))}\n"
    assert all((a == k).all() for k, a in enumerate(others))


def test_a_fork_makes_arrays_of_its_own():
    array, stop = tw.share(np.arange(5)), threading.Event()

    def churn():
        while not stop.is_set():
            tw.empty(1 << 17)
    busy = threading.Thread(target=churn)
    busy.start()
    try:
        for k in range(5):
            child = os.fork()
            if child == 0:
                own = tw.share(np.arange(7))
                again = pickle.loads(pickle.dumps(own))
                again[0] = 3
                array[k] = own[0] + k
                os._exit(0 if own[0] == 3 and pickle.loads(pickle.dumps(array))[1] in (1, 4) else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        busy.join()
    assert array.tolist() == [3, 4, 5, 6, 7]


FULL = """
import os, resource
import tilework as tw
used = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGESIZE")
resource.setrlimit(resource.RLIMIT_AS, (used + (700 << 20), resource.RLIM_INFINITY))
arrays = [tw.empty(64 << 20, "u1")]  # its memory file has less than 700 MiB
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
arrays += [tw.empty(64 << 20, "u1") for _ in range(11)]
for number, array in enumerate(arrays):
    array[:1] = number
print(len({tw._shared.handle_of(array)[0][1] for array in arrays}), [int(array[0]) for array in arrays])
"""


def test_a_memory_file_without_room_is_followed_by_another_one():
    assert run_python(FULL) == (0, f"2 {list(range(12))}\n", "")
