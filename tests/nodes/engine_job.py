"""The job of job.py as a Python program gives it to an engine: `engine_job.py ENGINE [resume]`, in the job's folder. The engine
`auto` is none: the program is a node, of a scheduler or launcher that started several of them.

NODES_FOLDER and NODES_REST are those of kernels.c, with the same meaning. For the engine `dask`, NODES_SCHEDULER is the file in
which its scheduler says where it is."""

import contextlib
import os
import sys
import time

import numpy as np

import tilework as tw

SIGNATURE = "y[i], x[j] -> r[i,j]"
PASSES = 4


def make_kernel(folder, rest):
    """A function that knows where its signs are, wherever it runs."""
    def fill(y, x, r, tile):
        r[...] = 0
        for turn in range(PASSES):
            r += np.multiply.outer(y, x) / PASSES
            time.sleep(rest / PASSES)
            if turn == PASSES // 2:
                hold(tile.number)
        with open(f"{folder}/log", "ab", buffering=0) as log:
            log.write(b"%d\n" % tile.number)

    def hold(tile):
        mine, during = f"{folder}/mine-{tile}-{os.getpid()}", f"{folder}/held-{tile}"
        try:
            os.rename(f"{folder}/hold-{tile}", mine)
        except FileNotFoundError:
            return
        with open(mine, "w", encoding="ascii") as sign:
            sign.write(f"{os.getpid()}\n")
        os.rename(mine, during)
        end = time.monotonic() + 60
        while os.path.exists(during) and time.monotonic() < end:
            time.sleep(0.01)

    return fill


# ---- engines: each gives what pool= takes ----------------------------------------------------------------------------


def processes():
    import concurrent.futures
    return concurrent.futures.ProcessPoolExecutor(2)


def dask():
    from distributed import Client
    return Client(scheduler_file=os.environ["NODES_SCHEDULER"])


@contextlib.contextmanager
def local_dask():
    from distributed import Client, LocalCluster
    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster, Client(cluster) as client:
        yield client


def mpi():
    from mpi4py.futures import MPIPoolExecutor
    return MPIPoolExecutor()


def parsl():
    from parsl.concurrent import ParslPoolExecutor
    from parsl.config import Config
    from parsl.executors import HighThroughputExecutor
    from parsl.providers import LocalProvider
    here = HighThroughputExecutor(label="here", max_workers_per_node=2, address="127.0.0.1", encrypted=False, cores_per_worker=0.5,
                                  provider=LocalProvider(init_blocks=1, max_blocks=1))
    return ParslPoolExecutor(Config(executors=[here], usage_tracking=0, initialize_logging=False,
                                    run_dir=os.environ["NODES_FOLDER"] + "/parsl"))


def executorlib():
    from executorlib import SingleNodeExecutor
    return SingleNodeExecutor(max_workers=2)


def auto():
    return contextlib.nullcontext()


ENGINES = {engine.__name__: engine for engine in (auto, processes, dask, local_dask, mpi, parsl, executorlib)}


def main():
    engine, more = ENGINES[sys.argv[1]], {word: True for word in sys.argv[2:]}
    kernel = make_kernel(os.environ["NODES_FOLDER"], float(os.environ["NODES_REST"]))
    with engine() as pool:
        more |= {"node": "auto"} if pool is None else {"pool": pool}
        r = tw.run(kernel, SIGNATURE, "y.npy", "x.npy", out="r.npy", tiles={"i": 1}, **more)
    # Every process that returns sees the whole result.
    assert np.array_equal(r, np.multiply.outer(np.load("y.npy"), np.load("x.npy")))
    print("done")


if __name__ == "__main__":
    main()
