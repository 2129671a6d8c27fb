"""The cluster that the tests start: it computes, and nothing of it is left, however the test ends."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest

import family
import slurm
from job import wait_for

HERE = pathlib.Path(__file__).resolve().parent
CLUSTER = """
import pathlib, slurm, sys
with slurm.Cluster(pathlib.Path(sys.argv[1])) as cluster:
    print(cluster.word.value, flush=True)
    cluster.run("srun", "sleep", "1000", limit=1000)
"""


@pytest.fixture(autouse=True)
def needs_slurm():
    if slurm.missing():
        pytest.skip(f"Slurm: {slurm.missing()}")


def test_arrays_and_steps_run_on_both_nodes(cluster, tmp_path):
    number = cluster.submit("--array=0-3", f"--output={tmp_path}/%a", "--wrap",
                            "echo $SLURM_ARRAY_TASK_ID of $SLURM_ARRAY_TASK_COUNT on $SLURMD_NODENAME; sleep 0.5")
    assert cluster.end_of(number) == [("COMPLETED", "0:0")]
    lines = [(tmp_path / str(task)).read_text().split() for task in range(4)]
    assert [line[:3] for line in lines] == [[str(task), "of", "4"] for task in range(4)]
    assert {line[-1] for line in lines} == {"n1", "n2"}
    ranks = cluster.run("srun", "-n", "4", "sh", "-c", "echo $SLURM_PROCID of $SLURM_NTASKS").splitlines()
    assert sorted(ranks) == [f"{rank} of 4" for rank in range(4)]


def test_a_failure_inside_stops_it(tmp_path):
    with pytest.raises(ZeroDivisionError), slurm.Cluster(tmp_path / "slurm") as cluster:
        cluster.submit("--wrap", "sleep 1000")
        cluster.wait(lambda: any("sleep" in line for line in cluster.word.processes().values()), "the job runs")
        1 / 0
    assert not cluster.word.processes()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_end_of_its_process_stops_it(tmp_path, number):
    process = subprocess.Popen([sys.executable, "-c", CLUSTER, tmp_path / "slurm"], env={**os.environ, "PYTHONPATH": str(HERE)},
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    word = family.Word(process.stdout.readline().strip())
    try:
        wait_for(lambda: any("sleep 1000" in line for line in word.processes().values()), "the step runs")
        process.send_signal(number)
        process.wait()
        if number == signal.SIGKILL:  # its jobs live on, as they do if a daemon dies: they end with the part
            wait_for(lambda: not [line for line in word.processes().values() if "slurmctld" in line or "slurmd -D" in line or "munged" in line],
                     "all daemons end")
        else:
            assert not word.processes()
    finally:
        word.end()
        process.stdout.close()
