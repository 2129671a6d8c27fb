"""Operands and results: shared memory without a copy, handles instead of contents, and every way in and out."""

import array
import ctypes
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import tilework as tw
from conftest import run_python


def _same(y, r):
    r[...] = y


def copied(pool, *operands, **options):
    """Bytes that a run copies because its workers cannot see them."""
    return pool.run(_same, "y[i] -> r[i]", *operands, report=True, **options)[1].totals["bytes_copied"]


@pytest.mark.parametrize("make", [lambda pool: pool.share(np.arange(1000.0)), lambda pool: tw.share(np.arange(1000.0))])
def test_shared_arrays_are_used_where_they_are(make):
    with tw.Pool(2) as pool:
        y, r = make(pool), make(pool)
        assert copied(pool, y, out=r) == 0 and (r == np.arange(1000)).all()
        assert copied(pool, y[::-2], out=r[:500]) == 0 and (r[:500] == np.arange(1000)[::-2]).all()
        assert copied(pool, np.arange(1000.0), out=r) == 8000
        result = pool.run(lambda y: y + 1, "y[i] -> r[i]", y)
        assert copied(pool, result, out=r) == 0  # results are in shared memory too


def test_empty_zeros_share():
    for maker in (tw, tw.Pool(2)):
        assert maker.zeros((3, 4), "i2").sum() == 0 and maker.zeros(5).dtype == float
        assert maker.empty((0, 3)).shape == (0, 3) and maker.empty(()).shape == ()
        assert maker.share([1, 2, 3]).tolist() == [1, 2, 3]
        assert maker.zeros(2, "S3").tolist() == [b"", b""]
        with pytest.raises(TypeError, match="references to Python objects"):
            maker.empty(3, object)
        with pytest.raises(tw.ArgumentError, match="negative"):
            maker.empty(-1)
        with pytest.raises(tw.OutOfMemory):
            maker.empty(1 << 50)
        if maker is not tw:
            maker.close()
            with pytest.raises(tw.PoolError, match="closed"):
                maker.empty(3)


def test_what_is_computed_from_a_shared_array_is_an_ordinary_one():
    a = tw.share(np.arange(6.0))
    assert type(a) is tw.SharedArray and type(a[2:]) is tw.SharedArray
    assert type(a + 1) is np.ndarray and type(np.sin(a)) is np.ndarray
    assert type(a.sum()) is np.float64


PROGRAM = """
import multiprocessing, pickle, sys
import numpy as np, tilework as tw

def change(shared):
    shared[1] = 42
    return shared

if __name__ == "__main__":
    a = tw.share(np.arange(1 << 18, dtype=float))
    assert len(pickle.dumps(a)) < 1000
    with multiprocessing.get_context(sys.argv[1]).Pool(1) as workers:
        back = workers.apply(change, (a[10:],))
    assert a[11] == 42
    back[0] = 17
    assert a[10] == 17  # what came back is the same memory again
    print("well")
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_shared_arrays_reach_multiprocessing_by_handle(method, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    done = subprocess.run([sys.executable, tmp_path / "program.py", method], capture_output=True, text=True, timeout=60,
                          check=False)
    assert (done.returncode, done.stdout) == (0, "well\n"), done.stderr


def test_handles_keep_layout_dtype_and_being_read_only():
    a = tw.empty((4, 6), [("x", "f4"), ("y", ">i2")])
    a["x"], a["y"] = np.arange(24).reshape(4, 6), 7
    view = a[::-2, 1::2].T
    again = pickle.loads(pickle.dumps(view))
    assert again.dtype == view.dtype and again.strides == view.strides and (again == view).all()
    assert np.shares_memory(again, a)
    view.flags.writeable = False
    assert not pickle.loads(pickle.dumps(view)).flags.writeable
    plain = pickle.loads(pickle.dumps(np.asarray(a)))
    assert type(plain) is np.ndarray and not np.shares_memory(plain, a)
    assert type(pickle.loads(pickle.dumps(a.copy()))) is np.ndarray  # its memory is not shared


def test_a_handle_whose_maker_has_ended_is_refused():
    code, output, errors = run_python("""
        import pickle, sys, tilework as tw
        sys.stdout.write(pickle.dumps(tw.share([1.0, 2.0])).hex())
    """)
    assert code == 0, errors
    with pytest.raises(tw.PoolError, match="has ended"):
        pickle.loads(bytes.fromhex(output))


def test_workers_of_the_pool_find_handles_too():
    with tw.Pool(2) as pool:
        a = pool.zeros(8)
        content = pickle.dumps(a)

        def write(r, tile):
            pickle.loads(content)[tile.number] = tile.number + 1
            r.fill(0)
        pool.run(write, "-> r[i]", lengths={"i": 8}, tiles={"i": 1})
        assert a.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]


class Interface:
    """An object that NumPy knows by its __array_interface__ alone."""

    def __init__(self, owner):
        self.owner = owner
        self.__array_interface__ = owner.__array_interface__


class Capsule:
    """An object that has DLPack alone."""

    def __init__(self, owner):
        self.owner = owner

    def __dlpack__(self, **options):
        return self.owner.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.owner.__dlpack_device__()


def test_anything_with_memory_is_an_operand_without_a_copy():
    numbers = np.arange(4.0)
    for source in (array.array("d", range(4)), memoryview(numbers), Interface(numbers), Capsule(numbers),
                   (ctypes.c_double * 4)(*range(4)), bytearray(numbers.tobytes())):
        wanted = np.frombuffer(source, "u1") if isinstance(source, bytearray) else numbers
        with tw.Pool(2, "threads") as pool:
            assert (pool.run(lambda y: y * 2, "y[i] -> r[i]", source) == wanted * 2).all()
    assert tw.run(lambda y, c: y * c, "y[i], c[] -> r[i]", [1, 2], 3, pool="serial").tolist() == [3, 6]
    out = array.array("d", [0] * 4)
    assert tw.run(lambda y: y * 2, "y[i] -> r[i]", numbers, out=out, pool="serial") is out
    assert out.tolist() == [0, 2, 4, 6]


def test_results_go_out_in_every_way():
    with tw.Pool(2) as pool:
        r = pool.run(lambda r: r.fill(3), "-> r[i,j]", lengths={"i": 3, "j": 2})
    assert memoryview(r).shape == (3, 2) and r.__array_interface__["shape"] == (3, 2)
    assert np.shares_memory(np.from_dlpack(r), r)
    shared = tw.share(r)
    assert np.shares_memory(np.from_dlpack(shared), shared) and bytes(memoryview(shared)) == r.tobytes()


def test_memory_that_kernels_could_not_read_is_copied_or_refused():
    records = np.zeros(5, [("tag", "i1"), ("value", "f8")])
    records["value"] = np.arange(5)
    assert not records["value"].flags.aligned
    assert tw.run(lambda y: y + 1, "y[i] -> r[i]", records["value"], pool="serial").tolist() == [1, 2, 3, 4, 5]
    with pytest.raises(tw.ArgumentError, match="multiple"):
        tw.run(lambda y: y + 1, "y[i] -> r[i]", np.arange(5.0), out=records["value"], pool="serial")


def test_subclasses_and_read_only_files_are_operands(tmp_path):
    np.save(tmp_path / "y.npy", np.arange(6.0))
    mapped = np.load(tmp_path / "y.npy", mmap_mode="r")
    assert tw.run(lambda y: y + 1, "y[i] -> r[i]", mapped, workers=2).tolist() == [1, 2, 3, 4, 5, 6]
    written = np.lib.format.open_memmap(tmp_path / "r.npy", "w+", "f8", (6,))
    assert tw.run(lambda y: y + 1, "y[i] -> r[i]", mapped, out=written, workers=2) is written
    written.flush()
    assert np.load(tmp_path / "r.npy").tolist() == [1, 2, 3, 4, 5, 6]


def test_threads_may_run_at_once():
    y = np.arange(1000.0)
    wrong = []

    def work(kind, shared):
        for k in range(10):
            pool = {"pool": shared} if shared is not None else {"pool": kind, "workers": 2}
            if not (tw.run(lambda y: y + k, "y[i] -> r[i]", y, tiles={"i": 100}, **pool) == y + k).all():
                wrong.append(kind)
    with tw.Pool(2) as shared:
        threads = [threading.Thread(target=work, args=arguments) for arguments in
                   [("threads", None)] * 2 + [("serial", None), ("processes", None)] + [("", shared)] * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


def test_runs_inside_of_kernels(pool):
    def outer(y, r):
        r[...] = tw.run(lambda y: y + 1, "y[i] -> r[i]", y, tiles={"i": 2}, pool="serial") + \
            tw.run(lambda y: y * 0, "y[i] -> r[i]", y, tiles={"i": 2}, pool="threads", workers=2)
    assert pool.run(outer, "y[i] -> r[i]", np.arange(6.0), tiles={"i": 3}).tolist() == [1, 2, 3, 4, 5, 6]


def test_references_do_not_grow(pool):
    def kernel(y, r, tile):
        r[...] = y
    y = np.arange(100.0)
    pool.run(kernel, "y[i] -> r[i]", y, tiles={"i": 1})
    before = sys.getrefcount(y), sys.getrefcount(y.dtype), sys.getrefcount(kernel), sys.getrefcount(None)
    for _ in range(20):
        pool.run(kernel, "y[i] -> r[i]", y, tiles={"i": 1})
    after = sys.getrefcount(y), sys.getrefcount(y.dtype), sys.getrefcount(kernel), sys.getrefcount(None)
    assert all(abs(a - b) < 20 for a, b in zip(after, before))
