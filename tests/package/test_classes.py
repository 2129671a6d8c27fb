"""Arrays of other classes than ndarray: recarrays keep their fields, plain ones count as ndarrays, others are refused."""

import numpy as np
import pytest

import tilework as tw

FIELDS = [("x", "i8"), ("y", "f8")]
SPLIT = {"i": 2}


def records():
    return np.rec.array([(1, 2.0), (3, 4.0), (5, 6.0)], dtype=FIELDS)


def product(a):
    assert type(a) is np.recarray
    return a.x * a.y


def fill(a, r):
    r.x, r.y = a.x + 1, 0


def raised(a):
    a.x += 1


@pytest.fixture(params=["processes", "threads", "serial", "spawn"])
def pool(request):
    kind = request.param
    with tw.Pool(1, start="spawn") if kind == "spawn" else tw.Pool(1, kind) as opened:
        yield opened


def test_kernels_read_the_fields_of_a_recarray(pool):
    plain = np.array(records().tolist(), FIELDS)
    for a in (records(), records()[::-1], plain.view(np.recarray), records()[:0]):
        assert pool.run(product, "a[i] -> r[i]:f8", a, tiles=SPLIT).tolist() == (a.x * a.y).tolist()
    shared = tw.share(records())
    assert pool.run(product, "a[i] -> r[i]:f8", shared, tiles=SPLIT).tolist() == [2, 12, 30]


def test_equal_dtypes_of_plain_records_stay_plain(pool):
    plain = np.array(records().tolist(), FIELDS)
    assert plain.dtype == records().dtype
    pool.run(product, "a[i] -> r[i]:f8", records())

    def of_plain(a):
        assert type(a) is np.ndarray
        return a["x"] * a["y"]

    assert pool.run(of_plain, "a[i] -> r[i]:f8", plain, tiles=SPLIT).tolist() == [2, 12, 30]


def test_results_of_records_are_recarrays_again(pool):
    r = pool.run(fill, "a[i] -> r[i]", records(), dtype=records().dtype, tiles=SPLIT)
    assert type(r) is np.recarray and r.x.tolist() == [2, 4, 6] and r.y.tolist() == [0, 0, 0]
    r = pool.run(lambda a: a[::1], "a[i] -> r[i]", records(), tiles=SPLIT)
    assert r.tolist() == records().tolist() and r["x"].tolist() == [1, 3, 5]
    a = records()
    assert pool.run(raised, "a[i] -> a[i]", a, tiles=SPLIT) is a and a.x.tolist() == [2, 4, 6]


class Described(np.ndarray):
    """A class that only adds a description."""
    description = "heights"


class Metres(np.ndarray):
    """As astropy's Quantity and unyt's arrays."""
    unit = "m"


class Own(np.ndarray):
    def __array_ufunc__(self, *arguments, **keywords):
        return "own"


class Quantity:
    """As pint's."""
    magnitude, units = np.ones(3), "m"

    def __array__(self, *_, **__):
        return np.ones(3)


def test_classes_that_add_nothing_to_the_items_count_as_ndarrays(tmp_path):
    kernel = lambda a: a * 2 if type(a) is np.ndarray else None  # noqa: E731
    mapped = np.memmap(tmp_path / "m", dtype="f8", mode="w+", shape=3)
    mapped[:] = 1
    for a in (np.ones(3).view(Described), mapped, tw.share(np.ones(3)), np.ones(3).view(np.recarray)):
        assert tw.run(kernel, "a[i] -> r[i]", a, pool="serial").tolist() == [2, 2, 2]


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("make, sentence", [
    (lambda: np.matrix(np.eye(2))[0], "numpy.matrix, whose \\* is the product of matrices"),
    (lambda: np.ones(3).view(Metres), "Metres, whose unit would be lost: give its numbers"),
    (Quantity, "Quantity, whose unit would be lost: give its numbers \\(its .magnitude\\)"),
    (lambda: np.ones(3).view(Own), "Own, which computes in its own way"),
])
def test_classes_that_mean_more_than_their_items_are_refused(make, sentence):
    array = make()
    with pytest.raises(TypeError, match=f"operand a is a .*{sentence}"):
        tw.run(lambda a: a, "a[i] -> r[i]", array)
    with pytest.raises(TypeError, match=sentence):
        tw.evaluate("r[i] = 2 * a[i]", a=array)
    if isinstance(array, np.ndarray):
        with pytest.raises(TypeError, match=sentence):
            tw.run(lambda: 1, "-> r[i]", out=array)


def test_units_of_astropy_and_pint_are_not_lost():
    units = pytest.importorskip("astropy.units")
    with pytest.raises(TypeError, match="whose unit would be lost: give its numbers \\(its .value\\)"):
        tw.run(lambda a: a, "a[i] -> r[i]", np.ones(3) * units.m)
