"""The dtype of a new output is that of what its kernel returns: from all tiles, whatever tile ends first."""

import os
import signal
import time
import warnings

import numpy as np
import pytest

import tilework as tw


def equal(found, wanted):
    assert found.dtype == wanted.dtype, (found.dtype, wanted.dtype)
    assert found.shape == wanted.shape
    if wanted.dtype == np.longdouble:  # whose items have bytes that mean nothing
        assert (found == wanted).all()
    else:
        assert found.tobytes() == np.ascontiguousarray(wanted).tobytes()


DAYS = np.array(["2024-01-01", "2024-02-29", "2024-03-01", "1969-12-31"], "M8[D]")
TEXTS = np.array(["a", "bb", "ccc", "d"])
WHOLE = np.arange(6)
IMAGE = np.full((3, 500), 255, "u1")
MASK = np.ones((3, 500), bool)


@pytest.mark.parametrize("kernel, signature, operand", [
    (lambda c: c / 2, "c[i] -> r[i]", WHOLE),
    (np.sqrt, "c[i] -> r[i]", WHOLE),
    (lambda a: a.sum(1), "a[i,k] -> r[i]", IMAGE),
    (lambda a: a.sum(1), "a[i,k] -> r[i]", MASK),
    (lambda a: a.mean(1), "a[i,k] -> r[i]", IMAGE),
    (lambda d: d - np.datetime64("2024-01-01"), "d[i] -> r[i]", DAYS),
    (lambda d: d.astype("M8[s]"), "d[i] -> r[i]", DAYS),
    (lambda t: np.char.add(t, "-long"), "t[i] -> r[i]", TEXTS),
    (lambda t: t.astype("S"), "t[i] -> r[i]", TEXTS),
    (lambda t: t == "bb", "t[i] -> r[i]", TEXTS),
    (lambda c: c * 1j, "c[i] -> r[i]", WHOLE),
    (lambda c: c.astype("f4"), "c[i] -> r[i]", WHOLE),
    (lambda c: c.astype("f2"), "c[i] -> r[i]", WHOLE),
    (lambda c: c > 2, "c[i] -> r[i]", WHOLE),
    (lambda c: c.astype([("a", "i4"), ("b", "f8")]), "c[i] -> r[i]", WHOLE),
    (lambda c: np.array([("x", 1.5)] * len(c), [("a", "U3"), ("b", "f8")])["b"], "c[i] -> r[i]", WHOLE),
    (lambda c: c.astype(np.longdouble), "c[i] -> r[i]", WHOLE),
    (lambda c: np.ma.masked_array(c / 2, False), "c[i] -> r[i]", WHOLE),
])
def test_it_is_what_the_kernel_returns(pool, kernel, signature, operand):
    length = {"tiles": {"i": 1}}
    equal(pool.run(kernel, signature, operand, **length), np.asarray(kernel(operand)))
    equal(pool.run(kernel, signature, operand), np.asarray(kernel(operand)))


def test_plain_numbers_and_lists_are_read_as_numpy_reads_them(pool):
    for value in (1.5, 2, True, 2j, np.float32(3), np.int8(4), "text"):
        equal(pool.run(lambda a, value=value: value, "a[i] -> r[]", WHOLE), np.asarray(value))
    equal(pool.run(lambda a: [float(x) / 2 for x in a], "a[i] -> r[i]", WHOLE, tiles={"i": 4}), WHOLE / 2)


def test_outputs_have_each_their_own(pool):
    low, mean, name = pool.run(lambda a: (a.min(1), a.mean(1), ["row"] * len(a)), "a[i,k] -> low[i], mean[i], name[i]", IMAGE,
                               tiles={"i": 1})
    equal(low, IMAGE.min(1))
    equal(mean, IMAGE.mean(1))
    equal(name, np.array(["row"] * 3))
    low, mean = pool.run(lambda a: (a.min(1), a.mean(1)), "a[i,k] -> low[i], mean[i]", IMAGE, dtype={"mean": "f4"}, tiles={"i": 1})
    equal(low, IMAGE.min(1))
    equal(mean, IMAGE.mean(1).astype("f4"))


def of_tile(kinds):
    """A kernel whose tile i is of kinds[i]."""
    return lambda c, tile: np.asarray([kinds[tile.number]] * len(c))


@pytest.mark.parametrize("kinds", [
    [1, 2.5, 3], [2.5, 1, 3], [True, 2, 3], [True, 0.5, 1], [1, 2j, 0.5], ["a", "bbb", "cc"], ["bbb", "a", "cc"], [b"a", "bcd", b"ef"],
    [np.float32(1), np.int64(2**40), np.int8(3)], [np.int64(-1), np.uint64(2**63), np.int64(5)],
    [np.uint16(65535), np.int16(-1), np.float32(0.5)], ["x" * n for n in (3, 70, 1)],
    [np.datetime64("2024-01-01"), np.datetime64("2024-01-01T12"), np.datetime64("1970-01-01T00:00:01")],
])
def test_tiles_of_several_dtypes_have_the_common_one(pool, kinds):
    wanted = np.empty(6, np.result_type(*[np.asarray(kind) for kind in kinds]))
    for tile, kind in enumerate(kinds):
        wanted[2 * tile:2 * tile + 2] = np.asarray(kind)
    equal(pool.run(of_tile(kinds), "c[i] -> r[i]", WHOLE, tiles={"i": 2}), wanted)


def test_no_order_of_the_tiles_changes_it():
    def late(c, tile):
        time.sleep(0.1 if tile.number == slow else 0)
        return c / 2 if tile.number % 2 else c
    wanted = np.array([0, 0.5, 2, 1.5])
    for slow in range(4):
        for kind in ("processes", "threads"):
            equal(tw.run(late, "c[i] -> r[i]", np.arange(4), tiles={"i": 1}, workers=2, pool=kind), wanted)


def test_many_widths_of_text():
    words = ["x" * (7 * n % 101) for n in range(300)]
    for kind in ("processes", "threads", "serial"):
        found = tw.run(lambda c: [words[k] for k in c], "c[i] -> r[i]", np.arange(300), tiles={"i": 1}, pool=kind, workers=2)
        equal(found, np.array(words))


@pytest.mark.parametrize("first, second, wish", [
    (1.5, "text", "<U32"), ("text", 1, "<U21"), (np.timedelta64(4, "D"), 3, "<m8[D]"), (3, np.timedelta64(4, "s"), "<m8[s]"),
    (np.datetime64("2024-01-01"), 3, None), (3, np.datetime64("2024-01-01"), None), (np.zeros((), [("a", "i4")])[()], 1.5, None),
    (np.timedelta64(4, "D"), np.datetime64("2024-01-01"), None), (np.zeros((), [("a", "i4")])[()], "text", None),
])
def test_tiles_that_have_no_dtype_in_common_are_refused_with_both(pool, first, second, wish):
    with pytest.raises(tw.TileError) as caught:
        pool.run(of_tile([first, first, second]), "c[i] -> r[i]", WHOLE, tiles={"i": 2})
    words = str(caught.value)
    assert "tile 0, c[0:2] -> r[0:2]" in words and "tile 2, c[4:6] -> r[4:6]" in words and "output r" in words
    assert str(np.asarray(first).dtype) in words and str(np.asarray(second).dtype) in words
    assert "return the same dtype from every tile" in words and ("give dtype=" in words) == (wish is not None)
    if wish is not None:
        assert f"give dtype={wish!r}, or" in words
        pool.run(of_tile([first, first, second]), "c[i] -> r[i]", WHOLE, tiles={"i": 2}, dtype=wish)
    assert caught.value.tile == 2 and caught.value.ranges == {"i": slice(4, 6)}


@pytest.mark.parametrize("wish, value", [("i8", 0.5), ("u1", np.int64(3)), ("?", 1), ("f8", 1j), ("i4", [1.5]), ("f8", np.array("text"))])
def test_a_given_dtype_refuses_what_it_cannot_hold(pool, wish, value):
    value = np.asarray(value) if not isinstance(value, list) else value
    for options in ({"dtype": wish}, {"out": np.zeros(6, wish)}):
        with pytest.raises(tw.TileError, match=f"output r of dtype {np.dtype(wish)}") as caught:
            pool.run(lambda c: [value[0]] * len(c) if isinstance(value, list) else np.full(len(c), value), "c[i] -> r[i]", WHOLE,
                     tiles={"i": 2}, **options)
        assert caught.value.tile == 0


@pytest.mark.parametrize("wish, value", [("f4", 0.5), ("i2", np.int64(3)), ("f8", 1), ("c8", 1j), ("u1", [1, 2]), ("U2", "text")])
def test_a_given_dtype_takes_what_it_can(pool, wish, value):
    wanted = np.empty(6, wish)
    wanted[...] = value[0] if isinstance(value, list) else value
    found = pool.run(lambda c: [value[0]] * len(c) if isinstance(value, list) else np.full(len(c), value), "c[i] -> r[i]", WHOLE,
                     tiles={"i": 2}, dtype=wish)
    equal(found, wanted)
    equal(pool.run(lambda c: np.full(len(c), wanted[0]), f"c[i] -> r[i]:{wish}", WHOLE), wanted)


def test_texts_without_a_width_are_refused():
    for wish in (str, bytes, "U", "S0"):
        with pytest.raises(TypeError, match="output r has dtype .*texts of no width"):
            tw.run(lambda c: c, "c[i] -> r[i]", WHOLE, dtype=wish)
    with pytest.raises(TypeError, match="texts of no width.*give the width"):
        tw.run(lambda c: c, "c[i] -> r[i]:str", WHOLE)


def test_a_mask_is_not_dropped(pool):
    for kernel in (lambda c: np.ma.masked_greater(c, 3), lambda c: [np.ma.masked] * len(c)):
        with pytest.raises(tw.TileError, match=r"masked.*filled\(\)"):
            pool.run(kernel, "c[i] -> r[i]", WHOLE)


def test_axes_of_no_length_have_the_inputs_dtype(pool):
    equal(pool.run(lambda c: c / 2, "c[i] -> r[i]", np.zeros(0, "f4")), np.zeros(0, "f4"))


def test_check_and_reports_work_with_it(pool):
    r, report = pool.run(lambda c: c / 2, "c[i] -> r[i]", WHOLE, tiles={"i": 2}, check=True, report=True)
    equal(r, WHOLE / 2)
    assert report.totals["checked"] and report.totals["identical"] and report.totals["done"] == 3
    with pytest.raises(tw.CheckError, match=r"r\[2\] differs .* tile 1, c\[2:4\] -> r\[2:4\]"):
        pool.run(lambda c, tile: c / 2 + tile.number, "c[i] -> r[i]", WHOLE, tiles={"i": 2}, check=True)
    c = np.arange(6)
    again = pool.run(lambda c: (c + 1, c / 2), "c[i] -> c[i], r[i]", c, tiles={"i": 2}, check=True)[1]
    equal(again, WHOLE / 2)
    equal(c, WHOLE + 1)


def test_a_worker_that_dies_costs_one_tile(tmp_path):
    def kernel(c, tile):
        if tile.number == 0 and tile.attempt == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return c / 2
    equal(tw.run(kernel, "c[i] -> r[i]", WHOLE, tiles={"i": 1}, workers=2), WHOLE / 2)


def test_a_tile_that_fails_does_not_decide():
    def kernel(c, tile):
        if tile.number == 0:
            raise ValueError("no")
        return c / 2
    for kind in ("processes", "threads", "serial"):
        with pytest.raises(tw.TileError, match="tile 0") as caught:
            tw.run(kernel, "c[i] -> r[i]", WHOLE, tiles={"i": 1}, workers=None if kind == "serial" else 2, pool=kind,
                   keep_going=True, report=True)
        assert caught.value.report.totals["done"] == 5


def test_a_result_without_room_is_out_of_memory():
    def kernel(c):
        return np.broadcast_to(np.zeros(1, "V1000000"), (len(c), 10**9))
    for kind in ("processes", "serial"):
        with pytest.raises(tw.OutOfMemory, match="output r: "):
            tw.run(kernel, "c[i] -> r[i,j]", WHOLE, lengths={"j": 10**9}, tiles={"i": 1}, pool=kind)


def test_kernels_that_fill_get_exact_arrays(pool):
    shared = tw.share(np.arange(6.0))

    def kernel(c, r):
        assert type(r) is np.ndarray
        r[...] = c
    equal(np.asarray(pool.run(kernel, "c[i] -> r[i]", shared)), np.arange(6.0))


def test_whole_numbers_that_a_kernel_fills_are_warned_of(pool):
    def kernel(c, r):
        r[...] = c / 2
    with pytest.warns(UserWarning, match="output r has dtype int64.*fractions are cut off") as caught:
        pool.run(kernel, "c[i] -> r[i]", WHOLE)
    assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pool.run(kernel, "c[i] -> r[i]", WHOLE, dtype=int)
        pool.run(kernel, "c[i] -> r[i]", WHOLE.astype(float))
        pool.run(kernel, "c[i] -> r[i]:i8", WHOLE)
        pool.run(lambda c: c / 2, "c[i] -> r[i]", WHOLE)
        pool.run(kernel, "c[i] -> r[i]", WHOLE, out=np.zeros(6, int))
        pool.run(lambda r: r.fill(1), "-> r[i]", lengths={"i": 3})
    for inputs, words in (WHOLE > 2, "fractions are taken for True"), (np.array(["a", "b"]), "longer texts.*dtype='<U1' to keep"), \
            (np.zeros(3, "M8[D]"), "differences become dates"):
        with pytest.warns(UserWarning, match=words):
            pool.run(lambda c, r: r.__setitem__(..., c), "c[i] -> r[i]", inputs)
    with pytest.warns(UserWarning) as caught:
        tw.run(kernel, "c[i] -> r[i]", WHOLE, pool="serial")
    assert [warning.filename for warning in caught] == [__file__]
