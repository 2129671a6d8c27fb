"""`tilework run --reduce`: outputs that lack an axis which is cut, on every pool, with journals, reports and replay."""

import json

import numpy
import pytest

POOLS = ["serial", "threads", "processes"]

KERNELS = r"""
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <tilework/tilework.h>

int columns(const tw_tile *tile) /* a[i,j] -> s[j]: adds to what it finds */
{
    TW_VIEW(const double, a, tile->operand[0]);
    TW_VIEW(double, s, tile->operand[1]);
    for (int64_t i = 0; i < a.shape[0]; i++) {
        for (int64_t j = 0; j < a.shape[1]; j++) {
            TW_AT(s, j) += TW_AT(a, i, j);
        }
    }
    return 0;
}

int dies(const tw_tile *tile)
{
    if (tile->number == 2 && tile->attempt == 0) {
        kill(getpid(), SIGKILL);
    }
    return columns(tile);
}

int fails(const tw_tile *tile)
{
    return tile->number == 2 && access("mended", F_OK) != 0 ? tw_tile_fail(tile, 5, "no luck") : columns(tile);
}

int largest(const tw_tile *tile) /* a[i,j] -> s[j]: the largest in size, with its sign */
{
    TW_VIEW(const double, a, tile->operand[0]);
    TW_VIEW(double, s, tile->operand[1]);
    for (int64_t i = 0; i < a.shape[0]; i++) {
        for (int64_t j = 0; j < a.shape[1]; j++) {
            TW_AT(s, j) = i == 0 || TW_AT(a, i, j) * TW_AT(a, i, j) > TW_AT(s, j) * TW_AT(s, j) ? TW_AT(a, i, j) : TW_AT(s, j);
        }
    }
    return 0;
}

int keep_larger(const tw_tile *tile) /* part[j], into[j] -> into[j] */
{
    TW_VIEW(const double, part, tile->operand[0]);
    TW_VIEW(double, into, tile->operand[1]);
    for (int64_t j = 0; j < into.shape[0]; j++) {
        TW_AT(into, j) = TW_AT(part, j) * TW_AT(part, j) > TW_AT(into, j) * TW_AT(into, j) ? TW_AT(part, j) : TW_AT(into, j);
    }
    return 0;
}
"""


@pytest.fixture
def job(folder):
    """Arguments of a job whose sums depend on their order."""
    folder.save("a.npy", numpy.random.default_rng(3).normal(size=(100, 30)))
    (folder / "reduce.c").write_text(KERNELS)
    return ["reduce.c:columns", "-s", "a[i,j] -> s[j]", "a=a.npy", "-o", "s=s.npy", "--reduce", "s=sum", "--tile", "i=30"]


def in_order(a, rows=30):
    """The sum of each tile's rows, then of these sums."""
    parts = []
    for first in range(0, len(a), rows):
        part = numpy.zeros(a.shape[1])
        for row in a[first:first + rows]:
            part += row
        parts.append(part)
    result = parts[0]
    for part in parts[1:]:
        result = result + part
    return result


@pytest.mark.parametrize("pool", POOLS)
def test_partials_are_folded_in_the_order_of_the_grid(folder, job, pool):
    for workers in (["-w", "1"], [] if pool == "serial" else ["-w", "3"]):
        result = folder.run_ok(*job, "--pool", pool, *workers, "--check", "-v")
        assert folder.load("s.npy").tobytes() == in_order(folder.load("a.npy")).tobytes()
        lines = result.stdout.splitlines()
        assert "did a[30:60,0:30] -> s[0:30] (part 2 of 4) in" in lines[1]
        assert "did 4 parts of s[0:30] -> s[0:30] (30) in" in lines[4]
        assert lines[-1] == "bit-identical: yes"


def test_automatic_tiles_of_a_reduction(folder, job):
    folder.run_ok(*job[:-2], "--pool", "threads", "--report", "report.json")
    numpy.testing.assert_allclose(folder.load("s.npy"), folder.load("a.npy").sum(0), rtol=1e-12)
    report = json.loads((folder / "report.json").read_text())
    assert report["totals"]["tiles"] == len(report["tile_records"]) > 30
    assert [step.get("by") for step in report["steps"]] == [None, "sum"]
    assert report["steps"][1]["folds"] == "s"
    assert report["steps"][1]["first"] == report["steps"][0]["tiles"]


@pytest.mark.parametrize("fold, dtype", [("sum", "int8"), ("prod", "float32"), ("min", "float64"), ("max", "uint16"),
                                         ("any", "bool"), ("all", "bool"), ("sum", "complex128")])  # fmt: skip
def test_every_fold(folder, fold, dtype):
    """The kernel takes row 0 of its tile, one row a tile: the result is NumPy's reduction."""
    a = numpy.random.default_rng(1).integers(0, 100, (9, 50)).astype(dtype)
    folder.save("a.npy", a)
    (folder / "row.c").write_text("""
        #include <string.h>
        #include <tilework/tilework.h>
        int row(const tw_tile *tile)
        {
            const tw_view *s = &tile->operand[1];
            memcpy(s->data, tile->operand[0].data, (size_t)(s->shape[0] * s->dtype.itemsize));
            return 0;
        }""")
    folder.run_ok("row.c:row", "-s", "a[i,j] -> s[j]", "a=a.npy", "-o", "s=s.npy", "--reduce", f"s={fold}", "--tile", "i=1")
    ufunc = {"sum": numpy.add, "prod": numpy.multiply, "min": numpy.minimum, "max": numpy.maximum, "any": numpy.logical_or,
             "all": numpy.logical_and}[fold]  # fmt: skip
    assert folder.load("s.npy").tobytes() == ufunc.reduce(a, 0, dtype=dtype).tobytes()


@pytest.mark.parametrize("pool", POOLS)
def test_a_fold_of_the_users(folder, job, pool):
    job[0] = "reduce.c:largest"
    job[job.index("s=sum")] = "s=reduce.c:keep_larger"
    folder.run_ok(*job, "--pool", pool, "--check")
    a = folder.load("a.npy")
    assert folder.load("s.npy").tobytes() == a[abs(a).argmax(0), range(a.shape[1])].tobytes()


def test_a_worker_that_dies_costs_one_partial(folder, job):
    job[0] = "reduce.c:dies"
    result = folder.run_ok(*job, "--pool", "processes", "--tiles-per-worker", "2")
    assert "1 worker died and was replaced" in result.stderr
    assert folder.load("s.npy").tobytes() == in_order(folder.load("a.npy")).tobytes()


@pytest.mark.parametrize("pool", POOLS)
def test_a_failed_partial_is_mended_and_the_run_resumed(folder, job, pool):
    job[0] = "reduce.c:fails"
    result = folder.call("run", *job, "--pool", pool, "--keep-going", "-v")
    assert result.returncode == 1
    assert "kernel reduce.c:fails returned 5 at tile 2, a[60:90,0:30] -> s[0:30] (part 3 of 4)" in result.stderr
    assert "3 of 5 tiles are done and kept in s.npy.part" in result.stderr
    (folder / "mended").touch()
    result = folder.run_ok(*job, "--pool", pool, "--resume")
    assert "continuing: 3 of 5 tiles were done" in result.stderr
    assert folder.load("s.npy").tobytes() == in_order(folder.load("a.npy")).tobytes()
    assert not [path for path in folder.contents() if path.startswith("s.npy.")]


def test_replay_of_a_partial_and_of_a_fold(folder, job):
    a = folder.load("a.npy")
    job[job.index("s=s.npy")] = "s=tile.npy"
    result = folder.call("replay", "1", *job)
    assert (result.returncode, "tile 1 of 5: a[30:60,0:30] -> s[0:30] (part 2 of 4)" in result.stderr) == (0, True)
    assert folder.load("tile.npy").tobytes() == in_order(a[30:60]).tobytes()
    result = folder.call("replay", "4", *job)
    assert (result.returncode, "tile 4 of 5: 4 parts of s[0:30] -> s[0:30] (30)" in result.stderr) == (0, True)
    assert folder.load("tile.npy").tobytes() == in_order(a).tobytes()


def test_what_makes_no_sense_is_refused(folder, job):
    def refused(fold, *says):
        folder.refused(2, "run", *[fold if argument == "s=sum" else argument for argument in job], says=says)

    refused("s=mean", "--reduce: s=mean: 'mean' is no reduction: sum, prod, min, max, any, all, or FILE.c:FUNCTION")
    refused("t=sum", "--reduce: t=sum: the signature has no operand t")
    refused("a=sum", "a is an input; outputs alone can be reductions")
    refused("s=sum,s=max", "--reduce: s is given twice")
    refused("s", "--reduce")
    without = [argument for argument in job if argument not in ("--reduce", "s=sum")]
    folder.refused(2, "run", *without, says="if s is a reduction of what the tiles compute, say which: --reduce s=sum")
    folder.refused(2, "run", "s[j] = sum(i: a[i,j])", "a=a.npy", "-o", "s=s.npy", "--reduce", "s=sum",
                   says="--reduce: is for kernels; a statement says itself what it sums")  # fmt: skip
    folder.refused(2, "run", "kernels.c:zeros", "-s", "y[i] -> r[i]", "y=y.npy", "-o", "r=r.npy", "--reduce", "r=sum",
                   says="r has all axes, so there is nothing to reduce")  # fmt: skip
    folder.save("texts.npy", numpy.array(["a", "b"]))
    folder.refused(2, "run", "kernels.c:zeros", "-s", "y[i] -> r[]", "y=texts.npy", "-o", "r=r.npy", "--reduce", "r=sum",
                   "--tile", "i=1", says="r has items of dtype <U1, which have no sum")  # fmt: skip
