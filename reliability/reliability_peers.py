"""The job of reliability.py as the users of other tools write it: `reliability_peers.py TOOL ROWS COLUMNS TILES WORKERS
OUTPUT LIMIT`.

r[i,j] = y[i] * x[j] by rows, a tenth of a second a tile, with a fault in the middle of tile 5; reliability_kernel.c does the
same in C. LIMIT is the seconds that the tool itself is asked to allow, in the way that it has for that; 0: none asked.
"""

import ctypes
import os
import signal
import sys
import time

import numpy

FAULTY_TILE = 5
TOOLS = {}


def tool(function):
    TOOLS[function.__name__] = function
    return function


def is_first_time():
    try:
        os.close(os.open(os.environ["RELIABILITY_MARK"], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def meet_fault():
    fault = os.environ.get("RELIABILITY_FAULT", "none")
    if fault == "raise":
        raise ValueError(f"no value for tile {FAULTY_TILE}")
    if fault == "none" or not is_first_time():
        return
    if fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault == "segv":
        ctypes.memset(8, 1, 1)
    elif fault == "exit":
        os._exit(3)
    elif fault == "hang":
        time.sleep(3600)


def compute(r, y, x, tile, tiles):
    """Fills the rows of one tile."""
    first, stop = len(y) * tile // tiles, len(y) * (tile + 1) // tiles
    for i in range(first, stop):
        r[i - first] = y[i] * x
        time.sleep(0.1 / (stop - first))
        if tile == FAULTY_TILE and i == (first + stop) // 2:
            meet_fault()
    with open(os.environ["RELIABILITY_LOG"], "ab") as log:
        log.write(b".")


def vectors(job):
    return numpy.arange(job.rows, dtype=float), numpy.arange(job.columns, dtype=float) / 7


class Job:
    def __init__(self, words):
        self.rows, self.columns, self.tiles, self.workers = map(int, words[:4])
        self.output = words[4]
        self.limit = float(words[5]) or None

    def rows_of(self, tile):
        return slice(self.rows * tile // self.tiles, self.rows * (tile + 1) // self.tiles)


# ---- multiprocessing.Pool into a shared array ----------------------------------------------------------------------

SHARED = {}


def keep_shared(job, buffer):
    SHARED.update(job=job, r=numpy.frombuffer(buffer).reshape(job.rows, job.columns))


def fill_shared(tile):
    job = SHARED["job"]
    compute(SHARED["r"][job.rows_of(tile)], *vectors(job), tile, job.tiles)


@tool
def pool(job):
    import multiprocessing
    buffer = multiprocessing.RawArray("d", job.rows * job.columns)
    keep_shared(job, buffer)
    with multiprocessing.Pool(job.workers, initializer=keep_shared, initargs=(job, buffer)) as workers:
        workers.map_async(fill_shared, range(job.tiles), chunksize=1).get(job.limit)
    numpy.save(job.output, SHARED["r"])


# ---- concurrent.futures.ProcessPoolExecutor into shared memory ------------------------------------------------------


def fill_named(job, name, tile):
    from multiprocessing import shared_memory
    memory = shared_memory.SharedMemory(name)
    try:
        r = numpy.frombuffer(memory.buf, count=job.rows * job.columns).reshape(job.rows, job.columns)
        compute(r[job.rows_of(tile)], *vectors(job), tile, job.tiles)
    finally:
        del r
        memory.close()


@tool
def executor(job):
    import concurrent.futures
    import functools
    from multiprocessing import shared_memory
    memory = shared_memory.SharedMemory(create=True, size=8 * job.rows * job.columns)
    try:
        with concurrent.futures.ProcessPoolExecutor(job.workers) as workers:
            list(workers.map(functools.partial(fill_named, job, memory.name), range(job.tiles), timeout=job.limit))
        r = numpy.frombuffer(memory.buf, count=job.rows * job.columns).reshape(job.rows, job.columns)
        numpy.save(job.output, r)
        del r
    finally:
        memory.close()
        memory.unlink()


# ---- joblib (loky) into a memory-mapped file, as its documentation has it -------------------------------------------


def fill_mapped(job, r, tile):
    compute(r[job.rows_of(tile)], *vectors(job), tile, job.tiles)


@tool
def joblib(job):
    import joblib
    r = numpy.lib.format.open_memmap(job.output, "w+", dtype=float, shape=(job.rows, job.columns))
    joblib.Parallel(n_jobs=job.workers, timeout=job.limit, batch_size=1)(
        joblib.delayed(fill_mapped)(job, r, tile) for tile in range(job.tiles))
    r.flush()


# ---- Dask, a local cluster of processes -----------------------------------------------------------------------------


def tile_of(job, tile):
    rows = job.rows_of(tile)
    r = numpy.empty((rows.stop - rows.start, job.columns))
    compute(r, *vectors(job), tile, job.tiles)
    return r


@tool
def dask(job):
    import logging

    import dask.array
    import distributed
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with distributed.LocalCluster(n_workers=job.workers, threads_per_worker=1, dashboard_address=None) as cluster:
        with distributed.Client(cluster) as client:
            parts = [dask.array.from_delayed(dask.delayed(tile_of, pure=False)(job, tile),
                                             (job.rows_of(tile).stop - job.rows_of(tile).start, job.columns), float)
                     for tile in range(job.tiles)]
            future = client.compute(dask.array.concatenate(parts))
            numpy.save(job.output, future.result(timeout=job.limit))


# ---- mpi4py, each rank its rows, gathered by rank 0 -----------------------------------------------------------------


@tool
def mpi(job):
    from mpi4py import MPI
    world = MPI.COMM_WORLD
    mine = range(job.tiles * world.rank // world.size, job.tiles * (world.rank + 1) // world.size)
    r = numpy.concatenate([tile_of(job, tile) for tile in mine])
    parts = world.gather(r)
    if world.rank == 0:
        numpy.save(job.output, numpy.concatenate(parts))


if __name__ == "__main__":
    TOOLS[sys.argv[1]](Job(sys.argv[2:]))
