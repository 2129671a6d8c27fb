"""Statements whose reductions are cut: several steps of one job, on all cores, with the bits of one serial tile."""

import numpy as np
import pytest

import tilework as tw

KINDS = ["processes", "threads", "serial"]


def same(a, b):
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", [
    "s[] = sum(i,j: a[i,j])", "s[] = max(i,j: a[i,j])", "s[] = mean(i,j: a[i,j])", "s[] = any(i,j: a[i,j] > 3)",
    "s[] = sum(i,j: a[i,j] * a[i,j])", "s[j] = sum(i: a[i,j])", "s[i] = min(j: a[i,j])", "s[] = argmax(i,j: a[i,j])",
    "r[i,j] = a[i,j] / sum(k: a[k,j])", "r[i,j] = (a[i,j] - mean(k,l: a[k,l])) / 2", "m[] = sum(i,j: a[i,j]) - max(i,j: a[i,j])"])
def test_without_options_the_bits_are_those_of_one_tile(shared_pools, kind, text):
    a = np.random.default_rng(1).normal(size=(700, 900))
    a[13, 17] = np.nan if "max" in text else 5
    found, report = shared_pools[kind].evaluate(text, a=a, report=True)
    assert same(found, tw.evaluate(text, a=a, pool="serial", workers=1))
    assert report.totals["done"] == report.totals["tiles"] > 1
    found, report = shared_pools[kind].evaluate(text, a=a, report=True, check=True)
    assert report.totals["identical"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("divided", [{"tiles": {"i": 100}}, {"cuts": {"i": [1, 2, 555]}}, {"parts": {"i": 7, "j": 3}}])
def test_a_reduced_axis_may_be_divided(shared_pools, kind, divided):
    a = np.random.default_rng(2).normal(size=(600, 33)).astype("f4")
    expected = tw.evaluate("s[j] = sum(i: a[i,j])", a=a, pool="serial", parts={"j": 1})
    found, report = shared_pools[kind].evaluate("s[j] = sum(i: a[i,j])", a=a, report=True, **divided)
    assert same(found, expected)
    assert len(report.steps) > 1 and "parts of" in report.steps[0].text
    starts = report.tiles["start"][:report.steps[0].tiles]
    assert len(np.unique(starts, axis=0)) == report.steps[0].tiles  # the cuts that were made


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_bound_anew_is_computed_anew(shared_pools, kind):
    pool = shared_pools[kind]
    rng = np.random.default_rng(3)
    for n in (400, 500, 400):
        x = rng.normal(size=(n, 300))
        for c in (1.0, 2.5, -3):
            found = pool.evaluate("s[] = sum(i,j: c * x[i,j])", x=x, c=c)
            np.testing.assert_allclose(found, (c * x).sum(), rtol=1e-9, atol=1e-9)
            assert same(found, tw.evaluate("s[] = sum(i,j: c * x[i,j])", x=x, c=c, pool="serial"))


@pytest.mark.parametrize("kind", KINDS)
def test_into_arrays_of_ones_own_and_other_dtypes(shared_pools, kind):
    a = np.random.default_rng(4).integers(0, 255, (900, 800)).astype("u1")
    out = np.zeros((), "f8")
    assert shared_pools[kind].evaluate("s[] = sum(i,j: a[i,j])", a=a, out=out) is out and out == a.sum()
    assert shared_pools[kind].evaluate("s[] = sum(i,j: a[i,j])", a=a) == a.sum()
    u = a.astype("f8")
    expected = u / u.sum(0)
    shared_pools[kind].evaluate("u[i,j] = u[i,j] / sum(k: u[k,j])", u=u)
    np.testing.assert_allclose(u, expected, rtol=1e-13)


def test_progress_and_lines_count_the_tiles_of_all_steps():
    a, told = np.ones((1000, 1000)), []
    _, report = tw.evaluate("s[] = sum(i,j: a[i,j])", a=a, report=True, progress=lambda done, total, seconds: told.append((done, total)))
    assert told[-1] == (report.totals["tiles"],) * 2
    assert "part 1 of" in report.line(0) and report.line(report.totals["tiles"] - 1).count("->") == 1
    assert sum(step.tiles for step in report.steps) == report.totals["tiles"]


def test_a_small_statement_is_one_tile():
    a = np.ones((4, 5))
    s, report = tw.evaluate("s[] = sum(i,j: a[i,j])", a=a, report=True)
    assert s == 20 and report.totals["tiles"] == 1 and len(report.steps) == 1
