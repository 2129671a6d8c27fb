"""Nodes started by hand, as ssh or GNU parallel start them, and with the environments of schedulers that are not here: the
same index twice, stopped nodes, killed nodes, other numbers."""

import os
import signal

import pytest

from job import REST, TILES, Job, wait_for

INDEXED = {  # scheduler: the environment of task 1 of 3, and whether it says how many there are
    "Kubernetes": ({"JOB_COMPLETION_INDEX": "{k}"}, "auto/3"),
    "PBS": ({"PBS_ARRAY_INDEX": "{k}", "PBS_JOBID": "17[{k}].host"}, "auto/3"),
    "SGE": ({"SGE_TASK_ID": "{k1}", "SGE_TASK_FIRST": "1", "SGE_TASK_LAST": "3", "SGE_TASK_STEPSIZE": "1", "JOB_ID": "17"}, "auto"),
    "LSF": ({"LSB_JOBINDEX": "{k1}", "LSB_JOBINDEX_END": "3", "LSB_JOBINDEX_STEP": "1", "LSB_JOBID": "17"}, "auto"),
}


def start(job, *nodes):
    return [job.start(job.command(node)) for node in nodes]


def end(job, processes):
    return [job.end(process) for process in processes]


def test_three_nodes(job):
    end(job, start(job, "0/3", "1/3", "2/3"))
    job.check()


def test_same_node_twice_at_once(job):
    end(job, start(job, "0/2", "0/2", "1/2"))
    job.check()


def test_one_node_of_eight_alone(job):
    end(job, start(job, "3/8"))
    job.check(twice=0)


@pytest.mark.parametrize("scheduler", INDEXED)
def test_environment_of(job, scheduler):
    """Three tasks, and the last of them twice at once, as Kubernetes says may happen."""
    environment, node = INDEXED[scheduler]
    processes = [job.start(job.command(node), env={name: text.format(k=k, k1=k + 1) for name, text in environment.items()})
                 for k in (0, 1, 2, 2)]
    end(job, processes)
    job.check()


def test_finished_job_ends_at_once(job):
    end(job, start(job, "0/1"))
    before = job.result.stat()
    (text,) = end(job, start(job, "0/1"))
    assert "already finished" in text
    after = job.result.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    job.check(twice=0)


def test_node_killed(job):
    """The other one does its share too."""
    first, second = start(job, "0/2", "1/2")
    job.wait_computed(10)
    first.kill()
    first.communicate()
    job.end(second)
    job.check()


def test_all_nodes_killed_then_another_number(job):
    job.rest(0.1)
    running = start(job, "0/4", "1/4", "2/4", "3/4")
    job.wait_computed(16)
    for process in running:
        process.kill()
    for process in running:
        process.communicate()
    assert job.run_folder.exists() and not job.result.exists()
    job.rest(REST)
    end(job, start(job, "0/3", "1/3"))
    job.check()


@pytest.mark.parametrize("ending", [signal.SIGCONT, signal.SIGKILL])
def test_node_stopped_in_a_tile_until_the_others_have_finished(job, ending):
    """Half of its tile is in its memory. Whether it continues or dies, the result stays as it is."""
    job.hold(0)
    first = job.start(job.command("0/2"))
    held = job.held(0)
    os.kill(first.pid, signal.SIGSTOP)
    job.release(0)
    end(job, start(job, "1/2"))
    before = job.result.stat()
    os.kill(first.pid, signal.SIGCONT)
    if ending == signal.SIGKILL:
        first.kill()
        first.communicate()
    else:
        job.end(first)
    assert held > 0
    job.check()
    after = job.result.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_interrupted_nodes_keep_what_they_have(job):
    job.rest(0.1)
    running = start(job, "0/2", "1/2")
    job.wait_computed(10)
    for process in running:
        process.send_signal(signal.SIGINT)
    for process in running:
        job.end(process, good=(130,))
    assert job.run_folder.exists() and not job.result.exists()
    kept = set(job.computed())
    job.rest(REST)
    end(job, start(job, "0/2", "1/2"))
    job.check()
    assert all(job.computed()[tile] == 1 for tile in kept)


@pytest.mark.long
def test_nodes_killed_at_random(tmp_path):
    """Twenty jobs of four nodes: one after the other is killed, after different numbers of tiles; a last one finishes."""
    for turn in range(20):
        job = Job(tmp_path / f"job-{turn}", rest=0.01)
        try:
            running = start(job, *(f"{k}/4" for k in range(4)))
            for number, process in enumerate(running[:3 + turn % 2]):
                job.wait_computed(min(TILES - 8, 3 + turn + number * (5 + turn % 7)))
                process.kill()
            for process in running:
                process.communicate()
            wait_for(lambda: not job.processes(), "all processes end")
            end(job, start(job, "0/1"))
            job.check()
        finally:
            job.close()
