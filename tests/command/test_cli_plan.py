"""`tilework plan`: what a run would cost, of statements and of kernels, and that nothing is left behind by it."""

import json
import re
import subprocess

import numpy
import pytest


@pytest.fixture
def inputs(folder):
    numpy.save(folder / "y.npy", numpy.arange(400.0))
    numpy.save(folder / "x.npy", numpy.arange(500.0))
    return folder


STATEMENT = ["r[i,j] = y[i] * x[j]", "y=y.npy", "x=x.npy"]


def planned(folder, *arguments):
    result = folder.call("plan", *arguments, "--json")
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    return json.loads(result.stdout)


def test_a_statement_is_planned_and_leaves_nothing(inputs):
    before = sorted(path.name for path in (inputs / ".").iterdir())
    result = inputs.call("plan", *STATEMENT)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert re.match(r"\d+ tiles?", lines[0])
    assert lines[1] == "reads 7.03 KiB, writes 1.53 MiB, 2e+05 operations"
    assert re.match(r"memory read [0-9.]+ GB/s with 1", lines[2])
    assert re.match(r"timed \d+ tiles?: ", lines[3])
    assert [line.split("  ")[0] for line in lines if "<-" in line or "serial " in line]
    assert re.search(r"^serial .* (compute|memory|dispatch|copies|disk|opening|tiles|lock)", result.stdout, re.M)
    assert lines[-1] and not lines[-2]
    assert sorted(path.name for path in (inputs / ".").iterdir()) == before


def test_json_has_the_same_facts(inputs):
    plan = planned(inputs, *STATEMENT, "-w", "2")
    assert [(row["pool"], row["workers"]) for row in plan["forecasts"]] == [
        ("serial", 1), ("threads", 1), ("threads", 2), ("processes", 1), ("processes", 2)]  # fmt: skip
    assert plan["bytes_read"] == 900 * 8 and plan["bytes_written"] == 400 * 500 * 8 and plan["operations"] == 200000
    assert all(row["seconds"] > 0 for row in plan["forecasts"])
    for row in plan["forecasts"]:
        parts = sum(row[part] for part in ("tiles", "fresh", "copies", "opening", "disk"))
        assert parts == pytest.approx(row["seconds"], rel=1e-6)
    assert 0 <= plan["best"] < len(plan["forecasts"]) and plan["advice"] and plan["timed"] > 0


def test_no_run_predicts_from_counts_alone(inputs):
    plan = planned(inputs, *STATEMENT, "--no-run")
    assert plan["timed"] == 0 and plan["forecasts"][0]["seconds"] > 0
    assert "from counts alone: no tile was run\n" in inputs.call("plan", *STATEMENT, "--no-run").stdout


def test_measure_measures_the_bandwidth_again(inputs):
    first = planned(inputs, *STATEMENT, "--no-run")["bandwidth"]
    assert planned(inputs, *STATEMENT, "--no-run")["bandwidth"] == first
    assert planned(inputs, *STATEMENT, "--no-run", "--measure")["bandwidth"] != first


KERNELS = """
#include <tilework/tilework.h>
#include <signal.h>
#include <unistd.h>
int twice(const tw_tile *tile) {
    TW_VIEW(const double, y, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    for (int64_t i = 0; i < r.shape[0]; i++) TW_AT(r, i) = 2 * TW_AT(y, i);
    return 0;
}
int forever(const tw_tile *tile) { (void)tile; for (;;) pause(); }
int crash(const tw_tile *tile) { (void)tile; raise(SIGSEGV); return 0; }
int spoil(const tw_tile *tile) { *(double *)tile->operand[0].data = 7; return 0; }
int grow(const tw_tile *tile) { *(double *)tile->operand[0].data += 1; return 0; }
"""


@pytest.fixture
def kernels(inputs):
    (inputs / "k.c").write_text(KERNELS)
    return inputs


def test_kernels_are_timed_and_slow_ones_are_lower_bounds(kernels):
    plan = planned(kernels, "k.c:twice", "-s", "y[i] -> r[i]", "y=y.npy")
    assert plan["timed"] > 0 and not plan["at_least"] and plan["tiles"] == 256
    plan = planned(kernels, "k.c:forever", "-s", "y[i] -> r[i]", "y=y.npy", "--tile", "i=1")
    assert plan["at_least"] and plan["forecasts"][0]["seconds"] >= 400 * 0.3
    result = kernels.call("plan", "k.c:forever", "-s", "y[i] -> r[i]", "y=y.npy")
    assert "at least" in result.stdout.splitlines()[-1]


def test_a_kernel_that_crashes_costs_a_note(kernels):
    result = kernels.call("plan", "k.c:crash", "-s", "y[i] -> r[i]", "y=y.npy")
    assert (result.returncode, result.stderr) == (0, "")
    assert re.search(r"^no tile was timed: .*signal 11", result.stdout, re.M)


def test_inputs_keep_their_values(kernels):
    before = (kernels / "y.npy").read_bytes()
    planned(kernels, "k.c:grow", "-s", "y[i] -> y[i]", "y=y.npy")
    assert (kernels / "y.npy").read_bytes() == before


def test_a_reduction_over_a_cut_axis_is_planned(inputs):
    numpy.save(inputs / "a.npy", numpy.zeros((2000, 1000)))
    plan = planned(inputs, "s[] = sum(i,j: a[i,j])", "a=a.npy")
    assert plan["bytes_written"] == 8 and plan["timed"] > 0 and plan["forecasts"][0]["seconds"] > 0


def test_nodes_have_a_part_of_their_own_and_a_line_to_paste(inputs):
    numpy.save(inputs / "a.npy", numpy.zeros((400, 100)))
    arguments = ["r[i] = 2 * a[i,0]", "a=a.npy", "-o", "r=r.npy", "--tile", "i=10"]
    result = inputs.call("plan", *arguments, "--nodes", "4")
    assert (result.returncode, result.stderr) == (0, "")
    part = result.stdout[result.stdout.index("\non 4 nodes of "):]
    assert "\nwrites           3.12 KiB in all, 800 bytes by one node at most\n" in part
    assert "\ncuts             a tile of r is 1 piece of 80 bytes: nodes share the pages at their borders\n" in part
    assert re.search(r"^file system +\w+: ", part, re.M)
    line = part.splitlines()[-1]
    assert re.fullmatch(r'sbatch --array=0-3 --requeue --cpus-per-task=\d+ --mem=1G --wrap "(.*)"', line)
    assert line.endswith("""--wrap "tilework run 'r[i] = 2 * a[i,0]' a=a.npy -o r=r.npy --tile i=10 --node auto\"""")
    assert not (inputs / "r.npy").exists() and not (inputs / "r.npy.run").exists()


def test_the_line_to_paste_survives_the_shell(inputs):
    numpy.save(inputs / "a$x`.npy", numpy.zeros(40))
    line = inputs.call("plan", "r[i] = 2 * a[i]", "a=a$x`.npy", "--nodes=2").stdout.splitlines()[-1]
    shown = subprocess.run(["sh", "-c", line.replace("sbatch", "printf '%s\\n'", 1)], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == "tilework run 'r[i] = 2 * a[i]' 'a=a$x`.npy' -o r=r.npy --node auto"


def test_the_part_about_nodes_is_in_json(inputs):
    numpy.save(inputs / "a.npy", numpy.zeros((400, 100)))
    arguments = ["r[i,j] = a[i,j]", "a=a.npy", "--tile", "i=10", "--no-run"]
    assert planned(inputs, *arguments)["on_nodes"] is None
    part = planned(inputs, *arguments, "--nodes", "4", "-w", "2")["on_nodes"]
    assert (part["nodes"], part["tiles"], part["workers"], part["fits"]) == (4, 10, 2, True)
    assert part["bytes_read"] == part["bytes_written"] == 400 * 100 * 8 and part["node_read"] == 100 * 100 * 8
    assert part["node_memory"] == 2 * 2 * 10 * 100 * 8 and part["seconds"] > 0
    assert part["whole"] == "a along dimension 1"


def test_requests_that_make_no_sense_are_refused_as_by_run(inputs):
    for arguments, message in (
        (["r[i] = y[i]"], "operand y has no input: give y=FILE"),
        (["k.c:f", "y=y.npy"], "missing signature"),
        (["r[i] = z[i]", "y=y.npy"], "y"),
        (["r[i] = y[i]", "y=y.npy", "--json=1"], "option '--json' doesn't allow an argument"),
        ([], "missing kernel"),
    ):
        run = inputs.call("run", *[argument for argument in arguments if argument != "--json=1"], "-o", "r=r.npy")
        result = inputs.call("plan", *arguments)
        assert result.returncode == 2 and result.stdout == "" and result.stderr.startswith("tilework: ")
        if "--json=1" not in arguments:
            assert result.stderr.splitlines()[0] == run.stderr.splitlines()[0]
        else:
            assert message in result.stderr
    result = inputs.call("plan", "r[i] = y[i]", "y=no.npy")
    assert (result.returncode, result.stdout) == (3, "")


def test_run_with_a_report_says_what_limited_it(inputs):
    result = inputs.call("run", *STATEMENT, "-o", "r=r.npy", "--report", "r.json")
    assert result.returncode == 0
    assert len(result.stderr.splitlines()) == 2  # the closing line, and the advice
