"""tw.function, and what statements remember of their calls: the same results as the long way, whatever a call is like."""

import copy
import gc
import inspect
import math
import os
import pickle
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tilework as tw
from tilework import _memory, _prepared

pytestmark = pytest.mark.usefixtures("own_cache")

A, B = np.arange(20.0), np.linspace(1, 2, 20)


@pytest.fixture(name="f")
def fixture_f():
    return tw.function("r[i] = 2*a[i] + b[i]")


@pytest.fixture(name="missed")
def fixture_missed(monkeypatch):
    """How many calls went the long way."""
    calls, whole = [], _prepared.Function._missed

    def counted(self, /, *operands, **named):
        calls.append(self)
        return whole(self, *operands, **named)
    monkeypatch.setattr(_prepared.Function, "_missed", counted)
    return calls


def test_a_call_gives_what_the_statement_gives(f, missed):
    for _ in range(3):
        for r in (f(A, B), f(a=A, b=B), f(b=B, a=A), f(A, b=B), f(A, B, out=None)):
            assert type(r) is np.ndarray and r.tobytes() == (2 * A + B).tobytes() and r.flags.owndata
    assert len(missed) == 1 and f.known == 1
    assert f(A, B) is not f(A, B)


def test_other_dtypes_lengths_and_strides_are_other_calls(f, missed):
    cases = [(A, B), (A.astype("f4"), B.astype("f4")), (A.astype("f4"), B), (A[:7], B[:7]), (A[::-1], B), (A[::2], B[::2]),
             (np.arange(20), np.arange(20)), (A[:0], B[:0]), (A[:1], B)]
    for _ in range(2):
        for a, b in cases:
            r = f(a, b)
            assert r.dtype == (2 * a + b).dtype and r.tobytes() == (2 * a + b).tobytes()
    assert f.known == 8 and len(missed) < 2 * len(cases)


def test_many_calls_of_different_shapes_are_bounded(f):
    for n in range(1, 200):
        assert f(A[:1].repeat(n), B[:1].repeat(n)).shape == (n,)
    assert f.known == 8
    assert (f(A, B) == 2 * A + B).all() and (f(A, B) == 2 * A + B).all()


def test_calls_that_need_a_conversion_take_the_long_way_each_time(f, missed):
    swapped, misaligned = A.astype(">f8"), np.frombuffer(b"\0" + A.tobytes(), np.uint8)[1:].view("f8")
    for a in (list(A), swapped, misaligned, memoryview(A)):
        for _ in range(2):
            assert (f(a, B) == 2 * A + B).all()
    assert len(missed) == 8 and f.known == 0


@settings(max_examples=40)
@given(st.data())
def test_calls_that_follow_each_other_give_what_numpy_gives(data):
    f = tw.function("r[i,j] = c * y[i] + x[j]")
    for _ in range(12):
        y = np.arange(data.draw(st.integers(0, 3)), dtype=data.draw(st.sampled_from("fdh")))
        x = np.arange(8.0)[::data.draw(st.sampled_from([1, 2, -1]))]
        c = data.draw(st.sampled_from([2, 3.5, -0.0, math.inf, np.float32(1.5), np.float64(1.5), True]))
        with np.errstate(all="ignore"):
            expected = c * y[:, None] + x
        found = f(c, y, x)
        assert found.dtype == expected.dtype and np.array_equal(found, expected, equal_nan=True), (c, y, x)
        assert np.array_equal(tw.evaluate("r[i,j] = c * y[i] + x[j]", c=c, y=y, x=x), expected, equal_nan=True)


def test_parameters_have_the_value_of_the_call(missed):
    f = tw.function("r[i] = c * a[i] + d")
    assert [f(c, A, d)[3] for c, d in ((2.0, 0), (3.0, 0), (2.0, 0), (2.0, 5), (-0.0, 5))] == [6, 9, 6, 11, 5]
    assert len(missed) == 1
    assert f(2, A, 0).dtype == float and f(np.float32(2), A.astype("f4"), np.float32(1)).dtype == np.float32
    assert math.copysign(1, f(-0.0, A, -0.0)[1]) == -1 and np.isnan(f(math.nan, A, 0.0)).all()


def test_parameters_that_reach_further_are_refused_and_others_still_right():
    f = tw.function("r[i] = u[i+k]", lengths={"i": 5})
    assert f(A, 3).tolist() == [3, 4, 5, 6, 7] and f(A, 15).tolist() == [15, 16, 17, 18, 19]
    for k in (16, -1, 2**70):
        with pytest.raises(tw.ArgumentError):
            f(A, k)
    assert f(A, 0).tolist() == [0, 1, 2, 3, 4]
    g = tw.function("r[i] = a[i] * k")
    assert g(A.astype("u1"), 3).dtype == np.uint8 and g(A.astype("u1"), 2)[4] == 8
    for _ in range(2):
        with pytest.raises((tw.ArgumentError, OverflowError)):
            g(A.astype("u1"), 300)


def test_results_go_where_out_says(f, missed):
    r = np.full(20, -1.0)
    assert f(A, B, out=r) is r and (r == 2 * A + B).all()
    assert f(A, B, out=r) is r and len(missed) == 1
    single = np.zeros(20, "f4")
    assert f(A, B, out=single) is single and np.array_equal(single, (2 * A + B).astype("f4"))
    assert f(A, B).dtype == float  # what was remembered of out is no call without
    wide = np.zeros((20, 2))
    for _ in range(2):
        assert f(A, B, out=wide[:, 1]).base is wide and (wide[:, 1] == 2 * A + B).all() and not wide[:, 0].any()
    r.flags.writeable = False
    with pytest.raises(tw.ArgumentError, match="read-only"):
        f(A, B, out=r)
    with pytest.raises(tw.ArgumentError):
        f(A, B, out=np.zeros(20, int))
    with pytest.raises(tw.ArgumentError):
        f(A, B, out=np.zeros(21))


def test_an_overlap_is_refused_as_ever(f):
    memory = np.zeros(30)
    f(memory[:20], B, out=np.zeros(20))
    for out in (memory[:20], memory[5:25]):
        with pytest.raises(tw.ArgumentError, match="overlaps"):
            f(memory[:20], B, out=out)
    assert f(memory[:10], B[:10], out=memory[10:20]).base is memory


def test_operands_that_are_written_in_place(missed):
    f = tw.function("u[i] += dt * v[i]")
    u = np.zeros(20)
    for k in range(1, 4):
        assert f(u, 0.5, A) is u and (u == k * 0.5 * A).all()
    assert len(missed) == 1
    with pytest.raises(tw.ArgumentError, match="overlaps"):
        f(u, 0.5, u)
    u.flags.writeable = False
    with pytest.raises(tw.ArgumentError, match="read-only"):
        f(u, 0.5, A)


def test_several_results(missed):
    f = tw.function("s[i] = a[i] + b[i]; d[i] = a[i] - b[i]")
    for _ in range(3):
        s, d = f(A, B)
        assert (s == A + B).all() and (d == A - B).all()
    assert len(missed) == 1
    mine = np.zeros(20), np.zeros(20)
    found = f(A, B, out=mine)
    assert found[0] is mine[0] and found[1] is mine[1] and (mine[1] == A - B).all()
    one = np.zeros(20)
    assert f(A, B, out={"d": one})[1] is one


def test_several_results_go_where_a_tuple_says(missed):
    f = tw.function("c[i] = a[i] + b[i]; d[i] = a[i] - b[i]")
    c, d, both = np.zeros(20), np.zeros(20), np.zeros(30)
    for _ in range(3):
        found = f(A, B, out=(c, d))
        assert found[0] is c and found[1] is d and (c == A + B).all() and (d == A - B).all()
    assert len(missed) == 1
    for out in ((both[:20], both[10:]), (c, c), (A, d), (c, d[:10]), (c,), (c, d, d)):
        with pytest.raises((ValueError, TypeError)):
            f(A, B, out=out)


def test_reductions_scalars_and_no_operands(missed):
    f = tw.function("s[] = sum(i: a[i] * b[i])")
    for _ in range(2):
        r = f(A, B)
        assert r.shape == () and r == pytest.approx(A @ B)
    assert len(missed) == 1
    g = tw.function("r[i] = c[] * a[i]")
    for _ in range(2):
        assert g(np.array(3.0), A).tolist() == (3 * A).tolist() and g(3, A).tolist() == (3 * A).tolist()
    assert g.known == 1
    h = tw.function("r[i] = c * a[i]")
    assert [h(np.array(c), A)[1] for c in (2.0, 3.0, 2.0)] == [2, 3, 2] and h.known == 0  # converted each time
    assert tw.function("r[i] = i * 2", lengths={"i": 4})().tolist() == [0, 2, 4, 6]


def test_large_arrays_are_computed_in_tiles_as_by_evaluate(f):
    a = np.arange(3_000_000.0)
    assert f(a, a).tobytes() == tw.evaluate("r[i] = 2*a[i] + b[i]", a=a, b=a).tobytes() and f.known == 0
    _, report = f.options(report=True)(a, a)
    assert report.totals["tiles"] > 1 and f.known == 0


def test_large_results_have_memory_of_the_library():
    f, a = tw.function("r[i] = 2*a[i] + b[i]", parts={"i": 1}), np.zeros(_memory.SMALL // 8)
    assert f(a, a).nbytes == _memory.SMALL and f.known == 0
    for _ in range(2):
        out = np.ones_like(a)
        assert f(a, a, out=out) is out and not out.any() and f.known == 1


def test_options_are_those_of_evaluate():
    f = tw.function("r[i] = u[i-1] + u[i+1]", edges={"i": "wrap"}, lengths={"i": 20})
    for _ in range(2):
        assert (f(A) == np.roll(A, 1) + np.roll(A, -1)).all()
    assert (f.options(edges="zero")(A)[0], f(A)[0]) == (1, 20)
    assert tw.function("r[i] = a[i]", dtype="f4")(A).dtype == np.float32
    for options in ({"workers": 2}, {"pool": "serial"}, {"pool": "threads"}, {"parts": {"i": 3}}, {"check": True}, {"pool": "processes", "workers": 1}):
        g = tw.function("r[i] = 2 * a[i]", **options)
        assert (g(A) == 2 * A).all() and (g(A) == 2 * A).all()
        assert g.known == (0 if options.keys() & {"parts", "check"} or options.get("pool") == "processes" else 1)
    with tw.Pool(1, "threads") as pool:
        h = tw.function("r[i] = 2 * a[i]", pool=pool)
        assert (h(A) == 2 * A).all()
    with pytest.raises(tw.PoolError):
        h(A)
    edges = {"i": "wrap"}
    k = tw.function("r[i] = u[i-1]", edges=edges, lengths={"i": 20})
    edges["i"] = "zero"
    assert k(A)[0] == 19


def test_masks_files_and_callbacks_are_seen_each_time(tmp_path, f):
    seen = []
    g = f.options(on_tile=seen.append)
    assert (g(A, B) == g(A, B)).all() and len(seen) == 2
    assert not f.options(where=np.zeros(20, bool))(A, B).any()
    assert isinstance(f(A, B, out=tmp_path / "r.npy"), np.memmap) and (np.load(tmp_path / "r.npy") == 2 * A + B).all()
    assert (f(tmp_path / "r.npy", B) == 2 * (2 * A + B) + B).all() and f.known == 0


@pytest.mark.parametrize("call, kind, words", [
    (lambda f: f(A), tw.ArgumentError, "the statement has an operand b, which is not given: it takes a, b"),
    (lambda f: f(A, B, A), TypeError, "3 operands given for a statement that takes 2: a, b"),
    (lambda f: f(A, B, a=A), TypeError, "a is given twice, in order and by its name"),
    (lambda f: f(A, B, c=A), tw.ArgumentError, "the statement has no operand c"),
    (lambda f: f(A, B, workers=2), TypeError, r"options are given by f.options\(workers=\.\.\.\)"),
    (lambda f: f(A, B[:5]), tw.ArgumentError, "axis i"),
    (lambda f: f(A, "text"), tw.FileError, "text"),
    (lambda f: f(A, B.astype("M8[s]")), TypeError, "dtype datetime64"),
    (lambda f: f.options(chunks=3), TypeError, "function has no option chunks: the length of tiles"),
    (lambda f: f.options(out=A), TypeError, "function has no option out"),
])
def test_errors_are_those_of_evaluate(f, call, kind, words):
    f(A, B)
    for _ in range(2):
        with pytest.raises(kind, match=words):
            call(f)
    assert (f(A, B) == 2 * A + B).all()


def test_statements_that_are_none_are_refused_where_they_are_made():
    for statement, kind, words in (("r[i] = 2*a[i", tw.NotationError, "expected"), (3, TypeError, "a statement is a text"), ("r[i] = out[i]", tw.ArgumentError, "cannot be called out"),
                                   ("r[i] = a + a[i]", tw.NotationError, "a is an array"), ("r[i] = \udcff", tw.ArgumentError, "invalid character")):
        with pytest.raises(kind, match=words):
            tw.function(statement)


def test_it_says_what_it_is(f):
    assert repr(f) == "<tilework.function 'r[i] = 2*a[i] + b[i]': (a[i], b[i]) -> r[i]>" and f.names == ("a", "b")
    g = tw.function("u[i] += dt * v[i]; w[i] = u[i]")
    assert repr(g).endswith("(u[i], dt, v[i]) -> u[i], w[i]>")
    assert str(inspect.signature(f)) == "(a, b, *, out=None)" and inspect.isroutine(f)
    assert "a : array, a[i]" in f.__doc__ and "dt : number" in g.__doc__ and "The statement ``r[i] = 2*a[i] + b[i]``" in f.__doc__
    assert str(inspect.signature(tw.function("r[i] = lambda[i]"))) == "(lambda_, *, out=None)"

    class Holder:
        double = f
    assert (Holder().double(A, B) == 2 * A + B).all()


def test_copies_and_pickles(f):
    f(A, B)
    for g in (pickle.loads(pickle.dumps(f)), copy.copy(f), copy.deepcopy(f), pickle.loads(pickle.dumps(f.options(edges="wrap")))):
        assert type(g) is type(f) and g is not f and (g(A, B) == f(A, B)).all() and g.statement == f.statement


def test_it_is_called_inside_of_kernels():
    f = tw.function("r[i] = 2*a[i] + b[i]")
    f(A, B)
    for pool in ("serial", "threads", "processes"):
        r = tw.run(lambda a, b: f(a, b), "a[i], b[i] -> r[i]", A, B, tiles={"i": 5}, workers=2, pool=pool)
        assert (r == 2 * A + B).all()


def test_threads_call_it_at_the_same_time():
    f = tw.function("r[i] = c * a[i] + b[i]")
    wrong, start = [], threading.Barrier(4)

    def call(number):
        a, out = A + number, np.zeros(20)
        start.wait()
        for k in range(400):
            c = float(k % 7 + number)
            n = 20 if k % 5 else 3 + k % 11
            r = f(c, a[:n], B[:n], out=out[:n] if k % 3 == 0 else None)
            if not (r == c * a[:n] + B[:n]).all():
                wrong.append((number, k))
            if k % 50 == 0:
                f.options(edges="wrap")(c, a, B)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=call, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not wrong


def test_a_fork_may_call_it(f):
    f(A, B)
    tw.evaluate("r[i] = 2*a[i] + b[i]", a=A, b=B)
    pid = os.fork()
    if pid == 0:
        good = (f(A, B) == 2 * A + B).all() and (f(A + 1, B) == 2 * A + 2 + B).all()
        good = good and (tw.evaluate("r[i] = 2*a[i] + b[i]", a=A, b=B) == 2 * A + B).all()
        del f
        os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def references():
    gc.collect()
    return [sys.getrefcount(one) for one in (A, B, np.dtype("f8"), float, None)]


def test_calls_leave_no_reference(f):
    r = np.zeros(20)
    g = tw.function("r[i] = c * a[i] + b[i]")

    def calls():
        for k in range(300):
            f(A, B), f(A, B, out=r), f(b=B, a=A), g(float(k), A, B), tw.evaluate("r[i] = 2*a[i] + b[i]", a=A, b=B)
            for wrong in (lambda: f(A), lambda: f(A, r, out=r), lambda: g("c", A, B)):
                with pytest.raises(Exception):
                    wrong()
    calls()
    before, held = references(), sys.getrefcount(r)
    calls()
    after = references()
    assert all(abs(new - old) < 100 for old, new in zip(before, after)) and sys.getrefcount(r) == held
    assert tw.counters()["prepared"] >= 2


# ---- evaluate ----------------------------------------------------------------------------------------------------------


def test_evaluate_remembers_calls_by_their_text(monkeypatch):
    text = "r[i] = 2*a[i] + b[i] / 7"
    expected = 2 * A + B / 7
    tw.evaluate(text, a=A, b=B)
    assert _prepared.known[text].known == 1
    monkeypatch.setattr(tw._functions, "_somewhere", None)  # the long way
    out = np.zeros(20)
    for found in (tw.evaluate(text, a=A, b=B), tw.evaluate(text, b=B, a=A), tw.evaluate(text, a=A, b=B, out=None),
                  tw.evaluate(text, a=A, b=B, out=out)):
        assert (found == expected).all()
    assert (out == expected).all()


def test_options_of_evaluate_are_no_operands():
    text = "r[i] = workers * a[i]"
    assert tw.evaluate(text, operands={"workers": 2, "a": A})[3] == 6 and text not in _prepared.known
    with pytest.raises(tw.NotationError, match="workers"):
        tw.evaluate(text, workers=2, a=A)
    g = "r[i] = 3 * a[i]"
    for options in ({"report": True}, {"parts": {"i": 2}}, {"edges": "wrap"}, {"pool": "serial"}):
        tw.evaluate(g, a=A, **options)
        assert g not in _prepared.known
    assert (tw.evaluate(g, a=A) == 3 * A).all() and tw.evaluate(g, a=A, report=True)[1].totals["tiles"] == 1
    with pytest.raises(tw.ArgumentError, match="no operand b"):
        tw.evaluate(g, a=A, b=A)
    with pytest.raises(tw.ArgumentError, match="a, which is not given"):
        tw.evaluate(g)


def test_texts_that_evaluate_remembers_are_bounded(monkeypatch):
    monkeypatch.setattr(_prepared, "KNOWN_TEXTS", 4)
    _prepared.known.clear()
    for k in range(8):
        tw.evaluate(f"r[i] = a[i] + {k}.0", a=A)
    assert list(_prepared.known) == [f"r[i] = a[i] + {k}.0" for k in range(4, 8)]
