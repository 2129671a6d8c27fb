"""Ctrl-C in a program that runs: what is raised, what it carries, what is left in files, and that nothing stays behind."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import tilework as tw

PROGRAM = """
import json, os, sys, time
import numpy as np, tilework as tw

def slow(y):
    if os.path.exists("slow") and y[0] >= 8:
        time.sleep(0.02)
    if y[0] >= 16:
        open("began", "w").close()
    return 2 * y

def go(how, kind):
    what = dict(tiles={"i": 1}, out="r.npy", resume=True, version=1, dtype=float)
    y = np.arange(400.0)
    with (tw.Pool(2, start="spawn") if kind == "spawn" else tw.Pool(2, kind)) as pool:
        print(*pool.pids, flush=True)
        if how == "run":
            return pool.run(slow, "y[i] -> r[i]", y, report=True, **what)[1]
        if how == "iterate":
            tiles = pool.iterate(slow, "y[i] -> r[i]", y, report=True, **what)
            for _ in tiles:
                pass
            return tiles.report
        return pool.submit(slow, "y[i] -> r[i]", y, report=True, **what).result()[1]

if __name__ == "__main__":
    try:
        report = go(*sys.argv[1:])
    except KeyboardInterrupt as interrupt:
        report = getattr(interrupt, "report", None)
        print("interrupted", flush=True)
    print(json.dumps(report and {name: report.totals[name] for name in ("tiles", "done", "resumed")}))
"""


def state_of(pid):
    """Its letter in /proc, None if there is no such process."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def wait_for(fact):
    end = time.monotonic() + 60
    while not fact():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("kind, how", [("threads", "run"), ("processes", "run"), ("spawn", "run"), ("threads", "iterate"),
                                       ("processes", "iterate"), ("spawn", "iterate"), ("threads", "submit"), ("processes", "submit"),
                                       ("spawn", "submit")])
def test_ctrl_c_ends_a_run_that_can_be_resumed(kind, how, tmp_path):
    if kind == "spawn":
        pytest.importorskip("cloudpickle")
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "slow").touch()
    shared = set(os.listdir("/dev/shm"))
    arguments = [sys.executable, "program.py", how, kind]
    with subprocess.Popen(arguments, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        workers = [int(word) for word in program.stdout.readline().split()]
        wait_for((tmp_path / "began").exists)
        program.send_signal(signal.SIGINT)
        said, errors = program.communicate(timeout=60)
    assert said.startswith("interrupted\n") and program.returncode == 0, (said, errors)
    for pid in workers if kind != "threads" else ():
        wait_for(lambda pid=pid: state_of(pid) in (None, "Z"))  # a zombie only under an init that does not wait for it
    ours = {"tilework", *map(str, workers), str(program.pid)}  # other programs may put theirs there meanwhile
    assert not [name for name in set(os.listdir("/dev/shm")) - shared if any(one in name for one in ours)]
    (tmp_path / "slow").unlink()
    assert (tmp_path / "r.npy.part").exists() and (tmp_path / "r.npy.journal").exists()
    if how == "run":
        assert '"tiles": 400' in said and '"done": 0' not in said, said
    again = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert '"done": 400' in again.stdout and '"resumed": 0' not in again.stdout, again.stdout
    assert (np.load(tmp_path / "r.npy") == 2 * np.arange(400.0)).all()
    assert not (tmp_path / "r.npy.part").exists()


@pytest.mark.parametrize("kind", ["threads", "serial"])
def test_an_interrupt_in_the_middle_of_a_kernel_has_the_report(kind, tmp_path):
    def kernel(y):
        if y[0] == 9:
            raise KeyboardInterrupt
        return 2 * y

    for out in (None, tmp_path / "r.npy"):
        with pytest.raises(KeyboardInterrupt) as caught:
            tw.run(kernel, "y[i] -> r[i]", np.arange(10.0), tiles={"i": 1}, pool=kind, workers=2, out=out, dtype=float)
        report = caught.value.report
        assert report.totals["tiles"] == 10 and 0 < report.totals["done"] < 10 and report.why == f"pool={kind!r} was given"
