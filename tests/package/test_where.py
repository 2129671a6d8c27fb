"""Masks that leave tiles out: which shapes they have, which tiles run, in memory and in files."""

import os

import numpy as np
import pytest

import tilework as tw

Y, X = 1 + np.arange(40.0), 1 + np.arange(6.0)
SIGNATURE = "y[i], x[j] -> r[i,j]"
ROWS = {"i": 4}
POOLS = ("serial", "threads", "processes", "spawned")
WANTED = np.isin(np.arange(40) // 4, (1, 6, 7))
EXPECTED = np.where(WANTED[:, None], np.outer(Y, X), 0)


@pytest.fixture(params=POOLS)
def pool(request):
    """What pool= is given."""
    return request.getfixturevalue("spawned_pool") if request.param == "spawned" else request.param


def outer(y, x):
    if not np.isin(y - 1, np.flatnonzero(WANTED)).all():
        raise ValueError("nobody wants this tile")
    return y[:, None] * x


def mask():
    found = np.zeros((40, 6), bool)
    found[[5, 24, 29], [0, 5, 3]] = True
    return found


@pytest.mark.parametrize("where", [
    mask(), np.asfortranarray(mask()), mask()[::-1, ::-1][::-1, ::-1], {"m[i]": mask().any(1)}, {"[j,i]": mask().T},
    {"m[j, i]": np.broadcast_to(mask().any(1), (6, 40))}, {"[i,j]": mask().any(1)[:, None]}, np.broadcast_to(mask().any(1)[:, None], (40, 6)),
    {"[i]": mask().any(1).tolist()},
])
def test_masks_of_every_layout(pool, where):
    result, report = tw.run(outer, SIGNATURE, Y, X, pool=pool, tiles=ROWS, where=where, report=True)
    assert (result == EXPECTED).all() and report.totals["skipped"] == 7 and report.totals["done"] == 10


def test_masks_without_dimensions_and_without_elements():
    assert (tw.run(outer, SIGNATURE, Y, X, pool="serial", where={"m[]": np.array(False)}) == np.zeros((40, 6))).all()
    assert (tw.evaluate("r[i] = y[i]", y=Y, where={"m[]": np.array(True)}) == Y).all()
    assert (tw.evaluate("r[] = 3", where=np.array(False), dtype=float) == 0).all()
    empty = tw.run(lambda y: y, "y[i] -> r[i]", np.ones(0), where=np.ones(0, bool), pool="serial")
    assert empty.shape == (0,)
    empty, report = tw.run(lambda y: y, "y[i,j] -> r[i,j]", np.ones((3, 0)), where=np.ones((3, 0), bool), pool="serial", report=True)
    assert empty.shape == (3, 0) and report.totals["done"] == report.totals["tiles"]


def test_results_of_which_nothing_is_wanted_have_the_dtype_of_the_inputs(pool):
    nothing = tw.run(outer, SIGNATURE, Y.astype("f4"), X.astype("f4"), pool=pool, tiles=ROWS, where=np.zeros((40, 6), bool))
    assert nothing.dtype == "f4" and (nothing == np.zeros((40, 6))).all()


def test_masks_that_make_no_sense_are_refused(tmp_path):
    def refused(where, match, error=tw.ArgumentError):
        with pytest.raises(error, match=match):
            tw.run(outer, SIGNATURE, Y, X, where=where, tiles=ROWS, pool="serial")

    refused(np.ones((40, 6)), "where is an array of bool, not of float64")
    refused(np.ones((40, 6), np.uint8), "where is an array of bool, not of uint8")
    refused(np.ones(40, bool), r"where has 1 dimensions but r has 2, \[i,j\]")
    refused({"[k]": np.ones(40, bool)}, "where has the axis k, which the job does not have")
    refused({"[i]": np.ones(41, bool)}, "axis i has length 40 but where has 41 there")
    refused({"[i]": np.ones(40, bool), "[j]": np.ones(6, bool)}, "where is one mask, but a dict of 2 was given; it is mask, {'i': mask}")
    refused({0: np.ones(40, bool)}, "where is a dict from the axes of a mask, as a text, to the mask, not from 0; it is mask, {'i': mask}")
    refused({"k": np.ones(40, bool)}, "where has the axis k, which the job does not have")
    refused({"i j": np.ones(40, bool)}, "where: 'i j' does not name the axes of a mask; it is mask, {'i': mask}")
    refused({"i,j": np.ones(40, bool)}, r"where has 1 dimensions but 'where\[i,j\]' names 2 axes")
    refused({"i": np.ones(41, bool)}, "axis i has length 40 but where has 41 there")
    with pytest.raises(tw.ArgumentError, match="where has the axis k, which the job does not have: it has i, j"):
        tw.run(lambda y, x: np.outer(y, x), SIGNATURE, Y, X, where={"k": WANTED}, out=tmp_path / "r.npy", pool="serial")
    refused(tmp_path / "none.npy", "none.npy", tw.FileError)
    with pytest.raises(tw.ArgumentError, match="where leaves whole tiles out"):
        tw.run(lambda y: y.sum(), "y[i] -> s[]", Y, reduce="sum", tiles=ROWS, where={"[i]": WANTED}, pool="serial")


# ---- files ----


@pytest.mark.parametrize("in_file", [False, True])
@pytest.mark.parametrize("dtype", [None, float])
def test_files_are_resumed_with_the_same_mask_alone(pool, in_file, dtype, tmp_path):
    os.chdir(tmp_path)
    np.save("mask.npy", mask())
    where = "mask.npy" if in_file else mask()
    broken = tw.zeros(1, bool)
    broken[0] = True

    def kernel(y, x):
        if broken[0] and y[0] == 29:
            raise RuntimeError("it is broken")
        return outer(y, x)

    def run(where, **more):
        return tw.run(kernel, SIGNATURE, Y, X, out="r.npy", where=where, pool=pool, tiles=ROWS, keep_going=True, report=True,
                      version=1, dtype=dtype, **more)

    with pytest.raises(tw.TileError):
        run(where)
    assert os.path.exists("r.npy.part")
    broken[0] = False
    other = mask()
    other[0] = True
    for wrong in (other, None, {"[i]": WANTED}):
        with pytest.raises(tw.FileError, match="is of another job: where was"):
            run(wrong, resume=True)
    result, report = run(where, resume=True, verify=True)
    assert (result == EXPECTED).all() and (np.load("r.npy") == EXPECTED).all()
    assert [report.totals[name] for name in ("resumed", "skipped", "done", "tiles")] == [2, 7, 10, 10]
    assert sorted(os.listdir()) == ["mask.npy", "r.npy"]
    with pytest.raises(tw.ArgumentError, match="used as both the mask"):
        tw.run(kernel, SIGNATURE, Y, X, out="mask.npy", where="mask.npy", pool=pool)


def test_files_of_which_nothing_is_wanted(pool, tmp_path):
    none = np.zeros((40, 6), bool)
    result = tw.run(outer, SIGNATURE, Y, X, out=tmp_path / "r.npy", where=none, pool=pool, tiles=ROWS)
    assert result.dtype == float and (result == np.zeros((40, 6))).all()
    result = tw.evaluate("r[i,j] = y[i] * x[j]", y=Y, x=X, out=tmp_path / "r.npy", where=none)
    assert (result == np.zeros((40, 6))).all() and os.listdir(tmp_path) == ["r.npy"]


def test_tiles_that_are_reported_are_those_that_are_done(tmp_path):
    tiles = tw.iterate(outer, SIGNATURE, Y, X, out=tmp_path / "r.npy", where=mask(), tiles=ROWS, pool="threads")
    assert sorted(tile.number for tile in tiles if (tile.result == np.outer(Y, X)[tile.index]).all()) == [1, 6, 7]
    assert (tiles.result == EXPECTED).all()


def test_progress_counts_skipped_tiles_as_done():
    seen = []
    tw.run(outer, SIGNATURE, Y, X, where=mask(), tiles=ROWS, pool="serial", progress=lambda done, total, seconds: seen.append((done, total)))
    assert seen[-1] == (10, 10) and min(seen)[0] >= 7
