"""`tilework run`: results against NumPy, dtypes, operands that start with values, what is said about a run."""

import json
import os
import re
import shlex
import stat

import numpy
import pytest

POOLS = ["serial", "threads", "processes"]


def random_split(random, axis, length):
    """Arguments that divide an axis in one of the four ways."""
    way = random.integers(4)
    if way == 0 and length > 1:
        count = int(random.integers(1, min(length, 6)))
        cuts = sorted(random.choice(numpy.arange(1, length), count, replace=False))
        return ["--cut", f"{axis}={','.join(map(str, cuts))}"]
    if way == 1:
        return ["--tile", f"{axis}={random.integers(1, length + 2)}"]
    if way == 2 and length > 0:
        return ["--parts", f"{axis}={random.integers(1, length + 1)}"]
    return []


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("seed", range(8))
def test_result_equals_numpy_for_random_shapes_and_tiles(folder, pool, seed):
    random = numpy.random.default_rng(seed)
    i, j, k = (int(n) for n in random.integers(0, 40, 3))
    vectors = {name: random.random(n) for name, n in (("a", i), ("b", j), ("c", k))}
    matrices = {"a": random.random((i, k)), "b": random.random((k, j))}
    jobs = [
        ("mult", "y[i], x[j] -> r[i,j]", {"y": vectors["a"], "x": vectors["b"]}, "ij",
         numpy.multiply.outer(vectors["a"], vectors["b"])),
        ("outer3", "a[i], b[j], c[k] -> r[i,j,k]", vectors, "ijk",
         numpy.multiply.outer(numpy.multiply.outer(vectors["a"], vectors["b"]), vectors["c"])),
        ("matmul", "a[i,k], b[k,j] -> r[i,j]", matrices, "ij", None),
    ]  # fmt: skip
    for kernel, signature, inputs, axes, expected in jobs:
        arguments = [f"kernels.c:{kernel}", "-s", signature, "-o", "r=r.npy", "--pool", pool]
        arguments += [f"{name}={folder.save(name + '.npy', array)}" for name, array in inputs.items()]
        for axis in axes:
            arguments += random_split(random, axis, {"i": i, "j": j, "k": k}[axis])
        if pool != "serial":
            arguments += ["-w", random.integers(1, 9)]
        result = folder.run_ok(*arguments, "--check")
        assert result.stdout == "max. abs. diff. = 0\nbit-identical: yes\n", arguments
        found = folder.load()
        if expected is None:
            expected = inputs["a"] @ inputs["b"]
            assert found.shape == expected.shape
            numpy.testing.assert_allclose(found, expected, rtol=1e-12)
        else:
            assert found.shape == expected.shape
            assert found.tobytes() == expected.tobytes(), arguments


@pytest.mark.parametrize("pool", POOLS)
def test_irregular_cuts_give_the_same_bits_as_one_tile(folder, mult, pool):
    folder.run_ok(*mult, "--cut", "i=333,666", "--cut", "j=1000", "--pool", pool)
    expected = numpy.multiply.outer(folder.load("y.npy"), folder.load("x.npy"))
    assert folder.load().tobytes() == expected.tobytes()
    assert folder.load().dtype == numpy.float64


@pytest.mark.parametrize("listed, apart", [
    (["--cut", "i=333,666,j=1000"], ["--cut", "i=333,666", "--cut", "j=1000"]),
    (["--tile", "i=100,j=77"], ["--tile", "i=100", "--tile", "j=77"]),
    (["--parts", "j=3,i=7"], ["--parts", "i=7", "--parts", "j=3"]),
    (["--cut", "j=5,7", "--tile", "i=100"], ["--tile", "i=100", "--cut", "j=5,7"]),
])
def test_an_option_of_axes_takes_a_list(folder, mult, listed, apart):
    tiles = [re.sub(r" in .*|^pid \d+ ", "", folder.run_ok(*mult, *options, "--pool", "serial", "-v").stdout, flags=re.M)
             for options in (listed, apart)]
    assert tiles[0] == tiles[1] and len(tiles[0].splitlines()) > 2


def test_lengths_are_a_list_too_and_the_replay_of_a_tile_is_typed_alike(folder):
    job = ["run", "kernels.c:fails", "-s", "y[i], x[j] -> r[i,j]", "y=y.npy", "x=x.npy", "-o", "r=r.npy", "--cut", "i=333,666,j=1000"]
    result = folder.call(*job, "--no-journal")
    command = re.search(r"to run this tile alone: tilework (replay 2 .*)\n", result.stderr)[1]
    assert command.endswith("--cut i=333,666,j=1000 --no-journal")
    again = folder.call(*shlex.split(command))
    assert again.returncode == 1 and "returned 7 at tile 2, y[333:666], x[0:1000]" in again.stderr
    folder.run_ok("kernels.c:where", "-s", "-> r[i,j]", "--length", "i=4,j=5", "-o", "r=r.npy")
    assert folder.load().shape == (4, 5)


def test_inputs_may_be_fortran_ordered_swapped_and_broadcast(folder):
    random = numpy.random.default_rng(3)
    a, b = random.random((30, 7)), random.random((7, 20))
    folder.save("a.npy", numpy.asfortranarray(a))
    folder.save("b.npy", b.astype(">f8"))
    for pool in POOLS:
        folder.run_ok("kernels.c:matmul", "-s", "a[i,k], b[k,j] -> r[i,j]", "a=a.npy", "b=b.npy", "-o", "r=r.npy",
                      "--tile", "i=7", "--parts", "j=3", "--pool", pool)  # fmt: skip
        numpy.testing.assert_allclose(folder.load(), a @ b, rtol=1e-12)
    folder.save("y.npy", numpy.array([3.0]))
    folder.run_ok("kernels.c:mult", "-s", "y[i], x[j] -> r[i,j]", "y=y.npy", "x=x.npy", "-o", "r=r.npy", "--length",
                  "i=5", "--tile", "i=2")  # fmt: skip
    assert (folder.load() == numpy.broadcast_to(3.0 * folder.load("x.npy"), (5, 2000))).all()


@pytest.mark.parametrize("pool", POOLS)
def test_operand_on_both_sides_starts_with_its_values(folder, pool):
    x, before = numpy.arange(1000.0), numpy.random.default_rng(2).random(1000)
    folder.save("x.npy", x)
    folder.save("before.npy", before)
    result = folder.run_ok("kernels.c:axpy", "-s", "x[i], r[i] -> r[i]", "x=x.npy", "r=before.npy", "-o",
                           "r=after.npy", "--tile", "i=13", "--pool", pool, "--check")  # fmt: skip
    assert "bit-identical: yes" in result.stdout
    assert folder.load("after.npy").tobytes() == (before + 2 * x).tobytes()
    assert folder.load("before.npy").tobytes() == before.tobytes()


def test_output_is_replaced(folder, mult):
    folder.save("r.npy", numpy.zeros(3))
    folder.run_ok(*mult)
    assert folder.load().shape == (1000, 2000)
    assert sorted(os.listdir(folder.path)) == ["kernels.c", "r.npy", "x.npy", "y.npy"]


def test_kernel_may_be_a_shared_object(folder):
    source = folder.path / "kernels.c"
    folder.run_ok("kernels.c:where", "-s", "-> r[i,j]", "--length", "i=4", "--length", "j=5", "-o", "r=one.npy")
    objects = [os.path.join(d, f) for d, _, fs in os.walk(folder.environment["XDG_CACHE_HOME"]) for f in fs]
    built = max((o for o in objects if o.endswith(".so")), key=os.path.getmtime)
    (folder.path / "kernels.so").write_bytes(open(built, "rb").read())
    source.unlink()
    for pool in POOLS:
        folder.run_ok("kernels.so:where", "-s", "-> r[i,j]", "--length", "i=4", "--length", "j=5", "-o", "r=two.npy",
                      "--tile", "j=2", "--pool", pool)  # fmt: skip
        assert folder.load("two.npy").tobytes() == folder.load("one.npy").tobytes()


# ---- dtypes ----


@pytest.mark.parametrize(
    "dtype",
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128 "
    "S5 U3 M8[ns] m8[s] V7".split(),
)
def test_output_has_the_dtype_of_its_inputs(folder, dtype):
    array = numpy.frombuffer(numpy.random.default_rng(0).bytes(50 * numpy.dtype(dtype).itemsize), "u1")
    array = (array & 1 if dtype == "bool" else array % 100 if dtype != "U3" else array * 0).astype("u1").view(dtype)
    folder.save("a.npy", array)
    folder.run_ok("kernels.c:copy", "-s", "a[i] -> r[i]", "a=a.npy", "-o", "r=r.npy", "--tile", "i=7", "--pool",
                  "processes")  # fmt: skip
    assert folder.load().dtype == array.dtype
    assert folder.load().tobytes() == array.tobytes()


def test_records_are_copied(folder):
    array = numpy.zeros(9, dtype=[("id", "<i4"), ("name", "S6"), ("at", "<f8", (2,))])
    array["id"], array["name"] = numpy.arange(9), b"abc"
    folder.save("a.npy", array)
    folder.run_ok("kernels.c:copy", "-s", "a[i] -> r[i]", "a=a.npy", "-o", "r=r.npy", "--parts", "i=4")
    assert folder.load().dtype == array.dtype
    assert (folder.load() == array).all()


def test_output_of_mixed_or_no_inputs_is_float64(folder):
    folder.save("a.npy", numpy.arange(4, dtype="f4"))
    folder.save("b.npy", numpy.arange(4, dtype="i2"))
    folder.run_ok("kernels.c:zeros", "-s", "a[i], b[i] -> r[i]", "a=a.npy", "b=b.npy", "-o", "r=r.npy")
    assert folder.load().dtype == numpy.float64
    folder.run_ok("kernels.c:zeros", "-s", "-> r[i]", "--length", "i=4", "-o", "r=r.npy")
    assert folder.load().dtype == numpy.float64


def test_output_has_the_dtype_it_is_given(folder):
    job = ["kernels.c:zeros", "--length", "i=6", "-o", "r=r.npy"]
    folder.run_ok(*job, "-s", "-> r[i]:int16")
    assert folder.load().dtype == numpy.int16
    folder.run_ok(*job, "-s", "-> r[i]", "--dtype", "r=complex64")
    assert folder.load().dtype == numpy.complex64
    folder.run_ok(*job, "-s", "-> r[i]", "--dtype", "r=S5")
    assert folder.load().dtype == numpy.dtype("S5")
    folder.refused(2, "run", *job, "-s", "-> r[i]:int16", "--dtype", "r=int16", says="two dtypes")
    folder.refused(2, "run", *job, "-s", "-> r[i]", "--dtype", "r=float65", says="float65")
    folder.refused(2, "run", *job, "-s", "-> r[i]", "--dtype", "q=int8", says="'q' is not an operand")


def test_opaque_inputs_that_differ_choose_no_dtype(folder):
    folder.save("a.npy", numpy.array([b"ab", b"c"]))
    folder.save("b.npy", numpy.arange(2))
    job = ["kernels.c:copy", "-s", "a[i], b[i] -> r[i]", "a=a.npy", "b=b.npy", "-o", "r=r.npy"]
    folder.refused(2, "run", *job, says="--dtype NAME=DTYPE")


# ---- what is printed ----


def test_summary_is_one_line_on_standard_error(folder, mult):
    six = ["--cut", "i=333,666", "--cut", "j=1000", "-w", "2"]
    result = folder.run_ok(*mult, *six)
    assert result.stdout == ""
    assert re.fullmatch(r"tilework: 6 tiles on 2 threads in [0-9.]+ (us|ms|s); r is float64 by default\n", result.stderr)
    result = folder.run_ok(*mult, *six[:4], "--pool", "processes", "-w", "1")
    assert re.fullmatch(r"tilework: 6 tiles on 1 process in [0-9.]+ (us|ms|s); r is float64 by default\n", result.stderr)
    result = folder.run_ok(*mult, "--parts", "i=1", "--pool", "serial")
    assert re.fullmatch(r"tilework: 1 tile on 1 serial worker in [0-9.]+ (us|ms|s); r is float64 by default\n", result.stderr)


def test_kernels_have_many_tiles_and_statements_few(folder):
    folder.save("a.npy", numpy.arange(200.0))
    job = ["kernels.c:copy", "-s", "a[i] -> r[i]", "a=a.npy"]
    for options in ([], ["-w", "2"], ["--pool", "processes"], ["--pool", "serial"]):
        assert folder.run_ok(*job, "-o", "r=r.npy", *options).stderr.startswith("tilework: 200 tiles on ")
    assert folder.load().tolist() == list(range(200))
    assert folder.run_ok(*job, "-o", "r=r.npy", "--parts", "i=1").stderr.startswith("tilework: 1 tile on ")
    assert folder.run_ok("r[i] = a[i]", "a=a.npy", "-o", "r=r.npy").stderr.startswith("tilework: 1 tile on ")
    result = folder.call("replay", 150, *job, "-o", "r=tile.npy")
    assert result.returncode == 0 and folder.load("tile.npy").tolist() == [150]


def test_the_closing_line_says_which_dtype_nobody_has_given(folder):
    folder.save("n.npy", numpy.arange(6))
    folder.save("f.npy", numpy.arange(6.0))
    one, two = ["kernels.c:copy", "-s", "a[i] -> r[i]", "a=n.npy", "-o", "r=r.npy"], ["n=n.npy", "f=f.npy"]
    assert folder.run_ok(*one).stderr.endswith("; r is int64 by default\n")
    assert " default" not in folder.run_ok(*one, "--dtype", "r=int64").stderr
    assert " default" not in folder.run_ok("r[i] = 2 * a[i]", "a=n.npy", "-o", "r=r.npy").stderr
    three = ["kernels.c:slow", "--tile", "i=6", "-s", "n[i], f[i] -> r[i], s[i], t[i]:int8", *two, *(f"-o{name}={name}.npy" for name in "rst")]
    assert folder.run_ok(*three).stderr.endswith("; r, s are float64 by default\n")
    shown = folder.call("explain", "kernels.c:slow", "-s", three[4], "--types", "n=n.npy")
    assert shown.returncode == 0 and shown.stderr == ""
    assert [line.split()[:2] for line in shown.stdout.splitlines()[3:]] == \
        [["n", "int64"], ["f", "float64"], ["r", "float64"], ["s", "float64"], ["t", "int8"]]
    assert [line.split()[0] for line in shown.stdout.splitlines() if "by default" in line] == ["r", "s"]
    shown = folder.call("explain", "kernels.c:copy", "-s", "a[i] -> r[i]", "--types", "a=int16")
    assert re.search(r"^  r +int16 +written, by default", shown.stdout, re.M)
    shown = folder.call("explain", "kernels.c:copy", "-s", "a[i] -> r[i]", "--types", "a=int16,r=float32")
    assert re.search(r"^  r +float32 +written$", shown.stdout, re.M)
    folder.refused(2, "explain", "k.c:f", "-s", "a[i] -> r[i]:int8", "--types", "r=float32", says="two dtypes: int8 and float32")
    folder.refused(2, "explain", "k.c:f", "-s", "a[i] -> r[i]", "--c", says="--c: is for statements")
    folder.refused(2, "explain", "r[i] = a[i]", "-s", "a[i] -> r[i]", says="a statement has its own")
    folder.refused(2, "explain", "k.c:f", "-s", "a[i] -> r[i]", "--types", "b=int8", says="no operand 'b'")


def test_a_starting_value_is_not_cut_off_by_a_statement(folder):
    folder.save("x.npy", numpy.arange(3.0))
    folder.save("r.npy", numpy.arange(3))
    job = ["r[i] = r[i] + 0.5 * x[i]", "x=x.npy", "r=r.npy", "-o", "r=s.npy"]
    folder.refused(2, "run", *job, says="r is int64, but the result is float64, which int64 cannot hold", sentences=3)
    folder.run_ok("r[i]:int64 = r[i] + 0.5 * x[i]", *job[1:])
    assert folder.load("s.npy").tolist() == [0, 1, 3]
    folder.run_ok("q[i] = 0.5 * x[i]", "x=x.npy", "-o", "q=q.npy", "--dtype", "q=int8")
    assert folder.load("q.npy").tolist() == [0, 0, 1]


def test_quiet_prints_nothing(folder, mult):
    result = folder.run_ok(*mult, "--quiet", "--progress")
    assert (result.stdout, result.stderr) == ("", "")


@pytest.mark.parametrize("pool", POOLS)
def test_verbose_prints_a_line_for_each_tile_in_order(folder, mult, pool):
    result = folder.run_ok(*mult, "--cut", "i=333,666", "--cut", "j=1000", "-v", "--pool", pool)
    found = []
    for line in result.stdout.splitlines():
        match = re.fullmatch(r"pid (\d+) did (y\[\d+:\d+\], x\[\d+:\d+\]) -> r\[([\d:,]+)\] \((\d+ x \d+)\) in "
                             r"[0-9.]+ (ns|us|ms|s)", line)  # fmt: skip
        assert match, line
        found.append((match[2], match[4]))
    assert found == [
        ("y[0:333], x[0:1000]", "333 x 1000"),
        ("y[0:333], x[1000:2000]", "333 x 1000"),
        ("y[333:666], x[0:1000]", "333 x 1000"),
        ("y[333:666], x[1000:2000]", "333 x 1000"),
        ("y[666:1000], x[0:1000]", "334 x 1000"),
        ("y[666:1000], x[1000:2000]", "334 x 1000"),
    ]


def test_report_is_json(folder, mult):
    folder.run_ok(*mult, "--cut", "i=333,666", "--cut", "j=1000", "--report", "report.json")
    report = json.loads((folder / "report.json").read_text())
    assert [record["tile"] for record in report["tile_records"]] == list(range(6))
    assert {record["state"] for record in report["tile_records"]} == {"done"}
    assert report["tile_records"][3]["start"] == [333, 1000] and report["tile_records"][3]["stop"] == [666, 2000]
    assert not (folder / "report.json.part").exists()
    mode = stat.S_IMODE((folder / "report.json").stat().st_mode)
    assert mode & stat.S_IRUSR


def test_a_job_that_stays_whole_says_why(folder):
    """In the report and with -v: which axis would have to be cut, and how."""
    folder.save("a.npy", numpy.arange(6.0))
    (folder / "total.c").write_text("#include <tilework/tile.h>\nint total(const tw_tile *tile) { (void)tile; return 0; }\n")
    job = ("total.c:total", "-s", "a[i] -> s[]", "a=a.npy")
    result = folder.run_ok(*job, "-o", "s=s.npy", "-v", "--report", "report.json")
    why = "axis i would have to be cut, and the output s does not have it: ask for a reduction (reduce s=sum, or prod"
    assert f"one tile: {why}" in result.stdout
    assert json.loads((folder / "report.json").read_text())["undivided"].startswith(why)
    result = folder.run_ok(*job, "-o", "s=t.npy", "-v", "--parts", "i=1", "--report", "report.json")
    assert "one tile" not in result.stdout
    assert json.loads((folder / "report.json").read_text())["undivided"] is None


def test_report_on_standard_output_is_alone_there(folder, mult):
    result = folder.run_ok(*mult, "--parts", "i=3", "--report", "-", "--check", "-v")
    assert len(json.loads(result.stdout)["tile_records"]) == 3
    assert "bit-identical: yes" in result.stderr
    assert result.stderr.count("pid ") == 3


def test_report_is_written_of_a_run_that_failed(folder):
    result = folder.call("run", "kernels.c:fails", "-s", "y[i], x[j] -> r[i,j]", "y=y.npy", "x=x.npy", "-o",
                         "r=r.npy", "--tile", "i=100", "--report", "report.json", "--pool", "serial")  # fmt: skip
    assert result.returncode == 1
    assert len(json.loads((folder / "report.json").read_text())["tile_records"]) == 10
    assert not (folder / "r.npy").exists()


def test_check_finds_a_kernel_that_depends_on_the_tiles(folder):
    job = ["kernels.c:wrong", "-s", "y[i], x[j] -> r[i,j]", "y=y.npy", "x=x.npy", "-o", "r=r.npy"]
    before = folder.contents()
    for pool in POOLS:
        result = folder.call("run", *job, "--cut", "i=333,666", "--cut", "j=1000", "--check", "--pool", pool)
        assert result.returncode == 1
        assert result.stdout == (
            "max. abs. diff. = 5\n"
            "bit-identical: no\n"
            "first difference: r[0,1000] in tile 1, "
            "y[0:333], x[1000:2000] -> r[0:333,1000:2000] (333 x 1000)\n"
        )
        assert result.stderr == "tilework: the result depends on the tiles; no output was written\n"
        assert folder.contents() == before
    result = folder.run_ok(*job, "--check", "--parts", "i=1")
    assert result.stdout == "max. abs. diff. = 0\nbit-identical: yes\n"


def test_scratch_is_each_workers_own(folder):
    for text, size in (("100", 100), ("64K", 65536), ("2M", 2 << 20)):
        folder.run_ok("kernels.c:scratch", "-s", "-> r[i]:int64", "--length", "i=9", "--tile", "i=1", "-o", "r=r.npy",
                      "--scratch", text, "-w", "3")  # fmt: skip
        assert (folder.load() == size).all()


# ---- workers that die ----


def test_dead_worker_costs_one_tile(folder):
    job = ["-s", "-> r[i]", "--length", "i=100", "--tile", "i=10", "-o", "r=r.npy", "--pool", "processes", "-w", "2"]
    result = folder.run_ok("kernels.c:dies", *job)
    warning = r"tilework: worker \d \(pid \d+\) was killed by signal 4 \(Illegal instruction\) at address 0x\w+ at tile 3; "
    assert re.fullmatch(warning + "the tile is run again\ntilework: 10 tiles on 2 processes in .*; 1 worker died and was "
                        "replaced\n", result.stderr)  # fmt: skip
    assert (folder.load() == 0).all()
    (folder / "r.npy").unlink()
    for kernel, options in (("dies", ["--retries", "0"]), ("always_dies", [])):
        folder.failed(1, "run", f"kernels.c:{kernel}", *job, *options, says="tile 3, -> r[30:40] (10)", kept=9,
                      warnings=[warning])  # fmt: skip


def test_hostile_output_names_are_names(folder, mult):
    name = "a b'c\n%s.npy"
    folder.run_ok(*mult[:-1], f"r={name}")
    assert folder.load(name).shape == (1000, 2000)


@pytest.mark.parametrize("pool", POOLS)
def test_a_kernel_without_outputs_needs_no_file(folder, pool):
    (folder.path / "say.c").write_text('#include <stdio.h>\n#include <tilework/tilework.h>\nint say(const tw_tile *tile)\n{\n'
                                       '    printf("%lld\\n", (long long)tile->start[0]);\n    return 0;\n}\n')
    numpy.save(folder.path / "y.npy", numpy.arange(4.0))
    assert sorted(folder.run_ok("say.c:say", "-s", "y[i]", "y=y.npy", "--pool", pool).stdout.split()) == ["0", "1", "2", "3"]
    assert sorted(folder.run_ok("say.c:say", "-s", "[i]", "--length", "i=2", "--pool", pool).stdout.split()) == ["0", "1"]
    assert sorted(one.name for one in folder.path.iterdir() if ".npy." in one.name) == []
