#!/usr/bin/env python3
"""An Executor as a pool: Tilework's runs on Dask's LocalCluster of two processes beside map_blocks(...).to_zarr(...) of the same function
and tiles, and what a task costs beyond the engine's own empty one.

Rows are medians of paired rounds, in turn. `build/venv-bench/bin/python bench/executors.py` prints them; `--quick` is for a try.

    speed      map_blocks(...).to_zarr(...) / tw.run(..., pool=client): at least 1.5
    tasks      tasks of ours / Dask's: at most 0.1
    memory     growth of this process while a result of 0.5 GiB is made: at most 64 MiB
    task       milliseconds of one of our tasks, beyond the engine's own empty task: at most 5
    own pool   tw.run(..., pool=client) / tw.run(..., pool="processes"), tiles of 50 ms, from the first call on: at most 1.05
"""

import argparse
import concurrent.futures
import gc
import os
import pathlib
import resource
import shutil
import statistics
import tempfile
import time

import numpy as np
import tilework as tw


def smooth(a):
    return np.sqrt(a) + 1


def burn(y):
    """About 50 ms, whatever the machine: the loop runs until then."""
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    return y


def nothing(y):
    return y


def seconds(function, *arguments):
    gc.collect()
    began = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - began


def paired(ours, theirs, rounds):
    """Medians of both, and of the ratio theirs / ours."""
    times = []
    for turn in range(rounds):
        pair = {}
        for name, job in (("ours", ours), ("theirs", theirs))[::-1 if turn % 2 else 1]:
            pair[name] = seconds(job)
        times.append(pair)
    return (statistics.median(one["ours"] for one in times), statistics.median(one["theirs"] for one in times),
            statistics.median(one["theirs"] / one["ours"] for one in times))


def say(row, ours, theirs, ratio, bar, reached):
    print(f"{row:<34}{ours:>14}{theirs:>16}{ratio:>10}   {bar:<10}{'reached' if reached else 'NOT REACHED'}", flush=True)


class Counted:
    """An engine that counts what is submitted to it."""

    def __init__(self, client):
        self.client, self.tasks = client, 0
        self.__class__.__module__ = type(client).__module__  # it is taken for what it stands for

    def submit(self, *arguments, **options):
        self.tasks += 1
        return self.client.submit(*arguments, **options)

    def __getattr__(self, name):
        return getattr(self.client, name)


def beside_dask(client, folder, rows, columns, tile, rounds):
    import dask.array
    a = np.random.default_rng(0).random((rows, columns))
    np.save(folder / "a.npy", a)
    whole = np.load(folder / "a.npy", mmap_mode="r")
    counted = Counted(client)

    def ours():
        return tw.run(smooth, "a[i,k] -> r[i,k]", folder / "a.npy", out=folder / "r.npy", tiles={"i": tile}, pool=counted, dtype=float)

    def lazy():
        # Dask's own way to map a file: a chunk opens its part.
        chunks = ((tile,) * (rows // tile) + ((rows % tile,) if rows % tile else ()), (columns,))
        path = str(folder / "a.npy")
        source = dask.array.map_blocks(lambda block_info=None: np.load(path, mmap_mode="r")[
            slice(*block_info[None]["array-location"][0])], chunks=chunks, dtype=float)
        return source.map_blocks(smooth, dtype=float)

    def theirs():
        shutil.rmtree(folder / "r.zarr", ignore_errors=True)
        lazy().to_zarr(str(folder / "r.zarr"))

    ours()
    theirs()
    import zarr
    assert (zarr.open(str(folder / "r.zarr"))[...] == np.load(folder / "r.npy")).all() and whole.shape == a.shape
    counted.tasks = 0
    ours()
    mine = counted.tasks
    dasks = len(lazy().__dask_graph__()) + len(range(0, rows, tile))  # the stores are a task each
    our_seconds, their_seconds, ratio = paired(ours, theirs, rounds)
    say("speed beside to_zarr", f"{our_seconds:.3f} s", f"{their_seconds:.3f} s", f"{ratio:.2f}", ">= 1.5", ratio >= 1.5)
    say("tasks beside to_zarr", mine, dasks, f"{mine / dasks:.3f}", "<= 0.1", mine <= 0.1 * dasks)


def memory(client, folder):
    rows = 16384

    def made(y, r):
        r[...] = y[:, None]
    tw.run(made, "y[i] -> r[i,j]", np.arange(1000.0), lengths={"j": 4096}, out=folder / "small.npy", pool=client, tiles={"i": 100})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tw.run(made, "y[i] -> r[i,j]", np.arange(float(rows)), lengths={"j": 4096}, out=folder / "big.npy", pool=client, tiles={"i": 128})
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    say("caller's memory, 0.5 GiB result", f"{grown:.0f} MiB", "", "", "<= 64 MiB", grown <= 64)


def cost_of_a_task(name, pool, submit, folder, rounds):
    """What a task of ours costs, one after the other, beyond an empty one of the engine."""
    from tilework import _batches
    count = 40
    y = np.arange(float(count))
    saved = _batches.Batches.size, _batches.Batches.resize
    _batches.Batches.size = lambda self, left: 1  # a tile a task

    def one_at_a_time(self, slots):
        self.slots, self.window = slots, 1
    _batches.Batches.resize = one_at_a_time
    try:
        def all_tiles():
            tw.run(nothing, "y[i] -> r[i]", y, out=folder / "t.npy", tiles={"i": 1}, pool=pool, dtype=float)

        def one_tile():
            tw.run(nothing, "y[i] -> r[i]", y, out=folder / "t.npy", parts={"i": 1}, pool=pool, dtype=float)

        def empty():
            for _ in range(count - 1):
                submit().result()
        all_tiles()
        one_tile()
        empty()
        cost = []
        for _ in range(rounds):
            cost.append(1000 * (seconds(all_tiles) - seconds(one_tile) - seconds(empty)) / (count - 1))
    finally:
        _batches.Batches.size, _batches.Batches.resize = saved
    found = statistics.median(cost)
    say(f"a task on {name}", f"{found:.2f} ms more", "", "", "<= 5 ms", found <= 5)


def beside_own_pool(name, pool, folder, tiles, rounds):
    y = np.arange(float(tiles))

    def ours():
        tw.run(burn, "y[i] -> r[i]", y, out=folder / "o.npy", tiles={"i": 1}, pool=pool, dtype=float)

    def own():
        tw.run(burn, "y[i] -> r[i]", y, out=folder / "p.npy", tiles={"i": 1}, pool="processes", workers=2, dtype=float)
    ours()
    own()
    our_seconds, own_seconds, ratio = paired(ours, own, rounds)
    say(f"{name} beside our own pool", f"{our_seconds:.3f} s", f"{own_seconds:.3f} s", f"{1 / ratio:.3f}", "<= 1.05", 1 / ratio <= 1.05)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=pathlib.Path, help="where files are written")
    options = parser.parse_args()
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        print(f"bench/executors.py needs dask[distributed] and zarr: {error}")
        return 0
    rounds = 1 if options.quick else options.rounds
    print(f"{'row':<34}{'ours':>14}{'beside':>16}{'ratio':>10}   bar")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = pathlib.Path(name)
        with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1") as cluster, \
                Client(cluster) as client:
            beside_dask(client, folder, 64 * (50 if options.quick else 400), 1024, 64, rounds)
            memory(client, folder)
            cost_of_a_task("Dask", client, lambda: client.submit(int, pure=False), folder, rounds)
            beside_own_pool("Dask", client, folder, 40 if options.quick else 80, rounds)
        with concurrent.futures.ProcessPoolExecutor(2) as pool:
            cost_of_a_task("ProcessPoolExecutor", pool, lambda: pool.submit(int), folder, rounds)
            beside_own_pool("ProcessPoolExecutor", pool, folder, 40 if options.quick else 80, rounds)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    raise SystemExit(main())
