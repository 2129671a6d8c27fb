"""What people type out of habit is answered with what to write instead; a report says where a run was, and why there."""

import warnings

import numpy as np
import pytest

import tilework as tw

U = np.arange(6.0)


def run(**options):
    return tw.run(lambda u: u, "u[i] -> r[i]", U, **options)


def evaluate(**options):
    return tw.evaluate("r[i] = 2 * u[i]", u=U, **options)


def pool_run(**options):
    with tw.Pool(1, "serial") as pool:
        return pool.run(lambda u: u, "u[i] -> r[i]", U, **options)


def pool_evaluate(**options):
    with tw.Pool(1, "serial") as pool:
        return pool.evaluate("r[i] = 2 * u[i]", u=U, **options)


@pytest.mark.parametrize("call", [run, evaluate, pool_run, pool_evaluate])
@pytest.mark.parametrize("option, instead", [
    ("chunks", r"tiles=\{\"i\": 100\}"), ("chunksize", r"tiles="), ("block_size", r"tiles="), ("tile", r"tiles="),
    ("n_jobs", "workers=4; left out, all cores work"), ("njobs", "workers="), ("num_workers", "workers="),
    ("max_workers", "workers="), ("processes", "workers="), ("nthreads", "workers="), ("backend", "pool=\"threads\""),
    ("cut", "cuts="), ("split", "parts="), ("shape", "lengths="), ("size", "lengths="), ("axis", "the signature names the axes"),
    ("output", "out=r"), ("type", "dtype="), ("verbose", "progress=True"), ("depth", "edges="),
])
def test_options_of_other_tools_name_ours(call, option, instead):
    with pytest.raises(TypeError, match=rf"no (operand {option}, and evaluate no such )?option( {option})?: .*{instead}"):
        call(**{option: {"i": 2}})


def test_options_that_are_none_name_what_is_near():
    with pytest.raises(TypeError, match="run has no option cutss: did you mean cuts=?"):
        run(cutss={"i": 2})
    for far in ("zzz", "order", "vectorize", "self"):
        with pytest.raises(TypeError, match=f"run has no option {far}: it has check, cuts, dtype"):
            run(**{far: 1})
    with pytest.raises(TypeError, match="run has no option operands: operands follow the signature"):
        run(operands=[U])
    with tw.Pool(1, "serial") as pool:
        for name, word in (("operands", "operands follow the signature"), ("self", "it has check, cuts")):
            with pytest.raises(TypeError, match=f"run has no option {name}: {word}"):
                pool.run(lambda u: u, "u[i] -> r[i]", U, **{name: 1})
    for retries, word in ((-1, "least 0"), (2**31, "most 2147483647"), (2**80, "most 2147483647")):
        with pytest.raises(tw.ArgumentError, match=f"retries is {retries}; it is at {word}"):
            run(retries=retries)
    with pytest.raises(TypeError, match="Pool has no option n_jobs: .*workers="):
        tw.Pool(n_jobs=2)
    with pytest.raises(tw.ArgumentError, match="workers is -1; a pool has 1 to 4096; leave it out and all cores work"):
        run(workers=-1)
    with pytest.raises(tw.ArgumentError, match="the statement has no operand uu"):
        evaluate(uu=U)
    assert tw.evaluate("r[i] = size * shape[i]", size=2, shape=U).tolist() == (2 * U).tolist()  # names as good as any


@pytest.mark.parametrize("text, instead", [
    ("i,j->ij", r"write 'a\[i\], b\[j\] -> r\[i,j\]'"),
    ("ij,jk->ik", r"write 'a\[i,j\], b\[j,k\] -> r\[i,k\]'"),
    ("ab,bc->ac", r"write 'd\[a,b\], e\[b,c\] -> r\[a,c\]'"),
    ("i->i", r"write 'a\[i\] -> r\[i\]'"), ("ij->", r"write 'a\[i,j\] -> r\[\]'"), ("->ij", r"write '-> r\[i,j\]'"),
    ("(i,j)->(i)", r"write 'a\[i,j\] -> r\[i\]'"), ("(m,n),(n,p)->(m,p)", r"write 'a\[m,n\], b\[n,p\] -> r\[m,p\]'"),
    ("x(i)->r(i)", r"-> r\[i\]'"), ("height, width -> area", r"write 'height\[i\], width\[i\] -> area\[i\]'"),
    ("x[i", r"there is no arrow and no output"), ("", "there is no arrow"), ("ii->i", "is like"),
    ("x[i] = r[i]", r"this is a statement, .*tilework.evaluate\('x\[i\] = r\[i\]', ...\)"),
    ("r[i] = x[i]*2", r"this is a statement"),
    ("x[i] → r[i]", "the arrow is '->', not '→'"), ("x[i] => r[i]", "not '=>'"), ("x[i] - > r[i]", "not '- >'"),
    ("x[:] -> r[:]", "is like"), ("x[i] -> r[i]:", "is like"),
])
def test_signatures_of_other_forms_show_ours(text, instead):
    with pytest.raises(tw.NotationError, match=instead) as caught:
        tw.run(lambda x: x, text, U)
    assert "a signature is like 'y[i], x[j] -> r[i,j]'" in str(caught.value)


def test_kernel_and_signature_the_wrong_way_round():
    with pytest.raises(TypeError, match="the kernel comes first, then the signature"):
        tw.run("u[i] -> r[i]", lambda u: u, U)
    with pytest.raises(TypeError, match="the kernel comes first, then the signature"):
        tw.run("u[i] -> r[i]", "r[i] = u[i]", U)


@pytest.mark.parametrize("kernel, pool, why", [
    (np.square, "threads", "a NumPy ufunc computes without Python's lock"),
    (lambda u: u, "processes", "Python kernels hold Python's lock"),
    (np.vectorize(lambda u: u), "processes", "Python kernels hold Python's lock"),
    ("r[i] = u[i]", "threads", "a native kernel runs without Python"),
])
def test_auto_says_where_it_runs_and_why(kernel, pool, why):
    if not getattr(__import__("sys"), "_is_gil_enabled", lambda: True)():
        pytest.skip("this Python has no global lock")
    r, report = tw.run(kernel, "u[i] -> r[i]", U, report=True)
    assert (report.pool, report.why) == (pool, why)
    assert f"({pool}: {why})" in repr(report) and report.to_dict()["why"] == why


def test_functions_of_numba_that_release_the_lock_run_on_threads():
    numba = pytest.importorskip("numba")
    for options, pool in (({"nogil": True}, "threads"), ({}, "processes"), ({"nogil": True, "parallel": True}, "processes")):
        kernel = numba.njit(**options)(lambda u: u + 1)
        _, report = tw.run(kernel, "u[i] -> r[i]", U, report=True)
        assert report.pool == pool and ("nogil=True" in report.why) == (pool == "threads")


def test_a_report_says_that_the_pool_was_given():
    assert tw.run(np.square, "u[i] -> r[i]", U, report=True, pool="serial")[1].why == "pool='serial' was given"
    with tw.Pool(1, "threads") as pool:
        assert pool.run(np.square, "u[i] -> r[i]", U, report=True)[1].why == "this pool was given"
    with pytest.raises(tw.TileError) as caught:
        tw.run(lambda u: 1 / 0, "u[i] -> r[i]", U, report=True, pool="threads")
    assert caught.value.report.why == "pool='threads' was given"
    assert tw.run(np.square, "u[i] -> r[i]", U, report=True, timeout=100)[1].why.startswith("timeout, guard")


@pytest.mark.parametrize("ufunc, arrays, dtype", [
    (np.sqrt, [np.arange(4)], "f8"), (np.sqrt, [np.arange(4, dtype="f4")], "f4"), (np.greater, [U[:4], U[:4]], "?"),
    (np.subtract, [np.arange(4).astype("M8[D]")] * 2, "m8[D]"), (np.true_divide, [np.arange(4), np.arange(4) + 1], "f8"),
    (np.add, [np.arange(4, dtype="u1")] * 2, "u1"), (np.absolute, [np.arange(4) * 1j], "f8"),
    (np.maximum, [U[:4], U[3::-1]], "f8"), (np.minimum, [np.arange(4).astype("M8[D]")] * 2, "M8[D]"),
])
def test_ufuncs_write_their_own_dtype_where_it_belongs(ufunc, arrays, dtype):
    signature = ("a[i] -> r[i]", "a[i], b[i] -> r[i]")[len(arrays) - 1]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")  # NumPy's of outputs that are not named, too
        for pool in ("threads", "serial", "processes"):
            r = tw.run(ufunc, signature, *arrays, tiles={"i": 3}, pool=pool)
            assert r.dtype == np.dtype(dtype) and r.tolist() == ufunc(*arrays).tolist()


def test_ufuncs_of_several_outputs_and_into_arrays_of_the_user():
    low, high = tw.run(np.divmod, "a[i], b[i] -> q[i], m[i]", np.arange(6), np.full(6, 4), tiles={"i": 4})
    assert low.tolist() == [0, 0, 0, 0, 1, 1] and high.tolist() == [0, 1, 2, 3, 0, 1] and low.dtype == int
    out = np.zeros(6, "f4")
    assert tw.run(np.square, "u[i] -> r[i]", U, out=out) is out and out.tolist() == (U**2).tolist()
    u = np.ones((3, 2))
    assert tw.run(np.subtract, "a[j], u[i,j] -> u[i,j]", np.full(2, 5.0), u) is u and (u == 4).all()
    with pytest.raises(tw.TileError, match="Cannot cast ufunc 'sqrt' output"):
        tw.run(np.sqrt, "u[i] -> r[i]:i4", U)
