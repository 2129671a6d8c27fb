"""reduce=: outputs that lack an axis which is cut. Partial results are folded in the order of the grid, on any pool."""

import operator
import os
import signal
import threading
import time

import numpy as np
import pytest

import tilework as tw

KINDS = ["processes", "threads", "serial", "spawn"]
WORDS = {"sum": np.add, "prod": np.multiply, "min": np.minimum, "max": np.maximum, "any": np.logical_or, "all": np.logical_and}


def available(shared_pools, kind):
    if kind not in shared_pools:
        pytest.skip("cloudpickle is not installed")
    return shared_pools[kind]


def folded(a, ufunc, step, kernel):
    """What tiles of `step` rows give, folded in order."""
    parts = [np.asarray(kernel(a[start:start + step])) for start in range(0, len(a), step)]
    result = parts[0].copy()
    for part in parts[1:]:
        result = np.asarray(ufunc(result, part)).astype(result.dtype)
    return result


# ---- every pool, word and dtype ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("kind", KINDS)
def test_partial_results_are_folded_in_the_order_of_the_grid(shared_pools, kind, word):
    pool = available(shared_pools, kind)
    ufunc = WORDS[word]
    a = np.random.default_rng(1).normal(size=(101, 7))
    a[50, 3] = np.nan
    for step in (1, 10, 101):
        s, report = pool.run(lambda a: ufunc.reduce(a, axis=0), "a[i,j] -> s[j]", a, tiles={"i": step}, reduce={"s": word},
                             report=True)
        expected = folded(a, ufunc, step, lambda a: ufunc.reduce(a, axis=0))
        assert s.dtype == expected.dtype and s.tobytes() == expected.tobytes()
        assert len(report.steps) == (1 if step == 101 else 2)
        assert report.totals["done"] == report.totals["tiles"]


@pytest.mark.parametrize("dtype", ["i1", "u2", "i4", "i8", "u8", "f2", "f4", "f8", "c8", "c16", "?"])
@pytest.mark.parametrize("kind", ["processes", "threads"])
def test_every_dtype_that_numpy_folds_is_folded(shared_pools, kind, dtype):
    rng = np.random.default_rng(2)
    a = (rng.integers(0, 3, (40, 5)) + (1j * rng.integers(0, 3, (40, 5)) if dtype.startswith("c") else 0)).astype(dtype)
    for word, ufunc in WORDS.items():
        if dtype == "?" and word in ("sum", "prod"):
            continue  # NumPy's sum of bools is an int64, which this kernel does not return

        def kernel(a, ufunc=ufunc):
            return ufunc.reduce(a, axis=0)
        s = shared_pools[kind].run(kernel, "a[i,j] -> s[j]", a, tiles={"i": 7}, reduce={"s": word})
        expected = folded(a, ufunc, 7, kernel)
        assert s.dtype == expected.dtype, word
        assert s.tobytes() == expected.tobytes(), word


@pytest.mark.parametrize("kind", KINDS)
def test_a_sum_of_everything_is_a_scalar(shared_pools, kind):
    pool = available(shared_pools, kind)
    a = np.arange(60.0).reshape(6, 10)
    s = pool.run(lambda a: a.sum(), "a[i,j] -> s[]", a, tiles={"i": 2, "j": 3}, reduce="sum")
    assert s.shape == () and s == a.sum()


def test_without_options_all_cores_work():
    a = np.random.default_rng(3).normal(size=(4000, 6))
    s, report = tw.run(lambda a: a.sum(0), "a[i,j] -> s[j]", a, reduce={"s": "sum"}, report=True, workers=2)
    np.testing.assert_allclose(s, a.sum(0), rtol=1e-12)
    assert report.totals["workers"] == 2 and report.totals["tiles"] > 32
    assert [step.first for step in report.steps] == [0, report.steps[0].tiles]
    assert sum(step.tiles for step in report.steps) == report.totals["tiles"]
    assert "parts of s[j]" in report.steps[0].text and "2 steps" in repr(report)
    assert "of" in report.line(0) and "part 1 of" in report.line(0)
    assert report.to_dict()["steps"][1]["first"] == report.steps[1].first
    assert "<svg" in report._repr_html_()


# ---- how a reduction is asked for --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how, expected", [
    ({"s": "sum"}, 120.0), ("sum", 120.0), (np.add, 120.0), (np.sum, 120.0), (sum, 120.0), (operator.add, 120.0), (np.maximum, 45.0),
    (max, 45.0), (np.max, 45.0), (min, 1.0), ({"s": np.minimum}, 1.0), ({"s": lambda into, part: operator.iadd(into, part)}, 120.0),
    ({"s": lambda into, part: into + part}, 120.0), ({"s": np.hypot}, None)])
def test_words_and_functions(how, expected):
    y = np.arange(1.0, 17.0) - 1
    y[0] = 0
    parts = y.reshape(4, 4).sum(1) + np.array([1, 0, 0, 0]) * 0
    s = tw.run(lambda y: y.sum(), "y[i] -> s[]", y, tiles={"i": 4}, reduce=how, pool="serial")
    if expected is None:
        expected = np.hypot(np.hypot(np.hypot(parts[0], parts[1]), parts[2]), parts[3])
    elif expected == 45.0:
        expected = parts.max()
    elif expected == 1.0:
        expected = parts.min()
    assert s == expected


@pytest.mark.parametrize("kind", KINDS)
def test_a_function_gets_the_parts_in_order(shared_pools, kind):
    pool = available(shared_pools, kind)

    def later(into, part):
        into *= 10
        into += part

    y = np.arange(1.0, 7.0)
    s = pool.run(lambda y: y.sum(), "y[i] -> s[]", y, tiles={"i": 1}, reduce={"s": later})
    assert s == 123456
    s = pool.run(lambda y: y.sum(), "y[i] -> s[]", y, tiles={"i": 1}, reduce={"s": lambda into, part: 10 * into + part})
    assert s == 123456


def test_a_function_that_has_changed_is_the_new_one():
    factor = [10.0]
    with tw.Pool(2) as pool:
        y = np.arange(1.0, 4.0)
        for factor[0] in (10.0, 100.0):
            s = pool.run(lambda y: y.sum(), "y[i] -> s[]", y, tiles={"i": 1},
                         reduce={"s": lambda into, part: factor[0] * into + part})
            assert s == (factor[0] * 1 + 2) * factor[0] + 3


def test_one_function_may_be_kernel_and_fold():
    def double(a, b):
        return a + b
    y = np.arange(6.0)
    for pool in ("serial", "threads", "processes"):
        s = tw.run(double, "y[i], z[i] -> s[i]", y, y, tiles={"i": 2}, reduce={"s": double}, pool=pool)
        assert s.tolist() == (2 * y).tolist()
        low, high = tw.run(lambda y: (y.sum(), y.sum()), "y[i] -> low[], high[]", y, tiles={"i": 2}, pool=pool,
                           reduce={"low": double, "high": double})
        assert (low, high) == (15, 15)


C_FOLD = """
#include <tilework/tilework.h>
int later(const tw_tile *tile)
{
    TW_VIEW(const double, part, tile->operand[0]);
    TW_VIEW(double, into, tile->operand[1]);
    for (int64_t j = 0; j < into.shape[0]; j++)
        TW_AT(into, j) = 10 * TW_AT(into, j) + TW_AT(part, j);
    return 0;
}
int total(const tw_tile *tile)
{
    TW_VIEW(const double, a, tile->operand[0]);
    TW_VIEW(double, s, tile->operand[1]);
    for (int64_t i = 0; i < a.shape[0]; i++)
        for (int64_t j = 0; j < a.shape[1]; j++)
            TW_AT(s, j) += TW_AT(a, i, j);
    return 0;
}
"""


@pytest.mark.parametrize("kind", KINDS)
def test_kernels_in_c_compute_and_fold(shared_pools, kind):
    pool = available(shared_pools, kind)
    total, later = (tw.Kernel.from_c(C_FOLD, name) for name in ("total", "later"))
    a = np.arange(12.0).reshape(4, 3) % 5
    expected = a[0]
    for row in a[1:]:
        expected = 10 * expected + row
    assert pool.run(total, "a[i,j] -> s[j]", a, tiles={"i": 1}, reduce="sum").tolist() == a.sum(0).tolist()
    assert pool.run(total, "a[i,j] -> s[j]", a, tiles={"i": 1}, reduce={"s": later}).tolist() == expected.tolist()
    mixed = pool.run(total, "a[i,j] -> s[j]", a, tiles={"i": 1}, reduce={"s": lambda into, part: 10 * into + part})
    assert mixed.tolist() == expected.tolist()
    other = pool.run(lambda a: a.sum(0), "a[i,j] -> s[j]", a, tiles={"i": 1}, reduce={"s": later})
    assert other.tolist() == expected.tolist()


# ---- kernels that fill -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [3, 20])
def test_partial_results_begin_as_the_identity(shared_pools, kind, step):
    pool = available(shared_pools, kind)
    a = np.random.default_rng(4).integers(-9, 9, (20, 4)).astype(float)

    def fill(a, total, product, low, high, some, every):
        for row in a:
            total += row
            product *= row
            np.minimum(low, row, out=low)
            np.maximum(high, row, out=high)
            some |= row > 8
            every &= row > -9

    words = {"total": "sum", "product": "prod", "low": "min", "high": "max", "some": "any", "every": "all"}
    found = pool.run(fill, "a[i,j] -> total[j], product[j], low[j], high[j], some[j], every[j]", a, tiles={"i": step}, reduce=words)
    expected = a.sum(0), a.prod(0), a.min(0), a.max(0), (a > 8).any(0), (a > -9).all(0)
    for one, other in zip(found, expected):
        assert one.dtype == other.dtype and one.tolist() == other.tolist()


@pytest.mark.parametrize("kind", ["processes", "threads", "serial"])
@pytest.mark.parametrize("dtype", ["i4", "u1", "f4"])
def test_the_identity_of_integers_is_their_extreme(shared_pools, kind, dtype):
    a = np.arange(2, 14).reshape(4, 3).astype(dtype)
    low, high = shared_pools[kind].run(lambda a, low, high: (np.minimum(low, a.min(0), out=low), np.maximum(high, a.max(0), out=high)),
                                       "a[i,j] -> low[j], high[j]", a, tiles={"i": 1}, dtype=dtype, reduce={"low": "min", "high": "max"})
    assert low.tolist() == a.min(0).tolist() and high.tolist() == a.max(0).tolist()


@pytest.mark.parametrize("step", [10, 100])
def test_what_a_kernel_leaves_contributes_nothing(step):
    y = np.array([3, 3, 7, 1] * 25)

    def histogram(y, h):
        np.add.at(h, y[y > 2], 1)

    for pool in ("processes", "threads"):
        h = tw.run(histogram, "y[i] -> h[k]", y, lengths={"k": 10}, dtype="i8", tiles={"i": step}, reduce="sum", pool=pool)
        assert h.tolist() == np.bincount(y[y > 2], minlength=10).tolist()


def test_an_axis_that_no_input_has_stays_whole():
    y = np.arange(5000) % 37
    h, report = tw.run(lambda y, h: np.add.at(h, y, 1), "y[i] -> h[k]", y, lengths={"k": 64}, dtype=int, reduce="sum", report=True)
    assert h.tolist() == np.bincount(y, minlength=64).tolist() and len(report.steps) == 2

    def placed(y, h, tile):
        assert len(h) < 64
        first = tile.ranges["k"].start
        h += np.bincount(y, minlength=64)[first:first + len(h)]
    assert (tw.run(placed, "y[i] -> h[k]", y, lengths={"k": 64}, dtype=int, reduce="sum", parts={"i": 4, "k": 4}) == h).all()


def test_a_kernel_that_only_gives_the_name_to_another_array_is_refused():
    def rebinds(a, s):
        s = a.sum(0)  # noqa: F841
    for pool in ("processes", "threads"):
        with pytest.raises(tw.TileError, match=r"left its part of s as it was.*assign to s\[\.\.\.\]"):
            tw.run(rebinds, "a[i,j] -> s[j]", np.ones((4, 3)), tiles={"i": 1}, reduce="sum", pool=pool)


def test_dtypes_of_outputs_that_are_filled_are_numpys():
    a = np.ones((6, 2), "i2")
    with pytest.warns(UserWarning, match="fractions are cut off"):
        s = tw.run(lambda a, s: s.__iadd__(a.sum(0)), "a[i,j] -> s[j]", a, tiles={"i": 2}, reduce="sum", pool="serial")
    assert s.dtype == np.int64 and s.tolist() == [6, 6]
    some = tw.run(lambda a, s: s.__ior__((a > 0).any(0)), "a[i,j] -> s[j]", a, tiles={"i": 2}, reduce="any", pool="serial")
    assert some.dtype == bool and some.all()


@pytest.mark.parametrize("step", [2, 6])
@pytest.mark.parametrize("kind", KINDS)
def test_an_array_of_ones_own_is_overwritten(shared_pools, kind, step):
    pool = available(shared_pools, kind)
    a, out = np.arange(12.0).reshape(6, 2), np.full(2, 1e9)

    def fill(a, s):
        s += a.sum(0)
    for kernel in (fill, lambda a: a.sum(0)):
        out[:] = 1e9
        assert pool.run(kernel, "a[i,j] -> s[j]", a, tiles={"i": step}, reduce="sum", out=out) is out
        assert out.tolist() == a.sum(0).tolist()


def test_a_given_dtype_is_that_of_the_partial_results():
    a = np.full((4, 2), 0.1)
    s = tw.run(lambda a: a.sum(0), "a[i,j] -> s[j]", a, tiles={"i": 1}, reduce="sum", dtype="f4")
    expected = folded(a, np.add, 1, lambda a: a.sum(0).astype("f4"))
    assert s.dtype == np.float32 and s.tobytes() == expected.tobytes()
    s = tw.run(lambda a: a.sum(0), "a[i,j] -> s[j]:float32", a, tiles={"i": 1}, reduce="sum")
    assert s.tobytes() == expected.tobytes()
    with pytest.raises(tw.TileError, match="float64 for output s of dtype bool"):
        tw.run(lambda a: a.sum(0), "a[i,j] -> s[j]", a, tiles={"i": 1}, reduce="any")


# ---- shapes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_some_outputs_are_reductions(shared_pools, kind):
    pool = available(shared_pools, kind)
    a = np.arange(35.0).reshape(7, 5)
    r, rows, columns, all_of_it, low = pool.run(
        lambda a: (2 * a, a.sum(1), a.sum(0), a.sum(), a.min()), "a[i,j] -> r[i,j], rows[i], columns[j], all_of_it[], low[]", a,
        tiles={"i": 2, "j": 2}, reduce={"rows": "sum", "columns": "sum", "all_of_it": "sum", "low": "min"})
    assert (r == 2 * a).all() and (rows == a.sum(1)).all() and (columns == a.sum(0)).all()
    assert all_of_it == a.sum() and low == 0


def test_an_output_that_lacks_no_cut_axis_is_none():
    a = np.arange(6.0).reshape(2, 3)
    assert (tw.run(lambda a: a + 1, "a[i,j] -> r[i,j]", a, tiles={"i": 1}, reduce={"r": "sum"}) == a + 1).all()
    assert (tw.run(lambda a: a + 1, "a[i,j] -> r[i,j]", a, tiles={"i": 1}, reduce="sum") == a + 1).all()
    s, report = tw.run(lambda a: a.sum(1), "a[i,j] -> s[i]", a, tiles={"i": 1}, reduce="sum", report=True)
    assert s.tolist() == [3, 12] and len(report.steps) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_an_axis_without_elements_gives_what_the_kernel_makes_of_none(shared_pools, kind):
    pool = available(shared_pools, kind)
    s = pool.run(lambda a: a.sum(0), "a[i,j] -> s[j]", np.ones((0, 3)), reduce="sum")
    assert s.tolist() == [0, 0, 0]
    s = pool.run(lambda a: a.sum(0), "a[i,j] -> s[j]", np.ones((5, 0)), tiles={"i": 1}, reduce="sum")
    assert s.shape == (0,)


def test_results_do_not_depend_on_pool_and_workers():
    a = np.random.default_rng(5).normal(size=(300, 50)) * 10.0 ** np.arange(50)
    found = [tw.run(lambda a: a.sum(0), "a[i,j] -> s[j]", a, reduce="sum", pool=pool, workers=workers).tobytes()
             for pool, workers in (("serial", 1), ("threads", 3), ("processes", 1), ("processes", 4))]
    assert len(set(found)) == 1


def test_parts_of_several_dtypes_are_refused_by_their_tiles():
    y = np.arange(6)

    def kernel(y):
        return y.sum() if y[0] < 3 else y.sum() / 2
    for pool in ("serial", "threads", "processes"):
        with pytest.raises(tw.ArgumentError, match=r"s have several dtypes.*tile 0.*int64.*tile 3.*float64; give the output a dtype"):
            tw.run(kernel, "y[i] -> s[]", y, tiles={"i": 1}, reduce="sum", pool=pool)
        assert tw.run(kernel, "y[i] -> s[]", y, tiles={"i": 1}, reduce="sum", pool=pool, dtype="f8") == 9


# ---- options -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["processes", "threads", "serial"])
def test_check_does_the_same_tiles_again(shared_pools, kind):
    a = np.random.default_rng(6).normal(size=(30, 4))
    for kernel in (lambda a: a.sum(0), lambda a, s: s.__iadd__(a.sum(0))):
        for how in ("sum", lambda into, part: into + part):
            _, report = shared_pools[kind].run(kernel, "a[i,j] -> s[j]", a, tiles={"i": 7}, reduce=how, check=True, report=True)
            assert report.totals["checked"] and report.totals["identical"]

    def uneven(a):
        return a.sum(0) + time.perf_counter()
    with pytest.raises(tw.CheckError, match=r"s\[0\] differs from what the same tiles give serially there"):
        shared_pools[kind].run(uneven, "a[i,j] -> s[j]", a, tiles={"i": 7}, reduce="sum", check=True)


def test_the_guard_sees_reductions():
    a = np.ones((6, 4))
    s = tw.run(lambda a, s: s.__iadd__(a.sum(0)), "a[i,j] -> s[j]", a, tiles={"i": 2}, reduce="sum", guard=True)
    assert s.tolist() == [6] * 4


def test_progress_counts_the_tiles_of_all_steps():
    told = []
    _, report = tw.run(lambda y: y.sum(), "y[i] -> s[]", np.ones(40), tiles={"i": 1}, reduce="sum", pool="threads", report=True,
                       progress=lambda done, total, seconds: told.append((done, total)))
    assert told[-1] == (report.totals["tiles"],) * 2


def test_with_keep_going_what_depends_on_a_failed_tile_is_not_computed():
    def kernel(a):
        if a[0, 0] == 4:
            raise ValueError("this one")
        return a.sum(0)
    a = np.arange(24.0).reshape(6, 4)
    out = np.full(4, -1.0)
    for pool in ("serial", "threads", "processes"):
        with pytest.raises(tw.TileError, match="this one") as caught:
            tw.run(kernel, "a[i,j] -> s[j]", a, tiles={"i": 1}, reduce="sum", keep_going=True, report=True, pool=pool, out=out)
        totals = caught.value.report.totals
        assert caught.value.tile == 1 and totals["failed"] == 1 and totals["done"] == 5
        assert out.tolist() == [-1] * 4


# ---- what goes wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_an_exception_names_the_part_or_the_fold(shared_pools, kind):
    pool = available(shared_pools, kind)

    def kernel(y):
        if y[0] == 4:
            raise ValueError("bad part")
        return y.sum()

    def fold(into, part):
        raise KeyError("bad fold")
    y = np.arange(8.0)
    with pytest.raises(tw.TileError, match=r"kernel kernel .* failed at tile 2, y\[4:6\] -> s\[\] \(part 3 of 4\).*bad part") as caught:
        pool.run(kernel, "y[i] -> s[]", y, tiles={"i": 2}, reduce={"s": "sum"})
    assert isinstance(caught.value.__cause__, ValueError) and caught.value.ranges == {"i": slice(4, 6)}
    with pytest.raises(tw.TileError, match=r"the function fold .*, which reduces s, failed at tile 4, 4 parts of s.*bad fold") as caught:
        pool.run(lambda y: y.sum(), "y[i] -> s[]", y, tiles={"i": 2}, reduce={"s": fold})
    assert isinstance(caught.value.__cause__, KeyError)
    if kind != "spawn":
        assert "raise KeyError" in caught.value.traceback


@pytest.mark.parametrize("kind", ["processes", "threads", "serial"])
@pytest.mark.parametrize("dtype", [None, "f8"])
def test_parts_that_no_memory_holds_are_refused_before_they_are_computed(shared_pools, kind, dtype):
    a = np.broadcast_to(np.ones(100_000), (10_000_000, 100_000))
    with pytest.raises(tw.OutOfMemory, match="memory for partial results|this machine has|this pool has reserved"):
        shared_pools[kind].run(lambda a: a.sum(0), "a[i,j] -> s[j]", a, tiles={"i": 1}, reduce="sum", dtype=dtype)


def test_a_plan_of_a_reduction_times_its_tiles():
    a = np.random.default_rng(8).random((4000, 60))
    for how in ("max", lambda into, part: np.maximum(into, part, out=into)):
        words = str(tw.plan(lambda a: a.max(0), "a[i,j] -> s[j]", a, reduce=how))
        assert "timed" in words and "killed" not in words and "failed" not in words


def test_a_function_that_does_not_fit_is_reported_with_its_tile():
    with pytest.raises(tw.TileError, match=r"shape \(2,\) for a tile of shape \(\)"):
        tw.run(lambda y: y.sum(), "y[i] -> s[]", np.arange(4.0), tiles={"i": 2}, pool="serial",
               reduce={"s": lambda into, part: np.zeros(2)})


@pytest.mark.parametrize("where", ["kernel", "fold"])
def test_a_killed_worker_costs_one_tile(where, tmp_path):
    marker = tmp_path / "died"

    def die_once():
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)

    def kernel(y, s):
        s += y.sum()
        if where == "kernel" and y[0] == 4:
            die_once()

    def fold(into, part):
        into *= 10
        into += part
        if where == "fold" and into > 100:
            die_once()
    y = np.arange(1.0, 7.0)
    s, report = tw.run(kernel, "y[i] -> s[]", y, tiles={"i": 1}, reduce={"s": fold}, pool="processes", workers=2, report=True)
    assert s == 123456 and report.totals["deaths"] == 1


def test_a_tile_that_takes_too_long_is_ended():
    event = threading.Event()
    with pytest.raises(tw.TileError, match="tile 2.*part 3 of 4|took longer"):
        tw.run(lambda y: event.wait(60) if y[0] == 2 else y.sum(), "y[i] -> s[]", np.arange(4.0), tiles={"i": 1}, reduce="sum",
               timeout=0.3, retries=0, dtype="f8")


@pytest.mark.parametrize("kind", ["threads", "serial", "processes"])
def test_an_interrupt_in_a_fold_ends_the_run(kind):
    def fold(into, part):
        os.kill(parent, signal.SIGINT)
        for _ in range(600):
            threading.Event().wait(0.1)
    parent = os.getpid()
    with tw.Pool(2, kind) as pool:
        with pytest.raises(KeyboardInterrupt):
            pool.run(lambda y: y.sum(), "y[i] -> s[]", np.arange(4.0), tiles={"i": 1}, reduce={"s": fold})
        assert pool.run(lambda y: y.sum(), "y[i] -> s[]", np.arange(4.0), tiles={"i": 1}, reduce="sum") == 6


@pytest.mark.parametrize("kind", ["threads", "serial"])
def test_a_kept_view_of_a_partial_result_is_refused(kind):
    kept = []
    with pytest.raises(tw.TileError, match="kept a view of its tile, whose memory ends with the run"):
        tw.run(lambda y, s: kept.append(s), "y[i] -> s[]", np.arange(4.0), tiles={"i": 1}, reduce="sum", pool=kind)
    kept.clear()
    with pytest.raises(tw.TileError, match="kept a view"):
        tw.run(lambda y: y.sum(), "y[i] -> s[]", np.arange(4.0), tiles={"i": 1}, reduce={"s": lambda into, part: kept.append(part)},
               pool=kind)
    kept.clear()


def two(a, b):
    return None


@pytest.mark.parametrize("how, error, words", [
    ({"t": "sum"}, tw.ArgumentError, "reduce: the signature has no output t; it has s"),
    ({"a": "sum"}, tw.ArgumentError, "reduce: a is an input; the outputs are s"),
    ({"i": "sum"}, tw.ArgumentError, "reduce: i is an axis of the signature; its outputs are s"),
    ({"u": "sum"}, tw.ArgumentError, "reduce: u is read and written in place.*output of its own"),
    ({"s": "mean"}, tw.ArgumentError, "reduce of s is 'mean'; .*for a mean let the kernel give sums"),
    ({"s": "add"}, tw.ArgumentError, "reduce of s is 'add'; .*'sum' does this"),
    ({"s": "total sum"}, tw.ArgumentError, "reduce of s is 'total sum'; it is one of 'sum', 'prod'"),
    ("mean", tw.ArgumentError, "reduce of s is 'mean'"),
    ({"s": 3}, TypeError, "reduce of s is one of 'sum'.*not 3"),
    ({1: "sum"}, TypeError, "reduce: an output is named by a text, not 1"),
    (["sum"], TypeError, "reduce is a dict from outputs.*not a list"),
    ({"s": lambda into: into}, TypeError, "reduce of s: the function .*takes 1 argument; it takes two arrays, into and part"),
    ({"s": lambda a, b, c: None}, TypeError, "takes 3 arguments; it takes two arrays"),
    ({"s": lambda a, b, tile: None}, TypeError, "takes an argument tile; it takes two arrays"),
    ({"s": lambda a, b, *, c: None}, TypeError, "needs c by name"),
    ({"s": np.negative}, TypeError, "negative takes 1 arrays? and gives 1"),
    ({"s": float}, TypeError, "reduce of s is one of 'sum'"),
    ({"s": np.mean}, tw.ArgumentError, "reduce of s is numpy.mean; .*for a mean let the kernel give sums"),
    ({"s": np.nansum}, TypeError, "numpy.nansum takes one array and an axis; a function for reduce takes two arrays, into and part"),
])
def test_mistakes_are_named(how, error, words):
    with pytest.raises(error, match=words):
        tw.run(two, "a[i,j], u[i,j] -> s[j], u[i,j]", np.ones((4, 3)), np.ones((4, 3)), tiles={"i": 1}, reduce=how, pool="serial")


def test_without_reduce_the_refusal_says_how_to_ask():
    with pytest.raises(tw.ArgumentError, match=r'reduce=\{"s": "sum"\}'):
        tw.run(lambda a: a.sum(0), "a[i,j] -> s[j]", np.ones((4, 3)), tiles={"i": 1})


def test_a_statement_says_itself_what_it_sums():
    a = np.ones((4, 3))
    with pytest.raises(tw.ArgumentError, match="a statement says by itself how it sums"):
        tw.run("s[j] = sum(i: a[i,j])", "a[i,j] -> s[j]", a, reduce="sum")
    with pytest.raises(TypeError, match="no such option.*a statement says sum"):
        tw.evaluate("s[j] = sum(i: a[i,j])", a=a, reduce="sum")
    with pytest.raises(TypeError, match="run has no option reduction: .*reduce="):
        tw.run(lambda a: a, "a[i,j] -> s[j]", a, reduction="sum")
