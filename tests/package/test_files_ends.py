"""Programs that write files and are ended in the middle: by SIGKILL, by Ctrl-C, by the death of their workers."""

import errno
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import tilework as tw
from conftest import wait_until_gone

PROGRAM = """
import os, sys, time
import numpy as np
import tilework as tw

def operate(y, x, r, tile):
    file = os.open("tiles.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(file, b"%d\\n" % tile.number)
    os.close(file)
    if os.path.exists("slow"):
        time.sleep(0.05)
    r[...] = np.sin(y)[:, None] * x

if __name__ == "__main__":
    pool = tw.Pool(2, start="spawn") if sys.argv[1] == "spawn" else sys.argv[1]
    r = tw.run(operate, "y[i], x[j] -> r[i,j]", np.arange(1.0, 61), np.arange(1.0, 40), out="r.npy", tiles={"i": 1}, dtype=float,
               resume=True, pool=pool, **({} if sys.argv[1] in ("spawn", "serial") else {"workers": 2}))
    assert type(r) is np.memmap
"""
RIGHT = np.sin(np.arange(1.0, 61))[:, None] * np.arange(1.0, 40)


def start(pool):
    return subprocess.Popen([sys.executable, "job.py", pool], stderr=subprocess.PIPE, text=True, start_new_session=True)


def tiles():
    text = pathlib.Path("tiles.log").read_text() if os.path.exists("tiles.log") else ""
    return [int(line) for line in text.split()]


def recorded():
    """Tiles that the journal has (16 bytes each, at its end)."""
    data = pathlib.Path("r.npy.journal").read_bytes() if os.path.exists("r.npy.journal") else b""
    records = data[-16 * 60:]
    return {t for t in range(60) if len(data) >= 16 * 60 + 512 and any(records[16 * t:16 * t + 16])}


def children_of(pid):
    found = []
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, path.read_text().split()):
            found += [child, *children_of(child)]
    return found


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("job.py").write_text(PROGRAM)
    pathlib.Path("slow").write_text("")


@pytest.mark.parametrize("pool", ["processes", "threads", "serial", "spawn"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_same_program_computes_what_is_missing(pool, number):
    if pool == "spawn":
        pytest.importorskip("cloudpickle")
    program = start(pool)
    end = time.monotonic() + 60
    while not recorded():
        assert program.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    beside = children_of(program.pid)
    program.send_signal(number)
    said = program.communicate(timeout=60)[1]
    wait_until_gone(beside)
    assert program.returncode == -number or program.returncode != 0 and number == signal.SIGINT, said
    had, began = recorded(), tiles()
    assert 0 < len(had) < 60 and had <= set(began)
    if number == signal.SIGINT and sys.version_info >= (3, 11):
        place = "r.npy.part" if pool != "spawn" else os.path.abspath("r.npy.part")
        assert f"{len(had)} of 60 tiles are done and kept in {place}; the same call with resume=True continues" in said
    os.unlink("slow")
    os.unlink("tiles.log")
    again = start("threads" if pool == "processes" else pool)  # the pool does not count
    assert again.wait(60) == 0, again.communicate()[1]
    again.stderr.close()
    assert sorted(tiles()) == sorted(set(range(60)) - had)
    assert np.load("r.npy").tobytes() == RIGHT.tobytes()
    assert sorted(os.listdir()) == ["job.py", "r.npy", "tiles.log"]


def test_a_worker_that_dies_costs_its_tile_alone():
    def operate(y, r, tile):
        if tile.number == 7 and not os.path.exists("died"):
            pathlib.Path("died").write_text("")
            r[...] = -1
            os.kill(os.getpid(), signal.SIGKILL)
        r[...] = 2 * y

    y = np.arange(1.0, 41)
    r, report = tw.run(operate, "y[i] -> r[i]", y, out="r.npy", tiles={"i": 1}, pool="processes", workers=2, report=True)
    assert (r == 2 * y).all() and report.totals["deaths"] == 1


@pytest.mark.parametrize("pool", ["serial", "spawn"])
def test_the_number_of_what_was_wrong_arrives(pool):
    kept = tw.Pool(1, start="spawn") if pool == "spawn" else tw.Pool(1, pool)
    with kept as opened, pytest.raises(tw.FileError, match="no/such.npy") as caught:
        opened.run(np.sin, "x[i] -> r[i]", np.arange(4.0), out="no/such.npy")
    assert caught.value.errno == errno.ENOENT
