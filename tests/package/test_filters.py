"""Filters as statements: what scipy.ndimage computes, with every edge, on any cuts, with windows longer than the array."""

import numpy as np
import pytest

import tilework as tw

ndimage = pytest.importorskip("scipy.ndimage")
rng = np.random.default_rng(13)

# Ours, and scipy's mode with its cval. Each compiles six statements; test_edges.py has the other names of edges.
EDGES = [("clamp", "nearest", 0), ("wrap", "wrap", 0), ("reflect", "reflect", 0), ("mirror", "mirror", 0), ("zero", "constant", 0),
         ("constant=1.5", "constant", 1.5), (-2.25, "grid-constant", -2.25)]
REACH = 4
SHAPES = [(17,), (1,), (2,), (13, 8), (5, 1), (2, 3)]
AXES, WINDOW = "ij", "mn"


def around(ndim):
    """(window, index): "m,n" and "i+m-4,j+n-4"."""
    return ",".join(WINDOW[:ndim]), ",".join(f"{AXES[d]}+{WINDOW[d]}-{REACH}" for d in range(ndim))


def some_tiles(shape):
    return {AXES[d]: int(rng.integers(1, length + 1)) for d, length in enumerate(shape)}


@pytest.mark.parametrize("edge, mode, cval", EDGES)
def test_windows_are_those_of_scipy(edge, mode, cval):
    width = 2 * REACH + 1
    weights = np.exp(-0.5 * (np.arange(width) - REACH)**2 / 1.1**2)
    weights /= weights.sum()
    for shape in SHAPES:
        u = rng.random(shape)
        window, index = around(len(shape))
        left = f"r[{','.join(AXES[:len(shape)])}]"
        lengths = {name: width for name in WINDOW[:len(shape)]}
        product = " * ".join(f"k[{name}]" for name in WINDOW[:len(shape)])

        def evaluate(expression, **more):
            options = dict(edges={axis: edge for axis in AXES[:len(shape)]}, lengths=lengths, tiles=some_tiles(shape))
            return tw.evaluate(f"{left} = {expression}", u=u, **options, **more)
        largest = evaluate(f"max({window}: u[{index}])")
        assert largest.tobytes() == ndimage.maximum_filter(u, width, mode=mode, cval=cval).tobytes(), shape
        mean = evaluate(f"sum({window}: u[{index}])") / width**len(shape)
        np.testing.assert_allclose(mean, ndimage.uniform_filter(u, width, mode=mode, cval=cval), rtol=1e-12, atol=1e-12)
        smooth = evaluate(f"sum({window}: {product} * u[{index}])", k=weights)
        np.testing.assert_allclose(smooth, ndimage.gaussian_filter(u, 1.1, mode=mode, cval=cval, radius=REACH), rtol=1e-12, atol=1e-12)
