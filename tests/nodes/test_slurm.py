"""Nodes under Slurm: array jobs, steps, preemption, requeue, and a task that runs on two nodes at once."""

import os
import shlex
import signal
import sys

import numpy
import pytest

from job import EXPECTED, HERE, TILES, Job

COMPLETED = [("COMPLETED", "0:0")]


def submit(cluster, job, *options, node="auto", more=(), before=""):
    """sbatch of the job's command; each task's output goes to a file of its own, to which a requeued one appends."""
    return cluster.submit("--requeue", "--open-mode=append", f"--output={job.signs}/%A_%a.out", *options, "--wrap",
                          before + shlex.join(job.command(node, *more)), env=job.own, cwd=job.folder)


def said(job):
    return {path.name: path.read_text() for path in sorted(job.signs.glob("*.out"))}


def ends_well(cluster, job, number, twice=TILES):
    states = cluster.end_of(number)
    assert states == COMPLETED, f"{said(job)}\n{cluster.logs()}"
    job.check(twice)


def test_array(cluster, job):
    number = submit(cluster, job, "--array=0-3")
    ends_well(cluster, job, number)
    assert len(said(job)) == 4


def test_array_whose_first_index_is_not_zero(cluster, job):
    ends_well(cluster, job, submit(cluster, job, "--array=5-11:3"))


def test_later_tasks_of_an_array_find_it_finished(cluster, job):
    number = submit(cluster, job, "--array=0-15%2")
    ends_well(cluster, job, number)
    finished = [name for name, text in said(job).items() if "already finished" in text]
    assert len(said(job)) == 16
    # The first two do it all, while one may still begin when they end.
    assert len(finished) >= 12, said(job)


def test_step(cluster, job):
    cluster.run("srun", "-n", "4", "--kill-on-bad-exit=0", *job.command("auto"), env=job.own, cwd=job.folder)
    job.check()


def test_steps_inside_an_array(cluster, job):
    """Four nodes of one job: two tasks of an array, with a step of two processes each."""
    number = submit(cluster, job, "--array=0-1", "--ntasks=2", before="srun --kill-on-bad-exit=0 ")
    ends_well(cluster, job, number)
    text = "".join(said(job).values())
    assert all(f"node {k} of 4" in text or "already finished" in text for k in range(4)), text


def test_program_in_python(cluster, job):
    """tw.run(..., node="auto") in each task of an array."""
    pytest.importorskip("tilework")
    number = cluster.submit("--array=0-2", f"--output={job.signs}/%A_%a.out", "--wrap", shlex.join([sys.executable, f"{HERE}/engine_job.py", "auto"]),
                            env=job.own, cwd=job.folder)
    ends_well(cluster, job, number)
    assert [text.count("done") for text in said(job).values()] == [1, 1, 1]


def test_example(cluster, job):
    """The script of the examples, in a folder with the inputs: a statement, which has no signs, so the result is all to look at."""
    number = cluster.submit(HERE.parents[1] / "examples" / "nodes" / "array.sbatch", env=job.own, cwd=job.folder)
    assert cluster.end_of(number) == COMPLETED
    texts = [path.read_text() for path in job.folder.glob("tilework-*.out")]
    assert len(texts) == 4 and all("node" in text or "already finished" in text for text in texts), texts
    assert numpy.array_equal(numpy.load(job.result), EXPECTED) and not job.run_folder.exists()


def test_number_of_nodes_by_hand(cluster, job):
    ends_well(cluster, job, submit(cluster, job, "--array=0-1", node="auto/8"))


def test_requeue_by_the_administrator(cluster, job):
    """scontrol requeue: the tasks are killed in the middle, then continue with what is recorded."""
    job.rest(0.1)
    number = submit(cluster, job, "--array=0-1")
    job.wait_computed(10)
    cluster.run("scontrol", "requeue", number)
    assert not job.result.exists()
    cluster.start_again(number)
    ends_well(cluster, job, number)


def test_restart_begins_anew_once_for_all_tasks(cluster, job):
    """Each task is given --restart, also after a requeue; what the others and itself have done stays."""
    job.rest(0.1)
    number = submit(cluster, job, "--array=0-3", more=("--restart",))
    job.wait_computed(10)
    cluster.run("scontrol", "requeue", number)
    cluster.start_again(number)
    ends_well(cluster, job, number)
    text = "".join(said(job).values())
    assert "was removed" not in text and all(f"node {k} of 4: " in text or "already finished" in text for k in range(4)), text


def test_preemption(cluster, job):
    """A job of a partition with a higher priority takes both nodes: the tasks are killed and wait until it has ended."""
    job.rest(0.4)
    number = submit(cluster, job, "--array=0-3", "--partition=low")
    job.wait_computed(10)
    go = job.signs / "go"
    high = cluster.submit("--partition=high", "--nodes=2", "--exclusive", "--output=/dev/null", "--wrap",
                          f"while [ ! -e {go} ]; do sleep 0.05; done", env=job.own, cwd=job.folder)
    cluster.wait(lambda: cluster.running(high) == 1, "the job with the higher priority runs")
    assert cluster.running(number) == 0 and not job.result.exists()
    go.touch()
    assert cluster.end_of(high) == COMPLETED
    cluster.start_again(number)
    ends_well(cluster, job, number)


def test_all_tasks_cancelled_then_another_number(cluster, job):
    job.rest(0.1)
    number = submit(cluster, job, "--array=0-3")
    job.wait_computed(10)
    cluster.run("scancel", "--signal=KILL", number)
    cluster.end_of(number)
    assert job.run_folder.exists() and not job.result.exists()
    ends_well(cluster, job, submit(cluster, job, "--array=0-2"))


def test_double_writer(cluster, job):
    """The daemon of a node is killed, and the task on this node lives on, stopped in the middle of a tile. Slurm thinks the
    node is down and starts the task again on the other one. It finishes the job; then the first one continues and writes."""
    job.hold(TILES // 2)
    number = submit(cluster, job, "--array=0", "--ntasks=1")
    first = job.held(TILES // 2)
    node = cluster.jobs(number)[0]["NodeList"]
    cluster.kill_node(node)
    # What SlurmdTimeout would do after five minutes.
    cluster.run("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=killed")
    assert first in job.processes()
    cluster.start_again(number)
    cluster.wait(lambda: cluster.running(number) == 1, "the task runs again")
    assert cluster.jobs(number)[0]["NodeList"] != node
    assert cluster.end_of(number) == COMPLETED, said(job)
    assert first in job.processes()  # still in the middle of its tile, half of which it has
    before = job.result.stat()
    job.release(TILES // 2)
    job.check()
    after = job.result.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_double_writer_while_the_second_works(cluster, job):
    """The same, and both write at the same time."""
    job.hold(5)
    number = submit(cluster, job, "--array=0", "--ntasks=1")
    first = job.held(5)
    node = cluster.jobs(number)[0]["NodeList"]
    cluster.kill_node(node)
    cluster.run("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=killed")
    cluster.start_again(number)
    done = len(job.computed())
    job.wait_computed(done + 5)
    job.release(5)
    assert first > 0
    ends_well(cluster, job, number)


@pytest.mark.long
def test_tasks_killed_at_random(cluster, tmp_path):
    """Ten jobs, of each of which a task is killed by itself after some tiles; the others do its share."""
    for turn in range(10):
        job = Job(tmp_path / f"job-{turn}")
        try:
            number = submit(cluster, job, "--array=0-3")
            job.wait_computed(1 + 6 * turn)
            victims = [pid for pid, line in job.processes().items() if "--node" in line and "slurm_script" not in line]
            if victims:
                try:
                    os.kill(victims[turn % len(victims)], signal.SIGKILL)
                except ProcessLookupError:
                    pass
            cluster.end_of(number)
            job.check()
        finally:
            job.close()
