"""`tilework run KERNEL -s 'u[i-1..i+1] -> r[i]'`: kernels that read around their tiles, and what --edge says of the ends."""

import numpy
import pytest

KERNELS = r"""
#include <unistd.h>
#include <tilework/tilework.h>

int sums(const tw_tile *tile) /* of all that u has more than r */
{
    TW_VIEW(const double, u, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    const int64_t rows = u.shape[0] - r.shape[0] + 1, columns = u.shape[1] - r.shape[1] + 1;
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            TW_AT(r, i, j) = 0;
            for (int64_t a = 0; a < rows; a++) {
                for (int64_t b = 0; b < columns; b++) {
                    TW_AT(r, i, j) += TW_AT(u, i + a, j + b) * (double)(1 + a + 3 * b);
                }
            }
        }
    }
    return 0;
}

int fails(const tw_tile *tile)
{
    return tile->number == 2 && access("mended", F_OK) != 0 ? tw_tile_fail(tile, 5, "no luck") : sums(tile);
}

int beyond(const tw_tile *tile) /* reads the row below its halo */
{
    TW_VIEW(const double, u, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            TW_AT(r, i, j) = TW_AT(u, i + 3, j);
        }
    }
    return 0;
}
"""

PADS = {"clamp": {"mode": "edge"}, "wrap": {"mode": "wrap"}, "zero": {"mode": "constant"}, "reflect": {"mode": "symmetric"},
        "mirror": {"mode": "reflect"}, "constant=-2.5": {"constant_values": -2.5}, "nearest": {"mode": "edge"}}
SIGNATURE = ["-s", "u[i-1..i+1,j..j+2] -> r[i,j]"]


@pytest.fixture
def job(folder):
    (folder / "k.c").write_text(KERNELS)
    folder.save("u.npy", numpy.random.default_rng(5).random((20, 13)))
    return ["k.c:sums", *SIGNATURE, "u=u.npy", "-o", "r=r.npy"]


def expected(u, **pad):
    wide = numpy.pad(u, ((1, 1), (0, 2)), **pad)
    rows, columns = u.shape
    r = numpy.zeros(u.shape)
    for a in range(3):
        for b in range(3):
            r += wide[a:a + rows, b:b + columns] * (1 + a + 3 * b)
    return r


@pytest.mark.parametrize("edge, pad", PADS.items())
def test_kernels_see_what_the_edges_say_on_every_pool(folder, job, edge, pad):
    right = expected(folder.load("u.npy"), **pad)
    for number, pool in enumerate(("serial", "threads", "processes")):
        folder.run_ok(*job, "--edge", edge, "--tile", f"i={3 + number},j=5", "--pool", pool, "--check")
        numpy.testing.assert_allclose(folder.load(), right, rtol=1e-14)
    mixed = folder.load("u.npy")
    folder.run_ok(*job, "--edge", f"zero,i={edge}", "--guard", "--tile", "i=7")
    wide = numpy.pad(numpy.pad(mixed, ((1, 1), (0, 0)), **pad), ((0, 0), (0, 2)))
    r = sum(wide[a:a + 20, b:b + 13] * (1 + a + 3 * b) for a in range(3) for b in range(3))
    numpy.testing.assert_allclose(folder.load(), r, rtol=1e-14)


def test_what_is_wrong_is_refused_before_anything_is_made(folder, job):
    folder.refused(2, "run", *job, says="u[i-1..i+1,j..j+2] is read outside of itself: along axis i, of length 20, from index -1 to 20; say "
                   "what is read there: --edge i=reflect")
    folder.refused(2, "run", *job, "--edge", "i=wrap", says="along axis j, of length 13, from index 0 to 14")
    folder.refused(2, "run", *job, "--edge", "wrap,k=zero", says="no axis 'k' in the signature, which has i, j")
    folder.refused(2, "run", *job, "--edge", "constant=1j", says="the edge of axis i, constant=0+1j, is no value of u, whose dtype is float64")
    folder.refused(2, "run", *job, "--edge", "mirorr", says="'mirorr' is not an edge")
    folder.refused(2, "run", *job, "--edge", "constant=1,5e", says="'5e' is not an edge")
    folder.refused(2, "run", *job, "--edge", "constant=0x10", says="'constant=0x10' is not an edge: the constant is no number")
    folder.refused(2, "run", *job, "--edge", "constant=9007199254740993", says="a whole number past 2^53 that is no float64 is not kept")
    rest = job[3:]
    folder.refused(2, "run", "k.c:sums", "-s", "u[i,j] -> r[i,j]", *rest, "--edge", "wrap", says="no input of the signature has a halo")
    folder.refused(2, "run", "k.c:sums", "-s", "u[i-1:i+1,j] -> r[i,j]", *rest, says="a halo is written i-1..i+1, both ends included, at "
                   "column 6")
    folder.refused(2, "run", "k.c:sums", "-s", "u[i,j] -> r[i..i+1,j]", *rest, says="a halo on the output r, of which a tile writes its own "
                   "part alone, at column 13")


def test_tiles_are_shown_with_what_they_read(folder, job):
    shown = folder.run_ok(*job, "--edge", "wrap", "--tile", "i=8", "-v", "--pool", "serial").stdout
    assert "u[-1:9,0:15] -> r[0:8,0:13] (8 x 13)" in shown and "u[7:17,0:15] -> r[8:16,0:13] (8 x 13)" in shown
    replayed = folder.call("replay", "1", *job, "--edge", "wrap", "--tile", "i=8")
    assert "u[7:17,0:15] -> r[8:16,0:13] (8 x 13)" in replayed.stderr
    assert (folder.load() == expected(folder.load("u.npy"), mode="wrap")[8:16]).all()
    explained = folder.call("explain", "k.c:sums", *SIGNATURE, "--types", "u=f8", "--edge", "wrap").stdout
    assert "u[i-1..i+1,j..j+2] -> r[i,j]" in explained and "edges\n  i            wrap\n  j            wrap\n" in explained
    explained = folder.call("explain", "k.c:sums", *SIGNATURE, "--edge", "i=constant=2").stdout
    assert explained.endswith("edges\n  i            constant=2\n  j            error: a run needs --edge\n")
    explained = folder.call("explain", "k.c:sums", "-s", "u[i..i,j] -> r[i,j]", "--edge", "wrap")  # a halo of 0, as run takes it
    assert explained.returncode == 0 and "u[i,j] -> r[i,j]" in explained.stdout
    folder.refused(2, "explain", "k.c:sums", *SIGNATURE, "--edge", "k=wrap", says="--edge: the signature has no axis 'k'")
    folder.refused(2, "explain", "k.c:sums", "-s", "u[i] -> r[i]", "--edge", "wrap", says="--edge: no input of the signature has a halo")


def test_guard_and_check_find_a_read_beyond_the_halo(folder, job):
    beyond = ["k.c:beyond", *job[1:], "--edge", "reflect", "--tile", "i=6"]
    guarded = folder.call("run", *beyond, "--guard")
    assert guarded.returncode == 1 and "past the end of 'u'" in guarded.stderr
    checked = folder.call("run", *beyond, "--check", "--pool", "serial")
    assert checked.returncode == 1 and "the result depends on the tile" in checked.stderr


def test_a_run_is_resumed_with_the_same_edges_alone(folder, job):
    fails = ["k.c:fails", *job[1:], "--tile", "i=4", "--pool", "serial", "--keep-going"]
    stopped = folder.call("run", *fails, "--edge", "clamp")
    assert stopped.returncode == 1 and "4 of 5 tiles are done" in stopped.stderr
    (folder / "mended").write_text("")
    other = folder.call("run", *fails, "--edge", "i=clamp,j=zero", "--resume")
    assert other.returncode == 2 and "edge j was clamp and is zero" in other.stderr
    folder.run_ok(*fails, "--edge", "nearest", "--resume")
    numpy.testing.assert_allclose(folder.load(), expected(folder.load("u.npy"), mode="edge"), rtol=1e-14)
