"""`tilework run --where`: tiles that a mask leaves out, in files, in journals, in reports, and masks that make no sense."""

import json

import numpy
import pytest

POOLS = ["serial", "threads", "processes"]

KERNEL = r"""
#include <unistd.h>
#include <tilework/tilework.h>

int outer(const tw_tile *tile) /* y[i], x[j] -> r[i,j] */
{
    TW_VIEW(const double, y, tile->operand[0]);
    TW_VIEW(const double, x, tile->operand[1]);
    TW_VIEW(double, r, tile->operand[2]);
    for (int64_t i = 0; i < y.shape[0]; i++) {
        for (int64_t j = 0; j < x.shape[0]; j++) {
            TW_AT(r, i, j) = TW_AT(y, i) * TW_AT(x, j);
        }
    }
    return 0;
}

int fails(const tw_tile *tile) /* at tile 7, unless it is mended */
{
    return tile->number == 7 && access("mended", F_OK) != 0 ? tw_tile_fail(tile, 5, "no luck") : outer(tile);
}

int adds(const tw_tile *tile) /* x[i], r[i] -> r[i] */
{
    TW_VIEW(const double, x, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    for (int64_t i = 0; i < x.shape[0]; i++) {
        TW_AT(r, i) += TW_AT(x, i);
    }
    return tile->number == 7 && access("mended", F_OK) != 0 ? tw_tile_fail(tile, 5, "no luck") : 0;
}

int nothing(const tw_tile *tile) /* y[i] */
{
    return tile->number == 1 ? 0 : tw_tile_fail(tile, 6, "nobody wants this tile");
}
"""


@pytest.fixture
def job(folder):
    """Ten tiles of rows, of which the mask wants 1, 6 and 7."""
    y, x = 1 + numpy.arange(40.0), 1 + numpy.arange(6.0)
    rows = numpy.zeros(40, bool)
    rows[[5, 24, 29]] = True
    mask = numpy.zeros((40, 6), bool)
    mask[[5, 24, 29], [0, 5, 3]] = True
    folder.save("y.npy", y)
    folder.save("x.npy", x)
    folder.save("rows.npy", rows)
    folder.save("mask.npy", mask)
    (folder / "outer.c").write_text(KERNEL)
    return ["outer.c:outer", "-s", "y[i], x[j] -> r[i,j]", "y=y.npy", "x=x.npy", "-o", "r=r.npy", "--tile", "i=4"]


def expected():
    result = numpy.outer(1 + numpy.arange(40.0), 1 + numpy.arange(6.0))
    result[[row for row in range(40) if row // 4 not in (1, 6, 7)]] = 0
    return result


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("where", ["mask.npy", "m[i,j]=mask.npy", "[i]=rows.npy", "m=mask.npy"])
def test_tiles_that_the_mask_leaves_out_are_zeros(folder, job, pool, where):
    result = folder.run_ok(*job, "--where", where, "--pool", pool, "--check", "--report", "report.json")
    assert (folder.load("r.npy") == expected()).all()
    assert "bit-identical: yes" in result.stdout
    assert "3 tiles on " in result.stderr and "; 7 tiles were skipped by the mask" in result.stderr
    report = json.loads((folder / "report.json").read_text())
    assert report["totals"]["skipped"] == 7 and report["totals"]["done"] == 10
    assert [record["state"] for record in report["tile_records"]].count("skipped") == 7


@pytest.mark.parametrize("pool", POOLS)
def test_a_resume_does_what_is_missing_and_wanted(folder, job, pool):
    job[0] = "outer.c:fails"
    result = folder.call("run", *job, "--where", "mask.npy", "--pool", pool, "--keep-going")
    assert result.returncode == 1 and "2 of 10 tiles are done and kept in r.npy.part" in result.stderr
    (folder / "mended").touch()
    result = folder.run_ok(*job, "--where", "mask.npy", "--pool", pool, "--resume", "--verify", "--report", "report.json")
    assert "continuing: 2 of 10 tiles were done" in result.stderr
    assert "1 tile on " in result.stderr and "2 tiles were done before; 7 tiles were skipped by the mask" in result.stderr
    totals = json.loads((folder / "report.json").read_text())["totals"]
    assert (totals["resumed"], totals["skipped"], totals["done"]) == (2, 7, 10)
    assert (folder.load("r.npy") == expected()).all()
    assert not [path for path in folder.contents() if path.startswith("r.npy.")]


def test_a_resume_with_another_mask_is_refused(folder, job):
    job[0] = "outer.c:fails"
    assert folder.call("run", *job, "--where", "mask.npy", "--keep-going").returncode == 1
    kept = folder.contents()
    other = folder.load("mask.npy")
    other[0] = True
    folder.save("other.npy", other)
    for where, says in ((["--where", "other.npy"], "where was [i,j], "), (["--where", "[i]=rows.npy"], "and is [i], "),
                        ([], " and is not there")):
        result = folder.call("run", *job, *where, "--resume")
        assert result.returncode == 2 and "r.npy.journal: is of another job" in result.stderr and says in result.stderr, result.stderr
        assert {path for path in kept if "journal" in path or "part" in path} <= set(folder.contents())
    (folder / "mended").touch()
    folder.run_ok(*job, "--where", "mask.npy", "--resume")
    assert (folder.load("r.npy") == expected()).all()


def test_operands_in_place_keep_their_values_where_tiles_are_skipped(folder, job):
    before = 100 + numpy.arange(40.0)
    folder.save("before.npy", before)
    command = ["outer.c:adds", "-s", "x[i], r[i] -> r[i]", "x=y.npy", "r=before.npy", "-o", "r=r.npy", "--tile", "i=4"]
    where = ["--where", "rows.npy", "--keep-going"]
    assert folder.call("run", *command, *where).returncode == 1
    (folder / "mended").touch()
    folder.run_ok(*command, *where, "--resume")
    wanted = numpy.isin(numpy.arange(40) // 4, (1, 6, 7))
    assert (folder.load("r.npy") == numpy.where(wanted, before + 1 + numpy.arange(40.0), before)).all()


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("more", [[], ["--no-journal"]])
def test_a_mask_without_a_true_element_leaves_zeros(folder, job, pool, more):
    folder.save("none.npy", numpy.zeros((40, 6), bool))
    result = folder.run_ok(*job, "--where", "none.npy", "--pool", pool, *more)
    assert (folder.load("r.npy") == numpy.zeros((40, 6))).all()
    assert "0 tiles on " in result.stderr and "continuing" not in result.stderr
    folder.run_ok(*job, "--where", "mask.npy", "--pool", pool, *more)
    assert (folder.load("r.npy") == expected()).all()


def test_statements_and_kernels_for_their_effects_have_masks(folder, job):
    folder.run_ok("r[i,j] = y[i] * x[j]", "y=y.npy", "x=x.npy", "-o", "r=r.npy", "--tile", "i=4", "--where", "[i]=rows.npy")
    assert (folder.load("r.npy") == expected()).all()
    folder.save("one.npy", numpy.arange(40) == 4)
    folder.run_ok("outer.c:nothing", "-s", "y[i]", "y=y.npy", "--tile", "i=4", "--where", "one.npy")
    folder.refused(2, "run", "outer.c:nothing", "-s", "y[i]", "y=y.npy", "--check", says="the signature has no output, so nothing can be")


def test_masks_that_make_no_sense_are_refused(folder, job):
    folder.save("numbers.npy", numpy.ones((40, 6)))
    folder.save("long.npy", numpy.ones((41, 6), bool))
    for code, where, says in (
        (2, "numbers.npy", "where is an array of bool, not of float64"),
        (2, "rows.npy", "where has 1 dimensions but r has 2, [i,j]; say which axes it has, such as [i]"),
        (2, "[k]=rows.npy", "where has the axis k, which the job does not have"),
        (2, "long.npy", "axis i has length 40 but where has 41 there"),
        (2, "m[i]=", "--where: 'm[i]=' names no file: give m[i,j]=mask.npy or mask.npy"),
        (3, "none.npy", "none.npy: "),
        (2, "r.npy", "r.npy is used as both "),
    ):
        folder.refused(code, "run", *job, "--where", where, says=[says])
    folder.refused(2, "run", *job, "--where", "mask.npy", "--where", "mask.npy", says=["--where: given twice"])
    folder.refused(2, "plan", *job, "--where", "mask.npy", says=["--where: a plan counts all tiles; leave it out"])
    folder.refused(2, "run", "outer.c:adds", "-s", "x[i] -> s[]", "x=y.npy", "-o", "s=s.npy", "--reduce", "s=sum", "--tile", "i=4",
                   "--where", "[i]=rows.npy", says=["where leaves whole tiles out"])
