"""Nodes under the launchers of Open MPI and MPICH, which are not linked: a rank and their number are all that is taken."""

import os
import shlex
import shutil
import signal

import pytest

from job import TILES, wait_for

RANKS = 4
LAUNCHERS = {
    "openmpi": ["mpirun.openmpi", "--oversubscribe", *(["--allow-run-as-root"] if os.geteuid() == 0 else [])],
    "mpich": ["mpirun.mpich"],
}
# With these, the launchers let the other ranks live if one has died. MPICH's -disable-auto-cleanup (4.0) does not: there a
# shell around each command ends well.
OTHERS_LIVE = {"openmpi": ["--enable-recovery"], "mpich": []}


@pytest.fixture(params=LAUNCHERS)
def launcher(request):
    words = LAUNCHERS[request.param]
    if not shutil.which(words[0]):
        pytest.skip(f"{words[0]} not found")
    if not os.environ.get("TILEWORK_NODES_OWN_NETWORK"):
        pytest.skip(f"{words[0]} listens to all networks, and this machine allows no network of its own")
    return request.param


def launch(job, launcher, *options, ranks=RANKS, shell=False):
    command = job.command("auto")
    if shell:
        command = ["sh", "-c", shlex.join(command) + " || :"]
    # Open MPI leaves out the loopback device if it is not named.
    return job.start([*LAUNCHERS[launcher], *options, "-n", ranks, *command], env={"OMPI_MCA_oob_tcp_if_include": "lo"})


def ranks_of(job, count=RANKS):
    """The process numbers of all ranks."""
    program = job.command("auto")[0]
    return wait_for(lambda: len(found := [pid for pid, line in job.processes().items() if line.startswith(program)]) >= count and found,
                    "all ranks run")


def test_ranks(job, launcher):
    job.end(launch(job, launcher))
    job.check()


def test_rank_killed_and_the_others_live(job, launcher):
    """The others do its share."""
    job.rest(0.1)
    running = launch(job, launcher, *OTHERS_LIVE[launcher], shell=launcher == "mpich")
    job.wait_computed(10)
    os.kill(ranks_of(job)[0], signal.SIGKILL)
    job.end(running, good=range(256))
    job.check()


def test_rank_killed_and_the_launcher_ends_all(job, launcher):
    """What was recorded stays, and the same command, with another number, computes the rest."""
    job.rest(0.1)
    running = launch(job, launcher)
    job.wait_computed(10)
    os.kill(ranks_of(job)[0], signal.SIGKILL)
    job.end(running, good=range(256))
    wait_for(lambda: not job.processes(), "all processes end")
    job.end(launch(job, launcher, ranks=RANKS - 1))
    job.check()


@pytest.mark.long
def test_launcher_killed(job, launcher):
    running = launch(job, launcher)
    job.wait_computed(10)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    wait_for(lambda: not job.processes(), "all processes end")
    job.end(launch(job, launcher))
    job.check(2 * TILES)
