"""Kernels whose inputs have halos: what scipy.ndimage computes of the whole, from any tiles, on every pool."""

import itertools
import re

import numpy as np
import pytest

import tilework as tw

ndimage = pytest.importorskip("scipy.ndimage")
rng = np.random.default_rng(12)

# Ours, scipy's mode with its cval, and numpy.pad's arguments.
EDGES = [("clamp", "nearest", 0, {"mode": "edge"}), ("nearest", "nearest", 0, {"mode": "edge"}), ("wrap", "wrap", 0, {"mode": "wrap"}),
         ("grid-wrap", "grid-wrap", 0, {"mode": "wrap"}), ("reflect", "reflect", 0, {"mode": "symmetric"}),
         ("grid-mirror", "grid-mirror", 0, {"mode": "symmetric"}), ("mirror", "mirror", 0, {"mode": "reflect"}),
         ("zero", "constant", 0, {"mode": "constant"}), ("constant", "grid-constant", 0, {"mode": "constant"}),
         ("constant=1.5", "constant", 1.5, {"mode": "constant", "constant_values": 1.5}),
         (-2.25, "grid-constant", -2.25, {"mode": "constant", "constant_values": -2.25})]
AXES = "ijk"


def cut_off(array, reach):
    """What is left without the halo."""
    return array[tuple(slice(low, array.shape[d] - high) for d, (low, high) in enumerate(reach))]


def signature_of(reach):
    index = ",".join(f"{axis}-{low}..{axis}+{high}" for axis, (low, high) in zip(AXES, reach))
    return f"u[{index}] -> r[{','.join(AXES[:len(reach)])}]"


def filters(size):
    """What is computed of an array of any shape, and how far it reads."""
    reach = size // 2
    radius = 3
    return {"uniform": (lambda u, mode, cval: ndimage.uniform_filter(u, size, mode=mode, cval=cval), reach),
            "median": (lambda u, mode, cval: ndimage.median_filter(u, size, mode=mode, cval=cval), reach),
            "maximum": (lambda u, mode, cval: ndimage.maximum_filter(u, size, mode=mode, cval=cval), reach),
            "gaussian": (lambda u, mode, cval: ndimage.gaussian_filter(u, 1.1, mode=mode, cval=cval, radius=radius), radius)}


def random_cuts(shape):
    cuts = {}
    for axis, length in zip(AXES, shape):
        count = int(rng.integers(0, max(1, min(4, length))))
        cuts[axis] = sorted(rng.choice(np.arange(1, length), count, replace=False).tolist()) if count else []
    return cuts


@pytest.mark.parametrize("edge, mode, cval, pad", EDGES)
@pytest.mark.parametrize("name", ["uniform", "median", "maximum", "gaussian"])
def test_filters_are_those_of_scipy_on_any_cuts(name, edge, mode, cval, pad):
    for shape in ((17,), (1,), (2,), (13, 8), (5, 1), (9, 7, 4)):
        compute, reach = filters(5 if len(shape) < 3 else 3)[name]
        image = rng.random(shape)
        around = [(reach, reach)] * len(shape)
        whole = compute(image, mode, cval)
        if name == "median" and mode == "mirror" and min(shape) <= reach:  # scipy 1.17 reads what is not there
            whole = cut_off(compute(np.pad(image, reach, **pad), "nearest", 0.0), around)
        for pool in ("threads", "serial"):
            # The mode of the inner call does not matter: what it reads outside of the part is cut off.
            r = tw.run(lambda u: cut_off(compute(u, "nearest", 0.0), around), signature_of(around), image, edges=edge,
                       cuts=random_cuts(shape), pool=pool)
            if name in ("median", "maximum"):
                assert r.tobytes() == whole.tobytes()
            else:  # running sums and symmetric sums begin elsewhere
                np.testing.assert_allclose(r, whole, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("edge, _, __, pad", EDGES)
def test_a_kernel_sees_what_numpy_pads(edge, _, __, pad):
    """Asymmetric halos, longer than the array, several operands, on every kind of pool."""
    for shape, reach in itertools.product(((6, 5), (1, 3)), (((0, 2), (3, 1)), ((11, 9), (0, 0)), ((1, 0), (7, 8)))):
        a, b = rng.random(shape), rng.integers(0, 99, shape)
        wide = np.pad(a, reach, **pad)

        def sums(u, w, s):
            rows, columns = (low + high + 1 for low, high in reach)
            for i, j in np.ndindex(s.shape):
                s[i, j] = u[i:i + rows, j:j + columns].sum() + w[i, j]
        expected = np.empty(shape)
        sums(wide, b, expected)
        text = signature_of(reach).replace("] -> r[i,j]", "], w[i,j] -> s[i,j]")
        for pool in ("threads", "processes", "serial"):
            assert (tw.run(sums, text, a, b, edges=edge, dtype=float, tiles={"i": 2, "j": 2}, pool=pool, workers=2 if pool != "serial" else None)
                    == expected).all()


def test_pools_that_spawn_and_pools_that_are_kept():
    image = rng.random((40, 30))
    expected = ndimage.maximum_filter(image, (3, 5), mode="mirror")
    for start in ("fork", "spawn"):
        with tw.Pool(2, start=start) as pool:
            for _ in range(2):
                r = pool.run(largest, "u[i-1..i+1,j-2..j+2] -> r[i,j]", image, edges={"i": "mirror", "j": "mirror"})
                assert (r == expected).all()


def largest(u):
    return ndimage.maximum_filter(u, (3, 5))[1:-1, 2:-2]


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i8", "f2", "f4", "c8", "c16", "S5", "U3", "M8[s]", [("a", "i4"), ("b", "S3")]])
def test_items_of_every_dtype_have_halos(dtype):
    values = rng.integers(0, 2 if dtype == "?" else 100, 12)
    u = np.array([(int(v), str(v)) for v in values], dtype) if isinstance(dtype, list) else values.astype(dtype)
    for edge, pad in (("reflect", {"mode": "symmetric"}), ("wrap", {"mode": "wrap"}), ("clamp", {"mode": "edge"})):
        wide = np.pad(u, (2, 1), **pad)
        r = tw.run(lambda u: u[:-3], "u[i-2..i+1] -> r[i]", u, edges=edge, tiles={"i": 5})
        assert r.dtype == u.dtype and (r == wide[:-3]).all()
    zeros = tw.run(lambda u: u[:-3], "u[i-2..i+1] -> r[i]", u, edges="zero", tiles={"i": 5})
    assert (zeros[:2] == np.zeros(2, u.dtype)).all() and (zeros[2:] == u[:-2]).all()
    if u.dtype.kind in "SUMV":
        with pytest.raises(tw.ArgumentError, match="only numbers have constants"):
            tw.run(lambda u: u[:-3], "u[i-2..i+1] -> r[i]", u, edges=1)
    else:
        ones = tw.run(lambda u: u[:-3], "u[i-2..i+1] -> r[i]", u.astype(u.dtype.newbyteorder(">")), edges=1, tiles={"i": 5})
        assert (ones[:2] == 1).all() and (ones[2:] == u[:-2]).all()


def test_a_broadcast_dimension_and_empty_axes():
    row = rng.random((1, 20))
    expected = np.broadcast_to(row, (6, 20)) * 3
    r = tw.run(lambda u, y: (u[:-2] + u[1:-1] + u[2:]) + 0 * y[:, None], "u[i-1..i+1,j], y[i] -> r[i,j]", row, np.zeros(6), edges="wrap",
               tiles={"i": 2})
    np.testing.assert_allclose(r, expected)
    assert tw.run(lambda u: u[1:-1], "u[i-1..i+1] -> r[i]", np.zeros(0), edges="wrap").shape == (0,)
    assert tw.run(lambda u: u[1:-1], "u[i-1..i+1] -> r[i]", np.zeros(0)).shape == (0,)  # nothing is read, so nothing outside
    assert tw.run(lambda u: u.sum(), "u[i-1..i+1] -> s[]", np.zeros(0), edges=4) == 8
    r = tw.run(lambda u: u + 1, "u[i-0..i+0] -> r[i]", np.arange(3.0), edges="reflect")  # f"u[i-{n}..i+{n}]" with n = 0
    assert r.tolist() == [1, 2, 3]
    with pytest.raises(tw.ArgumentError, match="axis i has length 0, so the halo of u.* finds no element"):
        tw.run(lambda u: u.sum(), "u[i-1..i+1] -> s[]", np.zeros(0), edges="wrap")


def test_reductions_read_around_their_tiles():
    u = rng.random(1000)
    steps = np.abs(np.diff(u, append=u[0]))
    for pool in ("threads", "processes"):
        s = tw.run(lambda u: np.abs(np.diff(u)).max(), "u[i..i+1] -> s[]", u, edges="wrap", reduce="max", parts={"i": 7}, pool=pool)
        assert s == steps.max()


def test_files_are_read_and_written_with_halos(tmp_path):
    image = rng.random((60, 50))
    np.save(tmp_path / "u.npy", image)
    expected = ndimage.maximum_filter(image, (3, 5), mode="nearest")
    r = tw.run(largest, "u[i-1..i+1,j-2..j+2] -> r[i,j]", tmp_path / "u.npy", out=tmp_path / "r.npy", edges="clamp", tiles={"i": 7})
    assert (r == expected).all()
    assert (np.load(tmp_path / "r.npy") == expected).all()


def test_an_unfinished_run_is_not_resumed_with_another_edge(tmp_path):
    u = rng.random(30)

    u[20] = 2

    def middle(u):
        if not np.isfinite(go) and (u[1:-1] == 2).any():
            raise ValueError("stop")
        return u[1:-1]
    go = np.nan
    with pytest.raises(tw.TileError):
        tw.run(middle, "u[i-1..i+1] -> r[i]", u, out=tmp_path / "r.npy", edges="clamp", tiles={"i": 5}, version="1", workers=1)
    go = 1.0
    for change, says in (({"edges": "wrap"}, "edge i was clamp and is wrap"), ({"edges": 2}, "edge i was clamp and is constant=2")):
        with pytest.raises(tw.FileError, match=says):
            tw.run(middle, "u[i-1..i+1] -> r[i]", u, out=tmp_path / "r.npy", tiles={"i": 5}, version="1", resume=True, **change)
    with pytest.raises(tw.FileError, match=re.escape("signature was in u[i-1..i+1], out r[i] and is in u[i-1..i+2], out r[i]")):
        tw.run(middle, "u[i-1..i+2] -> r[i]", u, out=tmp_path / "r.npy", tiles={"i": 5}, version="1", resume=True, edges="clamp",
               dtype=float)
    r = tw.run(middle, "u[i-1..i+1] -> r[i]", u, out=tmp_path / "r.npy", edges="nearest", tiles={"i": 5}, version="1", resume=True)
    assert (r == u).all()


def test_check_and_guard_find_a_kernel_that_reads_beyond_its_halo():
    u = rng.random((20, 20))
    keeps = {"edges": "reflect", "tiles": {"i": 5}}
    honest = tw.run(lambda u: u[:-2] + u[2:], "u[i-1..i+1,j] -> r[i,j]", u, check=True, guard=True, **keeps)
    assert (honest == np.pad(u, ((1, 1), (0, 0)), mode="symmetric")[:-2] + np.pad(u, ((1, 1), (0, 0)), mode="symmetric")[2:]).all()

    def beyond(u):
        past = np.lib.stride_tricks.as_strided(u, (u.shape[0] + 1, u.shape[1]), u.strides)
        return past[3:] + 0.0
    with pytest.raises(tw.TileError, match="read .*past the end of 'u'|gave .* another value when it ran again"):
        tw.run(beyond, "u[i-1..i+1,j] -> r[i,j]", u, guard=True, dtype=float, **keeps)
    with pytest.raises(tw.CheckError, match="the kernel's result depends on the tile"):
        tw.run(lambda u: u[1:-1] - u.mean(), "u[i-1..i+1,j] -> r[i,j]", u, check=True, **keeps)


def test_what_is_wrong_is_said():
    u = np.ones((6, 5))

    def refused(error, says, signature="u[i-1..i+1,j] -> r[i,j]", kernel=lambda u: u[1:-1], operand=u, **options):
        with pytest.raises(error, match=says):
            tw.run(kernel, signature, operand, **options)
    refused(tw.ArgumentError, r"u\[i-1..i\+1,j\] is read outside of itself: along axis i, of length 6, from index -1 to 6; say .*"
            r'edges=\{"i": "reflect"\}')
    refused(tw.ArgumentError, "the edge of all axes: 'mirorr' is not an edge", edges="mirorr")
    refused(tw.ArgumentError, "no axis 'k' in the signature, which has i, j", edges={"k": "wrap"})
    refused(tw.ArgumentError, "no input of the signature has a halo", signature="u[i,j] -> r[i,j]", edges="wrap")
    refused(tw.ArgumentError, "the edge of axis i, constant=300, is no value of u, whose dtype is uint8", edges=300, operand=u.astype("u1"))
    refused(tw.NotationError, "a halo on the output r", signature="u[i,j] -> r[i-1..i+1,j]", edges="wrap")
    refused(tw.NotationError, "u, which is read with a halo, is written too", signature="u[i-1..i+1,j] -> u[i,j]", edges="wrap")
    refused(tw.NotationError, "a halo is written i-1..i\\+1, both ends included", signature="u[i-1:i+1,j] -> r[i,j]", edges="wrap")
    refused(tw.TileError, r"returned a value of shape \(8, 5\) for a tile of shape \(6, 5\): cut off the halo of u", kernel=np.square,
            edges="wrap", parts={"i": 1})
    refused(tw.TileError, r"returned a value of shape \(5, 5\) for a tile of shape \(3, 5\): cut off the halo of u", kernel=lambda u: 2 * u,
            edges="wrap", tiles={"i": 3})
    kept = []
    refused(tw.TileError, "the kernel has kept a view of its tile", kernel=lambda u: (kept.append(u), u[1:-1] + 0)[1], edges="wrap",
            pool="threads")


@pytest.mark.parametrize("pool", ["serial", "threads"])
def test_a_kernel_may_leave_cycles_around_its_views(pool):
    u = np.arange(40.0)

    def recursive(u):
        def inner(n):
            return inner(n - 1) if n else u[2:] - u[:-2]
        return inner(3)

    def catches(u):
        try:
            raise ValueError("no")
        except ValueError as error:
            caught = error
        return u[2:] - u[:-2] if caught else None
    for kernel in (recursive, catches):
        result = tw.run(kernel, "u[i-1..i+1] -> r[i]", u, edges="nearest", tiles={"i": 10}, pool=pool)
        assert (result == [1] + [2] * 38 + [1]).all()


def test_tiles_are_known_without_their_halo():
    seen = []

    def looks(u, tile):
        seen.append((tile.ranges["i"], u.shape))
        return u[1:-2]
    r, report = tw.run(looks, "u[i-1..i+2] -> r[i]", np.arange(10.0), edges="wrap", tiles={"i": 5}, pool="serial", report=True)
    assert (r == np.arange(10)).all()
    assert seen == [(slice(0, 5), (8,)), (slice(5, 10), (8,))]
    assert report.steps[0].text == "u[i-1..i+2] -> r[i] (2 tiles: i in 2)"
    with pytest.raises(tw.TileError, match=re.escape("at tile 1, u[4:12] -> r[5:10] (5)")):
        tw.run(lambda u, tile: u[1:-2 - tile.number], "u[i-1..i+2] -> r[i]", np.arange(10.0), edges="wrap", tiles={"i": 5})


def test_plans_and_tiles_as_they_finish_have_halos():
    u = rng.random((50, 50))
    assert "i (50) in" in str(tw.plan(lambda u: u[1:-1], "u[i-1..i+1,j] -> r[i,j]", u, edges="wrap"))
    wide = np.pad(u, ((1, 1), (0, 0)), mode="wrap")
    r = np.empty_like(u)
    for tile in tw.iterate(lambda u: u[2:] - u[:-2], "u[i-1..i+1,j] -> r[i,j]", u, edges="wrap", tiles={"i": 9}):
        r[tile.ranges["i"]] = tile.result
    assert (r == wide[2:] - wide[:-2]).all()


def test_no_tile_inside_is_copied():
    """A view of the array itself inside, a copy at the border."""
    u = np.arange(100.0)
    begin = u.ctypes.data
    inside = tw.run(lambda u: np.full(len(u) - 2, begin <= u.ctypes.data < begin + u.nbytes * 10), "u[i-1..i+1] -> r[i]", u, edges="wrap",
                    tiles={"i": 10}, pool="threads", dtype=bool)
    assert inside.reshape(10, 10).all(1).tolist() == [False, *[True] * 8, False]
