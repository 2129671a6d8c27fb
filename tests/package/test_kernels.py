"""Native kernels: C source, shared objects, ctypes, cffi, Numba; they run without the interpreter."""

import ctypes
import pathlib
import pickle
import subprocess
import threading
import time

import numpy as np
import pytest

import tilework as tw

pytestmark = pytest.mark.usefixtures("own_cache")

SOURCE = """
#include <tilework/tilework.h>
int mult(const tw_tile *tile)
{
    TW_VIEW(const double, y, tile->operand[0]);
    TW_VIEW(const double, x, tile->operand[1]);
    TW_VIEW(double, r, tile->operand[2]);
    for (int64_t i = 0; i < r.shape[0]; i++)
        for (int64_t j = 0; j < r.shape[1]; j++)
            TW_AT(r, i, j) = TW_AT(y, i) * TW_AT(x, j);
    return 0;
}
int fails(const tw_tile *tile)
{
    return tile->number == 2 ? tw_tile_fail(tile, 7, "no root below %d", 3) : 0;
}
"""
Y, X = np.arange(100.0), np.random.default_rng(1).random(50)


@pytest.fixture
def mult():
    return tw.Kernel.from_c(SOURCE, "mult")


def test_c_source_on_every_pool(pool, mult):
    assert mult.name == "mult.c:mult" and "mult" in repr(mult)
    r = pool.run(mult, "y[i], x[j] -> r[i,j]", Y, X, tiles={"i": 7})
    assert r.tobytes() == np.outer(Y, X).tobytes()
    with pytest.raises(tw.TileError, match="no root below 3") as caught:
        pool.run(tw.Kernel.from_c(SOURCE, "fails"), "y[i], x[j] -> r[i,j]", Y, X, tiles={"i": 7})
    assert caught.value.tile == 2 and caught.value.__cause__ is None


def test_spawned_workers_and_other_processes_make_the_same_kernel(mult):
    with tw.Pool(2, start="spawn") as pool:
        assert (pool.run(mult, "y[i], x[j] -> r[i,j]", Y, X, tiles={"i": 7}) == np.outer(Y, X)).all()
    again = pickle.loads(pickle.dumps(mult))
    assert (tw.run(again, "y[i], x[j] -> r[i,j]", Y, X) == np.outer(Y, X)).all()


def test_sources_in_files_and_shared_objects(tmp_path):
    source = tmp_path / "kernels.c"
    source.write_text(SOURCE)
    r = tw.run(tw.Kernel.from_c(source, "mult"), "y[i], x[j] -> r[i,j]", Y, X)
    assert (r == np.outer(Y, X)).all()
    include = pathlib.Path(__file__).resolve().parents[2] / "include"
    subprocess.run(["cc", "-shared", "-fPIC", "-I", include, source, "-o", tmp_path / "kernels.so"], check=True)
    library = tw.Kernel.from_library(tmp_path / "kernels.so", "mult")
    for kind in ("threads", "processes"):
        assert (tw.run(library, "y[i], x[j] -> r[i,j]", Y, X, pool=kind, workers=2) == np.outer(Y, X)).all()


@pytest.mark.parametrize("make, error, words", [
    (lambda: tw.Kernel.from_c("int f(void) { return 1 +; }", "f"), tw.CompileError, "expected"),
    (lambda: tw.Kernel.from_c("int f(void) { return 1; }", "g"), tw.ArgumentError, "g"),
    (lambda: tw.Kernel.from_c("missing.c", "f"), tw.FileError, "missing.c"),
    (lambda: tw.Kernel.from_library("missing.so", "f"), tw.FileError, "missing.so"),
    (lambda: tw.Kernel.from_c("int f(void) { return 1; }", "../f"), tw.ArgumentError, "name of a C function"),
    (lambda: tw.Kernel.from_address(0), tw.ArgumentError, "NULL"),
])
def test_kernels_that_cannot_be_made(make, error, words):
    with pytest.raises(error, match=words):
        make()


# The first fields of tw_tile and tw_view, as docs/python.md has them.
class View(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("kind", ctypes.c_int), ("alignment", ctypes.c_int32),
                ("itemsize", ctypes.c_int64), ("descr", ctypes.c_char_p), ("ndim", ctypes.c_int),
                ("shape", ctypes.c_int64 * 32), ("strides", ctypes.c_int64 * 32)]


class CTile(ctypes.Structure):
    _fields_ = [("index", ctypes.c_uint64), ("naxes", ctypes.c_int), ("noperands", ctypes.c_int),
                ("start", ctypes.POINTER(ctypes.c_int64)), ("stop", ctypes.POINTER(ctypes.c_int64)),
                ("operand", ctypes.POINTER(View)), ("worker", ctypes.c_uint), ("attempt", ctypes.c_uint)]


def test_ctypes_pointers_with_the_tile_as_a_structure():
    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(CTile))
    def twice(tile):
        y, r = tile.contents.operand[0], tile.contents.operand[1]
        for i in range(y.shape[0]):
            value = ctypes.c_double.from_address(y.data + i * y.strides[0]).value
            ctypes.c_double.from_address(r.data + i * r.strides[0]).value = 2 * value
        return 0
    for kind in ("serial", "threads", "processes"):
        assert (tw.run(twice, "y[i] -> r[i]", Y, tiles={"i": 9}, pool=kind) == 2 * Y).all()


def test_functions_of_a_library_by_ctypes(tmp_path):
    source = tmp_path / "kernels.c"
    source.write_text(SOURCE)
    include = pathlib.Path(__file__).resolve().parents[2] / "include"
    subprocess.run(["cc", "-shared", "-fPIC", "-I", include, source, "-o", tmp_path / "kernels.so"], check=True)
    library = ctypes.CDLL(str(tmp_path / "kernels.so"))
    assert (tw.run(library.mult, "y[i], x[j] -> r[i,j]", Y, X, workers=2) == np.outer(Y, X)).all()


def test_cffi_pointers():
    cffi = pytest.importorskip("cffi")
    ffi = cffi.FFI()
    calls = []

    @ffi.callback("int(void *)")
    def counts(tile):
        calls.append(1)
        return 0
    tw.run(counts, "y[i] -> r[i]", Y, tiles={"i": 10}, pool="threads", workers=2)
    assert len(calls) == 10


def test_cffi_pointers_to_data_are_no_kernels():
    cffi = pytest.importorskip("cffi")
    with pytest.raises(TypeError, match="a kernel is a callable"):
        tw.run(cffi.FFI().new("int *"), "y[i] -> r[i]", np.arange(3.0))


def test_numba_cfuncs():
    numba = pytest.importorskip("numba")
    from numba.core import types

    def pointer_to(item):
        @numba.extending.intrinsic
        def pointer(typing, address):
            def generate(context, builder, signature, arguments):
                return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))
            return types.CPointer(item)(address), generate
        return pointer

    record = numba.from_dtype(np.dtype([("index", "u8"), ("naxes", "i4"), ("noperands", "i4"), ("start", "u8"),
                                        ("stop", "u8"), ("operand", "u8"), ("worker", "u4"), ("attempt", "u4")]))
    view = numba.from_dtype(np.dtype([("data", "u8"), ("kind", "i4"), ("alignment", "i4"), ("itemsize", "i8"),
                                      ("descr", "u8"), ("ndim", "i8"), ("shape", "i8", 32), ("strides", "i8", 32)]))

    views, doubles = pointer_to(view), pointer_to(types.float64)

    @numba.cfunc(types.int32(types.CPointer(record)))
    def twice(tile):
        operand = numba.carray(views(numba.carray(tile, 1)[0].operand), 2)
        n = operand[0].shape[0]
        y, r = numba.carray(doubles(operand[0].data), n), numba.carray(doubles(operand[1].data), n)
        for i in range(n):
            r[i] = 2 * y[i]
        return 0
    assert (tw.run(twice, "y[i] -> r[i]", Y, tiles={"i": 9}, workers=2) == 2 * Y).all()


def test_native_kernels_leave_other_threads_their_python(mult):
    counted, ended = [0], threading.Event()

    def count():
        while not ended.is_set():
            counted[0] += 1
    thread = threading.Thread(target=count)
    big, wide = np.ones(4000), np.ones(4000)
    thread.start()
    try:
        tw.run(mult, "y[i], x[j] -> r[i,j]", big, wide, workers=1)
        began, first = time.monotonic(), counted[0]
        for _ in range(20):
            tw.run(mult, "y[i], x[j] -> r[i,j]", big, wide, workers=1)
        seconds = time.monotonic() - began
    finally:
        ended.set()
        thread.join()
    assert counted[0] - first > 1000 * seconds


def test_non_native_byte_order_is_swapped_for_native_kernels(mult):
    assert (tw.run(mult, "y[i], x[j] -> r[i,j]", Y.astype(">f8"), X) == np.outer(Y, X)).all()
    with pytest.raises(tw.ArgumentError, match="byte order"):
        tw.run(mult, "y[i], x[j] -> r[i,j]", Y, X, out=np.zeros((100, 50), ">f8"))


def test_guard_finds_a_kernel_that_leaves_its_tile():
    wild = tw.Kernel.from_c("""
        #include <tilework/tilework.h>
        int wild(const tw_tile *tile)
        {
            TW_VIEW(double, r, tile->operand[0]);
            for (int64_t i = 0; i <= r.shape[0]; i++)
                TW_AT(r, i) = 1;
            return 0;
        }
    """, "wild")
    with pytest.raises(tw.TileError, match="r"):
        tw.run(wild, "-> r[i]", lengths={"i": 100}, tiles={"i": 10}, guard=True)
