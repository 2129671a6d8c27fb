"""Python programs as nodes of one job: node= in all its forms, processes that share a result, tw.status."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import tilework as tw

pytestmark = pytest.mark.usefixtures("here")


def slowly(y):
    import time
    time.sleep(0.01)
    return 2 * y


@pytest.mark.parametrize("node", ["0/1", (0, 1), [0, 1], "auto"])
@pytest.mark.parametrize("pool", ["processes", "threads", "serial"])
def test_one_node_is_as_any_run(node, pool, monkeypatch):
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "0")
    monkeypatch.setenv("SLURM_ARRAY_TASK_MIN", "0")
    monkeypatch.setenv("SLURM_ARRAY_TASK_MAX", "0")
    monkeypatch.setenv("SLURM_ARRAY_TASK_STEP", "1")
    monkeypatch.setenv("SLURM_ARRAY_TASK_COUNT", "1")
    y = np.arange(100.0)
    r, report = tw.run(lambda y: 2 * y, "y[i] -> r[i]", y, out="r.npy", node=node, pool=pool, report=True)
    assert type(r) is np.memmap and (r == 2 * y).all() and report.totals["done"] == report.totals["tiles"]
    assert not os.path.exists("r.npy.run")


def test_what_is_finished_is_not_begun_anew_unless_that_is_asked_for(here):
    calls = here / "calls"
    calls.mkdir()

    def kernel(y, tile):
        (calls / f"{tile.number}-{os.getpid()}-{len(os.listdir(calls))}").touch()
        return y + 1
    y = np.arange(10.0)
    for _ in range(2):
        assert tw.run(kernel, "y[i] -> r[i]", y, out="r.npy", tiles={"i": 2}, node="0/1", version="1", dtype=float, pool="serial")[9] == 10
    assert len(os.listdir(calls)) == 5
    tw.run(kernel, "y[i] -> r[i]", y, out="r.npy", tiles={"i": 2}, node="0/1", version="1", dtype=float, pool="serial", restart=True)
    assert len(os.listdir(calls)) == 10
    with pytest.raises(tw.ArgumentError, match="exists, and is not the result of this job"):
        tw.run(kernel, "y[i] -> r[i]", y, out="r.npy", tiles={"i": 2}, node="0/1", version="2", dtype=float, pool="serial")


def test_statements_functions_kernels_and_iterate():
    y = np.arange(60.0)
    assert (tw.evaluate("r[i] = 3 * y[i]", y=y, out="a.npy", node=(0, 1), parts={"i": 4}) == 3 * y).all()
    assert (tw.function("r[i] = 4 * y[i]", node=(0, 1))(y, out="b.npy") == 4 * y).all()
    assert (tw.kernel("y[i] -> r[i]", node=(0, 1), pool="serial")(lambda y: 5 * y)(y, out="c.npy") == 5 * y).all()
    seen = {}
    for tile in tw.iterate(lambda y: 6 * y, "y[i] -> r[i]", y, out="d.npy", tiles={"i": 20}, node="0/1", pool="serial"):
        seen[tile.number] = tile.outputs["r"].tolist()
    assert [seen[number] for number in range(3)] == [(6 * y[first:first + 20]).tolist() for first in (0, 20, 40)]
    assert (tw.submit(lambda y: 7 * y, "y[i] -> r[i]", y, out="e.npy", node="0/1", pool="serial").result() == 7 * y).all()
    with tw.Pool(2) as pool:
        assert (pool.run(lambda y: 8 * y, "y[i] -> r[i]", y, out="f.npy", node="0/1") == 8 * y).all()
    s = tw.run(lambda y: y.sum(), "y[i] -> s[]", y, reduce={"s": "sum"}, tiles={"i": 10}, out="s.npy", node="0/1", pool="serial")
    assert s == y.sum()


def test_a_kernel_that_adds_begins_with_zeros_in_every_tile():
    def adds(y, r):
        r += y
    y = np.arange(1.0, 41.0)
    r = tw.run(adds, "y[i] -> r[i]", y, out="r.npy", tiles={"i": 8}, node="0/1", pool="serial", dtype=float)
    assert (r == y).all()


NODE = """
    import sys, time
    import numpy as np, tilework as tw

    def slowly(y):
        time.sleep(0.01)
        return 2 * y

    r, report = tw.run(slowly, "y[i] -> r[i]", np.arange(200.0), out="r.npy", tiles={"i": 1}, node=sys.argv[1], pool="serial", report=True)
    assert (r == 2 * np.arange(200.0)).all()
    print(report.totals["done"])
"""


def test_several_processes_write_one_result(here):
    program = [sys.executable, "-c", textwrap.dedent(NODE)]
    nodes = [subprocess.Popen([*program, f"{number}/3"], cwd=here, stdout=subprocess.PIPE, text=True) for number in range(3)]
    for node in nodes:
        assert node.wait(100) == 0
        node.stdout.close()
    assert np.load("r.npy").tolist() == (2 * np.arange(200.0)).tolist()
    assert not any(".run" in name for name in os.listdir())
    assert tw.status("r.npy").finished


def test_status_says_what_is_done_and_what_failed():
    def kernel(y):
        if y[0] == 7:
            raise ValueError("seven")
        return y
    with pytest.raises(tw.TileError, match="seven"):
        tw.run(kernel, "y[i] -> r[i]", np.arange(10.0), out="r.npy", tiles={"i": 1}, node="0/1", pool="serial")
    status = tw.status("r.npy")
    assert not status.finished and status.tiles == 10 and status.done == 7
    assert status.description == "kernel: y[i] -> r[i]" and status.disagreements == ()
    node, = status.nodes
    assert (node.node, node.nodes, node.member, node.pid, node.done) == (0, 1, 0, os.getpid(), 7)
    assert node.failed_tile == 7 and "seven" in node.failure
    words = repr(status)
    assert "7 of 10 tiles done (70 %)" in words and "node 0/1 on " in words and "tile 7 failed" in words
    assert status.to_dict()["nodes"][0]["done"] == 7
    assert tw.status("r.npy.run").done == 7
    with pytest.raises(tw.FileError):
        tw.status("nothing.npy")


def test_what_makes_no_sense_is_refused(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("SLURM", "OMPI", "PMI", "PBS", "SGE", "LSB", "JOB_")):
            monkeypatch.delenv(name)
    y = np.arange(3.0)
    for node, error in (("auto", tw.ArgumentError), ("3/2", tw.ArgumentError), ("x", tw.ArgumentError), ((2, 2), tw.ArgumentError),
                        ((-1, 2), tw.ArgumentError), (3, TypeError), ((1, 2, 3), TypeError), ((0.5, 2), TypeError)):
        with pytest.raises(error):
            tw.run(abs, "y[i] -> r[i]", y, out="r.npy", node=node)
    for out in (None, np.empty(3)):
        with pytest.raises(tw.ArgumentError, match="give out='r.npy', a file that all of them reach"):
            tw.run(abs, "y[i] -> r[i]", y, out=out, node="0/1")
    np.save("y.npy", y)
    with pytest.raises(tw.ArgumentError, match="file"):
        tw.run(abs, "y[i] -> r[i]", "y.npy", out="y.npy", node="0/1")
