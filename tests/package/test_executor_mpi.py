"""A run on mpi4py.futures under mpirun: the first process is the caller, the others are workers."""

import os
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest

PROGRAM = """
    import numpy as np, tilework as tw

    def square(y):
        return y ** 2

    if __name__ == "__main__":
        from mpi4py.futures import MPIPoolExecutor
        with MPIPoolExecutor() as pool:
            r, report = tw.run(square, "y[i] -> r[i]", np.arange(1000.0), out="r.npy", tiles={"i": 10}, pool=pool, report=True)
        print(report.totals["done"], report.totals["workers"])
"""


@pytest.mark.skipif(shutil.which("mpirun") is None, reason="mpirun is not installed")
def test_workers_are_the_other_processes_of_mpi(tmp_path):
    pytest.importorskip("mpi4py")
    (tmp_path / "job.py").write_text(textwrap.dedent(PROGRAM))
    allowed = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    command = ["mpirun", "--oversubscribe", "-n", "3", sys.executable, "-m", "mpi4py.futures", "job.py"]
    done = subprocess.run(command, cwd=tmp_path, env={**os.environ, **allowed}, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    tiles, workers = map(int, done.stdout.split())
    assert tiles == 100 and 1 <= workers <= 2
    assert (np.load(tmp_path / "r.npy") == np.arange(1000.0) ** 2).all()
