"""Programs that run Python in ways of their own: servers, coverage, supervisors that take the ends of all children."""

import os
import subprocess
import sys
import textwrap

import pytest

PATIENCE = 100  # seconds


def ran(folder, code, *before, **environment):
    """A program's output; it must end well."""
    path = folder / "program.py"
    path.write_text(textwrap.dedent(code))
    done = subprocess.run([sys.executable, *before, str(path)], capture_output=True, text=True, timeout=PATIENCE,
                          cwd=folder, env={**os.environ, **environment}, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


KERNEL = """
import numpy as np, tilework as tw

def twice(x, r):
    y = 2 * x
    r[:] = y

"""


def test_coverage_measures_kernels_in_worker_processes(tmp_path):
    coverage = pytest.importorskip("coverage")
    (tmp_path / ".coveragerc").write_text("[run]\nparallel = true\n")
    ran(tmp_path, KERNEL + """
with tw.Pool(2) as pool:
    r = pool.run(twice, "x[i] -> r[i]", np.arange(6.0), tiles={"i": 1})
    assert list(r) == [0, 2, 4, 6, 8, 10]
""", "-m", "coverage", "run")
    data = coverage.CoverageData(str(tmp_path / ".coverage"))
    for file in tmp_path.glob(".coverage.*"):
        part = coverage.CoverageData(str(file))
        part.read()
        data.update(part)
    lines = data.lines(str(tmp_path / "program.py"))
    source = (tmp_path / "program.py").read_text().splitlines()
    assert {source.index("    y = 2 * x") + 1, source.index("    r[:] = y") + 1} <= set(lines)


def test_coverage_of_one_file_keeps_the_programs_data(tmp_path):
    coverage = pytest.importorskip("coverage")
    ran(tmp_path, KERNEL + """
assert list(tw.run(twice, "x[i] -> r[i]", np.arange(3.0), tiles={"i": 1}, workers=2)) == [0, 2, 4]
""", "-m", "coverage", "run")
    data = coverage.CoverageData(str(tmp_path / ".coverage"))
    data.read()
    assert len(list(tmp_path.glob(".coverage*"))) == 1
    source = (tmp_path / "program.py").read_text().splitlines()
    assert source.index("def twice(x, r):") + 1 in data.lines(str(tmp_path / "program.py"))


@pytest.mark.parametrize("host", ["signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
                                  "signal.signal(signal.SIGCHLD, reap)",
                                  "threading.Thread(target=reap_always, daemon=True).start()"])
def test_hosts_that_take_the_ends_of_children_can_compile_and_lose_workers(tmp_path, host):
    out = ran(tmp_path, """
import os, signal, threading, time

def reap(*_):
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass

def reap_always():
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            time.sleep(0.001)

import warnings
warnings.simplefilter("ignore")  # a thread is met by a fork
""" + host + KERNEL + """
def dies(x, r):
    if x[0] == 2 and not os.path.exists("died"):
        open("died", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    r[:] = 2 * x

assert list(tw.run(twice, "x[i] -> r[i]", np.arange(6.0), tiles={"i": 1}, workers=2)) == [0, 2, 4, 6, 8, 10]
r, report = tw.run(dies, "x[i] -> r[i]", np.arange(6.0), tiles={"i": 1}, workers=2, report=True)
assert list(r) == [0, 2, 4, 6, 8, 10] and report.totals["deaths"] == 1
print(tw.evaluate("r[i] = 3 * x[i] + 7", x=np.arange(3)))
""", XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert out == "[ 7 10 13]\n"


def test_spawn_finds_the_interpreter_of_a_host(tmp_path):
    """uWSGI and other hosts put themselves into sys.executable, and start again where they are taken for Python."""
    out = ran(tmp_path, """
import multiprocessing.spawn, sys

if __name__ == "__main__":
    sys.executable = "/bin/false"
    multiprocessing.spawn.set_executable(sys.executable)
""" + KERNEL + """
if __name__ == "__main__":
    with tw.Pool(2, start="spawn") as pool:
        print(pool.run(twice, "x[i] -> r[i]", np.arange(3.0)))
""")
    assert out == "[0. 2. 4.]\n"
