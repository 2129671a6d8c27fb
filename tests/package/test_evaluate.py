"""tw.evaluate and statements as kernels, against NumPy: values, dtypes, memory, refusals. tests/command has the notation."""

import gc
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tilework as tw
from tilework import _dtypes, _grid, _prepared, _statement, _tilework

pytestmark = pytest.mark.usefixtures("own_cache")

Y, X = np.arange(100.0), np.random.default_rng(1).random(50)


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


def test_parameters_change_without_another_compilation(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    tw.evaluate("r[i] = c * y[i]", y=Y, c=2.0)
    compiled = sorted(path.name for path in tmp_path.rglob("*.so"))
    assert len(compiled) == 1
    for c in range(3, 40):
        assert (tw.evaluate("r[i] = c * y[i]", y=Y, c=float(c)) == c * Y).all()
    assert sorted(path.name for path in tmp_path.rglob("*.so")) == compiled
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


def test_arrays_that_are_there_take_results_of_their_kind():
    for text, start in (("r[i] = x[i]", _tilework.OUT), ("r[i] = x[i] if i > 0 else r[i]", _tilework.INOUT)):
        for own in _dtypes.NATIVE:
            for has in _dtypes.NATIVE:
                statement = _statement.Statement(text, {}, ())
                found = np.result_type(own, has) if start == _tilework.INOUT else own
                if np.can_cast(found, has, "same_kind"):
                    statement.settle((own, has))
                    assert statement.dtypes == (own, has)
                else:
                    with pytest.raises(tw.NotationError, match=f"r is {has}, but the result is {found}(, which {has} "
                                                               rf"cannot hold: write r\[...\] = {has}|: write real)"):
                        statement.settle((own, has))


def test_digits_are_not_cut_off_silently():
    x, r = np.arange(3.0), np.array([7, 7, 7])
    for refused in (lambda: tw.evaluate("r[i] = x[i] * 1.5", x=x, out=r),
                    lambda: tw.evaluate("r[i] = x[i] * 1.5", x=x, dtype=int),
                    lambda: tw.run("r[i] = x[i] * 1.5", "x[i] -> r[i]", x, out=r),
                    lambda: tw.evaluate("r[i] = r[i] + x[i]", x=x, r=r),
                    lambda: tw.evaluate("r[i] = 1.5", out=r),
                    lambda: tw.evaluate("r[i] = c", c=1.5, out=r),
                    lambda: tw.evaluate("r[i] = i; r[i] = r[i] / 2", lengths={"i": 3}),
                    lambda: tw.evaluate("s[i] = x[i]; r[i] = x[i]", x=x, out={"r": r})):
        with pytest.raises(tw.NotationError, match="r is int64, but the result is float64, which int64 cannot hold"):
            refused()
        assert r.tolist() == [7, 7, 7]
    with pytest.raises(tw.NotationError, match="r is bool, but the result is int64"):
        tw.evaluate("r[i] = 2", out=np.zeros(3, bool))
    assert tw.evaluate("r[i] = int64(x[i] * 1.5)", x=x, out=r).tolist() == [0, 1, 3]
    assert tw.evaluate("r[i]:int32 = x[i] * 1.5", x=x).tolist() == [0, 1, 3]
    assert tw.evaluate("r[i]:int32 = x[i] * 1.5", x=x, out=np.zeros(3, "i4")).tolist() == [0, 1, 3]
    assert tw.evaluate("r[i] = 200", out=np.zeros(3, "u1")).tolist() == [200, 200, 200]
    assert tw.evaluate("r[i] = x[i]", x=x, out=np.zeros(3, "f4")).tolist() == [0, 1, 2]


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
    ("r[i] = y[i] * c", {"y": Y, "c": np.ones(2)}, (tw.NotationError, tw.ArgumentError), "c"),
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
    with pytest.raises(tw.ArgumentError, match="the edge of axis i: 'mirorr' is not an edge: it is one of error, clamp"):
        tw.evaluate("r[i] = u[i+1]", u=u, edges={"i": "mirorr"})
    with pytest.raises(tw.ArgumentError, match="the edge of all axes: 'mirorr' is not an edge: it is one of error, clamp, "
                       "wrap, zero, reflect, mirror or constant=x"):
        tw.evaluate("r[i] = u[i+1]", u=u, edges="mirorr")


@pytest.mark.parametrize("edge", ["clamp", "wrap", "zero"])
def test_an_edge_alone_is_that_of_every_axis(edge):
    u = np.arange(12.0).reshape(3, 4)
    text = "r[i,j] = u[i-1,j] + u[i,j+2]"
    assert (tw.evaluate(text, u=u, edges=edge) == tw.evaluate(text, u=u, edges={"i": edge, "j": edge})).all()
    with pytest.raises(tw.NotationError, match="reaches 1 below"):
        tw.evaluate(text, u=u, edges="error")
    longer = tw.evaluate("r[i] = u[i]", u=u[:, 0].copy(), edges=edge, lengths={"i": 5})
    assert (longer == tw.evaluate("r[i] = u[i]", u=u[:, 0].copy(), edges={"i": edge}, lengths={"i": 5})).all()
    assert (tw.evaluate("r[i] = 2 * u[i]", u=u[:, 0].copy(), edges=edge) == 2 * u[:, 0]).all()  # nothing reads past its end


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


def test_new_constants_are_no_new_compilations(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    x = np.arange(1.0, 9.0)
    for k in range(60):
        a, b, c = 0.3 + k / 7, k + 1000, 2 * k + 3
        assert np.array_equal(tw.evaluate(f"r[i] = {a} * x[i] + {b} - x[i] / {c}", x=x), a * x + b - x / c)
    assert len(list((tmp_path / "tilework").glob("*.so"))) == 1


def test_statements_that_nobody_uses_give_their_objects_back(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(_statement, "KNOWN_STATEMENTS", 3)
    monkeypatch.setattr(_prepared, "KNOWN_TEXTS", 3)

    def mapped():
        with open("/proc/self/maps") as maps:
            return len({line.split()[-1] for line in maps if str(tmp_path) in line})

    x = np.arange(1.0, 5.0)
    for k in range(2, 10):
        assert np.array_equal(tw.evaluate(f"r[i] = where(x[i] > {2**k}, x[i], 0) // {k}", x=x), np.where(x > 2**k, x, 0) // k)
    _grid.grid_for.cache_clear()  # grids are bounded too, and refer to their statements
    gc.collect()
    assert mapped() <= 4


def test_a_result_in_an_array_of_ones_own_is_divided_once(monkeypatch):
    grids, grid = [], _statement.Statement.grid

    def seen(self, *lengths):
        grids.append(grid(self, *lengths))
        return grids[-1]

    monkeypatch.setattr(_statement.Statement, "grid", seen)
    y = np.arange(20.0)
    for dtype in ("f8", "f8", "f4"):
        _prepared.known.clear()  # of which the second call would ask for no grid at all
        assert (tw.evaluate("r[i] = y[i] * 2 + 3", y=y, out=np.zeros(20, dtype)) == y * 2 + 3).all()
    assert grids[0] is grids[1] and grids[2] is not grids[0]
