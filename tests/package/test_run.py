"""tw.run against plain NumPy: signatures, shapes, dtypes, layouts, cuts, pools, all at random; results byte for byte."""

import contextlib
import os
import pickle
import sys

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tilework as tw

AXES = "ijkl"
DTYPES = ["?", "i1", "i4", "i8", "u2", "u8", "f2", "f4", "f8", "c8", "c16", ">f8", ">i4", "S3", "U2", "M8[s]",
          [("a", "i4"), ("b", "f8")]]


def fill(array, rng):
    """Any values, of any dtype; the bytes of numbers are valid numbers."""
    dtype, numbers = array.dtype, np.asarray(rng.integers(0, 99, array.shape))
    if dtype.names:
        for name in dtype.names:
            array[name] = numbers
    else:
        array[...] = numbers - 1j * numbers if dtype.kind == "c" else (numbers % 2 if dtype.kind == "b" else
                                                                       numbers).astype(dtype)


def laid_out(shape, dtype, layout, rng):
    """An array of a shape in memory of some layout."""
    if layout == "fortran":
        array = np.zeros(shape, dtype, order="F")
    elif layout == "steps":
        array = np.zeros([2 * n + 1 for n in shape], dtype)[(*(slice(1, None, 2) for _ in shape), ...)]
    elif layout == "backwards":
        array = np.zeros(shape, dtype)[(*(slice(None, None, -1) for _ in shape), ...)]
    else:
        array = np.zeros(shape, dtype)
    assert array.shape == tuple(shape)
    fill(array, rng)
    return array


@st.composite
def jobs(draw):
    """A signature with arrays for it, and how it should be divided."""
    naxes = draw(st.integers(1, 4))
    axes = AXES[:naxes]
    lengths = {axis: draw(st.integers(0, 7)) for axis in axes}
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    layouts = st.sampled_from(["plain", "fortran", "steps", "backwards"])
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    inputs = []
    for k in range(draw(st.integers(0, 3))):
        own = draw(st.permutations(axes))[:draw(st.integers(0, naxes))]
        shape = [1 if draw(st.integers(0, 5)) == 0 else lengths[axis] for axis in own]
        inputs.append((f"x{k}", own, laid_out(shape, dtype, draw(layouts), rng)))
    outputs = [(f"r{k}", draw(st.permutations(axes))) for k in range(draw(st.integers(1, 2)))]
    splits = {"cuts": {}, "tiles": {}, "parts": {}}
    for axis in axes:
        how = draw(st.sampled_from(["cuts", "tiles", "parts", "whole"]))
        if how == "cuts" and lengths[axis] > 1:
            splits[how][axis] = sorted(draw(st.sets(st.integers(1, lengths[axis] - 1), max_size=3)))
        elif how == "tiles":
            splits[how][axis] = draw(st.integers(1, 9))
        elif how == "parts":
            splits[how][axis] = draw(st.integers(1, max(1, lengths[axis])))
    given_out = draw(st.booleans())
    out = [laid_out([lengths[axis] for axis in own], dtype, draw(layouts), rng) for _, own in outputs] if given_out \
        else None
    return lengths, dtype, inputs, outputs, {k: v for k, v in splits.items() if v} or {"tiles": {axes[0]: 2}}, out


def expected_of(lengths, dtype, inputs, outputs):
    """What `combine` below is to give, on whole arrays."""
    results = []
    for _, own in outputs:
        shape = tuple(lengths[axis] for axis in own)
        result = np.zeros(shape, dtype)
        for _, axes, array in inputs:
            if set(axes) <= set(own):
                order = [axes.index(axis) for axis in own if axis in axes]
                index = tuple(slice(None) if axis in axes else None for axis in own)
                result[...] = np.transpose(array, order)[index]
        results.append(result)
    return results


def combiner(inputs, outputs):
    """A kernel: each output gets the last input whose axes it has, broadcast; zeros where there is none."""
    def combine(*arrays):
        for (_, own), r in zip(outputs, arrays[len(inputs):]):
            r[...] = np.zeros((), r.dtype)
            for (_, axes, _), x in zip(inputs, arrays):
                if set(axes) <= set(own):
                    order = [axes.index(axis) for axis in own if axis in axes]
                    r[...] = np.transpose(x, order)[tuple(slice(None) if axis in axes else None for axis in own)]
    return combine


@given(job=jobs(), kind=st.sampled_from(["serial", "threads", "processes", "spawn"]))
def test_equals_numpy_on_any_pool_byte_for_byte(shared_pools, job, kind):
    assume(kind in shared_pools)  # spawn needs cloudpickle
    lengths, dtype, inputs, outputs, splits, out = job
    signature = ", ".join(f"{name}[{','.join(own)}]" for name, own, _ in inputs) + " -> " + \
        ", ".join(f"{name}[{','.join(own)}]" for name, own in outputs)
    got = shared_pools[kind].run(combiner(inputs, outputs), signature, *(array for _, _, array in inputs),
                                 dtype=None if out is not None else dtype, out=None if out is None else tuple(out),
                                 lengths=lengths, **splits)
    got = got if isinstance(got, tuple) else (got,)
    for k, (array, expected) in enumerate(zip(got, expected_of(lengths, dtype, inputs, outputs))):
        assert array.dtype == dtype and array.shape == expected.shape
        assert array.tobytes() == expected.tobytes()
        assert out is None or array is out[k]


@given(shape=st.lists(st.integers(0, 6), min_size=2, max_size=2), kind=st.sampled_from(["serial", "threads", "processes"]),
       tile=st.integers(1, 7))
def test_inout_operands_are_changed_in_place(shared_pools, shape, kind, tile):
    r = np.arange(float(shape[0] * shape[1])).reshape(shape)
    x, before = np.arange(float(shape[1])), r.copy()

    def add(x, r):
        r += x
    assert shared_pools[kind].run(add, "x[j], r[i,j] -> r[i,j]", x, r, tiles={"i": tile}) is r
    assert (r == before + x).all()


def test_the_origin_on_every_pool(pool):
    def operate(y, x, r):
        for i in range(len(r)):
            r[i] = y[i] * x
    y, x = np.arange(1000.0), np.random.rand(2000)
    r = pool.run(operate, "y[i], x[j] -> r[i,j]", y, x, cuts={"i": [333, 666], "j": [1000]})
    assert type(r) is np.ndarray and r.tobytes() == (y[:, None] * x).tobytes()


def test_operands_come_in_the_order_of_the_signature(pool):
    seen = pool.run(lambda r, x: (r * 10 + x).sum(), "r[i], x[i] -> s[]", np.array([1.0]), np.array([2.0]))
    assert seen.shape == () and seen == 12
    r = np.array([1.0, 2.0])
    pool.run(lambda r, x: r.__iadd__(x), "r[i], x[i] -> r[i]", r, np.array([10.0, 20.0]))
    assert r.tolist() == [11, 22]


def test_a_kernel_may_return_its_tiles(pool):
    y, x = np.arange(5.0), np.arange(3.0)
    assert (pool.run(lambda y, x: y[:, None] * x, "y[i], x[j] -> r[i,j]", y, x, tiles={"i": 2}) == np.outer(y, x)).all()
    low, high = pool.run(lambda a: (a.min(1), a.max(1)), "a[i,k] -> low[i], high[i]", np.arange(12).reshape(4, 3),
                         tiles={"i": 1})
    assert low.tolist() == [0, 3, 6, 9] and high.tolist() == [2, 5, 8, 11]

    def fills_and_returns(y, r):
        r[:] = y + 1
        return r
    assert pool.run(fills_and_returns, "y[i] -> r[i]", y).tolist() == [1, 2, 3, 4, 5]


def test_arguments_with_defaults_are_not_given_outputs(pool):
    y = np.arange(5.0)
    assert pool.run(lambda y, n=3: y + n, "y[i] -> r[i]", y).tolist() == [3, 4, 5, 6, 7]
    assert pool.run(lambda y, r, n=3: np.add(y, n, out=r), "y[i] -> r[i]", y).tolist() == [3, 4, 5, 6, 7]
    assert pool.run(lambda r, n=3: r.fill(n), "-> r[i]", lengths={"i": 2}).tolist() == [3, 3]


def test_cuts_of_any_sequence():
    for cuts in ([2, 4], (2, 4), np.array([2, 4]), range(2, 5, 2), {4, 2}, [np.int8(2), 4]):
        _, report = tw.run(lambda y: y, "y[i] -> r[i]", np.arange(6.0), cuts={"i": cuts}, pool="serial", report=True)
        assert report.tiles["start"][:, 0].tolist() == [0, 2, 4]


def test_a_kernel_is_told_where_it_is(pool):
    def where(r, tile):
        r["number"] = tile.number
        r["i"], r["j"] = np.mgrid[tile.ranges["i"], tile.ranges["j"]]
        r["worker"] = tile.worker
    r = pool.run(where, "-> r[i,j]", lengths={"i": 5, "j": 4}, parts={"i": 2, "j": 2},
                 dtype=[("number", "i4"), ("i", "i4"), ("j", "i4"), ("worker", "i4")])
    assert (r["i"] == np.arange(5)[:, None]).all() and (r["j"] == np.arange(4)).all()
    assert np.unique(r["number"]).tolist() == [0, 1, 2, 3] and set(np.unique(r["worker"])) <= {0, 1}


def test_random_numbers_are_the_tiles_own():
    draw = {kind: tw.run(lambda r, tile: tile.rng(7).standard_normal(out=r), "-> r[i]", lengths={"i": 100},
                         tiles={"i": 9}, pool=kind, workers=workers)
            for kind, workers in (("serial", 1), ("threads", 2), ("processes", 2))}
    assert draw["serial"].tobytes() == draw["threads"].tobytes() == draw["processes"].tobytes()
    assert len(np.unique(draw["serial"])) == 100


def test_workers_do_not_draw_the_same_global_numbers():
    np.random.seed(1)
    with tw.Pool(2) as pool:
        import time

        def draw(r):
            time.sleep(0.02)
            r[...] = np.random.rand(*r.shape)
        assert len(np.unique(pool.run(draw, "-> r[i]", lengths={"i": 20}, tiles={"i": 1}))) == 20


def test_dtypes_of_results():
    f4, i8 = np.ones(3, "f4"), np.ones(3, "i8")

    def add(*arrays):
        arrays[-1][...] = sum(array.astype(arrays[-1].dtype) for array in arrays[:-1])
    assert tw.run(add, "a[i], b[i] -> r[i]", f4, i8, pool="serial").dtype == np.result_type(f4, i8)
    assert tw.run(add, "a[i], b[i] -> r[i]:float32", f4, i8, pool="serial").dtype == "f4"
    assert tw.run(add, "a[i], b[i] -> r[i]", f4, i8, pool="serial", dtype="i2").dtype == "i2"
    assert tw.run(add, "a[i], b[] -> r[i]", f4, 2.0, pool="serial").dtype == np.result_type(f4, 2.0)
    assert tw.run(lambda r: r.fill(1), "-> r[i]", lengths={"i": 2}, pool="serial").dtype == "f8"
    several = tw.run(lambda a: (a, a), "a[i] -> r[i], s[i]", f4, pool="serial", dtype={"s": "c16"})
    assert [array.dtype for array in several] == ["f4", "c16"]


@pytest.mark.parametrize("kind", ["processes", "threads"])
def test_results_outlive_their_pool(kind):
    with tw.Pool(2, kind) as pool:
        r = pool.run(lambda r: r.fill(3), "-> r[i]", lengths={"i": 1 << 20}, tiles={"i": 1 << 17})
    assert r.sum() == 3 << 20
    view = r[5:10]
    del r
    assert view.tolist() == [3] * 5


def test_check_finds_a_kernel_whose_values_depend_on_the_tile(pool):
    y = np.arange(12.0)
    result, report = pool.run(lambda y: y + 1, "y[i] -> r[i]", y, tiles={"i": 5}, check=True, report=True)
    assert (result == y + 1).all() and report.totals["identical"]
    with pytest.raises(tw.CheckError, match="differ"):
        pool.run(lambda y: y - y.mean(), "y[i] -> r[i]", y, tiles={"i": 5}, check=True)


def test_views_that_a_kernel_keeps_stay_valid():
    kept = []
    with tw.Pool(2, "threads") as pool:
        r = pool.run(lambda y, r: (kept.append(y), r.fill(1))[1], "y[i] -> r[i]", np.arange(1 << 18, dtype=float),
                     tiles={"i": 1 << 16})
        with pytest.raises(tw.TileError, match="kept a view"):
            pool.run(lambda y, r: (kept.append(y), r.fill(1))[1], "y[i] -> r[i]", np.arange(8.0), tiles={"i": 8},
                     check=True)
    kept.pop()
    del r
    assert sum(view.sum() for view in kept) == np.arange(1 << 18, dtype=float).sum()


def test_progress_is_told(pool):
    import time
    told, seen, is_serial = [], tw.zeros(1), "serial" in repr(pool)

    def kernel(r, tile):
        time.sleep(0.03)
        end = time.monotonic() + 60
        while tile.number == 11 and not is_serial and not seen[0] and time.monotonic() < end:
            time.sleep(0.01)
        r.fill(1)

    def tell(done, total, seconds):
        told.append((done, total))
        seen[0] = 1
    pool.run(kernel, "-> r[i]", lengths={"i": 12}, tiles={"i": 1}, progress=tell)
    assert told[-1] == (12, 12) and len(told) > 1
    assert [done for done, _ in told] == sorted(done for done, _ in told)


@pytest.mark.parametrize("start", ["none", "spawn"])
def test_progress_that_is_false_is_none(pool, start):
    with tw.Pool(1, start="spawn") if start == "spawn" else contextlib.nullcontext(pool) as opened:
        for progress in (None, False, 0, np.False_, "", {}):
            assert opened.run(lambda r: r.fill(1), "-> r[i]", lengths={"i": 3}, progress=progress).tolist() == [1, 1, 1]
        for progress in (1, "bar", np.zeros(2)):
            with pytest.raises(TypeError, match="progress is True, False or a callable, not "):
                opened.run(lambda r: r.fill(1), "-> r[i]", lengths={"i": 3}, progress=progress)
    with pytest.raises(TypeError, match="progress is True, False or a callable, not 1"):
        pool.evaluate("r[i] = 2 * y[i]", y=np.arange(3.0), progress=1)


def test_an_exception_of_the_progress_function_ends_the_run(pool):
    import time

    def refuse(done, total, seconds):
        raise KeyError("enough")
    with pytest.raises(KeyError, match="enough"):
        pool.run(lambda r: time.sleep(0.02) or r.fill(1), "-> r[i]", lengths={"i": 500}, tiles={"i": 1}, progress=refuse)
    assert pool.run(lambda r: r.fill(2), "-> r[i]", lengths={"i": 3}).tolist() == [2, 2, 2]


def test_progress_is_a_line_where_tqdm_is_not_installed(capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    tw.run(lambda r: r.fill(0), "-> r[i]", lengths={"i": 3}, tiles={"i": 1}, pool="serial", progress=True)
    assert capfd.readouterr().err.startswith("tilework: 3 of 3 tiles, ")


def test_progress_true_writes_a_bar(capfd):
    tw.run(lambda r: r.fill(0), "-> r[i]", lengths={"i": 3}, tiles={"i": 1}, pool="serial", progress=True)
    assert "3" in capfd.readouterr().err


@pytest.mark.parametrize("dtype", [np.dtype({"names": ["a", "b"], "formats": ["f4", "i4"], "offsets": [0, 0]}),
                                   np.dtype({"names": ["b", "a"], "formats": ["f4", "i8"], "offsets": [8, 0]}),
                                   np.dtype([("a", "i1"), ("b", "f8", (2,))], align=True), "bfloat16", "M8[ns]", "U3"])
def test_items_of_any_dtype_are_what_they_are_in_kernels(pool, dtype):
    if dtype == "bfloat16":
        dtype = np.dtype(pytest.importorskip("ml_dtypes").bfloat16)
    dtype = np.dtype(dtype)
    y = np.frombuffer(bytes(range(8)) * dtype.itemsize, dtype)
    r = np.zeros(8, dtype)

    def copies(y, r):
        assert y.dtype == dtype and r.dtype == dtype
        r[...] = y
    pool.run(copies, "y[i] -> r[i]", y, tiles={"i": 3}, out=r)
    assert r.tobytes() == y.tobytes() or dtype.names
    shared = tw.empty(8, dtype)
    assert shared.dtype == dtype and pickle.loads(pickle.dumps(shared)).dtype == dtype


def test_the_name_of_a_field_is_never_read_as_a_pickle():
    class Bomb:
        def __reduce__(self):
            return os.abort, ()
    dtype = np.dtype([(f"pickled {pickle.dumps(Bomb()).hex()}", "V2")])
    y = np.zeros(3, dtype)
    assert tw.run(lambda y: y, "y[i] -> r[i]", y, pool="serial").dtype == dtype
