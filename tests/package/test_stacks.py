"""Small stacks: threads with little of it, and `ulimit -s`: statements and C kernels give their results, nothing crashes."""

import shutil
import textwrap

import pytest

from conftest import run_python

# What each program checks: a stencil of 27 reads that wrap, on memory that lies the other way round; 16 inputs with
# strides; sums of complex numbers. NumPy's values are the right ones.
CHECK = """
    import itertools, resource, sys, threading
    import numpy as np
    import tilework as tw

    rng = np.random.default_rng(1)
    shifts = list(itertools.product((-1, 0, 1), repeat=3))
    u = np.asfortranarray(rng.random((60, 60, 60)))
    stencil = "r[i,j,k] = " + " + ".join(f"u[i+{a},j+{b},k+{c}]".replace("+-", "-") for a, b, c in shifts)
    edges = {"i": "wrap", "j": "wrap", "k": "wrap"}
    rolled = sum(np.roll(u, (-a, -b, -c), (0, 1, 2)) for a, b, c in shifts)
    wide = {f"a{k}": rng.random((300, 64))[:, ::2] for k in range(16)}
    sixteen = "r[i,j] = " + " + ".join(f"{name}[i,j]" for name in wide)
    waves = {f"z{k}": (rng.random((50, 40)) + 1j * rng.random((50, 40)))[:, ::2] for k in range(27)}
    sums = "s[i] = " + " + ".join(f"sum(j: z{k}[i,j] * z{(k + 1) % 27}[i,j])" for k in range(27))
    summed = sum((waves[f"z{k}"] * waves[f"z{(k + 1) % 27}"]).sum(axis=1) for k in range(27))

    def check(pool):
        assert np.array_equal(tw.evaluate(stencil, u=u, edges=edges, pool=pool, workers=2), rolled)
        assert np.array_equal(tw.evaluate(sixteen, pool=pool, workers=2, tiles={"i": 50}, **wide), sum(wide.values()))
        assert np.allclose(tw.evaluate(sums, pool=pool, workers=2, tiles={"i": 7}, **waves), summed, rtol=1e-13)

    def check_all():
        for pool in sys.argv[2:]:
            check(pool)
            print(pool, flush=True)
"""

POOLS = ["auto", "serial", "threads", "processes"]


@pytest.mark.parametrize("kib", [128, 512])
def test_statements_run_in_threads_with_small_stacks(kib):
    code, out, err = run_python(CHECK + """
    threading.stack_size(int(sys.argv[1]) * 1024)
    thread = threading.Thread(target=check_all)
    thread.start()
    thread.join()
    """, str(kib), *POOLS)
    assert (code, out.split()) == (0, POOLS), err


@pytest.mark.parametrize("limit", [512, -1])
def test_statements_run_under_any_limit_of_the_stack(limit):
    code, out, err = run_python("""
    import os, resource, sys
    limit = int(sys.argv[1]) * 1024 if sys.argv[1] != "-1" else resource.RLIM_INFINITY
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    if limit == resource.RLIM_INFINITY and hard != limit:
        print(*sys.argv[3:])
        sys.exit()
    resource.setrlimit(resource.RLIMIT_STACK, (limit, hard))
    os.execv(sys.executable, [sys.executable, "-c", sys.argv[2], sys.argv[1], *sys.argv[3:]])
    """, str(limit), textwrap.dedent(CHECK + "    check_all()\n"), *POOLS)
    assert (code, out.split()) == (0, POOLS), err


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_c_kernels_with_large_arrays_run_from_threads_with_small_stacks(tmp_path):
    source = tmp_path / "large.c"
    source.write_text("""
#include <tilework/tilework.h>

int large(const tw_tile *tile)
{
    volatile double room[600000]; /* 4.6 MiB */
    TW_VIEW(const double, x, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        room[i * 599999 / r.shape[0]] = TW_AT(x, i);
    }
    for (int64_t i = 0; i < r.shape[0]; i++) {
        TW_AT(r, i) = 2 * room[i * 599999 / r.shape[0]];
    }
    return 0;
}
""")
    code, out, err = run_python("""
    import sys, threading
    import numpy as np
    import tilework as tw

    kernel = tw.Kernel.from_c(sys.argv[1], "large")
    x = np.arange(1000.0)

    def check_all():
        for pool in sys.argv[2:]:
            for check in (False, True):
                r = tw.run(kernel, "x[i] -> r[i]", x, pool=pool, workers=2, tiles={"i": 50}, check=check)
                assert np.array_equal(r, 2 * x)
            print(pool, flush=True)

    threading.stack_size(256 * 1024)
    thread = threading.Thread(target=check_all)
    thread.start()
    thread.join()
    """, str(source), *POOLS)
    assert (code, out.split()) == (0, POOLS), err
