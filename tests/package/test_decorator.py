"""@tw.kernel: functions of one tile that are called with whole arrays."""

import copy
import functools
import importlib
import inspect
import pickle
import pydoc
import subprocess
import sys
import threading

import numpy as np
import pytest

import tilework as tw

Y, X = np.arange(6.0), np.arange(4.0)
SIGNATURE = "y[i], x[j] -> r[i,j]"


@tw.kernel(SIGNATURE, workers=2)
def outer(y, x, r, scale=1):
    """The outer product."""
    for i in range(len(r)):
        r[i] = scale * y[i] * x


@tw.kernel("a[i,k] -> s[i]", pool="serial")
def row_sums(a: np.ndarray, *, power: int = 1) -> np.ndarray:
    return (a ** power).sum(axis=1)


class Model:
    def __init__(self, slope):
        self.slope = slope

    @tw.kernel("x[i] -> r[i]", tiles={"i": 2})
    def line(self, x, offset=0.0):
        return self.slope * x + offset

    @classmethod
    @tw.kernel("x[i] -> r[i]", pool="serial")
    def named(cls, x):
        return x + len(cls.__name__)

    @staticmethod
    @tw.kernel("x[i] -> r[i]", pool="serial")
    def double(x):
        return 2 * x


def test_it_is_called_like_a_function():
    expected = np.outer(Y, X)
    for r in (outer(Y, X), outer(Y, x=X), outer(x=X, y=Y), outer(list(range(6)), X)):
        assert type(r) is np.ndarray and (r == expected).all()
    out = np.zeros((6, 4))
    assert outer(Y, X, out=out) is out and (out == expected).all()
    assert outer(Y, X, out=out, scale=3) is out and (out == 3 * expected).all()
    assert (row_sums(np.ones((5, 3)) * 2, power=2) == 12).all() and (row_sums(np.ones((5, 3))) == 3).all()


@pytest.mark.parametrize("pool", ["serial", "threads", "processes"])
def test_it_runs_on_every_pool(pool):
    f = outer.options(pool=pool, tiles={"i": 2, "j": 3})
    for scale in (1, 2.5):
        r, report = f.options(report=True)(Y, X, scale=scale)
        assert (r == scale * np.outer(Y, X)).all() and report.totals["tiles"] == 6 and report.pool == pool
    with tw.Pool(2, pool) as kept:
        for scale in (1, 2, 2, 3):
            assert (outer.options(pool=kept, workers=None)(Y, X, scale=scale) == scale * np.outer(Y, X)).all()


def test_spawned_workers_and_other_programs_find_it(tmp_path, monkeypatch):
    (tmp_path / "module_of_kernels.py").write_text(
        "import tilework as tw\n@tw.kernel('y[i] -> r[i]')\ndef twice(y, c=2):\n    return c * y\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    twice = importlib.import_module("module_of_kernels").twice
    assert pickle.loads(pickle.dumps(twice)) is twice
    with tw.Pool(1, start="spawn") as pool:
        assert twice.options(pool=pool)(Y).tolist() == (2 * Y).tolist()
        assert twice.options(pool=pool)(Y, c=3).tolist() == (3 * Y).tolist()
        assert pool.run(lambda y: twice(y), "y[i] -> r[i]", Y).tolist() == (2 * Y).tolist()
        other = pickle.loads(pickle.dumps(twice.options(tiles={"i": 2}, report=True)))
        assert other.__wrapped__ is twice.__wrapped__ and other(Y)[1].totals["tiles"] == 3
    del sys.modules["module_of_kernels"]


PROGRAM = """
import numpy as np, tilework as tw
class Model:
    def __init__(self, slope):
        self.slope = slope
    @tw.kernel("x[i] -> r[i]")
    def line(self, x):
        return self.slope * x
    @tw.kernel("x[i] -> r[i]")
    @staticmethod
    def double(x):
        return 2 * x
@tw.kernel("x[i] -> r[i]", pool="serial")
def twice(x):
    return 2 * x
x = np.arange(4.0)
if __name__ == "__main__":
    with tw.Pool(1, start="spawn") as pool:
        print(Model(3).line.options(pool=pool)(x).sum(), twice.options(pool=pool)(x).sum(),
              pool.run(lambda x: twice(x) + Model.double.options(pool="serial")(x), "x[i] -> r[i]", x).sum())
"""


def test_spawned_workers_get_what_the_program_itself_defines(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    done = subprocess.run([sys.executable, tmp_path / "program.py"], check=False, capture_output=True, text=True, timeout=120)
    assert done.stdout == "18.0 12.0 24.0\n", done.stderr


def test_it_keeps_what_the_function_is():
    assert (outer.__name__, outer.__qualname__, outer.__module__, outer.__doc__) == ("outer", "outer", __name__, "The outer product.")
    r = np.zeros((2, 4))
    outer.__wrapped__(Y[:2], X, r)
    assert (r == np.outer(Y[:2], X)).all()
    assert str(inspect.signature(outer)) == "(y, x, *, scale=1, out=None)"
    assert str(inspect.signature(row_sums)) == "(a, *, power: int = 1, out=None)"
    assert "outer(y, x, *, scale=1, out=None)\n    The outer product." in pydoc.plain(pydoc.render_doc(outer))
    assert repr(outer).startswith("<tilework.kernel outer (test_decorator.py:") and repr(outer).endswith(f": {SIGNATURE}>")

    def marked(y):
        return y
    marked.mark = 7
    assert tw.kernel("y[i] -> r[i]")(marked).mark == 7
    assert copy.copy(outer) is outer and pickle.loads(pickle.dumps(outer)) is outer


def test_methods_stay_methods():
    model = Model(2.0)
    assert model.line(X).tolist() == (2 * X).tolist() and model.line(X, offset=1).tolist() == (2 * X + 1).tolist()
    model.slope = 3.0
    assert model.line.options(pool="serial")(x=X).tolist() == (3 * X).tolist()
    assert str(inspect.signature(model.line)) == "(x, *, offset=0.0, out=None)" and model.line.__name__ == "line"
    assert Model.named(X).tolist() == (X + 5).tolist() and Model.double(X).tolist() == Model(1).double(X).tolist() == (2 * X).tolist()
    assert Model.__dict__["named"].__func__(Model, X).tolist() == (X + 5).tolist()  # so do class methods from Python 3.13 on
    with pytest.raises(TypeError, match="is a method without its object"):
        Model.line(X)


def test_tiles_outputs_and_dtypes_are_those_of_run():
    @tw.kernel("y[i] -> low[i], high[i]", tiles={"i": 2}, pool="serial")
    def bounds(y, tile):
        return y - tile.number, y + 1
    low, high = bounds(Y)
    assert low.tolist() == [0, 1, 1, 2, 2, 3] and (high == Y + 1).all()
    mine = np.zeros(6)
    assert bounds(Y, out={"high": mine})[1] is mine and (mine == Y + 1).all()

    @tw.kernel("v[i], u[i] -> u[i]", pool="serial")
    def add(v, u):
        u += v
    u = np.zeros(6)
    assert add(Y, u) is u and add(u=u, v=Y) is u and (u == 2 * Y).all()

    @tw.kernel("y[i]", pool="serial", tiles={"i": 3})
    def look(y):
        seen.append(len(y))
    seen = []
    assert look(Y) is None and seen == [3, 3]

    @tw.kernel("u[i-1..i+1] -> v[i]", edges="wrap", pool="serial")
    def mean(u):
        return (u[:-2] + u[1:-1] + u[2:]) / 3
    assert np.allclose(mean(Y), (np.roll(Y, 1) + Y + np.roll(Y, -1)) / 3)
    assert np.allclose(mean.options(edges="zero")(Y)[0], 1 / 3)


def test_results_may_be_files(tmp_path):
    for scale in (2, 3):
        r = outer.options(restart=True)(Y, X, out=tmp_path / f"{scale}.npy", scale=scale)
        assert isinstance(r, np.memmap) and (np.load(tmp_path / f"{scale}.npy") == scale * np.outer(Y, X)).all()


def test_run_and_its_like_take_the_function_itself():
    for r in (tw.run(outer, SIGNATURE, Y, X), tw.submit(outer, SIGNATURE, Y, X).result()):
        assert (r == np.outer(Y, X)).all()
    with tw.Pool(1, "serial") as pool:
        assert (pool.run(outer, SIGNATURE, Y, X) == np.outer(Y, X)).all()
    assert tw.map(tw.kernel("y[i]")(lambda y: len(y)), "y[i]", Y, tiles={"i": 4}, pool="serial") == [4, 2]


def test_compiled_kernels():
    twice = tw.kernel("x[i] -> r[i]")(tw.Kernel.from_c("""
        #include <tilework/tilework.h>
        int twice(const tw_tile *tile)
        {
            TW_VIEW(const double, x, tile->operand[0]);
            TW_VIEW(double, r, tile->operand[1]);
            for (int64_t i = 0; i < x.shape[0]; i++)
                TW_AT(r, i) = 2 * TW_AT(x, i);
            return 0;
        }""", "twice"))
    assert twice(X).tolist() == (2 * X).tolist() and twice.__name__
    with pytest.raises(TypeError, match="^r is an output of outer: give it as out=$"):
        outer(Y, X, r=np.zeros((6, 4)))
    with pytest.raises(TypeError, match="write @classmethod above @tilework.kernel"):
        tw.kernel("y[i] -> r[i]")(classmethod(len))
    with pytest.raises(TypeError, match="is a compiled kernel, which has no parameters by name: c; its operands are x"):
        twice(X, c=2)
    assert str(inspect.signature(twice)) == "(x, *, out=None)"
    assert tw.kernel("x[i] -> r[i]")(np.sqrt)(X).tolist() == np.sqrt(X).tolist()


def test_functions_of_numba():
    numba = pytest.importorskip("numba")

    @tw.kernel(SIGNATURE, workers=2)
    @numba.njit(nogil=True)
    def product(y, x, r, scale=1.0):
        """Of Numba."""
        for i in range(y.shape[0]):
            for j in range(x.shape[0]):
                r[i, j] = scale * y[i] * x[j]
    r, report = product.options(report=True)(Y, X)
    assert (r == np.outer(Y, X)).all() and report.pool == "threads" and product.__name__ == "product" and product.__doc__ == "Of Numba."
    assert (product(Y, X, scale=2.0) == 2 * np.outer(Y, X)).all() and hasattr(product.__wrapped__, "py_func")
    assert str(inspect.signature(product)) == "(y, x, *, scale=1.0, out=None)"

    class Holder:
        method = tw.kernel("y[i] -> r[i]", pool="serial")(numba.vectorize(["f8(f8)"])(lambda y: y + 1))
    assert (Holder().method(Y) == Y + 1).all()


@pytest.mark.parametrize("call, kind, words", [
    (lambda: outer(Y), tw.ArgumentError, "outer has an operand x, which is not given: it takes y, x"),
    (lambda: outer(Y, X, X), TypeError, "3 operands given to outer, which takes 2: y, x"),
    (lambda: outer(Y, X, y=Y), TypeError, "operand y of outer is given twice, in order and by its name"),
    (lambda: outer(Y, X, factor=2), TypeError, "outer has no parameter factor; its operands are y, x"),
    (lambda: outer(Y, X, workers=2), TypeError, r"workers is an option: give it by outer.options\(workers=\.\.\.\)\(\.\.\.\)"),
    (lambda: outer.options(n_jobs=2), TypeError, "kernel has no option n_jobs: the number of workers"),
    (lambda: outer.options(out=Y), TypeError, "kernel has no option out"),
    (lambda: tw.kernel(outer), TypeError, "kernel gets the signature first: @tw.kernel"),
    (lambda: tw.kernel(SIGNATURE)("r[i] = y[i]"), TypeError, "a statement becomes one by tilework.function"),
    (lambda: tw.kernel(SIGNATURE)(3), TypeError, "a kernel is a callable"),
    (lambda: tw.kernel(SIGNATURE)(Model), TypeError, "not the class Model"),
    (lambda: tw.kernel("out[i] -> r[i]")(len), tw.ArgumentError, "cannot be called out"),
    (lambda: tw.kernel(SIGNATURE, tile=2)(len), TypeError, "kernel has no option tile: the length of tiles"),
    (lambda: outer(Y, Y[:, None]), tw.ArgumentError, "x"),
])
def test_errors(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


def test_an_error_in_a_tile_is_that_of_run():
    @tw.kernel("y[i] -> r[i]", pool="serial", tiles={"i": 2})
    def fails(y):
        return 1 / 0
    with pytest.raises(tw.TileError) as caught:
        fails(Y)
    assert isinstance(caught.value.__cause__, ZeroDivisionError) and caught.value.tile == 0


def test_it_is_itself_inside_of_kernels_and_on_threads():
    @tw.kernel("y[i] -> r[i]", tiles={"i": 3}, workers=2)
    def whole(y):
        return outer.options(pool="serial", workers=None)(y, X)[:, 1]
    for pool in ("serial", "threads", "processes"):
        assert (whole.options(pool=pool)(Y) == Y).all()
    found = []
    threads = [threading.Thread(target=lambda k=k: found.append((outer.options(pool="threads")(Y, X, scale=k) == k * np.outer(Y, X)).all()))
               for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 4


def test_resume_knows_the_code_of_decorated_functions_that_a_kernel_calls():
    from tilework import _identity

    def kernel_with(body):
        inner = tw.kernel("y[i] -> r[i]")(body)
        return lambda y: inner(y)
    one, same, other = (_identity.of(kernel_with(body)) for body in (lambda y: y + 1, lambda y: y + 1, lambda y: y + 2))
    assert one == same != other


def test_partials_and_wrappers():
    @functools.lru_cache(maxsize=None)
    def table():
        return np.arange(3)
    half = tw.kernel("y[i] -> r[i]", pool="serial")(functools.partial(lambda c, y: c * y, 0.5))
    assert half(Y).tolist() == (Y / 2).tolist() and half.__name__
