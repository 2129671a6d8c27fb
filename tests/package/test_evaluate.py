"""tw.evaluate and statements as kernels, against NumPy: values, dtypes, memory, refusals. tests/python has the notation."""

import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tilework as tw

Y, X = np.arange(100.0), np.random.default_rng(1).random(50)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


def test_the_origin():
    r = tw.evaluate("r[i,j] = y[i] * x[j]", y=Y, x=X)
    assert type(r) is np.ndarray and r.tobytes() == np.outer(Y, X).tobytes()


def test_on_every_pool(pool):
    r, report = pool.evaluate("r[i,j] = y[i] * x[j]", y=Y, x=X, tiles={"i": 9}, report=True, check=True)
    assert r.tobytes() == np.outer(Y, X).tobytes()
    assert report.totals["tiles"] == 12 and report.totals["identical"] and report.totals["reforks"] == 0


@settings(max_examples=25)
@given(rows=st.integers(0, 9), columns=st.integers(0, 9), left=st.sampled_from("bBhiqfdFD"),
       right=st.sampled_from("bBhiqfdFD"), backwards=st.booleans(), tile=st.integers(1, 5))
def test_dtypes_and_values_are_those_of_numpy(rows, columns, left, right, backwards, tile):
    rng = np.random.default_rng(rows * 10 + columns)
    y, x = rng.integers(-9, 9, rows).astype(left), rng.integers(-9, 9, columns).astype(right)
    if backwards:
        y, x = y[::-1], np.repeat(x, 2)[::2]
    r = tw.evaluate("r[i,j] = y[i] * x[j]", y=y, x=x, tiles={"i": tile})
    expected = y[:, None] * x
    assert r.dtype == expected.dtype and r.tobytes() == expected.tobytes()


def test_parameters_change_without_another_compilation():
    tw.evaluate("r[i] = c * y[i]", y=Y, c=2.0)
    began = time.monotonic()
    for c in range(3, 40):
        assert (tw.evaluate("r[i] = c * y[i]", y=Y, c=float(c)) == c * Y).all()
    assert time.monotonic() - began < 5
    assert tw.evaluate("r[i] = c * y[i]", y=Y.astype("f4"), c=3).dtype == np.float32
    assert tw.evaluate("r[i] = c[] * y[i]", y=Y, c=3).tolist() == (3 * Y).tolist()
    assert tw.evaluate("r[i] = c[] * y[i]", y=Y, c=np.float64(3)).tolist() == (3 * Y).tolist()


def test_results_go_where_they_are_asked_for(pool):
    r = np.zeros((100, 50), "f4")
    assert pool.evaluate("r[i,j] = y[i] * x[j]", y=Y.astype("f4"), x=X.astype("f4"), out=r) is r
    assert (r == np.outer(Y.astype("f4"), X.astype("f4"))).all()
    assert tw.evaluate("r[i,j] = y[i] * x[j]", y=Y.astype("f4"), x=X.astype("f4"), dtype="f4").dtype == "f4"
    view = np.zeros((50, 100)).T
    assert tw.evaluate("r[i,j] = y[i] * x[j]", y=Y, x=X, out=view) is view and (view == np.outer(Y, X)).all()


def test_names_that_are_taken_go_into_a_dict():
    assert (tw.evaluate("r[i] = out[i] + pool[i]", operands={"out": Y, "pool": Y}) == 2 * Y).all()


def test_statements_as_kernels():
    r = tw.run("r[i,j] = y[i] * x[j]", "y[i], x[j] -> r[i,j]", Y, X, tiles={"i": 7}, workers=2)
    assert (r == np.outer(Y, X)).all()
    with pytest.raises(tw.ArgumentError, match="is a statement"):
        tw.run("mult", "y[i] -> r[i]", Y)


@pytest.mark.parametrize("text, operands, error, words", [
    ("r[i] = y[i] +", {"y": Y}, tw.NotationError, "\\^"),
    ("r[i] = y[i] + z[i]", {"y": Y}, tw.ArgumentError, "operand z, which is not given"),
    ("r[i] = y[i]", {"y": Y, "z": Y}, tw.ArgumentError, "no operand z"),
    ("r[i] = y[i] * c", {"y": Y, "c": np.float64(2)}, (tw.NotationError, tw.ArgumentError), "c"),
    ("r[i] = y[i]", {"y": Y, "r": Y}, tw.ArgumentError, "out="),
    ("r[i] = y[i] * x[i]", {"y": Y, "x": X}, tw.ArgumentError, "i"),
    ("r[i] = y[i]", {"y": np.array(["a", "b"])}, TypeError, "compute with numbers"),
    ("r[i] = y[i]", {"y": np.array([None])}, TypeError, "dtype object"),
])
def test_one_sentence(text, operands, error, words):
    with pytest.raises(error, match=words):
        tw.evaluate(text, **operands)


def test_edges_are_named():
    u = np.arange(5.0)
    with pytest.raises(tw.ArgumentError, match="'error', 'clamp', 'wrap', 'zero'"):
        tw.evaluate("r[i] = u[i+1]", u=u, edges={"i": "mirror"})


def test_threads_may_evaluate_at_once():
    wrong = []

    def work(k):
        for c in range(20):
            if not (tw.evaluate("r[i] = c * y[i]", y=Y, c=float(c + k)) == (c + k) * Y).all():
                wrong.append(k)
    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_statements_are_not_for_spawned_interpreters():
    with tw.Pool(1, start="spawn") as pool, pytest.raises(tw.ArgumentError, match="spawn"):
        pool.evaluate("r[i] = y[i]", y=Y)
