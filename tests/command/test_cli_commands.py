"""Help and version, show, info, demo and bench."""

import os
import pathlib
import re

import numpy
import pytest

COMMANDS = ["run", "status", "replay", "plan", "demo", "show", "info", "bench"]


# ---- help and version ----


@pytest.mark.parametrize("command", [[], *([c] for c in COMMANDS)])
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_has_usage_and_examples(folder, command, option):
    result = folder.call(*command, option)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(" ".join(["Usage: tilework", *command]) + " ")
    assert "Examples:\n  tilework " in result.stdout
    assert "--version" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize("command", ["run", "replay", "explain", "compile", "demo", "bench"])
def test_every_heading_of_the_help_has_options_below_it(folder, command):
    """A heading stands one blank in, and options six or two; a heading may take two lines."""
    text = folder.call(command, "--help").stdout
    headings = re.findall(r"^ \S.*(?:\n \S.*)*:\n(.*)", text, re.M)
    assert len(headings) == text.count(":\n  ") - text.count("Examples:\n  ")
    assert all(re.match(r" {2,6}-", below) for below in headings), headings


def test_the_help_of_run_has_each_option_under_its_heading(folder):
    text = folder.call("run", "--help").stdout
    for heading, options in (
        ("Operands", "dtype length output reduce signature where"),
        ("Statements", "edge kernel param"),
        ("Tiles", "cut parts tile"),
        ("Workers", "pool scratch tiles-per-worker workers"),
        ("Failures", "keep-going retries stall timeout"),
        ("Unfinished runs", "no-journal restart resume verify"),
        ("Compiling FILE.c or a statement", "compiler flags"),
        ("Checks", "check guard"),
        ("Messages and reports", "no-progress progress quiet report trace verbose"),
    ):
        below = re.search(rf"^ {heading}\b(?:.*\n)+?\n", text, re.M)[0]
        assert re.findall(r"^ +(?:-\w, )? *--([a-z-]+)", below, re.M) == options.split()


@pytest.mark.parametrize("command", [[], *([c] for c in COMMANDS)])
def test_version_everywhere(folder, command):
    result = folder.call(*command, "--version")
    assert (result.returncode, result.stderr) == (0, "")
    assert re.fullmatch(r"tilework \d+\.\d+\.\d+\n", result.stdout)


def test_wrong_commands_are_refused_with_a_hint(folder):
    choices = "run, status, replay, plan, explain, compile, demo, show, info or bench"
    for arguments, message in (
        ([], f"missing command: give {choices}"),
        (["walk"], f"'walk' is not a command: {choices}"),
        (["--no-such"], "unrecognized option '--no-such'"),
    ):
        result = folder.call(*arguments)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr == f"tilework: {message}\ntry 'tilework --help'\n"
    for command in COMMANDS:
        result = folder.call(command, "--no-such")
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr == f"tilework: unrecognized option '--no-such'\ntry 'tilework {command} --help'\n"
    for command in ("demo", "info", "bench"):
        result = folder.call(command, "more")
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith("tilework: 'more' is not expected")


# ---- show ----


def shown(folder, array):
    result = folder.call("show", folder.save("a.npy", array))
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def test_show_describes_a_matrix(folder):
    assert shown(folder, numpy.arange(10000.0).reshape(100, 100) / 4) == (
        "a.npy\n"
        "dtype   float64\n"
        "shape   (100, 100)\n"
        "order   C\n"
        "bytes   80000 (78.1 KiB)\n"
        "min     0.0\n"
        "max     2499.75\n"
        "mean    1249.875\n"
        "[[    0.0    0.25     0.5 ...   24.25    24.5   24.75]\n"
        " [   25.0   25.25    25.5 ...   49.25    49.5   49.75]\n"
        " [   50.0   50.25    50.5 ...   74.25    74.5   74.75]\n"
        " ...\n"
        " [ 2425.0 2425.25  2425.5 ... 2449.25  2449.5 2449.75]\n"
        " [ 2450.0 2450.25  2450.5 ... 2474.25  2474.5 2474.75]\n"
        " [ 2475.0 2475.25  2475.5 ... 2499.25  2499.5 2499.75]]\n"
    )


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize(
    "dtype", "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64".split()
)
def test_show_finds_smallest_largest_and_mean(folder, dtype, order):
    random = numpy.random.default_rng(5)
    array = numpy.asarray(random.integers(0, 100, (7, 5, 9)).astype(dtype), order=order)
    text = shown(folder, array)
    values = dict(re.findall(r"^(min|max|mean) +(\S+)$", text, re.M))
    read = {"False": 0, "True": 1}
    assert read.get(values["min"], None) == array.min() or float(values["min"]) == array.min()
    assert read.get(values["max"], None) == array.max() or float(values["max"]) == array.max()
    assert float(values["mean"]) == pytest.approx(array.mean(dtype="f8"), rel=1e-14)
    assert f"order   {'C' if order == 'C' else 'Fortran'}\n" in text


def test_show_keeps_all_digits_of_wide_integers(folder):
    text = shown(folder, numpy.array([2**63 - 1, 2**63 - 2, -(2**63), -(2**63) + 1]))
    assert "min     -9223372036854775808\n" in text and "max     9223372036854775807\n" in text
    assert "max     18446744073709551615\n" in shown(folder, numpy.array([2**64 - 2, 2**64 - 1], "u8"))


def test_show_counts_what_is_not_a_number(folder):
    text = shown(folder, numpy.array([1, numpy.nan, 3, numpy.nan]))
    assert "min     1.0\nmax     3.0\nmean    2.0\nnan     2\n" in text
    text = shown(folder, numpy.array([numpy.nan]))
    assert "nan     1\n" in text and "min" not in text


def test_show_describes_the_parts_of_complex_items(folder):
    text = shown(folder, numpy.array([1 + 5j, 2 - 3j], "c8"))
    assert "real min     1.0\nreal max     2.0\nreal mean    1.5\n" in text
    assert "imag min     -3.0\nimag max     5.0\nimag mean    1.0\n" in text


def test_show_of_few_no_and_single_items(folder):
    text = shown(folder, numpy.array(7, "i4"))
    assert "shape   ()\n" in text and text.endswith("mean    7.0\n7\n")
    assert shown(folder, numpy.arange(3)).endswith("\n[0 1 2]\n")
    assert shown(folder, numpy.arange(7)).endswith("\n[0 1 2 ... 4 5 6]\n")
    text = shown(folder, numpy.zeros((3, 0, 2)))
    assert "shape   (3, 0, 2)\n" in text and "bytes   0\n" in text and "min" not in text
    assert text.endswith("\n[]\n")
    assert "shape   (5,)\n" in shown(folder, numpy.zeros(5))


def test_show_lays_out_many_dimensions_as_numpy_does(folder):
    array = numpy.arange(24).reshape(2, 3, 4)
    assert shown(folder, array).endswith("\n" + str(array) + "\n")
    array = numpy.arange(16).reshape(2, 2, 2, 2)
    assert shown(folder, array).endswith("\n" + str(array) + "\n")
    assert shown(folder, numpy.arange(5 * 8).reshape(5, 1, 8)).endswith(
        "\n[[[ 0  1  2 ...  5  6  7]]\n\n ...\n\n [[32 33 34 ... 37 38 39]]]\n"
    )


def test_show_of_items_that_do_not_compute(folder):
    text = shown(folder, numpy.array([b"ab", b"c'\n"]))
    assert "dtype   |S3\n" in text and text.endswith("\n[     b'ab' b'c\\'\\x0a']\n")
    assert shown(folder, numpy.array(["äß", "x"])).endswith("\n['äß'  'x']\n")
    text = shown(folder, numpy.array([(1, 2)], dtype=[("a", "<i2"), ("b", "u1")]))
    assert "min" not in text and "010002" in text.splitlines()[-1].replace(" ", "")


def test_show_of_several_files(folder):
    folder.save("a.npy", numpy.arange(3))
    (folder / "bad.npy").write_text("bad")
    result = folder.call("show", "a.npy", "missing.npy", "bad.npy", "a.npy")
    assert result.returncode == 3
    assert result.stdout.count("dtype   int64\n") == 2 and result.stdout.count("\n\n") == 1
    first, second = result.stderr.splitlines()
    assert first.startswith("tilework: missing.npy: ") and second.startswith("tilework: bad.npy: ")
    result = folder.call("show", "missing.npy", "a.npy")
    assert result.returncode == 3 and result.stdout.startswith("a.npy\n")
    result = folder.call("show", "a.npy", "y.npy")
    assert result.returncode == 0 and "\n\ny.npy\n" in result.stdout
    folder.refused(2, "show", says="missing file")


def test_show_says_that_an_array_without_items_is_in_c_order(folder):
    for order in "CF":
        for shape in ((3, 0), (0, 3), (2, 0, 3), (0,)):
            assert "order   C\n" in shown(folder, numpy.zeros(shape, order=order))


def test_show_rounds_numbers_at_the_corners_alone(folder):
    text = shown(folder, numpy.array([1 / 3, 2e-7 / 3, 1e10 / 3]))
    assert "max     3333333333.3333335\n" in text
    assert text.endswith("\n[   0.333333 6.66667e-08 3.33333e+09]\n")
    assert shown(folder, numpy.array([1 / 3 - 1j / 3])).endswith("\n[0.333333-0.333333j]\n")


# ---- info ----


def test_info_describes_the_machine(folder):
    result = folder.call("info")
    assert (result.returncode, result.stderr) == (0, "")
    names = [line.split("  ")[0] for line in result.stdout.splitlines()]
    assert names == [
        "tilework", "system", "cpu", "cores", "workers", "memory", "page size", "huge pages", "populate",
        "shared heap", "compiler", "cache", "memory read", "memory write", "memory copy", "new memory", "new shared",
    ]  # fmt: skip
    assert folder.environment["XDG_CACHE_HOME"] in result.stdout


def test_info_measures_the_bandwidth_once_and_again_when_asked(folder):
    def speeds(*options):
        result = folder.call("info", *options)
        assert (result.returncode, result.stderr) == (0, "")
        lines = [line for line in result.stdout.splitlines() if "GB/s" in line]
        assert all(float(number) > 0 for line in lines for number in re.findall(r"[0-9]+\.[0-9]+", line))
        return lines

    def kept():
        return [path.read_text() for path in pathlib.Path(folder.environment["XDG_CACHE_HOME"]).glob("*/bandwidth-*.txt")]

    first, text = speeds(), kept()
    assert len(first) == 5 and len(text) == 1
    assert speeds() == first and kept() == text
    speeds("--measure")
    assert len(kept()) == 1 and kept() != text


def test_info_follows_the_affinity_and_a_missing_compiler(folder):
    one = lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # noqa: E731
    result = folder.call("info", preexec_fn=one, env={"TILEWORK_CC": "no-such-compiler"})
    assert result.returncode == 0
    assert re.search(r"^cores .* 1 by affinity", result.stdout, re.M)
    assert re.search(r"^workers +1 ", result.stdout, re.M)
    assert re.search(r"^compiler +none: ", result.stdout, re.M)


# ---- demo ----

LINE = r"pid (\d+) did (y\[.*\], x\[.*\] -> r\[.*\]) \(\d+ x \d+\) in [0-9.]+ (?:ns|us|ms|s)"


def test_demo_does_the_job_four_ways(folder):
    result = folder.call("demo", "--rows", "300", "--cols", "400", "--workers", "2")
    assert (result.returncode, result.stderr) == (0, "")
    small, large = result.stdout.split("\nthe same, ")
    head, *ways = small.split("\n\n")
    parent = re.match(r"parent: pid (\d+)\n", head)[1]
    assert [way.splitlines()[0] for way in ways] == [
        "serial", "broadcast, as one tile", "threads (2 workers)", "processes (2 workers)",
    ]  # fmt: skip
    for way in ways:
        lines = way.strip().splitlines()
        assert lines[-1] == "max. abs. diff. = 0"
        tiles = [re.fullmatch(LINE, line) for line in lines[1:-1]]
        assert all(tiles), way
        assert len(tiles) == (1 if "broadcast" in way else 6)
        assert all((tile[1] == parent) == ("processes" not in lines[0]) for tile in tiles)
    assert large.startswith("300 x 400 float64 (938 KiB)\n")
    rows = [line.split() for line in large.splitlines() if re.match("(serial|threads|processes) ", line)]
    assert [row[0] for row in rows] == ["serial", "threads", "processes"]
    for row in rows:
        assert len(re.findall(r"\d+\.\d+", " ".join(row))) == 6


def test_demo_with_one_pool_alone(folder):
    result = folder.call("demo", "--rows", "30", "--cols", "40", "--pool", "threads", "--workers", "3")
    assert result.returncode == 0
    assert "threads (3 workers)" in result.stdout and "processes" not in result.stdout


def test_help_says_which_pool_is_the_default(folder):
    def of(command):
        return " ".join(folder.call(command, "--help").stdout.split())

    assert "serial, threads (default) or processes" in of("run")
    assert "serial, threads or processes; default: each in turn" in of("demo")


def test_demo_refuses_what_makes_no_sense(folder):
    for option in ("--rows", "--cols", "--workers"):
        folder.refused(2, "demo", option, "0", says=option)
    folder.refused(2, "demo", "--pool", "none", says="--pool")


# ---- bench ----

CASES = """mult-serial-new mult-threads-new mult-processes-new mult-serial mult-threads-reused mult-processes-reused
mandelbrot-1 mandelbrot-all mandelbrot-processes empty-threads empty-processes two-threads two-processes memory-threads
memory-processes""".split()


@pytest.mark.parametrize("case", CASES)
def test_bench_serves_a_case_line_by_line(folder, case):
    size = ["--rows", "10000", "--cols", "200"] if case.startswith("memory") else ["--rows", "100", "--cols", "200", "--side", "100"]
    result = folder.call("bench", "--serve", case, "--workers", "2", *size, input="go\ngo\nquit\ngo\n")
    assert (result.returncode, result.stderr) == (0, "")
    ready, *values = result.stdout.splitlines()
    assert ready == "ready" and len(values) == 2
    assert all(re.fullmatch(r"\d+\.\d{9}", value) and float(value) > 0 for value in values)


def test_bench_serve_ends_with_its_input(folder):
    result = folder.call("bench", "--serve", "two-threads", input="")
    assert (result.returncode, result.stdout, result.stderr) == (0, "ready\n", "")
    result = folder.call("bench", "--serve", "two-threads", input="gone\n")
    assert (result.returncode, result.stdout) == (2, "ready\n")
    folder.refused(2, "bench", "--serve", "no-case", says="no-case")
    assert "--serve" not in folder.call("bench", "--help").stdout


def test_bench_prints_a_row_for_each_case(folder):
    result = folder.call("bench", "--rows", "50", "--cols", "60", "--side", "100", "--workers", "2")
    assert (result.returncode, result.stderr) == (0, "")
    assert re.match(r"tilework \d+\.\d+\.\d+ on ", result.stdout)
    assert [line.split()[0] for line in result.stdout.split("\n\n")[1].splitlines()] == CASES


def test_bench_refuses_sizes_that_make_no_sense(folder):
    for option in ("--rows", "--cols", "--side", "--workers"):
        folder.refused(2, "bench", option, "0", says=option)
    folder.refused(2, "bench", "--side", "100001", says="--side")
