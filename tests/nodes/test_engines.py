"""Executors and Dask as pools: the engines themselves, and what is left when a worker, the scheduler or the caller dies."""

import importlib.util
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

from job import HERE, LIMIT, TILES, wait_for

OMPI = {"OMPI_MCA_oob_tcp_if_include": "lo", "OMPI_MCA_btl": "self,vader", "MPI4PY_MPIABI": "openmpi"}


def needs(*modules):
    for name in modules:
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")


pytest.importorskip("tilework")


PATH = os.pathsep.join((str(pathlib.Path(sys.executable).parent), os.environ.get("PATH", "")))  # Parsl looks there for its programs


def caller(job, engine, *more, before=(), env=None):
    return job.start([*before, sys.executable, *(["-m", "mpi4py.futures"] if engine == "mpi" else []), HERE / "engine_job.py", engine, *more],
                     env={"PATH": PATH, **(env or {})}, cwd=job.folder)


# ---- each engine, undisturbed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine, module", [
    ("processes", "numpy"), ("local_dask", "distributed"),
    pytest.param("executorlib", "executorlib", marks=pytest.mark.long), pytest.param("parsl", "parsl", marks=pytest.mark.long)])
def test_engine(job, engine, module):
    needs(module)
    job.end(caller(job, engine))
    job.check(twice=0)


@pytest.fixture
def mpirun():
    needs("mpi4py")
    if not shutil.which("mpirun.openmpi"):
        pytest.skip("mpirun.openmpi not found")
    if not os.environ.get("TILEWORK_NODES_OWN_NETWORK"):
        pytest.skip("mpirun.openmpi listens to all networks, and this machine allows no network of its own")
    return ["mpirun.openmpi", "--oversubscribe", *(["--allow-run-as-root"] if os.geteuid() == 0 else []), "-n", "3"]


def test_mpi4py_futures(job, mpirun):
    job.end(caller(job, "mpi", before=mpirun, env=OMPI))
    job.check(twice=0)


def parent(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


@pytest.mark.long
def test_mpi4py_futures_worker_killed(job, mpirun):
    """MPI ends all processes. What was recorded stays."""
    job.hold(TILES // 2)
    running = caller(job, "mpi", before=mpirun, env=OMPI)
    os.kill(job.held(TILES // 2, running), signal.SIGKILL)
    job.end(running, good=range(1, 256))
    wait_for(lambda: not job.processes(), "all processes end")
    job.end(caller(job, "mpi", "resume", before=mpirun, env=OMPI))
    job.check()


def test_process_pool_worker_killed(job):
    """The Executor is broken, and another one resumes."""
    job.hold(TILES // 2)
    running = caller(job, "processes")
    os.kill(job.held(TILES // 2, running), signal.SIGKILL)
    text = job.end(running, good=(1,))
    assert "PoolError" in text
    assert job.run_folder.exists() and not job.result.exists()
    job.end(caller(job, "processes", "resume"))
    job.check()


# ---- programs that are nodes ---------------------------------------------------------------------------------------


def test_node_of_mpirun(job, mpirun):
    """tw.run returns on every rank, with the whole result; the others do the tiles of one that is killed."""
    job.hold(TILES // 2)
    running = caller(job, "auto", before=[*mpirun[:1], "--enable-recovery", *mpirun[1:]], env=OMPI)
    os.kill(parent(job.held(TILES // 2, running)), signal.SIGKILL)  # Python kernels run in worker processes
    text = job.end(running, good=range(256))
    assert text.count("done") == 2, text
    job.check()


# ---- Dask, each part of which may die --------------------------------------------------------------------------------


class Dask:
    """A scheduler and two workers, each a process that a test may kill."""

    def __init__(self, job):
        self.job, self.file, self.processes = job, job.signs / "scheduler.json", {}
        self.program = pathlib.Path(sys.executable).parent / "dask"
        self.env = {"NODES_SCHEDULER": str(self.file)}

    def start(self, name):
        words = {"scheduler": ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]}.get(
            name, ["worker", "--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard", "--no-nanny", "--name", name,
                   "--local-directory", self.job.signs / name, "--death-timeout", str(LIMIT)])
        with open(self.job.signs / f"{name}.said", "ab") as said:
            self.processes[name] = subprocess.Popen([str(word) for word in (self.program, *words, "--scheduler-file", self.file)],
                                                    env=self.job.env, cwd=self.job.signs, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        if name == "scheduler":
            wait_for(self.file.exists, "the scheduler runs")

    def start_all(self):
        for name in ("scheduler", "one", "two"):
            self.start(name)

    def kill(self, name):
        self.processes[name].kill()
        self.processes[name].wait()

    def stop(self):
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def name_of(self, pid):
        return next(name for name, process in self.processes.items() if process.pid == pid)


@pytest.fixture
def dask(job):
    needs("distributed")
    cluster = Dask(job)
    try:
        cluster.start_all()
        yield cluster
    finally:
        cluster.stop()


def finish(job, dask, *more):
    job.end(caller(job, "dask", *more, env=dask.env))
    dask.stop()
    job.check()


def test_dask_worker_killed(job, dask):
    """Another worker does its tasks again, in the same run."""
    job.hold(TILES // 2)
    running = caller(job, "dask", env=dask.env)
    dask.kill(dask.name_of(job.held(TILES // 2, running)))
    dask.start("three")
    job.end(running)
    dask.stop()
    job.check()


def test_dask_scheduler_killed(job, dask):
    """The run ends with an error; another cluster resumes."""
    job.hold(TILES // 2)
    running = caller(job, "dask", env=dask.env)
    job.held(TILES // 2, running)
    dask.kill("scheduler")
    text = job.end(running, good=(1,))
    assert "PoolError" in text
    for name in ("one", "two"):
        dask.kill(name)
    dask.file.unlink()
    dask.start_all()
    finish(job, dask, "resume")


def test_dask_caller_killed(job, dask):
    """Its tasks run to their end, and write; another caller resumes at the same time."""
    job.hold(TILES // 2)
    running = caller(job, "dask", env=dask.env)
    job.held(TILES // 2, running)
    running.kill()
    running.communicate()
    job.release(TILES // 2)
    finish(job, dask, "resume")
