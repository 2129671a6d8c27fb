#!/usr/bin/env python3
"""The tiles of bench/nodes.py by other engines, each as one who knows it would use it: `node_peers.py WHO OBJECT FILE
SIDE TILE WORKERS`. Rows of a picture into one .npy file. Workers find node_tiles.py by PYTHONPATH. Knows nothing of Tilework.
"""

import functools
import sys

import numpy

from node_tiles import compute, of_block


def by_dask(library, file, tiles, workers, _tile):
    import dask.distributed
    with dask.distributed.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None,
                                       host="127.0.0.1") as cluster, dask.distributed.Client(cluster) as client:
        done = client.map(functools.partial(compute, library, file), *zip(*tiles), pure=False)
        assert len(client.gather(done)) == len(tiles)


def by_daisy(library, file, tiles, workers, tile):
    import daisy
    size = tiles[-1][1]
    task = daisy.Task("rows", total_roi=daisy.Roi((0,), (size,)), read_roi=daisy.Roi((0,), (tile,)),
                      write_roi=daisy.Roi((0,), (tile,)), fit="shrink", read_write_conflict=False, max_workers=workers,
                      process_function=functools.partial(of_block, library=library, file=file))
    assert daisy.run_blockwise(task, progress=False, summary=False, block_tracking=False, host="127.0.0.1")


def by_mpi(library, file, tiles, workers, _tile):
    """Started by mpiexec with one rank more than there are workers."""
    from mpi4py.futures import MPICommExecutor
    with MPICommExecutor(max_workers=workers) as executor:
        if executor is not None:
            assert sum(executor.map(functools.partial(compute, library, file), *zip(*tiles))) == tiles[-1][1]


def main():
    who, library, file = sys.argv[1:4]
    side, tile, workers = map(int, sys.argv[4:])
    tiles = [(first, min(first + tile, side)) for first in range(0, side, tile)]
    is_first = True
    if who == "mpi":
        from mpi4py import MPI
        is_first = MPI.COMM_WORLD.rank == 0
    if is_first:
        numpy.lib.format.open_memmap(file, "w+", numpy.uint16, (side, side)).flush()
    {"dask": by_dask, "daisy": by_daisy, "mpi": by_mpi}[who](library, file, tiles, workers, tile)


if __name__ == "__main__":
    main()
