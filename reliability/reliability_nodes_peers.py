"""The job of reliability_nodes.py as the users of other tools write it: `reliability_nodes_peers.py TOOL FOLDER [WORD]`.

r[i,j] = y[i] * x[j] by rows into FOLDER/r.zarr, one chunk a tile, a tenth of a second a tile, with a fault in the middle of tile 5
(reliability_peers.py). Slurm is the cluster that SLURM_CONF names."""

import functools
import os
import pathlib
import subprocess
import sys

import numpy
import zarr
from reliability_peers import compute

ROWS, COLUMNS, TILES, TASKS, WORKERS = 64, 16384, 16, 4, 2
CHUNK = ROWS // TILES
TOOLS = {}


def tool(function):
    TOOLS[function.__name__] = function
    return function


def vectors():
    return numpy.arange(ROWS, dtype=float), numpy.arange(COLUMNS, dtype=float) / 7


def make(folder):
    """The whole array without values, which every task opens: made once."""
    if not (folder / "r.zarr").exists():
        zarr.create_array(folder / "r.zarr", shape=(ROWS, COLUMNS), chunks=(CHUNK, COLUMNS), dtype=float, compressors=None)


def fill(folder, tile):
    values = numpy.empty((CHUNK, COLUMNS))
    compute(values, *vectors(), tile, TILES)
    zarr.open_array(folder / "r.zarr", mode="r+")[tile * CHUNK:(tile + 1) * CHUNK] = values


# ---- a task of an array for each region ------------------------------------------------------------------------------


@tool
def array(folder, tasks):
    """Submits the array, or those of its tasks that are named."""
    make(folder)
    command = f"{sys.executable} {__file__} task {folder}"
    sys.exit(subprocess.run(["sbatch", "--parsable", "--requeue", f"--array={tasks or f'0-{TASKS - 1}'}", "--output=/dev/null",
                             "--wrap", command], check=False).returncode)


@tool
def task(folder, _):
    number = int(os.environ["SLURM_ARRAY_TASK_ID"])
    for tile in range(TILES * number // TASKS, TILES * (number + 1) // TASKS):
        fill(folder, tile)


# ---- Daisy: a server here, workers by srun, and markers of what is done ----------------------------------------------


def start_worker(folder):
    subprocess.run(["srun", "-n", "1", sys.executable, __file__, "daisy_worker", str(folder)], check=True)


@tool
def daisy_worker(folder, _):
    import daisy
    client = daisy.Client()
    while True:
        with client.acquire_block() as block:
            if block is None:
                return
            fill(folder, block.write_roi.begin[0] // CHUNK)


@tool
def daisy(folder, _):
    import daisy
    make(folder)
    roi = functools.partial(daisy.Roi, (0,))
    task = daisy.Task(task_id="r", total_roi=roi((ROWS,)), read_roi=roi((CHUNK,)), write_roi=roi((CHUNK,)), read_write_conflict=False,
                      process_function=functools.partial(start_worker, folder), max_workers=WORKERS, tracking_path=str(folder / "tracking"))
    sys.exit(0 if daisy.run_blockwise([task], progress=False) else 1)


# ---- Dask's workers as jobs of Slurm ---------------------------------------------------------------------------------


def block_of(y, block_info=None):
    tile = block_info[None]["chunk-location"][0]
    values = numpy.empty((CHUNK, COLUMNS))
    compute(values, *vectors(), tile, TILES)
    return values


@tool
def jobqueue(folder, _):
    import dask
    import dask.array
    import distributed
    from dask_jobqueue import SLURMCluster
    dask.config.set({"distributed.comm.timeouts.connect": "5s"})
    with SLURMCluster(cores=1, processes=1, memory="1GB", walltime=None, interface="lo", python=sys.executable, log_directory=str(folder / "logs"),
                      job_directives_skip=["--mem", "-t"], local_directory=str(folder / "dask"),
                      scheduler_options={"dashboard_address": None}) as cluster:
        cluster.scale(jobs=WORKERS)
        with distributed.Client(cluster):
            y, _ = vectors()
            rows = dask.array.from_array(y[:, None], chunks=(CHUNK, 1))
            r = rows.map_blocks(block_of, dtype=float, chunks=(CHUNK, COLUMNS), meta=numpy.empty((0, 0)))
            r.to_zarr(str(folder / "r.zarr"), overwrite=True, compute=True)


if __name__ == "__main__":
    TOOLS[sys.argv[1]](pathlib.Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "")
